#include "crypto/hash.h"

#include "base/err.h"
#include "base/mem.h"
#include "crypto/evp.h"

#include <openssl/crypto.h>
#include <stdlib.h>

static void digest_v(const EVP_MD *md, const struct bx_str *parts, size_t count, uint8_t *out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    BX_ASSERT(ctx && EVP_DigestInit_ex2(ctx, md, NULL));
    for (size_t i = 0; i < count; i++)
        BX_ASSERT(EVP_DigestUpdate(ctx, parts[i].ptr, parts[i].len));
    BX_ASSERT(EVP_DigestFinal_ex(ctx, out, NULL));
    EVP_MD_CTX_free(ctx);
}

void cr_md5(struct bx_str data, uint8_t out[CR_MD5_SIZE])
{
    digest_v(cr_evp()->md5, &data, 1, out);
}

void cr_sha1(struct bx_str data, uint8_t out[CR_SHA1_SIZE])
{
    digest_v(cr_evp()->sha1, &data, 1, out);
}

void cr_sha256(struct bx_str data, uint8_t out[CR_SHA256_SIZE])
{
    digest_v(cr_evp()->sha256, &data, 1, out);
}

void cr_sha512(struct bx_str data, uint8_t out[CR_SHA512_SIZE])
{
    digest_v(cr_evp()->sha512, &data, 1, out);
}

void cr_sha1_v(const struct bx_str *parts, size_t count, uint8_t out[CR_SHA1_SIZE])
{
    digest_v(cr_evp()->sha1, parts, count, out);
}

void cr_sha256_v(const struct bx_str *parts, size_t count, uint8_t out[CR_SHA256_SIZE])
{
    digest_v(cr_evp()->sha256, parts, count, out);
}

/* OpenSSL takes a NULL key as "keep the old one". */
static EVP_MAC_CTX *hmac_start(const EVP_MAC_CTX *keyless, struct bx_str key)
{
    EVP_MAC_CTX *ctx = EVP_MAC_CTX_dup(keyless);
    const void *ptr = key.ptr ? key.ptr : "";
    BX_ASSERT(ctx && EVP_MAC_init(ctx, ptr, key.len, NULL));
    return ctx;
}

static void hmac_v(const EVP_MAC_CTX *keyless, struct bx_str key, const struct bx_str *parts,
                   size_t count, uint8_t *out, size_t out_size)
{
    EVP_MAC_CTX *ctx = hmac_start(keyless, key);
    for (size_t i = 0; i < count; i++)
        BX_ASSERT(EVP_MAC_update(ctx, (const void *)parts[i].ptr, parts[i].len));
    BX_ASSERT(EVP_MAC_final(ctx, out, NULL, out_size));
    EVP_MAC_CTX_free(ctx);
}

void cr_hmac_sha256_v(struct bx_str key, const struct bx_str *parts, size_t count,
                      uint8_t out[CR_SHA256_SIZE])
{
    hmac_v(cr_evp()->hmac_sha256, key, parts, count, out, CR_SHA256_SIZE);
}

void cr_hmac_sha512_v(struct bx_str key, const struct bx_str *parts, size_t count,
                      uint8_t out[CR_SHA512_SIZE])
{
    hmac_v(cr_evp()->hmac_sha512, key, parts, count, out, CR_SHA512_SIZE);
}

struct cr_digest {
    EVP_MD_CTX *ctx;
    const EVP_MD *md;
};

struct cr_digest *cr_digest_new(enum cr_digest_kind kind)
{
    struct cr_digest *d = BX_NEW(struct cr_digest);
    d->md = kind == CR_DIGEST_SHA512 ? cr_evp()->sha512 : cr_evp()->sha256;
    d->ctx = EVP_MD_CTX_new();
    BX_ASSERT(d->ctx && EVP_DigestInit_ex2(d->ctx, d->md, NULL));
    return d;
}

void cr_digest_update(struct cr_digest *d, const void *ptr, size_t len)
{
    BX_ASSERT(EVP_DigestUpdate(d->ctx, ptr, len));
}

void cr_digest_final(struct cr_digest *d, uint8_t *out)
{
    BX_ASSERT(EVP_DigestFinal_ex(d->ctx, out, NULL));
    BX_ASSERT(EVP_DigestInit_ex2(d->ctx, d->md, NULL));
}

void cr_digest_free(struct cr_digest *d)
{
    if (!d)
        return;
    EVP_MD_CTX_free(d->ctx);
    free(d);
}

struct cr_hmac {
    EVP_MAC_CTX *ctx;
    size_t size;
};

struct cr_hmac *cr_hmac_new(enum cr_digest_kind kind, struct bx_str key)
{
    bool is_512 = kind == CR_DIGEST_SHA512;
    struct cr_hmac *h = BX_NEW(struct cr_hmac);
    h->ctx = hmac_start(is_512 ? cr_evp()->hmac_sha512 : cr_evp()->hmac_sha256, key);
    h->size = is_512 ? CR_SHA512_SIZE : CR_SHA256_SIZE;
    return h;
}

void cr_hmac_update(struct cr_hmac *h, const void *ptr, size_t len)
{
    BX_ASSERT(EVP_MAC_update(h->ctx, ptr, len));
}

void cr_hmac_final(struct cr_hmac *h, uint8_t *out)
{
    BX_ASSERT(EVP_MAC_final(h->ctx, out, NULL, h->size));
    BX_ASSERT(EVP_MAC_init(h->ctx, NULL, 0, NULL));
}

void cr_hmac_free(struct cr_hmac *h)
{
    if (!h)
        return;
    EVP_MAC_CTX_free(h->ctx);
    free(h);
}

bool cr_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void cr_wipe(void *ptr, size_t len)
{
    OPENSSL_cleanse(ptr, len);
}
