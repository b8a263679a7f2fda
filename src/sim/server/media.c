/* The media host: uploads are kept in memory under their hash, downloads may ask for ranges. */
#include "sim/server/media.h"
#include "base/err.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "net/http/http_server.h"
#include "sim/core/blobs.h"
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

static void upload(struct sim *sim, struct http_exchange *x)
{
    const struct http_request *r = http_exchange_request(x);
    struct bx_str resume;
    if (http_query_get(r->query, BX_STR("resume"), &resume)) {
        http_respond(x, 200, "application/json", BX_STR("{\"resume\":0}"));
        return;
    }
    struct sim_blob *blob = sim_blob_put(sim, r->body);
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
