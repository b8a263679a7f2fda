#include "base/json_write.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/utf8.h"

#include <math.h>
#include <stdio.h>

enum { MAX_DEPTH = 64 };

void bx_json_writer_init(struct bx_json_writer *w, struct bx_buf *out)
{
    *w = (struct bx_json_writer){.out = out};
}

int bx_json_writer_rc(const struct bx_json_writer *w)
{
    return w->rc < 0 ? w->rc : w->depth ? BX_E_STATE : BX_OK;
}

static void keep_rc(struct bx_json_writer *w, int rc)
{
    if (w->rc == BX_OK && rc < 0)
        w->rc = rc;
}

static uint64_t depth_bit(const struct bx_json_writer *w)
{
    return (uint64_t)1 << (w->depth - 1);
}

static void before_value(struct bx_json_writer *w)
{
    if (w->is_after_key) {
        w->is_after_key = false;
        return;
    }
    if (w->depth == 0)
        return;
    if (w->has_items & depth_bit(w))
        keep_rc(w, bx_buf_byte(w->out, ','));
    w->has_items |= depth_bit(w);
}

static void open_container(struct bx_json_writer *w, bool is_object)
{
    BX_ASSERT(w->depth < MAX_DEPTH);
    before_value(w);
    keep_rc(w, bx_buf_byte(w->out, is_object ? '{' : '['));
    w->depth++;
    w->has_items &= ~depth_bit(w);
    w->is_object = is_object ? w->is_object | depth_bit(w) : w->is_object & ~depth_bit(w);
}

void bx_json_object(struct bx_json_writer *w)
{
    open_container(w, true);
}

void bx_json_array(struct bx_json_writer *w)
{
    open_container(w, false);
}

void bx_json_end(struct bx_json_writer *w)
{
    BX_ASSERT(w->depth > 0 && !w->is_after_key);
    keep_rc(w, bx_buf_byte(w->out, w->is_object & depth_bit(w) ? '}' : ']'));
    w->depth--;
}

void bx_json_key_n(struct bx_json_writer *w, struct bx_str key)
{
    before_value(w);
    keep_rc(w, bx_json_escape(w->out, key));
    keep_rc(w, bx_buf_byte(w->out, ':'));
    w->is_after_key = true;
}

void bx_json_key(struct bx_json_writer *w, const char *key)
{
    bx_json_key_n(w, bx_str(key));
}

void bx_json_str(struct bx_json_writer *w, struct bx_str s)
{
    before_value(w);
    keep_rc(w, bx_json_escape(w->out, s));
}

void bx_json_cstr(struct bx_json_writer *w, const char *s)
{
    if (s)
        bx_json_str(w, bx_str(s));
    else
        bx_json_null(w);
}

void bx_json_raw(struct bx_json_writer *w, struct bx_str json)
{
    before_value(w);
    keep_rc(w, bx_buf_str(w->out, json));
}

void bx_json_i64(struct bx_json_writer *w, int64_t v)
{
    char text[24], *end = text + sizeof text, *at = end;
    uint64_t rest = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;
    do
        *--at = (char)('0' + rest % 10);
    while (rest /= 10);
    if (v < 0)
        *--at = '-';
    bx_json_raw(w, bx_str_n(at, (size_t)(end - at)));
}

void bx_json_bool(struct bx_json_writer *w, bool v)
{
    bx_json_raw(w, v ? BX_STR("true") : BX_STR("false"));
}

void bx_json_null(struct bx_json_writer *w)
{
    bx_json_raw(w, BX_STR("null"));
}

void bx_json_double(struct bx_json_writer *w, double v)
{
    char text[40];
    if (!isfinite(v)) {
        bx_json_null(w);
        return;
    }
    int n = snprintf(text, sizeof text, "%.17g", v);
    bx_json_raw(w, bx_str_n(text, (size_t)n));
}

void bx_json_time(struct bx_json_writer *w, int64_t wall_ms)
{
    char text[BX_ISO8601_SIZE];
    bx_iso8601(wall_ms, text);
    bx_json_cstr(w, text);
}

void bx_json_key_str(struct bx_json_writer *w, const char *key, struct bx_str v)
{
    bx_json_key(w, key);
    bx_json_str(w, v);
}

void bx_json_key_cstr(struct bx_json_writer *w, const char *key, const char *v)
{
    bx_json_key(w, key);
    bx_json_cstr(w, v);
}

void bx_json_key_i64(struct bx_json_writer *w, const char *key, int64_t v)
{
    bx_json_key(w, key);
    bx_json_i64(w, v);
}

void bx_json_key_bool(struct bx_json_writer *w, const char *key, bool v)
{
    bx_json_key(w, key);
    bx_json_bool(w, v);
}

void bx_json_key_null(struct bx_json_writer *w, const char *key)
{
    bx_json_key(w, key);
    bx_json_null(w);
}

void bx_json_key_time(struct bx_json_writer *w, const char *key, int64_t wall_ms)
{
    bx_json_key(w, key);
    bx_json_time(w, wall_ms);
}

void bx_json_key_raw(struct bx_json_writer *w, const char *key, struct bx_str json)
{
    bx_json_key(w, key);
    bx_json_raw(w, json);
}

/* Bytes of the valid sequence at p, 0 when it is not valid UTF-8. */
static size_t sequence_len(const char *p, size_t left)
{
    uint8_t c = (uint8_t)*p;
    size_t n = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
    return n <= left && bx_utf8_is_valid(bx_str_n(p, n)) ? n : 0;
}

static int escape_one(struct bx_buf *out, unsigned char c)
{
    static const char letters[] = {['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f',
                                   ['\r'] = 'r', ['"'] = '"',  ['\\'] = '\\'};
    if (c < sizeof letters && letters[c]) {
        const char two[] = {'\\', letters[c]};
        return bx_buf_append(out, two, 2);
    }
    return bx_buf_printf(out, "\\u%04x", c);
}

/* Bytes at p that stand for themselves: ASCII, no control character, no quote, no backslash. Eight
 * at a time: in `special` the top bit of a byte is set when it is one of the others (above the
 * first one it may be set by a borrow). */
static size_t plain_len(const char *p, size_t left)
{
    const uint64_t ones = 0x0101010101010101u, tops = ones << 7;
    size_t i = 0;
    for (; left - i >= 8; i += 8) {
        uint64_t w;
        memcpy(&w, p + i, 8);
        uint64_t quote = w ^ ones * '"', slash = w ^ ones * '\\';
        uint64_t special =
            (w | ((w - ones * 0x20) & ~w) | ((quote - ones) & ~quote) | ((slash - ones) & ~slash)) &
            tops;
        if (special)
            return i + (size_t)__builtin_ctzll(special) / 8;
    }
    while (i < left && (unsigned char)p[i] >= 0x20 && (unsigned char)p[i] < 0x80 && p[i] != '"' &&
           p[i] != '\\')
        i++;
    return i;
}

int bx_json_escape(struct bx_buf *out, struct bx_str s)
{
    int rc = bx_buf_reserve(out, s.len + 2);
    if (rc == BX_OK)
        rc = bx_buf_byte(out, '"');
    for (size_t i = 0; i < s.len && rc == BX_OK;) {
        size_t n = plain_len(s.ptr + i, s.len - i);
        if (n == 0 && (unsigned char)s.ptr[i] >= 0x80)
            n = sequence_len(s.ptr + i, s.len - i);
        unsigned char c = (unsigned char)s.ptr[i];
        if (n)
            rc = bx_buf_append(out, s.ptr + i, n);
        else
            rc = c >= 0x80 ? bx_buf_lit(out, "\xef\xbf\xbd") : escape_one(out, c);
        i += n ? n : 1;
    }
    return rc == BX_OK ? bx_buf_byte(out, '"') : rc;
}
