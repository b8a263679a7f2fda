/* Encryption of media files (protocol map 7.2): key of 32 random bytes, AES-256-CBC, and a MAC of
 * ten bytes behind the ciphertext. Whole files in memory; callers cap them.
 */
#ifndef WA_MEDIA_CRYPTO_H
#define WA_MEDIA_CRYPTO_H

#include "base/buf.h"
#include "wa/media_stream.h"

struct wa_media_keys {
    uint8_t iv[16], cipher_key[32], mac_key[32], ref_key[32];
};

void wa_media_derive(enum wa_media_kind kind, const uint8_t media_key[32],
                     struct wa_media_keys *out);

/* Appends ciphertext and MAC. BX_E_TOO_BIG, BX_E_NOMEM. */
int wa_media_encrypt(enum wa_media_kind kind, const uint8_t media_key[32], struct bx_str plain,
                     struct bx_buf *out, struct wa_media_hashes *out_hashes);

/* Checks enc_sha256 and plain_sha256 (each may be NULL) and the MAC, appends the plaintext.
 * BX_E_CRYPTO, BX_E_TOO_BIG, BX_E_NOMEM; out is as before then. */
int wa_media_decrypt(enum wa_media_kind kind, const uint8_t media_key[32], struct bx_str file,
                     const uint8_t *enc_sha256, const uint8_t *plain_sha256, struct bx_buf *out);

#endif
