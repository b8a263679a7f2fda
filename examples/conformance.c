/* The applications that conformance suites expect (Engine.IO and Socket.IO protocol test suites,
 * and tests/interop/sio):
 * --app=protocol or --app=echo, on up to four ports: main, one with Engine.IO v3 allowed, one with
 * the msgpack parser, one with connection state recovery. When all listen, one JSON line says
 * where.
 */
#include "base/conf.h"
#include "base/err.h"
#include "base/json_scan.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "net/timer.h"
#include "net/ws/ws_conn.h"
#include "sio/internal.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct settings {
    const char *app, *origin, *token, *client_dir;
    int64_t port, port_eio3, port_msgpack, port_recovery;
    int64_t ping_interval, ping_timeout, max_payload, connect_timeout, recovery;
    int64_t max_connections, max_connections_per_ip, handshake_rate, max_rooms, max_send_queue,
        max_attachments;
    bool deflate, uring;
};

#define ROW(name, type, field, fallback, help)                                                     \
    {                                                                                              \
        name, type, offsetof(struct settings, field), fallback, 0, 0, NULL, help, false            \
    }
static const struct bx_conf_row rows[] = {
    {"APP", BX_CONF_ENUM, offsetof(struct settings, app), "echo", 0, 0, "protocol|echo",
     "which application", false},
    ROW("PORT", BX_CONF_INT, port, "3000", "main port, 0: any, -1: none"),
    ROW("PORT_EIO3", BX_CONF_INT, port_eio3, "-1", "Engine.IO v3 allowed"),
    ROW("PORT_MSGPACK", BX_CONF_INT, port_msgpack, "-1", "msgpack parser"),
    ROW("PORT_RECOVERY", BX_CONF_INT, port_recovery, "-1", "connection state recovery"),
    ROW("PING_INTERVAL", BX_CONF_MS, ping_interval, "0", "0: the application's"),
    ROW("PING_TIMEOUT", BX_CONF_MS, ping_timeout, "0", "0: the application's"),
    ROW("MAX_PAYLOAD", BX_CONF_BYTES, max_payload, "0", "0: the application's"),
    ROW("CONNECT_TIMEOUT", BX_CONF_MS, connect_timeout, "0", "0: the application's"),
    ROW("RECOVERY", BX_CONF_MS, recovery, "3s", "how long a cut connection is remembered"),
    ROW("ORIGIN", BX_CONF_STR, origin, NULL, "allowed origin"),
    ROW("TOKEN", BX_CONF_STR, token, "s3cret", "what /private wants"),
    ROW("CLIENT_DIR", BX_CONF_STR, client_dir, NULL, "socket.io-client's dist, to be served"),
    ROW("MAX_CONNECTIONS", BX_CONF_INT, max_connections, "0", ""),
    ROW("MAX_CONNECTIONS_PER_IP", BX_CONF_INT, max_connections_per_ip, "0", ""),
    ROW("HANDSHAKE_RATE", BX_CONF_INT, handshake_rate, "0", "per second"),
    ROW("MAX_ROOMS", BX_CONF_INT, max_rooms, "0", ""),
    ROW("MAX_SEND_QUEUE", BX_CONF_BYTES, max_send_queue, "0", ""),
    ROW("MAX_ATTACHMENTS", BX_CONF_INT, max_attachments, "0", ""),
    ROW("PERMESSAGEDEFLATE", BX_CONF_BOOL, deflate, "false", ""),
    ROW("URING", BX_CONF_BOOL, uring, "false", ""),
};

static struct settings settings;
static struct net_loop *loop;

/* --- application A: the protocol suites --- */

static void a_connected(struct sio_socket *s, void *arg)
{
    struct sio_handshake h;
    (void)arg;
    sio_socket_handshake(s, &h);
    sio_emit(s, "auth", (struct sio_payload){.args = h.auth}, 0);
}

static void a_message(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    (void)arg;
    sio_emit(s, "message-back", e->payload, 0);
}

static void ack_back(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    (void)s;
    (void)arg;
    if (e->ack)
        sio_ack_reply(e->ack, e->payload);
}

static void a_on_ack(struct sio_socket *s, int rc, struct sio_payload answer, void *arg)
{
    (void)arg;
    if (rc == 0)
        sio_emit(s, "emit-with-ack", answer, 0);
}

static void a_emit_with_ack(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    (void)arg;
    sio_emit_ack(s, "emit-with-ack", e->payload, 0, a_on_ack, NULL);
}

static void a_set_up(struct sio_server *server)
{
    static const char *const names[] = {"/", "/custom"};
    for (size_t i = 0; i < BX_LEN(names); i++) {
        struct sio_namespace *ns = sio_of(server, names[i]);
        sio_on_connection(ns, a_connected, NULL);
        sio_on(ns, "message", a_message, NULL);
        sio_on(ns, "message-with-ack", ack_back, NULL);
        sio_on(ns, "emit-with-ack", a_emit_with_ack, NULL);
    }
}

/* --- application B: echo --- */

/* Reasons of sockets that are gone, kept for 30 s. */
struct departed {
    struct net_timer timer;
    char id[256], reason[64];
};
static struct bx_map departed;

static void departed_forget(void *arg)
{
    struct departed *d = arg;
    bx_map_del(&departed, bx_str(d->id));
    net_timer_stop(&d->timer);
    free(d);
}

static void b_disconnected(struct sio_socket *s, const char *reason, void *arg)
{
    struct departed *d = BX_NEW(struct departed);
    (void)arg;
    snprintf(d->id, sizeof d->id, "%.*s", (int)sio_socket_id(s).len, sio_socket_id(s).ptr);
    snprintf(d->reason, sizeof d->reason, "%s", reason);
    struct departed *old = bx_map_get(&departed, bx_str(d->id));
    if (old)
        departed_forget(old);
    bx_map_put(&departed, bx_str(d->id), d);
    net_timer_init(&d->timer, departed_forget, d);
    net_timer_start(loop, &d->timer, 30000);
}

static void b_reason_of(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    struct sio_str value;
    char id[256] = "", json[80] = "null";
    (void)s;
    (void)arg;
    if (sio_args_get(e->payload, 0, &value))
        sio_json_string(value, id, sizeof id);
    struct departed *d = bx_map_get(&departed, bx_str(id));
    if (d)
        snprintf(json, sizeof json, "\"%s\"", d->reason);
    if (e->ack)
        sio_ack_reply(e->ack, sio_args(json, strlen(json)));
}

static void b_connected(struct sio_socket *s, void *arg)
{
    struct bx_buf out;
    struct bx_json_writer w;
    struct sio_handshake h;
    char x[256];
    (void)arg;
    sio_socket_handshake(s, &h);
    bx_buf_init(&out, 0);
    bx_json_writer_init(&w, &out);
    bx_json_object(&w);
    bx_json_key_str(&w, "sid", sio_in(sio_socket_id(s)));
    bx_json_key_str(&w, "nsp", sio_in(sio_namespace_name(sio_socket_namespace(s))));
    bx_json_key_raw(&w, "auth", sio_in(h.auth));
    bx_json_key(&w, "query");
    bx_json_object(&w);
    bx_json_key_cstr(&w, "x", sio_socket_query(s, "x", x, sizeof x) >= 0 ? x : NULL);
    bx_json_end(&w);
    bx_json_end(&w);
    sio_emit(s, "welcome", sio_args((char *)out.data, out.len), 0);
    bx_buf_done(&out);
}

static void b_echo(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    (void)arg;
    if (e->ack)
        sio_ack_reply(e->ack, e->payload);
    else
        sio_emit(s, "echo", e->payload, 0);
}

static void add_room(struct sio_str room, void *arg)
{
    bx_json_str(arg, sio_in(room));
}

static void b_whoami(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    struct bx_buf out;
    struct bx_json_writer w;
    (void)arg;
    if (!e->ack)
        return;
    bx_buf_init(&out, 0);
    bx_json_writer_init(&w, &out);
    bx_json_object(&w);
    bx_json_key_str(&w, "sid", sio_in(sio_socket_id(s)));
    bx_json_key_str(&w, "nsp", sio_in(sio_namespace_name(sio_socket_namespace(s))));
    bx_json_key_cstr(&w, "transport", sio_socket_transport(s));
    bx_json_key_i64(&w, "protocol", sio_socket_protocol(s));
    bx_json_key(&w, "rooms");
    bx_json_array(&w);
    sio_socket_each_room(s, add_room, &w);
    bx_json_end(&w);
    bx_json_end(&w);
    sio_ack_reply(e->ack, sio_args((char *)out.data, out.len));
    bx_buf_done(&out);
}

static void b_on_answer(struct sio_socket *s, int rc, struct sio_payload answer, void *arg)
{
    (void)arg;
    if (rc == 0)
        sio_emit(s, "answer", answer, 0);
}

static void b_ask(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    (void)arg;
    sio_emit_ack(s, "question", e->payload, 0, b_on_answer, NULL);
}

/* `stream n every`: ticks 0..n-1 at once, or one per `every` ms. */
struct stream {
    struct net_timer timer;
    struct sio_socket *socket;
    int64_t at, count, every;
};

static void tick(struct sio_socket *s, int64_t number)
{
    char text[24];
    int n = snprintf(text, sizeof text, "%lld", (long long)number);
    sio_emit(s, "tick", sio_args(text, (size_t)n), 0);
}

static void stream_next(void *arg)
{
    struct stream *st = arg;
    if (st->at < st->count && sio_socket_is_connected(st->socket)) {
        tick(st->socket, st->at++);
        net_timer_start(loop, &st->timer, (uint64_t)st->every);
        return;
    }
    sio_socket_unref(st->socket);
    free(st);
}

static int64_t number_arg(const struct sio_event *e, size_t num)
{
    struct sio_str value;
    int64_t n;
    return sio_args_get(e->payload, num, &value) && bx_json_int(sio_in(value), &n) == BX_OK ? n : 0;
}

static void b_stream(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    int64_t count = number_arg(e, 0), every = number_arg(e, 1);
    (void)arg;
    if (every > 0) {
        struct stream *st = BX_NEW(struct stream);
        *st = (struct stream){.socket = sio_socket_ref(s), .count = count, .every = every};
        net_timer_init(&st->timer, stream_next, st);
        stream_next(st);
        return;
    }
    for (int64_t i = 0; i < count; i++)
        tick(s, i);
}

static struct sio_str text_arg(const struct sio_event *e, size_t num, char *buf, size_t size)
{
    struct sio_str value;
    int n = sio_args_get(e->payload, num, &value) ? sio_json_string(value, buf, size) : -1;
    return (struct sio_str){buf, n > 0 ? (size_t)n : 0};
}

static void reply_empty(const struct sio_event *e)
{
    if (e->ack)
        sio_ack_reply(e->ack, (struct sio_payload){0});
}

static void b_join(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    char room[256];
    (void)arg;
    if (sio_join(s, text_arg(e, 0, room, sizeof room)) == SIO_E_FULL && e->ack)
        sio_ack_reply(e->ack, SIO_ARGS("{\"error\":\"too many rooms\"}"));
    reply_empty(e);
}

static void b_leave(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    char room[256];
    (void)arg;
    sio_leave(s, text_arg(e, 0, room, sizeof room));
    reply_empty(e);
}

static void b_room(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    char name[256];
    struct sio_str room = text_arg(e, 0, name, sizeof name), self = sio_socket_id(s);
    struct sio_target t = {.ns = sio_socket_namespace(s), .rooms = &room, .room_count = 1};
    bool is_others_only = arg != NULL;
    if (is_others_only) {
        t.except = &self;
        t.except_count = 1;
    }
    sio_broadcast(&t, "room-msg", e->payload);
    reply_empty(e);
}

static void b_kick(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    (void)e;
    sio_disconnect(s, arg != NULL);
}

static void b_drop(struct sio_socket *s, const struct sio_event *e, void *arg)
{
    (void)e;
    (void)arg;
    sio_drop(s);
}

static void b_handlers(struct sio_namespace *ns)
{
    static char yes;
    sio_on_connection(ns, b_connected, NULL);
    sio_on_disconnect(ns, b_disconnected, NULL);
    sio_on(ns, "echo", b_echo, NULL);
    sio_on(ns, "whoami", b_whoami, NULL);
    sio_on(ns, "ask", b_ask, NULL);
    sio_on(ns, "stream", b_stream, NULL);
    sio_on(ns, "join", b_join, NULL);
    sio_on(ns, "leave", b_leave, NULL);
    sio_on(ns, "to-room", b_room, &yes);
    sio_on(ns, "in-room", b_room, NULL);
    sio_on(ns, "kick", b_kick, NULL);
    sio_on(ns, "kick-close", b_kick, &yes);
    sio_on(ns, "drop", b_drop, NULL);
    sio_on(ns, "reason-of", b_reason_of, NULL);
}

static bool is_dynamic(struct sio_str name, void *arg)
{
    (void)arg;
    size_t digits = 5;
    while (digits < name.len && name.ptr[digits] >= '0' && name.ptr[digits] <= '9')
        digits++;
    return bx_str_starts(sio_in(name), BX_STR("/dyn-")) && digits == name.len && digits > 5;
}

static void b_private(struct sio_socket *s, struct sio_next *next, void *arg)
{
    struct sio_handshake h;
    struct bx_str value;
    char token[256] = "";
    (void)arg;
    sio_socket_handshake(s, &h);
    if (bx_json_get(sio_in(h.auth), BX_STR("token"), &value))
        sio_json_string(sio_out(value), token, sizeof token);
    else if (sio_socket_protocol(s) == 3)
        sio_socket_query(s, "token", token, sizeof token);
    if (strcmp(token, settings.token) == 0)
        sio_next_ok(next);
    else
        sio_next_refuse(next, "unauthorized", SIO_STR("{\"code\":401,\"hint\":\"token\"}"));
}

static void b_set_up(struct sio_server *server)
{
    b_handlers(sio_of(server, "/"));
    b_handlers(sio_of(server, "/other"));
    b_handlers(sio_of_dynamic(server, is_dynamic, NULL, true));
    struct sio_namespace *private = sio_of(server, "/private");
    sio_use(private, b_private, NULL);
    b_handlers(private);
}

/* --- the ports --- */

struct site {
    struct sio_server *sio;
    struct eio_server *engine; /* /engine.io/ */
    struct http_server *http;
    struct bx_metrics metrics;
    uint16_t port;
};

static struct site sites[4];
static size_t sites_open;

static void engine_opened(struct eio_session *s, void *arg)
{
    (void)s;
    (void)arg;
}

/* The limits count both paths of the site together. */
static bool engine_allows(const struct http_request *r, const char **out_message, void *arg)
{
    struct site *site = arg;
    size_t now = eio_server_count(site->engine) + sio_server_clients(site->sio);
    size_t max = (size_t)settings.max_connections, per_ip = (size_t)settings.max_connections_per_ip;
    (void)r;
    *out_message = "Too many connections";
    return (!max || now < max) && (!per_ip || now < per_ip);
}

static void engine_message(struct eio_session *s, bool is_binary, uint8_t *data, size_t len,
                           void *arg)
{
    (void)arg;
    eio_session_send_message(s, is_binary, BX_STR(""), bx_str_n(data, len), true);
}

static void engine_closed(struct eio_session *s, const char *reason, void *arg)
{
    (void)s;
    (void)reason;
    (void)arg;
}

static const struct eio_handler engine_handler = {.on_open = engine_opened,
                                                  .on_message = engine_message,
                                                  .on_close = engine_closed,
                                                  .allow_request = engine_allows};

static bool is_engine(const struct http_request *r)
{
    return bx_str_starts(r->path, BX_STR("/engine.io/"));
}

static void on_head(struct http_exchange *x, size_t *out_max_body, void *arg)
{
    struct site *site = arg;
    const struct http_request *r = http_exchange_request(x);
    if (is_engine(r))
        eio_server_on_head(site->engine, x, out_max_body);
    else if (sio_server_owns(site->sio, r))
        sio_server_on_head(site->sio, x, out_max_body);
}

static void on_request(struct http_exchange *x, void *arg)
{
    struct site *site = arg;
    const struct http_request *r = http_exchange_request(x);
    struct bx_buf out;
    if (is_engine(r)) {
        eio_server_on_request(site->engine, x);
    } else if (sio_server_owns(site->sio, r)) {
        sio_server_handle(site->sio, x);
    } else if (bx_str_is(r->path, "/metrics")) {
        bx_buf_init(&out, 0);
        bx_metrics_print(&site->metrics, &out);
        http_respond(x, 200, "text/plain; version=0.0.4", bx_buf_view(&out));
        bx_buf_done(&out);
    } else if (bx_str_is(r->path, "/health")) {
        http_respond(x, 200, "application/json", BX_STR("{\"status\":\"OK\"}"));
    } else {
        if (r->is_upgrade)
            http_set_close(x);
        http_respond(x, 404, "application/json", BX_STR("{\"message\":\"Not Found\"}"));
    }
}

static void on_too_large(struct http_exchange *x, void *arg)
{
    struct site *site = arg;
    if (is_engine(http_exchange_request(x)))
        eio_server_on_too_large(site->engine, x);
    else
        sio_server_on_too_large(site->sio, x);
}

static const struct http_handler http_handler = {
    .on_head = on_head, .on_request = on_request, .on_too_large = on_too_large};

static uint32_t ms_or(int64_t given, uint32_t fallback)
{
    return given > 0 ? (uint32_t)given : fallback;
}

static int site_open(struct site *site, int64_t port, bool eio3, bool msgpack, bool recovery)
{
    bool is_protocol = strcmp(settings.app, "protocol") == 0;
    struct sio_server_opts o = {
        .allow_eio3 = eio3,
        .use_msgpack = msgpack,
        .recovery_ms = recovery ? (uint32_t)settings.recovery : 0,
        .ping_interval_ms = ms_or(settings.ping_interval, is_protocol ? 300 : 2000),
        .ping_timeout_ms = ms_or(settings.ping_timeout, is_protocol ? 200 : 2000),
        .connect_timeout_ms = ms_or(settings.connect_timeout, is_protocol ? 1000 : 45000),
        .max_payload_bytes = settings.max_payload ? (size_t)settings.max_payload
                             : is_protocol        ? 1000000
                                                  : 4000000,
        .cors_origins = settings.origin ? settings.origin
                        : is_protocol   ? "*"
                                        : "http://app.example",
        .cors_credentials = !is_protocol,
        .client_dir = is_protocol ? NULL : settings.client_dir,
        .max_connections = (size_t)settings.max_connections,
        .max_connections_per_ip = (size_t)settings.max_connections_per_ip,
        .max_handshakes_per_s = (uint32_t)settings.handshake_rate,
        .max_rooms_per_socket = (size_t)settings.max_rooms,
        .max_send_queue_bytes = (size_t)settings.max_send_queue,
        .max_attachments = (size_t)settings.max_attachments,
        .per_message_deflate = settings.deflate,
    };
    int rc = sio_server_new_on(loop, &o, &site->sio);
    if (rc < 0)
        return rc;
    struct eio_opts e = eio_opts_of(&site->sio->opts);
    rc = eio_server_new(loop, &e, &engine_handler, site, &site->engine);
    if (rc < 0)
        return rc;
    sio_server_register_metrics(site->sio, &site->metrics);
    eio_server_register_metrics(site->engine, &site->metrics);
    if (is_protocol)
        a_set_up(site->sio);
    else
        b_set_up(site->sio);
    struct http_server_opts h = {.max_body_bytes = o.max_payload_bytes, .gzip_min_bytes = 1024};
    rc = http_server_new(loop, &h, &http_handler, site, &site->http);
    struct net_listener_opts l = {.host = "127.0.0.1", .port = (uint16_t)port};
    if (rc == BX_OK)
        rc = http_server_listen(site->http, &l, &site->port);
    if (rc == BX_OK)
        sites_open++;
    return rc;
}

/* --- closing --- */

static void on_site_closed(void *arg)
{
    (void)arg;
    if (--sites_open == 0)
        net_loop_stop(loop);
}

static void on_signal(int signum, void *arg)
{
    (void)signum;
    (void)arg;
    for (size_t i = 0; i < BX_LEN(sites); i++) {
        if (!sites[i].http)
            continue;
        http_server_close(sites[i].http, NULL, NULL);
        sio_server_shutdown(sites[i].sio, 1000, on_site_closed, &sites[i]);
    }
}

static void site_free(struct site *site)
{
    if (!site->http)
        return;
    eio_server_each(site->engine, eio_session_abandon, NULL);
    http_server_free(site->http);
    sio_server_free(site->sio);
    eio_server_free(site->engine);
}

static void print_ready(void)
{
    static const char *const names[] = {"main", "eio3", "msgpack", "recovery"};
    printf("{\"ready\":true");
    for (size_t i = 0; i < BX_LEN(sites); i++) {
        if (sites[i].port)
            printf(",\"%s\":%u", names[i], sites[i].port);
        else
            printf(",\"%s\":null", names[i]);
    }
    printf("}\n");
    fflush(stdout);
}

static void departed_free(void)
{
    size_t pos = 0;
    void *value;
    while (pos = 0, bx_map_next(&departed, &pos, &value))
        departed_forget(value);
    bx_map_done(&departed);
}

int main(int argc, char **argv)
{
    struct bx_conf conf;
    struct bx_buf message;
    int rest, rc;
    bx_conf_init(&conf, rows, BX_LEN(rows), &settings);
    bx_buf_init(&message, 64 << 10);
    if (bx_conf_load_args(&conf, argc, argv, &rest, &message) < 0 || rest > 0) {
        bx_conf_print_help(&conf, &message);
        fprintf(stderr, "%.*s\n", (int)message.len, (char *)message.data);
        bx_buf_done(&message);
        bx_conf_done(&conf);
        return 2;
    }
    bx_map_init(&departed);
    rc = net_loop_new(&loop);
    if (rc == BX_OK && settings.uring)
        rc = net_loop_use_uring(loop);
    const int64_t ports[] = {settings.port, settings.port_eio3, settings.port_msgpack,
                             settings.port_recovery};
    bool is_echo = strcmp(settings.app, "echo") == 0;
    for (size_t i = 0; i < BX_LEN(sites) && rc == BX_OK; i++) {
        if (ports[i] >= 0)
            rc = site_open(&sites[i], ports[i], i == 1 || (i == 0 && is_echo), i == 2, i == 3);
    }
    if (rc < 0) {
        fprintf(stderr, "cannot start: %s\n", bx_err_info(rc)->sentence);
        bx_buf_done(&message);
        bx_conf_done(&conf);
        return 1;
    }
    http_metrics_register(&sites[0].metrics); /* of the process */
    ws_metrics_register(&sites[0].metrics);
    net_loop_on_signal(loop, SIGTERM, on_signal, NULL);
    net_loop_on_signal(loop, SIGINT, on_signal, NULL);
    print_ready();
    net_loop_run(loop);
    departed_free();
    for (size_t i = 0; i < BX_LEN(sites); i++)
        site_free(&sites[i]);
    net_loop_free(loop);
    bx_buf_done(&message);
    bx_conf_done(&conf);
    return 0;
}
