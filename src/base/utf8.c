#include "base/utf8.h"

#define HIGH_BITS 0x8080808080808080u

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
            uint8_t c = *p++;
            if (c < 0xc2 || c > 0xf4)
                return false;
            state->need = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
            state->lo = c == 0xe0 ? 0xa0 : c == 0xf0 ? 0x90 : 0x80;
            state->hi = c == 0xed ? 0x9f : c == 0xf4 ? 0x8f : 0xbf;
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
