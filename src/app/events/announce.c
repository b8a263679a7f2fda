#include "app/events/announce.h"

#include "app/views/error_code.h"

int wb_turn_begin(struct wb_turn *t, struct st_tx *tx, int64_t number_id, struct wb_log *log,
                  struct bx_arena *arena)
{
    *t = (struct wb_turn){
        .tx = tx, .conn = st_tx_conn(tx), .arena = arena, .log = log, .number_id = number_id};
    bx_buf_init(&t->text, 0);
    return wb_rows_of(t->conn, number_id, true, arena, &t->rows);
}

void wb_turn_done(struct wb_turn *t)
{
    bx_buf_done(&t->text);
}

static struct bx_json_writer open_payload(struct wb_turn *t)
{
    struct bx_json_writer w;
    t->text.len = 0;
    bx_json_writer_init(&w, &t->text);
    bx_json_object(&w);
    bx_json_key_i64(&w, "whatsappNumberId", t->number_id);
    return w;
}

static void key_chat_id(struct wb_turn *t, struct bx_json_writer *w, int64_t chat_id)
{
    bx_json_key_cstr(w, "chatId", wb_uuid_of(t->rows.store, ST_UUID_CHAT, chat_id).text);
}

/* The writer keeps a pointer to the buffer, so it may be handed on by value. */
static int append(struct wb_turn *t, struct bx_json_writer *w, const char *type, int64_t chat_id)
{
    bx_json_end(w);
    int rc = bx_json_writer_rc(w);
    return rc < 0
               ? rc
               : wb_log_append(t->log, t->tx, t->number_id, type, chat_id, bx_buf_view(&t->text));
}

int wb_announce_message(struct wb_turn *t, const char *type, int64_t message_id)
{
    struct st_message m;
    int rc = st_message_get(t->conn, message_id, t->arena, &m);
    if (rc < 0)
        return rc;
    struct bx_json_writer w = open_payload(t);
    key_chat_id(t, &w, m.chat_id);
    bx_json_key(&w, "message");
    if (strcmp(type, "message:new") == 0) /* nobody has reacted to it yet */
        wb_message_write(&w, &t->rows, &m, NULL, 0);
    else
        rc = wb_message_write_one(&w, &t->rows, t->conn, &m);
    return rc < 0 ? rc : append(t, &w, type, m.chat_id);
}

int wb_announce_chat(struct wb_turn *t, int64_t chat_id)
{
    struct st_chat chat;
    int rc = st_chat_get(t->conn, chat_id, t->arena, &chat);
    if (rc < 0)
        return rc;
    struct bx_json_writer w = open_payload(t);
    bx_json_key(&w, "chat");
    wb_chat_write(&w, &t->rows, &chat);
    return append(t, &w, "chat:updated", chat.id);
}

int wb_announce_read(struct wb_turn *t, int64_t chat_id)
{
    struct bx_json_writer w = open_payload(t);
    key_chat_id(t, &w, chat_id);
    return append(t, &w, "chat:read", chat_id);
}

int wb_announce_status(struct wb_turn *t, int64_t chat_id, struct bx_str wa_id,
                       enum st_status status, struct bx_str error)
{
    struct bx_json_writer w = open_payload(t);
    key_chat_id(t, &w, chat_id);
    bx_json_key_str(&w, "messageId", wa_id);
    bx_json_key_cstr(&w, "status", wb_status_name(status));
    if (status == ST_FAILED && error.len) {
        bx_json_key_str(&w, "error", error);
        bx_json_key_cstr(&w, "errorCode",
                         wb_error_code(0, bx_arena_strndup(t->arena, error.ptr, error.len)));
    }
    return append(t, &w, "message:status", chat_id);
}
