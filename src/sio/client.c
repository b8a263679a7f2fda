/* One Engine.IO connection as Socket.IO sees it: decodes packets, collects attachments, routes to
 * its sockets. Any violation of the protocol closes the connection: a client that sends nonsense is
 * broken or hostile.
 */
#include "base/err.h"
#include "base/json_scan.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "net/http/http_server.h"
#include "sio/internal.h"

#include <stdlib.h>

/* A binary packet waits here for its attachments: the text and the bytes so far, copied exactly,
 * one allocation each. */
struct sio_partial {
    char *text;
    size_t text_len;
    size_t due, have, bytes;
    struct sio_str attachments[]; /* owned */
};

static void partial_free(struct sio_partial *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->have; i++)
        free((void *)(uintptr_t)p->attachments[i].ptr);
    free(p->text);
    free(p);
}

void sio_client_add(struct sio_client *c, struct sio_socket *s)
{
    c->sockets = bx_realloc(c->sockets, c->socket_count + 1, sizeof c->sockets[0]);
    c->sockets[c->socket_count++] = s;
}

void sio_client_remove(struct sio_client *c, struct sio_socket *s)
{
    for (uint32_t i = 0; i < c->socket_count; i++) {
        if (c->sockets[i] == s) {
            c->sockets[i] = c->sockets[--c->socket_count];
            return;
        }
    }
}

static struct sio_socket *socket_find(const struct sio_client *c, struct bx_str nsp)
{
    for (uint32_t i = 0; i < c->socket_count; i++) {
        if (bx_str_eq(sio_name(c->sockets[i]->ns), nsp))
            return c->sockets[i];
    }
    return NULL;
}

void sio_client_send_text(struct sio_client *c, struct bx_str text)
{
    eio_session_send_message(c->session, false, BX_STR(""), text, true);
}

void sio_client_close(struct sio_client *c, const char *reason)
{
    eio_session_close(c->session, reason);
}

static void parse_error(struct sio_client *c)
{
    sio_count(c->server, SIO_M_PARSE_ERRORS, 1);
    sio_client_close(c, "forced close");
}

/* --- connecting to namespaces --- */

static void connect_timer_stop(struct sio_client *c)
{
    c->had_namespace = true;
    if (!c->connect_timer)
        return;
    net_timer_stop(c->connect_timer);
    free(c->connect_timer);
    c->connect_timer = NULL;
}

static void on_connect_timeout(void *arg)
{
    struct sio_client *c = arg;
    sio_count(c->server, SIO_M_LIMIT_CONNECT_TIMEOUT, 1);
    sio_client_close(c, "forced close");
}

static void refuse_namespace(struct sio_client *c, struct bx_str nsp, const char *message)
{
    struct sio_server *server = c->server;
    struct bx_buf *buf = &server->scratch;
    struct bx_str data = BX_STR("{\"message\":\"Invalid namespace\"}");
    if (strcmp(message, "Invalid namespace") != 0)
        data = BX_STR("{\"message\":\"Too many namespaces\"}");
    buf->len = 0;
    if (server->opts.use_msgpack) {
        struct sio_packet p = {.type = SIO_CONNECT_ERROR, .nsp = nsp, .data = data};
        if (sio_msgpack_encode(&p, &(struct sio_payload){0}, buf) == BX_OK)
            eio_session_send_message(c->session, true, BX_STR(""), bx_buf_view(buf), true);
        return;
    }
    sio_packet_head(buf, SIO_CONNECT_ERROR, 0, nsp, BX_STR(""));
    bx_buf_str(buf, data);
    sio_client_send_text(c, bx_buf_view(buf));
}

/* Query parameters as a JSON object: what Socket.IO 2 clients send instead of an auth payload. */
static void query_to_json(struct bx_str query, struct bx_buf *out)
{
    struct bx_arena arena;
    struct bx_json_writer w;
    struct bx_str pair;
    bx_arena_init(&arena, 64 << 10);
    bx_json_writer_init(&w, out);
    bx_json_object(&w);
    while (query.len && bx_str_split(&query, '&', &pair)) {
        struct bx_str key, value;
        size_t eq = bx_str_find(pair, '=');
        if (http_url_decode(&arena, bx_str_slice(pair, 0, eq), true, &key) < 0 || key.len == 0 ||
            http_url_decode(&arena, bx_str_slice(pair, eq + 1, pair.len), true, &value) < 0)
            continue;
        bx_json_key_n(&w, key);
        bx_json_str(&w, value);
    }
    bx_json_end(&w);
    bx_arena_done(&arena);
}

static void connect_namespace(struct sio_client *c, struct bx_str nsp, struct bx_str auth)
{
    struct sio_server *server = c->server;
    struct bx_buf query;
    size_t mark = bx_str_find(nsp, '?');
    bx_buf_init(&query, 1 << 20);
    if (mark < nsp.len) {
        if (eio_session_protocol(c->session) == 3)
            query_to_json(bx_str_slice(nsp, mark + 1, nsp.len), &query);
        nsp = bx_str_slice(nsp, 0, mark);
    }
    struct sio_namespace *ns = sio_namespace_for(server, nsp);
    if (!ns) {
        refuse_namespace(c, nsp, "Invalid namespace");
    } else if (c->socket_count >= server->opts.max_namespaces_per_connection) {
        sio_count(server, SIO_M_LIMIT_NAMESPACES, 1);
        refuse_namespace(c, nsp, "Too many namespaces");
        sio_namespace_maybe_remove(ns);
    } else {
        connect_timer_stop(c);
        struct bx_str payload = query.len ? bx_buf_view(&query) : auth;
        struct sio_socket *s = NULL;
        if (!ns->recovery || !sio_recovery_restore(ns->recovery, &s, payload)) {
            s = sio_socket_new(c, ns, payload);
        } else {
            s->client = c;
            ns->connecting++;
            sio_client_add(c, s);
            if (payload.len)
                s->auth = bx_strndup(payload.ptr, payload.len);
        }
        sio_namespace_connect(ns, s);
    }
    bx_buf_done(&query);
}

/* --- packets --- */

static void on_event(struct sio_socket *s, const struct sio_packet *p,
                     const struct sio_str *attachments)
{
    struct sio_server *server = s->ns->server;
    char scratch[512];
    struct bx_str name, args;
    if (p->data.len == 0)
        return;
    if (sio_event_split(p->data, scratch, sizeof scratch, &name, &args) < 0) {
        parse_error(s->client);
        return;
    }
    struct sio_ack ack = {.socket = s, .id = p->id};
    struct sio_event event = {
        .name = sio_out(name),
        .payload = {sio_out(args), attachments, p->attachment_count},
        .ack = p->has_id ? &ack : NULL,
    };
    server->event_text = p->data;
    sio_count(server, SIO_M_EVENTS_IN, 1);
    sio_dispatch_event(s, &event);
    server->event_text = (struct bx_str){NULL, 0};
}

static void on_answer(struct sio_socket *s, const struct sio_packet *p,
                      const struct sio_str *attachments)
{
    struct bx_str args = bx_str_trim(bx_json_inside(p->data));
    if (p->has_id)
        sio_ack_on_answer(s, p->id,
                          (struct sio_payload){sio_out(args), attachments, p->attachment_count});
}

static void handle(struct sio_client *c, const struct sio_packet *p,
                   const struct sio_str *attachments)
{
    struct sio_socket *s = socket_find(
        c, p->type == SIO_CONNECT ? bx_str_slice(p->nsp, 0, bx_str_find(p->nsp, '?')) : p->nsp);
    if (p->type == SIO_CONNECT && !s) {
        connect_namespace(c, p->nsp, p->data);
        return;
    }
    if (!s || s->state != SIO_CONNECTED || p->type == SIO_CONNECT || p->type == SIO_CONNECT_ERROR) {
        sio_client_close(
            c, "forced server close"); /* not connected there, twice, or not for clients to say */
        return;
    }
    sio_socket_ref(s);
    if (p->type == SIO_DISCONNECT)
        sio_socket_end(s, "client namespace disconnect");
    else if (p->type == SIO_EVENT || p->type == SIO_BINARY_EVENT)
        on_event(s, p, attachments);
    else
        on_answer(s, p, attachments);
    sio_socket_unref(s);
}

static void on_text(struct sio_client *c, uint8_t *data, size_t len)
{
    struct sio_packet p;
    uint64_t max = c->server->opts.max_attachments;
    int rc = c->partial ? BX_E_INVALID : sio_packet_decode(bx_str_n(data, len), max, &p);
    if (rc < 0) {
        sio_count(c->server, SIO_M_LIMIT_ATTACHMENTS, rc == BX_E_FULL);
        parse_error(c);
        return;
    }
    if (!p.attachment_count) {
        handle(c, &p, NULL);
        return;
    }
    c->partial =
        bx_calloc(1, sizeof *c->partial + p.attachment_count * sizeof c->partial->attachments[0]);
    c->partial->text = bx_strndup((char *)data, len);
    c->partial->text_len = len;
    c->partial->due = p.attachment_count;
}

static void on_attachment(struct sio_client *c, const uint8_t *data, size_t len)
{
    struct sio_partial *p = c->partial;
    struct sio_packet packet;
    if (!p) {
        parse_error(c);
        return;
    }
    p->bytes += len;
    if (p->bytes > c->server->opts.max_attachment_bytes) {
        sio_count(c->server, SIO_M_LIMIT_ATTACHMENT_BYTES, 1);
        parse_error(c);
        return;
    }
    p->attachments[p->have++] = (struct sio_str){bx_strndup((const char *)data, len), len};
    if (p->have < p->due)
        return;
    c->partial = NULL;
    if (sio_packet_decode(bx_str_n(p->text, p->text_len), c->server->opts.max_attachments,
                          &packet) == BX_OK)
        handle(c, &packet, p->attachments);
    partial_free(p);
}

static void on_msgpack(struct sio_client *c, bool is_binary, const uint8_t *data, size_t len)
{
    struct sio_msgpack decoded;
    if (!is_binary ||
        sio_msgpack_decode(data, len, c->server->opts.max_attachments, &decoded) < 0) {
        parse_error(c);
        return;
    }
    handle(c, &decoded.packet, decoded.attachments);
    sio_msgpack_done(&decoded);
}

/* --- the connection --- */

static void on_open(struct eio_session *session, void *arg)
{
    struct sio_server *server = arg;
    struct sio_client *c = BX_NEW(struct sio_client);
    c->server = server;
    c->session = session;
    eio_session_set_arg(session, c);
    if (eio_session_protocol(session) == 3) { /* those clients do not ask for "/" */
        connect_namespace(c, BX_STR("/"), BX_STR(""));
        return;
    }
    c->connect_timer = BX_NEW(struct net_timer);
    net_timer_init(c->connect_timer, on_connect_timeout, c);
    net_timer_start(server->loop, c->connect_timer, server->opts.connect_timeout_ms);
}

static void on_message(struct eio_session *session, bool is_binary, uint8_t *data, size_t len,
                       void *arg)
{
    struct sio_client *c = eio_session_arg(session);
    (void)arg;
    if (c->server->opts.use_msgpack)
        on_msgpack(c, is_binary, data, len);
    else if (is_binary)
        on_attachment(c, data, len);
    else
        on_text(c, data, len);
}

static void on_upgrade(struct eio_session *session, void *arg)
{
    struct sio_client *c = eio_session_arg(session);
    (void)arg;
    for (uint32_t i = 0; i < c->socket_count; i++)
        sio_socket_transport_changed(c->sockets[i]);
}

static void on_close(struct eio_session *session, const char *reason, void *arg)
{
    struct sio_client *c = eio_session_arg(session);
    struct sio_server *server = arg;
    sio_batch_flush(server);
    connect_timer_stop(c);
    while (c->socket_count)
        sio_socket_end(c->sockets[c->socket_count - 1], reason);
    partial_free(c->partial);
    c->partial = NULL;
    free(c->sockets);
    c->sockets = NULL;
    net_loop_free_later(server->loop, c);
}

static bool allow_request(const struct http_request *r, const char **out_message, void *arg)
{
    struct sio_server *server = arg;
    return !server->opts.allow_request ||
           server->opts.allow_request(sio_out(r->path), sio_out(r->query), sio_out(r->raw_head),
                                      r->peer, out_message, server->opts.arg);
}

static void on_refused(enum eio_error code, const char *message, const char *peer, void *arg)
{
    struct sio_server *server = arg;
    if (server->opts.on_connection_error)
        server->opts.on_connection_error((int)code, message, peer, server->opts.arg);
}

const struct eio_handler sio_eio_handler = {
    .on_open = on_open,
    .on_message = on_message,
    .on_close = on_close,
    .on_upgrade = on_upgrade,
    .allow_request = allow_request,
    .on_error = on_refused,
};
