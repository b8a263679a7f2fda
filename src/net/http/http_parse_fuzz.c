#include "net/http/http_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool lies_in(struct bx_str s, struct bx_str in)
{
    return !s.len || (s.ptr >= in.ptr && s.ptr + s.len <= in.ptr + in.len);
}

/* A head that is accepted is accepted with the same length and method whatever follows, a prefix of
 * it is never anything but "not yet", and every slice lies inside it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct http_parse_limits limits = {2048, 512, 20};
    struct http_header headers[20];
    struct http_head h, cut;
    struct bx_str in = bx_str_n(data, size);
    ssize_t n = http_parse_head(in, &limits, headers, &h);
    if (n <= 0) {
        BX_ASSERT(n == BX_E_TRUNCATED || (n == BX_E_INVALID && h.refusal));
        return 0;
    }
    struct bx_str head = bx_str_slice(in, 0, (size_t)n);
    BX_ASSERT((size_t)n <= size && h.header_count <= 20);
    BX_ASSERT(!(h.is_chunked && h.has_content_length));
    BX_ASSERT(lies_in(h.target, head) && lies_in(h.raw_head, head) && lies_in(h.query, head));
    for (size_t i = 0; i < h.header_count; i++)
        BX_ASSERT(lies_in(headers[i].name, head) && lies_in(headers[i].value, head));
    for (size_t i = 0; i < (size_t)n; i++)
        BX_ASSERT(http_parse_head(bx_str_slice(in, 0, i), &limits, headers, &cut) ==
                  BX_E_TRUNCATED);
    return 0;
}
