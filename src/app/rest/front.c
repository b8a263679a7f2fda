#include "app/rest/front.h"

#include "app/core/config.h"
#include "app/rest/answer.h"
#include "app/rest/cors.h"
#include "app/rest/dispatch.h"
#include "base/err.h"

static bool is_rest(const struct http_request *r)
{
    if (bx_str_starts(r->path, BX_STR("/api/v1/media/")))
        return false; /* a mount's: files are streamed */
    return bx_str_starts(r->path, BX_STR("/api/")) || bx_str_is(r->path, "/api") ||
           bx_str_is(r->path, "/health") || bx_str_is(r->path, "/metrics");
}

/* NULL: REST's. */
static const struct wb_mount *mount_of(const struct wb_app *app, const struct http_request *r)
{
    for (size_t i = 0; i < app->mount_count && !is_rest(r); i++) {
        if (app->mounts[i].owns(r, app->mounts[i].arg))
            return &app->mounts[i];
    }
    return NULL;
}

static bool is_allowed(const struct wb_app *app, const struct wb_mount *m,
                       const struct http_request *r)
{
    return !m->is_guarded || wb_cors_allows(app->cors, http_header_get(r, BX_STR("origin")),
                                            http_header_get(r, BX_STR("host")));
}

/* A failure that the HTTP server finds while the body comes in (413, 408) is read by scripts too,
 * so the CORS headers go on before. */
static void on_head(struct http_exchange *x, size_t *out_max_body, void *arg)
{
    struct wb_app *app = arg;
    const struct http_request *r = http_exchange_request(x);
    const struct wb_mount *m = mount_of(app, r);
    if (!m) {
        *out_max_body = (size_t)app->config->max_body_bytes;
        if (r->method != HTTP_OPTIONS)
            wb_cors_add(app->cors, x);
        return;
    }
    *out_max_body = 0;
    if (m->on_head && is_allowed(app, m, r))
        m->on_head(x, out_max_body, m->arg);
}

static void to_mount(struct wb_app *app, const struct wb_mount *m, struct http_exchange *x)
{
    if (!is_allowed(app, m, http_exchange_request(x)))
        wb_answer_error(x, 403, "This origin may not connect. Add it to FRONTEND_URL.");
    else
        m->handle(x, m->arg);
}

static void on_request(struct http_exchange *x, void *arg)
{
    struct wb_app *app = arg;
    const struct http_request *r = http_exchange_request(x);
    const struct wb_mount *m = mount_of(app, r);
    if (m)
        to_mount(app, m, x);
    else if (!wb_cors_preflight(app->cors, x))
        wb_dispatch_request(app->dispatch, x);
}

static void on_too_large(struct http_exchange *x, void *arg)
{
    struct wb_app *app = arg;
    const struct wb_mount *m = mount_of(app, http_exchange_request(x));
    if (m && m->on_too_large && is_allowed(app, m, http_exchange_request(x)))
        m->on_too_large(x, m->arg);
    else
        wb_answer_error(x, 413, "The body is larger than this server allows.");
}

const struct http_handler wb_front_handler = {
    .on_head = on_head, .on_request = on_request, .on_too_large = on_too_large};
