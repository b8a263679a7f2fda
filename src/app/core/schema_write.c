/* Schema tables as JSON Schema (draft 2020-12, the dialect of OpenAPI 3.1 and AsyncAPI 3.0). */
#include "app/core/schema.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdio.h>

static const struct {
    const char *type, *format;
} names[] = {
    [WB_STR] = {"string", NULL},         [WB_INT] = {"integer", NULL},
    [WB_NUM] = {"number", NULL},         [WB_BOOL] = {"boolean", NULL},
    [WB_TRUE] = {"boolean", NULL},       [WB_FALSE] = {"boolean", NULL},
    [WB_TIME] = {"string", "date-time"}, [WB_UUID] = {"string", "uuid"},
    [WB_EMAIL] = {"string", "email"},    [WB_URI] = {"string", "uri"},
    [WB_ENUM] = {"string", NULL},        [WB_REF] = {"object", NULL},
    [WB_LIST] = {"array", NULL},         [WB_ANY] = {"object", NULL},
};

static void write_type(struct bx_json_writer *w, const struct wb_field *f)
{
    bx_json_key(w, "type");
    if (f->flags & WB_NULLABLE) {
        bx_json_array(w);
        bx_json_cstr(w, names[f->type].type);
        bx_json_cstr(w, "null");
        bx_json_end(w);
    } else {
        bx_json_cstr(w, names[f->type].type);
    }
}

static void write_choices(struct bx_json_writer *w, const char *choices, bool has_null)
{
    bx_json_key(w, "enum");
    bx_json_array(w);
    struct bx_str rest = bx_str(choices), choice;
    while (bx_str_split(&rest, '|', &choice))
        bx_json_str(w, choice);
    if (has_null)
        bx_json_null(w);
    bx_json_end(w);
}

static void write_bounds(struct bx_json_writer *w, const struct wb_field *f)
{
    if (f->min == 0 && f->max == 0)
        return;
    bool is_text = f->type == WB_STR, is_list = f->type == WB_LIST;
    bx_json_key_i64(w, is_text ? "minLength" : is_list ? "minItems" : "minimum", f->min);
    bx_json_key_i64(w, is_text ? "maxLength" : is_list ? "maxItems" : "maximum", f->max);
}

static void write_items(struct bx_json_writer *w, const struct wb_field *f)
{
    bx_json_key(w, "items");
    if (f->ref) {
        wb_schema_write(w, f->ref);
        return;
    }
    struct wb_field item = {.type = f->item, .choices = f->choices};
    if (f->item == WB_INT) /* ids */
        item.min = 1, item.max = WB_INT_MAX;
    wb_field_write(w, &item);
}

static void write_ref(struct bx_json_writer *w, const struct wb_field *f)
{
    bx_json_object(w);
    bx_json_key(w, "oneOf");
    bx_json_array(w);
    wb_schema_write(w, f->ref);
    bx_json_object(w);
    bx_json_key_cstr(w, "type", "null");
    bx_json_end(w);
    bx_json_end(w);
    bx_json_end(w);
}

void wb_field_write(struct bx_json_writer *w, const struct wb_field *f)
{
    if (f->type == WB_REF) {
        if (f->flags & WB_NULLABLE)
            write_ref(w, f);
        else
            wb_schema_write(w, f->ref);
        return;
    }
    bx_json_object(w);
    write_type(w, f);
    if (f->type == WB_TRUE || f->type == WB_FALSE)
        bx_json_key_bool(w, "const", f->type == WB_TRUE);
    if (f->flags & WB_SECRET)
        bx_json_key_cstr(w, "format", "password");
    else if (names[f->type].format)
        bx_json_key_cstr(w, "format", names[f->type].format);
    if (f->type == WB_ENUM)
        write_choices(w, f->choices, f->flags & WB_NULLABLE);
    if (f->type == WB_LIST)
        write_items(w, f);
    write_bounds(w, f);
    if (f->help)
        bx_json_key_cstr(w, "description", f->help);
    if (f->fallback)
        bx_json_key_raw(w, "default", bx_str(f->fallback));
    bx_json_end(w);
}

/* A required field with an alias is "one of the two". */
static void write_required(struct bx_json_writer *w, const struct wb_schema *schema)
{
    bool is_open = false, has_alias = false;
    for (const struct wb_field *f = schema->fields; f->type != WB_END; f++) {
        if (!(f->flags & WB_REQUIRED))
            continue;
        if (f->alias) {
            has_alias = true;
            continue;
        }
        if (!is_open) {
            bx_json_key(w, "required");
            bx_json_array(w);
        }
        is_open = true;
        bx_json_cstr(w, f->name);
    }
    if (is_open)
        bx_json_end(w);
    if (!has_alias)
        return;
    bx_json_key(w, "allOf");
    bx_json_array(w);
    for (const struct wb_field *f = schema->fields; f->type != WB_END; f++) {
        if (!(f->flags & WB_REQUIRED) || !f->alias)
            continue;
        const char *either[] = {f->name, f->alias};
        bx_json_object(w);
        bx_json_key(w, "anyOf");
        bx_json_array(w);
        for (size_t i = 0; i < BX_LEN(either); i++) {
            bx_json_object(w);
            bx_json_key(w, "required");
            bx_json_array(w);
            bx_json_cstr(w, either[i]);
            bx_json_end(w);
            bx_json_end(w);
        }
        bx_json_end(w);
        bx_json_end(w);
    }
    bx_json_end(w);
}

void wb_schema_write_body(struct bx_json_writer *w, const struct wb_schema *schema)
{
    bx_json_object(w);
    bx_json_key_cstr(w, "type", schema->choices ? "string" : "object");
    if (schema->help)
        bx_json_key_cstr(w, "description", schema->help);
    if (schema->choices) {
        write_choices(w, schema->choices, false);
        bx_json_end(w);
        return;
    }
    bx_json_key(w, "properties");
    bx_json_object(w);
    for (const struct wb_field *f = schema->fields; f->type != WB_END; f++) {
        bx_json_key(w, f->name);
        wb_field_write(w, f);
        if (f->alias) {
            bx_json_key(w, f->alias);
            wb_field_write(w, f);
        }
    }
    bx_json_end(w);
    if (schema->is_partial)
        bx_json_key_i64(w, "minProperties", 1);
    else
        write_required(w, schema);
    bx_json_end(w);
}

void wb_schema_write(struct bx_json_writer *w, const struct wb_schema *schema)
{
    if (!schema->name) {
        wb_schema_write_body(w, schema);
        return;
    }
    char ref[128];
    snprintf(ref, sizeof ref, "#/components/schemas/%s", schema->name);
    bx_json_object(w);
    bx_json_key_cstr(w, "$ref", ref);
    bx_json_end(w);
}

void wb_schema_collect(struct wb_schema_set *set, const struct wb_schema *schema)
{
    for (size_t i = 0; i < set->count; i++) {
        if (set->list[i] == schema)
            return;
    }
    BX_ASSERT(set->count < BX_LEN(set->list));
    if (schema->name)
        set->list[set->count++] = schema;
    for (const struct wb_field *f = schema->fields; f && f->type != WB_END; f++) {
        if (f->ref)
            wb_schema_collect(set, f->ref);
    }
}

void wb_schema_set_write(struct bx_json_writer *w, const struct wb_schema_set *set)
{
    bx_json_key(w, "schemas");
    bx_json_object(w);
    for (size_t i = 0; i < set->count; i++) {
        bx_json_key(w, set->list[i]->name);
        wb_schema_write_body(w, set->list[i]);
    }
    bx_json_end(w);
}
