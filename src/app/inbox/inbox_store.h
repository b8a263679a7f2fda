/* What each kind of WhatsApp event does to the rows. Writer thread. */
#ifndef WB_INBOX_STORE_H
#define WB_INBOX_STORE_H

#include "app/inbox/inbox.h"

int wb_inbox_store(struct wb_envelope *e, struct st_tx *tx, const struct wa_event *events);

#endif
