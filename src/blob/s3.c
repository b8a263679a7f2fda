/* Blobs in a bucket: PREFIX ab/abcdef…, on their way in a local spool folder, because S3 wants to
 * know the hash of what it is sent before it is sent. A file larger than a part goes up in parts;
 * the hashes of the parts were made while it was written, so nothing is read twice and memory stays
 * flat. A blob that exists is put again: its time must be new, or a sweep might take it before its
 * new row is there.
 *
 * A read that breaks off in the middle goes on where it stopped. A read of a whole blob is checked
 * against its name. */
#include "base/err.h"
#include "base/log.h"
#include "blob/s3_call.h"
#include "blob/s3_xml.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PART_BYTES = 16 << 20, PART_MIN = 5 << 20, UPLOAD_ID_SIZE = 1024, ETAG_SIZE = 160 };

#define QUERY(n, v) ((struct bl_pair){BX_STR(n), (v)})

static struct s3_store *store_of(struct bl_store *s)
{
    return (struct s3_store *)s;
}

static struct s3_request request_of(const char *method, const struct bl_id *id,
                                    void (*on_reply)(const struct s3_reply *, void *), void *arg)
{
    return (struct s3_request){
        .method = method, .id = id, .body_fd = -1, .on_reply = on_reply, .arg = arg};
}

static void s3_free(struct s3_store *s)
{
    if (s->secret_key)
        cr_wipe(s->secret_key, strlen(s->secret_key));
    char *texts[] = {s->origin, s->host,       s->bucket,    s->prefix,
                     s->region, s->access_key, s->secret_key};
    for (size_t i = 0; i < BX_LEN(texts); i++)
        free(texts[i]);
}

/* The store goes when the last operation has told its end and the sockets are gone. */
static void maybe_closed(struct s3_store *s)
{
    if (!s->base.is_closing || s->users || s->transfers)
        return;
    s3_free(s);
    bl_store_closed(&s->base);
}

static void release(struct s3_store *s)
{
    s->users--;
    maybe_closed(s);
}

/* --- upload --- */

struct upload {
    struct s3_store *store;
    struct bl_writer *writer;
    char id[UPLOAD_ID_SIZE], number[16];
    size_t part;
    char (*etags)[ETAG_SIZE];
    int rc;
};

static void upload_end(struct upload *u, int rc)
{
    struct s3_store *s = u->store;
    bl_writer_end(u->writer, rc);
    free(u->etags);
    free(u);
    release(s);
}

static void upload_call(struct upload *u, const struct s3_request *r)
{
    int rc = s3_call_start(u->store, r, NULL);
    if (rc < 0)
        upload_end(u, rc);
}

static void on_put(const struct s3_reply *reply, void *arg)
{
    upload_end(arg, reply->rc);
}

static void put_whole(struct upload *u)
{
    struct s3_request r = request_of("PUT", &u->writer->entry.id, on_put, u);
    r.body_fd = u->writer->fd;
    r.body_len = u->writer->size;
    r.body_hash = u->writer->entry.id.sha256;
    upload_call(u, &r);
}

static void on_aborted(const struct s3_reply *reply, void *arg)
{
    struct upload *u = arg;
    (void)reply; /* what could not be removed is for the bucket's lifecycle rule */
    upload_end(u, u->rc);
}

static void upload_abort(struct upload *u, int rc)
{
    struct s3_request r = request_of("DELETE", &u->writer->entry.id, on_aborted, u);
    r.query[r.query_count++] = QUERY("uploadId", bx_str(u->id));
    u->rc = rc;
    if (rc == BX_E_CLOSED)
        upload_end(u, rc);
    else
        upload_call(u, &r);
}

/* A 200 may still be an error: it is sent before the parts are joined. */
static void on_completed(const struct s3_reply *reply, void *arg)
{
    struct upload *u = arg;
    struct bx_str rest = reply->body, error;
    if (reply->rc >= 0 && !bl_xml_next(&rest, BX_STR("Error"), &error))
        upload_end(u, BX_OK);
    else
        upload_abort(u, reply->rc < 0 ? reply->rc : BX_E_UNAVAILABLE);
}

static void complete(struct upload *u)
{
    struct s3_request r = request_of("POST", &u->writer->entry.id, on_completed, u);
    struct bx_buf body;
    bx_buf_init(&body, 0);
    bx_buf_lit(&body, "<CompleteMultipartUpload>");
    for (size_t i = 0; i < u->writer->part_count; i++)
        bx_buf_printf(&body, "<Part><PartNumber>%zu</PartNumber><ETag>%s</ETag></Part>", i + 1,
                      u->etags[i]);
    bx_buf_lit(&body, "</CompleteMultipartUpload>");
    r.query[r.query_count++] = QUERY("uploadId", bx_str(u->id));
    r.body = bx_buf_view(&body);
    upload_call(u, &r);
    bx_buf_done(&body);
}

/* Goes back into XML: quotes are written as an entity, anything else that is special is refused. */
static bool keep_etag(struct bx_str etag, char out[ETAG_SIZE])
{
    size_t n = 0;
    for (size_t i = 0; i < etag.len; i++) {
        char c = etag.ptr[i];
        if (n + 7 > ETAG_SIZE || c == '<' || c == '>' || c == '&' || c < ' ')
            return false;
        if (c == '"')
            n += (size_t)snprintf(out + n, ETAG_SIZE - n, "&quot;");
        else
            out[n++] = c;
    }
    out[n] = 0;
    return n > 0;
}

static void put_part(struct upload *u);

static void on_part(const struct s3_reply *reply, void *arg)
{
    struct upload *u = arg;
    if (reply->rc < 0) {
        upload_abort(u, reply->rc);
    } else if (!keep_etag(reply->etag, u->etags[u->part])) {
        upload_abort(u, BX_E_UNAVAILABLE);
    } else if (++u->part == u->writer->part_count) {
        complete(u);
    } else {
        put_part(u);
    }
}

static void put_part(struct upload *u)
{
    struct s3_request r = request_of("PUT", &u->writer->entry.id, on_part, u);
    uint64_t part_bytes = u->store->base.part_bytes, left;
    r.body_offset = u->part * part_bytes;
    left = u->writer->size - r.body_offset;
    r.body_fd = u->writer->fd;
    r.body_len = left < part_bytes ? left : part_bytes;
    r.body_hash = u->writer->part_hashes[u->part];
    snprintf(u->number, sizeof u->number, "%zu", u->part + 1);
    r.query[r.query_count++] = QUERY("partNumber", bx_str(u->number));
    r.query[r.query_count++] = QUERY("uploadId", bx_str(u->id));
    upload_call(u, &r);
}

static void on_created(const struct s3_reply *reply, void *arg)
{
    struct upload *u = arg;
    struct bx_str rest = reply->body, id;
    if (reply->rc < 0) {
        upload_end(u, reply->rc);
    } else if (!bl_xml_next(&rest, BX_STR("UploadId"), &id) ||
               bl_xml_text(id, u->id, sizeof u->id) < 0 || !u->id[0]) {
        upload_end(u, BX_E_UNAVAILABLE);
    } else {
        u->etags = bx_calloc(u->writer->part_count, sizeof u->etags[0]);
        put_part(u);
    }
}

static void create(struct upload *u)
{
    struct s3_request r = request_of("POST", &u->writer->entry.id, on_created, u);
    r.query[r.query_count++] = QUERY("uploads", BX_STR(""));
    upload_call(u, &r);
}

static void on_known(const struct s3_reply *reply, void *arg)
{
    struct upload *u = arg;
    if (reply->rc < 0 && reply->rc != BX_E_NOT_FOUND) {
        upload_end(u, reply->rc);
        return;
    }
    u->writer->is_new = reply->rc == BX_E_NOT_FOUND;
    if (u->writer->size > u->store->base.part_bytes)
        create(u);
    else
        put_whole(u);
}

static void s3_finish(struct bl_writer *w)
{
    struct upload *u = BX_NEW(struct upload);
    u->store = store_of(w->store);
    u->writer = w;
    u->store->users++;
    struct s3_request r = request_of("HEAD", &w->entry.id, on_known, u);
    int rc = w->part_count > BL_PARTS_MAX ? BX_E_TOO_BIG : s3_call_start(u->store, &r, NULL);
    if (rc >= 0)
        return;
    /* Told in the next turn, like every end. */
    u->store->users--;
    free(u);
    w->rc = rc;
    net_inbox_post(w->store->loop, bl_writer_failed, w);
}

/* --- read --- */

struct s3_read {
    struct bl_read *read;
    struct s3_call *call;
    struct cr_digest *digest; /* of a whole blob */
    uint64_t got;
    unsigned breaks;
    bool is_open, is_enough;
};

static int read_start(struct s3_read *x);

static void read_free(struct s3_read *x)
{
    struct s3_store *s = store_of(x->read->store);
    if (x->digest)
        cr_digest_free(x->digest);
    free(x->read);
    free(x);
    release(s);
}

static void on_read_head(const struct net_transfer_head *head, void *arg)
{
    struct s3_read *x = arg;
    struct bl_read *r = x->read;
    int64_t size = head->status == 206 ? head->range_total : head->content_length;
    if (x->is_open || size < 0 || (head->status != 206 && r->offset + x->got > 0))
        return; /* a server that ignores the range is found out by the first byte */
    x->is_open = true;
    r->reader->on_open((uint64_t)size, -1, r->arg);
}

static int on_read_bytes(struct bx_str bytes, void *arg)
{
    struct s3_read *x = arg;
    if (x->read->is_cancelled)
        return BX_E_CLOSED;
    if (!x->is_open)
        return BX_E_UNSUPPORTED;
    uint64_t left = x->read->len ? x->read->len - x->got : bytes.len;
    if (left == 0) { /* a server that answers a range from the start with the whole */
        x->is_enough = true;
        return BX_E_CLOSED;
    }
    bytes.len = bytes.len < left ? bytes.len : (size_t)left;
    int rc = x->read->reader->on_bytes(bytes, x->read->arg);
    if (rc < 0)
        return rc;
    if (x->digest)
        cr_digest_update(x->digest, bytes.ptr, bytes.len);
    x->got += bytes.len;
    return BX_OK;
}

static int check(struct s3_read *x)
{
    uint8_t digest[BL_HASH_SIZE];
    if (!x->digest)
        return BX_OK;
    cr_digest_final(x->digest, digest);
    return memcmp(digest, x->read->id.sha256, BL_HASH_SIZE) == 0 ? BX_OK : BX_E_CORRUPT;
}

static void on_read_reply(const struct s3_reply *reply, void *arg)
{
    struct s3_read *x = arg;
    struct bl_read *r = x->read;
    int rc = reply->rc;
    bool is_broken = rc == BX_E_TRUNCATED || rc == BX_E_IO || rc == BX_E_TIMEOUT;
    x->call = NULL;
    rc = x->is_enough && rc == BX_E_CLOSED && !r->store->is_closing ? BX_OK : rc;
    x->breaks = reply->delivered ? 0 : x->breaks;
    if (is_broken && x->got && x->breaks++ < store_of(r->store)->max_attempts &&
        (rc = read_start(x)) >= 0)
        return;
    if (rc >= 0)
        rc = check(x);
    if (rc >= 0 && !x->is_open) /* an empty blob has a head and no bytes */
        rc = BX_E_UNSUPPORTED;
    r->reader->on_done(rc, r->arg);
    read_free(x);
}

static int read_start(struct s3_read *x)
{
    struct bl_read *r = x->read;
    struct s3_request q = request_of("GET", &r->id, on_read_reply, x);
    q.is_range = r->offset || r->len || x->got;
    q.offset = r->offset + x->got;
    q.len = r->len ? r->len - x->got : 0;
    q.on_head = on_read_head;
    q.on_bytes = on_read_bytes;
    return s3_call_start(store_of(r->store), &q, &x->call);
}

static int s3_read_begin(struct bl_read *r)
{
    struct s3_read *x = BX_NEW(struct s3_read);
    x->read = r;
    r->state = x;
    if (r->offset == 0 && r->len == 0)
        x->digest = cr_digest_new(CR_DIGEST_SHA256);
    int rc = read_start(x);
    if (rc >= 0) {
        store_of(r->store)->users++;
    } else {
        if (x->digest)
            cr_digest_free(x->digest);
        free(x);
    }
    return rc;
}

static void s3_read_resume(struct bl_read *r)
{
    const struct s3_read *x = r->state;
    if (x->call)
        s3_call_resume(x->call);
}

static void on_cancelled(void *arg)
{
    read_free(arg);
}

static void s3_read_cancel(struct bl_read *r)
{
    struct s3_read *x = r->state;
    if (x->call)
        s3_call_cancel(x->call);
    net_inbox_post(r->store->loop, on_cancelled, x); /* may be called in on_bytes */
}

/* --- fetch: a read into a file --- */

struct fetch {
    int fd;
    uint64_t size;
    bl_file_fn *on_file;
    void *arg;
};

static void on_fetch_open(uint64_t size, int fd, void *arg)
{
    (void)size, (void)fd, (void)arg;
}

static int on_fetch_bytes(struct bx_str bytes, void *arg)
{
    struct fetch *f = arg;
    while (bytes.len) {
        ssize_t n = pwrite(f->fd, bytes.ptr, bytes.len, (off_t)f->size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return bx_err_from_errno(n < 0 ? errno : ENOSPC);
        f->size += (uint64_t)n;
        bytes = bx_str_slice(bytes, (size_t)n, bytes.len);
    }
    return BX_OK;
}

static void on_fetch_done(int rc, void *arg)
{
    struct fetch *f = arg;
    if (rc < 0)
        close(f->fd);
    f->on_file(rc, rc < 0 ? -1 : f->fd, rc < 0 ? 0 : f->size, f->arg);
    free(f);
}

static int s3_fetch(struct bl_store *s, const struct bl_id *id, bl_file_fn *on_file, void *arg)
{
    static const struct bl_reader reader = {on_fetch_open, on_fetch_bytes, on_fetch_done};
    int fd = openat(s->temp_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (fd < 0)
        return bx_err_from_errno(errno);
    struct fetch *f = BX_NEW(struct fetch);
    *f = (struct fetch){.fd = fd, .on_file = on_file, .arg = arg};
    int rc = bl_read(s, id, 0, 0, &reader, f, NULL);
    if (rc < 0) {
        close(fd);
        free(f);
    }
    return rc;
}

/* --- short operations --- */

struct task {
    struct s3_store *store;
    struct bl_id id;
    union {
        bl_stat_fn *on_stat;
        bl_deleted_fn *on_deleted;
        bl_list_fn *on_list;
        bl_swept_fn *on_swept;
    };
    void *arg;
    char after[1024], max_text[16];
    size_t max;
    uint32_t min_age_s;
    int64_t removed;
    struct net_lane lane;
};

static struct task *task_new(struct bl_store *s, const struct bl_id *id, void *arg)
{
    struct task *t = BX_NEW(struct task);
    t->store = store_of(s);
    t->arg = arg;
    if (id)
        t->id = *id;
    t->store->users++;
    return t;
}

static void task_free(struct task *t)
{
    struct s3_store *s = t->store;
    free(t);
    release(s);
}

static int task_start(struct task *t, const struct s3_request *r)
{
    int rc = s3_call_start(t->store, r, NULL);
    if (rc < 0) {
        t->store->users--;
        free(t);
    }
    return rc;
}

static void on_stat_reply(const struct s3_reply *reply, void *arg)
{
    struct task *t = arg;
    struct bl_entry entry = {.id = t->id, .size = (uint64_t)reply->content_length};
    int rc = reply->rc >= 0 && reply->content_length < 0 ? BX_E_UNSUPPORTED : reply->rc;
    t->on_stat(rc, rc >= 0 ? &entry : NULL, t->arg);
    task_free(t);
}

static int s3_stat(struct bl_store *s, const struct bl_id *id, bl_stat_fn *on_stat, void *arg)
{
    struct task *t = task_new(s, id, arg);
    t->on_stat = on_stat;
    struct s3_request r = request_of("HEAD", &t->id, on_stat_reply, t);
    return task_start(t, &r);
}

static void on_remove_reply(const struct s3_reply *reply, void *arg)
{
    struct task *t = arg;
    const struct bl_hooks *h = &t->store->base.hooks;
    int rc = reply->rc == BX_E_NOT_FOUND ? BX_OK : reply->rc;
    if (rc >= 0 && h->on_deleted)
        h->on_deleted(&t->id, h->arg);
    t->on_deleted(rc, t->arg);
    task_free(t);
}

static int s3_remove(struct bl_store *s, const struct bl_id *id, bl_deleted_fn *on_deleted,
                     void *arg)
{
    struct task *t = task_new(s, id, arg);
    t->on_deleted = on_deleted;
    struct s3_request r = request_of("DELETE", &t->id, on_remove_reply, t);
    return task_start(t, &r);
}

/* --- list --- */

static int list_page(struct task *t);

/* One <Contents>; false: it is not a blob of ours. Its key becomes the next page's start. */
static bool parse_entry(struct task *t, struct bx_str contents, struct bl_entry *out)
{
    struct bx_str rest = contents, text;
    uint64_t size;
    if (!bl_xml_next(&rest, BX_STR("Key"), &text) ||
        bl_xml_text(text, t->after, sizeof t->after) < 0)
        return false;
    struct bx_str name = bx_str(t->after);
    size_t head = strlen(t->store->prefix) + 3;
    rest = contents;
    if (name.len < head || bl_name_parse(bx_str_slice(name, head, name.len), &out->id) < 0 ||
        !bl_xml_next(&rest, BX_STR("Size"), &text) || bx_str_u64(text, INT64_MAX, &size) < 0)
        return false;
    out->size = size;
    rest = contents;
    out->modified_s = bl_xml_next(&rest, BX_STR("LastModified"), &text) ? bl_xml_time(text) : 0;
    return true;
}

static void on_list_reply(const struct s3_reply *reply, void *arg)
{
    struct task *t = arg;
    struct bx_str rest = reply->body, piece;
    struct bl_entry *entries = bx_calloc(t->max, sizeof *entries);
    size_t count = 0;
    int rc = reply->rc;
    bool is_more = rc >= 0 && bl_xml_next(&rest, BX_STR("IsTruncated"), &piece) &&
                   bx_str_is(piece, "true"),
         has_moved = false;
    rest = reply->body;
    while (rc >= 0 && count < t->max && bl_xml_next(&rest, BX_STR("Contents"), &piece)) {
        count += parse_entry(t, piece, &entries[count]);
        has_moved = true;
    }
    if (rc >= 0 && is_more && count == 0 && has_moved) { /* a page of others' files */
        free(entries);
        if ((rc = list_page(t)) >= 0)
            return;
        entries = NULL;
    }
    t->on_list(rc, entries, rc >= 0 ? count : 0, !is_more, t->arg);
    free(entries);
    task_free(t);
}

static int list_page(struct task *t)
{
    struct s3_request r = request_of("GET", NULL, on_list_reply, t);
    r.query[r.query_count++] = QUERY("list-type", BX_STR("2"));
    r.query[r.query_count++] = QUERY("max-keys", bx_str(t->max_text));
    r.query[r.query_count++] = QUERY("prefix", bx_str(t->store->prefix));
    if (t->after[0])
        r.query[r.query_count++] = QUERY("start-after", bx_str(t->after));
    return s3_call_start(t->store, &r, NULL);
}

static int s3_list(struct bl_store *s, const struct bl_id *after, size_t max, bl_list_fn *on_list,
                   void *arg)
{
    struct task *t = task_new(s, NULL, arg);
    char name[BL_NAME_SIZE];
    t->on_list = on_list;
    t->max = max;
    snprintf(t->max_text, sizeof t->max_text, "%zu", max);
    if (after) {
        bl_name(after, name);
        snprintf(t->after, sizeof t->after, "%s%.2s/%s", t->store->prefix, name, name);
    }
    int rc = list_page(t);
    if (rc < 0) {
        t->store->users--;
        free(t);
    }
    return rc;
}

/* --- sweep --- */

static void sweep_work(void *arg, unsigned worker)
{
    struct task *t = arg;
    (void)worker;
    t->removed = bl_sweep_temp(t->store->base.temp_fd, t->min_age_s);
}

static void sweep_done(void *arg)
{
    struct task *t = arg;
    t->on_swept(t->removed < 0 ? (int)t->removed : BX_OK, t->removed < 0 ? 0 : (uint64_t)t->removed,
                t->arg);
    task_free(t);
}

static int s3_sweep(struct bl_store *s, uint32_t min_age_s, bl_swept_fn *on_swept, void *arg)
{
    struct task *t = task_new(s, NULL, arg);
    t->on_swept = on_swept;
    t->min_age_s = min_age_s;
    net_lane_init(&t->lane, s->pool, 0);
    return net_lane_submit(&t->lane, sweep_work, sweep_done, t);
}

/* --- the store --- */

static void on_transfers_closed(void *arg)
{
    struct s3_store *s = arg;
    s->transfers = NULL;
    maybe_closed(s);
}

static void s3_close(struct bl_store *base)
{
    struct s3_store *s = store_of(base);
    s->users++; /* until all calls have been told */
    s3_calls_close(s);
    net_transfers_close(s->transfers, on_transfers_closed, s);
    release(s);
}

static const struct bl_backend backend = {
    .kind = "s3",
    .close = s3_close,
    .finish = s3_finish,
    .read = s3_read_begin,
    .read_resume = s3_read_resume,
    .read_cancel = s3_read_cancel,
    .fetch = s3_fetch,
    .stat = s3_stat,
    .remove = s3_remove,
    .list = s3_list,
    .sweep = s3_sweep,
};

static char *copy(struct bx_str s)
{
    return bx_strndup(s.ptr ? s.ptr : "", s.len);
}

/* "a%2Fb" as "a/b"; a '%' that is none stays. */
static char *decoded(struct bx_str s)
{
    char *out = copy(s);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        uint8_t byte;
        if (s.ptr[i] == '%' && bx_hex_decode(bx_str_slice(s, i + 1, i + 3), &byte, 1) >= 0) {
            out[n++] = (char)byte;
            i += 2;
        } else {
            out[n++] = s.ptr[i];
        }
    }
    out[n] = 0;
    return out;
}

struct address {
    char *bucket, *prefix, *endpoint, *region, *style;
};

static void address_parse(struct bx_str text, struct address *a)
{
    size_t mark = bx_str_find(text, '?');
    struct bx_str path = bx_str_slice(text, 0, mark), piece;
    struct bx_str rest = bx_str_slice(text, mark + 1, text.len);
    size_t slash = bx_str_find(path, '/');
    struct {
        struct bx_str name;
        char **to;
    } names[] = {{BX_STR("endpoint"), &a->endpoint},
                 {BX_STR("region"), &a->region},
                 {BX_STR("style"), &a->style}};
    a->bucket = copy(bx_str_slice(path, 0, slash));
    a->prefix = copy(bx_str_slice(path, slash + 1, path.len));
    while (mark < text.len && bx_str_split(&rest, '&', &piece)) {
        size_t equals = bx_str_find(piece, '=');
        for (size_t i = 0; i < BX_LEN(names); i++) {
            if (bx_str_eq(bx_str_slice(piece, 0, equals), names[i].name)) {
                free(*names[i].to);
                *names[i].to = decoded(bx_str_slice(piece, equals + 1, piece.len));
            }
        }
    }
}

static char *text_of(const char *format, const char *a, const char *b, const char *c)
{
    struct bx_buf out;
    size_t len;
    bx_buf_init(&out, 0);
    bx_buf_printf(&out, "%s", "");
    for (; *format; format++) {
        if (*format >= 'a' && *format <= 'c')
            bx_buf_printf(&out, "%s", *format == 'a' ? a : *format == 'b' ? b : c);
        else
            bx_buf_byte(&out, (uint8_t)*format);
    }
    bx_buf_byte(&out, 0);
    return (char *)bx_buf_take(&out, &len);
}

/* Where requests go. MinIO and its like have buckets in the path, AWS in the host's name. */
static int set_origin(struct s3_store *s, const struct address *a)
{
    struct bx_str endpoint = bx_str(a->endpoint ? a->endpoint : "");
    char *made = a->endpoint ? NULL : text_of("a.b.c", "https://s3", s->region, "amazonaws.com");
    if (made)
        endpoint = bx_str(made);
    bool is_plain = bx_str_starts(endpoint, BX_STR("http://"));
    if (!is_plain && !bx_str_starts(endpoint, BX_STR("https://"))) {
        free(made);
        return BX_E_INVALID;
    }
    const char *scheme = is_plain ? "http://" : "https://";
    struct bx_str host = bx_str_slice(endpoint, strlen(scheme), endpoint.len);
    host = bx_str_slice(host, 0, bx_str_find(host, '/'));
    char *name = copy(host);
    s->is_path_style = a->style ? strcmp(a->style, "path") == 0 : a->endpoint != NULL;
    s->host = s->is_path_style ? copy(host) : text_of("a.b", s->bucket, name, "");
    s->origin = text_of("ab", scheme, s->host, "");
    free(name);
    free(made);
    return host.len ? BX_OK : BX_E_INVALID;
}

static int set_up(struct s3_store *s, const struct bl_opts *opts, struct address *a)
{
    s->bucket = copy(bx_str(a->bucket));
    size_t len = strlen(a->prefix);
    s->prefix = len && a->prefix[len - 1] != '/' ? text_of("a/", a->prefix, "", "")
                                                 : copy(bx_str(a->prefix));
    s->region = copy(bx_str(a->region && a->region[0] ? a->region : "us-east-1"));
    if (!opts->access_key || !opts->secret_key || !s->bucket[0] || !opts->spool)
        return BX_E_INVALID;
    s->access_key = copy(bx_str(opts->access_key));
    s->secret_key = copy(bx_str(opts->secret_key));
    s->max_attempts = opts->max_attempts ? opts->max_attempts : 5;
    s->backoff_ms = opts->backoff_ms ? opts->backoff_ms : 200;
    s->base.part_bytes = opts->part_bytes ? opts->part_bytes : PART_BYTES;
    if (s->base.part_bytes < PART_MIN)
        s->base.part_bytes = PART_MIN;
    return set_origin(s, a);
}

int bl_s3_open(struct net_loop *loop, struct net_pool *pool, const struct bl_opts *opts,
               struct bx_str text, struct bl_store **out)
{
    struct address a = {0};
    struct s3_store *s = BX_NEW(struct s3_store);
    struct net_transfers_opts transfers = {.ca_path = opts->ca_path};
    s->base = (struct bl_store){
        .backend = &backend, .loop = loop, .pool = pool, .hooks = opts->hooks, .temp_fd = -1};
    bx_list_init(&s->calls);
    address_parse(text, &a);
    int rc = set_up(s, opts, &a);
    char *texts[] = {a.bucket, a.prefix, a.endpoint, a.region, a.style};
    for (size_t i = 0; i < BX_LEN(texts); i++)
        free(texts[i]);
    if (rc >= 0)
        rc = s->base.temp_fd = bl_folder(AT_FDCWD, opts->spool);
    if (rc >= 0)
        rc = net_transfers_new(loop, &transfers, &s->transfers);
    if (rc < 0) {
        if (s->base.temp_fd >= 0)
            close(s->base.temp_fd);
        s3_free(s);
        free(s);
        return rc;
    }
    *out = &s->base;
    return BX_OK;
}
