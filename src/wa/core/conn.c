#include "wa/core/conn.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "wa/noise/cert.h"
#include "wa/wire/codec.h"

#include <stdlib.h>

enum {
    HANDSHAKE_TIMEOUT_MS = 20000,
    MAX_STANZA_BYTES = 48 << 20, /* tree of an inflated stanza */
    MAX_WS_MESSAGE = 17 << 20
};

struct bx_arena *wa_arena_new(size_t max_bytes)
{
    struct bx_arena *a = BX_NEW(struct bx_arena);
    bx_arena_init(a, max_bytes);
    return a;
}

void wa_arena_free(struct bx_arena *a)
{
    if (!a)
        return;
    bx_arena_done(a);
    free(a);
}

static void drop_handshake(struct wa_conn *c)
{
    if (!c->handshake)
        return;
    wa_handshake_wipe(c->handshake);
    free(c->handshake);
    c->handshake = NULL;
}

static void forget(struct wa_conn *c)
{
    c->ws = NULL;
    c->is_ready = false;
    c->generation++;
    net_timer_stop(&c->timer);
    drop_handshake(c);
    wa_frame_reader_done(&c->reader);
    wa_frame_reader_init(&c->reader, false, 0);
    cr_wipe(&c->transport, sizeof c->transport);
}

/* A connection that we gave up may still have bytes under way. */
static void ignore_message(struct ws_conn *ws, bool is_binary, uint8_t *data, size_t len, void *arg)
{
    (void)ws, (void)is_binary, (void)data, (void)len, (void)arg;
}
static void ignore_close(struct ws_conn *ws, uint16_t code, struct bx_str reason, void *arg)
{
    (void)ws, (void)code, (void)reason, (void)arg;
}
static const struct ws_handler ws_ignored = {.on_message = ignore_message,
                                             .on_close = ignore_close};

static void fail(struct wa_conn *c, int rc)
{
    struct ws_conn *ws = c->ws;
    forget(c);
    if (ws) {
        ws_set_handler(ws, &ws_ignored, NULL);
        ws_abort(ws);
    }
    c->handler.on_end(c, rc, c->handler.arg);
}

static int send_buf(struct wa_conn *c, struct bx_buf *b)
{
    ws_send(c->ws, true, b->data, b->len, false);
    bx_buf_done(b);
    return BX_OK;
}

/* --- handshake --- */

static int start_handshake(struct wa_conn *c)
{
    uint8_t intro[WA_INTRO_SIZE];
    struct cr_keypair ephemeral;
    struct bx_buf hello, out;
    wa_intro(WA_DICT_3, intro);
    cr_keypair_generate(&ephemeral);
    c->handshake = BX_NEW(struct wa_handshake);
    wa_handshake_init(c->handshake, true, intro, c->opts.noise, &ephemeral);
    cr_wipe(&ephemeral, sizeof ephemeral);
    bx_buf_init(&hello, 0);
    bx_buf_init(&out, 0);
    int rc = wa_intro_append(WA_DICT_3, c->opts.routing, &out);
    if (rc >= 0)
        rc = wa_handshake_client_hello(c->handshake, &hello);
    if (rc >= 0)
        rc = wa_frame_append(bx_buf_view(&hello), &out);
    if (rc >= 0)
        send_buf(c, &out);
    bx_buf_done(&out);
    bx_buf_done(&hello);
    return rc;
}

/* Whatever is wrong with the chain: it is not the server. */
static int check_server(const struct wa_conn *c, struct bx_str chain)
{
    const uint8_t *peer = c->handshake->peer_static;
    int64_t now_s = bx_wall_ms() / 1000;
    int rc = c->opts.is_cert_unchecked ? BX_OK : BX_E_AUTH;
    if (rc < 0 && c->opts.root_count == 0)
        rc = wa_cert_verify(chain, peer, WA_CERT_ROOT, now_s, WA_CERT_SLACK_S);
    for (size_t i = 0; i < c->opts.root_count && rc < 0; i++)
        rc = wa_cert_verify(chain, peer, c->opts.roots[i], now_s, WA_CERT_SLACK_S);
    return rc < 0 ? BX_E_AUTH : BX_OK;
}

static int finish_handshake(struct wa_conn *c, struct bx_str message)
{
    struct bx_arena arena;
    struct bx_str chain;
    struct bx_buf payload, finish, out;
    bx_arena_init(&arena, 1 << 16);
    bx_buf_init(&payload, 0);
    bx_buf_init(&finish, 0);
    bx_buf_init(&out, 0);
    int rc = wa_handshake_read_server_hello(c->handshake, message, &arena, &chain);
    if (rc >= 0)
        rc = check_server(c, chain);
    if (rc >= 0)
        rc = c->handler.payload(c, &payload, c->handler.arg);
    if (rc >= 0)
        rc =
            wa_handshake_client_finish(c->handshake, bx_buf_view(&payload), &finish, &c->transport);
    if (rc >= 0)
        rc = wa_frame_append(bx_buf_view(&finish), &out);
    if (rc >= 0) {
        send_buf(c, &out);
        drop_handshake(c);
        net_timer_stop(&c->timer);
        c->is_ready = true;
    }
    bx_buf_done(&out);
    bx_buf_done(&finish);
    bx_buf_done(&payload);
    bx_arena_done(&arena);
    return rc;
}

/* --- frames --- */

static void log_node(const char *direction, const struct wa_node *node)
{
    struct bx_buf text;
    if (!bx_log_is_on(BX_LOG_DEBUG))
        return;
    bx_buf_init(&text, 16 << 10);
    wa_node_print(node, &text);
    bx_log(BX_LOG_DEBUG, "wa", direction, "node=" BX_STR_FMT, BX_STR_ARG(bx_buf_view(&text)));
    bx_buf_done(&text);
}

static int read_stanza(struct wa_conn *c, struct bx_str sealed)
{
    struct bx_str plain;
    struct wa_node *node;
    int rc = wa_transport_open(&c->transport, (uint8_t *)(uintptr_t)sealed.ptr, sealed.len, &plain);
    if (rc < 0)
        return rc;
    struct bx_arena *arena = wa_arena_new(MAX_STANZA_BYTES);
    rc = wa_decode(WA_DICT_3, plain, arena, &node);
    if (rc >= 0) {
        log_node("received", node);
        c->handler.on_node(c, node, &arena, c->handler.arg);
    }
    wa_arena_free(arena);
    return rc;
}

static void on_message(struct ws_conn *ws, bool is_binary, uint8_t *data, size_t len, void *arg)
{
    struct wa_conn *c = arg;
    uint64_t generation = c->generation;
    struct bx_str frame;
    (void)ws;
    c->last_rx_ms = net_loop_now_ms(c->loop);
    if (!is_binary)
        return;
    int rc = wa_frame_feed(&c->reader, bx_str_n(data, len));
    while (rc >= 0 && (rc = wa_frame_next(&c->reader, &frame)) > 0) {
        rc = c->is_ready ? read_stanza(c, frame) : finish_handshake(c, frame);
        if (c->generation != generation)
            return; /* a callback closed us */
    }
    if (rc < 0)
        fail(c, rc);
}

static void on_close(struct ws_conn *ws, uint16_t code, struct bx_str reason, void *arg)
{
    struct wa_conn *c = arg;
    (void)code;
    (void)reason;
    if (c->ws != ws)
        return;
    forget(c);
    c->handler.on_end(c, BX_E_CLOSED, c->handler.arg);
}

static const struct ws_handler ws_callbacks = {.on_message = on_message, .on_close = on_close};

static void on_open(struct ws_conn *ws, int rc, void *arg)
{
    struct wa_conn *c = arg;
    (void)ws;
    if (rc < 0) {
        forget(c);
        c->handler.on_end(c, rc, c->handler.arg);
        return;
    }
    c->last_rx_ms = net_loop_now_ms(c->loop);
    rc = start_handshake(c);
    if (rc < 0)
        fail(c, rc);
}

static void on_timeout(void *arg)
{
    fail(arg, BX_E_TIMEOUT);
}

void wa_conn_init(struct wa_conn *c, struct net_loop *loop, const struct wa_conn_handler *handler)
{
    *c = (struct wa_conn){.loop = loop, .handler = *handler};
    wa_frame_reader_init(&c->reader, false, 0);
    net_timer_init(&c->timer, on_timeout, c);
}

void wa_conn_done(struct wa_conn *c)
{
    wa_conn_close(c);
    wa_frame_reader_done(&c->reader);
}

int wa_conn_open(struct wa_conn *c, const struct wa_conn_opts *opts)
{
    struct ws_connect_opts to = {
        .url = opts->url,
        .extra_headers = "Origin: https://web.whatsapp.com\r\n",
        .tls = opts->tls,
        .timeout_ms = HANDSHAKE_TIMEOUT_MS,
        .ws = {.max_message_bytes = MAX_WS_MESSAGE, .close_timeout_ms = 1000},
    };
    wa_conn_close(c);
    c->opts = *opts;
    int rc = ws_connect(c->loop, &to, &ws_callbacks, on_open, c, &c->ws);
    if (rc < 0) {
        c->ws = NULL;
        return rc;
    }
    net_timer_start(c->loop, &c->timer, HANDSHAKE_TIMEOUT_MS);
    return BX_OK;
}

void wa_conn_close(struct wa_conn *c)
{
    struct ws_conn *ws = c->ws;
    bool was_ready = c->is_ready;
    forget(c);
    if (!ws)
        return;
    ws_set_handler(ws, &ws_ignored, NULL);
    if (was_ready)
        ws_close(ws, WS_CLOSE_NORMAL, BX_STR(""));
    else
        ws_abort(ws);
}

int wa_conn_send(struct wa_conn *c, const struct wa_node *node)
{
    struct bx_buf plain, frame;
    if (!c->is_ready)
        return BX_E_CLOSED;
    log_node("sent", node);
    bx_buf_init(&plain, 0);
    bx_buf_init(&frame, 0);
    int rc = wa_encode(WA_DICT_3, node, &plain);
    if (rc >= 0)
        rc = wa_transport_seal(&c->transport, bx_buf_view(&plain), &frame);
    if (rc >= 0)
        send_buf(c, &frame);
    bx_buf_done(&plain);
    bx_buf_done(&frame);
    return rc;
}
