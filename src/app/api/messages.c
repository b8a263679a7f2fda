#include "app/api/messages.h"

#include "app/access/access.h"
#include "app/api/numbers.h"
#include "app/core/config.h"
#include "app/core/context.h"
#include "app/inbox/send.h"
#include "app/media/media_queue.h"
#include "app/numbers/line.h"
#include "app/numbers/outbox.h"
#include "app/rest/on_loop.h"
#include "app/rest/permission_check.h"
#include "app/rest/request_rows.h"
#include "app/views/event_shapes.h"
#include "app/views/rows.h"
#include "app/views/shapes.h"
#include "base/mem.h"

#define END                                                                                        \
    {                                                                                              \
        .type = WB_END                                                                             \
    }

static const struct wb_schema step_shape = {
    .name = "DeliveryStep",
    .fields = (const struct wb_field[]){
        {"status", WB_REF, MUST, .ref = &wb_shape_message_status}, {"at", WB_TIME, MUST}, END}};

static const struct wb_schema detail_shape = {
    .name = "MessageDetail",
    .is_open = true,
    .help = "A Message with its chat and the times of its delivery.",
    .fields = (const struct wb_field[]){{"id", WB_UUID, MUST},
                                        {"messageId", WB_STR, MUST},
                                        {"chatId", WB_UUID, MUST},
                                        {"whatsappNumberId", WB_INT, MUST},
                                        {"content", WB_STR, MUST},
                                        {"status", WB_REF, MUST, .ref = &wb_shape_message_status},
                                        {"sentBy", WB_REF, MUST_OR_NULL, .ref = &wb_agent_shape},
                                        {"timeline", WB_LIST, MUST, .ref = &step_shape},
                                        {"error", WB_STR, MUST_OR_NULL, .help = "Why it FAILED."},
                                        END}};

const struct wb_schema wb_message_answer = {
    .name = "MessageAnswer",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"data", WB_REF, MUST, .ref = &detail_shape},
                                        END}};

const struct wb_schema wb_search_query = {
    .fields = (const struct wb_field[]){
        {"q", WB_STR, 0,
         .help = "Words of content, captions and file names; the last may be a start."},
        {"whatsappNumberId", WB_INT, 0},
        {"chatId", WB_UUID, 0},
        {"limit", WB_INT, 0, .fallback = "50"},
        {"before", WB_UUID, 0, .help = "Message id of the last hit: the next page."},
        END}};

static const struct wb_schema hit_chat = {
    .name = "SearchHitChat",
    .is_open = true,
    .help = "A Chat with the number it belongs to.",
    .fields =
        (const struct wb_field[]){{"id", WB_UUID, MUST}, {"whatsappNumberId", WB_INT, MUST}, END}};

static const struct wb_schema hit_shape = {
    .name = "SearchHit",
    .fields = (const struct wb_field[]){
        {"message", WB_REF, MUST, .ref = &wb_shape_message},
        {"chat", WB_REF, MUST, .ref = &hit_chat},
        {"snippet", WB_STR, MUST, .help = "Hits stand between U+0002 and U+0003."},
        END}};

const struct wb_schema wb_search_answer = {
    .name = "MessageSearch",
    .fields = (const struct wb_field[]){
        {"success", WB_TRUE, MUST},
        {"message", WB_STR, MUST},
        {"data", WB_LIST, MUST, .ref = &hit_shape},
        {"query", WB_STR, MUST},
        {"hasMore", WB_BOOL, 0,
         .help = "true where the page ended before its limit; go on with `before`."},
        END}};

const struct wb_schema wb_send_body = {
    .name = "SendMessage",
    .fields = (const struct wb_field[]){
        {"phoneNumber", WB_STR, MUST, 1, 100, .alias = "to", .help = "Phone number or JID."},
        {"message", WB_STR, MUST, 1, WB_SEND_TEXT_MAX},
        {"quotedMessageId", WB_STR, WB_NULLABLE, 1, 100},
        {"clientId", WB_STR, 0, 1, WB_SEND_KEY_MAX, .help = "Idempotency key, as the header."},
        END}};

static const struct wb_schema from_shape = {
    .name = "SendFrom",
    .fields = (const struct wb_field[]){
        {"id", WB_INT, MUST}, {"name", WB_STR, MUST}, {"phoneNumber", WB_STR, MUST}, END}};

static const struct wb_schema sent_shape = {
    .name = "SentMessage",
    .fields = (const struct wb_field[]){{"sessionId", WB_UUID, MUST},
                                        {"from", WB_REF, MUST, .ref = &from_shape},
                                        {"to", WB_STR, MUST},
                                        {"message", WB_STR, MUST},
                                        {"messageId", WB_STR, MUST, .help = "WhatsApp's id."},
                                        {"id", WB_UUID, MUST},
                                        {"chatId", WB_UUID, MUST},
                                        {"status", WB_REF, MUST, .ref = &wb_shape_message_status},
                                        {"timestamp", WB_TIME, MUST},
                                        END}};

const struct wb_schema wb_send_answer = {
    .name = "SendAnswer",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"data", WB_REF, MUST, .ref = &sent_shape},
                                        END}};

/* --- one message --- */

static void timeline_write(struct bx_json_writer *w, const struct st_message *m)
{
    const struct {
        enum st_status status;
        int64_t at;
    } steps[] = {{ST_PENDING, m->stored_at},
                 {ST_FAILED, m->failed_at},
                 {ST_SENT, m->sent_at},
                 {ST_DELIVERED, m->delivered_at},
                 {ST_READ, m->read_at}};
    bx_json_key(w, "timeline");
    bx_json_array(w);
    for (size_t i = 0; m->is_from_me && i < BX_LEN(steps); i++) {
        if (!steps[i].at)
            continue;
        bx_json_object(w);
        bx_json_key_cstr(w, "status", wb_status_name(steps[i].status));
        bx_json_key_time(w, "at", steps[i].at);
        bx_json_end(w);
    }
    bx_json_end(w);
}

int wb_messages_get(struct wb_request *rq)
{
    struct wb_rows rows;
    struct st_message m;
    struct st_reaction *reactions;
    size_t count;
    int rc = st_message_get(rq->conn, rq->ids[0], &rq->arena, &m);
    if (rc == BX_OK)
        rc = wb_request_rows(rq, m.number_id, &rows);
    if (rc == BX_OK)
        rc = st_reaction_list(rq->conn, &m.id, 1, &rq->arena, &reactions, &count);
    if (rc < 0)
        return wb_fail(rq, rc, "Message not found or unauthorized");
    struct bx_json_writer *w = &rq->w;
    wb_answer_data(rq, "Message retrieved successfully");
    bx_json_object(w);
    wb_message_members_write(w, &rows, &m, reactions, count);
    bx_json_key_cstr(w, "chatId", wb_uuid_of(rows.store, ST_UUID_CHAT, m.chat_id).text);
    bx_json_key_i64(w, "whatsappNumberId", m.number_id);
    timeline_write(w, &m);
    bx_json_end(w);
    return wb_answer_end(rq);
}

/* --- search --- */

static int search_places(struct wb_request *rq, struct st_search_query *query)
{
    struct bx_str chat = wb_query_str(rq, "chatId"), before = wb_query_str(rq, "before");
    struct st_chat row;
    if (before.len && st_uuid_parse(rq->app->store, ST_UUID_MESSAGE, before, &query->before_id) < 0)
        return wb_fail_field(rq, "before", "before must be the id of a message");
    if (!chat.len)
        return BX_OK;
    int rc = st_uuid_parse(rq->app->store, ST_UUID_CHAT, chat, &query->chat_id);
    if (rc == BX_OK)
        rc = st_chat_get(rq->conn, query->chat_id, &rq->arena, &row);
    if (rc == BX_OK && !wb_access_may(rq->app->access, &rq->who, row.number_id))
        rc = BX_E_NOT_FOUND;
    return rc < 0 ? wb_fail_field(rq, "chatId", "Chat not found or unauthorized") : BX_OK;
}

static void hit_write(struct bx_json_writer *w, const struct wb_rows *rows,
                      const struct st_search_hit *hit, const struct st_reaction *reactions,
                      size_t reaction_count)
{
    bx_json_object(w);
    bx_json_key(w, "message");
    wb_message_write(w, rows, &hit->message, reactions, reaction_count);
    bx_json_key(w, "chat");
    bx_json_object(w);
    wb_chat_members_write(w, rows, &hit->chat);
    bx_json_key_i64(w, "whatsappNumberId", hit->chat.number_id);
    bx_json_end(w);
    bx_json_key_str(w, "snippet", hit->snippet);
    bx_json_end(w);
}

static int hits_write(struct wb_request *rq, const struct st_search_hit *hits, size_t count)
{
    struct wb_rows rows;
    struct st_reaction *reactions = NULL;
    size_t reaction_count = 0;
    int64_t of_number = 0, *ids = bx_arena_alloc(&rq->arena, (count + 1) * sizeof *ids);
    for (size_t i = 0; i < count; i++)
        ids[i] = hits[i].message.id;
    int rc = count ? st_reaction_list(rq->conn, ids, count, &rq->arena, &reactions, &reaction_count)
                   : BX_OK;
    bx_json_array(&rq->w);
    for (size_t i = 0; rc == BX_OK && i < count; i++) {
        int64_t number_id = hits[i].message.number_id;
        if (number_id != of_number)
            rc = wb_request_rows(rq, number_id, &rows);
        of_number = number_id;
        size_t n;
        const struct st_reaction *own =
            wb_reactions_of(reactions, reaction_count, hits[i].message.id, &n);
        if (rc == BX_OK)
            hit_write(&rq->w, &rows, &hits[i], own, n);
    }
    bx_json_end(&rq->w);
    return rc;
}

int wb_messages_search(struct wb_request *rq)
{
    struct bx_str q = wb_query_str(rq, "q");
    struct st_search_query query = {
        .text = q, .is_prefix = true, .limit = wb_query_int(rq, "limit", 1, WB_LIMIT_MAX, 50)};
    struct st_search_hit *hits = NULL;
    size_t count = 0;
    int rc = search_places(rq, &query);
    if (rc == BX_OK)
        rc = wb_permission_numbers(rq, &query.number_ids, &query.number_count);
    if (rc == BX_OK && q.len)
        rc = st_search(rq->conn, &query, &rq->arena, &hits, &count);
    if (rc < 0)
        return rc;
    bool is_cut = count > 0 && st_page_is_cut(rq->conn);
    wb_answer_data(rq, "Messages found successfully");
    rc = hits_write(rq, hits, count);
    if (is_cut) /* the page is full of bytes; go on with `before` */
        bx_json_key_bool(&rq->w, "hasMore", true);
    bx_json_key_str(&rq->w, "query", q.ptr ? q : BX_STR(""));
    return rc < 0 ? rc : wb_answer_end(rq);
}

/* --- sending --- */

struct sending {
    struct wb_send send;
    struct wb_log log;
    struct st_session session;
};

static void answer_write(struct wb_request *rq, const struct sending *s)
{
    const struct wb_send *out = &s->send;
    struct bx_json_writer *w = &rq->w;
    const struct st_store *store = rq->app->store;
    struct bx_str to = out->to.kind == WB_TO_PHONE
                           ? wb_phone_format(bx_str(out->to.user), &rq->arena)
                           : wb_address_jid(&out->to, &rq->arena);
    wb_answer_data(rq, "Message sent successfully");
    bx_json_object(w);
    bx_json_key_cstr(w, "sessionId", wb_uuid_of(store, ST_UUID_SESSION, s->session.id).text);
    bx_json_key(w, "from");
    bx_json_object(w);
    bx_json_key_i64(w, "id", s->session.number_id);
    bx_json_key_str(w, "name", s->session.number_name);
    bx_json_key_str(w, "phoneNumber", wb_phone_format(s->session.number_phone, &rq->arena));
    bx_json_end(w);
    bx_json_key_str(w, "to", to);
    bx_json_key_str(w, "message", out->text);
    bx_json_key_str(w, "messageId", out->message.wa_id);
    bx_json_key_cstr(w, "id", wb_uuid_of(store, ST_UUID_MESSAGE, out->message.id).text);
    bx_json_key_cstr(w, "chatId", wb_uuid_of(store, ST_UUID_CHAT, out->chat_id).text);
    bx_json_key_cstr(w, "status", wb_status_name(out->message.status));
    bx_json_key_time(w, "timestamp", out->message.timestamp);
    bx_json_end(w);
}

static int wake(struct wb_request *rq)
{
    struct wb_line *line = wb_line_find(rq->app, rq->number_id);
    if (line)
        wb_outbox_wake(line);
    return BX_OK;
}

static void on_stored(struct wb_request *rq)
{
    wb_log_publish(&((struct sending *)rq->local)->log);
    wb_on_loop(rq, wake);
}

static int take_body(struct wb_request *rq, struct wb_send *s)
{
    struct bx_str to = wb_json_str(rq->body, "phoneNumber");
    struct bx_str key =
        rq->idempotency_key.len ? rq->idempotency_key : wb_json_str(rq->body, "clientId");
    if (!to.len)
        to = wb_json_str(rq->body, "to");
    if (key.len > WB_SEND_KEY_MAX)
        return wb_fail(rq, BX_E_INVALID, "The Idempotency-Key is longer than %d characters.",
                       WB_SEND_KEY_MAX);
    if (wb_address_parse(to, rq->app->config->default_country_code, &s->to) < 0)
        return wb_fail_field(rq, "phoneNumber",
                             "phoneNumber must be a phone number such as 081234567890 or a JID");
    s->text = wb_json_str(rq->body, "message");
    s->quoted = wb_json_str(rq->body, "quotedMessageId");
    s->key = key.len ? key : (struct bx_str){0};
    s->number_id = rq->number_id;
    s->user_id = rq->who.user_id;
    s->principal = rq->who.api_key_id ? -rq->who.api_key_id : rq->who.user_id;
    return BX_OK;
}

static int store(struct wb_request *rq, struct sending *s)
{
    struct wb_turn turn;
    int rc = wb_turn_begin(&turn, rq->tx, rq->number_id, &s->log, &rq->arena);
    if (rc == BX_OK)
        rc = wb_send_store(&turn, &s->send);
    if (rc >= 0 && s->send.is_replay && s->send.first_answer.len) {
        bx_buf_str(&rq->out, s->send.first_answer);
    } else if (rc >= 0) {
        answer_write(rq, s);
        rc = wb_answer_end(rq);
        if (rc >= 0)
            rc = wb_send_keep_answer(&turn, &s->send, bx_buf_view(&rq->out));
    }
    wb_turn_done(&turn);
    return rc;
}

int wb_messages_send(struct wb_request *rq)
{
    struct sending *s = rq->local = BX_ARENA_NEW(&rq->arena, struct sending);
    wb_log_init(&s->log, rq->app, &rq->arena);
    int rc = take_body(rq, &s->send);
    if (rc == BX_OK)
        rc = st_session_get(rq->conn, rq->ids[0], &rq->arena, &s->session);
    if (rc < 0)
        return rc;
    rc = store(rq, s);
    if (rc == BX_E_CONFLICT)
        return wb_fail_status(rq, 422, "%s", wb_send_why(rc));
    if (rc < 0)
        return wb_fail(rq, rc, "%s", wb_send_why(rc));
    rq->is_replay = s->send.is_replay;
    rq->audit_target =
        bx_arena_printf(&rq->arena, "message:%s",
                        wb_uuid_of(rq->app->store, ST_UUID_MESSAGE, s->send.message.id).text);
    rq->after = on_stored;
    return WB_LATER; /* the loop wakes the outbox, then answers */
}

/* --- files --- */

static int wake_files(struct wb_request *rq)
{
    wb_media_wake(rq->app);
    return BX_OK;
}

static void on_wanted(struct wb_request *rq)
{
    wb_on_loop(rq, wake_files);
}

int wb_messages_fetch(struct wb_request *rq)
{
    int rc = wb_media_want(rq->tx, rq->ids[0]);
    if (rc < 0)
        return wb_fail(rq, rc, "This message has no file that can be fetched.");
    wb_answer_open(rq, "The file is being fetched");
    rc = wb_answer_end(rq);
    rq->after = on_wanted;
    return rc < 0 ? rc : WB_LATER;
}
