#include "net/http/http_parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    int step;
    size_t body, left;
    uint64_t sum;
};

static struct outcome decode(struct bx_str in, size_t piece)
{
    struct http_chunked d;
    struct outcome o = {.step = HTTP_CHUNKED_MORE};
    http_chunked_init(&d);
    while (in.len && o.step == HTTP_CHUNKED_MORE) {
        struct bx_str part = bx_str_slice(in, 0, piece), out;
        size_t had = part.len;
        while ((o.step = http_chunked_next(&d, &part, &out)) == HTTP_CHUNKED_DATA) {
            o.body += out.len;
            for (size_t i = 0; i < out.len; i++)
                o.sum = o.sum * 31 + (uint8_t)out.ptr[i];
        }
        BX_ASSERT(o.step != HTTP_CHUNKED_MORE || !part.len);
        in = bx_str_slice(in, had - part.len, in.len);
    }
    o.left = in.len;
    return o;
}

/* Cut anywhere, the body and where it ends are the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bx_str in = bx_str_n(data, size);
    struct outcome whole = decode(in, size), bytes = decode(in, 1), threes = decode(in, 3);
    BX_ASSERT(whole.step == bytes.step && whole.step == threes.step);
    BX_ASSERT(whole.body == bytes.body && whole.sum == bytes.sum && whole.sum == threes.sum);
    BX_ASSERT(whole.step != HTTP_CHUNKED_DONE ||
              (whole.left == bytes.left && whole.left == threes.left));
    BX_ASSERT(whole.body <= size);
    return 0;
}
