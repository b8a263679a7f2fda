#include "app/views/pages.h"

int wb_chat_page_write(struct bx_json_writer *w, const struct wb_rows *r, struct st_conn *conn,
                       const struct st_chat_query *query, int64_t *out_total)
{
    struct st_chat *rows;
    size_t count;
    int rc = st_chat_list(conn, query, r->arena, &rows, &count);
    if (rc == BX_OK)
        rc = st_chat_count(conn, query, out_total);
    if (rc < 0)
        return rc;
    bx_json_array(w);
    for (size_t i = 0; i < count; i++)
        wb_chat_write(w, r, &rows[i]);
    bx_json_end(w);
    return BX_OK;
}

int wb_history_page_write(struct bx_json_writer *w, const struct wb_rows *r, struct st_conn *conn,
                          const struct st_history_query *query, bool is_oldest_first)
{
    struct st_message *rows;
    size_t count;
    int rc = st_message_history(conn, query, r->arena, &rows, &count);
    if (rc < 0)
        return rc;
    bool comes_oldest_first = query->after != 0;
    return wb_messages_write(w, r, conn, rows, count, comes_oldest_first != is_oldest_first);
}
