/* Pages of chats and messages, the same for REST and sockets. */
#ifndef WB_PAGES_H
#define WB_PAGES_H

#include "app/views/rows.h"

/* A page of the chat list as an array; *out_total counts all of the query. */
int wb_chat_page_write(struct bx_json_writer *w, const struct wb_rows *r, struct st_conn *conn,
                       const struct st_chat_query *query, int64_t *out_total);
/* A page of a chat's messages as an array, newest first unless is_oldest_first. */
int wb_history_page_write(struct bx_json_writer *w, const struct wb_rows *r, struct st_conn *conn,
                          const struct st_history_query *query, bool is_oldest_first);

#endif
