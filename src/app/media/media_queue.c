/* The queue: what is due starts, as long as there is room. */
#include "app/media/media_internal.h"

#include "app/channel/engine.h"
#include "app/core/config.h"
#include "app/core/failures.h"
#include "app/core/stop.h"
#include "app/numbers/line.h"
#include "app/views/media_view.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/secret.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    DUE_MAX = 200,
    SOON_MS = 20,      /* several events at once are one look */
    OFFLINE_MS = 2000, /* a number is not connected: looked at again after */
    LONG_MS = 60000,
    UNUSED_MAX = 200,
};

/* --- looking --- */

struct looking {
    struct wb_media *media;
    struct bx_arena arena;
    struct st_media *rows;
    size_t count;
    int64_t next_at;
    int rc;
};

static void look_job(void *arg, unsigned worker)
{
    struct looking *l = arg;
    struct st_conn *conn = l->media->app->readers[worker];
    l->rc = st_media_due(conn, bx_wall_ms(), 2 * WB_MEDIA_RUNNING_OF_NUMBER, DUE_MAX, &l->arena,
                         &l->rows, &l->count);
    if (l->rc == BX_OK)
        l->rc = st_media_next(conn, &l->next_at);
}

/* False: not now, although it is due. */
static bool begin(struct wb_media *m, const struct st_media *row)
{
    struct wb_line *line = wb_line_find(m->app, row->number_id);
    bool is_running;
    unsigned own = wb_downloads_of(m, row->number_id, row->message_id, &is_running);
    if (is_running)
        return true;
    if (!line || line->is_gone || line->link.row.status != ST_LINK_CONNECTED ||
        own >= WB_MEDIA_RUNNING_OF_NUMBER || m->running >= WB_MEDIA_RUNNING)
        return false;
    wb_download_start(m, row);
    return true;
}

static void on_looked(void *arg)
{
    struct looking *l = arg;
    struct wb_media *m = l->media;
    uint64_t wait = LONG_MS;
    m->is_looking = false;
    bool goes_on = !m->is_stopping && !m->is_sweeping;
    for (size_t i = 0; goes_on && i < l->count; i++) {
        if (!begin(m, &l->rows[i]))
            wait = OFFLINE_MS;
    }
    int64_t now = bx_wall_ms();
    if (l->next_at > now && (uint64_t)(l->next_at - now) < wait)
        wait = (uint64_t)(l->next_at - now) + 1;
    if (l->rc < 0)
        wait = OFFLINE_MS;
    if (m->is_dirty)
        wait = SOON_MS;
    m->is_dirty = false;
    bx_arena_done(&l->arena);
    free(l);
    if (!m->is_stopping)
        net_timer_start(m->app->loop, &m->tick, wait);
}

static void on_tick(void *arg)
{
    struct wb_media *m = arg;
    if (m->is_looking || m->is_stopping)
        return;
    m->is_looking = true;
    struct looking *l = BX_NEW(struct looking);
    l->media = m;
    bx_arena_init(&l->arena, SIZE_MAX);
    if (net_lane_submit(&m->reads, look_job, on_looked, l) < 0) {
        l->rc = BX_E_FULL;
        net_inbox_post(m->app->loop, on_looked, l);
    }
}

void wb_media_wake(struct wb_app *app)
{
    struct wb_media *m = app->media;
    if (!m || m->is_stopping)
        return;
    if (m->is_looking)
        m->is_dirty = true;
    else
        net_timer_start(app->loop, &m->tick, SOON_MS);
}

static void on_event(struct wb_sink *sink, const struct wb_log_entry *event)
{
    struct wb_media *m = BX_CONTAINER_OF(sink, struct wb_media, sink);
    if (strcmp(event->type, "message:new") == 0 || strcmp(event->type, "message:media") == 0 ||
        strcmp(event->type, "chat:updated") == 0)
        wb_media_wake(m->app);
}

static void maybe_closed(struct wb_media *m)
{
    if (m->closing && --m->closing == 0)
        wb_module_stopped(m->app);
}

static void on_closed(void *arg)
{
    maybe_closed(arg);
}

static void close_parts(struct wb_media *m)
{
    m->closing = 2;
    md_runner_close(m->runner);
    m->runner = NULL;
    net_transfers_close(m->transfers, on_closed, m);
    bl_store_close(m->blobs, on_closed, m);
}

void wb_media_ended(struct wb_media *m, int64_t message_id)
{
    m->running--;
    wb_serve_changed(m, message_id);
    if (m->is_stopping && m->running == 0 && !m->is_sweeping)
        close_parts(m);
    else
        wb_media_wake(m->app);
}

int wb_media_want(struct st_tx *tx, int64_t message_id)
{
    struct bx_arena a;
    struct st_media row;
    bx_arena_init(&a, SIZE_MAX);
    int rc = st_media_get(st_tx_conn(tx), message_id, &a, &row);
    bool is_fetched =
        rc == BX_OK && (row.state == ST_MEDIA_READY || row.state == ST_MEDIA_DOWNLOADING);
    if (rc == BX_OK && !is_fetched) {
        row.state = ST_MEDIA_WAITING;
        row.attempts = 0;
        row.error = (struct bx_str){0};
        row.next_at = st_tx_now(tx);
        rc = row.media_key.len ? st_media_state(tx, &row) : BX_E_NOT_FOUND;
    }
    bx_arena_done(&a);
    return rc;
}

/* --- housekeeping: blobs that no row names. First the file goes, then its row: what a crash or the
 * blob store leaves behind in between is found again. --- */

struct sweep {
    struct wb_media *media;
    struct bx_arena arena;
    struct st_blob *rows;
    size_t count, left;
    struct unused {
        struct sweep *sweep;
        struct bl_id id;
        bool is_deleted;
    } * unused;
    int rc;
};

static int find_job(struct st_tx *tx, void *arg)
{
    struct sweep *s = arg;
    return st_blob_unused(st_tx_conn(tx), UNUSED_MAX, &s->arena, &s->rows, &s->count);
}

static int forget_job(struct st_tx *tx, void *arg)
{
    struct sweep *s = arg;
    int rc = BX_OK;
    for (size_t i = 0; rc >= 0 && i < s->count; i++)
        rc = s->unused[i].is_deleted ? st_blob_forget(tx, s->rows[i].id) : BX_OK;
    return rc;
}

static void on_forgotten(void *arg)
{
    struct sweep *s = arg;
    struct wb_media *m = s->media;
    if (s->rc < 0)
        wb_failure_note(WB_FAILURE_STORE, "what=blobs rc=%s", bx_err_name(s->rc));
    m->is_sweeping = false;
    bx_arena_done(&s->arena);
    free(s);
    if (m->is_stopping && !m->closing && !m->running)
        close_parts(m);
    else
        wb_media_wake(m->app);
}

static void forget_done(int rc, void *arg)
{
    struct sweep *s = arg;
    s->rc = rc;
    net_inbox_post(s->media->app->loop, on_forgotten, s);
}

static void deleted_one(struct sweep *s)
{
    if (--s->left > 0)
        return;
    int rc =
        s->rc < 0 ? s->rc : st_writer_submit(s->media->app->writer, forget_job, s, forget_done);
    if (rc < 0)
        forget_done(rc, s);
}

static void on_deleted(int rc, void *arg)
{
    struct unused *u = arg;
    u->is_deleted = rc >= 0;
    if (rc < 0)
        wb_failure_note(WB_FAILURE_STORE, "what=blob rc=%s", bx_err_name(rc));
    deleted_one(u->sweep);
}

static void on_found(void *arg)
{
    struct sweep *s = arg;
    size_t count = s->rc < 0 ? 0 : s->count;
    s->unused = bx_arena_alloc(&s->arena, (count + 1) * sizeof *s->unused);
    s->left = count + 1;
    for (size_t i = 0; i < count; i++) {
        struct unused *u = &s->unused[i];
        *u = (struct unused){.sweep = s};
        bool is_id = s->rows[i].id.len == sizeof u->id.sha256;
        if (is_id)
            memcpy(u->id.sha256, s->rows[i].id.ptr, sizeof u->id.sha256);
        int rc = is_id ? bl_delete(s->media->blobs, &u->id, on_deleted, u) : BX_E_INVALID;
        if (rc < 0)
            on_deleted(rc, u);
    }
    deleted_one(s);
}

static void find_done(int rc, void *arg)
{
    struct sweep *s = arg;
    s->rc = rc;
    net_inbox_post(s->media->app->loop, on_found, s);
}

/* Only while nothing is being stored: what a row is about to name must not go. */
static void run_chore(struct wb_chore *chore)
{
    struct wb_media *m = BX_CONTAINER_OF(chore, struct wb_media, chore);
    if (m->running || m->is_sweeping || m->is_stopping)
        return;
    m->is_sweeping = true;
    struct sweep *s = BX_NEW(struct sweep);
    s->media = m;
    bx_arena_init(&s->arena, SIZE_MAX);
    int rc = st_writer_submit(m->app->writer, find_job, s, find_done);
    if (rc < 0)
        find_done(rc, s);
}

/* --- life --- */

static void links_setup(struct wb_app *app)
{
    const struct wb_config *c = app->config;
    uint8_t key[CR_SECRET_KEY_SIZE];
    char base[300];
    bool is_any = strcmp(c->host, "0.0.0.0") == 0 || strcmp(c->host, "::") == 0;
    snprintf(base, sizeof base, "%s://%s:%lld", c->tls_cert ? "https" : "http",
             is_any ? "localhost" : c->host, (long long)c->port);
    cr_secret_subkey(app->master_key, BX_STR("media links"), key);
    wb_media_links_set(key, bx_str(c->public_url ? c->public_url : base), c->media_link_ttl_ms);
}

static int open_blobs(struct wb_media *m, struct bx_buf *message)
{
    const struct wb_config *c = m->app->config;
    char where[1100], spool[1100];
    snprintf(where, sizeof where, "dir:%s/media", c->data_dir);
    snprintf(spool, sizeof spool, "%s/spool", c->data_dir);
    struct bl_opts opts = {.where = c->media_store ? c->media_store : where,
                           .spool = spool,
                           .access_key = c->s3_access_key,
                           .secret_key = c->s3_secret_key};
    int rc = bl_store_open(m->app->loop, m->app->pool, &opts, &m->blobs);
    if (rc < 0)
        bx_buf_printf(message, "MEDIA_STORE: the folder or bucket for files cannot be opened: %s",
                      bx_err_info(rc)->sentence);
    return rc;
}

static int resume_job(struct st_tx *tx, void *arg)
{
    (void)arg;
    return st_media_resume(tx);
}

static void on_leftovers(int rc, uint64_t removed, void *arg)
{
    (void)arg;
    if (rc < 0)
        wb_failure_note(WB_FAILURE_STORE, "what=leftovers rc=%s", bx_err_name(rc));
    else if (removed)
        bx_log(BX_LOG_INFO, "app", "removed unfinished files", "count=%llu",
               (unsigned long long)removed);
}

int wb_media_start(struct wb_app *app, struct bx_buf *message)
{
    struct wb_media *m = app->media = BX_NEW(struct wb_media);
    m->app = app;
    bx_list_init(&m->downloads);
    bx_list_init(&m->waiters);
    net_timer_init(&m->tick, on_tick, m);
    for (size_t i = 0; i < WB_MEDIA_LANES; i++)
        net_lane_init(&m->lanes[i], app->pool, 0);
    net_lane_init(&m->reads, app->pool, 0);
    links_setup(app);
    int rc = open_blobs(m, message);
    if (rc < 0)
        return rc;
    struct net_transfers_opts transfers = {.ca_path = app->config->whatsapp_ca};
    struct md_runner_opts runner = {0};
    rc = net_transfers_new(app->loop, &transfers, &m->transfers);
    if (rc == BX_OK)
        rc = md_runner_new(app->loop, &runner, &m->runner);
    if (rc == BX_OK)
        rc = st_writer_call(app->writer, resume_job, NULL);
    if (rc < 0) {
        bx_buf_printf(message, "The queue of files cannot be opened: %s",
                      bx_err_info(rc)->sentence);
        return rc;
    }
    m->sink = (struct wb_sink){.name = "media", .on_event = on_event};
    wb_sinks_add(app, &m->sink);
    m->chore = (struct wb_chore){.name = "media", .run = run_chore};
    wb_chore_add(app, &m->chore);
    wb_serve_mount(m);
    rc = bl_sweep(m->blobs, 0, on_leftovers, m);
    if (rc < 0)
        on_leftovers(rc, 0, m);
    wb_media_wake(app);
    return BX_OK;
}

void wb_media_stop(struct wb_app *app)
{
    struct wb_media *m = app->media;
    m->is_stopping = true;
    net_timer_stop(&m->tick);
    wb_downloads_cancel(m);
    wb_serve_changed(m, 0);
    if (!m->running && !m->is_sweeping && !m->closing)
        close_parts(m);
}

void wb_media_free(struct wb_app *app)
{
    free(app->media);
    app->media = NULL;
}
