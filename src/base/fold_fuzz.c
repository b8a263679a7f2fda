/* Any bytes: folded they are valid; folding twice is folding once; repairing first changes nothing;
 * a text has what is cut from its fold. */
#include "base/fold.h"
#include "base/lookalike.h"
#include "base/mem.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Half of the inputs as code points, since random bytes are seldom UTF-8. */
static void text_write(struct bx_buf *out, const uint8_t *data, size_t size)
{
    if (size == 0 || data[0] & 1) {
        bx_buf_append(out, data, size);
        return;
    }
    for (size_t i = 0; i + 2 < size; i += 3) {
        char bytes[4];
        uint32_t c = (data[i] << 16 | data[i + 1] << 8 | data[i + 2]) % 0x110000;
        if (data[i] % 4)
            c %= 0x3100;
        if (c && (c < 0xd800 || c > 0xdfff))
            bx_buf_append(out, bytes, bx_utf8_encode(c, bytes));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bx_buf text, once, twice, clean;
    bx_buf_init(&text, 0);
    bx_buf_init(&once, 0);
    bx_buf_init(&twice, 0);
    bx_buf_init(&clean, 0);
    text_write(&text, data, size);
    BX_ASSERT(bx_fold(bx_buf_view(&text), &once) == BX_OK);
    struct bx_str folded = bx_buf_view(&once);
    BX_ASSERT(bx_utf8_is_valid(folded) && folded.len <= 33 * text.len);
    for (size_t i = 0; i < folded.len; i++)
        BX_ASSERT((unsigned char)folded.ptr[i] >= ' ' && folded.ptr[i] != 127);
    BX_ASSERT(bx_fold(folded, &twice) == BX_OK);
    BX_ASSERT(bx_str_eq(bx_buf_view(&twice), folded));
    if (text.len == 0 || !memchr(text.data, 0, text.len)) {
        bx_utf8_repair(bx_buf_view(&text), &clean);
        BX_ASSERT(bx_fold_eq(bx_buf_view(&text), bx_buf_view(&clean)));
    }
    BX_ASSERT(
        bx_fold_has(bx_buf_view(&text), bx_utf8_whole(bx_str_slice(folded, 0, size / 2)), &twice));
    bx_name_check(bx_buf_view(&text));
    bx_buf_done(&text);
    bx_buf_done(&once);
    bx_buf_done(&twice);
    bx_buf_done(&clean);
    return 0;
}
