/* Digests, HMAC and comparison in constant time. Any thread. None of these can fail on input. */
#ifndef CR_HASH_H
#define CR_HASH_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

enum { CR_MD5_SIZE = 16, CR_SHA1_SIZE = 20, CR_SHA256_SIZE = 32, CR_SHA512_SIZE = 64 };

/* MD5 only names things (the build hash of a client payload); it protects nothing. */
void cr_md5(struct bx_str data, uint8_t out[CR_MD5_SIZE]);
void cr_sha1(struct bx_str data, uint8_t out[CR_SHA1_SIZE]);
void cr_sha256(struct bx_str data, uint8_t out[CR_SHA256_SIZE]);
void cr_sha512(struct bx_str data, uint8_t out[CR_SHA512_SIZE]);

/* A digest or MAC over several pieces, as one flat input. */
void cr_sha1_v(const struct bx_str *parts, size_t count, uint8_t out[CR_SHA1_SIZE]);
void cr_sha256_v(const struct bx_str *parts, size_t count, uint8_t out[CR_SHA256_SIZE]);
void cr_hmac_sha256_v(struct bx_str key, const struct bx_str *parts, size_t count,
                      uint8_t out[CR_SHA256_SIZE]);
void cr_hmac_sha512_v(struct bx_str key, const struct bx_str *parts, size_t count,
                      uint8_t out[CR_SHA512_SIZE]);

static inline void cr_hmac_sha256(struct bx_str key, struct bx_str data,
                                  uint8_t out[CR_SHA256_SIZE])
{
    cr_hmac_sha256_v(key, &data, 1, out);
}

/* Streams, for input that arrives in pieces. _new returns it (free with _free); _final writes
 * cr_digest_size bytes and starts the stream over with the same key. */
enum cr_digest_kind { CR_DIGEST_SHA256, CR_DIGEST_SHA512 };
struct cr_digest;
struct cr_digest *cr_digest_new(enum cr_digest_kind kind);
void cr_digest_update(struct cr_digest *d, const void *ptr, size_t len);
void cr_digest_final(struct cr_digest *d, uint8_t *out);
void cr_digest_free(struct cr_digest *d);

struct cr_hmac;
struct cr_hmac *cr_hmac_new(enum cr_digest_kind kind, struct bx_str key);
void cr_hmac_update(struct cr_hmac *h, const void *ptr, size_t len);
void cr_hmac_final(struct cr_hmac *h, uint8_t *out);
void cr_hmac_free(struct cr_hmac *h);

/* Equality whose time does not depend on the content. */
bool cr_equal(const void *a, const void *b, size_t len);

/* Overwrites secrets; not optimised away. */
void cr_wipe(void *ptr, size_t len);

#endif
