/* libcurl must not be called from its own callbacks: what a callback of ours asks for (resume,
 * cancel) is therefore done by a timer in the next turn. */
#include "net/fetch/transfer.h"

#include "base/err.h"
#include "base/mem.h"
#include "net/fetch/curl_loop.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { ETAG_MAX = 256, UPLOAD_BUFFER = 128 << 10, TRANSFER_MAGIC = 0x3fa9c0de };

struct net_transfers {
    struct net_curl curl;
    char *ca_path;
    uint32_t connect_timeout_ms;
    struct bx_list running;
    struct net_timer end;
    void (*on_closed)(void *arg);
    void *closed_arg;
    bool is_closing;
};

struct net_transfer {
    uint32_t magic;
    struct bx_list node;
    struct net_transfers *engine;
    CURL *easy;
    struct curl_slist *headers;
    const struct net_transfer_handler *handler;
    void *arg;
    char *body;
    int body_fd;
    uint64_t body_offset, body_len, body_at;
    uint64_t max_bytes, received;
    struct net_transfer_head head;
    char etag[ETAG_MAX];
    struct net_timer act; /* resume, or the end of a cancelled one */
    int rc;               /* why on_bytes ended it */
    bool has_head, is_cancelled;
};

/* --- callbacks of libcurl --- */

static void take_header(struct net_transfer *t, struct bx_str line)
{
    size_t colon = bx_str_find(line, ':');
    struct bx_str name = bx_str_slice(line, 0, colon);
    struct bx_str value = bx_str_slice(line, colon + 1, line.len);
    while (value.len && (value.ptr[value.len - 1] == '\r' || value.ptr[value.len - 1] == '\n'))
        value.len--;
    value = bx_str_trim(value);
    if (bx_str_ieq(name, BX_STR("etag")) && value.len < sizeof t->etag) {
        memcpy(t->etag, value.ptr, value.len);
        t->head.etag = bx_str_n(t->etag, value.len);
    } else if (bx_str_ieq(name, BX_STR("content-range"))) {
        uint64_t total;
        size_t slash = bx_str_find(value, '/');
        if (bx_str_u64(bx_str_slice(value, slash + 1, value.len), INT64_MAX, &total) >= 0)
            t->head.range_total = (int64_t)total;
    } else if (bx_str_ieq(name, BX_STR("date"))) {
        char text[64];
        if (bx_str_copy(value, text, sizeof text) >= 0) {
            time_t at = curl_getdate(text, NULL);
            t->head.date_s = at > 0 ? at : 0;
        }
    }
}

static size_t on_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct net_transfer *t = arg;
    struct bx_str line = bx_str_n(bytes, size * count);
    if (bx_str_starts(line, BX_STR("HTTP/")))
        t->head = (struct net_transfer_head){.content_length = -1, .range_total = -1};
    else
        take_header(t, line);
    return line.len;
}

static void announce_head(struct net_transfer *t)
{
    long status = 0;
    curl_off_t length = -1;
    if (t->has_head)
        return;
    t->has_head = true;
    curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(t->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    t->head.status = (int)status;
    t->head.content_length = length;
    if (t->handler->on_head)
        t->handler->on_head(&t->head, t->arg);
}

static size_t on_bytes(char *bytes, size_t size, size_t count, void *arg)
{
    struct net_transfer *t = arg;
    size_t len = size * count;
    if (t->is_cancelled)
        return 0;
    announce_head(t);
    if (t->is_cancelled)
        return 0;
    if (t->max_bytes && len > t->max_bytes - t->received) {
        t->rc = BX_E_TOO_BIG;
        return 0;
    }
    int rc = t->handler->on_bytes(bx_str_n(bytes, len), t->arg);
    if (rc == BX_E_AGAIN)
        return CURL_WRITEFUNC_PAUSE;
    if (rc < 0 || t->is_cancelled) {
        t->rc = rc;
        return 0;
    }
    t->received += len;
    return len;
}

static size_t on_read(char *out, size_t size, size_t count, void *arg)
{
    struct net_transfer *t = arg;
    uint64_t left = t->body_len - t->body_at;
    size_t want = size * count < left ? size * count : (size_t)left;
    if (want == 0)
        return 0;
    if (t->body) {
        memcpy(out, t->body + t->body_at, want);
        t->body_at += want;
        return want;
    }
    ssize_t n = pread(t->body_fd, out, want, (off_t)(t->body_offset + t->body_at));
    if (n <= 0) { /* the file became shorter, or the disk fails */
        t->rc = BX_E_IO;
        return CURL_READFUNC_ABORT;
    }
    t->body_at += (uint64_t)n;
    return (size_t)n;
}

/* libcurl sends again from the start when a kept connection turned out to be closed. */
static int on_rewind(void *arg, curl_off_t offset, int origin)
{
    struct net_transfer *t = arg;
    if (origin != SEEK_SET || offset < 0 || (uint64_t)offset > t->body_len)
        return CURL_SEEKFUNC_FAIL;
    t->body_at = (uint64_t)offset;
    return CURL_SEEKFUNC_OK;
}

/* --- life of a transfer --- */

static void transfer_free(struct net_transfer *t)
{
    net_timer_stop(&t->act);
    bx_list_remove(&t->node);
    if (t->easy) {
        curl_multi_remove_handle(t->engine->curl.multi, t->easy);
        curl_easy_cleanup(t->easy);
    }
    curl_slist_free_all(t->headers);
    free(t->body);
    t->magic = 0;
    free(t);
}

static void on_act(void *arg)
{
    struct net_transfer *t = arg;
    struct net_transfers *e = t->engine;
    if (t->is_cancelled) {
        transfer_free(t);
        return;
    }
    curl_easy_pause(t->easy, CURLPAUSE_CONT);
    net_curl_kick(&e->curl);
}

static void on_ended(CURL *easy, CURLcode code, void *arg)
{
    struct net_transfer *t;
    (void)arg;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&t);
    if (t->is_cancelled) {
        transfer_free(t);
        return;
    }
    if (code == CURLE_OK)
        announce_head(t);
    if (!t->is_cancelled) {
        int rc = t->rc < 0 ? t->rc : net_curl_rc(code);
        t->handler->on_done(rc, t->has_head ? &t->head : NULL, t->arg);
    }
    transfer_free(t);
}

void net_transfer_resume(struct net_transfer *t)
{
    net_timer_start(t->engine->curl.loop, &t->act, 0);
}

void net_transfer_cancel(struct net_transfer *t)
{
    BX_ASSERT(t->magic == TRANSFER_MAGIC);
    t->is_cancelled = true;
    net_timer_start(t->engine->curl.loop, &t->act, 0);
}

static void set_body(struct net_transfer *t, const struct net_transfer_request *r)
{
    t->body_fd = r->body_fd;
    t->body_offset = r->body_offset;
    t->body_len = r->body_len;
    if (r->body.len) {
        t->body = bx_strndup(r->body.ptr, r->body.len);
        t->body_len = r->body.len;
    }
    bool has_body = t->body || r->body_fd >= 0 || strcmp(r->method, "PUT") == 0 ||
                    strcmp(r->method, "POST") == 0;
    if (has_body) {
        curl_easy_setopt(t->easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(t->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)t->body_len);
        curl_easy_setopt(t->easy, CURLOPT_UPLOAD_BUFFERSIZE, (long)UPLOAD_BUFFER);
        curl_easy_setopt(t->easy, CURLOPT_READFUNCTION, on_read);
        curl_easy_setopt(t->easy, CURLOPT_READDATA, t);
        curl_easy_setopt(t->easy, CURLOPT_SEEKFUNCTION, on_rewind);
        curl_easy_setopt(t->easy, CURLOPT_SEEKDATA, t);
    }
    if (strcmp(r->method, "HEAD") == 0)
        curl_easy_setopt(t->easy, CURLOPT_NOBODY, 1L);
    else
        curl_easy_setopt(t->easy, CURLOPT_CUSTOMREQUEST, r->method);
}

static void set_up(struct net_transfer *t, const struct net_transfer_request *r)
{
    struct net_transfers *e = t->engine;
    CURL *c = t->easy;
    curl_easy_setopt(c, CURLOPT_URL, r->url);
    curl_easy_setopt(c, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(c, CURLOPT_PRIVATE, t);
    net_curl_common(c, bx_str_starts(bx_str(r->url), BX_STR("http://")), e->ca_path);
    curl_easy_setopt(c, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)e->connect_timeout_ms);
    for (size_t i = 0; r->headers && r->headers[i]; i++)
        t->headers = curl_slist_append(t->headers, r->headers[i]);
    t->headers = curl_slist_append(t->headers, "Expect:"); /* nobody waits for 100 Continue */
    curl_easy_setopt(c, CURLOPT_HTTPHEADER, t->headers);
    curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, on_header);
    curl_easy_setopt(c, CURLOPT_HEADERDATA, t);
    curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(c, CURLOPT_WRITEDATA, t);
    set_body(t, r);
}

int net_transfer_start(struct net_transfers *e, const struct net_transfer_request *request,
                       const struct net_transfer_handler *handler, void *arg,
                       struct net_transfer **out)
{
    struct bx_str url = bx_str(request->url);
    if (e->is_closing)
        return BX_E_FULL;
    if (!bx_str_starts(url, BX_STR("http://")) && !bx_str_starts(url, BX_STR("https://")))
        return BX_E_INVALID;
    struct net_transfer *t = BX_NEW(struct net_transfer);
    t->magic = TRANSFER_MAGIC;
    t->engine = e;
    t->handler = handler;
    t->arg = arg;
    t->max_bytes = request->max_bytes;
    t->head.content_length = t->head.range_total = -1;
    bx_list_push_back(&e->running, &t->node);
    net_timer_init(&t->act, on_act, t);
    t->easy = curl_easy_init();
    if (!t->easy) {
        transfer_free(t);
        return BX_E_NOMEM;
    }
    set_up(t, request);
    if (curl_multi_add_handle(e->curl.multi, t->easy) != CURLM_OK) {
        curl_easy_cleanup(t->easy);
        t->easy = NULL;
        transfer_free(t);
        return BX_E_NOMEM;
    }
    *out = t;
    return BX_OK;
}

/* --- the engine --- */

static void maybe_closed(void *arg)
{
    struct net_transfers *e = arg;
    if (!e->is_closing || e->curl.multi || e->curl.watches)
        return;
    if (e->on_closed)
        e->on_closed(e->closed_arg);
    free(e->ca_path);
    net_loop_free_later(e->curl.loop, e);
}

int net_transfers_new(struct net_loop *loop, const struct net_transfers_opts *opts,
                      struct net_transfers **out)
{
    struct net_transfers *e = BX_NEW(struct net_transfers);
    e->curl = (struct net_curl){
        .loop = loop, .on_done = on_ended, .on_unwatched = maybe_closed, .arg = e};
    e->connect_timeout_ms = opts->connect_timeout_ms ? opts->connect_timeout_ms : 10000;
    e->ca_path = opts->ca_path ? bx_strndup(opts->ca_path, strlen(opts->ca_path)) : NULL;
    bx_list_init(&e->running);
    int rc = net_curl_open(&e->curl);
    if (rc < 0) {
        free(e->ca_path);
        free(e);
        return rc;
    }
    *out = e;
    return BX_OK;
}

/* In a turn of its own: closing may be asked for in a callback of libcurl. */
static void on_end(void *arg)
{
    struct net_transfers *e = arg;
    while (!bx_list_is_empty(&e->running))
        transfer_free(BX_CONTAINER_OF(e->running.next, struct net_transfer, node));
    net_curl_close(&e->curl);
    maybe_closed(e);
}

void net_transfers_close(struct net_transfers *e, void (*on_closed)(void *arg), void *arg)
{
    e->is_closing = true;
    e->on_closed = on_closed;
    e->closed_arg = arg;
    BX_LIST_EACH(&e->running, node)
    {
        BX_CONTAINER_OF(node, struct net_transfer, node)->is_cancelled = true;
    }
    net_timer_init(&e->end, on_end, e);
    net_timer_start(e->curl.loop, &e->end, 0);
}
