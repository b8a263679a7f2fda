/* Reading a chat: counters and event in the transaction, receipts to WhatsApp after it. Shared by
 * REST and the socket. */
#ifndef WB_CHAT_READ_H
#define WB_CHAT_READ_H

#include "app/events/announce.h"
#include "app/numbers/line.h"

struct wb_receipts; /* what is to be told to WhatsApp; heap, between writer and loop */

/* Writer. *out NULL: nothing to tell. */
int wb_chat_read_store(struct wb_turn *t, int64_t chat_id, struct wb_receipts **out);
/* Loop, after the commit; takes it (NULL is allowed). */
void wb_receipts_send(struct wb_app *app, struct wb_receipts *r);
/* Any thread: posts wb_receipts_send. */
void wb_receipts_post(struct wb_app *app, struct wb_receipts *r);
void wb_receipts_free(struct wb_receipts *r);

#endif
