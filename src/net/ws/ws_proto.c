#include "net/ws/ws_proto.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "net/ws/ws_conn.h"

#include <stdlib.h>

enum {
    PONGS_PER_FEED = 16, /* beyond that only the latest ping of a feed is answered (5.5.3) */
    FIRST_RESERVE = 64 << 10,
    PACKED_SLACK = 1024, /* deflate may make an incompressible message a little longer */
};

/* A message or frame that is not complete yet. */
struct ws_partial {
    struct bx_buf message;
    struct ws_head frame; /* the frame whose payload is being read */
    uint64_t remaining;   /* of its payload */
    struct bx_utf8 utf8;
    uint8_t head[WS_HEAD_MAX], head_len; /* of the next frame, while incomplete */
    uint8_t opcode;                      /* of the message: WS_CONTINUATION while there is none */
    bool is_compressed, is_in_frame;
    uint8_t control_len, control[WS_CONTROL_MAX];
};

/* One call of ws_proto_feed. */
struct feed {
    struct ws_proto_counts *counts;
    unsigned pongs;
    bool is_pong_due;
    uint8_t ping_len, ping[WS_CONTROL_MAX];
};

void ws_proto_init(struct ws_proto *p, const struct ws_proto_events *events, bool is_client,
                   size_t max_message_bytes, struct ws_deflate *deflate)
{
    BX_ASSERT(max_message_bytes < 1u << 30);
    *p = (struct ws_proto){.events = events,
                           .deflate = deflate,
                           .max_message_bytes = (uint32_t)max_message_bytes,
                           .is_client = is_client};
}

static void partial_drop(struct ws_proto *p)
{
    if (p->partial)
        bx_buf_done(&p->partial->message);
    free(p->partial);
    p->partial = NULL;
}

void ws_proto_done(struct ws_proto *p)
{
    partial_drop(p);
    ws_deflate_free(p->deflate);
    p->deflate = NULL;
    p->state = WS_PROTO_CLOSED;
}

static struct ws_partial *partial_get(struct ws_proto *p)
{
    if (!p->partial) {
        p->partial = BX_NEW(struct ws_partial);
        size_t slack = p->deflate ? PACKED_SLACK + p->max_message_bytes / 256 : 0;
        bx_buf_init(&p->partial->message, p->max_message_bytes + slack + 1);
    }
    return p->partial;
}

/* --- out --- */

static void control_write(struct ws_proto *p, uint8_t opcode, struct bx_str payload)
{
    uint8_t frame[WS_CONTROL_FRAME_MAX], mask[4];
    if (p->is_client)
        p->events->mask(p, mask);
    p->events->write(p, frame,
                     ws_control_encode(frame, opcode, payload, p->is_client ? mask : NULL));
}

void ws_proto_control(struct ws_proto *p, uint8_t opcode, struct bx_str payload)
{
    if (p->state == WS_PROTO_OPEN)
        control_write(p, opcode, payload);
}

static struct bx_str reason_cut(struct bx_str reason)
{
    enum { MAX = WS_CONTROL_MAX - 2 };
    if (reason.len <= MAX)
        return reason;
    size_t len = MAX;
    while (len && ((uint8_t)reason.ptr[len] & 0xc0) == 0x80)
        len--;
    return bx_str_slice(reason, 0, len);
}

static void close_write(struct ws_proto *p, uint16_t code, struct bx_str reason)
{
    char payload[WS_CONTROL_MAX] = {(char)(code >> 8), (char)code};
    reason = reason_cut(reason);
    if (reason.len)
        memcpy(payload + 2, reason.ptr, reason.len);
    control_write(p, WS_CLOSE, bx_str_n(payload, code == WS_CLOSE_NO_STATUS ? 0 : 2 + reason.len));
}

void ws_proto_close(struct ws_proto *p, uint16_t code, struct bx_str reason)
{
    if (p->state != WS_PROTO_OPEN)
        return;
    p->state = WS_PROTO_CLOSE_SENT;
    close_write(p, code, reason);
}

static void fail(struct ws_proto *p, uint16_t code)
{
    bool is_close_due = p->state == WS_PROTO_OPEN;
    p->state = WS_PROTO_CLOSED;
    if (is_close_due)
        close_write(p, code, bx_str(NULL));
    p->events->on_failed(p, code);
}

/* --- control frames --- */

static void on_close_frame(struct ws_proto *p, struct bx_str payload)
{
    unsigned code = WS_CLOSE_NO_STATUS;
    if (payload.len >= 2)
        code = (unsigned)(uint8_t)payload.ptr[0] << 8 | (uint8_t)payload.ptr[1];
    if (payload.len == 1 || (payload.len && !ws_close_code_is_valid(code))) {
        fail(p, WS_CLOSE_PROTOCOL);
        return;
    }
    struct bx_str reason = bx_str_slice(payload, 2, payload.len);
    if (!bx_utf8_is_valid(reason)) {
        fail(p, WS_CLOSE_INVALID_UTF8);
        return;
    }
    if (p->state == WS_PROTO_OPEN)
        close_write(p, (uint16_t)code, bx_str(NULL));
    p->state = WS_PROTO_CLOSED;
    p->events->on_closed(p, (uint16_t)code, reason);
}

static void on_ping(struct ws_proto *p, struct feed *f, struct bx_str payload)
{
    f->counts->pings++;
    if (p->state != WS_PROTO_OPEN)
        return;
    if (f->pongs < PONGS_PER_FEED) {
        f->pongs++;
        if (p->events->is_clogged(p))
            f->counts->pongs_skipped++;
        else
            control_write(p, WS_PONG, payload);
        return;
    }
    f->counts->pongs_skipped += f->is_pong_due;
    f->is_pong_due = true;
    f->ping_len = (uint8_t)payload.len;
    if (payload.len)
        memcpy(f->ping, payload.ptr, payload.len);
}

static void on_control(struct ws_proto *p, struct feed *f, uint8_t opcode, struct bx_str payload)
{
    f->counts->frames++;
    if (opcode == WS_CLOSE)
        on_close_frame(p, payload);
    else if (opcode == WS_PING)
        on_ping(p, f, payload);
}

/* --- messages --- */

static void deliver(struct ws_proto *p, struct feed *f, bool is_binary, uint8_t *data, size_t len)
{
    f->counts->messages++;
    p->events->on_message(p, is_binary, data, len);
}

static void deliver_packed(struct ws_proto *p, struct feed *f, bool is_binary, struct bx_str packed)
{
    struct bx_buf *out = ws_deflate_scratch(p->deflate);
    int rc = ws_deflate_inflate(p->deflate, packed, p->max_message_bytes, out);
    if (rc < 0) {
        f->counts->is_bomb = rc == BX_E_TOO_BIG;
        fail(p, rc == BX_E_INVALID   ? WS_CLOSE_INVALID_UTF8
                : rc == BX_E_TOO_BIG ? WS_CLOSE_TOO_BIG
                                     : WS_CLOSE_INTERNAL);
    } else if (!is_binary && !bx_utf8_is_valid(bx_buf_view(out))) {
        fail(p, WS_CLOSE_INVALID_UTF8);
    } else {
        deliver(p, f, is_binary, out->data, out->len);
    }
}

/* A whole message in one frame, already unmasked. */
static void on_whole(struct ws_proto *p, struct feed *f, const struct ws_head *h, uint8_t *data)
{
    struct bx_str payload = bx_str_n(data, h->len);
    if (h->is_compressed)
        deliver_packed(p, f, h->opcode == WS_BINARY, payload);
    else if (h->opcode == WS_TEXT && !bx_utf8_is_valid(payload))
        fail(p, WS_CLOSE_INVALID_UTF8);
    else
        deliver(p, f, h->opcode == WS_BINARY, data, h->len);
}

/* The last fragment is in: the partial message becomes free for the next before it is delivered. */
static void on_complete(struct ws_proto *p, struct feed *f)
{
    struct ws_partial *t = p->partial;
    struct bx_buf message = t->message;
    bool is_binary = t->opcode == WS_BINARY, is_cut = !bx_utf8_is_complete(&t->utf8);
    t->message = (struct bx_buf){.max_bytes = message.max_bytes};
    t->opcode = WS_CONTINUATION;
    if (t->is_compressed)
        deliver_packed(p, f, is_binary, bx_buf_view(&message));
    else if (is_cut)
        fail(p, WS_CLOSE_INVALID_UTF8);
    else
        deliver(p, f, is_binary, message.data, message.len);
    bx_buf_done(&message);
}

/* Takes a piece of a data frame's payload, already unmasked. */
static void on_piece(struct ws_proto *p, const uint8_t *data, size_t len)
{
    struct ws_partial *t = p->partial;
    if (t->opcode == WS_TEXT && !t->is_compressed && !bx_utf8_feed(&t->utf8, data, len)) {
        fail(p, WS_CLOSE_INVALID_UTF8);
        return;
    }
    int rc = bx_buf_append(&t->message, data, len);
    if (rc < 0)
        fail(p, rc == BX_E_TOO_BIG ? WS_CLOSE_TOO_BIG : WS_CLOSE_INTERNAL);
}

/* --- frames --- */

/* Rules that need to know what came before. 0, or the code to fail with. */
static uint16_t frame_check(const struct ws_proto *p, const struct ws_head *h)
{
    const struct ws_partial *t = p->partial;
    bool is_message_open = t && t->opcode != WS_CONTINUATION;
    if (ws_is_control(h->opcode))
        return 0;
    if (is_message_open != (h->opcode == WS_CONTINUATION))
        return WS_CLOSE_PROTOCOL;
    bool is_packed = h->is_compressed || (is_message_open && t->is_compressed);
    size_t max = p->max_message_bytes;
    if (is_packed)
        max += PACKED_SLACK + max / 256;
    size_t have = is_message_open ? t->message.len : 0;
    /* while we wait for the close frame nothing is kept, so nothing can be too big */
    return p->state == WS_PROTO_OPEN && (have > max || h->len > max - have) ? WS_CLOSE_TOO_BIG : 0;
}

static void message_begin(struct ws_proto *p, const struct ws_head *h)
{
    struct ws_partial *t = partial_get(p);
    if (h->opcode == WS_CONTINUATION)
        return;
    t->opcode = h->opcode;
    t->is_compressed = h->is_compressed;
    t->utf8 = (struct bx_utf8){0};
    if (p->state == WS_PROTO_OPEN)
        bx_buf_reserve(&t->message, h->len < FIRST_RESERVE ? h->len : FIRST_RESERVE);
}

static void frame_end(struct ws_proto *p, struct feed *f)
{
    struct ws_partial *t = p->partial;
    t->is_in_frame = false;
    if (ws_is_control(t->frame.opcode)) {
        on_control(p, f, t->frame.opcode, bx_str_n(t->control, t->control_len));
        return;
    }
    f->counts->frames++;
    if (!t->frame.is_fin)
        return;
    if (p->state == WS_PROTO_OPEN)
        on_complete(p, f);
    else
        t->opcode = WS_CONTINUATION;
}

/* Payload of the frame that is open. Returns the bytes it took. */
static size_t frame_continue(struct ws_proto *p, struct feed *f, uint8_t *data, size_t len)
{
    struct ws_partial *t = p->partial;
    size_t part = len < t->remaining ? len : (size_t)t->remaining;
    if (t->frame.is_masked)
        ws_mask(data, part, t->frame.mask, (size_t)(t->frame.len - t->remaining));
    t->remaining -= part;
    if (ws_is_control(t->frame.opcode)) {
        memcpy(t->control + t->control_len, data, part);
        t->control_len += (uint8_t)part;
    } else if (p->state == WS_PROTO_OPEN) {
        f->counts->bytes += part;
        on_piece(p, data, part);
    }
    if (t->remaining == 0 && p->state != WS_PROTO_CLOSED)
        frame_end(p, f);
    return part;
}

/* A header is complete; data holds what is there of its payload. Returns the payload bytes taken.
 */
static size_t frame_begin(struct ws_proto *p, struct feed *f, const struct ws_head *h,
                          uint8_t *data, size_t len)
{
    uint16_t code = frame_check(p, h);
    if (code) {
        fail(p, code);
        return len;
    }
    bool is_whole = h->len <= len, is_control = ws_is_control(h->opcode);
    if (is_whole && (is_control || (h->is_fin && h->opcode != WS_CONTINUATION))) {
        if (h->is_masked)
            ws_mask(data, h->len, h->mask, 0);
        if (is_control) {
            on_control(p, f, h->opcode, bx_str_n(data, h->len));
        } else if (p->state == WS_PROTO_OPEN) {
            f->counts->frames++;
            f->counts->bytes += h->len;
            on_whole(p, f, h, data);
        }
        return (size_t)h->len;
    }
    struct ws_partial *t = partial_get(p);
    if (!is_control)
        message_begin(p, h);
    t->frame = *h;
    t->remaining = h->len;
    t->control_len = 0;
    t->is_in_frame = true;
    return len || h->len == 0 ? frame_continue(p, f, data, len) : 0;
}

/* The header of the next frame, perhaps in pieces. Returns the bytes taken, payload included. */
static size_t frame_next(struct ws_proto *p, struct feed *f, uint8_t *data, size_t len)
{
    unsigned flags = (p->is_client ? 0 : WS_HEAD_MASKED) | (p->deflate ? WS_HEAD_DEFLATE : 0);
    struct ws_partial *t = p->partial;
    struct ws_head h;
    size_t had = t ? t->head_len : 0, copied = 0;
    int size;
    if (had) {
        copied = len < WS_HEAD_MAX - had ? len : WS_HEAD_MAX - had;
        memcpy(t->head + had, data, copied);
        size = ws_head_parse(t->head, had + copied, flags, &h);
    } else {
        size = ws_head_parse(data, len, flags, &h);
    }
    if (size < 0) {
        fail(p, WS_CLOSE_PROTOCOL);
        return len;
    }
    if (size == 0) {
        t = partial_get(p);
        if (!had)
            memcpy(t->head, data, len);
        t->head_len = (uint8_t)(had + len);
        return len;
    }
    if (t)
        t->head_len = 0;
    size_t used = (size_t)size - had;
    return used + frame_begin(p, f, &h, data + used, len - used);
}

static bool is_idle(const struct ws_partial *t)
{
    return !t->is_in_frame && t->head_len == 0 && t->opcode == WS_CONTINUATION;
}

void ws_proto_feed(struct ws_proto *p, uint8_t *data, size_t len, struct ws_proto_counts *counts)
{
    struct feed f;
    f.counts = counts;
    f.pongs = 0;
    f.is_pong_due = false;
    while (len && p->state != WS_PROTO_CLOSED) {
        size_t used = p->partial && p->partial->is_in_frame ? frame_continue(p, &f, data, len)
                                                            : frame_next(p, &f, data, len);
        data += used;
        len -= used;
    }
    if (f.is_pong_due && p->state == WS_PROTO_OPEN && !p->events->is_clogged(p))
        control_write(p, WS_PONG, bx_str_n(f.ping, f.ping_len));
    if (p->partial && (p->state == WS_PROTO_CLOSED || is_idle(p->partial)))
        partial_drop(p);
}
