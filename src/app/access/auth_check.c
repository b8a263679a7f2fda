/* From credentials to a principal. The signature is checked before anything is looked up, so a
 * foreign token costs microseconds and tells nothing. */
#include "app/access/credentials.h"

#include "app/core/config.h"
#include "app/core/context.h"
#include "base/clock.h"
#include "crypto/hash.h"
#include "crypto/jwt.h"

#define KEY_PREFIX "wbk_"

struct bx_str wb_bearer(struct bx_str header)
{
    header = bx_str_trim(header);
    if (header.len >= 7 && bx_str_ieq(bx_str_slice(header, 0, 7), BX_STR("Bearer ")))
        return bx_str_trim(bx_str_slice(header, 7, header.len));
    return header;
}

int wb_credentials_of(const struct http_request *r, struct wb_credentials *out)
{
    *out = (struct wb_credentials){0};
    struct bx_str key = http_header_get(r, BX_STR("x-api-key"));
    if (key.len) {
        *out = (struct wb_credentials){key, true};
        return BX_OK;
    }
    struct bx_str header = http_header_get(r, BX_STR("authorization"));
    if (header.len == 0)
        return BX_OK;
    if (header.len < 7 || !bx_str_ieq(bx_str_slice(header, 0, 7), BX_STR("Bearer ")))
        return BX_E_INVALID;
    out->text = wb_bearer(header);
    return BX_OK;
}

void wb_client_ip(const struct wb_app *app, struct bx_str peer, struct bx_str forwarded_for,
                  char out[WB_IP_SIZE])
{
    struct bx_str piece;
    while (app->config->trust_proxy && bx_str_split(&forwarded_for, ',', &piece)) {
        if (bx_str_trim(piece).len)
            peer = bx_str_trim(piece);
    }
    if (bx_str_copy(peer, out, WB_IP_SIZE) < 0)
        bx_str_copy(BX_STR("unknown"), out, WB_IP_SIZE);
}

static const char *why(int rc, bool is_key)
{
    switch (rc) {
    case BX_E_NOT_FOUND:
        return "Access token is missing. Send the header Authorization: Bearer <token>.";
    case BX_E_INVALID:
        return is_key ? "The API key is malformed." : "The access token is malformed.";
    case BX_E_EXPIRED:
        return is_key ? "The API key has expired." : "The access token has expired. Log in again.";
    case BX_E_CLOSED:
        return is_key ? "The API key was revoked." : "The access token was revoked. Log in again.";
    default:
        return is_key ? "The API key is not valid." : "The access token is not valid.";
    }
}

static void key_hash(struct bx_str key, uint8_t hash[CR_SHA256_SIZE])
{
    cr_sha256(key, hash);
}

static int by_key(struct wb_app *app, struct bx_str key, struct wb_principal *out)
{
    if (!bx_str_starts(key, BX_STR(KEY_PREFIX)) || key.len > 128)
        return BX_E_INVALID;
    uint8_t hash[CR_SHA256_SIZE];
    key_hash(key, hash);
    return wb_access_by_key(app->access, hash, bx_wall_ms(), out);
}

static int by_token(struct wb_app *app, struct bx_str token, struct wb_principal *out)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 64 << 10);
    struct cr_jwt_claims claims;
    int rc = cr_jwt_verify(app->jwt_key, token, bx_wall_ms() / 1000, &arena, &claims);
    uint64_t sub = 0;
    if (rc == BX_OK && bx_str_u64(claims.sub, INT64_MAX, &sub) < 0)
        rc = BX_E_AUTH;
    if (rc == BX_OK)
        rc = wb_access_by_token(app->access, claims.id, out);
    if (rc == BX_OK && out->user_id != (int64_t)sub)
        rc = BX_E_AUTH;
    bx_arena_done(&arena);
    return rc;
}

int wb_authenticate(struct wb_app *app, const struct wb_credentials *c, struct wb_principal *out,
                    const char **out_why)
{
    int rc = c->text.len == 0 ? BX_E_NOT_FOUND
             : c->is_api_key  ? by_key(app, c->text, out)
                              : by_token(app, c->text, out);
    if (rc < 0)
        *out_why = why(rc, c->is_api_key);
    return rc;
}

int wb_authenticate_learn(struct wb_app *app, struct st_conn *conn, const struct wb_credentials *c)
{
    if (c->is_api_key) {
        uint8_t hash[CR_SHA256_SIZE];
        key_hash(c->text, hash);
        return wb_access_learn_key(app->access, conn, hash);
    }
    struct bx_arena arena;
    bx_arena_init(&arena, 64 << 10);
    struct cr_jwt_claims claims;
    int rc = cr_jwt_verify(app->jwt_key, c->text, bx_wall_ms() / 1000, &arena, &claims);
    if (rc == BX_OK)
        rc = wb_access_learn_token(app->access, conn, claims.id);
    bx_arena_done(&arena);
    return rc;
}
