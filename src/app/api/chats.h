/* /chats: chat lists and histories. The bodies are shared with the socket events. */
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

/* A page of the chat list as an array; *out_total counts all of the query. */
int wb_chat_page_write(struct bx_json_writer *w, const struct wb_rows *r, struct st_conn *conn,
                       const struct st_chat_query *query, int64_t *out_total);
/* A page of a chat's messages as an array, newest first unless is_oldest_first. */
int wb_history_page_write(struct bx_json_writer *w, const struct wb_rows *r, struct st_conn *conn,
                          const struct st_history_query *query, bool is_oldest_first);

#endif
