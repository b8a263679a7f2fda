#include "crypto/aead.h"

#include "base/err.h"
#include "crypto/evp.h"

#include <limits.h>

/* Inputs are bounded by frames and media caps far below 2 GiB. */
static int int_len(struct bx_str s)
{
    BX_ASSERT(s.len <= INT_MAX - 64);
    return (int)s.len;
}

static EVP_CIPHER_CTX *start(const EVP_CIPHER *cipher, const uint8_t *key, const uint8_t *iv,
                             int is_encrypt)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    BX_ASSERT(ctx && EVP_CipherInit_ex2(ctx, cipher, key, iv, is_encrypt, NULL));
    return ctx;
}

void cr_gcm_seal(const uint8_t key[CR_KEY_SIZE], const uint8_t iv[CR_GCM_IV_SIZE],
                 struct bx_str aad, struct bx_str plain, uint8_t *out)
{
    int n = 0, last = 0;
    EVP_CIPHER_CTX *ctx = start(cr_evp()->gcm, key, iv, 1);
    if (aad.len)
        BX_ASSERT(EVP_CipherUpdate(ctx, NULL, &n, (const void *)aad.ptr, int_len(aad)));
    n = 0;
    if (plain.len)
        BX_ASSERT(EVP_CipherUpdate(ctx, out, &n, (const void *)plain.ptr, int_len(plain)));
    BX_ASSERT(EVP_CipherFinal_ex(ctx, out + n, &last) && (size_t)(n + last) == plain.len);
    BX_ASSERT(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, CR_GCM_TAG_SIZE, out + plain.len));
    EVP_CIPHER_CTX_free(ctx);
}

int cr_gcm_open(const uint8_t key[CR_KEY_SIZE], const uint8_t iv[CR_GCM_IV_SIZE], struct bx_str aad,
                struct bx_str sealed, uint8_t *out)
{
    if (sealed.len < CR_GCM_TAG_SIZE)
        return BX_E_CRYPTO;
    struct bx_str cipher = bx_str_n(sealed.ptr, sealed.len - CR_GCM_TAG_SIZE);
    uint8_t tag[CR_GCM_TAG_SIZE], none[CR_GCM_TAG_SIZE];
    memcpy(tag, sealed.ptr + cipher.len, sizeof tag);
    int n = 0, last = 0;
    EVP_CIPHER_CTX *ctx = start(cr_evp()->gcm, key, iv, 0);
    if (aad.len)
        BX_ASSERT(EVP_CipherUpdate(ctx, NULL, &n, (const void *)aad.ptr, int_len(aad)));
    if (cipher.len)
        BX_ASSERT(EVP_CipherUpdate(ctx, out, &n, (const void *)cipher.ptr, int_len(cipher)));
    BX_ASSERT(EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, CR_GCM_TAG_SIZE, tag));
    int ok = EVP_CipherFinal_ex(ctx, none, &last);
    EVP_CIPHER_CTX_free(ctx);
    return ok == 1 ? BX_OK : BX_E_CRYPTO;
}

void cr_cbc_encrypt(const uint8_t key[CR_KEY_SIZE], const uint8_t iv[CR_CBC_IV_SIZE],
                    struct bx_str plain, uint8_t *out)
{
    int n = 0, last = 0;
    EVP_CIPHER_CTX *ctx = start(cr_evp()->cbc, key, iv, 1);
    if (plain.len)
        BX_ASSERT(EVP_CipherUpdate(ctx, out, &n, (const void *)plain.ptr, int_len(plain)));
    BX_ASSERT(EVP_CipherFinal_ex(ctx, out + n, &last));
    BX_ASSERT((size_t)(n + last) == CR_CBC_SIZE(plain.len));
    EVP_CIPHER_CTX_free(ctx);
}

int cr_cbc_decrypt(const uint8_t key[CR_KEY_SIZE], const uint8_t iv[CR_CBC_IV_SIZE],
                   struct bx_str cipher, uint8_t *out, size_t *out_len)
{
    if (cipher.len == 0 || cipher.len % 16)
        return BX_E_CRYPTO;
    int n = 0, last = 0;
    EVP_CIPHER_CTX *ctx = start(cr_evp()->cbc, key, iv, 0);
    BX_ASSERT(EVP_CipherUpdate(ctx, out, &n, (const void *)cipher.ptr, int_len(cipher)));
    int ok = EVP_CipherFinal_ex(ctx, out + n, &last);
    EVP_CIPHER_CTX_free(ctx);
    if (ok != 1)
        return BX_E_CRYPTO;
    *out_len = (size_t)(n + last);
    return BX_OK;
}

void cr_ctr_xor(const uint8_t key[CR_KEY_SIZE], const uint8_t iv[CR_CBC_IV_SIZE],
                struct bx_str data, uint8_t *out)
{
    int n = 0;
    EVP_CIPHER_CTX *ctx = start(cr_evp()->ctr, key, iv, 1);
    if (data.len)
        BX_ASSERT(EVP_CipherUpdate(ctx, out, &n, (const void *)data.ptr, int_len(data)));
    EVP_CIPHER_CTX_free(ctx);
}
