#include "app/rest/dispatch.h"

#include "app/core/config.h"
#include "app/core/failures.h"
#include "app/core/fair.h"
#include "app/core/json_load.h"
#include "app/core/limit.h"
#include "app/core/stop.h"
#include "app/rest/answer.h"
#include "app/rest/kept.h"
#include "app/rest/permission_check.h"
#include "app/rest/route.h"
#include "base/clock.h"
#include "base/json_scan.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

enum { /* reads of one user */
       READS_RUNNING_MAX = 2,
       READS_WAITING_MAX = 1024,
       READS_WAITING_BYTES = 16 << 20,
       READ_BYTES = 8 << 10,
       READ_WAIT_MS = 1000,
};
enum { /* passwords that wait to be hashed */
       HASHES_PER_GROUP = 256,
       HASHES_MAX = 4096,
       BUSY_RETRY_MS = 1000,
       LOGIN_BODY_MAX = 4096,
};
enum { LANES_MAX = 64, LANE_QUEUE_MAX = 4096, ANSWER_MAX = 32 << 20 };

struct wb_dispatch {
    struct wb_app *app;
    struct net_lane lanes[LANES_MAX], hashers[LANES_MAX];
    unsigned lane_count, hasher_count, next_lane, next_hasher;
    struct wb_fair *hashes;    /* requests that wait for a password to be hashed */
    struct wb_inflight *reads; /* of each user */
    size_t running;
    uint64_t last_id;
};

struct bx_metric wb_metrics[] = {
    {"wabox_rest_requests_total", "REST requests answered.", BX_COUNTER, "class=\"2xx\"", 0},
    {"wabox_rest_requests_total", "REST requests answered.", BX_COUNTER, "class=\"3xx\"", 0},
    {"wabox_rest_requests_total", "REST requests answered.", BX_COUNTER, "class=\"4xx\"", 0},
    {"wabox_rest_requests_total", "REST requests answered.", BX_COUNTER, "class=\"5xx\"", 0},
    {"wabox_rest_requests_running", "REST requests under way.", BX_GAUGE, NULL, 0},
};
const size_t wb_metric_count = BX_LEN(wb_metrics);
struct bx_histogram wb_rest_seconds = {.name = "wabox_rest_request_seconds",
                                       .help = "Time from a REST request to its answer."};
enum { METRIC_2XX = 0, METRIC_RUNNING = 4 };
/* Waiting is what linking does; everything else should be done long before. */
enum { SLOW_MS = 1000 };

struct wb_dispatch *wb_dispatch_new(struct wb_app *app)
{
    struct wb_dispatch *d = BX_NEW(struct wb_dispatch);
    d->app = app;
    d->reads = wb_inflight_new(READS_RUNNING_MAX, READS_WAITING_MAX, READS_WAITING_BYTES);
    d->lane_count = net_pool_threads(app->pool);
    d->hasher_count = (unsigned)app->config->hashers;
    for (unsigned i = 0; i < d->lane_count; i++)
        net_lane_init(&d->lanes[i], app->pool, LANE_QUEUE_MAX);
    for (unsigned i = 0; i < d->hasher_count; i++)
        net_lane_init(&d->hashers[i], app->pool, 0); /* as many jobs as slots of the queue before */
    d->hashes = wb_fair_new(d->hasher_count, HASHES_PER_GROUP, HASHES_MAX);
    return d;
}

void wb_dispatch_free(struct wb_dispatch *d)
{
    if (d) {
        wb_fair_free(d->hashes);
        wb_inflight_free(d->reads);
    }
    free(d);
}

size_t wb_dispatch_running(const struct wb_dispatch *d)
{
    return d->running;
}

/* --- birth and end --- */

static struct bx_str copy(struct wb_request *rq, struct bx_str s)
{
    return s.ptr ? bx_arena_str(&rq->arena, s) : s;
}

static void on_abort(struct http_exchange *x, void *arg)
{
    (void)x;
    ((struct wb_request *)arg)->x = NULL;
}

static struct wb_request *request_new(struct wb_dispatch *d, struct http_exchange *x)
{
    const struct http_request *r = http_exchange_request(x);
    struct wb_request *rq = BX_NEW(struct wb_request);
    rq->app = d->app;
    rq->x = x;
    bx_arena_init(&rq->arena, 64 << 20);
    bx_buf_init(&rq->out, ANSWER_MAX);
    bx_json_writer_init(&rq->w, &rq->out);
    rq->started_ns = bx_mono_ns();
    rq->path = copy(rq, r->path);
    rq->query = copy(rq, r->query);
    rq->body_text = copy(rq, r->body);
    rq->user_agent = copy(rq, http_header_get(r, BX_STR("user-agent")));
    rq->host = copy(rq, http_header_get(r, BX_STR("host")));
    rq->origin = copy(rq, http_header_get(r, BX_STR("origin")));
    rq->content_type = copy(rq, http_header_get(r, BX_STR("content-type")));
    rq->idempotency_key = copy(rq, http_header_get(r, BX_STR("idempotency-key")));
    rq->is_tls =
        r->is_tls || (d->app->config->trust_proxy &&
                      bx_str_ieq(http_header_get(r, BX_STR("x-forwarded-proto")), BX_STR("https")));
    wb_client_ip(d->app, bx_str(r->peer), http_header_get(r, BX_STR("x-forwarded-for")), rq->ip);
    snprintf(rq->id, sizeof rq->id, "%016llx",
             (unsigned long long)(d->app->started_ms << 20 | (++d->last_id & 0xfffff)));
    http_exchange_on_abort(x, on_abort, rq);
    d->running++;
    bx_metric_add(&wb_metrics[METRIC_RUNNING], 1);
    return rq;
}

static void note(struct wb_request *rq, int rc, int status)
{
    uint64_t us = (bx_mono_ns() - rq->started_ns) / 1000, ms = us / 1000;
    bx_metric_add(&wb_metrics[METRIC_2XX + (status < 300   ? 0
                                            : status < 400 ? 1
                                            : status < 500 ? 2
                                                           : 3)],
                  1);
    bx_metric_add(&wb_metrics[METRIC_RUNNING], -1);
    bx_histogram_observe(&wb_rest_seconds, us);
    const char *path = rq->route ? rq->route->path : "?";
    if (status >= 500)
        wb_failure_note(WB_FAILURE_REQUEST, "id=%s method=%s route=%s rc=%s status=%d", rq->id,
                        rq->route ? wb_method_name(rq->route->method) : "?", path, bx_err_name(rc),
                        status);
    else if (ms >= SLOW_MS && rq->route && !(rq->route->flags & WB_WAITS))
        wb_failure_note(WB_FAILURE_SLOW_CALL, "id=%s method=%s route=%s status=%d ms=%llu", rq->id,
                        wb_method_name(rq->route->method), path, status, (unsigned long long)ms);
    else
        bx_debug("app", "request", "id=%s route=%s user=%lld status=%d ms=%llu", rq->id, path,
                 (long long)rq->who.user_id, status, (unsigned long long)ms);
}

static void finish(void *arg)
{
    struct wb_request *rq = arg;
    struct wb_dispatch *d = rq->app->dispatch;
    if (rq->rc == BX_OK && rq->route && (rq->route->flags & WB_KEPT) && !rq->body_out)
        wb_kept_put(rq->app->kept, rq);
    int status = wb_answer_send(rq, rq->rc);
    note(rq, rq->rc, status);
    wb_inflight_give(d->reads, &rq->ticket);
    bx_shared_unref(rq->body_out);
    json_decref(rq->body);
    bx_buf_done(&rq->out);
    bx_arena_done(&rq->arena);
    free(rq);
    d->running--;
    if (d->app->is_stopping && d->running == 0)
        wb_stop_done_one(d->app);
}

/* On the loop: answer now. */
static void end(struct wb_request *rq, int rc)
{
    rq->rc = rc;
    finish(rq);
}

void wb_request_answer(struct wb_request *rq, int rc)
{
    rq->rc = rc;
    net_inbox_post(rq->app->loop, finish, rq);
}

/* --- the writer --- */

static int append_audit(struct wb_request *rq)
{
    struct st_audit row = {
        .user_id = rq->audit_user_id ? rq->audit_user_id : rq->who.user_id,
        .api_key_id = rq->who.api_key_id,
        .number_id = rq->audit_number_id ? rq->audit_number_id : rq->number_id,
        .action = bx_str(rq->route->audit),
        .target = rq->audit_target,
        .ip = bx_str(rq->ip),
        .details = rq->audit_details,
    };
    int64_t id;
    return st_audit_append(rq->tx, &row, &id);
}

static int write_job(struct st_tx *tx, void *arg)
{
    struct wb_request *rq = arg;
    rq->tx = tx;
    rq->conn = st_tx_conn(tx);
    int rc = rq->route->handler(rq);
    if (rc >= 0 && rq->route->audit && !rq->is_replay) {
        int audit_rc = append_audit(rq);
        rc = audit_rc < 0 ? audit_rc : rc;
    }
    rq->tx = NULL;
    rq->conn = NULL;
    return rc;
}

static void on_written(int rc, void *arg)
{
    struct wb_request *rq = arg;
    void (*end_of)(struct wb_request *) = rc < 0 ? rq->undo : rq->after;
    if (end_of)
        end_of(rq);
    if (rc != WB_LATER)
        wb_request_answer(rq, rc);
}

/* --- the lane --- */

static int check_body(struct wb_request *rq)
{
    const struct wb_route *route = rq->route;
    struct bx_str text = bx_str_trim(rq->body_text);
    if (!route->body || (text.len == 0 && (route->flags & WB_BODY_OPTIONAL)))
        return BX_OK;
    struct bx_str type = bx_str_slice(rq->content_type, 0, bx_str_find(rq->content_type, ';'));
    if (text.len && type.len && !bx_str_ieq(bx_str_trim(type), BX_STR("application/json")))
        return wb_fail(rq, BX_E_UNSUPPORTED, "Content-Type must be application/json.");
    if (text.len == 0)
        text = BX_STR("{}");
    json_error_t error;
    rq->body = wb_json_load(text, JSON_REJECT_DUPLICATES, &error);
    if (!rq->body) {
        rq->details =
            bx_arena_printf(&rq->arena, "{\"line\":%d,\"column\":%d}", error.line, error.column);
        return wb_fail(rq, BX_E_INVALID, "The body %s (line %d, column %d).", wb_json_fault(text),
                       error.line, error.column);
    }
    if (!json_is_object(rq->body))
        return wb_fail(rq, BX_E_INVALID, "The body must be a JSON object.");
    struct bx_buf message;
    const char *field = "";
    bx_buf_init(&message, 1024);
    int rc = wb_schema_check(route->body, rq->body, &message, &field);
    if (rc < 0)
        rc = wb_fail_field(rq, field, "%.*s", (int)message.len, (const char *)message.data);
    bx_buf_done(&message);
    return rc;
}

static int run_on_lane(struct wb_request *rq)
{
    const struct wb_route *route = rq->route;
    int rc = wb_permission_check(rq);
    if (rc == BX_OK)
        rc = check_body(rq);
    if (rc == BX_OK && route->prepare)
        rc = route->prepare(rq);
    if (rc == BX_OK && route->where == WB_ON_LANE)
        rc = route->handler(rq);
    return rc;
}

/* What a request reads, it reads of one moment; also one lock of the log instead of one for each
 * statement. Not while it hashes a password: that is long. */
static void lane_work(void *arg, unsigned worker)
{
    struct wb_request *rq = arg;
    const struct wb_route *route = rq->route;
    bool is_one_moment = !(route->flags & WB_HASHES);
    struct st_conn *conn = rq->app->readers[worker];
    rq->conn = conn;
    int rc = is_one_moment ? st_read_begin(conn) : BX_OK;
    if (rc >= 0)
        rc = run_on_lane(rq); /* WB_LATER: rq may be answered and gone */
    if (is_one_moment)
        st_read_end(conn);
    if (rc == BX_OK && route->where == WB_ON_WRITER) {
        rq->conn = NULL;
        rc = st_writer_submit(rq->app->writer, write_job, rq, on_written);
        if (rc == BX_OK)
            return;
    }
    if (rc != WB_LATER)
        wb_request_answer(rq, rc);
}

static int to_lane(struct wb_dispatch *d, struct wb_request *rq, net_work_fn *work)
{
    return net_lane_submit(&d->lanes[d->next_lane++ % d->lane_count], work, NULL, rq);
}

/* --- passwords: a hash takes tens of milliseconds, so users and addresses take turns --- */

/* The request may be answered and gone when its turn ends. */
struct hash_turn {
    struct wb_dispatch *dispatch;
    struct wb_request *rq;
};

static void hashes_run(struct wb_dispatch *d);

static void hash_work(void *arg, unsigned worker)
{
    lane_work(((struct hash_turn *)arg)->rq, worker);
}

static void on_hashed(void *arg)
{
    struct hash_turn *turn = arg;
    struct wb_dispatch *d = turn->dispatch;
    free(turn);
    wb_fair_done(d->hashes);
    hashes_run(d);
}

static void hashes_run(struct wb_dispatch *d)
{
    struct wb_request *rq;
    while ((rq = wb_fair_next(d->hashes))) {
        struct hash_turn *turn = BX_NEW(struct hash_turn);
        *turn = (struct hash_turn){d, rq};
        net_lane_submit(&d->hashers[d->next_hasher++ % d->hasher_count], hash_work, on_hashed,
                        turn);
    }
}

/* Whose account a login tries, as far as a look at the body tells: only for whose turn it is. */
static struct bx_str account_tried(struct wb_request *rq)
{
    static const char *const names[] = {"username", "email"};
    struct bx_str value, text;
    for (size_t i = 0; rq->body_text.len <= LOGIN_BODY_MAX && i < BX_LEN(names); i++) {
        if (bx_json_get(rq->body_text, bx_str(names[i]), &value) &&
            bx_json_string(value, &rq->arena, &text) == BX_OK)
            return bx_str_trim(text);
    }
    return BX_STR("");
}

static int to_hashers(struct wb_dispatch *d, struct wb_request *rq)
{
    char address[WB_LIMIT_ADDRESS_SIZE];
    bool is_known = rq->who.user_id != 0;
    struct bx_str group = is_known ? bx_str_n(&rq->who.user_id, sizeof rq->who.user_id)
                                   : wb_limit_address(bx_str(rq->ip), address);
    int rc = wb_fair_submit(d->hashes, group, is_known ? BX_STR("") : account_tried(rq), rq);
    if (rc == BX_E_RATE_LIMITED) {
        rq->retry_after_ms = BUSY_RETRY_MS;
        rc =
            wb_fail(rq, rc, "Too many passwords are being checked for you. Try again in a second.");
    }
    hashes_run(d);
    return rc;
}

/* --- the loop --- */

static int check_rate(struct wb_request *rq)
{
    static const double costs[] = {[WB_RATE_NORMAL] = 1, [WB_RATE_FREE] = 0, [WB_RATE_HEAVY] = 5};
    struct wb_app *app = rq->app;
    double cost = costs[rq->route->rate];
    if (cost <= 0)
        return BX_OK;
    char address[WB_LIMIT_ADDRESS_SIZE];
    struct bx_str user = bx_str_n(&rq->who.user_id, sizeof rq->who.user_id);
    struct bx_str at = wb_limit_address(bx_str(rq->ip), address);
    uint64_t now = net_loop_now_ms(app->loop);
    uint64_t wait = rq->who.user_id ? wb_limits_take(app->user_limits, user, cost, now)
                                    : wb_limits_take(app->ip_limits, at, cost, now);
    if (!wait)
        return BX_OK;
    rq->retry_after_ms = (int64_t)wait;
    return wb_fail(rq, BX_E_RATE_LIMITED, "Rate limit exceeded. Try again in %llu ms.",
                   (unsigned long long)wait);
}

static void read_start(struct wb_ticket *t)
{
    struct wb_request *rq = BX_CONTAINER_OF(t, struct wb_request, ticket);
    int rc = rq->x ? to_lane(rq->app->dispatch, rq, lane_work) : BX_E_CLOSED;
    if (rc < 0)
        end(rq, rc);
}

/* Reads of one user take turns: pipelined or on many connections, they fill neither the pool nor
 * the memory. BX_OK: on its way, or waiting. */
static int start_on_lane(struct wb_request *rq)
{
    struct wb_dispatch *d = rq->app->dispatch;
    bool takes_turns = rq->who.user_id && rq->route->method == HTTP_GET;
    if (rq->route->flags & WB_HASHES)
        return to_hashers(d, rq);
    if (!takes_turns)
        return to_lane(d, rq, lane_work);
    rq->ticket = (struct wb_ticket){.bytes = READ_BYTES + rq->body_text.len, .start = read_start};
    int rc = wb_inflight_take(d->reads, rq->who.user_id, &rq->ticket);
    if (rc == BX_E_FULL) {
        rq->retry_after_ms = READ_WAIT_MS;
        return wb_fail(rq, BX_E_RATE_LIMITED, "Too many requests of this user are waiting.");
    }
    return rc == BX_OK ? to_lane(d, rq, lane_work) : BX_OK;
}

/* The caller is known (or need not be). */
static int key_used_job(struct st_tx *tx, void *arg)
{
    return st_api_key_touch(tx, (int64_t)(intptr_t)arg);
}

/* Once a minute is enough to know whether a key is in use. A collision costs a write more. */
static void key_used(struct wb_request *rq)
{
    enum { MINUTE_MS = 60000 };
    int64_t id = rq->who.api_key_id;
    uint64_t now = bx_mono_ms();
    struct wb_key_use *use = &rq->app->key_uses[(uint64_t)id % WB_KEY_USES];
    if (!id || (use->id == id && now - use->at_ms < MINUTE_MS))
        return;
    if (st_writer_submit(rq->app->writer, key_used_job, (void *)(intptr_t)id, NULL) == BX_OK)
        *use = (struct wb_key_use){id, now};
}

static void admitted(struct wb_request *rq)
{
    key_used(rq);
    int rc = check_rate(rq);
    if (rc == BX_OK)
        rc = wb_permission_of_caller(rq);
    if (rc == BX_OK && (rq->route->flags & WB_KEPT) && wb_kept_get(rq->app->kept, rq)) {
        end(rq, BX_OK);
        return;
    }
    if (rc == BX_OK && rq->route->where == WB_ON_LOOP) {
        rc = rq->route->handler(rq);
        if (rc == WB_LATER)
            return;
    } else if (rc == BX_OK) {
        rc = start_on_lane(rq);
        if (rc == BX_OK)
            return;
    }
    end(rq, rc);
}

static void authenticate(struct wb_request *rq, bool has_learned);

static void learned(void *arg)
{
    authenticate(arg, true);
}

static void learn_work(void *arg, unsigned worker)
{
    struct wb_request *rq = arg;
    struct wb_credentials c = {rq->credentials, rq->is_api_key};
    rq->rc = wb_authenticate_learn(rq->app, rq->app->readers[worker], &c);
    net_inbox_post(rq->app->loop, learned, rq);
}

static void authenticate(struct wb_request *rq, bool has_learned)
{
    struct wb_credentials c = {rq->credentials, rq->is_api_key};
    const char *sentence = NULL;
    int rc = wb_authenticate(rq->app, &c, &rq->who, &sentence);
    if (rc == BX_OK) {
        admitted(rq);
        return;
    }
    if (rc == BX_E_AGAIN && !has_learned) {
        rc = to_lane(rq->app->dispatch, rq, learn_work);
        if (rc < 0)
            end(rq, rc);
        return;
    }
    if (has_learned && rq->rc != BX_OK && rq->rc != BX_E_NOT_FOUND) {
        end(rq, rq->rc); /* the store could not be asked: that is no verdict on the login */
        return;
    }
    if (rc == BX_E_AGAIN)
        sentence = rq->is_api_key ? "The API key is not valid."
                                  : "The access token was revoked. Log in again.";
    rq->message = bx_str(sentence);
    rq->status = 401;
    end(rq, BX_E_AUTH);
}

static void no_route(struct wb_request *rq, int rc, unsigned allow)
{
    if (rc != BX_E_UNSUPPORTED) {
        end(rq, wb_fail(rq, BX_E_NOT_FOUND, "There is nothing at this address."));
        return;
    }
    struct bx_buf list;
    bx_buf_init(&list, 128);
    for (unsigned m = HTTP_GET; m <= HTTP_DELETE; m++) {
        if (allow & 1u << m)
            bx_buf_printf(&list, "%s%s", list.len ? ", " : "", wb_method_name(m));
    }
    http_add_header(rq->x, "Allow", bx_buf_view(&list));
    rq->status = 405;
    rq->message = bx_arena_printf(&rq->arena, "This address only knows %.*s.", (int)list.len,
                                  (const char *)list.data);
    bx_buf_done(&list);
    end(rq, BX_E_INVALID);
}

void wb_dispatch_request(struct wb_dispatch *d, struct http_exchange *x)
{
    struct wb_request *rq = request_new(d, x);
    const struct http_request *r = http_exchange_request(x);
    unsigned allow;
    int rc = wb_route_find(d->app->routes, r->method, rq->path, &rq->route, rq->texts, &allow);
    if (rc < 0) {
        no_route(rq, rc, allow);
        return;
    }
    struct wb_credentials c;
    rc = wb_credentials_of(r, &c);
    rq->credentials = copy(rq, c.text);
    rq->is_api_key = c.is_api_key;
    if (rq->route->access == WB_PUBLIC) {
        admitted(rq);
    } else if (rc < 0) {
        rq->message = BX_STR("The Authorization header is malformed. Send: Bearer <token>.");
        rq->status = 401;
        end(rq, BX_E_AUTH);
    } else {
        authenticate(rq, false);
    }
}
