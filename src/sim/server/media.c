/* The media host: uploads are kept in memory under their hash, downloads may ask for ranges. */
#include "base/err.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "net/http/http_server.h"
#include "sim/internal.h"
#include "wa/proto/pb.h"
#include "wa/signal/media_crypto.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const upload_paths[] = {"/mms/", "/newsletter/", "/product/", "/pps/"};

bool sim_media_owns(const struct http_request *r)
{
    for (size_t i = 0; i < BX_LEN(upload_paths); i++) {
        if (bx_str_starts(r->path, bx_str(upload_paths[i])))
            return true;
    }
    return bx_str_starts(r->path, BX_STR("/v/")) || bx_str_starts(r->path, BX_STR("/pp/"));
}

static struct sim_blob *put(struct sim *sim, struct bx_str bytes)
{
    uint8_t hash[CR_SHA256_SIZE];
    char key[80];
    cr_sha256(bytes, hash);
    bx_hex_encode(hash, sizeof hash, key);
    struct sim_blob *blob = bx_map_get(&sim->blobs, bx_str(key));
    if (blob)
        return blob;
    blob = BX_NEW(struct sim_blob);
    memcpy(blob->key, key, 65);
    blob->data = bx_realloc(NULL, bytes.len + 1, 1);
    memcpy(blob->data, bytes.ptr, bytes.len);
    blob->len = bytes.len;
    bx_map_put(&sim->blobs, bx_str(blob->key), blob);
    return blob;
}

struct bx_str sim_media_put_history(struct sim *sim, struct bx_str plain, uint8_t media_key[32],
                                    Wap__HistorySyncNotification *n, struct bx_arena *arena)
{
    struct bx_buf sealed;
    struct wa_media_hashes hashes;
    bx_buf_init(&sealed, 0);
    sim_random(sim, media_key, 32);
    BX_ASSERT(wa_media_encrypt(WA_MEDIA_HISTORY, media_key, plain, &sealed, &hashes) == BX_OK);
    struct sim_blob *blob = put(sim, bx_buf_view(&sealed));
    bx_buf_done(&sealed);
    WA_PB_SET_BYTES(n, media_key, bx_arena_str(arena, bx_str_n(media_key, 32)));
    WA_PB_SET_BYTES(n, file_sha256,
                    bx_arena_str(arena, bx_str_n(hashes.plain_sha256, CR_SHA256_SIZE)));
    WA_PB_SET_BYTES(n, file_enc_sha256,
                    bx_arena_str(arena, bx_str_n(hashes.enc_sha256, CR_SHA256_SIZE)));
    WA_PB_SET(n, file_length, plain.len);
    return bx_arena_printf(arena, "/v/t62/%s?ccb=1", blob->key);
}

static void upload(struct sim *sim, struct http_exchange *x)
{
    const struct http_request *r = http_exchange_request(x);
    struct bx_str resume;
    if (http_query_get(r->query, BX_STR("resume"), &resume)) {
        http_respond(x, 200, "application/json", BX_STR("{\"resume\":0}"));
        return;
    }
    struct sim_blob *blob = put(sim, r->body);
    sim->stats.uploads++;
    struct bx_str json =
        bx_arena_printf(http_exchange_arena(x),
                        "{\"url\":\"https://127.0.0.1:%u/v/t62/%s?ccb=1\",\"direct_path\":\"/v/t62/"
                        "%s?ccb=1\",\"handle\":\"%s\"}",
                        sim->port, blob->key, blob->key, blob->key);
    http_respond(x, 200, "application/json", json);
}

/* "bytes=from-to": only one range, as players ask. */
static bool range_of(const struct http_request *r, size_t len, size_t *from, size_t *to)
{
    struct bx_str range = http_header_get(r, BX_STR("range"));
    uint64_t a, b = len ? len - 1 : 0;
    if (!bx_str_starts(range, BX_STR("bytes=")))
        return false;
    range = bx_str_slice(range, 6, range.len);
    size_t dash = bx_str_find(range, '-');
    if (bx_str_u64(bx_str_slice(range, 0, dash), len, &a) < 0 || a >= len)
        return false;
    bx_str_u64(bx_str_slice(range, dash + 1, range.len), len, &b);
    *from = a;
    *to = b < len ? b + 1 : len;
    return *to > *from;
}

static void download(struct sim *sim, struct http_exchange *x, const uint8_t *data, size_t len,
                     const char *type)
{
    size_t from = 0, to = len;
    bool is_part = range_of(http_exchange_request(x), len, &from, &to);
    sim->stats.downloads++;
    if (is_part)
        http_add_header(
            x, "Content-Range",
            bx_arena_printf(http_exchange_arena(x), "bytes %zu-%zu/%zu", from, to - 1, len));
    http_respond(x, is_part ? 206 : 200, type, bx_str_n(data + from, to - from));
}

static struct sim_account *picture_owner(struct sim *sim, struct bx_str name)
{
    BX_LIST_EACH(&sim->account_list, node)
    {
        struct sim_account *a = BX_CONTAINER_OF(node, struct sim_account, node);
        if (a->picture && bx_str_starts(name, bx_str(a->picture_id)))
            return a;
    }
    return NULL;
}

void sim_media_handle(struct sim *sim, struct http_exchange *x)
{
    const struct http_request *r = http_exchange_request(x);
    struct bx_str path = r->path;
    http_set_close(x); /* Node's agent would reuse a connection that was just closed */
    if (r->method == HTTP_POST) {
        upload(sim, x);
        return;
    }
    if (r->method == HTTP_DELETE) {
        http_respond(x, 200, "application/json", BX_STR("{}"));
        return;
    }
    if (bx_str_starts(path, BX_STR("/pp/"))) {
        struct sim_account *a = picture_owner(sim, bx_str_slice(path, 4, path.len));
        if (a) {
            download(sim, x, a->picture, a->picture_len, "image/jpeg");
            return;
        }
    }
    struct sim_blob *blob =
        path.len > 7 ? bx_map_get(&sim->blobs, bx_str_slice(path, 7, 7 + 64)) : NULL;
    if (blob)
        download(sim, x, blob->data, blob->len, "application/octet-stream");
    else
        http_respond(x, 404, "application/json", BX_STR("{\"error\":\"no such media\"}"));
}
