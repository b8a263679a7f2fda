#include "base/buf.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void bx_buf_init(struct bx_buf *b, size_t max_bytes)
{
    *b = (struct bx_buf){.max_bytes = max_bytes ? max_bytes : SIZE_MAX / 2};
}

void bx_buf_done(struct bx_buf *b)
{
    free(b->data);
    b->data = NULL;
    b->len = b->cap = 0;
}

void bx_buf_clear(struct bx_buf *b, size_t keep_bytes)
{
    if (b->cap > keep_bytes)
        bx_buf_done(b);
    b->len = 0;
}

int bx_buf_grow(struct bx_buf *b, size_t extra)
{
    if (extra > b->max_bytes || b->len > b->max_bytes - extra)
        return BX_E_TOO_BIG;
    size_t need = b->len + extra;
    size_t cap = b->cap ? b->cap : 64;
    while (cap < need)
        cap *= 2;
    if (cap > b->max_bytes)
        cap = b->max_bytes;
    uint8_t *grown = realloc(b->data, cap);
    if (!grown)
        return BX_E_NOMEM;
    b->data = grown;
    b->cap = cap;
    return BX_OK;
}

int bx_buf_printf(struct bx_buf *b, const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    BX_ASSERT(n >= 0);
    int rc = bx_buf_reserve(b, (size_t)n + 1);
    if (rc < 0)
        return rc;
    va_start(args, fmt);
    vsnprintf((char *)b->data + b->len, (size_t)n + 1, fmt, args);
    va_end(args);
    b->len += (size_t)n;
    return BX_OK;
}

void bx_buf_consume(struct bx_buf *b, size_t n)
{
    BX_ASSERT(n <= b->len);
    b->len -= n;
    if (n && b->len)
        memmove(b->data, b->data + n, b->len);
}

uint8_t *bx_buf_take(struct bx_buf *b, size_t *out_len)
{
    uint8_t *data = b->data;
    *out_len = b->len;
    b->data = NULL;
    b->len = b->cap = 0;
    return data;
}
