#include "app/rest/web_page.h"

#include "app/core/config.h"
#include "app/core/stop.h"
#include "app/rest/answer.h"
#include "app/rest/mount.h"
#include "net/http/http_static.h"

#include <stdio.h>
#include <string.h>

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

/* Everything of the page comes from this server, its pictures also under PUBLIC_URL, by which clients
 * name them. */
static const char *policy_of(const struct wb_config *config)
{
    static char policy[640]; /* kept by the static files */
    const char *public_url = config->public_url ? config->public_url : "";
    bool is_source = !strpbrk(public_url, " ;,'\t\r\n") && strlen(public_url) < 256;
    snprintf(policy, sizeof policy,
             "default-src 'self'; img-src 'self' data: blob: %s; media-src 'self' blob: %s; "
             "connect-src 'self'; object-src 'none'; frame-ancestors 'none'; base-uri 'none'; "
             "form-action 'self'",
             is_source ? public_url : "", is_source ? public_url : "");
    return policy;
}

/* Without an embedded page (a build without npm) the server is REST and Socket.IO alone. */
int wb_web_page_start(struct wb_app *app, struct bx_buf *message)
{
    (void)message;
    if (wb_web_files_count == 0)
        return BX_OK;
    int rc = http_static_new_table(wb_web_files, wb_web_files_count, &app->web);
    if (rc < 0)
        return rc;
    http_static_set_fallback(app->web, "/index.html");
    http_static_add_header(app->web, "Content-Security-Policy", policy_of(app->config));
    http_static_add_header(app->web, "Referrer-Policy", "no-referrer");
    wb_app_mount(app, (struct wb_mount){.owns = owns, .handle = handle, .arg = app->web});
    return BX_OK;
}

void wb_web_page_stop(struct wb_app *app)
{
    wb_module_stopped(app);
}
