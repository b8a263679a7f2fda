/* /messages and sending. */
#ifndef WB_MESSAGES_H
#define WB_MESSAGES_H

#include "app/rest/request.h"

int wb_messages_get(struct wb_request *rq);
int wb_messages_search(struct wb_request *rq);
int wb_messages_send(struct wb_request *rq);
int wb_messages_fetch(struct wb_request *rq);

extern const struct wb_schema wb_message_answer, wb_search_query, wb_search_answer, wb_send_body,
    wb_send_answer;

#endif
