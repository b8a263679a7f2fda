/* AES-256 in the three modes WhatsApp uses: GCM (Noise, wrapped keys), CBC with PKCS#7 (Signal,
 * media, app state) and CTR (pairing codes). Any thread.
 */
#ifndef CR_AEAD_H
#define CR_AEAD_H

#include "base/str.h"

enum { CR_KEY_SIZE = 32, CR_GCM_IV_SIZE = 12, CR_GCM_TAG_SIZE = 16, CR_CBC_IV_SIZE = 16 };

/* out has plain.len + CR_GCM_TAG_SIZE bytes: ciphertext, then tag. out may be plain.ptr. */
void cr_gcm_seal(const uint8_t key[CR_KEY_SIZE], const uint8_t iv[CR_GCM_IV_SIZE],
                 struct bx_str aad, struct bx_str plain, uint8_t *out);

/* sealed = ciphertext and tag; out has sealed.len - CR_GCM_TAG_SIZE bytes and may be sealed.ptr.
 * BX_E_CRYPTO when the tag does not match or there is none; the content of out is then undefined.
 */
int cr_gcm_open(const uint8_t key[CR_KEY_SIZE], const uint8_t iv[CR_GCM_IV_SIZE], struct bx_str aad,
                struct bx_str sealed, uint8_t *out);

/* out has CR_CBC_SIZE(plain.len) bytes, all of them written. */
#define CR_CBC_SIZE(len) (((len) / 16 + 1) * 16)
void cr_cbc_encrypt(const uint8_t key[CR_KEY_SIZE], const uint8_t iv[CR_CBC_IV_SIZE],
                    struct bx_str plain, uint8_t *out);

/* out has cipher.len bytes. BX_E_CRYPTO on a wrong length or padding: check a MAC first, always. */
int cr_cbc_decrypt(const uint8_t key[CR_KEY_SIZE], const uint8_t iv[CR_CBC_IV_SIZE],
                   struct bx_str cipher, uint8_t *out, size_t *out_len);

/* Its own inverse. out has data.len bytes and may be data.ptr. */
void cr_ctr_xor(const uint8_t key[CR_KEY_SIZE], const uint8_t iv[CR_CBC_IV_SIZE],
                struct bx_str data, uint8_t *out);

#endif
