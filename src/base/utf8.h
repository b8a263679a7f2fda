/* UTF-8 checks (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF). */
#ifndef BX_UTF8_H
#define BX_UTF8_H

#include "base/str.h"

bool bx_utf8_is_valid(struct bx_str s);

/* Incremental check for fragmented messages: state starts at 0. False as soon as the bytes cannot
 * become valid. */
struct bx_utf8 {
    uint8_t need;   /* continuation bytes still due */
    uint8_t lo, hi; /* bounds of the next one */
};
bool bx_utf8_feed(struct bx_utf8 *state, const void *ptr, size_t len);
static inline bool bx_utf8_is_complete(const struct bx_utf8 *state)
{
    return state->need == 0;
}

/* Length in UTF-16 code units of valid UTF-8 (JavaScript's .length; Engine.IO v3 counts so). */
size_t bx_utf8_utf16_len(struct bx_str s);

/* Bytes that hold the first `units` UTF-16 code units; s.len + 1 when s is shorter or a pair would
 * be cut. */
size_t bx_utf8_bytes_of_utf16(struct bx_str s, size_t units);

/* Encodes one code point (below 0x110000) into at most 4 bytes; returns how many. */
size_t bx_utf8_encode(uint32_t code_point, char out[4]);

#endif
