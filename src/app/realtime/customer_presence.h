/* Typing of customers. Never stored. Loop thread. */
#ifndef WB_CUSTOMER_PRESENCE_H
#define WB_CUSTOMER_PRESENCE_H

#include "app/numbers/line.h"
#include "wa/client.h"

/* From the channel. */
void wb_presence_on_contact(struct wb_line *line, const struct wa_peer *chat,
                            const struct wa_peer *person, enum wa_typing typing);

#endif
