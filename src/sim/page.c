/* The page that shows the phones, embedded at build time. */
#include "net/http_server.h"
#include "sim/internal.h"
#include "sim_page.h"

bool sim_page_handle(struct sim *sim, struct http_exchange *x)
{
    struct bx_str path = http_exchange_request(x)->path;
    (void)sim;
    if (bx_str_is(path, "/"))
        path = BX_STR("/index.html");
    for (size_t i = 0; i < sim_page_count; i++) {
        if (!bx_str_eq(path, bx_str(sim_page_files[i].path)))
            continue;
        http_add_header(x, "Cache-Control", BX_STR("no-cache"));
        http_add_header(x, "Content-Security-Policy", BX_STR("default-src 'self'"));
        http_respond(x, 200, sim_page_files[i].content_type, bx_str_n(sim_page_files[i].data, sim_page_files[i].len));
        return true;
    }
    return false;
}
