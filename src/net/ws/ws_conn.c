/* Joins ws_proto to net_tcp: the protocol engine sees bytes, the socket sees frames, and only this
 * file knows both. Optional parts (close timer, bytes behind the request head, the client's
 * handshake) are allocated when they are needed.
 */
#include "net/ws/ws_conn.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "net/ws/ws_internal.h"

#include <stdlib.h>

enum {
    DEFAULT_MAX_MESSAGE = 1 << 20,
    DEFAULT_THRESHOLD = 1024,
    DEFAULT_LEVEL = 3,
    DEFAULT_CLOSE_MS = 5000,
    CLOGGED_BYTES = 64 << 10, /* output that waits: no pongs on top of it */
};

/* The close handshake. */
struct ws_closing {
    struct net_timer timer;
    uint16_t code; /* for on_close */
    uint8_t reason_len;
    char reason[WS_CONTROL_MAX];
};

struct ws_rest {
    struct net_flush_hook hook;
    size_t len;
    uint8_t data[];
};

/* --- metrics --- */

static struct bx_metric metrics[WS_METRICS] = {
    [WS_M_CONNECTIONS] = {"ws_connections", "Open WebSocket connections.", BX_GAUGE, NULL, 0},
    [WS_M_FRAMES_IN] = {"ws_frames_received_total", "Frames received.", BX_COUNTER, NULL, 0},
    [WS_M_MESSAGES_IN] = {"ws_messages_received_total", "Messages received.", BX_COUNTER, NULL, 0},
    [WS_M_MESSAGES_OUT] = {"ws_messages_sent_total", "Messages sent.", BX_COUNTER, NULL, 0},
    [WS_M_BYTES_IN] = {"ws_payload_received_bytes_total", "Message bytes as received.", BX_COUNTER,
                       NULL, 0},
    [WS_M_BYTES_OUT] = {"ws_payload_sent_bytes_total", "Message bytes as sent.", BX_COUNTER, NULL,
                        0},
    [WS_M_PINGS_IN] = {"ws_pings_received_total", "Pings received.", BX_COUNTER, NULL, 0},
    [WS_M_PONGS_SKIPPED] = {"ws_pongs_skipped_total", "Pings of a flood that got no pong.",
                            BX_COUNTER, NULL, 0},
    [WS_M_BOMBS] = {"ws_compression_bombs_total", "Messages that inflated beyond the cap.",
                    BX_COUNTER, NULL, 0},
    [WS_M_CLOSE_TIMEOUTS] = {"ws_close_timeouts_total", "Close frames the peer did not answer.",
                             BX_COUNTER, NULL, 0},
    [WS_M_CONNECT_FAILURES] = {"ws_connect_failures_total", "Outgoing connections that failed.",
                               BX_COUNTER, NULL, 0},
    [WS_M_ERRORS_1002] = {"ws_peer_errors_total", "Connections closed for the peer's fault.",
                          BX_COUNTER, "code=\"1002\"", 0},
    [WS_M_ERRORS_1007] = {"ws_peer_errors_total", "", BX_COUNTER, "code=\"1007\"", 0},
    [WS_M_ERRORS_1009] = {"ws_peer_errors_total", "", BX_COUNTER, "code=\"1009\"", 0},
    [WS_M_ERRORS_1011] = {"ws_peer_errors_total", "", BX_COUNTER, "code=\"1011\"", 0},
};

void ws_metrics_register(struct bx_metrics *set)
{
    bx_metrics_register(set, metrics, BX_LEN(metrics));
}

void ws_metric_add(enum ws_metric row, int64_t n)
{
    bx_metric_add(&metrics[row], n);
}

static void count_in(const struct ws_proto_counts *n)
{
    ws_metric_add(WS_M_FRAMES_IN, n->frames);
    if (n->messages) {
        ws_metric_add(WS_M_MESSAGES_IN, n->messages);
        ws_metric_add(WS_M_BYTES_IN, (int64_t)n->bytes);
    }
    if (n->pings)
        ws_metric_add(WS_M_PINGS_IN, n->pings);
    if (n->pongs_skipped)
        ws_metric_add(WS_M_PONGS_SKIPPED, n->pongs_skipped);
    if (n->is_bomb)
        ws_metric_add(WS_M_BOMBS, 1);
}

static void count_out(size_t len)
{
    ws_metric_add(WS_M_MESSAGES_OUT, 1);
    ws_metric_add(WS_M_BYTES_OUT, (int64_t)len);
}

static void count_failure(uint16_t code)
{
    ws_metric_add(code == WS_CLOSE_INVALID_UTF8 ? WS_M_ERRORS_1007
                  : code == WS_CLOSE_TOO_BIG    ? WS_M_ERRORS_1009
                  : code == WS_CLOSE_INTERNAL   ? WS_M_ERRORS_1011
                                                : WS_M_ERRORS_1002,
                  1);
}

/* --- life --- */

struct ws_conn *ws_conn_new(const struct ws_opts *opts, const struct ws_handler *handler, void *arg)
{
    struct ws_conn *ws = BX_NEW(struct ws_conn);
    ws->magic = WS_CONN_MAGIC;
    ws->handler = handler;
    ws->arg = arg;
    ws->close_timeout_ms = opts->close_timeout_ms ? opts->close_timeout_ms : DEFAULT_CLOSE_MS;
    size_t threshold = opts->deflate_threshold ? opts->deflate_threshold : DEFAULT_THRESHOLD;
    ws->deflate_threshold = threshold < UINT32_MAX ? (uint32_t)threshold : UINT32_MAX;
    ws->proto.state = WS_PROTO_CLOSED;
    return ws;
}

static void conn_free(void *ptr)
{
    struct ws_conn *ws = ptr;
    ws_proto_done(&ws->proto);
    if (ws->closing)
        net_timer_stop(&ws->closing->timer);
    free(ws->closing);
    if (ws->rest)
        net_flush_hook_disarm(&ws->rest->hook);
    free(ws->rest);
    ws->magic = 0;
    free(ws);
}

void ws_conn_free_later(struct ws_conn *ws, struct net_loop *loop)
{
    net_loop_call_later(loop, conn_free, ws);
}

struct ws_deflate_config ws_deflate_config_of(const struct ws_opts *opts)
{
    return (struct ws_deflate_config){.is_server_takeover = opts->is_server_takeover,
                                      .is_client_takeover = opts->is_client_takeover,
                                      .window_bits = opts->deflate_window_bits};
}

static struct ws_closing *closing_get(struct ws_conn *ws);

/* --- the engine's events --- */

static struct ws_conn *conn_of(struct ws_proto *p)
{
    return BX_CONTAINER_OF(p, struct ws_conn, proto);
}

static void on_message(struct ws_proto *p, bool is_binary, uint8_t *data, size_t len)
{
    struct ws_conn *ws = conn_of(p);
    ws->handler->on_message(ws, is_binary, data, len, ws->arg);
}

/* The server ends the TCP connection first (RFC 6455 section 7.1.1); the client waits for that. */
static void on_closed(struct ws_proto *p, uint16_t code, struct bx_str reason)
{
    struct ws_conn *ws = conn_of(p);
    struct ws_closing *closing = closing_get(ws);
    closing->code = code;
    closing->reason_len = (uint8_t)reason.len;
    if (reason.len)
        memcpy(closing->reason, reason.ptr, reason.len);
    if (!p->is_client)
        net_tcp_close(ws->tcp);
}

static void on_failed(struct ws_proto *p, uint16_t code)
{
    struct ws_conn *ws = conn_of(p);
    count_failure(code);
    closing_get(ws)->code = code;
    net_tcp_close(ws->tcp);
}

static void on_write(struct ws_proto *p, const uint8_t *frame, size_t len)
{
    net_tcp_write(conn_of(p)->tcp, frame, len);
}

/* Masks come from the kernel's generator, 64 at a time; each is used once. */
static void on_mask(struct ws_proto *p, uint8_t out[4])
{
    static _Thread_local struct {
        uint8_t bytes[256];
        size_t used;
        bool is_filled;
    } pool;
    (void)p;
    if (!pool.is_filled || pool.used == sizeof pool.bytes) {
        bx_random(pool.bytes, sizeof pool.bytes);
        pool.used = 0;
        pool.is_filled = true;
    }
    memcpy(out, pool.bytes + pool.used, 4);
    pool.used += 4;
}

static bool is_clogged(struct ws_proto *p)
{
    return net_tcp_queued(conn_of(p)->tcp) > CLOGGED_BYTES;
}

static const struct ws_proto_events proto_events = {.on_message = on_message,
                                                    .on_closed = on_closed,
                                                    .on_failed = on_failed,
                                                    .write = on_write,
                                                    .mask = on_mask,
                                                    .is_clogged = is_clogged};

void ws_conn_open(struct ws_conn *ws, const struct ws_opts *opts, bool is_client,
                  const struct ws_deflate_params *params)
{
    int level = opts->deflate_level ? opts->deflate_level : DEFAULT_LEVEL;
    size_t max = opts->max_message_bytes ? opts->max_message_bytes : DEFAULT_MAX_MESSAGE;
    ws_proto_init(&ws->proto, &proto_events, is_client, max,
                  params ? ws_deflate_new(params, is_client, level) : NULL);
    ws->is_open = true;
    ws_metric_add(WS_M_CONNECTIONS, 1);
}

/* --- closing --- */

static void on_close_timeout(void *arg)
{
    struct ws_conn *ws = arg;
    ws_metric_add(WS_M_CLOSE_TIMEOUTS, 1);
    net_tcp_abort(ws->tcp, BX_E_TIMEOUT);
}

/* Starts the clock of the close handshake with the first close frame. */
static struct ws_closing *closing_get(struct ws_conn *ws)
{
    if (!ws->closing) {
        ws->closing = BX_NEW(struct ws_closing);
        ws->closing->code = WS_CLOSE_ABNORMAL;
        net_timer_init(&ws->closing->timer, on_close_timeout, ws);
        net_timer_start(net_tcp_loop(ws->tcp), &ws->closing->timer, ws->close_timeout_ms);
    }
    return ws->closing;
}

void ws_close(struct ws_conn *ws, uint16_t code, struct bx_str reason)
{
    if (ws->client) {
        ws_client_cancel(ws);
    } else if (ws->proto.state == WS_PROTO_OPEN) {
        closing_get(ws);
        ws_proto_close(&ws->proto, code, reason);
    }
}

void ws_abort(struct ws_conn *ws)
{
    if (ws->client) {
        ws_client_cancel(ws);
        return;
    }
    if (!ws->is_open)
        return;
    ws->proto.state = WS_PROTO_CLOSED;
    closing_get(ws)->code = WS_CLOSE_ABNORMAL;
    net_tcp_abort(ws->tcp, BX_E_CLOSED);
}

/* --- the socket's events --- */

void ws_conn_feed(struct ws_conn *ws, uint8_t *data, size_t len)
{
    struct ws_proto_counts counts = {0};
    ws_proto_feed(&ws->proto, data, len, &counts);
    count_in(&counts);
}

static void rest_deliver(void *arg)
{
    struct ws_conn *ws = arg;
    struct ws_rest *rest = ws->rest;
    ws->rest = NULL;
    net_flush_hook_disarm(&rest->hook);
    ws_conn_feed(ws, rest->data, rest->len);
    net_loop_free_later(net_tcp_loop(ws->tcp), rest); /* we may stand inside its hook */
}

void ws_conn_feed_later(struct ws_conn *ws, struct bx_str data)
{
    if (data.len == 0)
        return;
    ws->rest = bx_realloc(NULL, 1, sizeof *ws->rest + data.len);
    ws->rest->len = data.len;
    memcpy(ws->rest->data, data.ptr, data.len);
    net_flush_hook_init(&ws->rest->hook, rest_deliver, ws);
    net_flush_hook_arm(net_tcp_loop(ws->tcp), &ws->rest->hook);
}

static void on_tcp_data(struct net_tcp *c, uint8_t *data, size_t len, void *arg)
{
    struct ws_conn *ws = arg;
    (void)c;
    BX_ASSERT(ws->magic == WS_CONN_MAGIC);
    if (ws->rest)
        rest_deliver(ws);
    ws_conn_feed(ws, data, len);
}

static void on_tcp_drain(struct net_tcp *c, void *arg)
{
    struct ws_conn *ws = arg;
    (void)c;
    if (ws->handler->on_drain)
        ws->handler->on_drain(ws, ws->arg);
}

/* Without a close frame this is 1006; behind one it is the regular end. */
static void on_tcp_eof(struct net_tcp *c, void *arg)
{
    struct ws_conn *ws = arg;
    if (ws->rest)
        rest_deliver(ws);
    ws->proto.state = WS_PROTO_CLOSED;
    net_tcp_close(c);
}

static void on_tcp_closed(struct net_tcp *c, int rc, void *arg)
{
    struct ws_conn *ws = arg;
    struct ws_closing *closing = ws->closing;
    (void)rc;
    if (closing)
        net_timer_stop(&closing->timer);
    ws->proto.state = WS_PROTO_CLOSED;
    ws->is_open = false;
    ws_metric_add(WS_M_CONNECTIONS, -1);
    ws->handler->on_close(ws, closing ? closing->code : WS_CLOSE_ABNORMAL,
                          closing ? bx_str_n(closing->reason, closing->reason_len) : BX_STR(""),
                          ws->arg);
    ws_conn_free_later(ws, net_tcp_loop(c));
}

const struct net_tcp_handler ws_tcp_handler = {.on_data = on_tcp_data,
                                               .on_drain = on_tcp_drain,
                                               .on_eof = on_tcp_eof,
                                               .on_closed = on_tcp_closed};

/* --- server --- */

struct ws_conn *ws_accept(struct http_exchange *x, const struct ws_opts *opts,
                          struct bx_str extra_headers, bool is_echo_protocol,
                          const struct ws_handler *handler, void *arg)
{
    struct ws_deflate_config config = ws_deflate_config_of(opts);
    struct ws_deflate_params params;
    bool is_deflate;
    struct bx_buf head;
    struct bx_str rest;
    bx_buf_init(&head, 0);
    ws_answer_write(http_exchange_request(x), extra_headers, is_echo_protocol,
                    opts->is_deflate ? &config : NULL, &head, &params, &is_deflate);
    struct ws_conn *ws = ws_conn_new(opts, handler, arg);
    ws->tcp = http_exchange_upgrade(x, &rest);
    net_tcp_set_handler(ws->tcp, &ws_tcp_handler, ws);
    net_tcp_write(ws->tcp, head.data, head.len);
    bx_buf_done(&head);
    ws_conn_open(ws, opts, false, is_deflate ? &params : NULL);
    ws_conn_feed_later(ws, rest);
    return ws;
}

/* --- sending --- */

void ws_set_handler(struct ws_conn *ws, const struct ws_handler *handler, void *arg)
{
    ws->handler = handler;
    ws->arg = arg;
}

void *ws_arg(const struct ws_conn *ws)
{
    return ws->arg;
}

struct net_tcp *ws_tcp(const struct ws_conn *ws)
{
    return ws->is_open ? ws->tcp : NULL;
}

bool ws_is_deflating(const struct ws_conn *ws)
{
    return ws->proto.deflate && ws_deflate_can_compress(ws->proto.deflate);
}

/* Writes payload bytes behind a header, masked for the client role: in pieces of the slab. */
static void write_masked(struct net_tcp *tcp, struct bx_str part, const uint8_t mask[4],
                         size_t offset)
{
    while (part.len) {
        size_t n = part.len < NET_TCP_RESERVE_MAX ? part.len : NET_TCP_RESERVE_MAX;
        ws_mask_copy(net_tcp_reserve(tcp, n), part.ptr, n, mask, offset);
        net_tcp_commit(tcp, n);
        part = bx_str_slice(part, n, part.len);
        offset += n;
    }
}

/* Small frames are built in one piece. */
static void write_small(struct net_tcp *tcp, const uint8_t *head, size_t head_len, struct bx_str a,
                        struct bx_str b)
{
    uint8_t *at = net_tcp_reserve(tcp, head_len + a.len + b.len);
    memcpy(at, head, head_len);
    if (a.len)
        memcpy(at + head_len, a.ptr, a.len);
    if (b.len)
        memcpy(at + head_len + a.len, b.ptr, b.len);
    net_tcp_commit(tcp, head_len + a.len + b.len);
}

static void frame_write(struct ws_conn *ws, bool is_binary, bool is_compressed, struct bx_str a,
                        struct bx_str b)
{
    uint8_t head[WS_HEAD_MAX], mask[4];
    bool is_client = ws->proto.is_client;
    size_t len = a.len + b.len;
    if (is_client)
        on_mask(&ws->proto, mask);
    size_t head_len = ws_head_encode(head, is_compressed, true, is_binary ? WS_BINARY : WS_TEXT,
                                     len, is_client ? mask : NULL);
    if (!is_client && len <= NET_TCP_RESERVE_MAX - WS_HEAD_MAX) {
        write_small(ws->tcp, head, head_len, a, b);
    } else {
        net_tcp_write(ws->tcp, head, head_len);
        if (is_client) {
            write_masked(ws->tcp, a, mask, 0);
            write_masked(ws->tcp, b, mask, a.len);
        } else {
            net_tcp_write(ws->tcp, a.ptr, a.len);
            net_tcp_write(ws->tcp, b.ptr, b.len);
        }
    }
    count_out(len);
}

void ws_send2(struct ws_conn *ws, bool is_binary, struct bx_str head, struct bx_str body,
              bool is_compress)
{
    struct bx_str packed;
    if (ws->proto.state != WS_PROTO_OPEN)
        return;
    if (is_compress && ws->proto.deflate && head.len + body.len >= ws->deflate_threshold &&
        ws_deflate_compress(ws->proto.deflate, head, body, &packed) == BX_OK)
        frame_write(ws, is_binary, true, packed, BX_STR(""));
    else
        frame_write(ws, is_binary, false, head, body);
}

void ws_send(struct ws_conn *ws, bool is_binary, const void *ptr, size_t len, bool is_compress)
{
    ws_send2(ws, is_binary, bx_str_n(ptr, len), BX_STR(""), is_compress);
}

uint8_t *ws_send_reserve(struct ws_conn *ws, size_t max_len)
{
    BX_ASSERT(max_len <= WS_SEND_RESERVE_MAX);
    ws->reserved_head = (uint8_t)ws_head_size(max_len, ws->proto.is_client);
    ws->reserved = net_tcp_reserve(ws->tcp, ws->reserved_head + max_len) + ws->reserved_head;
    return ws->reserved;
}

void ws_send_commit(struct ws_conn *ws, bool is_binary, size_t len)
{
    uint8_t *payload = ws->reserved, *frame = payload - ws->reserved_head, mask[4];
    bool is_client = ws->proto.is_client;
    ws->reserved = NULL;
    if (ws->proto.state != WS_PROTO_OPEN)
        return;
    size_t head_len = ws_head_size(len, is_client);
    if (head_len < ws->reserved_head) /* at most 125 bytes move */
        memmove(frame + head_len, payload, len);
    if (is_client) {
        on_mask(&ws->proto, mask);
        ws_mask(frame + head_len, len, mask, 0);
    }
    ws_head_encode(frame, false, true, is_binary ? WS_BINARY : WS_TEXT, len,
                   is_client ? mask : NULL);
    net_tcp_commit(ws->tcp, head_len + len);
    count_out(len);
}

struct bx_shared *ws_frame_shared(bool is_binary, struct bx_str head, struct bx_str body)
{
    uint8_t frame_head[WS_HEAD_MAX];
    size_t len = head.len + body.len;
    size_t head_len =
        ws_head_encode(frame_head, false, true, is_binary ? WS_BINARY : WS_TEXT, len, NULL);
    struct bx_shared *frame = bx_shared_new(head_len + len);
    memcpy(frame->data, frame_head, head_len);
    if (head.len)
        memcpy(frame->data + head_len, head.ptr, head.len);
    if (body.len)
        memcpy(frame->data + head_len + head.len, body.ptr, body.len);
    return frame;
}

void ws_send_frame(struct ws_conn *ws, struct bx_shared *frame)
{
    BX_ASSERT(!ws->proto.is_client);
    if (ws->proto.state != WS_PROTO_OPEN)
        return;
    net_tcp_write_shared(ws->tcp, frame, 0, frame->len);
    count_out(frame->len);
}

void ws_ping(struct ws_conn *ws, struct bx_str payload)
{
    ws_proto_control(&ws->proto, WS_PING, payload);
}
