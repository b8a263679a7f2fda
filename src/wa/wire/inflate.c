#include "base/err.h"
#include "wa/wire/codec.h"

#include <zlib.h>

enum { STEP = 16 << 10, WINDOW_ZLIB_OR_GZIP = 15 + 32 };

/* Room for more output, as far as the cap allows: a full step or what is left of it. */
static int more_room(struct bx_buf *out)
{
    size_t left = out->max_bytes - out->len;
    if (left == 0)
        return BX_E_TOO_BIG;
    return bx_buf_reserve(out, left < STEP ? left : STEP);
}

static int inflate_all(z_stream *z, struct bx_buf *out)
{
    for (;;) {
        int rc = more_room(out);
        if (rc < 0)
            return rc;
        z->next_out = out->data + out->len;
        z->avail_out = (uInt)(out->cap - out->len);
        int zrc = inflate(z, Z_NO_FLUSH);
        out->len = (size_t)(z->next_out - out->data);
        if (zrc == Z_STREAM_END)
            return BX_OK;
        if (zrc == Z_MEM_ERROR)
            return BX_E_NOMEM;
        if (zrc != Z_OK && zrc != Z_BUF_ERROR)
            return BX_E_INVALID;
        if (z->avail_in == 0 && z->avail_out > 0)
            return BX_E_TRUNCATED;
    }
}

int wa_inflate(struct bx_str deflated, struct bx_buf *out)
{
    if (deflated.len > UINT32_MAX)
        return BX_E_TOO_BIG;
    z_stream z = {.next_in = (Bytef *)(uintptr_t)deflated.ptr, .avail_in = (uInt)deflated.len};
    size_t before = out->len;
    if (inflateInit2(&z, WINDOW_ZLIB_OR_GZIP) != Z_OK)
        return BX_E_NOMEM;
    int rc = inflate_all(&z, out);
    inflateEnd(&z);
    if (rc < 0)
        out->len = before;
    return rc;
}

int wa_deflate(struct bx_str plain, struct bx_buf *out)
{
    if (plain.len > UINT32_MAX / 2)
        return BX_E_TOO_BIG;
    uLongf len = compressBound(plain.len);
    int rc = bx_buf_reserve(out, len);
    if (rc < 0)
        return rc;
    if (compress2(out->data + out->len, &len, (const void *)plain.ptr, plain.len, 6) != Z_OK)
        return BX_E_NOMEM;
    out->len += len;
    return BX_OK;
}
