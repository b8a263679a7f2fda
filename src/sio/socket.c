#include <sio/socket.h>

#include "base/base64.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "sio/embed.h"
#include "sio/internal.h"

#include <stdlib.h>

/* Socket ids are not the engine's (that one is a secret) but of the same shape. Engine.IO v3
 * clients compute theirs. */
static size_t id_make(struct sio_client *c, const struct sio_namespace *ns, char out[256])
{
    if (eio_session_protocol(c->session) == 3) {
        struct bx_str sid = eio_session_sid(c->session), nsp = sio_name(ns);
        size_t n = 0;
        if (nsp.len > 1 && nsp.len < 200) {
            memcpy(out, nsp.ptr, nsp.len);
            n = nsp.len;
            out[n++] = '#';
        }
        memcpy(out + n, sid.ptr, sid.len);
        return n + sid.len;
    }
    uint8_t raw[15];
    struct sio_server *server = c->server;
    if (server->random_left < sizeof raw) {
        bx_random(server->random, sizeof server->random);
        server->random_left = sizeof server->random;
    }
    server->random_left -= sizeof raw;
    memcpy(raw, server->random + server->random_left, sizeof raw);
    return bx_base64_encode(BX_BASE64_URL_NOPAD, raw, sizeof raw, out);
}

struct sio_socket *sio_socket_new(struct sio_client *c, struct sio_namespace *ns,
                                  struct bx_str auth)
{
    char id[256];
    size_t len = id_make(c, ns, id);
    struct sio_socket *s = bx_calloc(1, sizeof *s + len + 1);
    s->refs = 1;
    s->ns = ns;
    s->client = c;
    s->id_len = (uint32_t)len;
    memcpy(s->id, id, len);
    if (auth.len && !bx_str_is(auth, "{}"))
        s->auth = bx_strndup(auth.ptr, auth.len);
    ns->connecting++;
    sio_client_add(c, s);
    return s;
}

struct sio_socket *sio_socket_ref(struct sio_socket *s)
{
    s->refs++;
    return s;
}

void sio_socket_unref(struct sio_socket *s)
{
    if (--s->refs)
        return;
    if (s->destroy)
        s->destroy(s->data);
    free(s->memberships);
    free(s->data_json);
    free(s->auth);
    free(s->pid);
    free(s->acks);
    if (s->restore)
        sio_recovery_drop(s->restore);
    free(s);
}

/* --- connecting --- */

static void send_control(struct sio_socket *s, enum sio_type type, struct bx_str data)
{
    struct sio_server *server = s->ns->server;
    struct bx_buf *buf = &server->scratch;
    sio_batch_flush(server);
    buf->len = 0;
    if (server->opts.use_msgpack) {
        struct sio_packet p = {.type = type, .nsp = sio_name(s->ns), .data = data};
        if (sio_msgpack_encode(&p, &(struct sio_payload){0}, buf) == BX_OK)
            eio_session_send_message(s->client->session, true, BX_STR(""), bx_buf_view(buf), true);
        return;
    }
    sio_packet_head(buf, type, 0, sio_name(s->ns), BX_STR(""));
    bx_buf_str(buf, data);
    sio_client_send_text(s->client, bx_buf_view(buf));
}

static void send_connect(struct sio_socket *s)
{
    struct bx_buf data;
    struct bx_json_writer w;
    if (eio_session_protocol(s->client->session) == 3) {
        send_control(s, SIO_CONNECT, BX_STR(""));
        return;
    }
    bx_buf_init(&data, 0);
    bx_json_writer_init(&w, &data);
    bx_json_object(&w);
    bx_json_key_str(&w, "sid", bx_str_n(s->id, s->id_len));
    if (s->pid)
        bx_json_key_cstr(&w, "pid", s->pid);
    bx_json_end(&w);
    send_control(s, SIO_CONNECT, bx_buf_view(&data));
    bx_buf_done(&data);
}

static void ensure_pid(struct sio_socket *s)
{
    uint8_t raw[15];
    char text[BX_BASE64_SIZE(sizeof raw)];
    if (!s->ns->recovery || s->pid)
        return;
    bx_random(raw, sizeof raw);
    size_t n = bx_base64_encode(BX_BASE64_URL_NOPAD, raw, sizeof raw, text);
    s->pid = bx_strndup(text, n);
}

void sio_socket_connected(struct sio_socket *s)
{
    struct sio_namespace *ns = s->ns;
    struct sio_server *server = ns->server;
    sio_batch_flush(server);
    if (s->is_recovered && !sio_recovery_can_replay(ns->recovery, s)) {
        sio_client_close(s->client, "forced close"); /* it comes back and starts anew, knowingly */
        return;
    }
    s->state = SIO_CONNECTED;
    ns->connecting--;
    bx_map_put(&ns->sockets, bx_str_n(s->id, s->id_len), s);
    sio_room_add(ns->everyone, s);
    sio_count(server, SIO_M_SOCKETS, 1);
    ensure_pid(s);
    sio_socket_ref(s); /* sending may end the connection */
    send_connect(s);
    if (s->is_recovered)
        sio_recovery_replay(ns->recovery, s);
    for (size_t i = 0; i < ns->hooks->count && s->state == SIO_CONNECTED; i++) {
        struct sio_callback *cb = &ns->hooks->items[i];
        if (cb->kind == SIO_CB_CONNECTION)
            cb->fn.connection(s, cb->arg);
    }
    sio_socket_unref(s);
}

void sio_socket_refuse(struct sio_socket *s, const char *message, struct bx_str data_json)
{
    struct bx_buf data;
    struct bx_json_writer w;
    bx_buf_init(&data, 0);
    if (eio_session_protocol(s->client->session) ==
        3) { /* the data alone, or the message as a string */
        if (data_json.len)
            bx_buf_str(&data, data_json);
        else
            bx_json_escape(&data, bx_str(message));
    } else {
        bx_json_writer_init(&w, &data);
        bx_json_object(&w);
        bx_json_key_cstr(&w, "message", message);
        if (data_json.len)
            bx_json_key_raw(&w, "data", data_json);
        bx_json_end(&w);
    }
    sio_socket_ref(s); /* sending may end the connection */
    send_control(s, SIO_CONNECT_ERROR, bx_buf_view(&data));
    bx_buf_done(&data);
    sio_socket_end(s, "refused");
    sio_socket_unref(s);
}

/* --- ending --- */

/* A handler may disconnect the socket that is just leaving; true: it did, nothing is left to do. */
static bool call_disconnecting(struct sio_socket *s, const char *reason)
{
    if (s->is_leaving)
        return false;
    s->is_leaving = true;
    sio_socket_ref(s);
    sio_call_reason(s, SIO_CB_DISCONNECTING, reason);
    bool is_over = s->state == SIO_GONE;
    sio_socket_unref(s);
    return is_over;
}

void sio_socket_end(struct sio_socket *s, const char *reason)
{
    struct sio_namespace *ns = s->ns;
    struct sio_server *server = ns->server;
    if (s->state == SIO_GONE)
        return;
    sio_batch_flush(server);
    bool was_connected = s->state == SIO_CONNECTED;
    if (was_connected && call_disconnecting(s, reason))
        return; /* a handler ended it */
    if (was_connected) {
        if (ns->recovery && s->pid && sio_reason_is_recoverable(reason))
            sio_recovery_save(ns->recovery, s);
        sio_room_leave_all(s);
        bx_map_del(&ns->sockets, bx_str_n(s->id, s->id_len));
        sio_count(server, SIO_M_SOCKETS, -1);
    } else {
        ns->connecting--;
    }
    s->state = SIO_GONE;
    sio_client_remove(s->client, s); /* first: handlers may close the whole connection */
    sio_acks_cancel(s);
    if (was_connected)
        sio_call_reason(s, SIO_CB_DISCONNECT, reason);
    s->client = NULL;
    sio_namespace_maybe_remove(ns);
    sio_socket_unref(s);
}

static void leave(struct sio_socket *s)
{
    sio_socket_ref(s); /* sending may end the connection */
    if (s->state == SIO_CONNECTED)
        send_control(s, SIO_DISCONNECT, BX_STR(""));
    sio_socket_end(s, "server namespace disconnect");
    sio_socket_unref(s);
}

void sio_disconnect(struct sio_socket *s, bool close)
{
    if (s->state == SIO_GONE)
        return;
    struct sio_client *c = s->client;
    if (!close) {
        leave(s);
        return;
    }
    struct eio_session *session = c->session;
    while (c->socket_count) {
        struct sio_socket *each = c->sockets[c->socket_count - 1];
        leave(each);
    }
    eio_session_close(session, "forced server close");
}

void sio_drop(struct sio_socket *s)
{
    if (s->state != SIO_GONE)
        eio_session_close(s->client->session, "forced close");
}

/* --- emitting --- */

int sio_emit(struct sio_socket *s, const char *name, struct sio_payload payload, unsigned flags)
{
    struct sio_namespace *ns = s->ns;
    struct eio_packet *p;
    if (s->state != SIO_CONNECTED)
        return BX_E_CLOSED;
    if ((flags & SIO_VOLATILE) && !eio_session_is_writable(s->client->session))
        return BX_OK;
    bool is_recorded = ns->recovery && !(flags & SIO_VOLATILE);
    struct bx_str offset = is_recorded ? sio_recovery_offset(ns->recovery) : BX_STR("");
    int rc =
        sio_encode_event(ns, name, &payload, BX_STR(""), offset, !(flags & SIO_NO_COMPRESS), &p);
    if (rc < 0)
        return rc;
    sio_batch_flush(ns->server);
    if (is_recorded) {
        struct sio_str self = sio_socket_id(s);
        sio_recovery_record(ns->recovery,
                            &(struct sio_target){.ns = ns, .rooms = &self, .room_count = 1}, p,
                            &payload);
    }
    sio_send(s, p, &payload, !(flags & SIO_NO_COMPRESS));
    eio_packet_unref(p);
    return BX_OK;
}

/* --- accessors --- */

struct sio_str sio_socket_id(const struct sio_socket *s)
{
    return (struct sio_str){s->id, s->id_len};
}

struct sio_namespace *sio_socket_namespace(const struct sio_socket *s)
{
    return s->ns;
}

bool sio_socket_is_connected(const struct sio_socket *s)
{
    return s->state == SIO_CONNECTED;
}

size_t sio_socket_unsent(const struct sio_socket *s)
{
    bool has_session = s->state == SIO_CONNECTED && s->client;
    return has_session ? eio_session_queued(s->client->session) : 0;
}

bool sio_socket_is_recovered(const struct sio_socket *s)
{
    return s->is_recovered;
}

const char *sio_socket_transport(const struct sio_socket *s)
{
    return s->client && eio_session_is_websocket(s->client->session) ? "websocket" : "polling";
}

int sio_socket_protocol(const struct sio_socket *s)
{
    return s->client ? eio_session_protocol(s->client->session) : 4;
}

void sio_socket_handshake(const struct sio_socket *s, struct sio_handshake *out)
{
    struct eio_handshake h = {0};
    if (s->client)
        eio_session_handshake(s->client->session, &h);
    *out = (struct sio_handshake){
        .url = sio_out(h.url),
        .query = sio_out(h.query),
        .headers = sio_out(h.headers),
        .auth = s->auth ? sio_str(s->auth) : SIO_STR("{}"),
        .address = sio_out(h.address),
        .issued_ms = h.issued_ms,
        .is_secure = h.is_secure,
    };
}

struct sio_str sio_socket_header(const struct sio_socket *s, const char *name)
{
    struct sio_handshake h;
    sio_socket_handshake(s, &h);
    struct bx_str rest = sio_in(h.headers), line;
    while (bx_str_split(&rest, '\n', &line)) {
        size_t colon = bx_str_find(line, ':');
        if (bx_str_ieq(bx_str_slice(line, 0, colon), bx_str(name))) {
            line = bx_str_slice(line, colon + 1, line.len);
            if (bx_str_ends(line, BX_STR("\r")))
                line.len--;
            return sio_out(bx_str_trim(line));
        }
    }
    return (struct sio_str){NULL, 0};
}

int sio_socket_query(const struct sio_socket *s, const char *name, char *buf, size_t size)
{
    struct sio_handshake h;
    struct bx_str raw, text;
    struct bx_arena arena;
    sio_socket_handshake(s, &h);
    if (!http_query_get(sio_in(h.query), bx_str(name), &raw))
        return BX_E_NOT_FOUND;
    bx_arena_init(&arena, raw.len + 64);
    int rc = http_url_decode(&arena, raw, true, &text);
    if (rc == BX_OK)
        rc = bx_str_copy(text, buf, size);
    rc = rc < 0 ? rc : (int)text.len;
    bx_arena_done(&arena);
    return rc;
}

void sio_socket_set_data(struct sio_socket *s, void *data, void (*destroy)(void *data))
{
    if (s->destroy && s->data != data)
        s->destroy(s->data);
    s->data = data;
    s->destroy = destroy;
}

void *sio_socket_data(const struct sio_socket *s)
{
    return s->data;
}

void sio_socket_set_data_json(struct sio_socket *s, struct sio_str json)
{
    free(s->data_json);
    s->data_json = bx_strndup(json.ptr, json.len);
}

struct sio_str sio_socket_data_json(const struct sio_socket *s)
{
    return s->data_json ? sio_str(s->data_json) : SIO_STR("{}");
}
