#include "base/clock.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "wa/signal/glue.h"

#include <stdlib.h>

static int on_random(uint8_t *data, size_t len, void *user)
{
    (void)user;
    bx_random(data, len);
    return 0;
}

static int on_hmac_init(void **out, const uint8_t *key, size_t key_len, void *user)
{
    (void)user;
    *out = cr_hmac_new(CR_DIGEST_SHA256, bx_str_n(key, key_len));
    return 0;
}

static int on_hmac_update(void *hmac, const uint8_t *data, size_t len, void *user)
{
    (void)user;
    cr_hmac_update(hmac, data, len);
    return 0;
}

static int on_hmac_final(void *hmac, signal_buffer **out, void *user)
{
    (void)user;
    uint8_t mac[CR_SHA256_SIZE];
    cr_hmac_final(hmac, mac);
    *out = signal_buffer_create(mac, sizeof mac);
    return *out ? 0 : SG_ERR_NOMEM;
}

static void on_hmac_done(void *hmac, void *user)
{
    (void)user;
    cr_hmac_free(hmac);
}

static int on_digest_init(void **out, void *user)
{
    (void)user;
    *out = cr_digest_new(CR_DIGEST_SHA512);
    return 0;
}

static int on_digest_update(void *digest, const uint8_t *data, size_t len, void *user)
{
    (void)user;
    cr_digest_update(digest, data, len);
    return 0;
}

static int on_digest_final(void *digest, signal_buffer **out, void *user)
{
    (void)user;
    uint8_t hash[CR_SHA512_SIZE];
    cr_digest_final(digest, hash);
    *out = signal_buffer_create(hash, sizeof hash);
    return *out ? 0 : SG_ERR_NOMEM;
}

static void on_digest_done(void *digest, void *user)
{
    (void)user;
    cr_digest_free(digest);
}

/* Version 3 sessions use AES-256-CBC and nothing else. */
static bool is_our_cipher(int cipher, size_t key_len, size_t iv_len)
{
    return cipher == SG_CIPHER_AES_CBC_PKCS5 && key_len == CR_KEY_SIZE && iv_len == CR_CBC_IV_SIZE;
}

static int on_encrypt(signal_buffer **out, int cipher, const uint8_t *key, size_t key_len,
                      const uint8_t *iv, size_t iv_len, const uint8_t *plain, size_t len,
                      void *user)
{
    (void)user;
    if (!is_our_cipher(cipher, key_len, iv_len))
        return SG_ERR_INVAL;
    *out = signal_buffer_alloc(CR_CBC_SIZE(len));
    if (!*out)
        return SG_ERR_NOMEM;
    cr_cbc_encrypt(key, iv, bx_str_n(plain, len), signal_buffer_data(*out));
    return 0;
}

static int on_decrypt(signal_buffer **out, int cipher, const uint8_t *key, size_t key_len,
                      const uint8_t *iv, size_t iv_len, const uint8_t *sealed, size_t len,
                      void *user)
{
    (void)user;
    if (!is_our_cipher(cipher, key_len, iv_len))
        return SG_ERR_INVAL;
    size_t plain_len = 0;
    uint8_t *plain = malloc(len + 1);
    if (!plain)
        return SG_ERR_NOMEM;
    int rc = cr_cbc_decrypt(key, iv, bx_str_n(sealed, len), plain, &plain_len);
    *out = rc < 0 ? NULL : signal_buffer_create(plain, plain_len);
    cr_wipe(plain, len);
    free(plain);
    return rc < 0 ? SG_ERR_INVALID_MESSAGE : *out ? 0 : SG_ERR_NOMEM;
}

const signal_crypto_provider wa_signal_provider = {
    .random_func = on_random,
    .hmac_sha256_init_func = on_hmac_init,
    .hmac_sha256_update_func = on_hmac_update,
    .hmac_sha256_final_func = on_hmac_final,
    .hmac_sha256_cleanup_func = on_hmac_done,
    .sha512_digest_init_func = on_digest_init,
    .sha512_digest_update_func = on_digest_update,
    .sha512_digest_final_func = on_digest_final,
    .sha512_digest_cleanup_func = on_digest_done,
    .encrypt_func = on_encrypt,
    .decrypt_func = on_decrypt,
};
