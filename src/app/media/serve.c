/* GET /api/v1/media/{messageId}/{filename}?exp&u&sig and …/thumb. Who holds a link needs no token: the
 * signature says whom it was made for, and that user must still be allowed to see the number. */
#include "app/access/access.h"
#include "app/media/media_internal.h"
#include "app/rest/answer.h"
#include "app/rest/cors.h"
#include "app/rest/mount.h"
#include "app/views/media_view.h"
#include "base/clock.h"
#include "base/mem.h"
#include "crypto/hash.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { WAIT_MS = 30000 };
#define PREFIX "/api/v1/media/"

struct serving {
    struct bx_list node; /* of the waiters */
    struct wb_media *media;
    struct http_exchange *x; /* NULL: the client left */
    struct net_timer timer;
    int64_t message_id, user_id;
    bool is_thumb, has_waited, is_waiting;
    /* of a look at the rows */
    struct bx_arena arena;
    struct st_message message;
    struct st_media file;
    int rc;
};

static void serving_free(struct serving *s)
{
    net_timer_stop(&s->timer);
    bx_list_remove(&s->node);
    bx_arena_done(&s->arena);
    free(s);
}

static void refuse(struct serving *s, int status, const char *why)
{
    if (s->x) {
        http_add_header(s->x, "Cache-Control", BX_STR("no-store"));
        wb_answer_error(s->x, status, why);
    }
    serving_free(s);
}

static void on_abort(struct http_exchange *x, void *arg)
{
    struct serving *s = arg;
    (void)x;
    s->x = NULL;
    if (s->is_waiting)
        serving_free(s);
}

/* --- the answer --- */

/* Shown in the page; everything else is offered as a download of unknown content. */
static const char *safe_type(struct bx_str mime)
{
    static const char *const types[] = {"image/jpeg", "image/png",      "image/webp", "image/gif",
                                        "audio/ogg",  "audio/mpeg",     "audio/mp4",  "audio/aac",
                                        "audio/amr",  "audio/wav",      "video/mp4",  "video/3gpp",
                                        "video/webm", "application/pdf"};
    struct bx_str type = bx_str_trim(bx_str_slice(mime, 0, bx_str_find(mime, ';')));
    for (size_t i = 0; i < BX_LEN(types); i++) {
        if (bx_str_ieq(type, bx_str(types[i])))
            return types[i];
    }
    return NULL;
}

static void add_headers(struct serving *s, bool is_inline)
{
    struct bx_str name = wb_media_name(&s->file, &s->arena);
    http_add_header(s->x, "Cache-Control", BX_STR("private, max-age=31536000, immutable"));
    http_add_header(s->x, "X-Content-Type-Options", BX_STR("nosniff"));
    http_add_header(s->x, "Content-Security-Policy", BX_STR("default-src 'none'; sandbox"));
    http_add_header(s->x, "Cross-Origin-Resource-Policy", BX_STR("cross-origin"));
    http_add_header(s->x, "Content-Disposition",
                    bx_arena_printf(&s->arena, "%s; filename=\"%.*s\"",
                                    is_inline ? "inline" : "attachment", BX_STR_ARG(name)));
}

static void on_file(int rc, int fd, uint64_t size, void *arg)
{
    struct serving *s = arg;
    if (rc < 0 || !s->x) {
        if (fd >= 0)
            close(fd);
        refuse(s, rc == BX_E_NOT_FOUND ? 404 : 503,
               rc == BX_E_NOT_FOUND ? "The file is not in the store any more."
                                    : "The file store does not answer. Try again later.");
        return;
    }
    struct bx_str id = s->is_thumb ? s->file.thumb_blob : s->file.file_blob;
    char hex[2 * BL_HASH_SIZE + 1];
    bx_hex_encode(id.ptr, id.len, hex);
    const char *type = s->is_thumb ? "image/jpeg" : safe_type(s->file.mime);
    unsigned char head[12] = {0};
    if (s->is_thumb && pread(fd, head, sizeof head, 0) == sizeof head &&
        memcmp(head, "RIFF", 4) == 0)
        type = "image/webp";
    add_headers(s, type != NULL);
    struct http_file file = {.fd = fd,
                             .size = size,
                             .content_type = type ? type : "application/octet-stream",
                             .etag = bx_arena_printf(&s->arena, "\"%s\"", hex)};
    http_serve_file(s->x, &file);
    serving_free(s);
}

static void look(struct serving *s);

static void wake(void *arg)
{
    wb_media_wake(arg);
}

struct want {
    struct wb_app *app;
    int64_t message_id;
};

static int want_row(struct st_tx *tx, void *arg)
{
    return wb_media_want(tx, ((struct want *)arg)->message_id);
}

static void want_done(int rc, void *arg)
{
    struct want *w = arg;
    (void)rc; /* who waits is told by the clock */
    net_inbox_post(w->app->loop, wake, w->app);
    free(w);
}

static void fetch_first(struct serving *s)
{
    struct want *w = BX_NEW(struct want);
    *w = (struct want){s->media->app, s->message_id};
    s->has_waited = s->is_waiting = true;
    bx_list_push_back(&s->media->waiters, &s->node);
    net_timer_start(s->media->app->loop, &s->timer, WAIT_MS);
    int rc = st_writer_submit(s->media->app->writer, want_row, w, want_done);
    if (rc < 0)
        want_done(rc, w);
}

static bool may_see(struct serving *s)
{
    struct wb_principal who = {.user_id = s->user_id, .scopes = ~0u};
    if (!s->user_id)
        return true;
    return wb_access_role(s->media->app->access, s->user_id, &who.role) == BX_OK &&
           wb_access_may(s->media->app->access, &who, s->message.number_id);
}

static void missing(struct serving *s)
{
    switch (s->file.state) {
    case ST_MEDIA_EXPIRED:
        refuse(s, 410,
               "WhatsApp does not have this file any more. Ask the sender to send it again.");
        return;
    case ST_MEDIA_UNAVAILABLE:
        refuse(s, 404, "This file can only be opened on the phone.");
        return;
    case ST_MEDIA_FAILED:
        refuse(s, 404,
               s->file.error.len ? bx_arena_strndup(&s->arena, s->file.error.ptr, s->file.error.len)
                                 : "The file could not be fetched.");
        return;
    case ST_MEDIA_WAITING:
    case ST_MEDIA_DOWNLOADING:
    case ST_MEDIA_READY:
        break;
    }
    if (s->has_waited || s->media->is_stopping)
        refuse(s, 404, "The file has not arrived from WhatsApp yet. Try again later.");
    else
        fetch_first(s);
}

static void on_looked(void *arg)
{
    struct serving *s = arg;
    struct bl_id id;
    if (!s->x) {
        serving_free(s);
        return;
    }
    if (s->rc < 0) {
        refuse(s, s->rc == BX_E_NOT_FOUND ? 404 : 503,
               s->rc == BX_E_NOT_FOUND ? "There is no such file." : bx_err_info(s->rc)->sentence);
        return;
    }
    if (!may_see(s)) {
        refuse(s, 403, "You may not see this number any more.");
        return;
    }
    struct bx_str blob = s->is_thumb ? s->file.thumb_blob : s->file.file_blob;
    if (s->file.state == ST_MEDIA_READY && blob.len == sizeof id.sha256) {
        memcpy(id.sha256, blob.ptr, sizeof id.sha256);
        if (bl_fetch(s->media->blobs, &id, on_file, s) < 0)
            refuse(s, 503, "The server is busy. Try again later.");
    } else if (s->file.state == ST_MEDIA_READY) {
        refuse(s, 404, "There is no preview of this file.");
    } else {
        missing(s);
    }
}

static void look_job(void *arg, unsigned worker)
{
    struct serving *s = arg;
    struct st_conn *conn = s->media->app->readers[worker];
    s->rc = st_message_get(conn, s->message_id, &s->arena, &s->message);
    if (s->rc == BX_OK && s->message.revoked_at)
        s->rc = BX_E_NOT_FOUND;
    if (s->rc == BX_OK)
        s->rc = st_media_get(conn, s->message_id, &s->arena, &s->file);
}

static void look(struct serving *s)
{
    s->is_waiting = false;
    net_timer_stop(&s->timer);
    bx_list_remove(&s->node);
    bx_arena_reset(&s->arena);
    if (net_lane_submit(&s->media->reads, look_job, on_looked, s) < 0)
        refuse(s, 503, "The server is busy. Try again later.");
}

static void on_waited(void *arg)
{
    look(arg);
}

void wb_serve_changed(struct wb_media *m, int64_t message_id)
{
    for (struct bx_list *n = m->waiters.next, *next; n != &m->waiters; n = next) {
        struct serving *s = BX_CONTAINER_OF(n, struct serving, node);
        next = n->next;
        if (!message_id || s->message_id == message_id)
            look(s);
    }
}

/* --- the request --- */

static bool owns(const struct http_request *r, void *arg)
{
    (void)arg;
    return bx_str_starts(r->path, BX_STR(PREFIX));
}

/* BX_E_NOT_FOUND: no such address; BX_E_DENIED: not signed by us, or over. */
static int link_check(const struct http_request *r, struct serving *s)
{
    struct bx_str rest = bx_str_slice(r->path, sizeof PREFIX - 1, r->path.len), uuid, exp, user,
                  sig;
    int64_t expires_s;
    char want[WB_MEDIA_SIG_SIZE];
    size_t slash = bx_str_find(rest, '/');
    uuid = bx_str_slice(rest, 0, slash);
    s->is_thumb = bx_str_is(bx_str_slice(rest, slash + 1, rest.len), "thumb");
    if (st_uuid_parse(s->media->app->store, ST_UUID_MESSAGE, uuid, &s->message_id) < 0)
        return BX_E_NOT_FOUND;
    if (!http_query_get(r->query, BX_STR("exp"), &exp) ||
        !http_query_get(r->query, BX_STR("u"), &user) ||
        !http_query_get(r->query, BX_STR("sig"), &sig) || bx_str_i64(exp, &expires_s) < 0 ||
        bx_str_i64(user, &s->user_id) < 0)
        return BX_E_DENIED;
    wb_media_sign(uuid, expires_s, s->user_id, want);
    bool is_ours = sig.len == sizeof want - 1 && cr_equal(sig.ptr, want, sig.len);
    return is_ours && expires_s * 1000 > bx_wall_ms() ? BX_OK : BX_E_DENIED;
}

static void handle(struct http_exchange *x, void *arg)
{
    struct wb_media *m = arg;
    const struct http_request *r = http_exchange_request(x);
    if (wb_cors_preflight(m->app->cors, x))
        return;
    wb_cors_add(m->app->cors, x);
    if (r->method != HTTP_GET && r->method != HTTP_HEAD) {
        http_add_header(x, "Allow", BX_STR("GET, HEAD"));
        wb_answer_error(x, 405, "Files are read with GET.");
        return;
    }
    struct serving *s = BX_NEW(struct serving);
    s->media = m;
    s->x = x;
    bx_list_init(&s->node);
    bx_arena_init(&s->arena, SIZE_MAX);
    net_timer_init(&s->timer, on_waited, s);
    int rc = link_check(r, s);
    if (rc < 0 || m->is_stopping) {
        refuse(s,
               rc == BX_E_NOT_FOUND ? 404
               : rc < 0             ? 403
                                    : 503,
               rc == BX_E_NOT_FOUND ? "There is no such file."
               : rc < 0 ? "This link is not valid any more. Load the message again for a new one."
                        : "The server is stopping.");
        return;
    }
    http_exchange_on_abort(x, on_abort, s);
    look(s);
}

void wb_serve_mount(struct wb_media *m)
{
    wb_app_mount(m->app, (struct wb_mount){.owns = owns, .handle = handle, .arg = m});
}
