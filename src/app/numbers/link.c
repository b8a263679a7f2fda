#include "app/numbers/link.h"

#include "app/channel/engine.h"
#include "app/core/counts.h"
#include "app/core/json_keys.h"
#include "app/numbers/line.h"
#include "app/numbers/outbox.h"
#include "app/numbers/qr_picture.h"
#include "app/views/rows.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum { WAIT_MS = 15000, SPREAD_MS = 20 };

/* --- what a reason is called outside, and what a person reads --- */

static const struct {
    const char *name, *sentence;
} reasons[WA_REASONS] = {
    [WA_REASON_NONE] = {NULL, NULL},
    [WA_REASON_STOPPED] = {"stopped", "The session was stopped."},
    [WA_REASON_LOST] = {"lost", "The connection to WhatsApp is down; trying again."},
    [WA_REASON_TIMEOUT] = {"timeout", "WhatsApp did not answer; trying again."},
    [WA_REASON_RESTART] = {"restart", "WhatsApp asked for a new connection."},
    [WA_REASON_UNAVAILABLE] = {"unavailable", "WhatsApp is unavailable; trying again."},
    [WA_REASON_QR_EXPIRED] = {"qr_expired", "Nobody scanned the QR code. Start linking again."},
    [WA_REASON_LOGGED_OUT] = {"logged_out", "The device was unlinked. Link the number again."},
    [WA_REASON_REPLACED] = {"replaced", "The device is connected elsewhere. Start the session to "
                                        "take it back."},
    [WA_REASON_BANNED] = {"banned", "WhatsApp has banned this number."},
    [WA_REASON_OUTDATED] = {"outdated", "WhatsApp no longer accepts this version. Update WaBox."},
    [WA_REASON_REFUSED] = {"error", "WhatsApp refused the login."},
    [WA_REASON_UNTRUSTED] = {"error", "The server could not prove that it is WhatsApp."},
    [WA_REASON_STORE] = {"error", "The database could not be written."},
    [WA_REASON_PAIR_FAILED] = {"error", "The phone's answer did not verify. Link again."},
    [WA_REASON_WRONG_PHONE] = {"wrong_phone", NULL}, /* the sentence names both phones */
};

/* What only a person can end. Everything else is tried once at each start of the server: the version,
 * the settings or the machine may have been repaired meanwhile. */
static bool is_final(const struct st_session *s)
{
    return s->status == ST_LINK_DISCONNECTED &&
           (bx_str_is(s->reason, "replaced") || bx_str_is(s->reason, "banned"));
}

static enum st_link_status link_status(enum wa_state state)
{
    static const enum st_link_status map[] = {[WA_STATE_PENDING] = ST_LINK_PENDING,
                                              [WA_STATE_PAIRING] = ST_LINK_PAIRING,
                                              [WA_STATE_CONNECTED] = ST_LINK_CONNECTED,
                                              [WA_STATE_RECONNECTING] = ST_LINK_RECONNECTING,
                                              [WA_STATE_DISCONNECTED] = ST_LINK_DISCONNECTED};
    return map[state];
}

/* --- events --- */

struct bx_str wb_link_status_json(const struct st_session *s, const char *phone,
                                  struct bx_arena *arena)
{
    struct bx_buf out;
    struct bx_json_writer w;
    bx_buf_init(&out, 0);
    bx_json_writer_init(&w, &out);
    bx_json_object(&w);
    bx_json_key_i64(&w, "whatsappNumberId", s->number_id);
    bx_json_key_cstr(&w, "status", wb_link_name(s->status));
    wb_key_time_or_null(&w, "lastConnected", s->last_connected_at);
    bx_json_key_str(&w, "phoneNumber", bx_arena_printf(arena, "+%s", phone));
    wb_key_str_or_null(&w, "reason", s->reason.len ? s->reason : (struct bx_str){0});
    wb_key_time_or_null(&w, "retryAt", s->retry_at);
    if (s->scanned_phone.len)
        bx_json_key_str(&w, "scannedPhone",
                        bx_arena_printf(arena, "+%.*s", BX_STR_ARG(s->scanned_phone)));
    bx_json_end(&w);
    struct bx_str json = bx_arena_str(arena, bx_buf_view(&out));
    bx_buf_done(&out);
    return json;
}

struct st_session wb_link_none(int64_t number_id)
{
    return (struct st_session){.number_id = number_id,
                               .status = ST_LINK_PENDING,
                               .reason = BX_STR("not_linked"),
                               .error_message = BX_STR("The number is not linked yet.")};
}

int wb_link_log(struct wb_log *log, struct st_tx *tx, const struct st_session *s,
                struct bx_arena *arena)
{
    char phone[WB_PHONE_SIZE];
    if (bx_str_copy(s->number_phone, phone, sizeof phone) < 0)
        return BX_E_TOO_BIG;
    return wb_log_append(log, tx, s->number_id, "whatsapp:status", 0,
                         wb_link_status_json(s, phone, arena));
}

/* --- a change of state --- */

struct change {
    struct wb_line *line;
    struct bx_arena arena;
    struct wb_log log;
    struct st_session row, wanted;
    struct bx_str qr; /* data URL to announce; ptr NULL: a change of state */
    int64_t qr_expires_at;
    int detail;        /* code of WhatsApp's server, or a negative rc; for the log */
    bool ends_leaving; /* the device that was logged out has left */
    bool has_changed;  /* of a change of state: the row was another one */
    int rc;
};

static struct change *change_new(struct wb_line *line)
{
    struct change *c = BX_NEW(struct change);
    c->line = line;
    bx_arena_init(&c->arena, 0);
    wb_log_init(&c->log, line->app, &c->arena);
    return c;
}

static void change_free(struct change *c)
{
    bx_arena_done(&c->arena);
    free(c);
}

static int state_job(struct st_tx *tx, void *arg)
{
    struct change *c = arg;
    const struct st_session *to = &c->wanted;
    int rc = st_session_by_number(st_tx_conn(tx), c->line->id, &c->arena, &c->row);
    if (rc < 0)
        return rc;
    struct st_session *row = &c->row;
    if (row->status == to->status && bx_str_eq(row->reason, to->reason) &&
        row->retry_at == to->retry_at && bx_str_eq(row->scanned_phone, to->scanned_phone))
        return BX_OK;
    c->has_changed = true;
    row->status = to->status;
    row->reason = to->reason;
    row->retry_at = to->retry_at;
    row->error_message = to->error_message;
    row->scanned_phone = to->scanned_phone;
    if (to->status == ST_LINK_CONNECTED)
        row->last_connected_at = st_tx_now(tx);
    rc = st_session_update(tx, row);
    if (rc == BX_OK)
        rc = st_session_get(st_tx_conn(tx), row->id, &c->arena, &c->row);
    return rc < 0 ? rc : wb_link_log(&c->log, tx, &c->row, &c->arena);
}

static void log_state(const struct change *c)
{
    const struct st_session *s = &c->row;
    bool is_bad = s->status == ST_LINK_DISCONNECTED && !bx_str_is(s->reason, "stopped");
    if (s->status == ST_LINK_RECONNECTING)
        wb_count(WB_COUNT_RECONNECTS, 1);
    bx_log(is_bad ? BX_LOG_WARN : BX_LOG_INFO, "app", "number state changed",
           "number=%lld state=%s reason=" BX_STR_FMT " code=%d retry_s=%lld",
           (long long)c->line->id, wb_link_name(s->status),
           BX_STR_ARG(s->reason.len ? s->reason : BX_STR("none")), c->detail,
           (long long)(s->retry_at ? (s->retry_at - bx_wall_ms()) / 1000 : 0));
}

static void left(struct change *c);

static void on_changed(void *arg)
{
    struct change *c = arg;
    if (c->ends_leaving)
        left(c);
    if (c->rc >= 0) {
        wb_log_emit(&c->log);
        if (c->has_changed)
            log_state(c);
        wb_link_took(c->line, &c->row);
    } else if (c->rc != BX_E_NOT_FOUND) {
        bx_log(BX_LOG_ERROR, "app", "failed to store link state", "number=%lld rc=%s",
               (long long)c->line->id, bx_err_name(c->rc));
    }
    change_free(c);
}

static void change_done(int rc, void *arg)
{
    struct change *c = arg;
    c->rc = rc;
    net_inbox_post(c->line->app->loop, on_changed, c);
}

static void change_submit(struct change *c, st_job_fn *job)
{
    int rc = st_writer_submit(c->line->app->writer, job, c, change_done);
    if (rc < 0)
        change_done(rc, c);
}

static void qr_drop(struct wb_link *l)
{
    free(l->qr);
    l->qr = NULL;
    l->code[0] = '\0';
}

static struct bx_str wrong_phone_sentence(struct change *c)
{
    const struct wb_line *line = c->line;
    return bx_arena_printf(
        &c->arena,
        "The phone %.*s scanned the code, but this number is %.*s. Scan with that "
        "phone, or use the number of the phone that scanned.",
        BX_STR_ARG(wb_phone_format(bx_str(line->link.scanned), &c->arena)),
        BX_STR_ARG(wb_phone_format(bx_str(line->phone), &c->arena)));
}

static void wanted_of(struct change *c, const struct wa_status_info *s)
{
    struct wb_line *line = c->line;
    enum st_link_status status = link_status(s->state);
    /* Whoever was never linked does not re-connect: it is not linked yet. */
    if (status == ST_LINK_RECONNECTING && !line->link.is_linked)
        status = ST_LINK_PENDING;
    c->wanted.status = status;
    if (status == ST_LINK_CONNECTED)
        return;
    c->wanted = (struct st_session){.status = status,
                                    .reason = bx_str(reasons[s->reason].name),
                                    .error_message = bx_str(reasons[s->reason].sentence),
                                    .retry_at = status == ST_LINK_PAIRING ? 0 : s->retry_at_ms};
    if (s->reason == WA_REASON_WRONG_PHONE) {
        c->wanted.scanned_phone = bx_arena_str(&c->arena, bx_str(line->link.scanned));
        c->wanted.error_message = wrong_phone_sentence(c);
    }
}

void wb_link_on_state(struct wb_line *line, const struct wa_status_info *s)
{
    struct change *c = change_new(line);
    c->detail = s->detail;
    c->ends_leaving = line->link.is_leaving && s->state == WA_STATE_DISCONNECTED;
    wanted_of(c, s);
    if (c->wanted.status != ST_LINK_PAIRING)
        qr_drop(&line->link);
    change_submit(c, state_job);
}

bool wb_link_on_scanned(struct wb_line *line, struct bx_str phone)
{
    if (wb_phone_is_same(phone, bx_str(line->phone)))
        return true;
    if (bx_str_copy(phone, line->link.scanned, sizeof line->link.scanned) < 0)
        line->link.scanned[0] = '\0';
    bx_log(BX_LOG_WARN, "app", "another phone scanned the code; its device is refused",
           "number=%lld", (long long)line->id);
    return false;
}

/* --- QR and code --- */

static struct bx_str qr_json(int64_t number_id, struct bx_str qr, int64_t expires_at_ms,
                             struct bx_arena *arena)
{
    char expires[BX_ISO8601_SIZE];
    bx_iso8601(expires_at_ms, expires);
    return bx_arena_printf(arena,
                           "{\"whatsappNumberId\":%lld,\"qrCode\":\"%.*s\",\"expiresAt\":\"%s\"}",
                           (long long)number_id, BX_STR_ARG(qr), expires);
}

struct bx_str wb_link_qr_json(const struct wb_line *line, struct bx_arena *arena)
{
    const struct wb_link *l = &line->link;
    bool is_valid = l->qr && l->row.status == ST_LINK_PAIRING && l->qr_expires_at > bx_wall_ms();
    return is_valid ? qr_json(line->id, bx_str(l->qr), l->qr_expires_at, arena)
                    : (struct bx_str){0};
}

static int qr_job(struct st_tx *tx, void *arg)
{
    struct change *c = arg;
    int rc = st_session_by_number(st_tx_conn(tx), c->line->id, &c->arena, &c->row);
    if (rc < 0)
        return rc;
    struct bx_str payload = qr_json(c->line->id, c->qr, c->qr_expires_at, &c->arena);
    return wb_log_append(&c->log, tx, c->line->id, "whatsapp:qr", 0, payload);
}

static void waiters_look(struct wb_line *line);

static void on_qr_stored(void *arg)
{
    struct change *c = arg;
    struct wb_link *l = &c->line->link;
    if (c->rc >= 0) {
        free(l->qr);
        l->qr = bx_strndup(c->qr.ptr, c->qr.len);
        l->qr_expires_at = c->qr_expires_at;
    }
    on_changed(c);
}

static void qr_done(int rc, void *arg)
{
    struct change *c = arg;
    c->rc = rc;
    net_inbox_post(c->line->app->loop, on_qr_stored, c);
}

static void qr_work(void *arg, unsigned worker)
{
    (void)worker;
    struct change *c = arg;
    int rc = wb_qr_picture(c->qr, &c->arena, &c->qr);
    if (rc >= 0)
        rc = st_writer_submit(c->line->app->writer, qr_job, c, qr_done);
    if (rc < 0)
        qr_done(rc, c);
}

void wb_link_on_qr(struct wb_line *line, struct bx_str text, int64_t expires_at_ms)
{
    struct change *c = change_new(line);
    c->qr = bx_arena_str(&c->arena, text);
    c->qr_expires_at = expires_at_ms;
    int rc = net_lane_submit(&line->app->link_lane, qr_work, NULL, c);
    if (rc < 0)
        change_free(c);
}

void wb_link_on_code(struct wb_line *line, const char *code, int64_t expires_at_ms)
{
    (void)expires_at_ms;
    snprintf(line->link.code, sizeof line->link.code, "%s", code);
    waiters_look(line);
}

/* --- who waits for the link --- */

struct waiter {
    struct bx_list node;
    struct wb_line *line;
    struct net_timer timer;
    bool by_code;
    wb_link_waited_fn *on_waited;
    void *arg;
};

/* WB_WAITED_NOT: nothing to report yet. */
static enum wb_waited outcome_of(const struct waiter *w, bool is_over, struct bx_str *out_why)
{
    const struct wb_link *l = &w->line->link;
    *out_why = (struct bx_str){0};
    bool is_between =
        l->is_leaving || l->starts_after; /* the row is that of the device that leaves */
    if (is_between && !is_over)
        return WB_WAITED_NOT;
    if (!is_between && l->row.status == ST_LINK_CONNECTED)
        return WB_WAITED_CONNECTED;
    if (w->by_code && l->code[0])
        return WB_WAITED_CODE;
    if (!w->by_code && l->qr)
        return WB_WAITED_QR;
    bool has_failed = l->row.status == ST_LINK_DISCONNECTED && l->row.error_message.len;
    if (!has_failed && !is_over)
        return WB_WAITED_NOT;
    *out_why = l->row.error_message.len
                   ? l->row.error_message
                   : BX_STR("WhatsApp did not answer within 15 seconds; try again.");
    return WB_WAITED_FAILED;
}

static void waiter_look(struct waiter *w, bool is_over)
{
    struct bx_str why;
    enum wb_waited outcome = outcome_of(w, is_over, &why);
    if (outcome == WB_WAITED_NOT)
        return;
    net_timer_stop(&w->timer);
    bx_list_remove(&w->node);
    w->on_waited(w->line, outcome, why, w->arg);
    free(w);
}

static void waiters_look(struct wb_line *line)
{
    BX_LIST_EACH(&line->link.waiters, node)
    waiter_look(BX_CONTAINER_OF(node, struct waiter, node), false);
}

static void on_wait_over(void *arg)
{
    waiter_look(arg, true);
}

void wb_link_wait(struct wb_line *line, bool by_code, wb_link_waited_fn *on_waited, void *arg)
{
    struct waiter *w = BX_NEW(struct waiter);
    *w = (struct waiter){.line = line, .by_code = by_code, .on_waited = on_waited, .arg = arg};
    bx_list_push_back(&line->link.waiters, &w->node);
    net_timer_init(&w->timer, on_wait_over, w);
    net_timer_start(line->app->loop, &w->timer, WAIT_MS);
    waiters_look(line);
}

void wb_link_stop_waiting(struct wb_app *app)
{
    struct wb_line *line;
    for (size_t pos = 0; wb_line_next(app, &pos, &line);) {
        BX_LIST_EACH(&line->link.waiters, node)
        waiter_look(BX_CONTAINER_OF(node, struct waiter, node), true);
    }
}

/* --- following the rows --- */

static void on_retry(void *arg)
{
    struct wb_line *line = arg;
    wb_link_follow(line);
}

void wb_link_init(struct wb_line *line)
{
    net_timer_init(&line->link.retry, on_retry, line);
}

/* A ban that ends: the engine is started again then. */
static void plan_retry(struct wb_line *line)
{
    const struct st_session *row = &line->link.row;
    net_timer_stop(&line->link.retry);
    if (row->status != ST_LINK_DISCONNECTED || !row->retry_at || !row->is_active)
        return;
    int64_t wait = row->retry_at - bx_wall_ms();
    net_timer_start(line->app->loop, &line->link.retry, wait > 0 ? (uint64_t)wait : 0);
}

/* --- leaving, and linking anew --- */

void wb_link_begin(struct wb_line *line, bool by_code)
{
    struct wb_link *l = &line->link;
    bx_log(BX_LOG_INFO, "app", "linking started", "number=%lld by=%s", (long long)line->id,
           by_code ? "code" : "qr");
    if (by_code) /* a new one is asked for; the code of an earlier request no longer links */
        l->code[0] = '\0';
    if (l->is_leaving) {
        l->starts_after = true;
        l->starts_by_code = by_code;
    } else if (!l->starts_after && l->row.status != ST_LINK_CONNECTED) {
        WB_ENGINE(line, start, by_code ? line->phone : NULL, 0);
    }
}

void wb_link_leave(struct wb_line *line)
{
    struct wb_link *l = &line->link;
    l->is_leaving = l->is_leaving || l->is_linked;
    l->starts_after = false;
    WB_ENGINE(line, logout);
}

/* After the commit that says so. Linking that was asked for meanwhile begins once the row is PENDING. */
static void left(struct change *c)
{
    struct wb_link *l = &c->line->link;
    l->is_leaving = false;
    l->starts_after = l->starts_after && c->rc >= 0 && bx_str_is(c->row.reason, "logged_out");
    if (!l->starts_after)
        return;
    struct change *again = change_new(c->line);
    again->wanted.status = ST_LINK_PENDING;
    change_submit(again, state_job);
}

/* Once the old device's row is gone the new one may be made. */
static void start_after(struct wb_line *line)
{
    struct wb_link *l = &line->link;
    bool is_due = l->starts_after && !l->is_leaving && !l->is_linked && l->row.id &&
                  l->row.status == ST_LINK_PENDING;
    if (!is_due)
        return;
    l->starts_after = false;
    WB_ENGINE(line, start, l->starts_by_code ? line->phone : NULL, 0);
}

void wb_link_took(struct wb_line *line, const struct st_session *row)
{
    wb_line_session(line, row);
    start_after(line);
    plan_retry(line);
    waiters_look(line);
    if (row && row->status == ST_LINK_CONNECTED)
        wb_outbox_wake(line);
}

void wb_link_follow(struct wb_line *line)
{
    const struct st_session *row = &line->link.row;
    bool runs = !line->is_gone && line->is_active && row->id && row->is_active;
    if (!runs)
        WB_ENGINE(line, stop);
    else if (line->link.is_linked)
        WB_ENGINE(line, start, NULL, 0);
}

void wb_link_start_all(struct wb_app *app)
{
    struct wb_line *line;
    uint64_t delay = 0;
    for (size_t pos = 0; wb_line_next(app, &pos, &line);) {
        const struct st_session *row = &line->link.row;
        if (!line->link.is_linked)
            continue;
        if (!line->is_active || !row->is_active || is_final(row)) {
            WB_ENGINE(line, load);
            if (line->is_active)
                plan_retry(line);
            continue;
        }
        WB_ENGINE(line, start, NULL, delay);
        delay += SPREAD_MS;
    }
}

void wb_link_version_changed(struct wb_app *app)
{
    struct wb_line *line;
    if (app->engine->ops->reload)
        app->engine->ops->reload(app->engine->self);
    for (size_t pos = 0; wb_line_next(app, &pos, &line);) {
        const struct st_session *row = &line->link.row;
        if (row->status == ST_LINK_DISCONNECTED && bx_str_is(row->reason, "outdated"))
            wb_link_follow(line);
    }
}
