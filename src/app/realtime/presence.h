/* Typing and viewing of agents, shown to each other. Never stored. Loop thread. */
#ifndef WB_PRESENCE_H
#define WB_PRESENCE_H

#include "app/numbers/line.h"

struct wb_agent;
/* An agent's own state in a chat: the others are told; typing goes to the customer as the number's
 * policy says. `jid` is the chat's. */
void wb_presence_typing(struct wb_agent *a, struct wb_line *line, const char *chat_id,
                        struct bx_str jid, bool is_typing);
void wb_presence_viewing(struct wb_agent *a, struct wb_line *line, const char *chat_id,
                         struct bx_str jid, bool is_viewing);

#endif
