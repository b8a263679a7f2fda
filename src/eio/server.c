/* Checks every request in engine.io's order (transport, Origin, sid, method, upgrade, limits,
 * allow_request, version) and hands it to its session or makes a new one.
 */
#include "base/err.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "eio/internal.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const default_messages[] = {
    [EIO_TRANSPORT_UNKNOWN] = "Transport unknown",
    [EIO_SID_UNKNOWN] = "Session ID unknown",
    [EIO_BAD_METHOD] = "Bad handshake method",
    [EIO_BAD_REQUEST] = "Bad request",
    [EIO_FORBIDDEN] = "Forbidden",
    [EIO_UNSUPPORTED_VERSION] = "Unsupported protocol version",
};

static const struct bx_metric metric_rows[EIO_M_COUNT] = {
    [EIO_M_SESSIONS] = {"sio_sessions", "Engine.IO sessions now.", BX_GAUGE, NULL, 0},
    [EIO_M_OPENED] = {"sio_sessions_opened_total", "Engine.IO sessions since the start.",
                      BX_COUNTER, NULL, 0},
    [EIO_M_UPGRADES] = {"sio_upgrades_total", "Sessions moved from polling to WebSocket.",
                        BX_COUNTER, NULL, 0},
    [EIO_M_PACKETS_IN] = {"sio_packets_received_total", "Messages from clients.", BX_COUNTER, NULL,
                          0},
    [EIO_M_PACKETS_OUT] = {"sio_packets_sent_total", "Packets to clients, fan-out not counted.",
                           BX_COUNTER, NULL, 0},
    [EIO_M_PING_TIMEOUTS] = {"sio_ping_timeouts_total", "Sessions that stopped answering.",
                             BX_COUNTER, NULL, 0},
#define REFUSED(code, text)                                                                        \
    [EIO_M_REFUSED_0 + (code)] = {"sio_requests_refused_total",                                    \
                                  "Requests refused, by Engine.IO error code.", BX_COUNTER,        \
                                  "code=\"" text "\"", 0}
    REFUSED(0, "0"),
    REFUSED(1, "1"),
    REFUSED(2, "2"),
    REFUSED(3, "3"),
    REFUSED(4, "4"),
    REFUSED(5, "5"),
#undef REFUSED
#define LIMIT(text)                                                                                \
    {                                                                                              \
        "sio_limit_exceeded_total", "Limits that were exceeded.", BX_COUNTER,                      \
            "limit=\"" text "\"", 0                                                                \
    }
    [EIO_M_LIMIT_CONNECTIONS] = LIMIT("connections"),
    [EIO_M_LIMIT_PER_IP] = LIMIT("connections_per_ip"),
    [EIO_M_LIMIT_RATE] = LIMIT("handshakes"),
    [EIO_M_LIMIT_PAYLOAD] = LIMIT("payload"),
    [EIO_M_LIMIT_QUEUE] = LIMIT("send_queue"),
#undef LIMIT
};

int eio_server_new(struct net_loop *loop, const struct eio_opts *opts,
                   const struct eio_handler *handler, void *arg, struct eio_server **out)
{
    struct eio_server *server = BX_NEW(struct eio_server);
    server->loop = loop;
    server->closing = BX_NEW(struct eio_closing);
    server->opts = *opts;
    server->handler = handler;
    server->arg = arg;
    server->rate_tokens = (uint64_t)opts->max_handshakes_per_s * 1000;
    server->slack_ms = opts->ping_interval_ms >= 5000 ? 100 : 1;
    server->ws = (struct ws_opts){.max_message_bytes = opts->max_payload_bytes,
                                  .is_deflate = opts->is_deflate};
    memcpy(server->metrics, metric_rows, sizeof metric_rows);
    bx_map_init(&server->sessions);
    bx_map_init(&server->addresses);
    *out = server;
    return BX_OK;
}

void eio_server_free(struct eio_server *server)
{
    BX_ASSERT(server->sessions.count == 0);
    bx_map_done(&server->sessions);
    bx_map_done(&server->addresses);
    server->closing->is_orphan = true;
    if (server->closing->count == 0)
        free(server->closing);
    free(server);
}

void eio_server_stop(struct eio_server *server)
{
    server->is_stopped = true;
}

size_t eio_server_count(const struct eio_server *server)
{
    return server->sessions.count;
}

size_t eio_server_pending(const struct eio_server *server)
{
    return server->sessions.count + server->closing->count;
}

struct net_loop *eio_server_loop(const struct eio_server *server)
{
    return server->loop;
}

void eio_server_register_metrics(struct eio_server *server, struct bx_metrics *set)
{
    bx_metrics_register(set, server->metrics, EIO_M_COUNT);
}

void eio_server_each(struct eio_server *server, void (*fn)(struct eio_session *s, void *arg),
                     void *arg)
{
    size_t count = server->sessions.count, n = 0, pos = 0;
    struct eio_session **all = bx_calloc(count + 1, sizeof *all);
    void *value;
    while (bx_map_next(&server->sessions, &pos, &value))
        all[n++] = value;
    for (size_t i = 0; i < n; i++)
        fn(all[i], arg); /* an ended session's memory stays until the end of the turn */
    free(all);
}

/* Names and values are decoded, as Node's querystring does: a broken escape stands for itself. */
static struct bx_str query_decode(struct http_exchange *x, struct bx_str raw)
{
    struct bx_str text;
    return http_url_decode(http_exchange_arena(x), raw, true, &text) == BX_OK ? text : raw;
}

bool eio_query_get(struct http_exchange *x, struct bx_str name, struct bx_str *out)
{
    struct bx_str query = http_exchange_request(x)->query, pair;
    while (bx_str_split(&query, '&', &pair)) {
        size_t eq = bx_str_find(pair, '=');
        if (!bx_str_eq(query_decode(x, bx_str_slice(pair, 0, eq)), name))
            continue;
        *out = query_decode(x, bx_str_slice(pair, eq + 1, pair.len));
        return true;
    }
    return false;
}

bool eio_query_flag(struct http_exchange *x, struct bx_str name)
{
    struct bx_str value;
    return eio_query_get(x, name, &value) && (bx_str_is(value, "1") || bx_str_is(value, "true"));
}

/* A failed upgrade is answered in plain text and ends the connection, anything else in JSON. */
void eio_refuse(struct eio_server *server, struct http_exchange *x, enum eio_error code,
                const char *message)
{
    const struct http_request *r = http_exchange_request(x);
    struct bx_buf body;
    struct bx_json_writer w;
    message = message ? message : default_messages[code];
    bx_metric_add(&server->metrics[EIO_M_REFUSED_0 + (unsigned)code], 1);
    if (server->handler->on_error)
        server->handler->on_error(code, message, r->peer, server->arg);
    if (r->is_upgrade) {
        http_set_close(x);
        http_respond(x, 400, "text/html", bx_str(message));
        return;
    }
    bx_buf_init(&body, 0);
    bx_json_writer_init(&w, &body);
    bx_json_object(&w);
    bx_json_key_i64(&w, "code", (int64_t)code);
    bx_json_key_cstr(&w, "message", message);
    bx_json_end(&w);
    http_respond(x, code == EIO_FORBIDDEN ? 403 : 400, "application/json", bx_buf_view(&body));
    bx_buf_done(&body);
}

enum transport { UNKNOWN, POLLING, WEBSOCKET };

static enum transport transport_of(const struct eio_server *server, struct http_exchange *x)
{
    struct bx_str name;
    if (!eio_query_get(x, BX_STR("transport"), &name))
        return UNKNOWN;
    if (bx_str_is(name, "polling") && server->opts.allow_polling)
        return POLLING;
    return bx_str_is(name, "websocket") && server->opts.allow_websocket ? WEBSOCKET : UNKNOWN;
}

static bool origin_is_clean(struct bx_str origin)
{
    for (size_t i = 0; i < origin.len; i++) {
        unsigned char c = (unsigned char)origin.ptr[i];
        if ((c < 0x20 && c != '\t') || c == 0x7f || c >= 0x80)
            return false;
    }
    return true;
}

/* NULL sid: none given (or an empty one, which asks for a new session). */
static struct bx_str sid_of(struct http_exchange *x)
{
    struct bx_str sid;
    return eio_query_get(x, BX_STR("sid"), &sid) && sid.len ? sid : bx_str_n(NULL, 0);
}

static struct eio_session *session_find(struct eio_server *server, struct bx_str sid)
{
    return sid.len == EIO_SID_LEN ? bx_map_get(&server->sessions, sid) : NULL;
}

/* 4, 3 (when allowed), or 0. */
static int protocol_of(const struct eio_server *server, struct http_exchange *x)
{
    struct bx_str version;
    if (!eio_query_get(x, BX_STR("EIO"), &version))
        return 0;
    if (bx_str_is(version, "4"))
        return 4;
    return bx_str_is(version, "3") && server->opts.allow_eio3 ? 3 : 0;
}

/* --- an existing session --- */

static void on_session_request(struct eio_server *server, struct http_exchange *x,
                               struct bx_str sid, enum transport t)
{
    const struct http_request *r = http_exchange_request(x);
    struct eio_session *s = session_find(server, sid);
    if (!s) {
        eio_refuse(server, x, EIO_SID_UNKNOWN, NULL);
    } else if (protocol_of(server, x) != s->protocol) {
        eio_refuse(server, x, EIO_BAD_REQUEST, NULL);
    } else if (t == WEBSOCKET && r->is_upgrade) {
        if (ws_handshake_check(r) < 0)
            eio_refuse(server, x, EIO_BAD_REQUEST, NULL);
        else
            eio_websocket_upgrade(s, x);
    } else if (t != POLLING || !s->polling || r->is_upgrade) {
        eio_refuse(server, x, EIO_BAD_REQUEST, NULL);
    } else if (r->method == HTTP_GET) {
        eio_polling_on_get(s, x);
    } else if (r->method == HTTP_POST) {
        eio_polling_on_post(s, x);
    } else {
        http_respond(x, 500, NULL, BX_STR(""));
    }
}

/* --- a new session --- */

static void refuse_busy(struct eio_server *server, struct http_exchange *x, enum eio_metric metric,
                        const char *message)
{
    struct bx_str body =
        bx_arena_printf(http_exchange_arena(x), "{\"code\":3,\"message\":\"%s\"}", message);
    bx_metric_add(&server->metrics[metric], 1);
    if (server->handler->on_error)
        server->handler->on_error(EIO_BAD_REQUEST, message, http_exchange_request(x)->peer,
                                  server->arg);
    http_add_header(x, "Retry-After", BX_STR("1"));
    http_respond(x, 503, "application/json", body);
}

static bool take_handshake_token(struct eio_server *server)
{
    uint64_t per_s = server->opts.max_handshakes_per_s;
    if (!per_s)
        return true;
    uint64_t now = net_loop_now_ms(server->loop);
    server->rate_tokens += (now - server->rate_at_ms) * per_s;
    server->rate_at_ms = now;
    if (server->rate_tokens > per_s * 1000)
        server->rate_tokens = per_s * 1000;
    if (server->rate_tokens < 1000)
        return false;
    server->rate_tokens -= 1000;
    return true;
}

static bool within_limits(struct eio_server *server, struct http_exchange *x)
{
    const struct eio_opts *o = &server->opts;
    struct eio_address *a =
        o->max_connections_per_ip
            ? bx_map_get(&server->addresses, bx_str(http_exchange_request(x)->peer))
            : NULL;
    if (server->is_stopped)
        refuse_busy(server, x, EIO_M_LIMIT_CONNECTIONS, "The server is shutting down");
    else if (o->max_connections && server->sessions.count >= o->max_connections)
        refuse_busy(server, x, EIO_M_LIMIT_CONNECTIONS, "Too many connections");
    else if (a && a->count >= o->max_connections_per_ip)
        refuse_busy(server, x, EIO_M_LIMIT_PER_IP, "Too many connections from this address");
    else if (!take_handshake_token(server))
        refuse_busy(server, x, EIO_M_LIMIT_RATE, "Too many handshakes");
    else
        return true;
    return false;
}

static void add_cookie(struct eio_session *s, struct http_exchange *x)
{
    const struct eio_opts *o = &s->server->opts;
    if (!o->cookie_name)
        return;
    const char *attributes =
        o->cookie_attributes ? o->cookie_attributes : "Path=/; HttpOnly; SameSite=Lax";
    http_add_header(x, "Set-Cookie",
                    bx_arena_printf(http_exchange_arena(x), "%s=%.20s; %s", o->cookie_name, s->sid,
                                    attributes));
}

static void open_polling(struct eio_server *server, struct http_exchange *x, int protocol)
{
    struct eio_session *s = eio_session_new(server, http_exchange_request(x), protocol);
    s->is_b64 = eio_query_flag(x, BX_STR("b64"));
    eio_polling_start(s);
    add_cookie(s, x);
    eio_polling_on_get(s, x);
    eio_session_opened(s);
}

static void on_handshake(struct eio_server *server, struct http_exchange *x, enum transport t)
{
    const struct http_request *r = http_exchange_request(x);
    const char *message = NULL;
    struct bx_str origin = http_header_get(r, BX_STR("origin"));
    if (r->method != HTTP_GET) {
        eio_refuse(server, x, EIO_BAD_METHOD, NULL);
        return;
    }
    if ((t == WEBSOCKET) != r->is_upgrade || (t == WEBSOCKET && ws_handshake_check(r) < 0)) {
        if (t == WEBSOCKET && r->is_upgrade)
            http_add_header(x, "Sec-WebSocket-Version", BX_STR("13"));
        eio_refuse(server, x, EIO_BAD_REQUEST, NULL);
        return;
    }
    if (t == WEBSOCKET && server->opts.cors_guards_websocket && origin.ptr &&
        !eio_cors_allows(server, origin)) {
        eio_refuse(server, x, EIO_FORBIDDEN, "Origin not allowed");
        return;
    }
    if (!within_limits(server, x))
        return;
    if (server->handler->allow_request &&
        !server->handler->allow_request(r, &message, server->arg)) {
        eio_refuse(server, x, EIO_FORBIDDEN, message);
        return;
    }
    int protocol = protocol_of(server, x);
    if (!protocol)
        eio_refuse(server, x, EIO_UNSUPPORTED_VERSION, NULL);
    else if (t == WEBSOCKET)
        eio_websocket_open(server, x, protocol);
    else
        open_polling(server, x, protocol);
}

/* --- entry --- */

void eio_server_on_head(struct eio_server *server, struct http_exchange *x, size_t *out_max_body)
{
    const struct http_request *r = http_exchange_request(x);
    *out_max_body = server->opts.max_payload_bytes;
    if (r->method != HTTP_POST || transport_of(server, x) != POLLING)
        return;
    struct eio_session *s = session_find(server, sid_of(x));
    if (s && s->polling)
        eio_polling_on_post_head(s, x);
}

void eio_server_on_request(struct eio_server *server, struct http_exchange *x)
{
    const struct http_request *r = http_exchange_request(x);
    if (!eio_cors_apply(server, x))
        return;
    enum transport t = transport_of(server, x);
    struct bx_str sid = sid_of(x);
    if (t == UNKNOWN)
        eio_refuse(server, x, EIO_TRANSPORT_UNKNOWN, NULL);
    else if (!origin_is_clean(http_header_get(r, BX_STR("origin"))))
        eio_refuse(server, x, EIO_BAD_REQUEST, NULL);
    else if (sid.ptr)
        on_session_request(server, x, sid, t);
    else
        on_handshake(server, x, t);
}

void eio_server_on_too_large(struct eio_server *server, struct http_exchange *x)
{
    struct eio_session *s = session_find(server, sid_of(x));
    bx_metric_add(&server->metrics[EIO_M_LIMIT_PAYLOAD], 1);
    eio_server_add_cors(server, x);
    if (s && s->polling)
        eio_polling_on_post_too_large(s, x);
    else
        http_respond(x, 413, "text/plain; charset=UTF-8", BX_STR(""));
}
