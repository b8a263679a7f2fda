/* AES-256-CBC with PKCS#7 over input that arrives in pieces. One thread at a time. */
#ifndef CR_CBC_H
#define CR_CBC_H

#include "crypto/aead.h"

struct cr_cbc;

/* Returns it (free with cr_cbc_free, which wipes the key). */
struct cr_cbc *cr_cbc_new(const uint8_t key[CR_KEY_SIZE], const uint8_t iv[CR_CBC_IV_SIZE],
                          bool is_encrypting);
void cr_cbc_free(struct cr_cbc *c); /* NULL is allowed */

/* out has room for in.len + 16 bytes and does not overlap in; *out_len is what was written. */
void cr_cbc_update(struct cr_cbc *c, struct bx_str in, uint8_t *out, size_t *out_len);
/* The last bytes: out has room for 16. BX_E_CRYPTO (decrypting): wrong length or padding. */
int cr_cbc_finish(struct cr_cbc *c, uint8_t *out, size_t *out_len);

#endif
