#include "app/rest/web_page.h"

#include "app/rest/answer.h"
#include "app/core/stop.h"
#include "app/rest/mount.h"
#include "net/http/http_static.h"

extern const struct http_static_file wb_web_files[];
extern const size_t wb_web_files_count;

static bool owns(const struct http_request *r, void *arg)
{
    (void)arg;
    return r->method == HTTP_GET || r->method == HTTP_HEAD;
}

static void handle(struct http_exchange *x, void *arg)
{
    if (!http_static_serve(arg, x, http_exchange_request(x)->path))
        wb_answer_error(x, 404, "There is nothing at this address.");
}

/* Without an embedded page (a build without npm) the server is REST and Socket.IO alone. */
int wb_web_page_start(struct wb_app *app, struct bx_buf *message)
{
    static const struct {
        const char *name, *value;
    } headers[] = {
        {"Content-Security-Policy",
         "default-src 'self'; img-src 'self' data: blob: https: http:; media-src 'self' blob: "
         "https: http:; "
         "style-src 'self'; connect-src 'self' ws: wss:; frame-ancestors 'none'; "
         "base-uri 'none'; form-action 'self'"},
        {"X-Content-Type-Options", "nosniff"},
        {"Referrer-Policy", "no-referrer"},
    };
    (void)message;
    if (wb_web_files_count == 0)
        return BX_OK;
    int rc = http_static_new_table(wb_web_files, wb_web_files_count, &app->web);
    if (rc < 0)
        return rc;
    http_static_set_fallback(app->web, "/index.html");
    for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++)
        http_static_add_header(app->web, headers[i].name, headers[i].value);
    wb_app_mount(app, (struct wb_mount){.owns = owns, .handle = handle, .arg = app->web});
    return BX_OK;
}

void wb_web_page_stop(struct wb_app *app)
{
    wb_module_stopped(app);
}
