/* bx_str: a borrowed slice of bytes, not NUL-terminated. Passed by value. */
#ifndef BX_STR_H
#define BX_STR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bx_str {
    const char *ptr;
    size_t len;
};

#define BX_STR(literal) ((struct bx_str){"" literal, sizeof(literal) - 1})
#define BX_STR_FMT "%.*s"
#define BX_STR_ARG(s) (int)(s).len, (s).ptr

static inline struct bx_str bx_str(const char *cstr)
{
    return (struct bx_str){cstr, cstr ? strlen(cstr) : 0};
}

static inline struct bx_str bx_str_n(const void *ptr, size_t len)
{
    return (struct bx_str){ptr, len};
}

static inline bool bx_str_eq(struct bx_str a, struct bx_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

#define bx_str_is(s, literal) bx_str_eq((s), BX_STR(literal))

/* ASCII case-insensitive equality (HTTP header names and the like). */
bool bx_str_ieq(struct bx_str a, struct bx_str b);

bool bx_str_starts(struct bx_str s, struct bx_str prefix);
bool bx_str_ends(struct bx_str s, struct bx_str suffix);

/* Position of c, or s.len when it does not occur. */
size_t bx_str_find(struct bx_str s, char c);

struct bx_str bx_str_slice(struct bx_str s, size_t from, size_t to); /* clamped */
struct bx_str bx_str_trim(struct bx_str s);                          /* spaces and tabs */

/* Takes the next piece up to `sep` off *rest; false when *rest was exhausted. "a,,b" gives "a", "",
 * "b". */
bool bx_str_split(struct bx_str *rest, char sep, struct bx_str *out_piece);

/* Whole slice as decimal digits only, no sign, no space. BX_E_INVALID, or BX_E_TOO_BIG beyond max.
 */
int bx_str_u64(struct bx_str s, uint64_t max, uint64_t *out);
/* As above with an optional leading '-'. */
int bx_str_i64(struct bx_str s, int64_t *out);

/* Copies into buf with a NUL behind; BX_E_TOO_BIG when it does not fit. */
int bx_str_copy(struct bx_str s, char *buf, size_t buf_size);

/* Lower-case hex of len bytes; out has room for 2 * len + 1. */
void bx_hex_encode(const void *bytes, size_t len, char *out);
/* Either case; s.len must be 2 * out_len. BX_E_INVALID. */
int bx_hex_decode(struct bx_str s, uint8_t *out, size_t out_len);

#endif
