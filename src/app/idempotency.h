/* "Same key, same body: done once." For handlers that run in a transaction.
 *
 *   int rc = wb_idempotency_begin(rq, wb_json_str(rq->body, "clientId"));
 *   if (rc != BX_OK)
 *       return rc == WB_REPLAYED ? BX_OK : rc;
 *   … act, write the whole answer …
 *   return wb_idempotency_keep(rq, message_id, wb_answer_end(rq));
 */
#ifndef WB_IDEMPOTENCY_H
#define WB_IDEMPOTENCY_H

#include "app/request.h"

enum { WB_REPLAYED = 2, WB_KEY_MAX = 255 };

/* Claims the key of the header Idempotency-Key, or `client_id` (may be empty: without any key every
 * call is a new one). BX_OK: yours. WB_REPLAYED: the first answer is written again. Failures: 422
 * same key with another body, 409 the first is still under way, 400 key too long. */
int wb_idempotency_begin(struct wb_request *rq, struct bx_str client_id);

/* Keeps the answer in rq->out under the claimed key, in the same transaction; returns `rc`, or the
 * store's failure. */
int wb_idempotency_keep(struct wb_request *rq, int64_t message_id, int rc);

#endif
