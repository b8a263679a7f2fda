#include "base/err.h"
#include "wa/wire/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What decodes encodes again, and that decodes to the same bytes. The first byte picks the
 * dictionary. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    enum wa_dict dict = data[0] & 1 ? WA_DICT_2 : WA_DICT_3;
    struct bx_arena arena;
    struct bx_buf once, twice;
    struct wa_node *n;
    bx_arena_init(&arena, 1 << 20);
    bx_buf_init(&once, 1 << 20);
    bx_buf_init(&twice, 1 << 20);
    if (wa_decode(dict, bx_str_n(data + 1, size - 1), &arena, &n) == BX_OK &&
        wa_encode(dict, n, &once) == BX_OK) {
        BX_ASSERT(wa_decode(dict, bx_buf_view(&once), &arena, &n) == BX_OK);
        BX_ASSERT(wa_encode(dict, n, &twice) == BX_OK);
        BX_ASSERT(bx_str_eq(bx_buf_view(&once), bx_buf_view(&twice)));
    }
    bx_buf_done(&once);
    bx_buf_done(&twice);
    bx_arena_done(&arena);
    return 0;
}
