/* Any bytes, for both roles with and without compression: the engine gives the same messages and
 * the same answers whether the bytes come at once or in pieces, delivers only valid text, ends at
 * most once, and never passes its cap. For masked input without compression wslay is asked as
 * well: what it accepts we accept, message by message. */
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "net/ws/ws_conn.h"
#include "net/ws/ws_proto.h"

#include <stdlib.h>
#include <wslay/wslay.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CAP = 2048 };

struct run {
    struct ws_proto proto;
    struct bx_buf log; /* messages: type, length, bytes */
    struct bx_buf out;
    unsigned ends;
    uint16_t code;
};

static struct run *run_of(struct ws_proto *p)
{
    return BX_CONTAINER_OF(p, struct run, proto);
}

static void log_message(struct bx_buf *log, bool is_binary, const uint8_t *data, size_t len)
{
    bx_buf_printf(log, "%c%zu:", is_binary ? 'B' : 'T', len);
    bx_buf_append(log, data, len);
}

static void on_message(struct ws_proto *p, bool is_binary, uint8_t *data, size_t len)
{
    BX_ASSERT(len <= CAP && p->state == WS_PROTO_OPEN);
    BX_ASSERT(is_binary || bx_utf8_is_valid(bx_str_n(data, len)));
    log_message(&run_of(p)->log, is_binary, data, len);
}

static void on_closed(struct ws_proto *p, uint16_t code, struct bx_str reason)
{
    BX_ASSERT(run_of(p)->ends++ == 0 && reason.len <= 123 && bx_utf8_is_valid(reason));
    run_of(p)->code = code;
}

static void on_failed(struct ws_proto *p, uint16_t code)
{
    BX_ASSERT(run_of(p)->ends++ == 0);
    run_of(p)->code = code;
}

static void on_write(struct ws_proto *p, const uint8_t *frame, size_t len)
{
    BX_ASSERT(len <= WS_CONTROL_FRAME_MAX);
    bx_buf_append(&run_of(p)->out, frame, len);
}

static void on_mask(struct ws_proto *p, uint8_t out[4])
{
    (void)p;
    memcpy(out, "mask", 4);
}

static bool is_clogged(struct ws_proto *p)
{
    return run_of(p)->out.len > 64 << 10;
}

static const struct ws_proto_events events = {on_message, on_closed, on_failed,
                                              on_write,   on_mask,   is_clogged};

static void run(struct run *r, const uint8_t *data, size_t size, size_t step, bool is_client,
                bool is_deflate)
{
    static const struct ws_deflate_params params = {true, true, 15, 15};
    struct ws_proto_counts counts = {0};
    *r = (struct run){0};
    bx_buf_init(&r->log, 0);
    bx_buf_init(&r->out, 0);
    ws_proto_init(&r->proto, &events, is_client, CAP,
                  is_deflate ? ws_deflate_new(&params, is_client, 1) : NULL);
    for (size_t at = 0; at < size; at += step) {
        size_t n = size - at < step ? size - at : step;
        uint8_t *piece = bx_realloc(NULL, n, 1);
        memcpy(piece, data + at, n);
        ws_proto_feed(&r->proto, piece, n, &counts);
        free(piece);
    }
    BX_ASSERT(r->ends == (r->proto.state == WS_PROTO_CLOSED));
}

static void run_done(struct run *r)
{
    ws_proto_done(&r->proto);
    bx_buf_done(&r->log);
    bx_buf_done(&r->out);
}

/* --- the oracle --- */

struct oracle {
    const uint8_t *at;
    size_t left;
    struct bx_buf log;
};

static ssize_t oracle_recv(wslay_event_context_ptr ctx, uint8_t *buf, size_t len, int flags,
                           void *arg)
{
    struct oracle *o = arg;
    (void)flags;
    size_t n = o->left < len ? o->left : len;
    if (n == 0) {
        wslay_event_set_error(ctx, WSLAY_ERR_WOULDBLOCK);
        return -1;
    }
    memcpy(buf, o->at, n);
    o->at += n;
    o->left -= n;
    return (ssize_t)n;
}

static void oracle_message(wslay_event_context_ptr ctx, const struct wslay_event_on_msg_recv_arg *m,
                           void *arg)
{
    struct oracle *o = arg;
    (void)ctx;
    if (!wslay_is_ctrl_frame(m->opcode))
        log_message(&o->log, m->opcode == WSLAY_BINARY_FRAME, m->msg, m->msg_length);
}

static void compare_with_oracle(const struct run *r, const uint8_t *data, size_t size)
{
    static const struct wslay_event_callbacks callbacks = {.recv_callback = oracle_recv,
                                                           .on_msg_recv_callback = oracle_message};
    struct oracle o = {.at = data, .left = size};
    wslay_event_context_ptr ctx;
    bx_buf_init(&o.log, 0);
    BX_ASSERT(wslay_event_context_server_init(&ctx, &callbacks, &o) == 0);
    wslay_event_config_set_max_recv_msg_length(ctx, CAP);
    wslay_event_recv(ctx);
    uint16_t code = wslay_event_get_status_code_received(ctx);
    bool is_over = !wslay_event_get_read_enabled(ctx);
    /* wslay judges a close code before its frame is complete, so an open frame decides nothing;
     * codes 1012 to 1014 were registered after its table. */
    bool is_newer_code = r->code >= 1012 && r->code <= 1014;
    BX_ASSERT(bx_str_eq(bx_buf_view(&o.log), bx_buf_view(&r->log)));
    BX_ASSERT(!is_over || r->ends || r->proto.partial); /* we also end at a bad first byte alone */
    /* a close body of one byte, which 5.5.1 forbids, is no code to wslay */
    bool is_half_code = code == WSLAY_CODE_NO_STATUS_RCVD && r->code == WS_CLOSE_PROTOCOL;
    BX_ASSERT(code == WSLAY_CODE_ABNORMAL_CLOSURE || code == r->code || is_newer_code ||
              is_half_code);
    wslay_event_context_free(ctx);
    bx_buf_done(&o.log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    bool is_client = data[0] & 1, is_deflate = data[0] & 2;
    size_t step = 1 + data[0] / 4 % 40;
    struct run whole, pieces;
    run(&whole, data + 1, size - 1, SIZE_MAX / 2, is_client, is_deflate);
    run(&pieces, data + 1, size - 1, step, is_client, is_deflate);
    /* Two faults in one frame are seen in the order of arrival, so only the end itself must agree.
     */
    BX_ASSERT(whole.ends == pieces.ends || pieces.ends);
    BX_ASSERT(bx_str_eq(bx_buf_view(&whole.log), bx_buf_view(&pieces.log)));
    if (!is_client && !is_deflate)
        compare_with_oracle(&whole, data + 1, size - 1);
    run_done(&whole);
    run_done(&pieces);
    return 0;
}
