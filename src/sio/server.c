#include <sio/server.h>

#include "base/err.h"
#include "base/mem.h"
#include "net/http/http_static.h"
#include "net/ws/ws_conn.h"
#include "sio/internal.h"

#include <signal.h>
#include <stdlib.h>

enum { DRAIN_POLL_MS = 10 };

static const struct bx_metric metric_rows[SIO_M_COUNT] = {
    [SIO_M_SOCKETS] = {"sio_sockets", "Sockets connected to a namespace now.", BX_GAUGE, NULL, 0},
    [SIO_M_EVENTS_IN] = {"sio_events_received_total", "Events from clients.", BX_COUNTER, NULL, 0},
    [SIO_M_BROADCASTS] = {"sio_broadcasts_total", "Broadcasts emitted.", BX_COUNTER, NULL, 0},
    [SIO_M_DELIVERIES] = {"sio_broadcast_deliveries_total", "Broadcast packets to clients.",
                          BX_COUNTER, NULL, 0},
    [SIO_M_RECOVERED] = {"sio_recovered_total", "Sockets whose state was recovered.", BX_COUNTER,
                         NULL, 0},
    [SIO_M_PARSE_ERRORS] = {"sio_parse_errors_total", "Connections closed for malformed packets.",
                            BX_COUNTER, NULL, 0},
#define LIMIT(text)                                                                                \
    {                                                                                              \
        "sio_limit_exceeded_total", "Limits that were exceeded.", BX_COUNTER,                      \
            "limit=\"" text "\"", 0                                                                \
    }
    [SIO_M_LIMIT_ROOMS] = LIMIT("rooms"),
    [SIO_M_LIMIT_NAMESPACES] = LIMIT("namespaces"),
    [SIO_M_LIMIT_ATTACHMENTS] = LIMIT("attachments"),
    [SIO_M_LIMIT_ATTACHMENT_BYTES] = LIMIT("attachment_bytes"),
    [SIO_M_LIMIT_ACKS] = LIMIT("pending_acks"),
    [SIO_M_LIMIT_CONNECT_TIMEOUT] = LIMIT("connect_timeout"),
    [SIO_M_LIMIT_RECOVERY] = LIMIT("recovery_sessions"),
#undef LIMIT
    [SIO_M_SKIPPED_SLOW] = {"sio_broadcasts_skipped_total",
                            "Broadcasts that slow clients missed (SIO_SLOW_DROP).", BX_COUNTER,
                            NULL, 0},
};

/* --- options --- */

static void keep(const char **text, const char *fallback)
{
    const char *value = *text ? *text : fallback;
    *text = value ? bx_strndup(value, strlen(value)) : NULL;
}

#define DEFAULT(field, value)                                                                      \
    if (!(field))                                                                                  \
    (field) = (value)

static void opts_complete(struct sio_server_opts *o)
{
    keep(&o->path, "/socket.io/");
    keep(&o->cors_origins, NULL);
    keep(&o->cors_allowed_headers, NULL);
    keep(&o->cors_exposed_headers, NULL);
    keep(&o->cookie_name, NULL);
    keep(&o->cookie_attributes, NULL);
    keep(&o->static_dir, NULL);
    keep(&o->client_dir, NULL);
    keep(&o->tls_cert, NULL);
    keep(&o->tls_key, NULL);
    DEFAULT(o->transports, SIO_POLLING | SIO_WEBSOCKET);
    DEFAULT(o->ping_interval_ms, 25000);
    DEFAULT(o->ping_timeout_ms, 20000);
    DEFAULT(o->upgrade_timeout_ms, 10000);
    DEFAULT(o->connect_timeout_ms, 45000);
    DEFAULT(o->max_payload_bytes, 1000000);
    DEFAULT(o->http_compression_bytes, 1024);
    DEFAULT(o->recovery_max_packets, 10000);
    DEFAULT(o->max_connections, 100000);
    DEFAULT(o->max_rooms_per_socket, 1000);
    DEFAULT(o->max_namespaces_per_connection, 64);
    DEFAULT(o->max_attachments, 10);
    DEFAULT(o->max_attachment_bytes, 10 * o->max_payload_bytes);
    DEFAULT(o->max_pending_acks, 1000);
    DEFAULT(o->max_send_queue_bytes, 16 << 20);
}

enum { TEXT_OPTS = 10 };

static void opts_texts(const struct sio_server_opts *o, const char *out[TEXT_OPTS])
{
    const char *const texts[TEXT_OPTS] = {o->path,
                                          o->cors_origins,
                                          o->cors_allowed_headers,
                                          o->cors_exposed_headers,
                                          o->cookie_name,
                                          o->cookie_attributes,
                                          o->static_dir,
                                          o->client_dir,
                                          o->tls_cert,
                                          o->tls_key};
    memcpy(out, texts, sizeof texts);
}

/* Several of them become headers. */
static int opts_check(const struct sio_server_opts *o)
{
    const char *texts[TEXT_OPTS];
    opts_texts(o, texts);
    for (size_t i = 0; i < TEXT_OPTS; i++) {
        for (const char *c = texts[i]; c && *c; c++) {
            if ((unsigned char)*c < 0x20 || *c == 0x7f)
                return BX_E_INVALID;
        }
    }
    bool has_transport = (o->transports & ~(unsigned)(SIO_POLLING | SIO_WEBSOCKET)) == 0;
    return o->path[0] == '/' && has_transport ? BX_OK : BX_E_INVALID;
}

static void opts_free(struct sio_server_opts *o)
{
    const char *texts[TEXT_OPTS];
    opts_texts(o, texts);
    for (size_t i = 0; i < TEXT_OPTS; i++)
        free((void *)(uintptr_t)texts[i]);
}

struct eio_opts eio_opts_of(const struct sio_server_opts *o)
{
    return (struct eio_opts){
        .allow_polling = o->transports & SIO_POLLING,
        .allow_websocket = o->transports & SIO_WEBSOCKET,
        .allow_upgrades = !o->is_upgrade_off,
        .allow_eio3 = o->allow_eio3,
        .ping_interval_ms = o->ping_interval_ms,
        .ping_timeout_ms = o->ping_timeout_ms,
        .upgrade_timeout_ms = o->upgrade_timeout_ms,
        .close_timeout_ms = 30000,
        .max_payload_bytes = o->max_payload_bytes,
        .is_deflate = o->per_message_deflate,
        .cors_origins = o->cors_origins,
        .cors_allowed_headers = o->cors_allowed_headers,
        .cors_exposed_headers = o->cors_exposed_headers,
        .cors_credentials = o->cors_credentials,
        .cors_guards_websocket = o->cors_guards_websocket,
        .cors_max_age_s = o->cors_max_age_s,
        .cookie_name = o->cookie_name,
        .cookie_attributes = o->cookie_attributes,
        .max_connections = o->max_connections,
        .max_connections_per_ip = o->max_connections_per_ip,
        .max_handshakes_per_s = o->max_handshakes_per_s,
        .max_send_queue_bytes = o->max_send_queue_bytes,
        .is_slow_drop = o->slow_policy == SIO_SLOW_DROP,
    };
}

/* --- life --- */

int sio_server_new_on(struct net_loop *loop, const struct sio_server_opts *opts,
                      struct sio_server **out)
{
    struct sio_server *server = BX_NEW(struct sio_server);
    server->loop = loop;
    if (opts)
        server->opts = *opts;
    opts_complete(&server->opts);
    struct eio_opts eio = eio_opts_of(&server->opts);
    int rc = opts_check(&server->opts);
    if (rc == BX_OK)
        rc = sio_bundle_open(server);
    if (rc == BX_OK)
        rc = eio_server_new(loop, &eio, &sio_eio_handler, server, &server->eio);
    if (rc < 0) {
        sio_bundle_close(server);
        opts_free(&server->opts);
        free(server);
        return rc;
    }
    bx_map_init(&server->namespaces);
    bx_buf_init(&server->scratch, 0);
    sio_batch_init(server);
    net_timer_init(&server->grace, NULL, server);
    bx_list_init(&server->calls);
    memcpy(server->metrics, metric_rows, sizeof metric_rows);
    sio_server_register_metrics(server, &server->metric_set);
    http_metrics_register(&server->metric_set);
    ws_metrics_register(&server->metric_set);
    *out = server;
    return BX_OK;
}

void sio_server_register_metrics(struct sio_server *server, struct bx_metrics *set)
{
    bx_metrics_register(set, server->metrics, SIO_M_COUNT);
    eio_server_register_metrics(server->eio, set);
}

int sio_server_new(const struct sio_server_opts *opts, struct sio_server **out)
{
    struct net_loop *loop;
    int rc = net_loop_new(&loop);
    if (rc < 0)
        return rc;
    rc = sio_server_new_on(loop, opts, out);
    if (rc < 0) {
        net_loop_free(loop);
        return rc;
    }
    (*out)->owns_loop = true;
    if ((*out)->opts.use_io_uring)
        net_loop_use_uring(loop); /* send(2) stays where the kernel has none */
    return BX_OK;
}

struct call {
    struct bx_list node;
    struct net_timer timer;
    void (*fn)(void *arg);
    void *arg;
};

static void calls_cancel(struct sio_server *server)
{
    BX_LIST_EACH(&server->calls, node)
    {
        struct call *c = BX_CONTAINER_OF(node, struct call, node);
        bx_list_remove(node);
        net_timer_stop(&c->timer);
        free(c);
    }
}

void sio_server_free(struct sio_server *server)
{
    size_t pos = 0;
    void *ns;
    if (server->adapter_ops && server->adapter_ops->close)
        server->adapter_ops->close(server->adapter);
    if (server->http)
        http_server_free(server->http);
    net_timer_stop(&server->grace);
    calls_cancel(server);
    while (bx_map_next(&server->namespaces, &pos, &ns))
        sio_namespace_free(ns);
    for (struct sio_namespace *parent = server->parents, *next; parent; parent = next) {
        next = parent->next_parent;
        sio_namespace_free(parent);
    }
    bx_map_done(&server->namespaces);
    bx_buf_done(&server->scratch);
    free(server->batch.packets);
    eio_server_free(server->eio);
    http_static_free(server->files);
    sio_bundle_close(server);
    net_tls_unref(server->tls);
    if (server->owns_loop)
        net_loop_free(server->loop);
    opts_free(&server->opts);
    free(server);
}

/* --- namespaces --- */

struct sio_namespace *sio_of(struct sio_server *server, const char *name)
{
    char full[256];
    struct bx_str given = bx_str(name);
    if (given.len == 0 || given.ptr[0] != '/') {
        full[0] = '/';
        if (bx_str_copy(given, full + 1, sizeof full - 1) == BX_OK)
            given = bx_str(full);
    }
    struct sio_namespace *ns = bx_map_get(&server->namespaces, given);
    if (!ns) {
        ns = sio_namespace_new(server, given, NULL);
        bx_map_put(&server->namespaces, sio_name(ns), ns);
    }
    return ns;
}

struct sio_namespace *sio_of_dynamic(struct sio_server *server,
                                     bool (*match)(struct sio_str name, void *arg), void *arg,
                                     bool is_cleanup)
{
    struct sio_namespace *parent = sio_namespace_new(server, BX_STR("/_dynamic"), NULL);
    parent->match = match;
    parent->match_arg = arg;
    parent->is_cleanup = is_cleanup;
    parent->next_parent = server->parents;
    server->parents = parent;
    return parent;
}

struct sio_namespace *sio_namespace_for(struct sio_server *server, struct bx_str name)
{
    struct sio_namespace *ns = bx_map_get(&server->namespaces, name);
    for (struct sio_namespace *parent = server->parents; parent && !ns;
         parent = parent->next_parent) {
        if (parent->match(sio_out(name), parent->match_arg)) {
            ns = sio_namespace_new(server, name, parent);
            bx_map_put(&server->namespaces, sio_name(ns), ns);
        }
    }
    return ns;
}

void sio_set_adapter(struct sio_server *server, const struct sio_adapter_ops *ops, void *adapter)
{
    server->adapter_ops = ops;
    server->adapter = adapter;
}

/* --- HTTP --- */

bool sio_server_owns(const struct sio_server *server, const struct http_request *r)
{
    return bx_str_starts(r->path, bx_str(server->opts.path));
}

void sio_server_on_head(struct sio_server *server, struct http_exchange *x, size_t *out_max_body)
{
    eio_server_on_head(server->eio, x, out_max_body);
}

void sio_server_on_too_large(struct sio_server *server, struct http_exchange *x)
{
    eio_server_on_too_large(server->eio, x);
}

void sio_server_handle(struct sio_server *server, struct http_exchange *x)
{
    if (!sio_bundle_serve(server, x))
        eio_server_on_request(server->eio, x);
}

static void answer_metrics(struct sio_server *server, struct http_exchange *x)
{
    struct bx_buf out;
    bx_buf_init(&out, 1 << 20);
    bx_metrics_print(&server->metric_set, &out);
    http_respond(x, 200, "text/plain; version=0.0.4; charset=utf-8", bx_buf_view(&out));
    bx_buf_done(&out);
}

static void answer_not_found(struct http_exchange *x)
{
    if (http_exchange_request(x)->is_upgrade)
        http_set_close(x);
    http_respond(x, 404, "application/json", BX_STR("{\"message\":\"Not Found\"}"));
}

static void on_head(struct http_exchange *x, size_t *out_max_body, void *arg)
{
    struct sio_server *server = arg;
    if (sio_server_owns(server, http_exchange_request(x)))
        sio_server_on_head(server, x, out_max_body);
    else
        *out_max_body = 0;
}

static void on_request(struct http_exchange *x, void *arg)
{
    struct sio_server *server = arg;
    const struct http_request *r = http_exchange_request(x);
    if (sio_server_owns(server, r))
        sio_server_handle(server, x);
    else if (bx_str_is(r->path, "/health"))
        http_respond(x, server->is_closing ? 503 : 200, "application/json",
                     server->is_closing ? BX_STR("{\"status\":\"closing\"}")
                                        : BX_STR("{\"status\":\"OK\"}"));
    else if (bx_str_is(r->path, "/metrics"))
        answer_metrics(server, x);
    else if (r->is_upgrade || !server->files || !http_static_serve(server->files, x, r->path))
        answer_not_found(x);
}

static void on_too_large(struct http_exchange *x, void *arg)
{
    struct sio_server *server = arg;
    if (sio_server_owns(server, http_exchange_request(x)))
        sio_server_on_too_large(server, x);
}

static const struct http_handler http_handler = {
    .on_head = on_head, .on_request = on_request, .on_too_large = on_too_large};

static int http_open(struct sio_server *server)
{
    const struct sio_server_opts *o = &server->opts;
    int rc = BX_OK;
    if (o->tls_cert && !server->tls)
        rc = net_tls_server_new(o->tls_cert, o->tls_key ? o->tls_key : o->tls_cert, NULL,
                                &server->tls);
    if (rc == BX_OK && o->static_dir && !server->files)
        rc = http_static_new_dir(o->static_dir, &server->files);
    if (rc < 0)
        return rc;
    struct http_server_opts http = {
        .max_body_bytes = o->max_payload_bytes,
        .gzip_min_bytes = o->http_compression_bytes == SIZE_MAX ? 0 : o->http_compression_bytes,
    };
    return http_server_new(server->loop, &http, &http_handler, server, &server->http);
}

int sio_server_listen(struct sio_server *server, const char *host, uint16_t port,
                      uint16_t *out_port)
{
    int rc = server->http ? BX_OK : http_open(server);
    if (rc < 0)
        return rc;
    struct net_listener_opts opts = {.host = host,
                                     .port = port,
                                     .tls_mode = server->tls ? NET_TLS_ON : NET_TLS_OFF,
                                     .tls = server->tls};
    uint16_t taken;
    rc = http_server_listen(server->http, &opts, &taken);
    if (rc == BX_OK && out_port)
        *out_port = taken;
    return rc;
}

/* --- running and closing --- */

void sio_server_run(struct sio_server *server)
{
    net_loop_run(server->loop);
}

static void close_session(struct eio_session *s, void *arg)
{
    (void)arg;
    eio_session_close(s, "server shutting down");
}

static void stop_loop(void *arg)
{
    struct sio_server *server = arg;
    net_loop_stop(server->loop);
}

/* Connections finish their closing handshakes by themselves; sessions that still poll are told by
 * their next GET, for which the server goes on listening. */
static void on_drain_tick(void *arg)
{
    struct sio_server *server = arg;
    bool is_late = net_loop_now_ms(server->loop) >= server->drain_until_ms;
    bool is_told = eio_server_pending(server->eio) == 0;
    if (server->http && (is_told || is_late))
        http_server_close(server->http, NULL, NULL);
    bool is_empty = is_told && (!server->http || http_server_connections(server->http) == 0);
    if (!is_empty && !is_late) {
        net_timer_start(server->loop, &server->grace, DRAIN_POLL_MS);
        return;
    }
    eio_server_each(server->eio, eio_session_abandon, NULL);
    void (*on_closed)(void *arg) = server->on_closed;
    if (on_closed)
        on_closed(server->on_closed_arg);
}

void sio_server_shutdown(struct sio_server *server, uint32_t grace_ms, void (*on_closed)(void *arg),
                         void *arg)
{
    if (server->is_closing)
        return;
    server->is_closing = true;
    server->on_closed = on_closed;
    server->on_closed_arg = arg;
    server->drain_until_ms = net_loop_now_ms(server->loop) + grace_ms;
    eio_server_stop(server->eio);
    eio_server_each(server->eio, close_session, NULL);
    server->grace.fn = on_drain_tick;
    net_timer_start(server->loop, &server->grace, DRAIN_POLL_MS);
}

struct closing {
    struct sio_server *server;
    uint32_t grace_ms;
};

static void close_now(void *arg)
{
    struct closing *c = arg;
    sio_server_shutdown(c->server, c->grace_ms, stop_loop, c->server);
    free(c);
}

void sio_server_close(struct sio_server *server, uint32_t grace_ms)
{
    struct closing *c = BX_NEW(struct closing);
    *c = (struct closing){server, grace_ms};
    net_inbox_post(server->loop, close_now, c);
}

static void on_signal(int signum, void *arg)
{
    struct sio_server *server = arg;
    (void)signum;
    sio_server_close(server, server->signal_grace_ms);
}

void sio_server_close_on_signals(struct sio_server *server, uint32_t grace_ms)
{
    server->signal_grace_ms = grace_ms;
    net_loop_on_signal(server->loop, SIGINT, on_signal, server);
    net_loop_on_signal(server->loop, SIGTERM, on_signal, server);
}

static void on_call(void *arg)
{
    struct call *c = arg;
    bx_list_remove(&c->node);
    c->fn(c->arg);
    free(c);
}

void sio_server_call(struct sio_server *server, uint32_t delay_ms, void (*fn)(void *arg), void *arg)
{
    if (!delay_ms) {
        net_inbox_post(server->loop, fn, arg);
        return;
    }
    struct call *c = BX_NEW(struct call);
    *c = (struct call){.fn = fn, .arg = arg};
    bx_list_push_back(&server->calls, &c->node);
    net_timer_init(&c->timer, on_call, c);
    net_timer_start(server->loop, &c->timer, delay_ms);
}

size_t sio_server_clients(const struct sio_server *server)
{
    return eio_server_count(server->eio);
}

int sio_server_metrics(struct sio_server *server, char *buf, size_t size)
{
    struct bx_buf out;
    bx_buf_init(&out, 0);
    int rc = bx_metrics_print(&server->metric_set, &out);
    if (rc == BX_OK)
        rc = bx_str_copy(bx_buf_view(&out), buf, size);
    rc = rc < 0 ? rc : (int)out.len;
    bx_buf_done(&out);
    return rc;
}
