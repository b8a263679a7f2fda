/* bx_buf: a growable byte buffer with a maximum. A buffer that fed on a peer's bytes can never pass
 * its cap. */
#ifndef BX_BUF_H
#define BX_BUF_H

#include "base/str.h"

#include "base/err.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bx_buf {
    uint8_t *data; /* NULL while empty */
    size_t len, cap;
    size_t max_bytes;
};

/* Embeds; allocates nothing. max_bytes 0 means "no cap but memory" and is for output that we size
 * ourselves. */
void bx_buf_init(struct bx_buf *b, size_t max_bytes);
void bx_buf_done(struct bx_buf *b);

/* Empties and keeps the memory, unless it grew beyond keep_bytes (then frees it). */
void bx_buf_clear(struct bx_buf *b, size_t keep_bytes);

int bx_buf_grow(struct bx_buf *b, size_t extra); /* the rare part of bx_buf_reserve */

/* Room for `extra` more bytes behind len. BX_E_TOO_BIG, BX_E_NOMEM; the content is kept on failure.
 */
static inline int bx_buf_reserve(struct bx_buf *b, size_t extra)
{
    return extra <= b->cap - b->len ? BX_OK : bx_buf_grow(b, extra);
}

static inline int bx_buf_append(struct bx_buf *b, const void *ptr, size_t len)
{
    int rc = bx_buf_reserve(b, len);
    if (rc < 0)
        return rc;
    if (len)
        memcpy(b->data + b->len, ptr, len);
    b->len += len;
    return BX_OK;
}

static inline int bx_buf_str(struct bx_buf *b, struct bx_str s)
{
    return bx_buf_append(b, s.ptr, s.len);
}

static inline int bx_buf_byte(struct bx_buf *b, uint8_t byte)
{
    int rc = bx_buf_reserve(b, 1);
    if (rc < 0)
        return rc;
    b->data[b->len++] = byte;
    return BX_OK;
}

int bx_buf_printf(struct bx_buf *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define bx_buf_lit(b, literal) bx_buf_append((b), (literal), sizeof(literal) - 1)

/* Drops n bytes from the front (n <= len). */
void bx_buf_consume(struct bx_buf *b, size_t n);

/* Gives the bytes away: returns data (yours to free()), the buffer is empty afterwards. */
uint8_t *bx_buf_take(struct bx_buf *b, size_t *out_len);

static inline struct bx_str bx_buf_view(const struct bx_buf *b)
{
    return (struct bx_str){(const char *)b->data, b->len};
}

#endif
