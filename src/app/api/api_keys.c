#include "app/api/api_keys.h"

#include "app/access/access.h"
#include "app/core/context.h"
#include "app/views/shapes.h"
#include "base/clock.h"
#include "base/mem.h"
#include "crypto/hash.h"

#define END                                                                                        \
    {                                                                                              \
        .type = WB_END                                                                             \
    }
#define MISSING "API key not found"

enum { SECRET_BYTES = 24, PREFIX_CHARS = 10, NUMBERS_MAX = 1000, EXPIRY_MAX_SECONDS = 315360000 };

#define KEY_FIELDS                                                                                 \
    {"id", WB_INT, MUST}, {"name", WB_STR, MUST},                                                  \
        {"prefix", WB_STR, MUST, .help = "First characters, to tell keys apart."},                 \
        {"scopes", WB_LIST, MUST, .item = WB_ENUM, .choices = "read|send|manage"},                 \
        {"whatsappNumberIds", WB_LIST, MUST_OR_NULL, .item = WB_INT,                               \
         .help = "null: every number."},                                                           \
        {"createdAt", WB_TIME, MUST}, {"lastUsedAt", WB_TIME, MUST_OR_NULL},                       \
    {                                                                                              \
        "expiresAt", WB_TIME, MUST_OR_NULL                                                         \
    }

static const struct wb_schema key_shape = {.name = "ApiKey",
                                           .fields = (const struct wb_field[]){KEY_FIELDS, END}};

static const struct wb_schema key_with_secret = {
    .name = "ApiKeyWithSecret",
    .fields = (const struct wb_field[]){
        KEY_FIELDS, {"key", WB_STR, MUST, .help = "Shown this once."}, END}};

const struct wb_schema wb_api_key_body = {
    .name = "ApiKeyCreate",
    .fields = (const struct wb_field[]){
        {"name", WB_STR, MUST, 1, 120},
        {"scopes", WB_LIST, MUST, 1, 3, .item = WB_ENUM, .choices = "read|send|manage"},
        {"whatsappNumberIds", WB_LIST, 0, 0, NUMBERS_MAX, .item = WB_INT,
         .help = "Absent or empty: every number."},
        {"expiresInSeconds", WB_INT, 0, 1, EXPIRY_MAX_SECONDS,
         .help = "Absent: it does not expire."},
        END}};

const struct wb_schema wb_api_keys_answer = {
    .name = "ApiKeyList",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"data", WB_LIST, MUST, .ref = &key_shape},
                                        END}};

const struct wb_schema wb_api_key_answer = {
    .name = "ApiKeyAnswer",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"data", WB_REF, MUST, .ref = &key_shape},
                                        END}};

const struct wb_schema wb_api_key_made = {
    .name = "ApiKeyMade",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"data", WB_REF, MUST, .ref = &key_with_secret},
                                        END}};

static const struct {
    const char *name;
    unsigned bit;
} scopes[] = {{"read", ST_SCOPE_READ}, {"send", ST_SCOPE_SEND}, {"manage", ST_SCOPE_MANAGE}};

static void key_fields_write(struct bx_json_writer *w, const struct st_api_key *k)
{
    bx_json_key_i64(w, "id", k->id);
    bx_json_key_str(w, "name", k->name);
    bx_json_key_str(w, "prefix", k->prefix);
    bx_json_key(w, "scopes");
    bx_json_array(w);
    for (size_t i = 0; i < BX_LEN(scopes); i++) {
        if (k->scopes & scopes[i].bit)
            bx_json_cstr(w, scopes[i].name);
    }
    bx_json_end(w);
    bx_json_key(w, "whatsappNumberIds");
    if (k->number_count == 0) {
        bx_json_null(w);
    } else {
        bx_json_array(w);
        for (size_t i = 0; i < k->number_count; i++)
            bx_json_i64(w, k->number_ids[i]);
        bx_json_end(w);
    }
    bx_json_key_time(w, "createdAt", k->created_at);
    wb_key_time_or_null(w, "lastUsedAt", k->last_used_at);
    wb_key_time_or_null(w, "expiresAt", k->expires_at);
}

static void key_write(struct bx_json_writer *w, const struct st_api_key *k)
{
    bx_json_object(w);
    key_fields_write(w, k);
    bx_json_end(w);
}

int wb_api_keys_list(struct wb_request *rq)
{
    struct st_api_key *rows;
    size_t count;
    int rc = st_api_key_list(rq->conn, &rq->arena, &rows, &count);
    if (rc < 0)
        return rc;
    wb_answer_data(rq, "API keys retrieved successfully");
    bx_json_array(&rq->w);
    for (size_t i = 0; i < count; i++) {
        if (!rows[i].revoked_at)
            key_write(&rq->w, &rows[i]);
    }
    bx_json_end(&rq->w);
    return wb_answer_end(rq);
}

static int key_find(struct wb_request *rq, int64_t id, struct st_api_key *out)
{
    struct st_api_key *rows;
    size_t count;
    int rc = st_api_key_list(rq->conn, &rq->arena, &rows, &count);
    for (size_t i = 0; rc == BX_OK && i < count; i++) {
        if (rows[i].id == id && !rows[i].revoked_at)
            return *out = rows[i], BX_OK;
    }
    return rc < 0 ? rc : BX_E_NOT_FOUND;
}

int wb_api_keys_get(struct wb_request *rq)
{
    struct st_api_key key;
    int rc = key_find(rq, rq->ids[0], &key);
    if (rc < 0)
        return wb_fail(rq, rc, MISSING);
    wb_answer_data(rq, "API key retrieved successfully");
    key_write(&rq->w, &key);
    return wb_answer_end(rq);
}

static unsigned scopes_of(const json_t *list)
{
    unsigned bits = 0;
    for (size_t i = 0; i < json_array_size(list); i++) {
        for (size_t s = 0; s < BX_LEN(scopes); s++) {
            if (bx_str_eq(bx_str(json_string_value(json_array_get(list, i))),
                          bx_str(scopes[s].name)))
                bits |= scopes[s].bit;
        }
    }
    return bits;
}

static int numbers_of(struct wb_request *rq, const json_t *list, struct st_api_key *key)
{
    key->number_count = json_array_size(list);
    int64_t *ids = bx_arena_alloc(&rq->arena, (key->number_count + 1) * sizeof *ids);
    for (size_t i = 0; i < key->number_count; i++) {
        struct st_number number;
        ids[i] = json_integer_value(json_array_get(list, i));
        int rc = st_number_get(rq->conn, ids[i], &rq->arena, &number);
        if (rc < 0)
            return wb_fail_field(rq, "whatsappNumberIds", "WhatsApp number %lld not found",
                                 (long long)ids[i]);
    }
    key->number_ids = ids;
    return BX_OK;
}

int wb_api_keys_create(struct wb_request *rq)
{
    uint8_t secret[SECRET_BYTES], hash[CR_SHA256_SIZE];
    char hex[2 * SECRET_BYTES + 1];
    bx_random(secret, sizeof secret);
    bx_hex_encode(secret, sizeof secret, hex);
    struct bx_str text = bx_arena_printf(&rq->arena, "wbk_%s", hex);
    cr_sha256(text, hash);
    struct st_api_key key = {.name = bx_str_trim(wb_json_str(rq->body, "name")),
                             .key_hash = bx_str_n(hash, sizeof hash),
                             .prefix = bx_str_slice(text, 0, PREFIX_CHARS),
                             .scopes = scopes_of(json_object_get(rq->body, "scopes")),
                             .created_by = rq->who.user_id,
                             .created_at = st_tx_now(rq->tx)};
    int64_t lives_s = wb_json_int(rq->body, "expiresInSeconds", 0);
    key.expires_at = lives_s ? key.created_at + 1000 * lives_s : 0;
    int rc = numbers_of(rq, json_object_get(rq->body, "whatsappNumberIds"), &key);
    if (rc == BX_OK)
        rc = st_api_key_insert(rq->tx, &key, &key.id);
    if (rc < 0)
        return rc;
    rq->audit_target = bx_arena_printf(&rq->arena, "api-key:%lld", (long long)key.id);
    wb_answer_data(rq, "API key created. Keep it now: it is not shown again.");
    bx_json_object(&rq->w);
    key_fields_write(&rq->w, &key);
    bx_json_key_str(&rq->w, "key", text);
    bx_json_end(&rq->w);
    return wb_answer_end(rq);
}

static void on_deleted(struct wb_request *rq)
{
    wb_access_key_gone(rq->app->access, rq->ids[0]);
}

int wb_api_keys_delete(struct wb_request *rq)
{
    struct st_api_key key;
    int rc = key_find(rq, rq->ids[0], &key);
    if (rc == BX_OK)
        rc = st_api_key_revoke(rq->tx, rq->ids[0]);
    if (rc < 0)
        return wb_fail(rq, rc, MISSING);
    rq->after = on_deleted;
    rq->audit_target = bx_arena_printf(&rq->arena, "api-key:%lld", (long long)rq->ids[0]);
    wb_answer_open(rq, "API key deleted successfully");
    return wb_answer_end(rq);
}
