/* Bodies of the chat list as they were last answered. One stands exactly as long as the store's
 * mark of its number (st_chat_mark): the next commit that changes a chat or contact of the number
 * ends it, so what a client gets is never older than the last change it can have heard of. Every
 * caller who may see the number gets the same bytes; permission, rate and login are checked before,
 * each time.
 *
 * A kept answer costs no thread, no SQL and no copy: one reference of the body goes to the
 * connection. Loop thread.
 */
#ifndef WB_KEPT_H
#define WB_KEPT_H

#include "app/rest/request.h"

struct wb_kept;

/* max_bytes: of all bodies together; when they are over, all go. */
struct wb_kept *wb_kept_new(size_t max_bytes);
void wb_kept_free(struct wb_kept *k);

/* On a route with WB_KEPT, permission checked: true, and rq->body_out is the body (one reference).
 * Else rq->chat_mark is what a later wb_kept_put vouches with. */
bool wb_kept_get(struct wb_kept *k, struct wb_request *rq);
/* After the handler succeeded: moves rq->out into rq->body_out and remembers it. */
void wb_kept_put(struct wb_kept *k, struct wb_request *rq);

extern struct bx_metric wb_kept_metrics[];
extern const size_t wb_kept_metric_count;

#endif
