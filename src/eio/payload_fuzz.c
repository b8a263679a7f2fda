#include "base/err.h"
#include "base/utf8.h"
#include "eio/packet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* First byte: protocol and body kind. Decoding ends, stays inside the body or the arena, and what
 * was decoded encodes and decodes to itself. */
static void round_trip(int protocol, const struct eio_incoming *in)
{
    struct eio_packet *p = eio_packet_new((enum eio_type)in->type, in->is_binary,
                                          bx_str_n(in->data, in->len), BX_STR(""));
    struct bx_buf out;
    struct bx_arena arena;
    struct eio_incoming again;
    bool is_binary;
    bx_buf_init(&out, 0);
    bx_arena_init(&arena, 1 << 20);
    BX_ASSERT(eio_payload_encode(protocol, true, &p, 1, &out, &is_binary) == BX_OK);
    struct bx_str rest = bx_buf_view(&out);
    BX_ASSERT(eio_payload_next(protocol, is_binary, &rest, &arena, &again) == 1);
    BX_ASSERT(again.len == in->len && (in->len == 0 || memcmp(again.data, in->data, in->len) == 0));
    bx_arena_done(&arena);
    bx_buf_done(&out);
    eio_packet_unref(p);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    int protocol = data[0] & 1 ? 3 : 4;
    bool is_binary = protocol == 3 && (data[0] & 2);
    struct bx_str rest = bx_str_n(data + 1, size - 1);
    struct bx_arena arena;
    struct eio_incoming in;
    if (!is_binary && !bx_utf8_is_valid(rest))
        return 0;
    bx_arena_init(&arena, 1 << 20);
    for (size_t count = 0; eio_payload_next(protocol, is_binary, &rest, &arena, &in) > 0; count++) {
        BX_ASSERT(count <= size);
        bool can_return = in.is_binary || (bx_utf8_is_valid(bx_str_n(in.data, in.len)) &&
                                           !(protocol == 4 && memchr(in.data, 0x1e, in.len)));
        bool is_plain = !in.is_binary || in.type == EIO_MESSAGE;
        if (can_return && is_plain)
            round_trip(protocol, &in);
    }
    bx_arena_done(&arena);
    return 0;
}
