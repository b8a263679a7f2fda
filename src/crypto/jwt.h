/* Web tokens (RFC 7519), HS256 only. The header is read before libjwt sees the token: anything but
 * {"alg":"HS256"} is refused, so no other algorithm can be talked into. Any thread.
 */
#ifndef CR_JWT_H
#define CR_JWT_H

#include "base/arena.h"
#include "base/str.h"

struct cr_jwt_claims {
    struct bx_str id;  /* of the login (session), what a logout revokes */
    struct bx_str sub; /* user id */
    int64_t iat_s, exp_s;
};

enum { CR_JWT_KEY_MIN = 16, CR_JWT_TEXT_MAX = 2048, CR_JWT_ID_MAX = 256 };

/* Borrows everything; *out_token is in the arena. BX_E_INVALID: key shorter than CR_JWT_KEY_MIN, id
 * or sub empty, longer than CR_JWT_ID_MAX or with a NUL, exp before iat. */
int cr_jwt_issue(struct bx_str key, const struct cr_jwt_claims *claims, struct bx_arena *arena,
                 struct bx_str *out_token);

/* Texts of *out are in the arena.
 *   BX_E_NOT_FOUND  missing: the token is empty
 *   BX_E_INVALID    malformed: not three parts, wrong algorithm, claims absent or of a wrong type
 *   BX_E_AUTH       the signature is not ours
 *   BX_E_EXPIRED    genuine, but exp has come */
int cr_jwt_verify(struct bx_str key, struct bx_str token, int64_t now_s, struct bx_arena *arena,
                  struct cr_jwt_claims *out);

/* "missing", "malformed", "invalid" or "expired": what a 401 says for a failure of cr_jwt_verify.
 */
const char *cr_jwt_failure(int rc);

#endif
