/* The WebSocket transport: one packet per message. Also the upgrade of a polling session: the new
 * connection probes
 * ("2probe" -> "3probe"), polls are kept turning meanwhile, and "5" moves the session over with
 * everything still queued.
 */
#include "base/base64.h"
#include "base/err.h"
#include "base/mem.h"
#include "eio/internal.h"

#include <stdlib.h>

enum { NOOP_EVERY_MS = 100 };

static void on_message(struct ws_conn *ws, bool is_binary, uint8_t *data, size_t len, void *arg);
static void on_close(struct ws_conn *ws, uint16_t code, struct bx_str reason, void *arg);

static const struct ws_handler handler = {.on_message = on_message, .on_close = on_close};

/* Text "b<base64>" is a binary message of a client that cannot do better. */
static int decode_base64(const uint8_t *data, size_t len, uint8_t *out, struct eio_incoming *in)
{
    size_t n;
    if (bx_base64_decode(bx_str_n(data, len), out, &n) < 0)
        return BX_E_INVALID;
    *in = (struct eio_incoming){EIO_MESSAGE, true, out, n};
    return BX_OK;
}

static int decode(const struct eio_session *s, bool is_binary, uint8_t *data, size_t len,
                  struct eio_incoming *in)
{
    if (is_binary && s->protocol == 4) {
        *in = (struct eio_incoming){EIO_MESSAGE, true, data, len};
        return BX_OK;
    }
    if (len == 0)
        return BX_E_INVALID;
    if (is_binary) {
        *in = (struct eio_incoming){(uint8_t)(data[0] + '0'), true, data + 1, len - 1};
    } else if (data[0] == 'b') {
        size_t skip = s->protocol == 3 ? 2 : 1;
        return len < skip ? BX_E_INVALID : decode_base64(data + skip, len - skip, data, in);
    } else {
        *in = (struct eio_incoming){data[0], false, data + 1, len - 1};
    }
    return in->type >= EIO_OPEN && in->type <= EIO_NOOP ? BX_OK : BX_E_INVALID;
}

static void on_message(struct ws_conn *ws, bool is_binary, uint8_t *data, size_t len, void *arg)
{
    struct eio_session *s = arg;
    struct eio_incoming in;
    (void)ws;
    if (decode(s, is_binary, data, len, &in) < 0)
        eio_session_fail(s, "parse error");
    else
        eio_session_on_packet(s, &in);
}

static void on_close(struct ws_conn *ws, uint16_t code, struct bx_str reason, void *arg)
{
    struct eio_session *s = arg;
    (void)reason;
    if (s->ws != ws)
        return; /* we closed it, the session is over */
    s->ws = NULL;
    bool is_error =
        code == WS_CLOSE_PROTOCOL || code == WS_CLOSE_INVALID_UTF8 || code == WS_CLOSE_TOO_BIG;
    if (code == WS_CLOSE_TOO_BIG)
        bx_metric_add(&s->server->metrics[EIO_M_LIMIT_PAYLOAD], 1);
    eio_session_end(s, is_error ? "transport error" : "transport close");
}

/* A closed session's connection still finishes its closing handshake: its events are nobody's. */
static void ignore_message(struct ws_conn *ws, bool is_binary, uint8_t *data, size_t len, void *arg)
{
    (void)ws, (void)is_binary, (void)data, (void)len, (void)arg;
}

static void ignore_close(struct ws_conn *ws, uint16_t code, struct bx_str reason, void *arg)
{
    struct eio_closing *closing = arg;
    (void)ws, (void)code, (void)reason;
    closing->count--;
    if (closing->is_orphan && closing->count == 0)
        free(closing);
}

static const struct ws_handler nobody = {.on_message = ignore_message, .on_close = ignore_close};

void eio_websocket_detach(struct eio_server *server, struct ws_conn *ws)
{
    server->closing->count++;
    ws_set_handler(ws, &nobody, server->closing);
    ws_close(ws, WS_CLOSE_NO_STATUS, BX_STR(""));
}

static struct ws_conn *accept_connection(struct eio_server *server, struct http_exchange *x,
                                         const struct ws_handler *with, void *arg)
{
    struct bx_buf headers;
    bx_buf_init(&headers, 4096);
    eio_cors_headers_text(server, http_exchange_request(x), &headers);
    struct ws_conn *ws = ws_accept(x, &server->ws, bx_buf_view(&headers), true, with, arg);
    bx_buf_done(&headers);
    return ws;
}

void eio_websocket_open(struct eio_server *server, struct http_exchange *x, int protocol)
{
    const struct http_request *r = http_exchange_request(x);
    struct eio_session *s = eio_session_new(server, r, protocol);
    s->is_b64 = eio_query_flag(x, BX_STR("b64"));
    s->ws = accept_connection(server, x, &handler, s);
    eio_session_opened(s);
}

void eio_websocket_send(struct eio_session *s, struct eio_packet *p)
{
    if (!p->is_binary) {
        if (s->protocol == 4 && !(p->is_compress && ws_is_deflating(s->ws))) {
            ws_send_frame(s->ws, eio_packet_frame(p));
        } else {
            const char type = (char)p->type;
            ws_send2(s->ws, false, bx_str_n(&type, 1), bx_str_n(p->data, p->len), p->is_compress);
        }
    } else if (s->is_b64) {
        char *text = bx_realloc(NULL, BX_BASE64_SIZE(p->len), 1);
        size_t n = bx_base64_encode(BX_BASE64_STD, p->data, p->len, text);
        ws_send2(s->ws, false, s->protocol == 3 ? BX_STR("b4") : BX_STR("b"), bx_str_n(text, n),
                 p->is_compress);
        free(text);
    } else {
        const char type = (char)(p->type - '0');
        ws_send2(s->ws, true, bx_str_n(&type, s->protocol == 3), bx_str_n(p->data, p->len),
                 p->is_compress);
    }
    struct net_tcp *tcp = ws_tcp(s->ws);
    if (tcp)
        eio_session_check_queue(s, net_tcp_queued(tcp));
}

/* --- upgrade --- */

/* The upgrade has ended: no timer of it outlives it. Returns its connection (NULL: there was no
 * upgrade), whose handler the caller replaces. */
static struct ws_conn *probe_take(struct eio_polling *p)
{
    struct ws_conn *ws = p->probe;
    p->probe = NULL;
    p->has_probed = false;
    net_timer_stop(&p->upgrade_timer);
    net_timer_stop(&p->noop_timer);
    return ws;
}

void eio_websocket_cancel_upgrade(struct eio_polling *p)
{
    struct ws_conn *ws = probe_take(p);
    if (ws)
        eio_websocket_detach(p->session->server, ws);
}

static void on_upgrade_timeout(void *arg)
{
    eio_websocket_cancel_upgrade(arg);
}

static void on_noop_due(void *arg)
{
    struct eio_polling *p = arg;
    eio_polling_noop(p);
    net_timer_start(p->session->server->loop, &p->noop_timer, NOOP_EVERY_MS);
}

/* "5": the queue goes to the new transport in order; a GET that waits is answered with a noop. */
static void complete(struct eio_session *s, struct ws_conn *ws)
{
    struct eio_polling *p = s->polling;
    probe_take(p);
    struct eio_packet **queue = p->queue;
    size_t count = p->queue_count;
    p->queue = NULL;
    p->queue_count = p->queue_cap = 0;
    s->is_b64 = p->is_probe_b64;
    eio_polling_free(s);
    s->ws = ws;
    ws_set_handler(ws, &handler, s);
    for (size_t i = 0; i < count; i++) {
        if (s->state == EIO_STATE_OPEN && queue[i]->type != EIO_NOOP)
            eio_websocket_send(s, queue[i]);
        eio_packet_unref(queue[i]);
    }
    free(queue);
    bx_metric_add(&s->server->metrics[EIO_M_UPGRADES], 1);
    if (s->state == EIO_STATE_OPEN && s->server->handler->on_upgrade)
        s->server->handler->on_upgrade(s, s->server->arg);
}

static void on_probe_message(struct ws_conn *ws, bool is_binary, uint8_t *data, size_t len,
                             void *arg)
{
    struct eio_session *s = arg;
    struct eio_polling *p = s->polling;
    struct bx_str text = bx_str_n(data, len);
    if (!is_binary && bx_str_is(text, "2probe")) {
        p->has_probed = true;
        ws_send(ws, false, "3probe", 6, false);
        net_timer_start(s->server->loop, &p->noop_timer, NOOP_EVERY_MS);
    } else if (!is_binary && p->has_probed && len >= 1 && data[0] == EIO_UPGRADE) {
        complete(s, ws);
    } else {
        eio_websocket_cancel_upgrade(p);
    }
}

static void on_probe_close(struct ws_conn *ws, uint16_t code, struct bx_str reason, void *arg)
{
    struct eio_session *s = arg;
    (void)code;
    (void)reason;
    if (s->polling && s->polling->probe == ws)
        probe_take(s->polling);
}

static const struct ws_handler probe_handler = {.on_message = on_probe_message,
                                                .on_close = on_probe_close};

void eio_websocket_upgrade(struct eio_session *s, struct http_exchange *x)
{
    struct eio_polling *p = s->polling;
    bool is_b64 = eio_query_flag(x, BX_STR("b64"));
    bool is_possible =
        p && !p->probe && s->server->opts.allow_upgrades && s->state == EIO_STATE_OPEN;
    struct ws_conn *ws = accept_connection(s->server, x, &probe_handler, s);
    if (!is_possible) {
        eio_websocket_detach(s->server, ws);
        return;
    }
    p->is_probe_b64 = is_b64;
    p->probe = ws;
    p->upgrade_timer.fn = on_upgrade_timeout;
    p->noop_timer.fn = on_noop_due;
    net_timer_start(s->server->loop, &p->upgrade_timer, s->server->opts.upgrade_timeout_ms);
}
