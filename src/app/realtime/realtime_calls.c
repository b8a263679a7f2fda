/* Client events: rate, shape, permission, action, answer. The table of events (events.c) says what
 * each needs, the one here what it does and where. */
#include "app/realtime/realtime_internal.h"

#include "app/access/access.h"
#include "app/core/config.h"
#include "app/core/json_load.h"
#include "app/core/limit.h"
#include "app/inbox/chat_read.h"
#include "app/inbox/send.h"
#include "app/numbers/line.h"
#include "app/numbers/link.h"
#include "app/numbers/outbox.h"
#include "app/realtime/backpressure.h"
#include "app/realtime/events.h"
#include "app/realtime/presence.h"
#include "app/views/pages.h"
#include "base/json_scan.h"
#include "base/mem.h"

#include <stdlib.h>

enum where { ON_LOOP, ON_LANE, ON_WRITER };

enum { PAGE_MAX = 1000, CALL_BYTES = 8 << 10, NAME_SHOWN_MAX = 128, WAIT_MS = 1000 };

struct call {
    struct wb_realtime *rt;
    struct sio_socket *socket; /* referenced */
    struct sio_ack *ack;       /* kept; NULL: none wanted */
    const struct wb_event *event;
    const struct action *action;
    struct wb_principal who;
    char ip[WB_IP_SIZE];
    struct bx_arena arena;
    struct bx_str name, args;
    json_t *payload;
    struct wb_ticket ticket; /* of a page */
    bool is_counted;         /* in agent->calls */

    int64_t number_id, chat_id;
    struct bx_str chat_jid;
    struct st_conn *conn;
    struct st_tx *tx;
    struct wb_log log;
    struct wb_receipts *receipts;

    struct bx_buf data; /* of the answer, JSON; empty: {} */
    int rc;
    const char *code, *message; /* of a failure */
    uint64_t retry_after_ms;
};

struct action {
    const char *name;
    unsigned scope; /* what an api key needs, as its call of REST does */
    enum where where;
    int (*act)(struct call *c);
    void (*then)(struct call *c, struct wb_agent *a); /* loop, after success; may be NULL */
    const char *reply; /* the answer as an event, when no acknowledgement is wanted */
};

/* --- answers --- */

static void call_free(struct call *c)
{
    wb_receipts_free(c->receipts);
    json_decref(c->payload);
    sio_socket_unref(c->socket);
    bx_buf_done(&c->data);
    bx_arena_done(&c->arena);
    free(c);
}

static int fail(struct call *c, int rc, const char *code, const char *message)
{
    c->code = code;
    c->message = message;
    return rc;
}

static void failure_write(struct call *c, struct bx_buf *out, bool is_ack)
{
    struct bx_json_writer w;
    const struct bx_err_info *info = bx_err_info(c->rc);
    bx_json_writer_init(&w, out);
    bx_json_object(&w);
    if (is_ack)
        bx_json_key_bool(&w, "success", false);
    bx_json_key_cstr(&w, "message", c->message ? c->message : info->sentence);
    bx_json_key_cstr(&w, "code",
                     c->code                    ? c->code
                     : info->http_status >= 500 ? "UNAVAILABLE"
                                                : "INVALID");
    if (!is_ack)
        bx_json_key_str(&w, "event", c->name.len <= NAME_SHOWN_MAX ? c->name : BX_STR(""));
    if (c->retry_after_ms)
        bx_json_key_i64(&w, "retryAfterMs", (int64_t)c->retry_after_ms);
    bx_json_end(&w);
}

static void answer(struct call *c)
{
    struct bx_buf out;
    bx_buf_init(&out, 0);
    struct bx_str data = c->data.len ? bx_buf_view(&c->data) : BX_STR("{}");
    if (c->rc < 0) {
        failure_write(c, &out, c->ack != NULL);
    } else if (c->ack) {
        bx_buf_lit(&out, "{\"success\":true,\"data\":");
        bx_buf_str(&out, data);
        bx_buf_lit(&out, "}");
    }
    if (c->ack)
        sio_ack_reply_later(c->ack, sio_args((char *)out.data, out.len));
    else if (c->rc < 0)
        sio_emit(c->socket, "error", sio_args((char *)out.data, out.len), 0);
    else if (c->action && c->action->reply)
        sio_emit(c->socket, c->action->reply, sio_args(data.ptr, data.len), 0);
    bx_buf_done(&out);
}

/* Loop: the last station of every call. */
static void finish(void *arg)
{
    struct call *c = arg;
    struct wb_agent *a = sio_socket_is_connected(c->socket) ? wb_agent_of(c->socket) : NULL;
    if (c->rc >= 0) {
        wb_log_emit(&c->log);
        wb_receipts_send(c->rt->app, c->receipts);
        c->receipts = NULL;
        if (c->action->then && a)
            c->action->then(c, a);
    }
    answer(c);
    wb_answer_give(c->rt, &c->ticket);
    if (a && c->is_counted && --a->calls == 0 && a->is_abusive)
        sio_disconnect(c->socket, true);
    call_free(c);
}

/* --- what they do --- */

static int64_t page_int(const struct call *c, const char *name, int64_t min, int64_t max,
                        int64_t fallback)
{
    int64_t v = wb_json_int(c->payload, name, fallback);
    return v < min ? min : v > max ? max : v;
}

static int get_list(struct call *c)
{
    struct wb_rows rows;
    struct bx_json_writer w;
    int64_t total;
    struct st_chat_query query = {.number_id = c->number_id,
                                  .limit = page_int(c, "limit", 1, PAGE_MAX, 50),
                                  .offset = page_int(c, "offset", 0, INT32_MAX, 0)};
    int rc = wb_rows_of(c->conn, c->number_id, true, &c->arena, &rows);
    if (rc < 0)
        return rc;
    bx_json_writer_init(&w, &c->data);
    bx_json_object(&w);
    bx_json_key_i64(&w, "whatsappNumberId", c->number_id);
    bx_json_key(&w, "chats");
    rc = wb_chat_page_write(&w, &rows, c->conn, &query, &total);
    if (rc < 0)
        return rc;
    wb_offset_page_write(&w, query.limit, query.offset, total);
    bx_json_end(&w);
    return bx_json_writer_rc(&w);
}

static int get_history(struct call *c)
{
    struct wb_rows rows;
    struct st_chat chat;
    struct bx_json_writer w;
    bool is_oldest_first = bx_str_is(wb_json_str(c->payload, "order"), "asc");
    struct st_history_query query = {.chat_id = c->chat_id,
                                     .limit = page_int(c, "limit", 1, PAGE_MAX, 50),
                                     .offset = page_int(c, "offset", 0, INT32_MAX, 0)};
    int rc = wb_rows_of(c->conn, c->number_id, true, &c->arena, &rows);
    if (rc == BX_OK)
        rc = st_chat_get(c->conn, c->chat_id, &c->arena, &chat);
    if (rc < 0)
        return rc;
    rows.viewer_id = c->who.user_id;
    bx_json_writer_init(&w, &c->data);
    bx_json_object(&w);
    bx_json_key_cstr(&w, "chatId", wb_uuid_of(rows.store, ST_UUID_CHAT, chat.id).text);
    bx_json_key(&w, "messages");
    rc = wb_history_page_write(&w, &rows, c->conn, &query, is_oldest_first);
    if (rc < 0)
        return rc;
    wb_cut_page_write(&w, query.limit, query.offset, chat.message_count, st_page_is_cut(c->conn));
    bx_json_key_cstr(&w, "order", is_oldest_first ? "asc" : "desc");
    bx_json_end(&w);
    return bx_json_writer_rc(&w);
}

static int mark_read(struct call *c)
{
    struct wb_turn turn;
    int rc = wb_turn_begin(&turn, c->tx, c->number_id, &c->log, &c->arena);
    if (rc == BX_OK)
        rc = wb_chat_read_store(&turn, c->chat_id, &c->receipts);
    wb_turn_done(&turn);
    bx_buf_printf(&c->data, "{\"whatsappNumberId\":%lld,\"chatId\":\"%s\"}",
                  (long long)c->number_id,
                  wb_uuid_of(c->rt->app->store, ST_UUID_CHAT, c->chat_id).text);
    return rc;
}

static int nothing(struct call *c)
{
    (void)c;
    return BX_OK;
}

static void tell_typing(struct call *c, struct wb_agent *a)
{
    struct wb_line *line = wb_line_find(c->rt->app, c->number_id);
    if (line)
        wb_presence_typing(a, line, wb_uuid_of(c->rt->app->store, ST_UUID_CHAT, c->chat_id).text,
                           c->chat_jid, wb_json_bool(c->payload, "isTyping", false));
}

static void tell_viewing(struct call *c, struct wb_agent *a)
{
    struct wb_line *line = wb_line_find(c->rt->app, c->number_id);
    if (line)
        wb_presence_viewing(a, line, wb_uuid_of(c->rt->app->store, ST_UUID_CHAT, c->chat_id).text,
                            c->chat_jid, wb_json_bool(c->payload, "viewing", false));
}

static int send_prepare(struct call *c, struct wb_send *s)
{
    struct bx_str to = c->chat_id ? c->chat_jid : wb_json_str(c->payload, "to");
    *s = (struct wb_send){.number_id = c->number_id,
                          .text = wb_json_str(c->payload, "message"),
                          .quoted = wb_json_str(c->payload, "quotedMessageId"),
                          .key = wb_json_str(c->payload, "clientId"),
                          .user_id = c->who.user_id,
                          .principal = c->who.api_key_id ? -c->who.api_key_id : c->who.user_id};
    if (s->text.len == 0 || s->text.len > WB_SEND_TEXT_MAX)
        return fail(c, BX_E_INVALID, "INVALID", "message must have 1 to 65536 characters");
    if (s->key.len == 0 || s->key.len > WB_SEND_KEY_MAX)
        return fail(c, BX_E_INVALID, "INVALID", "clientId must have 1 to 255 characters");
    if (wb_address_parse(to, c->rt->app->config->default_country_code, &s->to) < 0)
        return fail(c, BX_E_INVALID, "INVALID", "to must be a phone number or a JID");
    return BX_OK;
}

static int send_audit(struct call *c, const struct wb_send *s)
{
    struct wb_uuid id = wb_uuid_of(c->rt->app->store, ST_UUID_MESSAGE, s->message.id);
    struct st_audit row = {.user_id = c->who.user_id,
                           .api_key_id = c->who.api_key_id,
                           .number_id = c->number_id,
                           .action = BX_STR("send"),
                           .target = bx_arena_printf(&c->arena, "message:%s", id.text),
                           .ip = bx_str(c->ip)};
    int64_t row_id;
    return st_audit_append(c->tx, &row, &row_id);
}

static int send_message(struct call *c)
{
    struct wb_turn turn;
    struct wb_send s;
    struct bx_json_writer w;
    int rc = send_prepare(c, &s);
    if (rc < 0)
        return rc;
    rc = wb_turn_begin(&turn, c->tx, c->number_id, &c->log, &c->arena);
    if (rc == BX_OK)
        rc = wb_send_store(&turn, &s);
    if (rc >= 0 && !s.is_replay)
        rc = wb_send_keep_answer(&turn, &s, BX_STR(""));
    if (rc >= 0 && !s.is_replay)
        rc = send_audit(c, &s);
    if (rc >= 0) {
        bx_json_writer_init(&w, &c->data);
        turn.rows.viewer_id = c->who.user_id;
        rc = wb_message_write_one(&w, &turn.rows, c->conn, &s.message);
    }
    wb_turn_done(&turn);
    if (rc < 0)
        return fail(c, rc,
                    rc == BX_E_STATE       ? "LOGGED_OUT"
                    : rc == BX_E_CONFLICT  ? "CONFLICT"
                    : rc == BX_E_NOT_FOUND ? "NOT_FOUND"
                                           : "UNAVAILABLE",
                    wb_send_why(rc));
    return BX_OK;
}

static void wake_outbox(struct call *c, struct wb_agent *a)
{
    (void)a;
    struct wb_line *line = wb_line_find(c->rt->app, c->number_id);
    if (line)
        wb_outbox_wake(line);
}

static void tell_qr(struct call *c, struct wb_agent *a)
{
    struct wb_line *line = wb_line_find(c->rt->app, c->number_id);
    if (line)
        wb_agent_tell_qr(a, line, 0);
}

static int get_status(struct call *c)
{
    struct st_session s;
    struct wb_rows rows;
    int rc = wb_rows_of(c->conn, c->number_id, true, &c->arena, &rows);
    if (rc < 0)
        return rc;
    rc = st_session_by_number(c->conn, c->number_id, &c->arena, &s);
    if (rc == BX_E_NOT_FOUND)
        s = wb_link_none(c->number_id);
    else if (rc < 0)
        return rc;
    const char *phone = bx_arena_strndup(&c->arena, rows.own_phone.ptr, rows.own_phone.len);
    return bx_buf_str(&c->data, wb_link_status_json(&s, phone, &c->arena));
}

/* The choice is kept, for numbers that go and come again and for a socket that is recovered. */
static void narrow(struct call *c, struct wb_agent *a)
{
    struct bx_str ids;
    struct bx_buf out;
    struct bx_json_writer w;
    if (!bx_json_get(c->args, BX_STR("whatsappNumberIds"), &ids))
        return;
    wb_agent_narrow(a, ids);
    bx_buf_init(&out, 0);
    bx_json_writer_init(&w, &out);
    bx_json_object(&w);
    bx_json_key(&w, "numbers");
    bx_json_array(&w);
    for (size_t i = 0; i < a->chosen_count; i++)
        bx_json_i64(&w, a->chosen[i]);
    bx_json_end(&w);
    bx_json_end(&w);
    sio_socket_set_data_json(a->socket, wb_sio(bx_buf_view(&out)));
    bx_buf_done(&out);
    wb_agent_follow(a);
}

static int pong(struct call *c)
{
    return bx_buf_str(&c->data, c->args.len ? c->args : BX_STR("null"));
}

static const struct action actions[] = {
    {"chat:get-list", ST_SCOPE_READ, ON_LANE, get_list, NULL, "chat:list"},
    {"chat:get-history", ST_SCOPE_READ, ON_LANE, get_history, NULL, "chat:history"},
    {"chat:mark-read", ST_SCOPE_SEND, ON_WRITER, mark_read, NULL, NULL},
    {"chat:typing", ST_SCOPE_SEND, ON_LANE, nothing, tell_typing, NULL},
    {"chat:viewing", ST_SCOPE_READ, ON_LANE, nothing, tell_viewing, NULL},
    {"message:send", ST_SCOPE_SEND, ON_WRITER, send_message, wake_outbox, NULL},
    {"whatsapp:get-status", ST_SCOPE_READ, ON_LANE, get_status, tell_qr, "whatsapp:status"},
    {"whatsapp:subscribe", ST_SCOPE_READ, ON_LANE, nothing, narrow, NULL},
    {"ping", ST_SCOPE_READ, ON_LOOP, pong, NULL, NULL},
};

static const struct action *action_of(struct bx_str name)
{
    for (size_t i = 0; i < BX_LEN(actions); i++) {
        if (bx_str_eq(bx_str(actions[i].name), name))
            return &actions[i];
    }
    return NULL;
}

/* --- permission: one text for "does not exist" and "not yours" --- */

static const char no_number[] = "Unauthorized access to WhatsApp number";

static int may_number(struct call *c, int64_t id)
{
    if (!wb_access_may(c->rt->app->access, &c->who, id))
        return fail(c, BX_E_DENIED, "UNAUTHORIZED", no_number);
    c->number_id = id;
    return BX_OK;
}

static int may_chat(struct call *c)
{
    struct st_chat chat;
    int rc = st_uuid_parse(c->rt->app->store, ST_UUID_CHAT, wb_json_str(c->payload, "chatId"),
                           &c->chat_id);
    if (rc == BX_E_INVALID) /* an id that was never given out */
        rc = BX_E_NOT_FOUND;
    if (rc == BX_OK)
        rc = st_chat_get(c->conn, c->chat_id, &c->arena, &chat);
    if (rc == BX_OK && !wb_access_may(c->rt->app->access, &c->who, chat.number_id))
        rc = BX_E_NOT_FOUND;
    if (rc == BX_E_NOT_FOUND)
        return fail(c, rc, "NOT_FOUND", "Chat not found or unauthorized");
    if (rc < 0)
        return rc;
    c->chat_id = chat.id; /* of a chat that was joined with another: the one it is now */
    c->number_id = chat.number_id;
    c->chat_jid = chat.jid;
    return rc;
}

static int may(struct call *c)
{
    const json_t *ids = json_object_get(c->payload, "whatsappNumberIds");
    bool has_chat = wb_json_str(c->payload, "chatId").len > 0;
    int rc = BX_OK;
    switch (c->event->rule) {
    case WB_MAY_ANY:
        return BX_OK;
    case WB_MAY_CHAT:
        return may_chat(c);
    case WB_MAY_SEND:
        if (has_chat)
            return may_chat(c);
        return may_number(c, wb_json_int(c->payload, "whatsappNumberId", 0));
    case WB_MAY_NUMBER:
        if (!ids)
            return may_number(c, wb_json_int(c->payload, "whatsappNumberId", 0));
        for (size_t i = 0; rc == BX_OK && i < json_array_size(ids); i++)
            rc = may_number(c, json_integer_value(json_array_get(ids, i)));
        return rc;
    }
    return BX_E_INTERNAL;
}

static int check_payload(struct call *c)
{
    if (!c->event->payload)
        return BX_OK;
    c->payload = wb_json_load(c->args, 0, NULL);
    if (!json_is_object(c->payload))
        return fail(c, BX_E_INVALID, "INVALID", "The event needs one object as its payload");
    struct bx_buf message;
    const char *field;
    bx_buf_init(&message, 1024);
    int rc = wb_schema_check(c->event->payload, c->payload, &message, &field);
    if (rc < 0)
        fail(c, rc, "INVALID", bx_arena_strndup(&c->arena, (char *)message.data, message.len));
    bx_buf_done(&message);
    return rc;
}

/* --- stations --- */

static int writer_job(struct st_tx *tx, void *arg)
{
    struct call *c = arg;
    c->tx = tx;
    c->conn = st_tx_conn(tx);
    return c->action->act(c);
}

static void writer_done(int rc, void *arg)
{
    struct call *c = arg;
    c->rc = rc;
    net_inbox_post(c->rt->app->loop, finish, c);
}

static void call_work(void *arg, unsigned worker)
{
    struct call *c = arg;
    c->conn = c->rt->app->readers[worker];
    int rc = check_payload(c);
    if (rc == BX_OK)
        rc = may(c);
    if (rc == BX_OK && c->action->where == ON_WRITER) {
        rc = st_writer_submit(c->rt->app->writer, writer_job, c, writer_done);
        if (rc == BX_OK)
            return;
    } else if (rc == BX_OK) {
        rc = c->action->act(c);
    }
    if (rc == BX_E_NOT_FOUND && !c->code && !c->chat_id) /* for those who may everything */
        rc = fail(c, BX_E_DENIED, "UNAUTHORIZED", no_number);
    writer_done(rc, c);
}

/* --- pages wait for their turn and for their reader --- */

static bool page_may_start(const struct wb_ticket *t)
{
    return !wb_reader_is_slow(BX_CONTAINER_OF(t, struct call, ticket)->socket);
}

static int call_submit(struct call *c)
{
    return net_lane_submit(wb_realtime_lane(c->rt), call_work, NULL, c);
}

static void page_start(struct wb_ticket *t)
{
    struct call *c = BX_CONTAINER_OF(t, struct call, ticket);
    bool is_connected = sio_socket_is_connected(c->socket);
    int rc = BX_E_CLOSED;
    if (is_connected && wb_agent_of(c->socket)->is_abusive)
        rc = fail(c, BX_E_RATE_LIMITED, "RATE_LIMITED", "Rate limit exceeded");
    else if (is_connected)
        rc = call_submit(c);
    if (rc == BX_OK)
        return; /* the lane has it: nothing is written here any more */
    c->rc = rc;
    finish(c);
}

/* BX_OK: it is on its way, and `finish` follows. */
static int call_start(struct call *c, struct wb_agent *a)
{
    bool is_page = c->action->where == ON_LANE && c->action->reply;
    int rc = BX_OK;
    if (is_page) {
        c->ticket = (struct wb_ticket){
            .bytes = CALL_BYTES + c->args.len, .may_start = page_may_start, .start = page_start};
        rc = wb_answer_take(a, &c->ticket);
    }
    c->is_counted = true;
    a->calls++;
    if (rc == BX_OK)
        rc = call_submit(c);
    if (rc == BX_OK || rc == BX_E_AGAIN)
        return BX_OK;
    c->is_counted = false;
    a->calls--;
    if (rc == BX_E_FULL && is_page && !c->ticket.user) {
        c->retry_after_ms = WAIT_MS;
        return fail(c, BX_E_RATE_LIMITED, "RATE_LIMITED", "Too many requests are waiting");
    }
    return rc;
}

/* --- rates --- */

static uint64_t take_rate(struct call *c, struct wb_agent *a, uint64_t now)
{
    struct bx_str id = wb_unsio(sio_socket_id(c->socket));
    uint64_t wait = wb_limits_take(c->rt->per_socket, id, 1, now);
    struct bx_str user = bx_arena_printf(&c->arena, "%lld:%.*s", (long long)a->who.user_id,
                                         (int)(c->name.len < 40 ? c->name.len : 40), c->name.ptr);
    return wait ? wait : wb_limits_take(c->rt->per_user, user, 1, now);
}

/* Whoever goes on after refusals is disconnected. */
static bool is_abuse(struct call *c, uint64_t now)
{
    return wb_limits_take(c->rt->abuse, wb_unsio(sio_socket_id(c->socket)), 1, now) > 0;
}

static int admit(struct call *c, struct wb_agent *a)
{
    c->event = wb_event_find(WB_EVENT_IN, c->name);
    c->action = c->event ? action_of(c->name) : NULL;
    c->retry_after_ms = take_rate(c, a, net_loop_now_ms(c->rt->app->loop));
    if (c->retry_after_ms)
        return fail(c, BX_E_RATE_LIMITED, "RATE_LIMITED", "Rate limit exceeded");
    bool waits_for_reader = c->action && c->action->where == ON_LANE && c->action->reply;
    if (!waits_for_reader && wb_reader_is_stuck(c->socket)) {
        c->retry_after_ms = WAIT_MS;
        return fail(c, BX_E_RATE_LIMITED, "RATE_LIMITED", "Read what was sent before");
    }
    if (!c->action)
        return fail(c, BX_E_NOT_FOUND, "UNKNOWN_EVENT", "There is no such event");
    if (a->who.api_key_id && !(a->who.scopes & c->action->scope))
        return fail(c, BX_E_DENIED, "UNAUTHORIZED", "This API key does not have the scope");
    return BX_OK;
}

void wb_realtime_call(struct sio_socket *socket, const struct sio_event *event, void *arg)
{
    struct wb_agent *a = wb_agent_of(socket);
    if (a->is_abusive)
        return;
    struct call *c = BX_NEW(struct call);
    struct sio_str first = {"", 0};
    c->rt = arg;
    c->socket = sio_socket_ref(socket);
    c->who = a->who;
    memcpy(c->ip, a->ip, sizeof c->ip);
    bx_arena_init(&c->arena, 64 << 20);
    bx_buf_init(&c->data, 0);
    wb_log_init(&c->log, c->rt->app, &c->arena);
    c->name = bx_arena_str(&c->arena, wb_unsio(event->name));
    if (sio_args_get(event->payload, 0, &first))
        c->args = bx_arena_str(&c->arena, wb_unsio(first));
    if (event->ack)
        c->ack = sio_ack_keep(event->ack);
    c->rc = admit(c, a);
    int rc = c->rc;
    a->is_abusive = rc < 0 && is_abuse(c, net_loop_now_ms(c->rt->app->loop));
    if (rc == BX_OK && c->action->where == ON_LOOP)
        rc = c->action->act(c);
    else if (rc == BX_OK && (rc = call_start(c, a)) == BX_OK)
        return;
    c->rc = rc;
    sio_socket_ref(socket);
    finish(c);
    if (sio_socket_is_connected(socket) && a->is_abusive && a->calls == 0)
        sio_disconnect(socket, true);
    sio_socket_unref(socket);
}
