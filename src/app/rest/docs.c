/* The documents' handlers and the texts made for people and tools. */
#include "app/rest/docs.h"

#include "app/core/context.h"
#include "app/rest/docs_files.h"
#include "app/rest/route.h"
#include "app/views/shapes.h"

#define END                                                                                        \
    {                                                                                              \
        .type = WB_END                                                                             \
    }

const struct wb_schema wb_document_shape = {
    .name = "Document",
    .is_open = true,
    .fields = (const struct wb_field[]){{"info", WB_ANY, MUST}, END}};

int wb_docs_openapi(struct wb_request *rq)
{
    return wb_openapi_write(rq->app->routes, &rq->out);
}

int wb_docs_postman(struct wb_request *rq)
{
    return wb_postman_write(rq->app->routes, &rq->out);
}

static int answer_file(struct wb_request *rq, struct bx_str name)
{
    for (size_t i = 0; i < wb_docs_file_count; i++) {
        const struct wb_docs_file *f = &wb_docs_files[i];
        if (!bx_str_eq(bx_str(f->name), name))
            continue;
        rq->content_type_out = f->type;
        http_add_header(rq->x, "Content-Security-Policy",
                        BX_STR("default-src 'self'; img-src 'self' data:; "
                               "style-src 'self' 'unsafe-inline'; object-src 'none'; "
                               "frame-ancestors 'none'; base-uri 'none'; form-action 'none'"));
        return bx_buf_append(&rq->out, f->data, f->size);
    }
    return wb_fail(rq, BX_E_NOT_FOUND, "There is nothing at this address.");
}

int wb_docs_page(struct wb_request *rq)
{
    return answer_file(rq, BX_STR("index.html"));
}

int wb_docs_file(struct wb_request *rq)
{
    return answer_file(rq, rq->texts[0]);
}

/* --- Postman collection v2.1 --- */

static struct bx_str postman_url(const struct wb_route *r, struct bx_arena *arena)
{
    struct bx_str path = wb_route_path(r, arena);
    struct bx_buf url;
    bx_buf_init(&url, 0);
    bx_buf_lit(&url, "{{baseUrl}}");
    for (size_t i = 0; i < path.len; i++) {
        if (path.ptr[i] == '{')
            bx_buf_lit(&url, ":");
        else if (path.ptr[i] != '}')
            bx_buf_byte(&url, (uint8_t)path.ptr[i]);
    }
    struct bx_str text = bx_arena_str(arena, bx_buf_view(&url));
    bx_buf_done(&url);
    return text;
}

static void postman_item(struct bx_json_writer *w, const struct wb_route *r, struct bx_arena *arena)
{
    bx_json_object(w);
    bx_json_key_cstr(w, "name", r->summary);
    bx_json_key(w, "request");
    bx_json_object(w);
    bx_json_key_cstr(w, "method", wb_method_name(r->method));
    bx_json_key_str(w, "url", postman_url(r, arena));
    bx_json_key_raw(w, "header",
                    r->body ? BX_STR("[{\"key\":\"Content-Type\",\"value\":\"application/json\"}]")
                            : BX_STR("[]"));
    if (r->access == WB_PUBLIC)
        bx_json_key_raw(w, "auth", BX_STR("{\"type\":\"noauth\"}"));
    if (r->body) {
        struct bx_buf raw;
        bx_buf_init(&raw, 0);
        bx_buf_lit(&raw, "{");
        for (const struct wb_field *f = r->body->fields; f->type != WB_END; f++)
            bx_buf_printf(&raw, "%s\n  \"%s\": %s", f == r->body->fields ? "" : ",", f->name,
                          f->type == WB_INT    ? "1"
                          : f->type == WB_BOOL ? "true"
                          : f->type == WB_LIST ? "[]"
                                               : "\"\"");
        bx_buf_lit(&raw, "\n}");
        bx_json_key(w, "body");
        bx_json_object(w);
        bx_json_key_cstr(w, "mode", "raw");
        bx_json_key_str(w, "raw", bx_buf_view(&raw));
        bx_json_end(w);
        bx_buf_done(&raw);
    }
    bx_json_end(w);
    bx_json_end(w);
}

int wb_postman_write(const struct wb_route_list *routes, struct bx_buf *out)
{
    struct bx_arena arena;
    struct bx_json_writer w;
    bx_arena_init(&arena, 0);
    bx_json_writer_init(&w, out);
    bx_json_object(&w);
    bx_json_key_raw(
        &w, "info",
        BX_STR("{\"name\":\"WaBox\",\"schema\":"
               "\"https://schema.getpostman.com/json/collection/v2.1.0/collection.json\"}"));
    bx_json_key_raw(&w, "auth",
                    BX_STR("{\"type\":\"bearer\",\"bearer\":[{\"key\":\"token\",\"value\":"
                           "\"{{token}}\",\"type\":\"string\"}]}"));
    bx_json_key_raw(&w, "variable",
                    BX_STR("[{\"key\":\"baseUrl\",\"value\":\"http://localhost:5000\"},"
                           "{\"key\":\"token\",\"value\":\"\"}]"));
    bx_json_key(&w, "item");
    bx_json_array(&w);
    for (size_t i = 0; i < routes->count; i++) {
        if (!(routes->rows[i].flags & WB_ALIAS))
            postman_item(&w, &routes->rows[i], &arena);
    }
    bx_json_end(&w);
    bx_json_end(&w);
    bx_arena_done(&arena);
    return bx_json_writer_rc(&w);
}
