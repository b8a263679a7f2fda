/* gzip of dynamic answers. A low level: it runs on the loop. */
#include "net/http/http_internal.h"

#include <zlib.h>

enum { GZIP_LEVEL = 1, GZIP_WINDOW_BITS = 15 + 16, GZIP_MAX_BYTES = 1 << 20 };

bool http_is_compressible(const char *content_type)
{
    static const char *const types[] = {"text/", "application/json", "application/javascript",
                                        "application/xml", "image/svg+xml"};
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (bx_str_starts(bx_str(content_type), bx_str(types[i])))
            return true;
    return false;
}

int http_gzip(struct bx_str in, struct bx_buf *out)
{
    z_stream z = {0};
    int rc = BX_E_FULL;
    if (in.len > GZIP_MAX_BYTES) /* would hold up the loop */
        return BX_E_FULL;
    if (deflateInit2(&z, GZIP_LEVEL, Z_DEFLATED, GZIP_WINDOW_BITS, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return BX_E_NOMEM;
    if (bx_buf_reserve(out, in.len) < 0)
        goto out;
    z.next_in = (Bytef *)in.ptr;
    z.avail_in = (uInt)in.len;
    z.next_out = out->data + out->len;
    z.avail_out = (uInt)in.len;
    if (deflate(&z, Z_FINISH) == Z_STREAM_END) {
        out->len += z.total_out;
        rc = BX_OK;
    }
out:
    deflateEnd(&z);
    return rc;
}
