/* /chats: chat lists and histories. */
#ifndef WB_CHATS_H
#define WB_CHATS_H

#include "app/rest/request.h"
#include "app/views/rows.h"

int wb_chats_list(struct wb_request *rq);
int wb_chats_search(struct wb_request *rq);
int wb_chats_messages(struct wb_request *rq);
int wb_chats_read(struct wb_request *rq);

extern const struct wb_schema wb_chats_query, wb_chats_answer, wb_chats_search_query,
    wb_chats_search_answer, wb_history_query, wb_history_answer;

#endif
