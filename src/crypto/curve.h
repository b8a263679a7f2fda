/* X25519 key agreement (RFC 7748) and XEdDSA signatures (signal.org/docs/specifications/xeddsa)
 * with the same key pair, over libsodium. Any thread.
 *
 * Signers of Signal's older scheme put the sign of the Edwards point into the top bit of the
 * signature; both forms verify here, ours has the bit clear.
 */
#ifndef CR_CURVE_H
#define CR_CURVE_H

#include "base/str.h"

enum { CR_CURVE_KEY_SIZE = 32, CR_SIGNATURE_SIZE = 64 };

struct cr_keypair {
    uint8_t priv[CR_CURVE_KEY_SIZE]; /* clamped */
    uint8_t pub[CR_CURVE_KEY_SIZE];  /* Montgomery u, without the 05 type byte */
};

void cr_keypair_generate(struct cr_keypair *out);

/* From 32 secret bytes (clamped here). */
void cr_keypair_from_private(const uint8_t priv[CR_CURVE_KEY_SIZE], struct cr_keypair *out);

/* BX_E_CRYPTO when the peer's key has low order (the secret would be all zero). */
int cr_agree(const uint8_t priv[CR_CURVE_KEY_SIZE], const uint8_t peer_pub[CR_CURVE_KEY_SIZE],
             uint8_t out[CR_CURVE_KEY_SIZE]);

/* `random` makes the signature unpredictable; 64 fresh bytes (bx_random), never reused. */
void cr_sign(const uint8_t priv[CR_CURVE_KEY_SIZE], struct bx_str message, const uint8_t random[64],
             uint8_t out[CR_SIGNATURE_SIZE]);

bool cr_verify(const uint8_t pub[CR_CURVE_KEY_SIZE], struct bx_str message,
               const uint8_t signature[CR_SIGNATURE_SIZE]);

#endif
