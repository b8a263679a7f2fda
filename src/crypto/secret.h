/* The secret box for credentials at rest: XChaCha20-Poly1305 under the master key of the data
 * directory. Each box is bound to a context ("session:42"), so a stored box cannot be moved to
 * another row. Any thread.
 */
#ifndef CR_SECRET_H
#define CR_SECRET_H

#include "base/str.h"

enum { CR_SECRET_KEY_SIZE = 32, CR_SECRET_OVERHEAD = 1 + 24 + 16 };

/* out has plain.len + CR_SECRET_OVERHEAD bytes: version 1, nonce, ciphertext, tag. */
void cr_secret_seal(const uint8_t key[CR_SECRET_KEY_SIZE], struct bx_str context,
                    struct bx_str plain, uint8_t *out);

/* out has box.len - CR_SECRET_OVERHEAD bytes. BX_E_VERSION (a newer program wrote it), BX_E_CRYPTO
 * (another key, another context, or damage). */
int cr_secret_open(const uint8_t key[CR_SECRET_KEY_SIZE], struct bx_str context, struct bx_str box,
                   uint8_t *out);

/* A key of its own for a purpose, from the master key. */
void cr_secret_subkey(const uint8_t master[CR_SECRET_KEY_SIZE], struct bx_str purpose,
                      uint8_t out[CR_SECRET_KEY_SIZE]);

#endif
