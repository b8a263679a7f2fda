/* The page that shows the phones, embedded at build time (tools/embed.py of src/sim/server/page). */
#include "sim/server/page.h"
#include "net/http/http_static.h"

extern const struct http_static_file sim_page[];
extern const size_t sim_page_count;

bool sim_page_handle(struct sim *sim, struct http_exchange *x)
{
    if (!sim->page) {
        http_static_new_table(sim_page, sim_page_count, &sim->page);
        http_static_add_header(sim->page, "Content-Security-Policy",
                               "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; "
                               "base-uri 'none'; form-action 'self'");
    }
    return http_static_serve(sim->page, x, http_exchange_request(x)->path);
}
