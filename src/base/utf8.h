/* UTF-8 checks (RFC 3629: no surrogates, no overlong forms, at most U+10FFFF). */
#ifndef BX_UTF8_H
#define BX_UTF8_H

#include "base/str.h"

struct bx_arena;
struct bx_buf;

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

/* The code point at the start of s, which is not empty; returns its bytes. Bytes that are not valid
 * are U+FFFD, one for each maximal part of a sequence (Unicode 3.9, WHATWG Encoding). */
size_t bx_utf8_next(struct bx_str s, uint32_t *out);

/* The text with every such part as U+FFFD and every NUL too, because C strings on the way would end
 * there. Appends; BX_E_TOO_BIG, BX_E_NOMEM. */
int bx_utf8_repair(struct bx_str s, struct bx_buf *out);
/* In the arena; NULL stays NULL. */
struct bx_str bx_utf8_repair_str(struct bx_str s, struct bx_arena *arena);

/* s without a sequence that the cut left unfinished at its end. */
struct bx_str bx_utf8_whole(struct bx_str s);

/* Length in UTF-16 code units of valid UTF-8 (JavaScript's .length; Engine.IO v3 counts so). */
size_t bx_utf8_utf16_len(struct bx_str s);

/* Bytes that hold the first `units` UTF-16 code units; s.len + 1 when s is shorter or a pair would
 * be cut. */
size_t bx_utf8_bytes_of_utf16(struct bx_str s, size_t units);

/* Encodes one code point (below 0x110000) into at most 4 bytes; returns how many. */
size_t bx_utf8_encode(uint32_t code_point, char out[4]);

#endif
