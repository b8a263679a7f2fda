#include "app/rest/cors.h"

#include "base/buf.h"
#include "base/mem.h"

#include <stdlib.h>

#define DEVELOPMENT                                                                                \
    "http://localhost:3000,http://127.0.0.1:3000,http://localhost:5173,http://127.0.0.1:5173"

struct wb_cors {
    char *list;
};

struct wb_cors *wb_cors_new(const char *origins)
{
    struct bx_buf list;
    bx_buf_init(&list, 0);
    struct bx_str rest = bx_str(origins), piece;
    while (rest.ptr && bx_str_split(&rest, ',', &piece)) {
        piece = bx_str_trim(piece);
        if (piece.len && piece.ptr[piece.len - 1] == '/')
            piece.len--;
        if (piece.len)
            bx_buf_printf(&list, "%.*s,", BX_STR_ARG(piece));
    }
    bx_buf_lit(&list, DEVELOPMENT);
    struct wb_cors *c = BX_NEW(struct wb_cors);
    c->list = bx_strndup((char *)list.data, list.len);
    bx_buf_done(&list);
    return c;
}

void wb_cors_free(struct wb_cors *c)
{
    if (!c)
        return;
    free(c->list);
    free(c);
}

const char *wb_cors_list(const struct wb_cors *c)
{
    return c->list;
}

static bool is_listed(const struct wb_cors *c, struct bx_str origin)
{
    struct bx_str rest = bx_str(c->list), piece;
    while (bx_str_split(&rest, ',', &piece)) {
        if (bx_str_ieq(piece, origin))
            return true;
    }
    return false;
}

bool wb_cors_allows(const struct wb_cors *c, struct bx_str origin, struct bx_str host)
{
    if (origin.len == 0 || is_listed(c, origin))
        return true;
    size_t scheme = bx_str_starts(origin, BX_STR("http://"))    ? 7
                    : bx_str_starts(origin, BX_STR("https://")) ? 8
                                                                : 0;
    return scheme && host.len && bx_str_ieq(bx_str_slice(origin, scheme, origin.len), host);
}

void wb_cors_add(const struct wb_cors *c, struct http_exchange *x)
{
    struct bx_str origin = http_header_get(http_exchange_request(x), BX_STR("origin"));
    http_add_header(x, "Vary", BX_STR("Origin"));
    if (origin.len == 0 || !is_listed(c, origin))
        return;
    http_add_header(x, "Access-Control-Allow-Origin", origin);
    http_add_header(x, "Access-Control-Allow-Credentials", BX_STR("true"));
    http_add_header(x, "Access-Control-Expose-Headers", BX_STR("X-Request-Id, Retry-After"));
}

bool wb_cors_preflight(const struct wb_cors *c, struct http_exchange *x)
{
    const struct http_request *r = http_exchange_request(x);
    if (r->method != HTTP_OPTIONS)
        return false;
    wb_cors_add(c, x);
    if (is_listed(c, http_header_get(r, BX_STR("origin")))) {
        http_add_header(x, "Access-Control-Allow-Methods", BX_STR("GET, POST, PUT, PATCH, DELETE"));
        http_add_header(x, "Access-Control-Allow-Headers",
                        BX_STR("authorization, content-type, x-api-key, idempotency-key"));
        http_add_header(x, "Access-Control-Max-Age", BX_STR("7200"));
    }
    http_respond(x, 204, NULL, BX_STR(""));
    return true;
}
