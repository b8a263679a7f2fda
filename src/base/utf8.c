#include "base/utf8.h"

#include "base/arena.h"
#include "base/buf.h"

#define HIGH_BITS 0x8080808080808080u

/* The bounds of the byte after the first, and how many follow; false for one that begins nothing.
 */
static bool lead_read(uint8_t c, struct bx_utf8 *out)
{
    if (c < 0xc2 || c > 0xf4)
        return false;
    out->need = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    out->lo = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
    out->hi = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
    return true;
}

bool bx_utf8_feed(struct bx_utf8 *state, const void *ptr, size_t len)
{
    const uint8_t *p = ptr, *end = p + len;
    while (p < end) {
        if (state->need == 0) {
            uint64_t word;
            while (end - p >= 8) {
                memcpy(&word, p, 8);
                if (word & HIGH_BITS)
                    break;
                p += 8;
            }
            while (p < end && *p < 0x80)
                p++;
            if (p == end)
                return true;
            if (!lead_read(*p++, state))
                return false;
        } else {
            uint8_t c = *p++;
            if (c < state->lo || c > state->hi)
                return false;
            state->lo = 0x80;
            state->hi = 0xbf;
            state->need--;
        }
    }
    return true;
}

bool bx_utf8_is_valid(struct bx_str s)
{
    struct bx_utf8 state = {0};
    return bx_utf8_feed(&state, s.ptr, s.len) && bx_utf8_is_complete(&state);
}

enum { REPLACEMENT = 0xfffd };

size_t bx_utf8_next(struct bx_str s, uint32_t *out)
{
    const uint8_t *p = (const uint8_t *)s.ptr;
    struct bx_utf8 state;
    *out = p[0];
    if (p[0] < 0x80)
        return 1;
    *out = REPLACEMENT;
    if (!lead_read(p[0], &state))
        return 1;
    uint32_t c = p[0] & (0x3fu >> state.need);
    for (size_t i = 1;; i++) {
        if (i >= s.len || p[i] < state.lo || p[i] > state.hi)
            return i;
        c = c << 6 | (p[i] & 63u);
        state.lo = 0x80;
        state.hi = 0xbf;
        if (--state.need == 0) {
            *out = c;
            return i + 1;
        }
    }
}

int bx_utf8_repair(struct bx_str s, struct bx_buf *out)
{
    int rc = bx_buf_reserve(out, s.len);
    for (size_t i = 0, from = 0; rc == BX_OK && i < s.len;) {
        uint32_t c;
        size_t n = bx_utf8_next(bx_str_slice(s, i, s.len), &c);
        bool is_whole =
            c != 0 && (c != REPLACEMENT || (n == 3 && memcmp(s.ptr + i, "\xef\xbf\xbd", 3) == 0));
        i += n;
        if (!is_whole && (rc = bx_buf_str(out, bx_str_slice(s, from, i - n))) == BX_OK)
            rc = bx_buf_lit(out, "\xef\xbf\xbd");
        if (!is_whole || i == s.len) {
            if (is_whole)
                rc = bx_buf_str(out, bx_str_slice(s, from, i));
            from = i;
        }
    }
    return rc;
}

struct bx_str bx_utf8_repair_str(struct bx_str s, struct bx_arena *arena)
{
    if (!s.ptr)
        return s;
    if (bx_utf8_is_valid(s) && (s.len == 0 || !memchr(s.ptr, 0, s.len)))
        return bx_arena_str(arena, s);
    struct bx_buf out;
    bx_buf_init(&out, 0);
    bx_utf8_repair(s, &out);
    struct bx_str repaired = bx_arena_str(arena, bx_buf_view(&out));
    bx_buf_done(&out);
    return repaired;
}

struct bx_str bx_utf8_whole(struct bx_str s)
{
    for (size_t back = 1; back <= 3 && back <= s.len; back++) {
        uint8_t c = (uint8_t)s.ptr[s.len - back];
        if ((c & 0xc0) == 0x80)
            continue;
        struct bx_utf8 state;
        bool is_cut = c >= 0x80 && lead_read(c, &state) && state.need >= back;
        return is_cut ? bx_str_slice(s, 0, s.len - back) : s;
    }
    return s;
}

size_t bx_utf8_utf16_len(struct bx_str s)
{
    size_t units = 0;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t c = (uint8_t)s.ptr[i];
        units += ((c & 0xc0) != 0x80) + (c >= 0xf0);
    }
    return units;
}

size_t bx_utf8_bytes_of_utf16(struct bx_str s, size_t units)
{
    size_t i = 0;
    while (units) {
        if (i >= s.len)
            return s.len + 1;
        uint8_t c = (uint8_t)s.ptr[i];
        size_t width = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
        size_t cost = width == 4 ? 2 : 1;
        if (cost > units || width > s.len - i)
            return s.len + 1;
        units -= cost;
        i += width;
    }
    return i;
}

size_t bx_utf8_encode(uint32_t cp, char out[4])
{
    if (cp < 0x80) {
        out[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        out[0] = (char)(0xc0 | cp >> 6);
        out[1] = (char)(0x80 | (cp & 63));
        return 2;
    }
    if (cp < 0x10000) {
        out[0] = (char)(0xe0 | cp >> 12);
        out[1] = (char)(0x80 | (cp >> 6 & 63));
        out[2] = (char)(0x80 | (cp & 63));
        return 3;
    }
    out[0] = (char)(0xf0 | cp >> 18);
    out[1] = (char)(0x80 | (cp >> 12 & 63));
    out[2] = (char)(0x80 | (cp >> 6 & 63));
    out[3] = (char)(0x80 | (cp & 63));
    return 4;
}
