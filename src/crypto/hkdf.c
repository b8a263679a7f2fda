#include "crypto/hkdf.h"

#include "base/err.h"
#include "crypto/evp.h"
#include "crypto/hash.h"

/* OpenSSL 3.0's HKDF object fetches its digest by name at every call; on top of our HMAC the
 * derivation is these few lines. */
void cr_hkdf_sha256(struct bx_str salt, struct bx_str ikm, struct bx_str info, uint8_t *out,
                    size_t out_len)
{
    uint8_t prk[CR_SHA256_SIZE], block[CR_SHA256_SIZE];
    BX_ASSERT(out_len <= 255 * (size_t)CR_SHA256_SIZE);
    cr_hmac_sha256(salt, ikm, prk);
    size_t block_len = 0;
    for (uint8_t i = 1; out_len; i++) {
        struct bx_str parts[] = {bx_str_n(block, block_len), info, bx_str_n(&i, 1)};
        cr_hmac_sha256_v(bx_str_n(prk, sizeof prk), parts, 3, block);
        block_len = sizeof block;
        size_t n = out_len < sizeof block ? out_len : sizeof block;
        memcpy(out, block, n);
        out += n;
        out_len -= n;
    }
    cr_wipe(prk, sizeof prk);
    cr_wipe(block, sizeof block);
}

void cr_pbkdf2_sha256(struct bx_str password, struct bx_str salt, unsigned iterations, uint8_t *out,
                      size_t out_len)
{
    BX_ASSERT(PKCS5_PBKDF2_HMAC(password.ptr, (int)password.len, (const void *)salt.ptr,
                                (int)salt.len, (int)iterations, cr_evp()->sha256, (int)out_len,
                                out) == 1);
}
