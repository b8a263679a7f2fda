#include "crypto/password.h"

#include "base/err.h"
#include "crypto/evp.h"

#include <errno.h>
#include <sodium.h>

enum { PASSWORD_MAX = 1024 };

_Static_assert(CR_PASSWORD_TEXT_SIZE >= crypto_pwhash_STRBYTES, "room for libsodium's text");

const struct cr_password_cost CR_PASSWORD_COST = {.ops = 2, .mem_bytes = 19u << 20};

int cr_password_hash(struct bx_str password, struct cr_password_cost cost,
                     char out[CR_PASSWORD_TEXT_SIZE])
{
    if (password.len > PASSWORD_MAX)
        return BX_E_TOO_BIG;
    cr_evp();
    char text[crypto_pwhash_STRBYTES];
    if (crypto_pwhash_str_alg(text, password.ptr, password.len, cost.ops, cost.mem_bytes,
                              crypto_pwhash_ALG_ARGON2ID13) != 0)
        return BX_E_NOMEM;
    memcpy(out, text, sizeof text);
    return BX_OK;
}

int cr_password_verify(struct bx_str password, const char *stored)
{
    if (!bx_str_starts(bx_str(stored), BX_STR("$argon2id$")) ||
        strlen(stored) >= crypto_pwhash_STRBYTES)
        return BX_E_CORRUPT;
    if (password.len > PASSWORD_MAX)
        return BX_E_AUTH;
    cr_evp();
    errno = 0;
    if (crypto_pwhash_str_verify(stored, password.ptr, password.len) == 0)
        return BX_OK;
    return errno == ENOMEM ? BX_E_NOMEM : BX_E_AUTH;
}

int cr_password_verify_nobody(struct bx_str password, struct cr_password_cost cost)
{
    char ignored[CR_PASSWORD_TEXT_SIZE];
    (void)cr_password_hash(bx_str_slice(password, 0, PASSWORD_MAX), cost, ignored);
    return BX_E_AUTH;
}

bool cr_password_needs_rehash(const char *stored, struct cr_password_cost cost)
{
    cr_evp();
    return crypto_pwhash_str_needs_rehash(stored, cost.ops, cost.mem_bytes) != 0;
}
