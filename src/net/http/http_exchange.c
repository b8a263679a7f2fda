/* One request with its answer. Exchanges come from a pool of the server (no allocation in a steady
 * state) and return to it at the end of the turn in which they were answered, so a handler may look
 * at its request after it has answered. */
#include "net/http/http_internal.h"

#include "base/json_write.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { ARENA_MAX = 16 << 20, FIXED_HEAD_BYTES = 384, INLINE_ANSWER = 16 << 10 };

/* --- life --- */

static struct http_exchange *take_pooled(struct http_server *s)
{
    struct bx_list *node = bx_list_pop_front(&s->pool);
    if (node) {
        s->pooled--;
        return BX_CONTAINER_OF(node, struct http_exchange, node);
    }
    struct http_exchange *x = BX_NEW(struct http_exchange);
    bx_list_init(&x->node);
    bx_arena_init(&x->arena, ARENA_MAX);
    bx_buf_init(&x->out_headers, 0);
    bx_buf_init(&x->body, 0);
    return x;
}

static void move(struct bx_str *s, const char *from, size_t len, const char *to)
{
    if (s->ptr >= from && s->ptr <= from + len)
        s->ptr = to + (s->ptr - from);
}

void http_exchange_keep_head(struct http_exchange *x)
{
    struct http_request *r = &x->request;
    const char *from = r->method_name.ptr;
    if (!x->is_in_place)
        return;
    x->is_in_place = false;
    size_t len = (size_t)(r->raw_head.ptr + r->raw_head.len - from);
    char *to = len <= sizeof x->head ? x->head : bx_arena_alloc(&x->arena, len);
    memcpy(to, from, len);
    struct bx_str *slices[] = {&r->method_name, &r->target,   &r->path,
                               &r->query,       &r->raw_head, &r->authority};
    for (size_t i = 0; i < BX_LEN(slices); i++)
        move(slices[i], from, len, to);
    struct http_header *headers = (struct http_header *)r->headers;
    for (size_t i = 0; i < r->header_count; i++) {
        move(&headers[i].name, from, len, to);
        move(&headers[i].value, from, len, to);
    }
}

static void fill_request(struct http_exchange *x, const struct http_head *h,
                         const struct http_header *headers)
{
    struct http_header *copy = h->header_count <= HTTP_INLINE_HEADERS
                                   ? x->headers
                                   : bx_arena_alloc(&x->arena, h->header_count * sizeof *copy);
    memcpy(copy, headers, h->header_count * sizeof *copy);
    x->request = (struct http_request){
        .method = h->method,
        .method_name = h->method_name,
        .target = h->target,
        .path = h->path,
        .query = h->query,
        .raw_head = h->raw_head,
        .authority = h->authority,
        .headers = copy,
        .header_count = h->header_count,
        .is_upgrade = h->is_upgrade,
        .is_tls = net_tcp_is_tls(x->conn->tcp),
        .peer = x->conn->peer,
    };
}

struct http_exchange *http_exchange_new(struct http_conn *c, const struct http_head *head)
{
    struct http_server *s = c->server;
    struct http_exchange *x = take_pooled(s);
    x->magic = HTTP_EXCHANGE_MAGIC;
    x->conn = c;
    x->server = s;
    x->loop = s->loop;
    x->arg = NULL;
    x->on_abort = NULL;
    x->on_body = NULL;
    x->streamed = 0;
    x->sending = NULL;
    x->is_body_paused = x->is_resuming = false;
    x->body_left = head->content_length;
    x->max_body = s->opts.max_body_bytes;
    x->is_chunked = head->is_chunked;
    x->is_http10 = head->is_http10;
    x->is_keep_alive = head->is_keep_alive;
    x->is_answered = x->is_dispatched = x->has_encoding = x->has_etag = false;
    x->is_in_place = true;
    http_chunked_init(&x->chunked);
    fill_request(x, head, s->scratch);
    if (!head->is_upgrade)
        http_exchange_keep_head(x);
    return x;
}

static int pass_body(struct http_exchange *x, struct bx_str piece)
{
    if (piece.len > x->max_body - x->streamed)
        return BX_E_TOO_BIG;
    x->streamed += piece.len;
    if (piece.len)
        x->on_body(x, piece, false, x->body_arg);
    return BX_OK;
}

void http_exchange_end_body(struct http_exchange *x)
{
    x->is_keep_alive = x->wants_keep_alive;
    x->on_body(x, BX_STR(""), true, x->body_arg);
}

void http_stream_body(struct http_exchange *x, http_body_fn *on_body, void *arg)
{
    BX_ASSERT(x->magic == HTTP_EXCHANGE_MAGIC && !x->is_dispatched);
    x->on_body = on_body;
    x->body_arg = arg;
}

void http_pause_body(struct http_exchange *x)
{
    x->is_body_paused = true;
    x->is_resuming = false;
    if (x->conn && !x->is_answered)
        http_conn_pause_body(x->conn);
}

void http_resume_body(struct http_exchange *x)
{
    if (!x->is_body_paused)
        return;
    x->is_body_paused = false;
    if (x->conn && !x->is_answered)
        http_conn_resume_body(x->conn);
}

int http_exchange_add_body(struct http_exchange *x, struct bx_str piece)
{
    if (x->on_body)
        return pass_body(x, piece);
    if (piece.len > x->max_body || x->body.len > x->max_body - piece.len)
        return BX_E_TOO_BIG;
    return bx_buf_str(&x->body, piece);
}

void http_exchange_free(struct http_exchange *x)
{
    bx_arena_done(&x->arena);
    bx_buf_done(&x->body);
    bx_buf_done(&x->out_headers);
    free(x);
}

static void recycle(struct http_server *s, struct http_exchange *x)
{
    if (s->pooled >= HTTP_POOLED_EXCHANGES) {
        http_exchange_free(x);
        return;
    }
    bx_arena_done(&x->arena);
    bx_buf_clear(&x->body, 4096);
    bx_buf_clear(&x->out_headers, 4096);
    bx_list_push_front(&s->pool, &x->node);
    s->pooled++;
}

static void reap(void *ptr)
{
    struct http_server *s = ptr;
    s->is_reaping = false;
    for (struct bx_list *node; (node = bx_list_pop_front(&s->dead));)
        recycle(s, BX_CONTAINER_OF(node, struct http_exchange, node));
}

static void free_later(void *ptr)
{
    http_exchange_free(ptr);
}

void http_exchange_retire(struct http_exchange *x)
{
    struct http_server *s = x->server;
    x->magic = 0;
    x->conn = NULL;
    bx_list_remove(&x->node);
    if (!s) {
        net_loop_call_later(x->loop, free_later, x);
        return;
    }
    bx_list_push_back(&s->dead, &x->node);
    if (!s->is_reaping) {
        s->is_reaping = true;
        net_loop_call_later(s->loop, reap, s);
    }
}

void http_exchange_leave(struct http_exchange *x)
{
    x->conn = NULL;
    x->request.peer = "";
    bool is_file = x->sending && http_sending_wants_step(x); /* no handler ends it */
    http_sending_drop(x);
    if (x->on_abort) {
        x->is_answered = true;
        x->on_abort(x, x->abort_arg);
    } else if (x->is_dispatched && !is_file) {
        bx_list_push_back(&x->server->orphans, &x->node);
        return;
    }
    http_exchange_retire(x);
}

/* --- what handlers ask --- */

const struct http_request *http_exchange_request(const struct http_exchange *x)
{
    return &x->request;
}

struct bx_arena *http_exchange_arena(struct http_exchange *x)
{
    return &x->arena;
}

struct net_loop *http_exchange_loop(const struct http_exchange *x)
{
    return x->loop;
}

void http_exchange_set_arg(struct http_exchange *x, void *arg)
{
    x->arg = arg;
}

void *http_exchange_arg(const struct http_exchange *x)
{
    return x->arg;
}

void http_exchange_on_abort(struct http_exchange *x,
                            void (*on_abort)(struct http_exchange *x, void *arg), void *arg)
{
    x->on_abort = on_abort;
    x->abort_arg = arg;
}

void http_set_close(struct http_exchange *x)
{
    x->is_keep_alive = false;
}

/* --- the answer --- */

static bool is_header_safe(struct bx_str value)
{
    for (size_t i = 0; i < value.len; i++)
        if (value.ptr[i] == '\r' || value.ptr[i] == '\n' || value.ptr[i] == '\0')
            return false;
    return true;
}

void http_add_header(struct http_exchange *x, const char *name, struct bx_str value)
{
    struct bx_str key = bx_str(name);
    BX_ASSERT(x->magic == HTTP_EXCHANGE_MAGIC && !x->is_answered);
    BX_ASSERT(http_is_token(key) && is_header_safe(value));
    x->has_encoding |= bx_str_ieq(key, BX_STR("content-encoding"));
    x->has_etag |= bx_str_ieq(key, BX_STR("etag"));
    BX_ASSERT(bx_buf_str(&x->out_headers, key) == BX_OK && bx_buf_lit(&x->out_headers, ": ") == 0 &&
              bx_buf_str(&x->out_headers, value) == BX_OK &&
              bx_buf_lit(&x->out_headers, "\r\n") == BX_OK);
}

struct answer {
    bool is_in_pieces; /* the body follows; `length` is what the head says, < 0: nothing */
    bool is_chunked;
    int64_t length;
    int status;
    const char *content_type;
    struct bx_str body;
    struct bx_shared *shared; /* NULL: body is borrowed */
};

static bool has_length(int status)
{
    return status >= 200 && status != 204;
}

static size_t print_head(struct http_exchange *x, const struct answer *a, bool keep, char *out,
                         size_t size)
{
    struct http_server *s = x->server;
    char length[48] = "";
    if (a->is_chunked)
        snprintf(length, sizeof length, "Transfer-Encoding: chunked\r\n");
    else if (a->is_in_pieces && a->length >= 0)
        snprintf(length, sizeof length, "Content-Length: %" PRId64 "\r\n", a->length);
    else if (!a->is_in_pieces && has_length(a->status))
        snprintf(length, sizeof length, "Content-Length: %zu\r\n", a->body.len);
    const char *connection = !keep          ? "Connection: close\r\n"
                             : x->is_http10 ? "Connection: keep-alive\r\n"
                                            : "";
    int n =
        snprintf(out, size, "HTTP/1.1 %d %s\r\nDate: %s\r\n%s%s%s%s%s%s%s%s", a->status,
                 http_reason(a->status), http_server_date(s), s->opts.server_name ? "Server: " : "",
                 s->opts.server_name ? s->opts.server_name : "", s->opts.server_name ? "\r\n" : "",
                 a->content_type ? "Content-Type: " : "", a->content_type ? a->content_type : "",
                 a->content_type ? "\r\n" : "", length, connection);
    BX_ASSERT(n > 0 && (size_t)n < size);
    return (size_t)n;
}

/* Small answers leave as one piece of the slab; large ones in three. */
static void write_answer(struct http_exchange *x, const struct answer *a, bool keep)
{
    struct net_tcp *tcp = x->conn->tcp;
    struct bx_str extra = bx_buf_view(&x->out_headers);
    struct bx_str body = a->body;
    if (x->request.method == HTTP_HEAD || a->status == 304 || a->status == 204)
        body.len = 0;
    char *out = (char *)net_tcp_reserve(tcp, INLINE_ANSWER);
    size_t n = print_head(x, a, keep, out, INLINE_ANSWER / 2);
    bool is_small = extra.len + body.len + 2 <= INLINE_ANSWER - n;
    if (is_small) {
        if (extra.len)
            memcpy(out + n, extra.ptr, extra.len);
        memcpy(out + n + extra.len, "\r\n", 2);
        if (body.len)
            memcpy(out + n + extra.len + 2, body.ptr, body.len);
        n += extra.len + 2 + body.len;
    }
    net_tcp_commit(tcp, n);
    if (is_small)
        return;
    net_tcp_write(tcp, extra.ptr, extra.len);
    net_tcp_write(tcp, "\r\n", 2);
    if (a->shared && body.len)
        net_tcp_write_shared(tcp, a->shared, 0, body.len);
    else if (body.len)
        net_tcp_write(tcp, body.ptr, body.len);
}

/* The server's own compression, when it was asked for and the handler brought none. */
static void compress(struct http_exchange *x, struct answer *a, struct bx_buf *zipped)
{
    size_t min = x->server->opts.gzip_min_bytes;
    if (!min || a->body.len < min || x->has_encoding || x->has_etag || a->status == 206 ||
        !a->content_type || !http_is_compressible(a->content_type))
        return;
    http_add_header(x, "Vary", BX_STR("Accept-Encoding"));
    if (!http_accepts_gzip(&x->request) || http_gzip(a->body, zipped) < 0)
        return;
    http_add_header(x, "Content-Encoding", BX_STR("gzip"));
    a->body = bx_buf_view(zipped);
    a->shared = NULL;
}

void http_write_head(struct http_exchange *x, int status, const char *content_type, int64_t length,
                     bool is_chunked, bool keep)
{
    write_answer(x,
                 &(struct answer){.is_in_pieces = true,
                                  .is_chunked = is_chunked,
                                  .length = length,
                                  .status = status,
                                  .content_type = content_type},
                 keep);
}

bool http_exchange_keeps(const struct http_exchange *x)
{
    const struct http_conn *c = x->conn;
    bool keep = x->is_keep_alive && !x->server->is_closing && !c->has_eof;
    return keep || (x->is_keep_alive && c->has_eof &&
                    c->rest.len); /* requests in hand are still answered */
}

static void answer(struct http_exchange *x, struct answer a)
{
    struct http_conn *c = x->conn;
    struct bx_buf zipped;
    BX_ASSERT(x->magic == HTTP_EXCHANGE_MAGIC && !x->is_answered);
    BX_ASSERT(a.status >= 200 && a.status <= 599);
    if (!c) {
        x->is_answered = true;
        http_exchange_retire(x);
        return;
    }
    bx_buf_init(&zipped, 0);
    compress(x, &a, &zipped);
    x->is_answered = true;
    bool keep = http_exchange_keeps(x);
    write_answer(x, &a, keep);
    bx_buf_done(&zipped);
    http_count_request(a.status);
    http_exchange_retire(x);
    http_conn_answered(c, keep);
}

void http_respond(struct http_exchange *x, int status, const char *content_type, struct bx_str body)
{
    answer(x, (struct answer){.status = status, .content_type = content_type, .body = body});
}

void http_respond_shared(struct http_exchange *x, int status, const char *content_type,
                         struct bx_shared *body)
{
    answer(x, (struct answer){.status = status,
                              .content_type = content_type,
                              .body = bx_shared_view(body),
                              .shared = body});
    bx_shared_unref(body);
}

static void print_error(struct bx_buf *out, int status, struct bx_str message)
{
    struct bx_json_writer w;
    bx_json_writer_init(&w, out);
    bx_json_object(&w);
    bx_json_key_bool(&w, "success", false);
    bx_json_key_cstr(&w, "error", http_reason(status));
    bx_json_key_str(&w, "message", message);
    bx_json_end(&w);
}

void http_respond_error(struct http_exchange *x, int status, struct bx_str message)
{
    struct bx_buf json;
    bx_buf_init(&json, 0);
    print_error(&json, status, message);
    http_respond(x, status, "application/json; charset=utf-8", bx_buf_view(&json));
    bx_buf_done(&json);
}

void http_write_refusal(struct http_conn *c, enum http_refusal why)
{
    const struct http_refusal_info *info = http_refusal_info(why);
    struct bx_buf json;
    bx_buf_init(&json, 0);
    print_error(&json, info->status, bx_str(info->sentence));
    char head[FIXED_HEAD_BYTES];
    int n = snprintf(head, sizeof head,
                     "HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: application/json; "
                     "charset=utf-8\r\nContent-Length: %zu\r\nConnection: close\r\n%s\r\n",
                     info->status, http_reason(info->status), http_server_date(c->server), json.len,
                     info->status == 503 ? "Retry-After: 5\r\n" : "");
    net_tcp_write(c->tcp, head, (size_t)n);
    net_tcp_write(c->tcp, json.data, json.len);
    bx_buf_done(&json);
    http_count_request(info->status);
}

/* --- leaving HTTP --- */

struct net_tcp *http_exchange_upgrade(struct http_exchange *x, struct bx_str *out_rest)
{
    struct http_conn *c = x->conn;
    BX_ASSERT(x->magic == HTTP_EXCHANGE_MAGIC && !x->is_answered && c);
    struct net_tcp *tcp = c->tcp;
    struct bx_str rest = c->is_feeding ? c->rest : bx_buf_view(&c->in);
    if (rest.len && c->is_feeding) { /* it may lie in the receive buffer, which others use too */
        char *copy = bx_strndup(rest.ptr, rest.len);
        net_loop_free_later(x->loop, copy);
        rest.ptr = copy;
    }
    *out_rest = rest;
    x->is_answered = true;
    http_count_request(101);
    if (c->is_paused)
        net_tcp_resume(tcp);
    http_conn_detach(c);
    x->request.peer = "";
    http_exchange_retire(x);
    return tcp;
}
