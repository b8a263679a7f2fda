#include "crypto/secret.h"

#include "base/clock.h"
#include "base/err.h"
#include "crypto/hkdf.h"

#include <sodium.h>

enum {
    NONCE = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES,
    TAG = crypto_aead_xchacha20poly1305_ietf_ABYTES,
    VERSION = 1
};
_Static_assert(CR_SECRET_OVERHEAD == 1 + NONCE + TAG, "layout of a box");

void cr_secret_seal(const uint8_t key[CR_SECRET_KEY_SIZE], struct bx_str context,
                    struct bx_str plain, uint8_t *out)
{
    out[0] = VERSION;
    bx_random(out + 1, NONCE);
    BX_ASSERT(crypto_aead_xchacha20poly1305_ietf_encrypt(
                  out + 1 + NONCE, NULL, (const void *)plain.ptr, plain.len,
                  (const void *)context.ptr, context.len, NULL, out + 1, key) == 0);
}

int cr_secret_open(const uint8_t key[CR_SECRET_KEY_SIZE], struct bx_str context, struct bx_str box,
                   uint8_t *out)
{
    if (box.len < CR_SECRET_OVERHEAD)
        return BX_E_CRYPTO;
    const uint8_t *at = (const void *)box.ptr;
    if (at[0] != VERSION)
        return BX_E_VERSION;
    return crypto_aead_xchacha20poly1305_ietf_decrypt(
               out, NULL, NULL, at + 1 + NONCE, box.len - 1 - NONCE, (const void *)context.ptr,
               context.len, at + 1, key) == 0
               ? BX_OK
               : BX_E_CRYPTO;
}

void cr_secret_subkey(const uint8_t master[CR_SECRET_KEY_SIZE], struct bx_str purpose,
                      uint8_t out[CR_SECRET_KEY_SIZE])
{
    cr_hkdf_sha256(BX_STR("wabox"), bx_str_n(master, CR_SECRET_KEY_SIZE), purpose, out,
                   CR_SECRET_KEY_SIZE);
}
