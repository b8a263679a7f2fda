#include "net/ws/ws_conformance.h"

#include "base/mem.h"

#include <stdlib.h>

const uint8_t wst_mask[4] = {0x37, 0xfa, 0x21, 0x3d};

/* --- the notation --- */

struct parser {
    const char *p;
};

static unsigned hex(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

static unsigned hex2(const char *at)
{
    return hex(at[0]) << 4 | hex(at[1]);
}

static void range_parse(struct parser *s, struct bx_buf *out)
{
    bool is_spaced = s->p[6] == '_';
    for (unsigned byte = hex2(s->p + 1); byte <= hex2(s->p + 4); byte++) {
        bx_buf_byte(out, (uint8_t)byte);
        if (is_spaced)
            bx_buf_byte(out, ' ');
    }
    s->p += is_spaced ? 8 : 7;
}

static void payload_parse(struct parser *s, struct bx_buf *out)
{
    size_t unit_at = 0;
    while (*s->p && *s->p != ' ') {
        if (*s->p == '*' && s->p[1] >= '1' && s->p[1] <= '9') {
            unsigned long count = strtoul(s->p + 1, (char **)(void *)&s->p, 10);
            uint8_t unit = out->data[unit_at];
            while (out->len < count)
                bx_buf_byte(out, unit);
            continue;
        }
        unit_at = out->len;
        if (*s->p == '[') {
            range_parse(s, out);
        } else if (*s->p == '\\') {
            bx_buf_byte(out, (uint8_t)hex2(s->p + 1));
            s->p += 3;
        } else {
            bx_buf_byte(out, *s->p == '_' ? ' ' : (uint8_t)*s->p);
            s->p++;
        }
    }
}

void wst_frame(struct bx_buf *out, uint8_t first, struct bx_str payload, bool is_masked)
{
    uint8_t mask_bit = is_masked ? 0x80 : 0;
    bx_buf_byte(out, first);
    if (payload.len < 126) {
        bx_buf_byte(out, mask_bit | (uint8_t)payload.len);
    } else {
        int bytes = payload.len < 65536 ? 2 : 8;
        bx_buf_byte(out, mask_bit | (bytes == 2 ? 126 : 127));
        for (int i = bytes - 1; i >= 0; i--)
            bx_buf_byte(out, (uint8_t)((uint64_t)payload.len >> 8 * i));
    }
    if (is_masked)
        bx_buf_append(out, wst_mask, 4);
    for (size_t i = 0; i < payload.len; i++)
        bx_buf_byte(out, (uint8_t)payload.ptr[i] ^ (is_masked ? wst_mask[i & 3] : 0));
}

static uint8_t opcode_parse(struct parser *s)
{
    static const char letters[] = "CTB     XPO";
    if (*s->p == '#')
        return (uint8_t)hex(*++s->p);
    return (uint8_t)(strchr(letters, *s->p) - letters);
}

void wst_message(struct bx_buf *out, uint8_t first, struct bx_str payload, size_t fragment,
                 bool is_masked)
{
    while (fragment && payload.len > fragment) {
        wst_frame(out, first & 0x7f, bx_str_slice(payload, 0, fragment), is_masked);
        payload = bx_str_slice(payload, fragment, payload.len);
        first = 0x80;
    }
    wst_frame(out, first, payload, is_masked);
}

static void frame_parse(struct parser *s, bool is_masked, struct bx_buf *out)
{
    uint8_t first = 0x80;
    size_t fragment = 0;
    if (*s->p == '%')
        fragment = strtoul(s->p + 1, (char **)(void *)&s->p, 10);
    for (;; s->p++) {
        if (*s->p == '-')
            first &= 0x7f;
        else if (*s->p == '~')
            first |= 0x40;
        else if (*s->p == '^')
            first |= 0x20;
        else if (*s->p == '!')
            first |= 0x10;
        else
            break;
    }
    first |= opcode_parse(s);
    s->p += 2; /* letter and colon */
    struct bx_buf payload;
    bx_buf_init(&payload, 0);
    payload_parse(s, &payload);
    wst_message(out, first, bx_buf_view(&payload), fragment, is_masked);
    bx_buf_done(&payload);
}

void wst_notation(const char *text, bool is_masked, struct bx_buf *out)
{
    struct parser s = {text};
    while (*s.p) {
        if (*s.p == ' ') {
            s.p++;
        } else if (*s.p == '=') {
            for (s.p++; *s.p && *s.p != ' '; s.p += 2)
                bx_buf_byte(out, (uint8_t)hex2(s.p));
        } else {
            frame_parse(&s, is_masked, out);
        }
    }
}

/* --- one end with an application that echoes --- */

static struct wst_end *end_of(struct ws_proto *p)
{
    return BX_CONTAINER_OF(p, struct wst_end, proto);
}

static void on_message(struct ws_proto *p, bool is_binary, uint8_t *data, size_t len)
{
    struct wst_end *e = end_of(p);
    e->messages++;
    bx_buf_clear(&e->last, SIZE_MAX);
    bx_buf_append(&e->last, data, len);
    if (!e->is_silent && p->state == WS_PROTO_OPEN)
        wst_frame(&e->out, is_binary ? 0x82 : 0x81, bx_str_n(data, len), p->is_client);
}

static void on_closed(struct ws_proto *p, uint16_t code, struct bx_str reason)
{
    (void)reason;
    end_of(p)->code = code;
    end_of(p)->ends++;
}

static void on_failed(struct ws_proto *p, uint16_t code)
{
    end_of(p)->code = code;
    end_of(p)->ends++;
}

static void on_write(struct ws_proto *p, const uint8_t *frame, size_t len)
{
    bx_buf_append(&end_of(p)->out, frame, len);
}

static void on_mask(struct ws_proto *p, uint8_t out[4])
{
    (void)p;
    memcpy(out, wst_mask, 4);
}

static bool is_clogged(struct ws_proto *p)
{
    return end_of(p)->is_clogged;
}

static const struct ws_proto_events events = {on_message, on_closed, on_failed,
                                              on_write,   on_mask,   is_clogged};

void wst_end_init(struct wst_end *e, bool is_client, size_t max, struct ws_deflate *deflate)
{
    *e = (struct wst_end){0};
    bx_buf_init(&e->out, 0);
    bx_buf_init(&e->last, 0);
    ws_proto_init(&e->proto, &events, is_client, max, deflate);
}

void wst_end_done(struct wst_end *e)
{
    ws_proto_done(&e->proto);
    bx_buf_done(&e->out);
    bx_buf_done(&e->last);
}

size_t wst_feed(struct wst_end *e, struct bx_str bytes, size_t step)
{
    struct ws_proto_counts counts = {0};
    for (size_t at = 0; at < bytes.len; at += step) {
        size_t n = bytes.len - at < step ? bytes.len - at : step;
        uint8_t *piece = bx_realloc(NULL, n, 1);
        memcpy(piece, bytes.ptr + at, n);
        ws_proto_feed(&e->proto, piece, n, &counts);
        free(piece);
        if (e->ends)
            return at + n;
    }
    return bytes.len;
}
