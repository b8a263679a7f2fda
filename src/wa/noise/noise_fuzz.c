#include "base/err.h"
#include "wa/noise/cert.h"
#include "wa/noise/handshake.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Arbitrary bytes as every message a peer may send, in both roles. No stranger gets through. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct cr_keypair ours, ephemeral;
    static const uint8_t secret[32] = {7}, intro[WA_INTRO_SIZE] = {'W', 'A', 6, 3};
    if (!ours.priv[31]) {
        cr_keypair_from_private(secret, &ours);
        ephemeral = ours;
    }
    struct wa_handshake hs;
    struct wa_transport t;
    struct bx_arena arena;
    struct bx_buf out;
    struct bx_str in = bx_str_n(data, size), text;
    bx_arena_init(&arena, 1 << 20);
    bx_buf_init(&out, 1 << 20);
    wa_handshake_init(&hs, true, intro, &ours, &ephemeral);
    BX_ASSERT(wa_handshake_client_hello(&hs, &out) == BX_OK);
    BX_ASSERT(wa_handshake_read_server_hello(&hs, in, &arena, &text) < 0);
    wa_handshake_init(&hs, false, intro, &ours, &ephemeral);
    if (wa_handshake_read_client_hello(&hs, in, &arena) == BX_OK &&
        wa_handshake_server_hello(&hs, BX_STR("chain"), &out) == BX_OK)
        BX_ASSERT(wa_handshake_read_client_finish(&hs, in, &arena, &text, &t) < 0);
    BX_ASSERT(wa_cert_verify(in, ours.pub, WA_CERT_ROOT, 0, 0) < 0);
    bx_buf_done(&out);
    bx_arena_done(&arena);
    return 0;
}
