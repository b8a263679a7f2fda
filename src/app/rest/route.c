#include "app/rest/route.h"

#include "base/mem.h"

#define PREFIX "/api/v1"

static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"};

const char *wb_method_name(enum http_method method)
{
    return (size_t)method < BX_LEN(methods) ? methods[method] : "OTHER";
}

struct bx_str wb_route_path(const struct wb_route *route, struct bx_arena *arena)
{
    return bx_arena_printf(arena, "%s%s", route->flags & WB_NO_PREFIX ? "" : PREFIX, route->path);
}

enum wb_param_kind wb_param_kind(struct bx_str name)
{
    static const struct {
        const char *name;
        enum wb_param_kind kind;
    } kinds[] = {{"sessionId", WB_PARAM_SESSION},
                 {"chatId", WB_PARAM_CHAT},
                 {"messageId", WB_PARAM_MESSAGE},
                 {"cmd", WB_PARAM_TEXT},
                 {"file", WB_PARAM_TEXT}};
    for (size_t i = 0; i < BX_LEN(kinds); i++) {
        if (bx_str_eq(bx_str(kinds[i].name), name))
            return kinds[i].kind;
    }
    return WB_PARAM_ID;
}

/* Literal segments only fit themselves; "{…}" fits any that is not empty. Row ids must be digits,
 * so that /wapermission/me and /wapermission/{id} do not meet. */
static bool segments_fit(struct bx_str template, struct bx_str path,
                         struct bx_str params[WB_PARAMS_MAX])
{
    struct bx_str want, got;
    for (size_t n = 0;;) {
        bool has_want = bx_str_split(&template, '/', &want),
             has_got = bx_str_split(&path, '/', &got);
        if (!has_want || !has_got)
            return has_want == has_got;
        if (want.len && want.ptr[0] == '{') {
            if (got.len == 0 || n == WB_PARAMS_MAX)
                return false;
            params[n++] = got;
        } else if (!bx_str_eq(want, got)) {
            return false;
        }
    }
}

int wb_route_find(const struct wb_route_list *routes, enum http_method method, struct bx_str path,
                  const struct wb_route **out, struct bx_str params[WB_PARAMS_MAX],
                  unsigned *out_allow)
{
    bool has_prefix = bx_str_starts(path, BX_STR(PREFIX "/"));
    struct bx_str tail = has_prefix ? bx_str_slice(path, sizeof PREFIX - 1, path.len) : path;
    if (tail.len > 1 && tail.ptr[tail.len - 1] == '/')
        tail.len--;
    if (method == HTTP_HEAD)
        method = HTTP_GET;
    *out_allow = 0;
    for (size_t i = 0; i < routes->count; i++) {
        const struct wb_route *r = &routes->rows[i];
        if (has_prefix == !!(r->flags & WB_NO_PREFIX) ||
            !segments_fit(bx_str(r->path), tail, params))
            continue;
        if (r->method == method) {
            *out = r;
            return BX_OK;
        }
        *out_allow |= 1u << r->method;
    }
    return *out_allow ? BX_E_UNSUPPORTED : BX_E_NOT_FOUND;
}
