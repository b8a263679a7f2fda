/* WhatsApp event -> store -> event log. An envelope is opened, stored and its events logged in one
 * transaction of the writer. After the commit its events are emitted and the channel may acknowledge,
 * on the loop, in the order of commits. */
#ifndef WB_INBOX_H
#define WB_INBOX_H

#include "app/channel/envelope.h"

/* Loop. */
void wb_inbox_submit(struct wb_envelope *e);

#endif
