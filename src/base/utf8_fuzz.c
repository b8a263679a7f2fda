/* Any bytes: repaired they are valid, and what was valid stays as it was. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bx_str text = bx_str_n(data, size), whole = bx_utf8_whole(text);
    struct bx_buf out, again;
    bx_buf_init(&out, 0);
    bx_buf_init(&again, 0);
    BX_ASSERT(bx_utf8_repair(text, &out) == BX_OK);
    struct bx_str repaired = bx_buf_view(&out);
    BX_ASSERT(bx_utf8_is_valid(repaired) && repaired.len <= 3 * size);
    BX_ASSERT(repaired.len == 0 || !memchr(repaired.ptr, 0, repaired.len));
    BX_ASSERT(bx_utf8_repair(repaired, &again) == BX_OK);
    BX_ASSERT(bx_str_eq(bx_buf_view(&again), repaired));
    if (bx_utf8_is_valid(text) && (size == 0 || !memchr(data, 0, size)))
        BX_ASSERT(bx_str_eq(text, repaired) && whole.len == size);
    BX_ASSERT(whole.len <= size && size - whole.len <= 3);
    size_t ascii = 0;
    for (size_t i = 0; i < size; i++)
        ascii += data[i] < 0x80;
    for (size_t i = 0; i < repaired.len; i++)
        ascii -= (unsigned char)repaired.ptr[i] < 0x80;
    size_t nuls = 0;
    for (size_t i = 0; i < size; i++)
        nuls += data[i] == 0;
    BX_ASSERT(ascii == nuls); /* no letter is lost */
    bx_buf_done(&out);
    bx_buf_done(&again);
    return 0;
}
