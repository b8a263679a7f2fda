/* A REST request's way: route, caller, rate, role and scope (loop) -> ids, permission, body (lane)
 * -> handler (loop, lane or writer) -> answer (loop).
 */
#ifndef WB_DISPATCH_H
#define WB_DISPATCH_H

#include "app/core/context.h"

struct wb_dispatch;

struct wb_dispatch *wb_dispatch_new(struct wb_app *app);
/* After the last request was answered. */
void wb_dispatch_free(struct wb_dispatch *d);
size_t wb_dispatch_running(const struct wb_dispatch *d);

/* Takes the exchange: answers it now or later. */
void wb_dispatch_request(struct wb_dispatch *d, struct http_exchange *x);

extern struct bx_metric wb_metrics[];
extern const size_t wb_metric_count;
extern struct bx_histogram wb_rest_seconds;

#endif
