/* Inside media/. */
#ifndef WB_MEDIA_INTERNAL_H
#define WB_MEDIA_INTERNAL_H

#include "app/core/chore.h"
#include "app/events/sinks.h"
#include "app/media/media_queue.h"
#include "base/list.h"
#include "blob/blob.h"
#include "media/media.h"
#include "net/fetch/transfer.h"
#include "store/store.h"

enum { WB_MEDIA_LANES = 2 };

struct wb_media {
    struct wb_app *app;
    struct bl_store *blobs;
    struct net_transfers *transfers;
    struct md_runner *runner;
    struct net_lane lanes[WB_MEDIA_LANES]; /* decrypting */
    struct net_lane reads;                 /* rows */
    unsigned next_lane;
    struct net_timer tick;
    struct wb_sink sink;
    struct wb_chore chore;
    struct bx_list downloads, waiters;
    unsigned running;
    bool is_looking, is_dirty, is_sweeping, is_stopping;
    unsigned closing; /* parts that still close */
};

/* Begins to fetch the file of a row; *row is copied. */
void wb_download_start(struct wb_media *m, const struct st_media *row);
unsigned wb_downloads_of(const struct wb_media *m, int64_t number_id, int64_t message_id,
                         bool *out_has_message);
void wb_downloads_cancel(struct wb_media *m);
/* One is over, whatever came of it. */
void wb_media_ended(struct wb_media *m, int64_t message_id);

/* serve.c */
void wb_serve_mount(struct wb_media *m);
void wb_serve_changed(struct wb_media *m, int64_t message_id);

#endif
