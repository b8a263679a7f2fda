#include "crypto/jwt.h"

#include "base/base64.h"
#include "base/err.h"
#include "base/json_scan.h"
#include "base/utf8.h"

#include <errno.h>
#include <jwt.h>
#include <limits.h>
#include <stdlib.h>

static bool is_claim_text(struct bx_str s)
{
    return s.len > 0 && s.len <= CR_JWT_ID_MAX && !memchr(s.ptr, '\0', s.len) &&
           bx_utf8_is_valid(s);
}

/* libjwt counts in int and wants texts with a NUL. */
int cr_jwt_issue(struct bx_str key, const struct cr_jwt_claims *claims, struct bx_arena *arena,
                 struct bx_str *out_token)
{
    if (key.len < CR_JWT_KEY_MIN || key.len > INT_MAX || !is_claim_text(claims->id) ||
        !is_claim_text(claims->sub) || claims->exp_s < claims->iat_s || claims->iat_s < 0)
        return BX_E_INVALID;
    jwt_t *jwt = NULL;
    BX_ASSERT(jwt_new(&jwt) == 0);
    BX_ASSERT(jwt_set_alg(jwt, JWT_ALG_HS256, (const void *)key.ptr, (int)key.len) == 0);
    const char *id = bx_arena_strndup(arena, claims->id.ptr, claims->id.len);
    const char *sub = bx_arena_strndup(arena, claims->sub.ptr, claims->sub.len);
    BX_ASSERT(jwt_add_grant(jwt, "id", id) == 0 && jwt_add_grant(jwt, "sub", sub) == 0);
    BX_ASSERT(jwt_add_grant_int(jwt, "iat", claims->iat_s) == 0);
    BX_ASSERT(jwt_add_grant_int(jwt, "exp", claims->exp_s) == 0);
    char *text = jwt_encode_str(jwt);
    BX_ASSERT(text);
    *out_token = bx_arena_str(arena, bx_str(text));
    free(text);
    jwt_free(jwt);
    return BX_OK;
}

/* The JSON object of one base64url part. */
static int part_json(struct bx_str part, struct bx_arena *arena, struct bx_str *out)
{
    uint8_t *plain = bx_arena_alloc(arena, part.len + 1);
    size_t len;
    if (memchr(part.ptr, '=', part.len) || bx_base64_decode(part, plain, &len) < 0)
        return BX_E_INVALID;
    struct bx_str text = bx_str_n(plain, len), value;
    if (!bx_utf8_is_valid(text) || bx_json_check(text, 8, &value, NULL) < 0 ||
        bx_json_type(value) != BX_JSON_OBJECT)
        return BX_E_INVALID;
    *out = value;
    return BX_OK;
}

static int claim_text(struct bx_str payload, struct bx_str name, struct bx_arena *arena,
                      struct bx_str *out)
{
    struct bx_str value, text;
    if (!bx_json_get(payload, name, &value) || bx_json_string(value, arena, &text) < 0 ||
        !is_claim_text(text))
        return BX_E_INVALID;
    *out = text;
    return BX_OK;
}

static int claim_int(struct bx_str payload, struct bx_str name, int64_t *out)
{
    struct bx_str value;
    return bx_json_get(payload, name, &value) ? bx_json_int(value, out) : BX_E_INVALID;
}

/* Algorithm and claims, before anything is believed. */
static int token_read(struct bx_str token, struct bx_arena *arena, struct cr_jwt_claims *out)
{
    struct bx_str rest = token, header, payload, signature, surplus, json, alg;
    if (token.len > CR_JWT_TEXT_MAX || memchr(token.ptr, '\0', token.len))
        return BX_E_INVALID;
    if (!bx_str_split(&rest, '.', &header) || !bx_str_split(&rest, '.', &payload) ||
        !bx_str_split(&rest, '.', &signature) || bx_str_split(&rest, '.', &surplus))
        return BX_E_INVALID;
    if (part_json(header, arena, &json) < 0 || claim_text(json, BX_STR("alg"), arena, &alg) < 0 ||
        !bx_str_is(alg, "HS256"))
        return BX_E_INVALID;
    if (part_json(payload, arena, &json) < 0 ||
        claim_text(json, BX_STR("id"), arena, &out->id) < 0 ||
        claim_text(json, BX_STR("sub"), arena, &out->sub) < 0 ||
        claim_int(json, BX_STR("iat"), &out->iat_s) < 0 ||
        claim_int(json, BX_STR("exp"), &out->exp_s) < 0)
        return BX_E_INVALID;
    return BX_OK;
}

int cr_jwt_verify(struct bx_str key, struct bx_str token, int64_t now_s, struct bx_arena *arena,
                  struct cr_jwt_claims *out)
{
    struct cr_jwt_claims claims;
    if (token.len == 0)
        return BX_E_NOT_FOUND;
    if (key.len < CR_JWT_KEY_MIN || key.len > INT_MAX)
        return BX_E_INVALID;
    int rc = token_read(token, arena, &claims);
    if (rc < 0)
        return rc;
    jwt_t *jwt = NULL;
    const char *text = bx_arena_strndup(arena, token.ptr, token.len);
    int failure = jwt_decode(&jwt, text, (const void *)key.ptr, (int)key.len);
    bool is_hs256 = failure == 0 && jwt_get_alg(jwt) == JWT_ALG_HS256;
    jwt_free(jwt);
    if (failure == ENOMEM)
        return BX_E_NOMEM;
    if (!is_hs256)
        return BX_E_AUTH;
    if (claims.exp_s <= now_s)
        return BX_E_EXPIRED;
    *out = claims;
    return BX_OK;
}

const char *cr_jwt_failure(int rc)
{
    switch (rc) {
    case BX_E_NOT_FOUND:
        return "missing";
    case BX_E_INVALID:
        return "malformed";
    case BX_E_EXPIRED:
        return "expired";
    default:
        return "invalid";
    }
}
