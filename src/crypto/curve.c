#include "crypto/curve.h"

#include "base/clock.h"
#include "base/err.h"
#include "crypto/evp.h"
#include "crypto/hash.h"

#include <openssl/bn.h>
#include <sodium.h>

static void clamp(uint8_t priv[CR_CURVE_KEY_SIZE])
{
    priv[0] &= 248;
    priv[31] = (uint8_t)((priv[31] & 127) | 64);
}

void cr_keypair_from_private(const uint8_t priv[CR_CURVE_KEY_SIZE], struct cr_keypair *out)
{
    cr_evp();
    memmove(out->priv, priv, CR_CURVE_KEY_SIZE);
    clamp(out->priv);
    BX_ASSERT(crypto_scalarmult_curve25519_base(out->pub, out->priv) == 0);
}

void cr_keypair_generate(struct cr_keypair *out)
{
    uint8_t secret[CR_CURVE_KEY_SIZE];
    bx_random(secret, sizeof secret);
    cr_keypair_from_private(secret, out);
    cr_wipe(secret, sizeof secret);
}

int cr_agree(const uint8_t priv[CR_CURVE_KEY_SIZE], const uint8_t peer_pub[CR_CURVE_KEY_SIZE],
             uint8_t out[CR_CURVE_KEY_SIZE])
{
    uint8_t shared[CR_CURVE_KEY_SIZE];
    cr_evp();
    if (crypto_scalarmult_curve25519(shared, priv, peer_pub) != 0)
        return BX_E_CRYPTO;
    memcpy(out, shared, sizeof shared);
    cr_wipe(shared, sizeof shared);
    return BX_OK;
}

/* Reduces a SHA-512 over the pieces to a scalar. */
static void hash_to_scalar(const struct bx_str *parts, size_t count,
                           uint8_t out[crypto_core_ed25519_SCALARBYTES])
{
    uint8_t digest[CR_SHA512_SIZE];
    struct cr_digest *d = cr_digest_new(CR_DIGEST_SHA512);
    for (size_t i = 0; i < count; i++)
        cr_digest_update(d, parts[i].ptr, parts[i].len);
    cr_digest_final(d, digest);
    cr_digest_free(d);
    crypto_core_ed25519_scalar_reduce(out, digest);
    cr_wipe(digest, sizeof digest);
}

/* a and A = aB with the sign bit of A clear (calculate_key_pair of the specification). The scalar
 * functions of libsodium want a reduced a. */
static void edwards_pair(const uint8_t priv[CR_CURVE_KEY_SIZE], uint8_t a[32], uint8_t A[32])
{
    uint8_t wide[64] = {0}, negated[32];
    memcpy(wide, priv, CR_CURVE_KEY_SIZE);
    clamp(wide);
    crypto_core_ed25519_scalar_reduce(a, wide);
    BX_ASSERT(crypto_scalarmult_ed25519_base_noclamp(A, a) == 0);
    crypto_core_ed25519_scalar_negate(negated, a);
    uint8_t keep = (uint8_t)((A[31] >> 7) - 1); /* 0xff: a is right already */
    for (size_t i = 0; i < 32; i++)
        a[i] = (uint8_t)((a[i] & keep) | (negated[i] & ~keep));
    A[31] &= 127;
    cr_wipe(wide, sizeof wide);
    cr_wipe(negated, sizeof negated);
}

void cr_sign(const uint8_t priv[CR_CURVE_KEY_SIZE], struct bx_str message, const uint8_t random[64],
             uint8_t out[CR_SIGNATURE_SIZE])
{
    uint8_t a[32], A[32], r[32], R[32], h[32], ha[32], s[32];
    uint8_t prefix[32];
    memset(prefix, 0xff, sizeof prefix);
    prefix[0] = 0xfe; /* hash_1 of the specification: 2^256 - 2, little endian */
    edwards_pair(priv, a, A);

    struct bx_str for_nonce[] = {bx_str_n(prefix, 32), bx_str_n(a, 32), message,
                                 bx_str_n(random, 64)};
    hash_to_scalar(for_nonce, 4, r);
    BX_ASSERT(crypto_scalarmult_ed25519_base_noclamp(R, r) == 0);
    struct bx_str for_challenge[] = {bx_str_n(R, 32), bx_str_n(A, 32), message};
    hash_to_scalar(for_challenge, 3, h);
    crypto_core_ed25519_scalar_mul(ha, h, a);
    crypto_core_ed25519_scalar_add(s, r, ha);
    memcpy(out, R, 32);
    memcpy(out + 32, s, 32);
    cr_wipe(a, sizeof a);
    cr_wipe(r, sizeof r);
}

/* y = (u - 1) / (u + 1) mod 2^255 - 19. Public values, so time may vary. False when u is not
 * canonical or has no y. */
static bool edwards_y(const uint8_t u_bytes[CR_CURVE_KEY_SIZE], uint8_t out[32])
{
    BN_CTX *ctx = BN_CTX_new();
    BIGNUM *p = BN_new(), *u = BN_lebin2bn(u_bytes, 32, NULL), *y = BN_new();
    BX_ASSERT(ctx && p && u && y);
    BX_ASSERT(BN_set_bit(p, 255) && BN_sub_word(p, 19));
    bool is_ok = BN_cmp(u, p) < 0 && BN_copy(y, u) && BN_add_word(y, 1) &&
                 BN_mod_inverse(y, y, p, ctx) && BN_add(u, u, p) && BN_sub_word(u, 1) &&
                 BN_mod_mul(y, y, u, p, ctx) && BN_bn2lebinpad(y, out, 32) == 32;
    BN_free(y);
    BN_free(u);
    BN_free(p);
    BN_CTX_free(ctx);
    return is_ok;
}

bool cr_verify(const uint8_t pub[CR_CURVE_KEY_SIZE], struct bx_str message,
               const uint8_t signature[CR_SIGNATURE_SIZE])
{
    uint8_t A[32], sig[CR_SIGNATURE_SIZE];
    if (!edwards_y(pub, A))
        return false;
    memcpy(sig, signature, sizeof sig);
    A[31] |= (uint8_t)(sig[63] & 0x80);
    sig[63] &= 0x7f;
    return crypto_sign_verify_detached(sig, (const void *)message.ptr, message.len, A) == 0;
}
