/* The life of a linked number: load, connect, log in, keep alive, end, try again. How it leaves is
 * in unlink.c. */
#include "wa/internal.h"

#include "base/clock.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "wa/version.h"

#include <stdlib.h>

enum {
    TICK_MS = 5000,
    TICK_SLACK_MS = 500,
    PING_MIN_MS = 20000,
    PING_SPREAD_MS = 10000,
    PING_TIMEOUT_MS = 10000,
    LOGIN_TIMEOUT_MS = 60000,
    UNTRUSTED_RETRY_MS = 15 * 60 * 1000
};

#define DEFAULT_URL "wss://web.whatsapp.com/ws/chat"

static char *dup_text(const char *text)
{
    return text ? bx_strndup(text, strlen(text)) : NULL;
}

/* --- state --- */

static uint64_t backoff_ms(const struct wa_client *c)
{
    uint64_t max = (c->opts.backoff_max_s ? c->opts.backoff_max_s : 60) * 1000ull;
    uint64_t base = c->errors >= 16 ? max : 500ull << c->errors;
    base = base > max ? max : base;
    return base - base / 5 + bx_random_below(base / 5 * 2 + 1);
}

static bool is_linked(const struct wa_client *c)
{
    return wa_creds_is_linked(c->creds);
}

static void retry_in(struct wa_client *c, uint64_t delay_ms, enum wa_reason reason, int detail)
{
    int64_t at = bx_wall_ms() + (int64_t)delay_ms;
    net_timer_start(c->loop, &c->reconnect, delay_ms);
    wa_client_set_state(c, is_linked(c) ? WA_STATE_RECONNECTING : WA_STATE_PENDING, reason, detail,
                        at);
}

void wa_client_stop_for(struct wa_client *c, const struct wa_ending *e)
{
    enum wa_state state =
        e->reason == WA_REASON_QR_EXPIRED ? WA_STATE_PENDING : WA_STATE_DISCONNECTED;
    c->is_started = false;
    if (e->retry_at_ms) { /* a ban with an end, a server without proof */
        int64_t wait = e->retry_at_ms - bx_wall_ms();
        c->is_started = true;
        net_timer_start(c->loop, &c->reconnect, wait > 0 ? (uint64_t)wait : 0);
    }
    wa_client_set_state(c, state, e->reason, e->detail, e->retry_at_ms);
}

/* --- ends and attempts --- */

void wa_client_disconnect(struct wa_client *c)
{
    c->is_logged_in = c->has_settled = false;
    c->app_state_busy = c->prekeys_busy = false;
    c->app_state_reset = 0;
    c->connection++;
    c->ping_due_ms = 0;
    net_timer_stop(&c->tick);
    net_timer_stop(&c->reconnect);
    wa_conn_close(&c->conn);
    wa_pair_drop(c);
    wa_request_fail_all(c, BX_E_CLOSED);
    wa_send_fail_all(c, BX_E_CLOSED);
}

static void on_end(struct wa_client *c, struct wa_ending e)
{
    bool is_asking = c->leaving == WA_LEAVING_ASKS;
    bx_debug("wa", "connection ended", "reason=%s detail=%d", wa_reason_name(e.reason), e.detail);
    wa_client_ref(c);
    wa_client_disconnect(c);
    if (e.then == WA_THEN_ONCE)
        e.then = c->badness++ ? WA_THEN_STOP : WA_THEN_BACKOFF;
    if (is_asking) {
        bool is_heard = e.then == WA_THEN_UNLINK;
        wa_unlink(c, is_heard ? e : WA_LOGGED_OUT, !is_heard);
    } else if (c->is_freed || !c->is_started) {
        /* stopped by a callback meanwhile */
    } else if (e.then == WA_THEN_NOW) {
        retry_in(c, 0, e.reason, e.detail);
    } else if (e.then == WA_THEN_UNLINK && is_linked(c)) {
        wa_unlink(c, e, false);
    } else if (e.then == WA_THEN_STOP || e.then == WA_THEN_UNLINK) {
        wa_client_stop_for(c, &e);
    } else {
        retry_in(c, backoff_ms(c), e.reason, e.detail);
        c->errors += c->errors < 16;
    }
    wa_client_unref(c);
}

static void on_conn_end(struct wa_conn *conn, int rc, void *arg)
{
    struct wa_ending e = wa_ending_of_rc(rc);
    (void)conn;
    if (e.reason == WA_REASON_UNTRUSTED) /* a wrong clock, a portal in between: may pass */
        e.retry_at_ms = bx_wall_ms() + UNTRUSTED_RETRY_MS;
    wa_client_end(arg, e);
}

static void on_conn_node(struct wa_conn *conn, struct wa_node *node, struct bx_arena **arena,
                         void *arg)
{
    struct wa_client *c = arg;
    (void)conn;
    wa_client_ref(c);
    wa_stanza_handle(c, node, arena);
    wa_client_unref(c);
}

static int on_conn_payload(struct wa_conn *conn, struct bx_buf *out, void *arg)
{
    const struct wa_client *c = arg;
    (void)conn;
    return wa_login_payload(c, c->creds, out);
}

struct wa_conn_opts wa_client_conn_opts(const struct wa_client *c, const struct wa_creds *creds)
{
    return (struct wa_conn_opts){
        .url = c->url,
        .tls = c->opts.tls,
        .roots = (const uint8_t(*)[32])c->roots,
        .root_count = c->opts.root_count,
        .is_cert_unchecked = c->opts.is_cert_unchecked,
        .noise = &creds->noise,
        .routing = bx_str_n(c->routing, c->routing_len),
    };
}

static void connect_now(struct wa_client *c)
{
    struct wa_conn_opts opts = wa_client_conn_opts(c, c->creds);
    c->connection++;
    net_timer_start_slack(c->loop, &c->tick, TICK_MS, TICK_SLACK_MS);
    c->ping_due_ms = net_loop_now_ms(c->loop) + LOGIN_TIMEOUT_MS;
    int rc = wa_conn_open(&c->conn, &opts);
    if (rc < 0)
        wa_client_end(c, (struct wa_ending){WA_REASON_LOST, WA_THEN_STOP, rc, 0});
}

/* --- loading --- */

static void go(struct wa_client *c);

static int load_run(struct wa_job *job)
{
    struct bx_str *name = BX_ARENA_NEW(&job->out, struct bx_str);
    wa_creds_unref(job->creds); /* of an earlier run */
    job->creds = NULL;
    int rc = wa_creds_open(job->ks, &job->creds);
    if (rc >= 0 && wa_self_get(job->ks, "push_name", &job->out, name) == BX_OK)
        job->result = name;
    return rc;
}

static void load_finish(struct wa_job *job, int rc)
{
    struct wa_client *c = job->client;
    c->is_loading = false;
    if (rc < 0) {
        wa_client_end(c, (struct wa_ending){WA_REASON_STORE, WA_THEN_STOP, rc, 0});
        return;
    }
    const struct bx_str *name = job->result;
    if (name && name->len) {
        free(c->push_name);
        c->push_name = bx_strndup(name->ptr, name->len);
    }
    wa_creds_unref(c->creds);
    c->creds = wa_creds_ref(job->creds);
    if (c->is_started && !net_timer_is_active(&c->reconnect))
        go(c);
}

static const struct wa_job_type load_type = {
    .name = "load", .run = load_run, .finish = load_finish};

void wa_client_load(struct wa_client *c)
{
    if (c->creds || c->is_loading || c->leaving == WA_LEAVING_DROPS)
        return;
    c->is_loading = true;
    wa_job_submit(wa_job_new(c, &load_type, NULL, NULL));
}

/* While a job drops the credentials nothing begins: it retries when it is through. */
static void go(struct wa_client *c)
{
    if (c->leaving == WA_LEAVING_DROPS)
        return;
    if (c->creds)
        connect_now(c);
    else
        wa_client_load(c);
}

void wa_client_retry(struct wa_client *c)
{
    net_timer_start(c->loop, &c->reconnect, 0);
}

static void on_reconnect(void *arg)
{
    go(arg);
}

/* --- keeping alive --- */

static void on_pong(struct wa_client *c, struct wa_node *answer, struct bx_arena **arena, int rc,
                    void *arg)
{
    (void)answer, (void)arena, (void)arg;
    if (rc == BX_E_TIMEOUT)
        wa_client_end(c, wa_ending_of_rc(rc));
}

static void ping(struct wa_client *c)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    struct wa_node *iq = WA_NODE(&arena, "iq", wa_to("to", WA_SERVER_JID), wa_lit("type", "get"),
                                 wa_lit("xmlns", "w:p"));
    wa_node_add(iq, wa_node_new(&arena, "ping"));
    c->ping_due_ms = net_loop_now_ms(c->loop) + PING_MIN_MS + bx_random_below(PING_SPREAD_MS);
    wa_request_send(c, iq, PING_TIMEOUT_MS, on_pong, NULL);
    bx_arena_done(&arena);
}

static void on_tick(void *arg)
{
    struct wa_client *c = arg;
    uint64_t now = net_loop_now_ms(c->loop);
    wa_client_ref(c);
    net_timer_start_slack(c->loop, &c->tick, TICK_MS, TICK_SLACK_MS);
    wa_request_expire(c, now);
    if (!c->is_freed)
        wa_send_expire(c, now);
    if (!c->is_freed && c->conn.is_ready && now >= c->ping_due_ms) {
        if (c->is_logged_in || wa_pair_is_busy(c))
            ping(c);
        else
            wa_client_end(c, wa_ending_of_rc(BX_E_TIMEOUT));
    }
    wa_client_unref(c);
}

/* --- public --- */

static void copy_opts(struct wa_client *c, const struct wa_client_opts *opts)
{
    c->opts = *opts;
    c->url = dup_text(opts->url ? opts->url : DEFAULT_URL);
    c->version = dup_text(opts->version ? opts->version : WA_BUILT_IN_VERSION);
    c->os = dup_text(opts->os ? opts->os : "WaBox");
    c->push_name = dup_text(opts->push_name);
    c->media_host = dup_text(opts->media_host ? opts->media_host : "https://mmg.whatsapp.net");
    c->is_available = opts->is_available;
    if (opts->root_count) {
        c->roots = bx_calloc(opts->root_count, sizeof *c->roots);
        memcpy(c->roots, opts->roots, opts->root_count * sizeof *c->roots);
    }
}

int wa_client_new(struct net_loop *loop, const struct wa_client_opts *opts,
                  const struct wa_client_ops *ops, void *arg, struct wa_client **out)
{
    struct wa_conn_handler handler = {on_conn_payload, on_conn_node, on_conn_end, NULL};
    uint32_t numbers[3];
    struct bx_str url = bx_str(opts->url ? opts->url : DEFAULT_URL);
    if (!bx_str_starts(url, BX_STR("ws://")) && !bx_str_starts(url, BX_STR("wss://")))
        return BX_E_INVALID;
    if (opts->version && wa_version_parse(bx_str(opts->version), numbers) < 0)
        return BX_E_INVALID;
    struct wa_client *c = BX_NEW(struct wa_client);
    c->upper = &wa_upper;
    c->magic = WA_CLIENT_MAGIC;
    c->refs = 1;
    c->loop = loop;
    c->ops = ops;
    c->arg = arg;
    copy_opts(c, opts);
    handler.arg = c;
    wa_conn_init(&c->conn, loop, &handler);
    net_timer_init(&c->reconnect, on_reconnect, c);
    net_timer_init(&c->tick, on_tick, c);
    bx_list_init(&c->requests);
    bx_list_init(&c->sends);
    bx_list_init(&c->unacked);
    bx_list_init(&c->fetches);
    bx_list_init(&c->histories);
    *out = c;
    return BX_OK;
}

int wa_client_set_version(struct wa_client *c, const char *version)
{
    uint32_t numbers[3];
    if (version && wa_version_parse(bx_str(version), numbers) < 0)
        return BX_E_INVALID;
    free(c->version);
    c->version = dup_text(version ? version : WA_BUILT_IN_VERSION);
    return BX_OK;
}

static void client_destroy(void *ptr)
{
    struct wa_client *c = ptr;
    void (*on_freed)(void *) = c->ops->on_freed;
    void *arg = c->arg;
    free(c);
    if (on_freed)
        on_freed(arg);
}

static void on_unused(struct wa_client *c)
{
    net_timer_stop(&c->reconnect);
    net_timer_stop(&c->tick);
    wa_conn_done(&c->conn);
    struct bx_list *left;
    while ((left = bx_list_pop_front(&c->sends)))
        wa_send_op_free(BX_CONTAINER_OF(left, struct wa_send_op, node));
    wa_creds_unref(c->creds);
    free(c->url);
    free(c->version);
    free(c->os);
    free(c->push_name);
    free(c->media_host);
    wa_media_hosts_free(c->media);
    free(c->code_phone);
    free(c->roots);
    c->magic = 0;
    net_loop_call_later(c->loop, client_destroy, c);
}

void wa_client_free(struct wa_client *c)
{
    if (!c || c->is_freed)
        return;
    c->is_freed = true;
    c->is_started = false;
    wa_farewell_drop(c);
    wa_client_disconnect(c);
    wa_client_unref(c);
}

void *wa_client_arg(const struct wa_client *c)
{
    return c->arg;
}

void wa_client_start(struct wa_client *c, const char *phone_number)
{
    if (phone_number || !c->is_started) {
        free(c->code_phone);
        c->code_phone = dup_text(phone_number);
    }
    if (c->is_started && net_timer_is_active(&c->reconnect) && c->errors) {
        wa_client_retry(c); /* do not wait any longer */
        return;
    }
    if (c->is_started)
        return;
    c->is_started = true;
    c->errors = c->badness = 0;
    net_timer_start(c->loop, &c->reconnect, c->opts.start_delay_ms);
    wa_client_load(c);
}

void wa_client_stop(struct wa_client *c)
{
    bool is_asking = c->leaving == WA_LEAVING_ASKS;
    c->is_started = false;
    wa_client_ref(c);
    wa_client_disconnect(c);
    if (is_asking) /* logging out goes on without the connection */
        wa_unlink(c, WA_LOGGED_OUT, true);
    else if (!c->is_freed && c->leaving == WA_LEAVING_NOT)
        wa_client_set_state(c, WA_STATE_DISCONNECTED, WA_REASON_STOPPED, 0, 0);
    wa_client_unref(c);
}

const struct wa_status_info *wa_client_status(const struct wa_client *c)
{
    return &c->status;
}

struct bx_str wa_client_jid(const struct wa_client *c)
{
    return c->creds ? bx_str(c->creds->jid) : BX_STR("");
}

struct bx_str wa_client_lid(const struct wa_client *c)
{
    return c->creds ? bx_str(c->creds->lid) : BX_STR("");
}

size_t wa_client_memory(const struct wa_client *c)
{
    size_t bytes = sizeof *c + (c->creds ? sizeof *c->creds : 0) + c->conn.reader.buf.cap;
    BX_LIST_EACH(&c->sends, at)
    bytes += BX_CONTAINER_OF(at, struct wa_send_op, node)->arena.used + sizeof(struct wa_send_op);
    return bytes;
}

/* --- for the features --- */

static void on_connected(struct wa_client *c)
{
    c->errors = c->badness = 0;
    c->has_settled = true;
    c->ping_due_ms = net_loop_now_ms(c->loop) + PING_MIN_MS + bx_random_below(PING_SPREAD_MS);
    wa_presence_announce(c);
    wa_client_set_state(c, WA_STATE_CONNECTED, WA_REASON_NONE, 0, 0);
    if (c->is_freed || !c->is_logged_in)
        return;
    if (c->app_state_wanted)
        wa_app_state_want(c, 0);
    wa_prekeys_upkeep(c);
    wa_history_resume(c);
    wa_send_next(c);
}

const struct wa_upper wa_upper = {
    .end = on_end,
    .connected = on_connected,
    .unused = on_unused,
    .effect = wa_want_carry_out,
    .stepped = wa_send_on_step,
};
