/* Files of the media host. */
#ifndef SIM_BLOBS_H
#define SIM_BLOBS_H

#include "sim/core/types.h"

/* Keeps the bytes under their hash; the blob is the network's. */
struct sim_blob *sim_blob_put(struct sim *sim, struct bx_str bytes);

/* Seals a history blob and puts it on the media host; fills keys and hashes; the direct path. */
struct bx_str sim_media_put_history(struct sim *sim, struct bx_str plain, uint8_t media_key[32],
                                    Wap__HistorySyncNotification *n, struct bx_arena *arena);

#endif
