/* Files of the media host, in memory, under the hash of what was uploaded. */
#include "sim/core/blobs.h"
#include "base/err.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "sim/core/random.h"
#include "wa/proto/pb.h"
#include "wa/signal/media_crypto.h"

#include <stdlib.h>

struct sim_blob *sim_blob_put(struct sim *sim, struct bx_str bytes)
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
    struct sim_blob *blob = sim_blob_put(sim, bx_buf_view(&sealed));
    bx_buf_done(&sealed);
    WA_PB_SET_BYTES(n, media_key, bx_arena_str(arena, bx_str_n(media_key, 32)));
    WA_PB_SET_BYTES(n, file_sha256,
                    bx_arena_str(arena, bx_str_n(hashes.plain_sha256, CR_SHA256_SIZE)));
    WA_PB_SET_BYTES(n, file_enc_sha256,
                    bx_arena_str(arena, bx_str_n(hashes.enc_sha256, CR_SHA256_SIZE)));
    WA_PB_SET(n, file_length, plain.len);
    return bx_arena_printf(arena, "/v/t62/%s?ccb=1", blob->key);
}
