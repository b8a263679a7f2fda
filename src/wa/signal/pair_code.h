/* Linking by an eight-character code (protocol map 3.3), both sides. The code protects the exchange
 * of two ephemeral keys; from their agreement and both identities follows the ADV secret.
 * Each wrap and unwrap runs PBKDF2 (131072 rounds, 60 to 100 ms): on a lane.
 */
#ifndef WA_PAIR_CODE_H
#define WA_PAIR_CODE_H

#include "crypto/curve.h"

enum {
    WA_PAIR_CODE_LEN = 8,
    WA_PAIR_WRAPPED_SIZE = 32 + 16 + 32,
    WA_PAIR_BUNDLE_SIZE = 32 + 12 + 96 + 16
};

/* From 5 random bytes; out with NUL, shown as XXXX-XXXX. */
void wa_pair_code_make(const uint8_t random[5], char out[WA_PAIR_CODE_LEN + 1]);

/* salt and iv, both random, and the ephemeral public key under the code. */
void wa_pair_wrap(struct bx_str code, const uint8_t salt_iv[32 + 16],
                  const uint8_t ephemeral[CR_CURVE_KEY_SIZE], uint8_t out[WA_PAIR_WRAPPED_SIZE]);
/* BX_E_INVALID: not WA_PAIR_WRAPPED_SIZE bytes. A wrong code gives a wrong key, not an error. */
int wa_pair_unwrap(struct bx_str code, struct bx_str wrapped, uint8_t out[CR_CURVE_KEY_SIZE]);

/* Device: the key bundle for companion_finish and the ADV secret. random: salt 32, iv 12, secret
 * 32. BX_E_CRYPTO: low-order keys. */
int wa_pair_bundle(const struct cr_keypair *ephemeral, const uint8_t primary_ephemeral[32],
                   const struct cr_keypair *identity, const uint8_t primary_identity[32],
                   const uint8_t random[32 + 12 + 32], uint8_t out_bundle[WA_PAIR_BUNDLE_SIZE],
                   uint8_t out_adv_secret[32]);
/* Phone: opens it. BX_E_INVALID (size), BX_E_CRYPTO (another code, or identities that differ). */
int wa_pair_open_bundle(const struct cr_keypair *ephemeral, const uint8_t companion_ephemeral[32],
                        const struct cr_keypair *identity, const uint8_t companion_identity[32],
                        struct bx_str bundle, uint8_t out_adv_secret[32]);

#endif
