#include "blob/s3_call.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/log.h"
#include "blob/s3_xml.h"

#include <stdio.h>
#include <stdlib.h>

enum { BACKOFF_MAX_MS = 10000, SKEW_MIN_MS = 60000, CODE_SIZE = 48, HEADERS = 6 };

struct s3_call {
    struct bx_list node;
    struct s3_store *store;
    struct s3_request request;
    struct bx_buf body, answer;
    struct net_transfer *transfer; /* while an attempt runs */
    struct net_timer wait;
    unsigned attempts;
    uint64_t delivered;
    int status;
    int64_t date_s;
    bool has_skewed;
};

static void attempt(struct s3_call *c);

/* --- address and signature --- */

static int put_path(const struct s3_call *c, struct bx_buf *out)
{
    const struct s3_store *s = c->store;
    char name[BL_NAME_SIZE];
    int rc = bx_buf_printf(out, "/");
    if (rc >= 0 && s->is_path_style)
        rc = bx_buf_printf(out, "%s%s", s->bucket, c->request.id ? "/" : "");
    if (rc < 0 || !c->request.id)
        return rc;
    bl_name(c->request.id, name);
    return bx_buf_printf(out, "%s%.2s/%s", s->prefix, name, name);
}

static int put_url(const struct s3_call *c, struct bx_str path, struct bx_buf *out)
{
    int rc = bx_buf_printf(out, "%s", c->store->origin);
    if (rc < 0 || (rc = bl_uri_encode(out, path, true)) < 0)
        return rc;
    if (c->request.query_count &&
        ((rc = bx_buf_byte(out, '?')) < 0 ||
         (rc = bl_sigv4_query(out, c->request.query, c->request.query_count)) < 0))
        return rc;
    return bx_buf_byte(out, 0);
}

struct signed_headers {
    char date[BL_AMZ_DATE_SIZE], hash[2 * BL_HASH_SIZE + 1], range[64];
    struct bx_buf lines[HEADERS];
    const char *list[HEADERS + 1];
    size_t count;
};

static void add_line(struct signed_headers *h, const char *name, struct bx_str value)
{
    struct bx_buf *b = &h->lines[h->count];
    bx_buf_init(b, 0);
    bx_buf_printf(b, "%s: " BX_STR_FMT, name, BX_STR_ARG(value));
    bx_buf_byte(b, 0);
    h->list[h->count++] = (const char *)b->data;
}

static void payload_hash(const struct s3_call *c, char out[2 * BL_HASH_SIZE + 1])
{
    uint8_t digest[BL_HASH_SIZE];
    if (c->request.body_fd >= 0) {
        bx_hex_encode(c->request.body_hash, BL_HASH_SIZE, out);
        return;
    }
    cr_sha256(bx_buf_view(&c->body), digest);
    bx_hex_encode(digest, sizeof digest, out);
}

static int sign(const struct s3_call *c, struct bx_str path, struct signed_headers *h)
{
    const struct s3_store *s = c->store;
    struct bl_sigv4_keys keys = {bx_str(s->access_key), bx_str(s->secret_key), bx_str(s->region),
                                 BX_STR("s3")};
    struct bl_pair headers[4] = {{BX_STR("host"), bx_str(s->host)}};
    struct bx_buf authorization;
    size_t n = 1;
    bl_amz_date(bx_wall_ms() + s->skew_ms, h->date);
    payload_hash(c, h->hash);
    headers[n++] = (struct bl_pair){BX_STR("x-amz-content-sha256"), bx_str(h->hash)};
    headers[n++] = (struct bl_pair){BX_STR("x-amz-date"), bx_str(h->date)};
    if (c->request.is_range) {
        if (c->request.len)
            snprintf(h->range, sizeof h->range, "bytes=%llu-%llu",
                     (unsigned long long)c->request.offset,
                     (unsigned long long)(c->request.offset + c->request.len - 1));
        else
            snprintf(h->range, sizeof h->range, "bytes=%llu-",
                     (unsigned long long)c->request.offset);
        headers[n++] = (struct bl_pair){BX_STR("range"), bx_str(h->range)};
    }
    struct bl_sigv4_request r = {bx_str(c->request.method),
                                 path,
                                 c->request.query,
                                 c->request.query_count,
                                 headers,
                                 n,
                                 bx_str(h->hash)};
    bx_buf_init(&authorization, 0);
    int rc = bl_sigv4_sign(&authorization, &keys, &r, h->date);
    if (rc >= 0) {
        add_line(h, "x-amz-content-sha256", bx_str(h->hash));
        add_line(h, "x-amz-date", bx_str(h->date));
        if (c->request.is_range)
            add_line(h, "range", bx_str(h->range));
        add_line(h, "Authorization", bx_buf_view(&authorization));
        add_line(h, "Content-Type", BX_STR("application/octet-stream"));
    }
    bx_buf_done(&authorization);
    return rc;
}

static void signed_headers_done(struct signed_headers *h)
{
    for (size_t i = 0; i < h->count; i++)
        bx_buf_done(&h->lines[i]);
}

/* --- answers --- */

static bool is_good(int status)
{
    return status >= 200 && status < 300;
}

static int rc_of_status(int status)
{
    if (is_good(status))
        return BX_OK;
    switch (status) {
    case 404:
        return BX_E_NOT_FOUND;
    case 401:
    case 403:
        return BX_E_DENIED;
    case 416:
        return BX_E_INVALID;
    case 429:
        return BX_E_UNAVAILABLE;
    default:
        return status >= 500 ? BX_E_UNAVAILABLE : BX_E_INVALID;
    }
}

/* The code of an error document: letters only, whatever the server wrote. */
static void error_code(struct s3_call *c, char out[CODE_SIZE])
{
    struct bx_str rest = bx_buf_view(&c->answer), code;
    size_t n = 0;
    if (bl_xml_next(&rest, BX_STR("Code"), &code)) {
        for (size_t i = 0; i < code.len && n + 1 < CODE_SIZE; i++) {
            char ch = code.ptr[i];
            if ((ch >= 'A' && ch <= 'Z') || (ch >= 'a' && ch <= 'z'))
                out[n++] = ch;
        }
    }
    out[n] = 0;
}

static bool is_retryable(int rc)
{
    return rc == BX_E_UNAVAILABLE || rc == BX_E_TIMEOUT || rc == BX_E_TRUNCATED || rc == BX_E_IO;
}

static void call_free(struct s3_call *c)
{
    net_timer_stop(&c->wait);
    bx_list_remove(&c->node);
    c->store->count--;
    bx_buf_done(&c->body);
    bx_buf_done(&c->answer);
    net_loop_free_later(c->store->base.loop, c);
}

static void finish(struct s3_call *c, int rc, const struct net_transfer_head *head)
{
    struct s3_reply reply = {.rc = rc,
                             .status = c->status,
                             .content_length = head ? head->content_length : -1,
                             .etag = head ? head->etag : BX_STR(""),
                             .body = bx_buf_view(&c->answer),
                             .delivered = c->delivered};
    c->request.on_reply(&reply, c->request.arg);
    call_free(c);
}

/* Waits that grow and are never the same for two clients. */
static uint64_t backoff(const struct s3_call *c)
{
    uint64_t ms = c->store->backoff_ms;
    for (unsigned i = 1; i < c->attempts && ms < BACKOFF_MAX_MS; i++)
        ms *= 2;
    ms = ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
    return ms / 2 + bx_random_below(ms / 2 + 1);
}

/* A clock that is wrong by minutes makes every signature wrong: the server's is taken. */
static bool take_clock(struct s3_call *c, const char *code)
{
    if (strcmp(code, "RequestTimeTooSkewed") != 0 || c->has_skewed || c->date_s == 0)
        return false;
    int64_t skew = c->date_s * 1000 - bx_wall_ms();
    c->has_skewed = true;
    if (skew > -SKEW_MIN_MS && skew < SKEW_MIN_MS)
        return false;
    c->store->skew_ms = skew;
    return true;
}

static void attempted(struct s3_call *c, int rc, const struct net_transfer_head *head)
{
    char code[CODE_SIZE];
    c->transfer = NULL;
    c->store->running--;
    c->status = head ? head->status : 0;
    c->date_s = head ? head->date_s : 0;
    if (rc >= 0)
        rc = rc_of_status(c->status);
    error_code(c, code);
    if (rc == BX_E_INVALID && strcmp(code, "RequestTimeout") == 0)
        rc = BX_E_UNAVAILABLE;
    bool is_again = (is_retryable(rc) || (rc == BX_E_DENIED && take_clock(c, code))) &&
                    c->delivered == 0 && c->attempts < c->store->max_attempts;
    if (rc < 0)
        bx_debug("blob", "S3 request failed", "method=%s rc=%s status=%d code=%s attempt=%u",
                 c->request.method, bx_err_name(rc), c->status, code, c->attempts);
    if (is_again)
        net_timer_start(c->store->base.loop, &c->wait, backoff(c));
    else
        finish(c, rc, head);
}

static void on_head(const struct net_transfer_head *head, void *arg)
{
    struct s3_call *c = arg;
    c->status = head->status;
    if (is_good(head->status) && c->request.on_head)
        c->request.on_head(head, c->request.arg);
}

static int on_bytes(struct bx_str bytes, void *arg)
{
    struct s3_call *c = arg;
    if (!c->request.on_bytes || !is_good(c->status))
        return bx_buf_str(&c->answer, bytes);
    int rc = c->request.on_bytes(bytes, c->request.arg);
    if (rc >= 0)
        c->delivered += bytes.len;
    return rc;
}

static void on_done(int rc, const struct net_transfer_head *head, void *arg)
{
    attempted(arg, rc, head);
}

static const struct net_transfer_handler handler = {on_head, on_bytes, on_done};

/* --- attempts --- */

static int start_transfer(struct s3_call *c)
{
    struct signed_headers h = {.count = 0};
    struct bx_buf path, url;
    bx_buf_init(&path, 0);
    bx_buf_init(&url, 0);
    int rc = put_path(c, &path);
    if (rc >= 0 && (rc = put_url(c, bx_buf_view(&path), &url)) >= 0 &&
        (rc = sign(c, bx_buf_view(&path), &h)) >= 0) {
        struct net_transfer_request r = {.method = c->request.method,
                                         .url = (const char *)url.data,
                                         .headers = h.list,
                                         .body = bx_buf_view(&c->body),
                                         .body_fd = c->request.body_fd,
                                         .body_offset = c->request.body_offset,
                                         .body_len = c->request.body_len};
        rc = net_transfer_start(c->store->transfers, &r, &handler, c, &c->transfer);
    }
    signed_headers_done(&h);
    bx_buf_done(&path);
    bx_buf_done(&url);
    return rc;
}

static void attempt(struct s3_call *c)
{
    if (c->store->running >= S3_RUNNING_MAX) { /* a place is free before long */
        net_timer_start(c->store->base.loop, &c->wait, 20);
        return;
    }
    c->attempts++;
    c->status = 0;
    bx_buf_clear(&c->answer, 0);
    int rc = start_transfer(c);
    if (rc < 0)
        finish(c, rc, NULL);
    else
        c->store->running++;
}

static void on_wait_over(void *arg)
{
    attempt(arg);
}

int s3_call_start(struct s3_store *s, const struct s3_request *request, struct s3_call **out)
{
    if (s->base.is_closing)
        return BX_E_CLOSED;
    if (s->count >= S3_QUEUE_MAX)
        return BX_E_FULL;
    struct s3_call *c = BX_NEW(struct s3_call);
    c->store = s;
    c->request = *request;
    bx_buf_init(&c->body, 0);
    bx_buf_init(&c->answer, S3_ANSWER_MAX);
    bx_buf_str(&c->body, request->body);
    bx_list_push_back(&s->calls, &c->node);
    s->count++;
    net_timer_init(&c->wait, on_wait_over, c);
    net_timer_start(s->base.loop, &c->wait, 0);
    if (out)
        *out = c;
    return BX_OK;
}

void s3_call_resume(struct s3_call *c)
{
    if (c->transfer)
        net_transfer_resume(c->transfer);
}

void s3_call_cancel(struct s3_call *c)
{
    if (c->transfer) {
        net_transfer_cancel(c->transfer);
        c->store->running--;
    }
    call_free(c);
}

void s3_calls_close(struct s3_store *s)
{
    while (!bx_list_is_empty(&s->calls)) {
        struct s3_call *c = BX_CONTAINER_OF(s->calls.next, struct s3_call, node);
        if (c->transfer) {
            net_transfer_cancel(c->transfer);
            c->transfer = NULL;
            s->running--;
        }
        c->status = 0;
        finish(c, BX_E_CLOSED, NULL);
    }
}
