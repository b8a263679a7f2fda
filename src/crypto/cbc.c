#include "crypto/cbc.h"

#include "base/err.h"
#include "crypto/evp.h"

/* struct cr_cbc is the EVP context itself. */
enum { STEP = 1 << 30 };

struct cr_cbc *cr_cbc_new(const uint8_t key[CR_KEY_SIZE], const uint8_t iv[CR_CBC_IV_SIZE],
                          bool is_encrypting)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    BX_ASSERT(ctx && EVP_CipherInit_ex2(ctx, cr_evp()->cbc, key, iv, is_encrypting, NULL));
    return (struct cr_cbc *)ctx;
}

void cr_cbc_free(struct cr_cbc *c)
{
    EVP_CIPHER_CTX_free((EVP_CIPHER_CTX *)c);
}

void cr_cbc_update(struct cr_cbc *c, struct bx_str in, uint8_t *out, size_t *out_len)
{
    *out_len = 0;
    for (size_t at = 0; at < in.len;) {
        size_t part = in.len - at < STEP ? in.len - at : STEP;
        int n = 0;
        BX_ASSERT(EVP_CipherUpdate((EVP_CIPHER_CTX *)c, out + *out_len, &n,
                                   (const uint8_t *)in.ptr + at, (int)part));
        *out_len += (size_t)n;
        at += part;
    }
}

int cr_cbc_finish(struct cr_cbc *c, uint8_t *out, size_t *out_len)
{
    int n = 0;
    if (EVP_CipherFinal_ex((EVP_CIPHER_CTX *)c, out, &n) != 1)
        return BX_E_CRYPTO;
    *out_len = (size_t)n;
    return BX_OK;
}
