/* Cross-origin rules as the npm module `cors` has them, which engine.io uses: applied before
 * anything else looks at the request, so that errors carry the headers too (a browser hides an
 * answer without them).
 */
#include "base/err.h"
#include "eio/internal.h"

static bool is_any(const struct eio_opts *o)
{
    return o->cors_origins && strcmp(o->cors_origins, "*") == 0;
}

static bool is_one(const struct eio_opts *o)
{
    return o->cors_origins && !strchr(o->cors_origins, ',') && !is_any(o);
}

bool eio_cors_allows(const struct eio_server *server, struct bx_str origin)
{
    const struct eio_opts *o = &server->opts;
    if (!o->cors_origins || is_any(o))
        return true;
    struct bx_str rest = bx_str(o->cors_origins), one;
    while (bx_str_split(&rest, ',', &one)) {
        if (bx_str_eq(bx_str_trim(one), origin))
            return true;
    }
    return false;
}

struct header {
    const char *name;
    struct bx_str value;
};

enum { MAX_HEADERS = 8 };

static size_t origin_headers(const struct eio_server *server, const struct http_request *r,
                             struct header *out)
{
    const struct eio_opts *o = &server->opts;
    size_t n = 0;
    struct bx_str origin = http_header_get(r, BX_STR("origin"));
    if (is_any(o)) {
        out[n++] = (struct header){"Access-Control-Allow-Origin", BX_STR("*")};
    } else {
        if (is_one(o))
            out[n++] = (struct header){"Access-Control-Allow-Origin", bx_str(o->cors_origins)};
        else if (origin.ptr && eio_cors_allows(server, origin))
            out[n++] = (struct header){"Access-Control-Allow-Origin", origin};
        out[n++] = (struct header){"Vary", BX_STR("Origin")};
    }
    if (o->cors_credentials)
        out[n++] = (struct header){"Access-Control-Allow-Credentials", BX_STR("true")};
    return n;
}

static size_t simple_headers(const struct eio_server *server, const struct http_request *r,
                             struct header *out)
{
    size_t n = origin_headers(server, r, out);
    if (server->opts.cors_exposed_headers)
        out[n++] = (struct header){"Access-Control-Expose-Headers",
                                   bx_str(server->opts.cors_exposed_headers)};
    return n;
}

static void preflight(struct eio_server *server, struct http_exchange *x)
{
    const struct http_request *r = http_exchange_request(x);
    const struct eio_opts *o = &server->opts;
    struct header headers[MAX_HEADERS];
    size_t n = origin_headers(server, r, headers);
    struct bx_str asked = http_header_get(r, BX_STR("access-control-request-headers"));
    for (size_t i = 0; i < n; i++)
        http_add_header(x, headers[i].name, headers[i].value);
    http_add_header(x, "Access-Control-Allow-Methods", BX_STR("GET,HEAD,PUT,PATCH,POST,DELETE"));
    if (o->cors_allowed_headers) {
        http_add_header(x, "Access-Control-Allow-Headers", bx_str(o->cors_allowed_headers));
    } else {
        http_add_header(x, "Vary", BX_STR("Access-Control-Request-Headers"));
        if (asked.ptr)
            http_add_header(x, "Access-Control-Allow-Headers", asked);
    }
    if (o->cors_max_age_s)
        http_add_header(x, "Access-Control-Max-Age",
                        bx_arena_printf(http_exchange_arena(x), "%u", o->cors_max_age_s));
    http_add_header(x, "Content-Length", BX_STR("0")); /* Safari waits for a body without it */
    http_respond(x, 204, NULL, BX_STR(""));
}

bool eio_cors_apply(struct eio_server *server, struct http_exchange *x)
{
    const struct http_request *r = http_exchange_request(x);
    if (!server->opts.cors_origins)
        return true;
    if (r->method == HTTP_OPTIONS) {
        preflight(server, x);
        return false;
    }
    eio_server_add_cors(server, x);
    return true;
}

void eio_server_add_cors(struct eio_server *server, struct http_exchange *x)
{
    struct header headers[MAX_HEADERS];
    if (!server->opts.cors_origins)
        return;
    size_t n = simple_headers(server, http_exchange_request(x), headers);
    for (size_t i = 0; i < n; i++)
        http_add_header(x, headers[i].name, headers[i].value);
}

void eio_cors_headers_text(const struct eio_server *server, const struct http_request *r,
                           struct bx_buf *out)
{
    struct header headers[MAX_HEADERS];
    if (!server->opts.cors_origins)
        return;
    size_t n = simple_headers(server, r, headers);
    for (size_t i = 0; i < n; i++)
        bx_buf_printf(out, "%s: %.*s\r\n", headers[i].name, (int)headers[i].value.len,
                      headers[i].value.ptr);
}
