/* OpenAPI 3.1 from the route table. Vendor keys for tests and tools: x-access (the rule), x-scope
 * (of an api key), x-audit.
 */
#include "app/core/context.h"
#include "app/rest/docs.h"
#include "app/rest/route.h"
#include "app/views/shapes.h"

#include <ctype.h>
#include <stdio.h>

static const char *const access_names[] = {[WB_PUBLIC] = "public",
                                           [WB_USER] = "user",
                                           [WB_ADMIN] = "admin",
                                           [WB_ADMIN_OF_NUMBER] = "admin",
                                           [WB_ADMIN_OF_SESSION] = "admin",
                                           [WB_OF_NUMBER] = "number",
                                           [WB_OF_CHAT] = "chat",
                                           [WB_OF_SESSION] = "session",
                                           [WB_OF_MESSAGE] = "message",
                                           [WB_OF_CONTACT] = "contact"};

static void write_param(struct bx_json_writer *w, struct bx_str name, const char *in,
                        const struct wb_field *field, bool is_required)
{
    bx_json_object(w);
    bx_json_key_str(w, "name", name);
    bx_json_key_cstr(w, "in", in);
    bx_json_key_bool(w, "required", is_required);
    if (field->help)
        bx_json_key_cstr(w, "description", field->help);
    bx_json_key(w, "schema");
    wb_field_write(w, field);
    bx_json_end(w);
}

static void write_path_param(struct bx_json_writer *w, struct bx_str shown, struct bx_str own)
{
    static const enum wb_type types[] = {[WB_PARAM_ID] = WB_INT,
                                         [WB_PARAM_SESSION] = WB_UUID,
                                         [WB_PARAM_CHAT] = WB_UUID,
                                         [WB_PARAM_MESSAGE] = WB_UUID,
                                         [WB_PARAM_TEXT] = WB_STR};
    static const char *const helps[] = {[WB_PARAM_ID] = "Row id.",
                                        [WB_PARAM_SESSION] = "Id of a session.",
                                        [WB_PARAM_CHAT] = "Id of a chat.",
                                        [WB_PARAM_MESSAGE] = "Id of a message.",
                                        [WB_PARAM_TEXT] = "Text."};
    enum wb_param_kind kind = wb_param_kind(own);
    struct wb_field field = {.type = types[kind], .help = helps[kind]};
    if (kind == WB_PARAM_ID)
        field.min = 1, field.max = INT64_C(9007199254740991);
    write_param(w, shown, "path", &field, true);
}

static void write_params(struct bx_json_writer *w, const struct wb_route *r, struct bx_str shown)
{
    bx_json_key(w, "parameters");
    bx_json_array(w);
    struct bx_str rest = bx_str(r->path), piece, shown_piece;
    bool has_own = true;
    for (; has_own && bx_str_split(&shown, '/', &shown_piece);) {
        /* the shown path has the prefix in front */
        if (shown_piece.len < 2 || shown_piece.ptr[0] != '{')
            continue;
        do
            has_own = bx_str_split(&rest, '/', &piece);
        while (has_own && (piece.len < 2 || piece.ptr[0] != '{'));
        if (has_own)
            write_path_param(w, bx_str_slice(shown_piece, 1, shown_piece.len - 1),
                             bx_str_slice(piece, 1, piece.len - 1));
    }
    for (const struct wb_field *f = r->query ? r->query->fields : NULL; f && f->type != WB_END;
         f++) {
        write_param(w, bx_str(f->name), "query", f, false);
        if (f->alias)
            write_param(w, bx_str(f->alias), "query", f, false);
    }
    if (r->flags & WB_IDEMPOTENT) {
        struct wb_field key = {.type = WB_STR,
                               .min = 1,
                               .max = 255,
                               .help = "The same key with the same body is done once."};
        write_param(w, BX_STR("Idempotency-Key"), "header", &key, false);
    }
    bx_json_end(w);
}

static void write_content(struct bx_json_writer *w, const struct wb_schema *schema)
{
    bx_json_key(w, "content");
    bx_json_object(w);
    bx_json_key(w, "application/json");
    bx_json_object(w);
    bx_json_key(w, "schema");
    wb_schema_write(w, schema);
    bx_json_end(w);
    bx_json_end(w);
}

static void write_failure(struct bx_json_writer *w, int status)
{
    char code[8];
    snprintf(code, sizeof code, "%d", status);
    bx_json_key(w, code);
    bx_json_object(w);
    bx_json_key_cstr(w, "description", http_reason(status));
    write_content(w, &wb_error_shape);
    bx_json_end(w);
}

/* Which failures a row can answer follows from the row. */
static bool can_fail_with(const struct wb_route *r, int status)
{
    bool has_param = strchr(r->path, '{') != NULL, has_query = r->query != NULL;
    switch (status) {
    case 400:
        return r->body || has_param || has_query || (r->flags & WB_CONFLICTS) ||
               r->method != HTTP_GET;
    case 401:
        return r->access != WB_PUBLIC || (r->flags & WB_HASHES);
    case 403:
        return r->access != WB_PUBLIC;
    case 404:
        return has_param || r->body;
    case 409:
        return r->flags & (WB_CONFLICTS | WB_IDEMPOTENT);
    case 413:
    case 415:
        return r->body != NULL;
    case 422:
        return r->flags & WB_IDEMPOTENT;
    case 429:
        return r->rate != WB_RATE_FREE;
    case 414:
        return has_param || has_query;
    case 408:
    case 431:
    case 500:
    case 503:
        return true;
    default:
        return false;
    }
}

static void write_answers(struct bx_json_writer *w, const struct wb_route *r)
{
    static const int failures[] = {400, 401, 403, 404, 408, 409, 413,
                                   414, 415, 422, 429, 431, 500, 503};
    char code[8];
    snprintf(code, sizeof code, "%d", r->status ? r->status : 200);
    bx_json_key(w, "responses");
    bx_json_object(w);
    bx_json_key(w, code);
    bx_json_object(w);
    bx_json_key_cstr(w, "description", r->summary);
    if (r->answer)
        write_content(w, r->answer);
    bx_json_end(w);
    for (size_t i = 0; i < sizeof failures / sizeof failures[0]; i++) {
        if (can_fail_with(r, failures[i]))
            write_failure(w, failures[i]);
    }
    bx_json_end(w);
}

static void write_security(struct bx_json_writer *w, const struct wb_route *r)
{
    static const char *const ways[] = {"bearer", "apiKey"};
    bx_json_key(w, "security");
    bx_json_array(w);
    size_t count = r->access == WB_PUBLIC ? 0 : r->scope & 0x80u ? 1 : 2;
    for (size_t i = 0; i < count; i++) {
        bx_json_object(w);
        bx_json_key(w, ways[i]);
        bx_json_array(w);
        bx_json_end(w);
        bx_json_end(w);
    }
    bx_json_end(w);
}

static const char *scope_name(unsigned scope)
{
    return scope & 0x80u             ? "none"
           : scope & ST_SCOPE_MANAGE ? "manage"
           : scope & ST_SCOPE_SEND   ? "send"
           : scope & ST_SCOPE_READ   ? "read"
                                     : "any";
}

static void write_operation(struct bx_json_writer *w, const struct wb_route *r, struct bx_str shown)
{
    char method[8], id[128];
    size_t len = 0;
    for (const char *m = wb_method_name(r->method); *m && len + 1 < sizeof method; m++)
        method[len++] = (char)tolower(*m);
    method[len] = '\0';
    len = (size_t)snprintf(id, sizeof id, "%s", method);
    for (const char *p = r->path; *p && len + 1 < sizeof id; p++)
        id[len++] = isalnum((unsigned char)*p) ? *p : '_';
    id[len] = '\0';
    bx_json_key(w, method);
    bx_json_object(w);
    bx_json_key_cstr(w, "operationId", id);
    bx_json_key(w, "tags");
    bx_json_array(w);
    bx_json_cstr(w, r->tag);
    bx_json_end(w);
    bx_json_key_cstr(w, "summary", r->summary);
    if (r->flags & WB_ALIAS)
        bx_json_key_bool(w, "deprecated", true);
    bx_json_key_cstr(w, "x-access", access_names[r->access]);
    bx_json_key_cstr(w, "x-scope", scope_name(r->scope));
    if (r->audit)
        bx_json_key_cstr(w, "x-audit", r->audit);
    write_params(w, r, shown);
    if (r->body) {
        bx_json_key(w, "requestBody");
        bx_json_object(w);
        bx_json_key_bool(w, "required", !(r->flags & WB_BODY_OPTIONAL));
        write_content(w, r->body);
        bx_json_end(w);
    }
    write_answers(w, r);
    write_security(w, r);
    bx_json_end(w);
}

/* Same template but for the names in braces? OpenAPI has one path for both. */
static bool is_same_path(const struct wb_route *a, const struct wb_route *b)
{
    struct bx_str x = bx_str(a->path), y = bx_str(b->path), p, q;
    if ((a->flags ^ b->flags) & WB_NO_PREFIX)
        return false;
    for (;;) {
        bool has_p = bx_str_split(&x, '/', &p), has_q = bx_str_split(&y, '/', &q);
        if (!has_p || !has_q)
            return has_p == has_q;
        bool both = p.len && q.len && p.ptr[0] == '{' && q.ptr[0] == '{';
        if (!both && !bx_str_eq(p, q))
            return false;
    }
}

static bool is_first_of_path(const struct wb_route_list *routes, size_t i)
{
    for (size_t k = 0; k < i; k++) {
        if (is_same_path(&routes->rows[k], &routes->rows[i]))
            return false;
    }
    return true;
}

static void write_paths(struct bx_json_writer *w, const struct wb_route_list *routes,
                        struct bx_arena *arena)
{
    bx_json_key(w, "paths");
    bx_json_object(w);
    for (size_t i = 0; i < routes->count; i++) {
        if (!is_first_of_path(routes, i))
            continue;
        struct bx_str shown = wb_route_path(&routes->rows[i], arena);
        bx_json_key_n(w, shown);
        bx_json_object(w);
        for (size_t k = i; k < routes->count; k++) {
            if (is_same_path(&routes->rows[i], &routes->rows[k]))
                write_operation(w, &routes->rows[k], shown);
        }
        bx_json_end(w);
    }
    bx_json_end(w);
}

static void write_components(struct bx_json_writer *w, const struct wb_route_list *routes)
{
    static struct wb_schema_set set;
    set.count = 0;
    wb_schema_collect(&set, &wb_error_shape);
    for (size_t i = 0; i < routes->count; i++) {
        if (routes->rows[i].body)
            wb_schema_collect(&set, routes->rows[i].body);
        if (routes->rows[i].answer)
            wb_schema_collect(&set, routes->rows[i].answer);
    }
    bx_json_key(w, "components");
    bx_json_object(w);
    bx_json_key_raw(w, "securitySchemes",
                    BX_STR("{\"bearer\":{\"type\":\"http\",\"scheme\":\"bearer\","
                           "\"bearerFormat\":\"JWT\"},\"apiKey\":{\"type\":\"apiKey\",\"in\":"
                           "\"header\",\"name\":\"X-Api-Key\"}}"));
    wb_schema_set_write(w, &set);
    bx_json_end(w);
}

int wb_openapi_write(const struct wb_route_list *routes, struct bx_buf *out)
{
    struct bx_arena arena;
    struct bx_json_writer w;
    bx_arena_init(&arena, 0);
    bx_json_writer_init(&w, out);
    bx_json_object(&w);
    bx_json_key_cstr(&w, "openapi", "3.1.0");
    bx_json_key(&w, "info");
    bx_json_object(&w);
    bx_json_key_cstr(&w, "title", "WaBox API");
    bx_json_key_cstr(&w, "version", WB_VERSION);
    bx_json_key_cstr(&w, "description",
                     "Multi-number WhatsApp inbox. Log in with POST /api/v1/auth/login and send "
                     "the token as Authorization: Bearer, or use an API key as X-Api-Key.");
    bx_json_end(&w);
    bx_json_key_raw(&w, "servers", BX_STR("[{\"url\":\"/\"}]"));
    write_paths(&w, routes, &arena);
    write_components(&w, routes);
    bx_json_end(&w);
    bx_arena_done(&arena);
    return bx_json_writer_rc(&w);
}
