/* The outbox: rows that wait for the wire, per number in order, at the number's pace. A row leaves
 * when the server took the message or refused it; until then it is sent again under the same id,
 * also after a restart. Loop thread. */
#ifndef WB_OUTBOX_H
#define WB_OUTBOX_H

#include "app/numbers/line.h"

void wb_outbox_init(struct wb_line *line);

/* There may be something to do: a row was added, the number is CONNECTED. */
void wb_outbox_wake(struct wb_line *line);

/* From the engine: this one did not get out. */
void wb_outbox_on_unsent(struct wb_line *line, struct bx_str wa_id, int rc);
/* From the inbox: the server's answer to one is committed. */
void wb_outbox_on_answer(struct wb_line *line);

#endif
