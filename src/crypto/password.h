/* Passwords: argon2id through libsodium, the parameters stored inside the text. Costs memory and
 * tens of milliseconds on purpose: call it on a lane, with a cap on how many run at once.
 */
#ifndef CR_PASSWORD_H
#define CR_PASSWORD_H

#include "base/str.h"

enum { CR_PASSWORD_TEXT_SIZE = 128 };

struct cr_password_cost {
    unsigned ops;     /* passes over the memory, at least 1 */
    size_t mem_bytes; /* at least 8 KiB */
};

/* OWASP's second choice: 19 MiB, 2 passes. */
extern const struct cr_password_cost CR_PASSWORD_COST;

/* out becomes "$argon2id$v=19$m=...". BX_E_NOMEM, BX_E_TOO_BIG (password beyond 1 KiB). */
int cr_password_hash(struct bx_str password, struct cr_password_cost cost,
                     char out[CR_PASSWORD_TEXT_SIZE]);

/* BX_OK, BX_E_AUTH (wrong), BX_E_CORRUPT (the stored text is none of ours), BX_E_NOMEM. */
int cr_password_verify(struct bx_str password, const char *stored);

/* The same work as a verification, for a user that does not exist; always BX_E_AUTH. */
int cr_password_verify_nobody(struct bx_str password, struct cr_password_cost cost);

/* Hashed with another cost than this one: hash again at the next login. */
bool cr_password_needs_rehash(const char *stored, struct cr_password_cost cost);

#endif
