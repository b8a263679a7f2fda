/* What an agent changes about a chat: pinned, archived, muted, marked as unread; and opening the chat
 * of somebody who has none yet. Kept here and announced to the other agents as chat:updated. */
#ifndef WB_CHAT_CHANGES_H
#define WB_CHAT_CHANGES_H

#include "app/rest/request.h"

int wb_chats_update(struct wb_request *rq);
int wb_chats_open(struct wb_request *rq);

extern const struct wb_schema wb_chat_update_body, wb_chat_open_body, wb_chat_answer;

#endif
