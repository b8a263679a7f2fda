#include "wa/signal/pair_code.h"

#include "base/err.h"
#include "crypto/aead.h"
#include "crypto/hash.h"
#include "crypto/hkdf.h"

enum { ROUNDS = 131072, SALT = 32, IV = 16 };

void wa_pair_code_make(const uint8_t random[5], char out[WA_PAIR_CODE_LEN + 1])
{
    static const char digits[] = "123456789ABCDEFGHJKLMNPQRSTVWXYZ";
    uint64_t bits = 0;
    for (int i = 0; i < 5; i++)
        bits = bits << 8 | random[i];
    for (int i = 0; i < WA_PAIR_CODE_LEN; i++)
        out[i] = digits[bits >> (35 - 5 * i) & 31];
    out[WA_PAIR_CODE_LEN] = '\0';
}

static void code_key(struct bx_str code, const uint8_t *salt, uint8_t key[CR_KEY_SIZE])
{
    cr_pbkdf2_sha256(code, bx_str_n(salt, SALT), ROUNDS, key, CR_KEY_SIZE);
}

void wa_pair_wrap(struct bx_str code, const uint8_t salt_iv[32 + 16],
                  const uint8_t ephemeral[CR_CURVE_KEY_SIZE], uint8_t out[WA_PAIR_WRAPPED_SIZE])
{
    uint8_t key[CR_KEY_SIZE];
    code_key(code, salt_iv, key);
    memcpy(out, salt_iv, SALT + IV);
    cr_ctr_xor(key, out + SALT, bx_str_n(ephemeral, CR_CURVE_KEY_SIZE), out + SALT + IV);
    cr_wipe(key, sizeof key);
}

int wa_pair_unwrap(struct bx_str code, struct bx_str wrapped, uint8_t out[CR_CURVE_KEY_SIZE])
{
    uint8_t key[CR_KEY_SIZE];
    const uint8_t *at = (const void *)wrapped.ptr;
    if (wrapped.len != WA_PAIR_WRAPPED_SIZE)
        return BX_E_INVALID;
    code_key(code, at, key);
    cr_ctr_xor(key, at + SALT, bx_str_n(at + SALT + IV, CR_CURVE_KEY_SIZE), out);
    cr_wipe(key, sizeof key);
    return BX_OK;
}

static void bundle_key(const uint8_t shared[32], const uint8_t salt[32], uint8_t key[32])
{
    cr_hkdf_sha256(bx_str_n(salt, 32), bx_str_n(shared, 32),
                   BX_STR("link_code_pairing_key_bundle_encryption_key"), key, 32);
}

static void adv_secret(const uint8_t shared[32], const uint8_t identities[32],
                       const uint8_t random[32], uint8_t out[32])
{
    uint8_t ikm[96];
    memcpy(ikm, shared, 32);
    memcpy(ikm + 32, identities, 32);
    memcpy(ikm + 64, random, 32);
    cr_hkdf_sha256(BX_STR(""), bx_str_n(ikm, sizeof ikm), BX_STR("adv_secret"), out, 32);
    cr_wipe(ikm, sizeof ikm);
}

int wa_pair_bundle(const struct cr_keypair *ephemeral, const uint8_t primary_ephemeral[32],
                   const struct cr_keypair *identity, const uint8_t primary_identity[32],
                   const uint8_t random[32 + 12 + 32], uint8_t out_bundle[WA_PAIR_BUNDLE_SIZE],
                   uint8_t out_adv_secret[32])
{
    uint8_t shared[32], identities[32], key[32], plain[96];
    int rc = cr_agree(ephemeral->priv, primary_ephemeral, shared);
    if (rc < 0 || (rc = cr_agree(identity->priv, primary_identity, identities)) < 0)
        return rc;
    memcpy(plain, identity->pub, 32);
    memcpy(plain + 32, primary_identity, 32);
    memcpy(plain + 64, random + 44, 32);
    bundle_key(shared, random, key);
    memcpy(out_bundle, random, 44);
    cr_gcm_seal(key, random + 32, BX_STR(""), bx_str_n(plain, sizeof plain), out_bundle + 44);
    adv_secret(shared, identities, random + 44, out_adv_secret);
    return BX_OK;
}

int wa_pair_open_bundle(const struct cr_keypair *ephemeral, const uint8_t companion_ephemeral[32],
                        const struct cr_keypair *identity, const uint8_t companion_identity[32],
                        struct bx_str bundle, uint8_t out_adv_secret[32])
{
    uint8_t shared[32], identities[32], key[32], plain[96];
    const uint8_t *at = (const void *)bundle.ptr;
    if (bundle.len != WA_PAIR_BUNDLE_SIZE)
        return BX_E_INVALID;
    int rc = cr_agree(ephemeral->priv, companion_ephemeral, shared);
    if (rc < 0 || (rc = cr_agree(identity->priv, companion_identity, identities)) < 0)
        return rc;
    bundle_key(shared, at, key);
    rc = cr_gcm_open(key, at + 32, BX_STR(""), bx_str_n(at + 44, bundle.len - 44), plain);
    if (rc < 0)
        return rc;
    if (!cr_equal(plain, companion_identity, 32) || !cr_equal(plain + 32, identity->pub, 32))
        return BX_E_CRYPTO;
    adv_secret(shared, identities, plain + 64, out_adv_secret);
    return BX_OK;
}
