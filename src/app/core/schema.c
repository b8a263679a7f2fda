#include "app/core/schema.h"

#include "base/err.h"
#include "base/fold.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <string.h>

/* The value of a field under its name or its alias, NULL when absent or null. */
static json_t *field_value(const json_t *object, const struct wb_field *field)
{
    json_t *value = json_object_get(object, field->name);
    if (!value && field->alias)
        value = json_object_get(object, field->alias);
    return value && !json_is_null(value) ? value : NULL;
}

static struct bx_str text_of(const json_t *value)
{
    return bx_str_n(json_string_value(value), json_string_length(value));
}

static bool is_email(struct bx_str s)
{
    size_t at = bx_str_find(s, '@');
    struct bx_str host = bx_str_slice(s, at + 1, s.len);
    size_t dot = bx_str_find(host, '.');
    return at > 0 && at < s.len && dot > 0 && dot + 1 < host.len && s.len <= 254 &&
           bx_str_find(host, '@') == host.len && bx_str_find(s, ' ') == s.len;
}

static bool is_choice(const char *choices, struct bx_str s)
{
    struct bx_str rest = bx_str(choices), choice;
    while (bx_str_split(&rest, '|', &choice)) {
        if (bx_str_eq(choice, s))
            return true;
    }
    return false;
}

static bool is_uuid(struct bx_str s)
{
    return s.len == 36 && s.ptr[8] == '-' && s.ptr[13] == '-' && s.ptr[18] == '-' &&
           s.ptr[23] == '-';
}

static bool is_within(const struct wb_field *f, int64_t n)
{
    return (f->min == 0 && f->max == 0) || (n >= f->min && n <= f->max);
}

static bool str_fits(const struct wb_field *f, struct bx_str s)
{
    if (!(f->flags & WB_BLANK_OK) && bx_fold_is_blank(s))
        return false;
    return is_within(f, (int64_t)bx_utf8_utf16_len(s));
}

static bool value_fits(const struct wb_field *f, enum wb_type type, const json_t *value);

static bool list_fits(const struct wb_field *f, const json_t *list)
{
    if (!json_is_array(list) || !is_within(f, (int64_t)json_array_size(list)))
        return false;
    struct wb_field item = {.type = f->item, .choices = f->choices};
    if (f->item == WB_INT)
        item.min = 1, item.max = WB_INT_MAX;
    for (size_t i = 0; i < json_array_size(list); i++) {
        if (!value_fits(&item, f->ref ? WB_ANY : f->item, json_array_get(list, i)))
            return false;
    }
    return true;
}

static bool value_fits(const struct wb_field *f, enum wb_type type, const json_t *value)
{
    switch (type) {
    case WB_STR:
    case WB_URI:
    case WB_TIME:
        return json_is_string(value) && str_fits(f, text_of(value));
    case WB_EMAIL:
        return json_is_string(value) && is_email(text_of(value));
    case WB_UUID:
        return json_is_string(value) && is_uuid(text_of(value));
    case WB_ENUM:
        return json_is_string(value) && is_choice(f->choices, text_of(value));
    case WB_INT:
        return json_is_integer(value) && is_within(f, json_integer_value(value));
    case WB_NUM:
        return json_is_number(value);
    case WB_BOOL:
        return json_is_boolean(value);
    case WB_TRUE:
        return json_is_true(value);
    case WB_FALSE:
        return json_is_false(value);
    case WB_LIST:
        return list_fits(f, value);
    case WB_REF:
        if (f->ref->choices)
            return json_is_string(value) && is_choice(f->ref->choices, text_of(value));
        return json_is_object(value);
    case WB_ANY:
        return json_is_object(value);
    case WB_END:
        break;
    }
    return false;
}

static const char *const type_words[] = {
    [WB_STR] = "a text",         [WB_INT] = "a whole number", [WB_NUM] = "a number",
    [WB_BOOL] = "true or false", [WB_TRUE] = "true",          [WB_FALSE] = "false",
    [WB_TIME] = "a time",        [WB_UUID] = "a UUID",        [WB_EMAIL] = "an e-mail address",
    [WB_URI] = "an address",     [WB_ENUM] = "one of",        [WB_REF] = "an object",
    [WB_LIST] = "a list",        [WB_ANY] = "an object"};

static void describe(const struct wb_field *f, struct bx_buf *message)
{
    if (f->message) {
        bx_buf_str(message, bx_str(f->message));
        return;
    }
    bx_buf_printf(message, "%s must be %s", f->name, type_words[f->type]);
    if (f->type == WB_ENUM)
        bx_buf_printf(message, " %s", f->choices);
    else if (f->type == WB_STR && f->max)
        bx_buf_printf(message, " of %lld to %lld characters", (long long)f->min, (long long)f->max);
    else if (f->max)
        bx_buf_printf(message, " from %lld to %lld", (long long)f->min, (long long)f->max);
}

int wb_schema_check(const struct wb_schema *schema, const json_t *object, struct bx_buf *message,
                    const char **out_field)
{
    unsigned seen = 0;
    for (const struct wb_field *f = schema->fields; f->type != WB_END; f++) {
        const json_t *value = field_value(object, f);
        bool clears = (f->flags & WB_NULLABLE) && json_is_null(json_object_get(object, f->name));
        seen += value || clears;
        *out_field = f->name;
        if (!value && (f->flags & WB_REQUIRED) && !schema->is_partial) {
            bx_buf_printf(message, "%s is required", f->name);
            return BX_E_INVALID;
        }
        if (value && !value_fits(f, f->type, value)) {
            describe(f, message);
            return BX_E_INVALID;
        }
        if (value && f->type == WB_REF && !f->ref->choices) {
            int rc = wb_schema_check(f->ref, value, message, out_field);
            if (rc < 0)
                return rc;
        }
    }
    if (schema->is_partial && seen == 0) {
        *out_field = schema->fields[0].name;
        bx_buf_lit(message, "Nothing to change: send at least one field");
        return BX_E_INVALID;
    }
    return BX_OK;
}

struct bx_str wb_json_str(const json_t *body, const char *name)
{
    const json_t *value = json_object_get(body, name);
    return json_is_string(value) ? text_of(value) : (struct bx_str){0};
}

int64_t wb_json_int(const json_t *body, const char *name, int64_t fallback)
{
    const json_t *value = json_object_get(body, name);
    return json_is_integer(value) ? json_integer_value(value) : fallback;
}

bool wb_json_bool(const json_t *body, const char *name, bool fallback)
{
    const json_t *value = json_object_get(body, name);
    return json_is_boolean(value) ? json_is_true(value) : fallback;
}
