/* A session: OPEN -> CLOSING (only polling: the client must be told by its next GET) -> CLOSED. One
 * timer drives the heartbeat in both directions of v4 (ping due, then pong due) and v3's single
 * deadline.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "eio/internal.h"

#include <stdio.h>
#include <stdlib.h>

static void on_heartbeat(void *arg);

/* 12 random bytes and a counter: unguessable, and unique even if the random source were not. */
static void sid_make(struct eio_server *server, char out[EIO_SID_LEN])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint8_t raw[15];
    if (server->random_left < 12) {
        bx_random(server->random, sizeof server->random);
        server->random_left = sizeof server->random;
    }
    server->random_left -= 12;
    memcpy(raw, server->random + server->random_left, 12);
    uint32_t counter = server->sid_counter++;
    raw[12] = (uint8_t)(counter >> 16);
    raw[13] = (uint8_t)(counter >> 8);
    raw[14] = (uint8_t)counter;
    for (size_t i = 0; i < 5; i++) {
        uint32_t v = (uint32_t)raw[3 * i] << 16 | (uint32_t)raw[3 * i + 1] << 8 | raw[3 * i + 2];
        for (size_t j = 0; j < 4; j++)
            out[4 * i + j] = digits[v >> (18 - 6 * j) & 63];
    }
}

static struct eio_address *address_take(struct eio_server *server, const char *peer)
{
    if (!server->opts.max_connections_per_ip)
        return NULL;
    struct eio_address *a = bx_map_get(&server->addresses, bx_str(peer));
    if (!a) {
        a = BX_NEW(struct eio_address);
        snprintf(a->text, sizeof a->text, "%s", peer);
        bx_map_put(&server->addresses, bx_str(a->text), a);
    }
    a->count++;
    return a;
}

static void address_release(struct eio_server *server, struct eio_address *a)
{
    if (a && --a->count == 0) {
        bx_map_del(&server->addresses, bx_str(a->text));
        free(a);
    }
}

static size_t clamp_len(size_t len, size_t max)
{
    return len < max ? len : max;
}

struct eio_session *eio_session_new(struct eio_server *server, const struct http_request *r,
                                    int protocol)
{
    size_t url_len = clamp_len(r->target.len, UINT16_MAX), address_len = strlen(r->peer);
    struct eio_session *s = bx_calloc(1, sizeof *s + url_len + address_len + r->raw_head.len);
    s->server = server;
    s->protocol = (uint8_t)protocol;
    s->is_secure = r->is_tls;
    s->issued_ms = bx_wall_ms();
    s->url_len = (uint16_t)url_len;
    s->address_len = (uint16_t)address_len;
    s->headers_len = (uint32_t)r->raw_head.len;
    memcpy(s->handshake, r->target.ptr, url_len);
    memcpy(s->handshake + url_len, r->peer, address_len);
    if (r->raw_head.len)
        memcpy(s->handshake + url_len + address_len, r->raw_head.ptr, r->raw_head.len);
    s->address = address_take(server, r->peer);
    net_timer_init(&s->heartbeat, on_heartbeat, s);
    sid_make(server, s->sid);
    bx_map_put(&server->sessions, bx_str_n(s->sid, EIO_SID_LEN), s);
    bx_metric_add(&server->metrics[EIO_M_OPENED], 1);
    bx_metric_add(&server->metrics[EIO_M_SESSIONS], 1);
    return s;
}

void eio_session_write_open(struct eio_session *s)
{
    const struct eio_opts *o = &s->server->opts;
    char text[256];
    bool is_upgradable = s->polling && o->allow_upgrades && o->allow_websocket;
    int n = snprintf(text, sizeof text,
                     "{\"sid\":\"%.20s\",\"upgrades\":[%s],\"pingInterval\":%u,\"pingTimeout\":%u,"
                     "\"maxPayload\":%zu}",
                     s->sid, is_upgradable ? "\"websocket\"" : "", o->ping_interval_ms,
                     o->ping_timeout_ms, o->max_payload_bytes);
    if (s->ws) {
        ws_send2(s->ws, false, BX_STR("0"), bx_str_n(text, (size_t)n), false);
        return;
    }
    struct eio_packet *p = eio_packet_new(EIO_OPEN, false, bx_str_n(text, (size_t)n), BX_STR(""));
    eio_session_send(s, p);
    eio_packet_unref(p);
}

static void heartbeat_start(struct eio_session *s, uint32_t delay_ms)
{
    net_timer_start_slack(s->server->loop, &s->heartbeat, delay_ms, s->server->slack_ms);
}

void eio_session_opened(struct eio_session *s)
{
    const struct eio_opts *o = &s->server->opts;
    heartbeat_start(s, s->protocol == 4 ? o->ping_interval_ms
                                        : o->ping_interval_ms + o->ping_timeout_ms);
    eio_session_write_open(s);
    s->is_announced = true;
    s->server->handler->on_open(s, s->server->arg);
}

static void send_control(struct eio_session *s, enum eio_type type, struct bx_str data)
{
    char text[128] = {(char)type};
    if (s->ws && data.len < sizeof text) {
        if (data.len)
            memcpy(text + 1, data.ptr, data.len);
        ws_send(s->ws, false, text, data.len + 1, false);
        return;
    }
    struct eio_packet *p = eio_packet_new(type, false, data, BX_STR(""));
    eio_session_send(s, p);
    eio_packet_unref(p);
}

static void on_heartbeat(void *arg)
{
    struct eio_session *s = arg;
    if (s->protocol == 3 || s->is_waiting_pong) {
        bx_metric_add(&s->server->metrics[EIO_M_PING_TIMEOUTS], 1);
        eio_session_end(s, "ping timeout");
        return;
    }
    s->is_waiting_pong = true;
    heartbeat_start(s, s->server->opts.ping_timeout_ms);
    send_control(s, EIO_PING, BX_STR(""));
}

/* --- incoming --- */

static void on_ping(struct eio_session *s, const struct eio_incoming *in)
{
    if (s->protocol == 4) {
        eio_session_fail(s, "transport error"); /* heartbeats go the other way in v4 */
        return;
    }
    heartbeat_start(s, s->server->opts.ping_interval_ms + s->server->opts.ping_timeout_ms);
    send_control(s, EIO_PONG, bx_str_n(in->data, in->len));
}

static void on_pong(struct eio_session *s)
{
    if (s->protocol == 3) {
        eio_session_fail(s, "transport error");
        return;
    }
    if (!s->is_waiting_pong)
        return;
    s->is_waiting_pong = false;
    heartbeat_start(s, s->server->opts.ping_interval_ms);
}

void eio_session_on_packet(struct eio_session *s, const struct eio_incoming *in)
{
    if (s->state == EIO_STATE_CLOSING && in->type == EIO_CLOSE)
        eio_session_end(s, "transport close"); /* both sides agree: no need to wait for a GET */
    if (s->state != EIO_STATE_OPEN)
        return;
    switch (in->type) {
    case EIO_MESSAGE:
        bx_metric_add(&s->server->metrics[EIO_M_PACKETS_IN], 1);
        s->server->handler->on_message(s, in->is_binary, in->data, in->len, s->server->arg);
        break;
    case EIO_PING:
        on_ping(s, in);
        break;
    case EIO_PONG:
        on_pong(s);
        break;
    case EIO_CLOSE:
        if (s->polling)
            eio_polling_noop(s->polling);
        eio_session_end(s, "transport close");
        break;
    default: /* open, upgrade and noop out of place mean nothing */
        break;
    }
}

/* --- outgoing --- */

void eio_session_send(struct eio_session *s, struct eio_packet *p)
{
    if (s->state != EIO_STATE_OPEN || s->is_overflowing)
        return;
    bx_metric_add(&s->server->metrics[EIO_M_PACKETS_OUT], 1);
    if (s->ws)
        eio_websocket_send(s, p);
    else
        eio_polling_send(s, p);
}

void eio_session_send_message(struct eio_session *s, bool is_binary, struct bx_str head,
                              struct bx_str body, bool is_compress)
{
    if (s->state != EIO_STATE_OPEN || s->is_overflowing)
        return;
    if (s->ws && !is_binary && head.len < 200) {
        char prefix[256] = {EIO_MESSAGE};
        memcpy(prefix + 1, head.ptr, head.len);
        bx_metric_add(&s->server->metrics[EIO_M_PACKETS_OUT], 1);
        ws_send2(s->ws, false, bx_str_n(prefix, head.len + 1), body, is_compress);
        eio_session_check_queue(s, net_tcp_queued(ws_tcp(s->ws)));
        return;
    }
    struct eio_packet *p = eio_packet_new(EIO_MESSAGE, is_binary, head, body);
    p->is_compress = is_compress;
    eio_session_send(s, p);
    eio_packet_unref(p);
}

uint8_t *eio_session_reserve(struct eio_session *s, size_t max_len)
{
    if (s->state != EIO_STATE_OPEN || s->is_overflowing || !s->ws || ws_is_deflating(s->ws) ||
        max_len > 30000)
        return NULL;
    uint8_t *at = ws_send_reserve(s->ws, max_len + 1);
    *at = EIO_MESSAGE;
    return at + 1;
}

void eio_session_commit(struct eio_session *s, size_t len)
{
    bx_metric_add(&s->server->metrics[EIO_M_PACKETS_OUT], 1);
    ws_send_commit(s->ws, false, len + 1);
    eio_session_check_queue(s, net_tcp_queued(ws_tcp(s->ws)));
}

bool eio_session_is_writable(const struct eio_session *s)
{
    if (s->state != EIO_STATE_OPEN || s->is_overflowing)
        return false;
    if (s->ws)
        return ws_tcp(s->ws) && net_tcp_is_writable(ws_tcp(s->ws));
    return s->polling->get && s->polling->queue_count == 0;
}

struct net_tcp *eio_session_fan_out(const struct eio_session *s)
{
    bool is_plain = s->state == EIO_STATE_OPEN && s->ws && s->protocol == 4 && !s->is_b64;
    return is_plain ? ws_tcp(s->ws) : NULL;
}

size_t eio_session_queued(const struct eio_session *s)
{
    struct net_tcp *tcp = s->ws ? ws_tcp(s->ws) : NULL;
    return s->polling ? s->polling->queue_bytes : tcp ? net_tcp_queued(tcp) : 0;
}

static void end_overflowing(void *ptr)
{
    eio_session_end(ptr, "transport close"); /* its memory goes behind this in the same queue */
}

/* The session ends with the turn, never inside of a send: whoever sends to many, or to one in the
 * middle of something, must not lose them meanwhile. Until then its output is dropped. */
void eio_session_check_queue(struct eio_session *s, size_t queued)
{
    size_t limit = s->server->opts.max_send_queue_bytes;
    if (queued <= (s->server->opts.is_slow_drop ? 2 * limit : limit) ||
        s->state != EIO_STATE_OPEN || s->is_overflowing)
        return;
    bx_metric_add(&s->server->metrics[EIO_M_LIMIT_QUEUE], 1);
    s->is_overflowing = true;
    net_loop_call_later(s->server->loop, end_overflowing, s);
}

/* --- closing --- */

static void session_free(void *ptr)
{
    struct eio_session *s = ptr;
    free(s);
}

void eio_session_end(struct eio_session *s, const char *reason)
{
    if (s->state == EIO_STATE_CLOSED)
        return;
    bool was_open = s->state == EIO_STATE_OPEN;
    struct eio_server *server = s->server;
    s->state = EIO_STATE_CLOSED;
    net_timer_stop(&s->heartbeat);
    bx_map_del(&server->sessions, bx_str_n(s->sid, EIO_SID_LEN));
    bx_metric_add(&server->metrics[EIO_M_SESSIONS], -1);
    if (was_open && s->is_announced)
        server->handler->on_close(s, reason, server->arg);
    if (s->ws) {
        struct ws_conn *ws = s->ws;
        s->ws = NULL;
        eio_websocket_detach(server, ws);
    }
    if (s->polling)
        eio_polling_free(s);
    address_release(server, s->address);
    net_loop_call_later(server->loop, session_free, s);
}

void eio_session_close(struct eio_session *s, const char *reason)
{
    if (s->state != EIO_STATE_OPEN)
        return;
    if (!s->polling) {
        eio_session_end(
            s, reason ? reason : "forced close"); /* queued output leaves before the close frame */
        return;
    }
    eio_polling_close(s);
    s->state = EIO_STATE_CLOSING;
    net_timer_stop(&s->heartbeat);
    if (s->is_announced)
        s->server->handler->on_close(s, reason ? reason : "forced close", s->server->arg);
    s->is_announced = false;
}

void eio_session_fail(struct eio_session *s, const char *reason)
{
    eio_session_end(s, reason);
}

void eio_session_abandon(struct eio_session *s, void *arg)
{
    (void)arg;
    eio_session_end(s, "server shutting down");
}

/* --- accessors --- */

struct bx_str eio_session_sid(const struct eio_session *s)
{
    return bx_str_n(s->sid, EIO_SID_LEN);
}

int eio_session_protocol(const struct eio_session *s)
{
    return s->protocol;
}

bool eio_session_is_websocket(const struct eio_session *s)
{
    return !s->polling;
}

bool eio_session_is_open(const struct eio_session *s)
{
    return s->state == EIO_STATE_OPEN;
}

void eio_session_handshake(const struct eio_session *s, struct eio_handshake *out)
{
    struct bx_str url = bx_str_n(s->handshake, s->url_len);
    size_t mark = bx_str_find(url, '?');
    *out = (struct eio_handshake){
        .url = url,
        .query = bx_str_slice(url, mark + 1, url.len),
        .address = bx_str_n(s->handshake + s->url_len, s->address_len),
        .headers = bx_str_n(s->handshake + s->url_len + s->address_len, s->headers_len),
        .issued_ms = s->issued_ms,
        .is_secure = s->is_secure,
    };
}

void eio_session_set_arg(struct eio_session *s, void *arg)
{
    s->arg = arg;
}

void *eio_session_arg(const struct eio_session *s)
{
    return s->arg;
}

struct eio_server *eio_session_server(const struct eio_session *s)
{
    return s->server;
}
