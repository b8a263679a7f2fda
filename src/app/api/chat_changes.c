#include "app/api/chat_changes.h"

#include "app/core/config.h"
#include "app/core/context.h"
#include "app/core/phone.h"
#include "app/events/announce.h"
#include "app/inbox/chat_read.h"
#include "app/rest/request_rows.h"
#include "app/views/event_shapes.h"
#include "app/views/shapes.h"
#include "base/clock.h"

#define END                                                                                        \
    {                                                                                              \
        .type = WB_END                                                                             \
    }

enum { FOR_EVER = -1, TO_MAX = 100 };

/* Times after this one, the last that ISO 8601 writes with four digits, mean "for ever". */
static const int64_t for_ever_ms = INT64_C(253370764800000); /* 9999-01-01 */

const struct wb_schema wb_chat_update_body = {
    .name = "ChatUpdate",
    .is_partial = true,
    .fields = (const struct wb_field[]){
        {"pinned", WB_BOOL, 0},
        {"archived", WB_BOOL, 0},
        {"mutedUntil", WB_TIME, WB_NULLABLE,
         .help = "null unmutes; a time in the year 9999: for ever."},
        {"markedUnread", WB_BOOL, 0, .help = "false marks the chat as read."},
        END}};

const struct wb_schema wb_chat_open_body = {
    .name = "ChatOpen",
    .fields = (const struct wb_field[]){
        {"whatsappNumberId", WB_INT, WB_REQUIRED, 1, WB_INT_MAX},
        {"to", WB_STR, WB_REQUIRED, 1, TO_MAX, .help = "Phone number or JID."},
        END}};

const struct wb_schema wb_chat_answer = {
    .name = "ChatAnswer",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"data", WB_REF, MUST, .ref = &wb_shape_chat},
                                        END}};

/* --- what both do --- */

struct change {
    struct wb_log log;
    struct wb_turn turn;
    struct wb_receipts *receipts;
};

static void on_changed(struct wb_request *rq)
{
    struct change *c = rq->local;
    wb_log_publish(&c->log);
    wb_receipts_post(rq->app, c->receipts);
}

static void on_lost(struct wb_request *rq)
{
    wb_receipts_free(((struct change *)rq->local)->receipts);
}

static int change_begin(struct wb_request *rq, int64_t number_id)
{
    struct change *c = rq->local = BX_ARENA_NEW(&rq->arena, struct change);
    rq->undo = on_lost;
    wb_log_init(&c->log, rq->app, &rq->arena);
    return wb_turn_begin(&c->turn, rq->tx, number_id, &c->log, &rq->arena);
}

/* Announces the chat when the change went well, and answers with it. */
static int change_end(struct wb_request *rq, int rc, int64_t chat_id, const char *message)
{
    struct change *c = rq->local;
    struct wb_rows rows;
    struct st_chat chat;
    if (rc == BX_OK)
        rc = wb_announce_chat(&c->turn, chat_id);
    wb_turn_done(&c->turn);
    if (rc == BX_OK)
        rc = wb_request_rows(rq, rq->number_id, &rows);
    if (rc == BX_OK)
        rc = st_chat_get(rq->conn, chat_id, &rq->arena, &chat);
    if (rc < 0)
        return rc;
    rq->after = on_changed;
    rq->audit_target =
        bx_arena_printf(&rq->arena, "chat:%s", wb_uuid_of(rows.store, ST_UUID_CHAT, chat_id).text);
    wb_answer_data(rq, message);
    wb_chat_write(&rq->w, &rows, &chat);
    return wb_answer_end(rq);
}

/* --- changing --- */

static int muted_until(struct wb_request *rq, int64_t *out)
{
    struct bx_str text = wb_json_str(rq->body, "mutedUntil");
    *out = 0;
    if (!text.ptr) /* null */
        return BX_OK;
    if (bx_iso8601_parse(text.ptr, text.len, out) < 0)
        return wb_fail_field(rq, "mutedUntil",
                             "mutedUntil must be a time such as "
                             "2030-01-01T08:00:00.000Z, or null");
    if (*out >= for_ever_ms)
        *out = FOR_EVER;
    return BX_OK;
}

static int mark(struct wb_request *rq, struct change *c, bool is_unread)
{
    return is_unread ? st_chat_mark_unread(rq->tx, rq->ids[0], true)
                     : wb_chat_read_store(&c->turn, rq->ids[0], &c->receipts);
}

static int apply(struct wb_request *rq, struct change *c)
{
    int64_t id = rq->ids[0], until;
    int rc = BX_OK;
    if (json_is_boolean(json_object_get(rq->body, "pinned")))
        rc = st_chat_pin(rq->tx, id, wb_json_bool(rq->body, "pinned", false));
    if (rc >= 0 && json_is_boolean(json_object_get(rq->body, "archived")))
        rc = st_chat_archive(rq->tx, id, wb_json_bool(rq->body, "archived", false));
    if (rc >= 0 && json_object_get(rq->body, "mutedUntil")) {
        rc = muted_until(rq, &until);
        if (rc == BX_OK)
            rc = st_chat_mute(rq->tx, id, until);
    }
    if (rc >= 0 && json_is_boolean(json_object_get(rq->body, "markedUnread")))
        rc = mark(rq, c, wb_json_bool(rq->body, "markedUnread", false));
    return rc < 0 ? rc : BX_OK;
}

int wb_chats_update(struct wb_request *rq)
{
    int rc = change_begin(rq, rq->number_id);
    struct change *c = rq->local;
    if (rc == BX_OK)
        rc = apply(rq, c);
    return change_end(rq, rc, rq->ids[0], "Chat updated successfully");
}

/* --- opening --- */

static int chat_of(struct wb_request *rq, const struct wb_address *to, int64_t *out_id)
{
    struct bx_str user = bx_str(to->user), none = {0};
    struct st_contact_found found;
    struct st_chat chat;
    if (to->kind == WB_TO_GROUP) { /* only WhatsApp makes groups */
        int rc = st_chat_by_jid(rq->conn, rq->number_id, wb_address_jid(to, &rq->arena), &rq->arena,
                                &chat);
        if (rc == BX_OK)
            *out_id = chat.id;
        return rc < 0 ? wb_fail(rq, rc, "This number is not in that group") : BX_OK;
    }
    bool is_lid = to->kind == WB_TO_LID;
    int rc = st_contact_resolve(rq->tx, rq->number_id, is_lid ? none : user, is_lid ? user : none,
                                &found);
    return rc < 0 ? rc : st_chat_ensure(rq->tx, found.contact_id, out_id, NULL);
}

int wb_chats_open(struct wb_request *rq)
{
    int64_t number_id = wb_json_int(rq->body, "whatsappNumberId", 0), chat_id = 0;
    struct wb_address to;
    if (!wb_access_may(rq->app->access, &rq->who, number_id))
        return wb_fail(rq, BX_E_DENIED, "Unauthorized access to WhatsApp number");
    if (wb_address_parse(wb_json_str(rq->body, "to"), rq->app->config->default_country_code, &to) <
        0)
        return wb_fail_field(rq, "to", "to must be a phone number such as 081234567890 or a JID");
    rq->number_id = number_id;
    int rc = change_begin(rq, number_id);
    if (rc == BX_OK)
        rc = chat_of(rq, &to, &chat_id);
    return change_end(rq, rc, chat_id, "Chat opened successfully");
}
