/* The product's engine: libwa. One wa_client per started line; its jobs are envelopes of the inbox,
 * its keys rows of the store, each sealed under a key of the master key and bound to its place.
 */
#include "app/channel/engine_wa.h"

#include "app/channel/sim_screen.h"
#include "app/core/config.h"
#include "app/numbers/line.h"
#include "base/log.h"
#include "base/mem.h"
#include "crypto/secret.h"
#include "net/fetch/fetch.h"
#include "wa/wa.h"

#include <stdlib.h>

struct engine {
    struct wb_app *app;
    const struct wb_channel_events *events;
    char *url;        /* NULL: WhatsApp itself */
    char *media_host; /* of a simulator: "http://host:port"; NULL: WhatsApp's */
    struct net_fetcher *fetcher;
    struct net_tls_ctx *tls; /* NULL: the system's authorities */
    uint8_t root[1][32];     /* of a simulator; all zero when it is not checked */
    size_t root_count;
    uint8_t key[CR_SECRET_KEY_SIZE];
    struct net_lane preparations; /* one at a time: they may be large */
    unsigned clients;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

/* line->engine_data */
struct linked {
    struct engine *engine;
    struct wb_line *line;
    struct wa_client *client;
};

/* --- keys at rest --- */

struct keys {
    struct engine *engine;
    int64_t number_id;
    struct st_tx *tx;
    struct st_conn *conn;
};

static int kind_of(enum wa_key_kind kind)
{
    return ST_KEY_USER + (int)kind;
}

/* A box cannot be moved to another number, kind or name. */
static struct bx_str context_of(const struct keys *k, enum wa_key_kind kind, struct bx_str name,
                                struct bx_arena *a)
{
    return bx_arena_printf(a, "wa:%lld:%d:%.*s", (long long)k->number_id, (int)kind,
                           BX_STR_ARG(name));
}

static int open_box(const struct keys *k, enum wa_key_kind kind, struct bx_str name,
                    struct bx_str box, struct bx_arena *a, struct bx_str *out)
{
    if (box.len < CR_SECRET_OVERHEAD)
        return BX_E_CORRUPT;
    size_t len = box.len - CR_SECRET_OVERHEAD;
    uint8_t *plain = bx_arena_alloc(a, len + 1);
    int rc = cr_secret_open(k->engine->key, context_of(k, kind, name, a), box, plain);
    if (rc == BX_OK)
        *out = bx_str_n(plain, len);
    return rc;
}

static int keys_get(void *ctx, enum wa_key_kind kind, struct bx_str key, struct bx_arena *arena,
                    struct bx_str *out_value)
{
    struct keys *k = ctx;
    struct bx_str box;
    int rc = st_key_get(k->conn, k->number_id, kind_of(kind), key, arena, &box);
    return rc < 0 ? rc : open_box(k, kind, key, box, arena, out_value);
}

static int keys_put(void *ctx, enum wa_key_kind kind, struct bx_str key, struct bx_str value)
{
    struct keys *k = ctx;
    struct bx_arena a;
    bx_arena_init(&a, SIZE_MAX);
    uint8_t *box = bx_arena_alloc(&a, value.len + CR_SECRET_OVERHEAD);
    cr_secret_seal(k->engine->key, context_of(k, kind, key, &a), value, box);
    int rc = st_key_put(k->tx, k->number_id, kind_of(kind), key,
                        bx_str_n(box, value.len + CR_SECRET_OVERHEAD));
    bx_arena_done(&a);
    return rc;
}

static int keys_del(void *ctx, enum wa_key_kind kind, struct bx_str key)
{
    struct keys *k = ctx;
    int rc = st_key_delete(k->tx, k->number_id, kind_of(kind), key);
    return rc < 0 ? rc : BX_OK;
}

static int keys_each(void *ctx, enum wa_key_kind kind, struct bx_str prefix,
                     int (*on_entry)(void *arg, struct bx_str key, struct bx_str value), void *arg)
{
    struct keys *k = ctx;
    struct bx_arena page, names;
    struct bx_str after = BX_STR("");
    size_t count = 1;
    int rc = BX_OK;
    bx_arena_init(&page, SIZE_MAX);
    bx_arena_init(&names, SIZE_MAX);
    while (rc == BX_OK && count > 0) {
        struct st_key *rows;
        bx_arena_reset(&page);
        rc = st_key_list(k->conn, k->number_id, kind_of(kind), prefix, after, 200, &page, &rows,
                         &count);
        for (size_t i = 0; rc == BX_OK && i < count; i++) {
            struct bx_str value;
            rc = open_box(k, kind, rows[i].name, rows[i].value, &page, &value);
            if (rc == BX_OK)
                rc = on_entry(arg, rows[i].name, value);
        }
        if (rc == BX_OK && count > 0)
            after = bx_arena_str(&names, rows[count - 1].name);
    }
    bx_arena_done(&page);
    bx_arena_done(&names);
    return rc;
}

static int64_t keys_count(void *ctx, enum wa_key_kind kind)
{
    struct keys *k = ctx;
    int64_t count;
    int rc = st_key_count(k->conn, k->number_id, kind_of(kind), &count);
    return rc < 0 ? rc : count;
}

static const struct wa_keystore_ops keys_ops = {
    .get = keys_get, .put = keys_put, .del = keys_del, .each = keys_each, .count = keys_count};

/* --- jobs --- */

struct job {
    struct wb_envelope envelope;
    struct wa_job *job;
    struct engine *engine;
};

static int job_open(struct wb_envelope *e, struct st_tx *tx, const struct wa_event **out)
{
    struct job *j = BX_CONTAINER_OF(e, struct job, envelope);
    struct keys keys = {j->engine, e->line->id, tx, st_tx_conn(tx)};
    struct wa_keystore store = {.ops = &keys_ops, .ctx = &keys};
    int rc = wa_job_run(j->job, &store);
    if (rc >= 0)
        *out = wa_job_events(j->job);
    return rc;
}

static void job_finish(struct wb_envelope *e, int rc)
{
    struct job *j = BX_CONTAINER_OF(e, struct job, envelope);
    wa_job_finish(j->job, rc);
    free(j);
}

static bool job_part_done(struct wb_envelope *e)
{
    return wa_job_part_done(BX_CONTAINER_OF(e, struct job, envelope)->job);
}

static const struct wb_envelope_ops job_ops = {
    .open = job_open, .part_done = job_part_done, .finish = job_finish};

static void prepare_work(void *arg, unsigned worker)
{
    (void)worker;
    wa_job_prepare(((struct job *)arg)->job);
}

static void on_prepared(void *arg)
{
    struct job *j = arg;
    j->engine->events->on_envelope(&j->envelope);
}

static void on_job(struct wa_client *c, struct wa_job *job, void *arg)
{
    struct linked *l = arg;
    (void)c;
    struct job *j = BX_NEW(struct job);
    j->envelope.line = l->line;
    j->envelope.ops = &job_ops;
    j->job = job;
    j->envelope.turn = wa_job_turn(job);
    j->engine = l->engine;
    if (!wa_job_has_preparation(job) ||
        net_lane_submit(&l->engine->preparations, prepare_work, on_prepared, j) < 0)
        l->engine->events->on_envelope(&j->envelope);
}

/* --- what a client tells --- */

static void on_state(struct wa_client *c, const struct wa_status_info *status, void *arg)
{
    struct linked *l = arg;
    (void)c;
    l->engine->events->on_state(l->line, status);
}

static void on_left(struct wa_client *c, void *arg)
{
    if (((struct linked *)arg)->line->is_gone)
        wa_client_free(c);
}

static void on_qr(struct wa_client *c, struct bx_str text, int64_t expires_at_ms, void *arg)
{
    (void)c;
    struct linked *l = arg;
    l->engine->events->on_qr(l->line, text, expires_at_ms);
    if (l->engine->url)
        wb_sim_screen_show(l->line, l->engine->url, text);
}

static bool on_scanned(struct wa_client *c, struct bx_str pn, void *arg)
{
    (void)c;
    struct linked *l = arg;
    return l->engine->events->on_scanned(l->line, pn);
}

static void on_code(struct wa_client *c, const char *code, int64_t expires_at_ms, void *arg)
{
    struct linked *l = arg;
    (void)c;
    l->engine->events->on_code(l->line, code, expires_at_ms);
}

static void on_typing(struct wa_client *c, const struct wa_peer *chat, const struct wa_peer *person,
                      enum wa_typing typing, void *arg)
{
    struct linked *l = arg;
    (void)c;
    l->engine->events->on_typing(l->line, chat, person, typing);
}

static void on_unsent(struct wa_client *c, struct bx_str id, int rc, void *arg)
{
    struct linked *l = arg;
    (void)c;
    l->engine->events->on_unsent(l->line, id, rc);
}

static void engine_free(struct engine *engine)
{
    explicit_bzero(engine->key, sizeof engine->key);
    net_tls_unref(engine->tls);
    free(engine->url);
    free(engine->media_host);
    free(engine);
}

static void maybe_closed(struct engine *engine)
{
    if (!engine->on_closed || engine->clients)
        return;
    void (*on_closed)(void *) = engine->on_closed;
    void *arg = engine->closed_arg;
    engine_free(engine);
    on_closed(arg);
}

/* --- downloads --- */

static void on_fetched(int rc, struct bx_str body, void *arg)
{
    wa_fetch_done(arg, rc, body);
}

static void on_refused(void *arg)
{
    wa_fetch_done(arg, BX_E_INVALID, BX_STR(""));
}

static void on_fetch(struct wa_client *c, struct wa_fetch *fetch, const char *url, size_t max_bytes,
                     void *arg)
{
    struct engine *engine = ((struct linked *)arg)->engine;
    (void)c;
    if (net_fetch_get(engine->fetcher, url, max_bytes, on_fetched, fetch) < 0)
        net_inbox_post(engine->app->loop, on_refused, fetch);
}

static void on_fetcher_closed(void *arg)
{
    struct engine *engine = arg;
    engine->clients--;
    maybe_closed(engine);
}

/* The simulator's media host is its own port: "ws://host:port/ws/chat" -> "http://host:port". */
static char *media_host_of(const char *url)
{
    const char *host = url ? strstr(url, "://") : NULL;
    if (!host)
        return NULL;
    size_t len = strcspn(host + 3, "/");
    struct bx_buf b;
    bx_buf_init(&b, 1024);
    bx_buf_printf(&b, "%s://%.*s", url[2] == 's' ? "https" : "http", (int)len, host + 3);
    char *out = bx_strndup((char *)b.data, b.len);
    bx_buf_done(&b);
    return out;
}

static void on_freed(void *arg)
{
    struct linked *l = arg;
    struct engine *engine = l->engine;
    l->line->engine_data = NULL;
    free(l);
    engine->clients--;
    maybe_closed(engine);
}

static const struct wa_client_ops client_ops = {.on_job = on_job,
                                                .on_state = on_state,
                                                .on_qr = on_qr,
                                                .on_pairing_code = on_code,
                                                .on_scanned = on_scanned,
                                                .on_typing = on_typing,
                                                .on_unsent = on_unsent,
                                                .on_fetch = on_fetch,
                                                .on_left = on_left,
                                                .on_freed = on_freed};

/* --- lines --- */

static struct wa_client *client_of(struct wb_line *line)
{
    struct linked *l = line->engine_data;
    return l ? l->client : NULL;
}

static struct wa_client *client_make(struct engine *engine, struct wb_line *line, uint64_t delay_ms)
{
    if (line->engine_data || engine->on_closed)
        return client_of(line);
    struct linked *l = BX_NEW(struct linked);
    *l = (struct linked){.engine = engine, .line = line};
    struct wa_client_opts opts = {
        .url = engine->url,
        .media_host = engine->media_host,
        .version = engine->app->whatsapp_version,
        .tls = engine->tls,
        /* A simulator signs with a key of its own. */
        .roots = engine->root_count ? (const uint8_t(*)[32])engine->root : NULL,
        .root_count = engine->root_count,
        .is_cert_unchecked = engine->url && !engine->root_count,
        .is_available = true, /* plain receipts: customers see DELIVERED */
        .start_delay_ms = delay_ms};
    int rc = wa_client_new(engine->app->loop, &opts, &client_ops, l, &l->client);
    if (rc < 0) {
        bx_log(BX_LOG_ERROR, "app", "no WhatsApp client", "number=%lld rc=%s", (long long)line->id,
               bx_err_name(rc));
        free(l);
        return NULL;
    }
    line->engine_data = l;
    engine->clients++;
    return l->client;
}

static void wa_start(void *self, struct wb_line *line, const char *pair_phone, uint64_t delay_ms)
{
    struct wa_client *c = client_make(self, line, delay_ms);
    if (!c)
        return;
    if (pair_phone && wa_client_status(c)->state == WA_STATE_PAIRING)
        wa_client_link_by_code(c, pair_phone);
    else
        wa_client_start(c, pair_phone);
}

static void wa_load(void *self, struct wb_line *line)
{
    struct wa_client *c = client_make(self, line, 0);
    if (c)
        wa_client_load(c);
}

static void wa_stop(void *self, struct wb_line *line)
{
    (void)self;
    if (client_of(line))
        wa_client_stop(client_of(line));
}

static void wa_logout(void *self, struct wb_line *line)
{
    struct wa_client *c = client_make(self, line, 0);
    if (c)
        wa_client_logout(c);
}

static int wa_send(void *self, struct wb_line *line, const struct wa_outgoing *message)
{
    (void)self;
    return client_of(line) ? wa_client_send(client_of(line), message) : BX_E_STATE;
}

static void wa_mark_read(void *self, struct wb_line *line, struct bx_str chat, struct bx_str sender,
                         const struct bx_str *ids, size_t count)
{
    (void)self;
    if (client_of(line))
        wa_client_mark_read(client_of(line), chat, sender, ids, count);
}

static void wa_set_typing(void *self, struct wb_line *line, struct bx_str chat, bool is_typing)
{
    (void)self;
    if (client_of(line))
        wa_client_set_typing(client_of(line), chat,
                             is_typing ? WA_TYPING_COMPOSING : WA_TYPING_PAUSED);
}

static void wa_watch(void *self, struct wb_line *line, struct bx_str person)
{
    (void)self;
    if (client_of(line))
        wa_client_subscribe(client_of(line), person);
}

static void wa_refresh_group(void *self, struct wb_line *line, struct bx_str group)
{
    (void)self;
    if (client_of(line))
        wa_client_refresh_groups(client_of(line), group);
}

static int wa_media_hosts(void *self, struct wb_line *line, bool is_fresh,
                          void (*on_conn)(int rc, const struct wa_media_conn *conn, void *arg),
                          void *arg)
{
    (void)self;
    return client_of(line) ? wa_client_media_conn(client_of(line), is_fresh, on_conn, arg)
                           : BX_E_STATE;
}

static int wa_media_again(void *self, struct wb_line *line, const struct wa_media_retry *retry)
{
    (void)self;
    return client_of(line) ? wa_client_media_retry(client_of(line), retry) : BX_E_STATE;
}

/* --- the engine --- */

/* Whom to trust, and downloads. */
static int connect_setup(struct engine *engine, struct bx_buf *message)
{
    const struct wb_config *c = engine->app->config;
    engine->media_host = media_host_of(engine->url);
    engine->root_count = wb_config_whatsapp_root(c, engine->root[0]) == BX_OK;
    int rc = c->whatsapp_ca ? net_tls_client_new(c->whatsapp_ca, false, &engine->tls) : BX_OK;
    if (rc < 0) {
        bx_buf_printf(message, "WABOX_WHATSAPP_CA: %s holds no certificates that can be read",
                      c->whatsapp_ca);
        return rc;
    }
    struct net_fetcher_opts opts = {.ca_path = c->whatsapp_ca,
                                    .plain_origin = engine->media_host,
                                    .header =
                                        engine->url ? NULL : "Origin: https://web.whatsapp.com"};
    rc = net_fetcher_new(engine->app->loop, &opts, &engine->fetcher);
    if (rc < 0)
        bx_buf_lit(message, "WABOX_WHATSAPP: there is no memory for downloads");
    return rc;
}

static int wa_open(struct wb_app *app, const struct wb_channel_events *events, void **out,
                   struct bx_buf *message)
{
    char *url;
    int rc = wb_config_whatsapp(app->config->whatsapp, &url, message);
    if (rc < 0)
        return rc;
    struct engine *engine = BX_NEW(struct engine);
    engine->app = app;
    net_lane_init(&engine->preparations, app->pool, 0);
    engine->events = events;
    engine->url = url;
    rc = connect_setup(engine, message);
    if (rc < 0) {
        engine_free(engine);
        return rc;
    }
    cr_secret_subkey(app->master_key, BX_STR("whatsapp keystore"), engine->key);
    *out = engine;
    return BX_OK;
}

static void wa_reload(void *self)
{
    struct engine *engine = self;
    struct wb_line *line;
    for (size_t pos = 0; wb_line_next(engine->app, &pos, &line);) {
        if (client_of(line))
            wa_client_set_version(client_of(line), engine->app->whatsapp_version);
    }
}

static void wa_close(void *self, void (*on_closed)(void *arg), void *arg)
{
    struct engine *engine = self;
    struct wb_line *line;
    engine->on_closed = on_closed;
    engine->closed_arg = arg;
    engine->clients++; /* not before all were asked and the downloads ended */
    for (size_t pos = 0; wb_line_next(engine->app, &pos, &line);) {
        if (client_of(line))
            wa_client_free(client_of(line));
    }
    net_fetcher_close(engine->fetcher, on_fetcher_closed, engine);
}

const struct wb_engine_ops wb_engine_wa = {
    .name = "libwa",
    .open = wa_open,
    .close = wa_close,
    .reload = wa_reload,
    .start = wa_start,
    .load = wa_load,
    .stop = wa_stop,
    .logout = wa_logout,
    .send = wa_send,
    .mark_read = wa_mark_read,
    .typing = wa_set_typing,
    .watch = wa_watch,
    .refresh_group = wa_refresh_group,
    .media_conn = wa_media_hosts,
    .media_retry = wa_media_again,
};
