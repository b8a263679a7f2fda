/* Events about chats and messages, appended inside a transaction from the rows as they are there. */
#ifndef WB_ANNOUNCE_H
#define WB_ANNOUNCE_H

#include "app/events/eventlog.h"
#include "app/views/rows.h"

/* What a job that announces carries. */
struct wb_turn {
    struct st_tx *tx;
    struct st_conn *conn; /* of tx */
    struct bx_arena *arena;
    struct wb_log *log;
    int64_t number_id;
    struct wb_rows rows; /* as sockets have them */
    struct bx_buf text;  /* one payload at a time */
};

/* BX_E_NOT_FOUND: the number is gone. wb_turn_done in every case. */
int wb_turn_begin(struct wb_turn *t, struct st_tx *tx, int64_t number_id, struct wb_log *log,
                  struct bx_arena *arena);
void wb_turn_done(struct wb_turn *t);

/* type: "message:new" or "message:updated" */
int wb_announce_message(struct wb_turn *t, const char *type, int64_t message_id);
int wb_announce_chat(struct wb_turn *t, int64_t chat_id);
int wb_announce_read(struct wb_turn *t, int64_t chat_id);
int wb_announce_status(struct wb_turn *t, int64_t chat_id, struct bx_str wa_id,
                       enum st_status status, struct bx_str error);

#endif
