/* One file on its way from WhatsApp: claim the row, ask for hosts, try each, decrypt on a lane, look
 * at it, store it, write the row. Each step names the next; every way out is through settle(). */
#include "app/channel/engine.h"
#include "app/core/config.h"
#include "app/core/failures.h"
#include "app/events/announce.h"
#include "app/media/media_internal.h"
#include "app/numbers/line.h"
#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>

enum {
    HOSTS_MAX = 4,
    PIECE_MAX = 256 << 10, /* collected while the lane works on the piece before */
    SILENCE_MS = 60000,    /* without a byte the attempt ends */
    FIRST_RETRY_MS = 2000,
    LAST_RETRY_MS = 3600000,
    ATTEMPTS_MAX = 12,
    ASKED_MAX = 4,   /* attempts after which the phone is not asked again */
    AGAIN_MS = 2000, /* the store refused: once more after */
    PATIENCE_MS =
        300000, /* from then on a host must have sent so many bytes per ms on the average */
    RATE_MIN = 16,
};

struct download {
    struct bx_list node;
    struct wb_media *media;
    struct wb_line *line;
    struct net_lane *lane;
    struct bx_arena arena; /* of the row and the hosts */
    struct st_media row;
    struct wa_file file;
    struct wa_media_retry retry;
    struct bx_str hosts[HOSTS_MAX];
    size_t host_count, host;
    struct net_transfer *transfer;
    struct net_timer silence, again;
    uint64_t began_ms, received; /* of the transfer */
    struct wa_media_unseal *unseal;
    struct bl_writer *writer;
    struct bx_buf filling, working, plain;
    bool is_paused, is_working, is_received, is_good, is_gone, is_cancelled;
    int rc;     /* of decrypting: the lane's while it works */
    int cut_rc; /* why the transfer ended early */
    struct md_result probe;
    struct bl_id blob, thumb;
    bool has_thumb;
    /* of the last transaction */
    st_job_fn *job;
    st_done_fn *job_done;
    struct bx_arena job_arena;
    struct wb_log log;
    int result;
};

unsigned wb_downloads_of(const struct wb_media *m, int64_t number_id, int64_t message_id,
                         bool *out_has_message)
{
    unsigned count = 0;
    *out_has_message = false;
    for (const struct bx_list *n = m->downloads.next; n != &m->downloads; n = n->next) {
        const struct download *d = BX_CONTAINER_OF(n, struct download, node);
        count += d->row.number_id == number_id;
        *out_has_message |= d->row.message_id == message_id;
    }
    return count;
}

static void download_free(struct download *d)
{
    struct wb_media *m = d->media;
    int64_t message_id = d->row.message_id;
    net_timer_stop(&d->silence);
    net_timer_stop(&d->again);
    if (d->writer)
        bl_writer_drop(d->writer);
    wa_media_unseal_free(d->unseal);
    bx_buf_done(&d->filling);
    bx_buf_done(&d->working);
    bx_buf_done(&d->plain);
    bx_list_remove(&d->node);
    bx_arena_done(&d->arena);
    bx_arena_done(&d->job_arena);
    free(d);
    wb_media_ended(m, message_id);
}

/* --- transactions --- */

static void submit(struct download *d, st_job_fn *job, st_done_fn *done)
{
    d->job = job;
    d->job_done = done;
    bx_arena_done(&d->job_arena);
    bx_arena_init(&d->job_arena, SIZE_MAX);
    wb_log_init(&d->log, d->media->app, &d->job_arena);
    int rc = st_writer_submit(d->media->app->writer, job, d, done);
    if (rc < 0)
        done(rc, d);
}

static void on_again(void *arg)
{
    struct download *d = arg;
    submit(d, d->job, d->job_done);
}

/* The store refused: later once more, so that the row keeps no state that nobody works at. At a stop
 * the next start takes it up. True: not over yet. */
static bool is_put_off(struct download *d)
{
    if (d->result >= 0 || d->result == BX_E_NOT_FOUND || d->result == BX_E_STATE)
        return false;
    wb_failure_note(WB_FAILURE_STORE, "what=media message=%lld rc=%s", (long long)d->row.message_id,
                    bx_err_name(d->result));
    if (d->is_cancelled)
        return false;
    net_timer_start(d->media->app->loop, &d->again, AGAIN_MS);
    return true;
}

/* --- the row's end --- */

static void on_settled(void *arg)
{
    struct download *d = arg;
    if (is_put_off(d))
        return;
    if (d->result >= 0)
        wb_log_emit(&d->log);
    download_free(d);
}

static void settle_done(int rc, void *arg)
{
    struct download *d = arg;
    d->result = rc;
    net_inbox_post(d->media->app->loop, on_settled, d);
}

static int announce(struct download *d, struct st_tx *tx)
{
    struct wb_turn turn;
    int rc = wb_turn_begin(&turn, tx, d->row.number_id, &d->log, &d->job_arena);
    if (rc == BX_OK)
        rc = wb_announce_message(&turn, "message:media", d->row.message_id);
    wb_turn_done(&turn);
    return rc;
}

static int fail_job(struct st_tx *tx, void *arg)
{
    struct download *d = arg;
    struct st_media row = d->row;
    row.direct_path = (struct bx_str){0}; /* the phone may have sent another meanwhile */
    int rc = st_media_state(tx, &row);
    bool is_over = d->row.state != ST_MEDIA_WAITING;
    return rc < 0 || !is_over ? rc : announce(d, tx);
}

/* Later once more, or never again. why NULL: the cause is on our side or the network's. */
static void fail(struct download *d, enum st_media_state state, const char *why)
{
    int64_t wait = FIRST_RETRY_MS;
    for (int64_t i = 1; i < d->row.attempts && wait < LAST_RETRY_MS; i++)
        wait *= 2;
    if (d->is_cancelled) { /* a stop is no failed attempt */
        state = ST_MEDIA_WAITING;
        d->row.attempts--;
        wait = 1;
    } else if (state == ST_MEDIA_WAITING && d->row.attempts >= ATTEMPTS_MAX) {
        state = ST_MEDIA_FAILED;
    }
    d->row.state = state;
    d->row.error = state == ST_MEDIA_WAITING && d->is_cancelled ? (struct bx_str){0} : bx_str(why);
    d->row.next_at = state == ST_MEDIA_WAITING ? bx_wall_ms() + wait : 0;
    submit(d, fail_job, settle_done);
}

static int ready_job(struct st_tx *tx, void *arg)
{
    struct download *d = arg;
    struct st_media row;
    int rc = st_media_get(st_tx_conn(tx), d->row.message_id, &d->job_arena, &row);
    if (rc == BX_E_NOT_FOUND) { /* revoked or deleted meanwhile: housekeeping removes the blobs */
        rc = st_blob_note(tx, bx_str_n(d->blob.sha256, BL_HASH_SIZE));
        if (rc >= 0 && d->has_thumb)
            rc = st_blob_note(tx, bx_str_n(d->thumb.sha256, BL_HASH_SIZE));
        return rc;
    }
    if (rc < 0)
        return rc;
    row.state = ST_MEDIA_READY;
    row.error = (struct bx_str){0};
    row.next_at = 0;
    row.file_blob = bx_str_n(d->blob.sha256, BL_HASH_SIZE);
    row.sha256 = row.file_blob;
    row.size_bytes = d->row.size_bytes;
    if (d->has_thumb)
        row.thumb_blob = bx_str_n(d->thumb.sha256, BL_HASH_SIZE);
    const struct md_result *p = &d->probe;
    if (p->width && p->height) {
        row.width = p->width;
        row.height = p->height;
    }
    if (p->duration_ms)
        row.duration_ms = (int64_t)p->duration_ms;
    if (p->pages)
        row.pages = p->pages;
    if (p->has_waveform && !row.waveform.len)
        row.waveform = bx_arena_str(&d->job_arena, bx_str_n(p->waveform, MD_WAVEFORM));
    row.flags |= p->is_animated ? ST_MEDIA_ANIMATED : 0u;
    rc = st_media_put(tx, &row);
    return rc < 0 ? rc : announce(d, tx);
}

/* --- storing --- */

static void on_stored(int rc, const struct bl_entry *entry, bool is_new, void *arg)
{
    struct download *d = arg;
    (void)is_new;
    if (rc < 0) {
        fail(d, ST_MEDIA_WAITING,
             rc == BX_E_DISK_FULL ? "The disk of the server is full."
                                  : "The file could not be stored.");
        return;
    }
    d->blob = entry->id;
    d->row.size_bytes = (int64_t)entry->size;
    submit(d, ready_job, settle_done);
}

static void store(struct download *d)
{
    struct bl_writer *w = d->writer;
    d->writer = NULL;
    bl_writer_finish(w, on_stored, d);
}

static void on_thumb(int rc, const struct bl_entry *entry, bool is_new, void *arg)
{
    struct download *d = arg;
    (void)is_new;
    d->has_thumb = rc == BX_OK;
    if (d->has_thumb)
        d->thumb = entry->id;
    store(d);
}

static void on_probed(const struct md_result *result, void *arg)
{
    struct download *d = arg;
    struct bl_writer *thumb = NULL;
    if (result->rc == BX_OK)
        d->probe = *result;
    int rc = result->rc == BX_OK && result->thumb.len
                 ? bl_writer_new(d->media->blobs, (uint64_t)d->row.number_id, MD_THUMB_MAX, &thumb)
                 : BX_E_NOT_FOUND;
    if (rc == BX_OK)
        rc = bl_writer_write(thumb, result->thumb.ptr, result->thumb.len);
    d->probe.thumb = d->probe.preview = (struct bx_str){0};
    if (rc == BX_OK) {
        bl_writer_finish(thumb, on_thumb, d);
        return;
    }
    if (thumb)
        bl_writer_drop(thumb);
    store(d);
}

static void look(struct download *d)
{
    struct md_job job = {.op = MD_PROBE,
                         .key = (uint64_t)d->row.number_id,
                         .in_fd = bl_writer_fd(d->writer),
                         .out_fd = -1};
    if (d->is_cancelled || md_run(d->media->runner, &job, on_probed, d, NULL) < 0)
        store(d);
}

/* --- decrypting --- */

static void on_worked(void *arg);

static void work(void *arg, unsigned worker)
{
    struct download *d = arg;
    (void)worker;
    size_t len = 0;
    d->plain.len = 0;
    if (d->rc == BX_OK)
        d->rc = bx_buf_reserve(&d->plain, d->working.len + WA_MEDIA_TAIL);
    if (d->rc == BX_OK && d->working.len)
        d->rc = wa_media_unseal_update(d->unseal, bx_buf_view(&d->working), d->plain.data, &len);
    if (d->rc == BX_OK && !d->working.len)
        d->rc = wa_media_unseal_finish(d->unseal, d->plain.data, &len);
    if (d->rc == BX_OK && len)
        d->rc = bl_writer_write(d->writer, d->plain.data, len);
}

/* The collected piece; an empty one is the end. */
static void hand_on(struct download *d)
{
    struct bx_buf swap = d->working;
    d->working = d->filling;
    d->filling = swap;
    d->filling.len = 0;
    d->is_working = true;
    if (net_lane_submit(d->lane, work, on_worked, d) < 0) {
        d->rc = BX_E_FULL;
        net_inbox_post(d->media->app->loop, on_worked, d);
    }
}

static void decrypted(struct download *d)
{
    int rc = d->rc < 0 ? d->rc : d->cut_rc;
    if (rc == BX_OK)
        look(d);
    else if (rc == BX_E_TOO_BIG)
        fail(d, ST_MEDIA_FAILED,
             "The file is larger than the message says, or than MEDIA_MAX_DOCUMENT.");
    else if (rc == BX_E_CRYPTO)
        fail(d, d->row.attempts < 3 ? ST_MEDIA_WAITING : ST_MEDIA_FAILED,
             "The file is damaged: its hash is not the one in the message.");
    else
        fail(d, ST_MEDIA_WAITING,
             rc == BX_E_DISK_FULL ? "The disk of the server is full."
                                  : "The download was interrupted.");
}

static void on_worked(void *arg)
{
    struct download *d = arg;
    bool was_last = d->is_received && !d->working.len;
    d->is_working = false;
    if (d->rc < 0 && d->transfer) {
        net_transfer_cancel(d->transfer);
        net_timer_stop(&d->silence);
        d->transfer = NULL;
        d->is_received = true;
    }
    if (was_last || (d->is_received && (d->rc < 0 || d->cut_rc < 0))) {
        decrypted(d);
        return;
    }
    if (d->filling.len || d->is_received)
        hand_on(d);
    if (d->is_paused && d->transfer) {
        d->is_paused = false;
        net_timer_start(d->media->app->loop, &d->silence, SILENCE_MS);
        net_transfer_resume(d->transfer);
    }
}

/* --- the transfer --- */

static void try_host(struct download *d);

static void on_head(const struct net_transfer_head *head, void *arg)
{
    struct download *d = arg;
    d->is_good = head->status == 200;
    d->is_gone = head->status == 404 || head->status == 410 || head->status == 403;
}

static int on_bytes(struct bx_str bytes, void *arg)
{
    struct download *d = arg;
    net_timer_start(d->media->app->loop, &d->silence, SILENCE_MS);
    if (!d->is_good)
        return BX_OK;
    if (d->filling.len && d->filling.len + bytes.len > PIECE_MAX) {
        d->is_paused = true;
        net_timer_stop(&d->silence); /* it waits for us */
        return BX_E_AGAIN;
    }
    d->received += bytes.len;
    if (bx_mono_ms() - d->began_ms > PATIENCE_MS + d->received / RATE_MIN)
        return BX_E_TIMEOUT;
    int rc = bx_buf_append(&d->filling, bytes.ptr, bytes.len);
    if (rc == BX_OK && !d->is_working)
        hand_on(d);
    return rc;
}

/* Its answer (inbox) makes the row wait again with a new address. */
static void ask_phone(struct download *d)
{
    if (d->line->app->engine->ops->media_retry && d->row.attempts < ASKED_MAX) {
        struct wa_media_retry retry = d->retry;
        memcpy(retry.media_key, d->file.media_key, sizeof retry.media_key);
        WB_ENGINE(d->line, media_retry,
                  &retry); /* not connected: whoever asks for the file asks again */
    }
    fail(d, ST_MEDIA_EXPIRED, "WhatsApp does not have the file any more.");
}

static void on_transferred(int rc, const struct net_transfer_head *head, void *arg)
{
    struct download *d = arg;
    (void)head;
    d->transfer = NULL;
    net_timer_stop(&d->silence);
    if (rc == BX_OK && d->is_good) {
        d->is_received = true;
        if (!d->is_working)
            hand_on(d); /* what is left, or the end */
        return;
    }
    if (d->is_good) { /* cut in the middle */
        d->cut_rc = rc == BX_E_TOO_BIG ? rc : BX_E_IO;
        d->is_received = true;
        if (!d->is_working)
            decrypted(d);
        return;
    }
    d->host++;
    try_host(d);
}

static void on_silence(void *arg)
{
    struct download *d = arg;
    if (!d->transfer)
        return;
    net_transfer_cancel(d->transfer);
    on_transferred(BX_E_TIMEOUT, NULL, d);
}

/* What is fetched unasked is small, whatever size the message announces. */
static uint64_t limit_of(const struct download *d)
{
    const struct wb_config *c = d->media->app->config;
    uint64_t announced = d->row.size_bytes > 0 ? (uint64_t)d->row.size_bytes : 0;
    uint64_t limit = (uint64_t)c->media_auto_max, max = (uint64_t)c->media_max_document;
    limit = announced > limit ? announced : limit;
    return limit < max ? limit : max;
}

static void try_host(struct download *d)
{
    static const struct net_transfer_handler handler = {
        .on_head = on_head, .on_bytes = on_bytes, .on_done = on_transferred};
    bool was_gone = d->is_gone;
    if (d->host == d->host_count || d->is_cancelled) {
        if (was_gone && !d->is_cancelled)
            ask_phone(d);
        else
            fail(d, ST_MEDIA_WAITING, "WhatsApp's file servers cannot be reached.");
        return;
    }
    struct bx_str url;
    bool is_live =
        !d->media->app->config->whatsapp || strcmp(d->media->app->config->whatsapp, "live") == 0;
    const char *headers[] = {"Origin: https://web.whatsapp.com", NULL};
    int rc = wa_file_url(d->hosts[d->host], &d->file, &d->arena, &url);
    struct net_transfer_request request = {
        .method = "GET",
        .url = rc == BX_OK ? bx_arena_strndup(&d->arena, url.ptr, url.len) : "",
        .headers = is_live ? headers : headers + 1,
        .body_fd = -1,
        .max_bytes = wa_media_sealed_size(limit_of(d))};
    d->began_ms = bx_mono_ms();
    d->received = 0;
    if (rc == BX_OK)
        rc = net_transfer_start(d->media->transfers, &request, &handler, d, &d->transfer);
    if (rc < 0)
        fail(d, rc == BX_E_INVALID ? ST_MEDIA_FAILED : ST_MEDIA_WAITING,
             "The message names no address of its file.");
    else
        net_timer_start(d->media->app->loop, &d->silence, SILENCE_MS);
}

static void on_conn(int rc, const struct wa_media_conn *conn, void *arg)
{
    struct download *d = arg;
    for (size_t i = 0; rc == BX_OK && i < conn->host_count && i < HOSTS_MAX; i++)
        d->hosts[d->host_count++] = bx_arena_str(&d->arena, conn->hosts[i]);
    if (rc == BX_OK && d->host_count && !d->is_cancelled)
        try_host(d);
    else
        fail(d, ST_MEDIA_WAITING, "WhatsApp's file servers cannot be reached.");
}

/* --- the beginning --- */

/* How the phone knows the message. */
static int names_of(struct download *d, struct st_conn *conn)
{
    struct st_message m;
    struct st_chat chat;
    int rc = st_message_get(conn, d->row.message_id, &d->arena, &m);
    if (rc == BX_OK)
        rc = st_chat_get(conn, m.chat_id, &d->arena, &chat);
    if (rc < 0)
        return rc;
    d->retry = (struct wa_media_retry){.chat = chat.jid, .id = m.wa_id, .is_from_me = m.is_from_me};
    if (chat.is_group && !m.is_from_me)
        d->retry.sender =
            m.sender_lid.len
                ? bx_arena_printf(&d->arena, "%.*s@lid", BX_STR_ARG(m.sender_lid))
                : bx_arena_printf(&d->arena, "%.*s@s.whatsapp.net", BX_STR_ARG(m.sender_phone));
    return BX_OK;
}

static int claim_job(struct st_tx *tx, void *arg)
{
    struct download *d = arg;
    struct st_media row;
    int rc = st_media_get(st_tx_conn(tx), d->row.message_id, &d->arena, &row);
    if (rc < 0 || row.state != ST_MEDIA_WAITING)
        return rc < 0 ? rc : BX_E_STATE;
    d->row = row;
    d->row.state = ST_MEDIA_DOWNLOADING;
    d->row.attempts++;
    rc = names_of(d, st_tx_conn(tx));
    return rc < 0 ? rc : st_media_state(tx, &d->row);
}

static bool file_of(struct download *d)
{
    const struct st_media *row = &d->row;
    struct wa_file *f = &d->file;
    *f = (struct wa_file){.kind = (enum wa_file_kind)row->kind,
                          .direct_path = row->direct_path,
                          .url = row->url,
                          .size = (uint64_t)row->size_bytes};
    f->has_media_key = row->media_key.len == sizeof f->media_key;
    f->has_sha256 = row->sha256.len == sizeof f->sha256;
    f->has_enc_sha256 = row->enc_sha256.len == sizeof f->enc_sha256;
    if (f->has_media_key)
        memcpy(f->media_key, row->media_key.ptr, sizeof f->media_key);
    if (f->has_sha256)
        memcpy(f->sha256, row->sha256.ptr, sizeof f->sha256);
    if (f->has_enc_sha256)
        memcpy(f->enc_sha256, row->enc_sha256.ptr, sizeof f->enc_sha256);
    return f->has_media_key && f->has_sha256 && row->kind >= 0 && row->kind < WA_FILE_KINDS;
}

static void on_claimed(void *arg)
{
    struct download *d = arg;
    const struct wb_engine_ops *ops = d->line->app->engine->ops;
    if (is_put_off(d))
        return;
    if (d->result < 0) {
        download_free(d);
        return;
    }
    if (!file_of(d)) {
        fail(d, ST_MEDIA_FAILED, "The message does not say how its file is encrypted.");
        return;
    }
    struct wa_media_expected expected = {.plain_sha256 = d->file.sha256,
                                         .enc_sha256 =
                                             d->file.has_enc_sha256 ? d->file.enc_sha256 : NULL,
                                         .plain_size = UINT64_MAX};
    d->unseal = wa_media_unseal_new(wa_file_media_kind(d->file.kind), d->file.media_key, &expected);
    int rc = bl_writer_new(d->media->blobs, (uint64_t)d->row.number_id, limit_of(d), &d->writer);
    if (rc == BX_OK && ops->media_conn)
        rc = WB_ENGINE(d->line, media_conn, false, on_conn, d);
    if (rc < 0)
        fail(d, ST_MEDIA_WAITING,
             rc == BX_E_DISK_FULL ? "The disk of the server is full."
                                  : "The number is not connected.");
}

static void claim_done(int rc, void *arg)
{
    struct download *d = arg;
    d->result = rc;
    net_inbox_post(d->media->app->loop, on_claimed, d);
}

void wb_download_start(struct wb_media *m, const struct st_media *row)
{
    struct download *d = BX_NEW(struct download);
    d->media = m;
    d->line = wb_line_find(m->app, row->number_id);
    d->lane = &m->lanes[m->next_lane++ % WB_MEDIA_LANES];
    d->row.message_id = row->message_id;
    d->row.number_id = row->number_id;
    bx_arena_init(&d->arena, SIZE_MAX);
    bx_arena_init(&d->job_arena, SIZE_MAX);
    bx_buf_init(&d->filling, 4 * PIECE_MAX);
    bx_buf_init(&d->working, 4 * PIECE_MAX);
    bx_buf_init(&d->plain, 4 * PIECE_MAX + WA_MEDIA_TAIL);
    net_timer_init(&d->silence, on_silence, d);
    net_timer_init(&d->again, on_again, d);
    bx_list_push_back(&m->downloads, &d->node);
    m->running++;
    submit(d, claim_job, claim_done);
}

void wb_downloads_cancel(struct wb_media *m)
{
    for (struct bx_list *n = m->downloads.next, *next; n != &m->downloads; n = next) {
        struct download *d = BX_CONTAINER_OF(n, struct download, node);
        next = n->next;
        d->is_cancelled = true;
        if (net_timer_is_active(&d->again)) {
            download_free(d);
        } else if (d->transfer) {
            net_transfer_cancel(d->transfer);
            d->is_good = true;
            on_transferred(BX_E_CLOSED, NULL, d);
        }
    }
}
