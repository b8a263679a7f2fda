#include "app/api/sessions.h"

#include "app/api/numbers.h"
#include "app/channel/engine.h"
#include "app/core/config.h"
#include "app/numbers/line.h"
#include "app/numbers/link.h"
#include "app/realtime/realtime.h"
#include "app/rest/on_loop.h"
#include "app/views/event_shapes.h"
#include "app/views/rows.h"
#include "app/views/shapes.h"
#include "base/clock.h"
#include "base/mem.h"

#define END                                                                                        \
    {                                                                                              \
        .type = WB_END                                                                             \
    }
#define STATUSES "PENDING|PAIRING|CONNECTED|DISCONNECTED|RECONNECTING"
#define MISSING "Session not found or unauthorized"

const struct wb_schema wb_sessions_query = {
    .fields = (const struct wb_field[]){
        {"page", WB_INT, 0, .fallback = "1"},
        {"limit", WB_INT, 0, .help = "Without page and limit all of them."},
        {"status", WB_ENUM, 0, .choices = STATUSES},
        {"isActive", WB_BOOL, 0},
        END}};

const struct wb_schema wb_session_link_query = {
    .fields = (const struct wb_field[]){
        {"method", WB_ENUM, 0, .choices = "qr|code", .fallback = "\"qr\"",
         .help = "code: a pairing code to type on the phone."},
        {"accept", WB_STR, 0,
         .help = "The scannedPhone of a session with reason wrong_phone: from now on it is this "
                 "number's phone."},
        END}};

#define SESSION_FIELDS                                                                             \
    {"id", WB_UUID, MUST}, {"whatsappNumberId", WB_INT, MUST},                                     \
        {"whatsappNumber", WB_REF, MUST, .ref = &wb_number_formatted_shape},                       \
        {"status", WB_REF, MUST, .ref = &wb_shape_session_status},                                 \
        {"lastConnected", WB_TIME, MUST_OR_NULL}, {"isActive", WB_BOOL, MUST},                     \
        {"errorMessage", WB_STR, MUST_OR_NULL}, {"reason", WB_STR, MUST_OR_NULL},                  \
        {"retryAt", WB_TIME, MUST_OR_NULL},                                                        \
        {"expectedPhone", WB_STR, MUST, .help = "The phone that has to scan, digits."},            \
        {"scannedPhone", WB_STR, 0,                                                                \
         .help = "With reason wrong_phone: the phone that scanned, digits."},                      \
        {"createdAt", WB_TIME, MUST},                                                              \
    {                                                                                              \
        "updatedAt", WB_TIME, MUST                                                                 \
    }

static const struct wb_schema session_shape = {
    .name = "Session", .fields = (const struct wb_field[]){SESSION_FIELDS, END}};

static const struct wb_schema session_live_shape = {
    .name = "SessionWithQr",
    .fields = (const struct wb_field[]){
        SESSION_FIELDS,
        {"qrCode", WB_STR, MUST_OR_NULL, .help = "PNG data URL, while there is one to scan."},
        {"expiresAt", WB_TIME, MUST_OR_NULL, .help = "Of the QR code."},
        {"pairingCode", WB_STR, MUST_OR_NULL},
        END}};

const struct wb_schema wb_sessions_answer = {
    .name = "SessionList",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"data", WB_LIST, MUST, .ref = &session_shape},
                                        {"pagination", WB_REF, MUST, .ref = &wb_page_shape},
                                        END}};

const struct wb_schema wb_session_answer_shape = {
    .name = "SessionAnswer",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"data", WB_REF, MUST, .ref = &session_live_shape},
                                        END}};

static const struct wb_schema qr_shape = {
    .name = "SessionQr",
    .fields = (const struct wb_field[]){
        {"sessionId", WB_UUID, MUST},
        {"whatsappNumber", WB_REF, MUST, .ref = &wb_number_formatted_shape},
        {"qrCode", WB_STR, MUST},
        {"status", WB_REF, MUST, .ref = &wb_shape_session_status},
        {"isLive", WB_BOOL, MUST},
        {"expectedPhone", WB_STR, MUST, .help = "The phone that has to scan, digits."},
        {"expiresAt", WB_TIME, MUST},
        END}};

const struct wb_schema wb_session_qr_answer = {
    .name = "SessionQrAnswer",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"data", WB_REF, MUST, .ref = &qr_shape},
                                        END}};

const struct wb_schema wb_session_status_body = {
    .name = "SessionStatusChange",
    .fields = (const struct wb_field[]){{"status", WB_ENUM, MUST, .choices = STATUSES},
                                        {"errorMessage", WB_STR, WB_NULLABLE | WB_BLANK_OK},
                                        END}};

/* --- writing --- */

static void number_write(struct wb_request *rq, const struct st_session *s, bool is_active)
{
    struct bx_json_writer *w = &rq->w;
    bx_json_key(w, "whatsappNumber");
    bx_json_object(w);
    bx_json_key_i64(w, "id", s->number_id);
    bx_json_key_str(w, "name", s->number_name);
    bx_json_key_str(w, "phoneNumber", s->number_phone);
    bx_json_key_bool(w, "isActive", is_active);
    bx_json_key_str(w, "phoneNumberFormatted", wb_phone_format(s->number_phone, &rq->arena));
    bx_json_end(w);
}

static void members_write(struct wb_request *rq, const struct st_session *s, bool is_number_active)
{
    struct bx_json_writer *w = &rq->w;
    bx_json_key_cstr(w, "id", wb_uuid_of(rq->app->store, ST_UUID_SESSION, s->id).text);
    bx_json_key_i64(w, "whatsappNumberId", s->number_id);
    number_write(rq, s, is_number_active);
    bx_json_key_cstr(w, "status", wb_link_name(s->status));
    wb_key_time_or_null(w, "lastConnected", s->last_connected_at);
    bx_json_key_bool(w, "isActive", s->is_active);
    wb_key_str_or_null(w, "errorMessage",
                       s->error_message.len ? s->error_message : (struct bx_str){0});
    wb_key_str_or_null(w, "reason", s->reason.len ? s->reason : (struct bx_str){0});
    wb_key_time_or_null(w, "retryAt", s->retry_at);
    bx_json_key_str(w, "expectedPhone", s->number_phone);
    if (s->scanned_phone.len)
        bx_json_key_str(w, "scannedPhone", s->scanned_phone);
    bx_json_key_time(w, "createdAt", s->created_at);
    bx_json_key_time(w, "updatedAt", s->updated_at);
}

/* Names may have changed since the session row was copied. */
static struct st_session row_of(const struct wb_line *line)
{
    struct st_session s = line->link.row;
    s.number_name = bx_str(line->name);
    s.number_phone = bx_str(line->phone);
    return s;
}

/* Whoever may see the number may see the code that links it; of keys only those that manage. */
static bool may_see_qr(const struct wb_request *rq)
{
    return rq->who.scopes & ST_SCOPE_MANAGE;
}

static int session_answer(struct wb_request *rq, struct wb_line *line, const char *message)
{
    const struct wb_link *l = &line->link;
    struct st_session row = row_of(line);
    bool sees_qr = may_see_qr(rq);
    wb_answer_data(rq, message);
    bx_json_object(&rq->w);
    members_write(rq, &row, line->is_active);
    bx_json_key_cstr(&rq->w, "qrCode", sees_qr ? l->qr : NULL);
    wb_key_time_or_null(&rq->w, "expiresAt", sees_qr && l->qr ? l->qr_expires_at : 0);
    bx_json_key_cstr(&rq->w, "pairingCode", sees_qr && l->code[0] ? l->code : NULL);
    bx_json_end(&rq->w);
    return wb_answer_end(rq);
}

/* --- reading --- */

int wb_sessions_list(struct wb_request *rq)
{
    bool is_paged = wb_query_str(rq, "page").len || wb_query_str(rq, "limit").len;
    struct wb_page p = wb_query_page(rq, 10);
    struct st_session_query query = {.status = -1,
                                     .is_active = wb_query_bool(rq, "isActive"),
                                     .limit = p.limit,
                                     .offset = p.offset,
                                     .is_unlimited = !is_paged};
    if (rq->who.role != ST_ROLE_ADMIN)
        query.permitted_to = rq->who.user_id;
    query.api_key_id = rq->who.api_key_id;
    int rc = wb_query_choice(rq, "status", STATUSES, &query.status);
    if (rc < 0)
        return rc;
    struct st_session *rows;
    size_t count;
    int64_t total;
    rc = st_session_list(rq->conn, &query, &rq->arena, &rows, &count, &total);
    if (rc < 0)
        return rc;
    wb_answer_data(rq, "Sessions retrieved successfully");
    bx_json_array(&rq->w);
    for (size_t i = 0; i < count; i++) {
        struct st_number number;
        bool is_active = st_number_get(rq->conn, rows[i].number_id, &rq->arena, &number) == BX_OK &&
                         number.is_active;
        bx_json_object(&rq->w);
        members_write(rq, &rows[i], is_active);
        bx_json_end(&rq->w);
    }
    bx_json_end(&rq->w);
    if (!is_paged)
        p = (struct wb_page){1, total > 0 ? total : 1, 0};
    wb_page_write(&rq->w, p, total);
    return wb_answer_end(rq);
}

int wb_sessions_get(struct wb_request *rq)
{
    struct wb_line *line = wb_line_find(rq->app, rq->ids[0]);
    if (!line || line->is_gone || !line->link.row.id)
        return wb_fail(rq, BX_E_NOT_FOUND, "Active session not found for this WhatsApp number");
    return session_answer(rq, line, "Session retrieved successfully");
}

static int answer_qr(struct wb_request *rq)
{
    struct wb_line *line = wb_line_find(rq->app, rq->number_id);
    if (!line || line->is_gone || !line->link.row.id)
        return wb_fail(rq, BX_E_NOT_FOUND, MISSING);
    const struct wb_link *l = &line->link;
    if (!may_see_qr(rq))
        return wb_fail(rq, BX_E_DENIED, "This API key lacks the scope manage.");
    if (!l->qr || l->row.status != ST_LINK_PAIRING) {
        rq->details = bx_arena_printf(
            &rq->arena, "{\"status\":\"%s\",\"suggestion\":\"%s\"}", wb_link_name(l->row.status),
            l->row.status == ST_LINK_CONNECTED ? "The number is linked; no QR code is needed."
                                               : "Start linking with POST /sessions/{number id}.");
        return wb_fail(rq, BX_E_NOT_FOUND, "No QR code is currently available for this session");
    }
    struct st_session row = row_of(line);
    wb_answer_data(rq, "QR code retrieved successfully");
    bx_json_object(&rq->w);
    bx_json_key_cstr(&rq->w, "sessionId", wb_uuid_of(rq->app->store, ST_UUID_SESSION, row.id).text);
    number_write(rq, &row, line->is_active);
    bx_json_key_cstr(&rq->w, "qrCode", l->qr);
    bx_json_key_cstr(&rq->w, "status", wb_link_name(row.status));
    bx_json_key_bool(&rq->w, "isLive", l->qr_expires_at > bx_wall_ms());
    bx_json_key_str(&rq->w, "expectedPhone", row.number_phone);
    bx_json_key_time(&rq->w, "expiresAt", l->qr_expires_at);
    bx_json_end(&rq->w);
    return wb_answer_end(rq);
}

int wb_sessions_qr(struct wb_request *rq)
{
    wb_on_loop(rq, answer_qr);
    return WB_LATER;
}

/* --- changes (ADMIN) --- */

/* What the transaction did to the session, for the loop. */
struct session_change {
    struct st_session row;
    bool has_row, by_code;
    struct st_number number; /* after a change of its phone */
    bool has_number;
    struct wb_log log;
};

static struct session_change *change_of(struct wb_request *rq)
{
    struct session_change *c = rq->local = BX_ARENA_NEW(&rq->arena, struct session_change);
    wb_log_init(&c->log, rq->app, &rq->arena);
    return c;
}

static int session_store(struct wb_request *rq, struct session_change *c)
{
    int rc = st_session_update(rq->tx, &c->row);
    if (rc == BX_OK)
        rc = st_session_get(rq->conn, c->row.id, &rq->arena, &c->row);
    c->has_row = rc == BX_OK;
    rq->audit_number_id = c->row.number_id;
    rq->audit_target = bx_arena_printf(&rq->arena, "number:%lld", (long long)c->row.number_id);
    return rc;
}

static void on_waited(struct wb_line *line, enum wb_waited outcome, struct bx_str why, void *arg)
{
    static const char *const messages[] = {[WB_WAITED_CONNECTED] = "WhatsApp session is connected",
                                           [WB_WAITED_QR] = "QR code generated successfully",
                                           [WB_WAITED_CODE] =
                                               "Pairing code generated successfully"};
    struct wb_request *rq = arg;
    if (outcome != WB_WAITED_FAILED) {
        wb_request_answer(rq, session_answer(rq, line, messages[outcome]));
        return;
    }
    wb_fail_status(rq, 503, "%.*s", BX_STR_ARG(why));
    wb_request_answer(rq, BX_E_UNAVAILABLE);
}

static int start_linking(struct wb_request *rq)
{
    struct session_change *c = rq->local;
    struct wb_line *line = wb_line_find(rq->app, c->row.number_id);
    if (!line || line->is_gone)
        return wb_fail(rq, BX_E_NOT_FOUND, "WhatsApp number not found");
    if (c->has_number)
        wb_line_put(rq->app, &c->number);
    wb_line_session(line, &c->row);
    if (c->has_number)
        wb_realtime_number_changed(rq->app, line);
    struct bx_str qr = c->by_code ? (struct bx_str){0} : wb_link_qr_json(line, &rq->arena);
    if (qr.ptr) /* it was announced before who asks now was there */
        wb_realtime_announce(rq->app, line, "whatsapp:qr", qr);
    wb_link_begin(line, c->by_code);
    wb_link_wait(line, c->by_code, on_waited, rq);
    return WB_LATER;
}

static void on_link(struct wb_request *rq)
{
    wb_on_loop(rq, start_linking);
}

/* ?accept=: the number takes the phone that scanned its code. Repeated, it changes nothing. */
static int accept_phone(struct wb_request *rq, struct session_change *c, struct st_number *number)
{
    struct bx_str text = wb_query_str(rq, "accept");
    char digits[WB_PHONE_SIZE];
    struct st_number other;
    if (!text.ptr)
        return BX_OK;
    if (wb_phone_parse(text, rq->app->config->default_country_code, digits) < 0)
        return wb_fail_field(rq, "accept", "accept must be the phone number that scanned the code");
    if (wb_phone_is_same(bx_str(digits), number->phone))
        return BX_OK;
    struct bx_str scanned = c->row.scanned_phone;
    if (!wb_phone_is_same(bx_str(digits), scanned))
        return wb_fail(rq, BX_E_STATE,
                       scanned.len ? "Another phone than this one scanned the code of this number."
                                   : "No other phone has scanned the code of this number.");
    if (st_number_by_phone(rq->conn, scanned, &rq->arena, &other) == BX_OK)
        return wb_fail(rq, BX_E_EXISTS, "\"%.*s\" already has this phone number.",
                       BX_STR_ARG(other.name));
    number->phone = scanned;
    rq->audit_details =
        bx_arena_printf(&rq->arena, "{\"phoneNumber\":\"%.*s\"}", BX_STR_ARG(scanned));
    int rc = st_number_update(rq->tx, number);
    if (rc >= 0)
        rc = st_number_get(rq->conn, number->id, &rq->arena, &c->number);
    c->has_number = rc >= 0;
    return rc;
}

int wb_sessions_link(struct wb_request *rq)
{
    struct st_number number;
    struct session_change *c = change_of(rq);
    int method;
    int rc = wb_query_choice(rq, "method", "qr|code", &method);
    if (rc < 0)
        return rc;
    c->by_code = method == 1;
    rc = st_number_get(rq->conn, rq->ids[0], &rq->arena, &number);
    if (rc < 0)
        return wb_fail(rq, rc, "WhatsApp number not found");
    if (!number.is_active)
        return wb_fail(rq, BX_E_STATE, "This WhatsApp number is not active. Activate it first.");
    int64_t id;
    rc = st_session_ensure(rq->tx, number.id, &id);
    if (rc == BX_OK)
        rc = st_session_get(rq->conn, id, &rq->arena, &c->row);
    if (rc == BX_OK)
        rc = accept_phone(rq, c, &number);
    if (rc < 0)
        return rc;
    c->row.is_active = true;
    c->row.retry_at = 0;
    c->row.scanned_phone = (struct bx_str){0};
    if (c->row.status == ST_LINK_DISCONNECTED) {
        c->row.status = ST_LINK_PENDING;
        c->row.reason = c->row.error_message = (struct bx_str){0};
    }
    rc = session_store(rq, c);
    rq->after = on_link;
    return rc < 0 ? rc : WB_LATER;
}

static int follow(struct wb_request *rq)
{
    struct session_change *c = rq->local;
    struct wb_line *line = wb_line_find(rq->app, c->row.number_id);
    if (line) {
        wb_link_took(line, &c->row);
        wb_link_follow(line);
    }
    return BX_OK;
}

static int logout(struct wb_request *rq)
{
    struct session_change *c = rq->local;
    struct wb_line *line = wb_line_find(rq->app, c->row.number_id);
    if (line) {
        wb_link_leave(line);
        wb_link_took(line, c->has_row ? &c->row : NULL);
    }
    return BX_OK;
}

static void on_followed(struct wb_request *rq)
{
    wb_log_publish(&((struct session_change *)rq->local)->log);
    wb_on_loop(rq, follow);
}

static void on_logged_out(struct wb_request *rq)
{
    wb_log_publish(&((struct session_change *)rq->local)->log);
    wb_on_loop(rq, logout);
}

static int load(struct wb_request *rq, struct session_change *c)
{
    int rc = st_session_get(rq->conn, rq->ids[0], &rq->arena, &c->row);
    return rc < 0 ? wb_fail(rq, rc, MISSING) : rc;
}

static int answer_done(struct wb_request *rq, const char *message)
{
    wb_answer_open(rq, message);
    int rc = wb_answer_end(rq);
    return rc < 0 ? rc : WB_LATER; /* the loop answers once it has acted */
}

/* An engine that runs takes no second start, and would not report what it reported before. */
static bool is_running(const struct st_session *row)
{
    return row->is_active && (row->status == ST_LINK_CONNECTED || row->status == ST_LINK_PAIRING);
}

int wb_sessions_set_status(struct wb_request *rq)
{
    struct bx_str status = wb_json_str(rq->body, "status");
    bool stops = bx_str_is(status, "DISCONNECTED"), starts = bx_str_is(status, "PENDING");
    struct session_change *c = change_of(rq);
    if (!stops && !starts)
        return wb_fail(rq, BX_E_STATE,
                       "Only DISCONNECTED (stop) and PENDING (start again) can be set; the rest "
                       "follows from WhatsApp.");
    int rc = load(rq, c);
    if (rc < 0)
        return rc;
    rq->after = on_followed;
    if (starts && is_running(&c->row))
        return answer_done(rq, "Session is running already");
    c->row.is_active = starts;
    c->row.retry_at = 0;
    c->row.status = starts ? ST_LINK_PENDING : ST_LINK_DISCONNECTED;
    c->row.reason = starts ? (struct bx_str){0} : BX_STR("stopped");
    c->row.error_message = wb_json_str(rq->body, "errorMessage");
    rc = session_store(rq, c);
    if (rc == BX_OK)
        rc = wb_link_log(&c->log, rq->tx, &c->row, &rq->arena);
    return rc < 0 ? rc : answer_done(rq, "Session status updated successfully");
}

int wb_sessions_logout(struct wb_request *rq)
{
    struct session_change *c = change_of(rq);
    int rc = load(rq, c);
    if (rc < 0)
        return rc;
    c->row.is_active = false;
    rc = session_store(rq, c);
    rq->after = on_logged_out;
    return rc < 0 ? rc : answer_done(rq, "Session logged out successfully");
}

int wb_sessions_erase(struct wb_request *rq)
{
    struct session_change *c = change_of(rq);
    int rc = load(rq, c);
    if (rc < 0)
        return rc;
    c->row.status = ST_LINK_DISCONNECTED;
    c->row.reason = BX_STR("logged_out");
    rc = wb_link_log(&c->log, rq->tx, &c->row, &rq->arena);
    if (rc == BX_OK)
        rc = st_session_wipe(rq->tx, c->row.number_id);
    if (rc >= 0)
        rc = st_session_delete(rq->tx, c->row.id);
    rq->audit_number_id = c->row.number_id;
    rq->audit_target = bx_arena_printf(&rq->arena, "number:%lld", (long long)c->row.number_id);
    rq->after = on_logged_out;
    return rc < 0 ? rc : answer_done(rq, "Session deleted permanently");
}
