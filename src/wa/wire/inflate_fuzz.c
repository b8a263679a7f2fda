#include "base/err.h"
#include "wa/wire/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Arbitrary bytes stay below the cap; what was deflated comes back. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bx_buf out, packed;
    bx_buf_init(&out, 4096 + size);
    bx_buf_init(&packed, 0);
    if (wa_inflate(bx_str_n(data, size), &out) < 0)
        BX_ASSERT(out.len == 0);
    BX_ASSERT(out.cap <= 4096 + size);
    bx_buf_clear(&out, 0);
    if (size && data[0] % 16 == 0) { /* deflating sets up 256 KiB each time */
        BX_ASSERT(wa_deflate(bx_str_n(data, size), &packed) == BX_OK);
        BX_ASSERT(wa_inflate(bx_buf_view(&packed), &out) == BX_OK);
        BX_ASSERT(bx_str_eq(bx_buf_view(&out), bx_str_n(data, size)));
    }
    bx_buf_done(&out);
    bx_buf_done(&packed);
    return 0;
}
