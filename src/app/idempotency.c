#include "app/idempotency.h"

#include "app/route.h"
#include "base/mem.h"
#include "crypto/hash.h"

static struct bx_str key_of(const struct wb_request *rq, struct bx_str client_id)
{
    return rq->idempotency_key.len ? rq->idempotency_key : client_id;
}

static int64_t principal_of(const struct wb_request *rq)
{
    return rq->who.api_key_id ? -rq->who.api_key_id : rq->who.user_id;
}

static void hash_request(const struct wb_request *rq, uint8_t out[CR_SHA256_SIZE])
{
    const struct bx_str parts[] = {bx_str(wb_method_name(rq->route->method)), bx_str_n("\n", 1),
                                   rq->path, bx_str_n("\n", 1), rq->body_text};
    cr_sha256_v(parts, BX_LEN(parts), out);
}

int wb_idempotency_begin(struct wb_request *rq, struct bx_str client_id)
{
    struct bx_str key = key_of(rq, client_id);
    if (key.len == 0)
        return BX_OK;
    if (key.len > WB_KEY_MAX)
        return wb_fail_field(rq, "Idempotency-Key", "The idempotency key is longer than %d bytes",
                             WB_KEY_MAX);
    uint8_t hash[CR_SHA256_SIZE];
    hash_request(rq, hash);
    rq->idempotency_key = bx_arena_str(&rq->arena, key);
    struct st_idempotency claim = {.principal = principal_of(rq),
                                   .key = rq->idempotency_key,
                                   .request_hash = bx_str_n(hash, sizeof hash)},
                          found;
    int rc = st_idempotency_claim(rq->tx, &claim, &rq->arena, &found);
    if (rc == BX_E_CONFLICT)
        return wb_fail_status(rq, 422, "This idempotency key was used for another request");
    if (rc != BX_E_DUPLICATE)
        return rc;
    if (!found.response.ptr)
        return wb_fail(rq, BX_E_CONFLICT, "The first request with this key is still under way");
    rq->status = (int)found.http_status;
    rc = bx_buf_str(&rq->out, found.response);
    return rc < 0 ? rc : WB_REPLAYED;
}

int wb_idempotency_keep(struct wb_request *rq, int64_t message_id, int rc)
{
    if (rc < 0 || rq->idempotency_key.len == 0)
        return rc;
    struct st_idempotency answer = {.principal = principal_of(rq),
                                    .key = rq->idempotency_key,
                                    .message_id = message_id,
                                    .http_status = rq->status          ? rq->status
                                                   : rq->route->status ? rq->route->status
                                                                       : 200,
                                    .response = bx_buf_view(&rq->out)};
    int kept = st_idempotency_finish(rq->tx, &answer);
    return kept < 0 ? kept : rc;
}
