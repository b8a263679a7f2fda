/* The input side of a connection. Requests are parsed where they lie, in the loop's receive buffer;
 * only what is left over at the end of a read is kept. One request at a time is with its handler,
 * so answers keep their order without a queue: a pipelined request waits, unparsed, in `in`. */
#include "net/http/http_internal.h"

#include "base/mem.h"

#include <stdlib.h>

enum { REFUSAL_WAIT_MS = 2000 };

static void on_timer(void *arg);

/* At the end of the turn: a request that is being handled may lie in it. */
static void drop_input(struct http_conn *c)
{
    size_t len;
    uint8_t *data = bx_buf_take(&c->in, &len);
    if (data)
        net_loop_free_later(c->server->loop, data);
}

static void close_conn(struct http_conn *c)
{
    c->state = HTTP_CONN_CLOSING;
    net_timer_stop(&c->timer);
    drop_input(c);
    net_tcp_close(c->tcp);
}

static void leave(struct http_conn *c)
{
    struct http_exchange *x = c->exchange;
    c->exchange = NULL;
    if (x)
        http_exchange_leave(x);
}

static void refuse(struct http_conn *c, enum http_refusal why)
{
    http_count_refused(why);
    http_write_refusal(c, why);
    close_conn(c);
    leave(c);
}

static void refuse_body(struct http_conn *c)
{
    struct http_exchange *x = c->exchange;
    struct http_server *s = c->server;
    if (s->handler.on_too_large) {
        x->is_keep_alive = false;
        http_count_refused(HTTP_REFUSAL_BODY_TOO_LARGE);
        s->handler.on_too_large(x, s->arg);
        if (x->is_answered || !x->conn)
            return;
    }
    refuse(c, HTTP_REFUSAL_BODY_TOO_LARGE);
}

static void start_timer(struct http_conn *c, uint32_t delay_ms)
{
    net_timer_start_slack(c->server->loop, &c->timer, delay_ms, delay_ms >= 8000 ? 1000 : 1);
}

/* --- one request --- */

static void dispatch(struct http_conn *c, struct http_exchange *x)
{
    struct http_server *s = c->server;
    c->state = HTTP_CONN_BUSY;
    net_timer_stop(&c->timer);
    x->is_dispatched = true;
    x->request.body = bx_buf_view(&x->body);
    if (x->on_body)
        http_exchange_end_body(x);
    else
        s->handler.on_request(x, s->arg);
    if (!x->is_answered && x->conn)
        http_exchange_keep_head(x);
}

static void start_body(struct http_conn *c, struct http_exchange *x, enum http_expect expect)
{
    if (!x->is_chunked && x->body_left > x->max_body) {
        refuse_body(c);
        return;
    }
    if (expect == HTTP_EXPECT_CONTINUE && !c->rest.len)
        net_tcp_write(c->tcp, "HTTP/1.1 100 Continue\r\n\r\n", 25);
    c->state = HTTP_CONN_BODY;
    if (!x->is_body_paused)
        start_timer(c, c->server->opts.body_timeout_ms);
}

static void start_exchange(struct http_conn *c, const struct http_head *head)
{
    struct http_server *s = c->server;
    struct http_exchange *x = http_exchange_new(c, head);
    bool has_body = head->is_chunked || head->content_length;
    c->exchange = x;
    c->state = HTTP_CONN_BUSY;
    net_timer_stop(&c->timer);
    if (head->expect == HTTP_EXPECT_OTHER) {
        refuse(c, HTTP_REFUSAL_EXPECT);
        return;
    }
    if (s->handler.on_head) {
        x->is_keep_alive = head->is_keep_alive && !has_body; /* an early answer ends it */
        s->handler.on_head(x, &x->max_body, s->arg);
        if (x->is_answered || !x->conn)
            return;
        x->wants_keep_alive = head->is_keep_alive;
        x->is_keep_alive = head->is_keep_alive && !(x->on_body && has_body);
    }
    if (has_body || x->is_body_paused)
        start_body(c, x, head->expect);
    else
        dispatch(c, x);
}

/* False: there is no whole head yet. */
static bool take_head(struct http_conn *c)
{
    struct http_server *s = c->server;
    struct http_head head;
    ssize_t n = http_parse_head(c->rest, &s->limits, s->scratch, &head);
    if (n == BX_E_TRUNCATED) {
        if (c->state == HTTP_CONN_IDLE) {
            c->state = HTTP_CONN_HEAD;
            start_timer(c, s->opts.header_timeout_ms);
        }
        return false;
    }
    if (n < 0) {
        refuse(c, head.refusal);
        return true;
    }
    c->rest = bx_str_slice(c->rest, (size_t)n, c->rest.len);
    start_exchange(c, &head);
    return true;
}

static int take_chunks(struct http_conn *c, struct http_exchange *x)
{
    struct bx_str piece;
    int step;
    while ((step = http_chunked_next(&x->chunked, &c->rest, &piece)) == HTTP_CHUNKED_DATA) {
        int rc = http_exchange_add_body(x, piece);
        if (rc < 0)
            return rc;
        if (c->exchange != x || x->is_answered || x->is_body_paused)
            return HTTP_CHUNKED_MORE;
    }
    return step;
}

static int take_length(struct http_conn *c, struct http_exchange *x)
{
    size_t len = c->rest.len < x->body_left ? c->rest.len : (size_t)x->body_left;
    int rc = http_exchange_add_body(x, bx_str_slice(c->rest, 0, len));
    if (rc < 0)
        return rc;
    c->rest = bx_str_slice(c->rest, len, c->rest.len);
    x->body_left -= len;
    if (c->exchange != x || x->is_answered)
        return HTTP_CHUNKED_MORE;
    return x->body_left ? HTTP_CHUNKED_MORE : HTTP_CHUNKED_DONE;
}

/* False: the body is not complete yet. */
static bool take_body(struct http_conn *c)
{
    struct http_exchange *x = c->exchange;
    int rc = x->is_chunked ? take_chunks(c, x) : take_length(c, x);
    if (c->state != HTTP_CONN_BODY)
        return true; /* answered early */
    if (rc == BX_E_INVALID)
        refuse(c, HTTP_REFUSAL_CHUNK);
    else if (rc < 0)
        refuse_body(c);
    else if (rc == HTTP_CHUNKED_DONE && !x->is_body_paused)
        dispatch(c, x);
    else if (x->is_body_paused)
        net_timer_stop(&c->timer);
    else
        start_timer(c, c->server->opts.body_timeout_ms);
    return rc != HTTP_CHUNKED_MORE && !x->is_body_paused;
}

/* --- feeding --- */

static void run(struct http_conn *c)
{
    size_t budget = c->server->opts.max_pipelined;
    c->is_feeding = true;
    for (bool go_on = true; go_on && c->rest.len && !c->server->is_freed;) {
        switch ((enum http_conn_state)c->state) {
        case HTTP_CONN_IDLE:
            if (!budget-- || net_tcp_queued(c->tcp) > HTTP_MAX_UNSENT) {
                c->state = HTTP_CONN_CONTINUE;
                go_on = false;
                break;
            }
            go_on = take_head(c);
            break;
        case HTTP_CONN_HEAD:
            go_on = take_head(c);
            break;
        case HTTP_CONN_BODY:
            go_on = !c->exchange->is_body_paused && take_body(c);
            break;
        case HTTP_CONN_BUSY:
        case HTTP_CONN_CONTINUE:
        case HTTP_CONN_REFUSED:
        case HTTP_CONN_CLOSING:
            go_on = false;
            break;
        }
    }
    c->is_feeding = false;
}

/* Keeps what run() left: it lies in the receive buffer or in c->in itself. */
static void keep_rest(struct http_conn *c)
{
    struct bx_str rest = c->rest;
    c->rest = (struct bx_str){0};
    if (c->in.len)
        bx_buf_consume(&c->in, c->in.len - rest.len);
    else if (bx_buf_str(&c->in, rest) < 0) {
        net_tcp_abort(c->tcp, BX_E_NOMEM);
        return;
    }
    if (!rest.len)
        bx_buf_done(&c->in);
}

static void set_paused(struct http_conn *c, bool is_paused)
{
    if (c->is_paused == is_paused)
        return;
    c->is_paused = is_paused;
    if (is_paused)
        net_tcp_pause(c->tcp);
    else
        net_tcp_resume(c->tcp);
}

static bool is_body_paused(const struct http_conn *c)
{
    return c->state == HTTP_CONN_BODY && c->exchange->is_body_paused;
}

/* After a step: what does the connection wait for now? */
static void settle(struct http_conn *c)
{
    struct http_server *s = c->server;
    set_paused(c, c->in.len > HTTP_MAX_BUFFERED || is_body_paused(c));
    if (c->state == HTTP_CONN_CONTINUE) {
        net_timer_start(s->loop, &c->timer, 0);
    } else if ((c->has_eof || s->is_closing) && c->state == HTTP_CONN_IDLE) {
        close_conn(c);
    } else if (c->has_eof && c->state != HTTP_CONN_CLOSING) {
        close_conn(c); /* half a request, or one whose client does not wait */
        leave(c);
    } else if (c->state == HTTP_CONN_IDLE) {
        c->unsent = SIZE_MAX;
        start_timer(c, s->opts.idle_timeout_ms);
    }
}

static void feed(struct http_conn *c)
{
    run(c);
    if (c->state == HTTP_CONN_CLOSING) {
        c->rest = (struct bx_str){0};
        return;
    }
    keep_rest(c);
    settle(c);
}

static void on_data(struct net_tcp *tcp, uint8_t *data, size_t len, void *arg)
{
    struct http_conn *c = arg;
    struct bx_str fresh = bx_str_n(data, len);
    BX_ASSERT(c->magic == HTTP_CONN_MAGIC);
    if (c->state == HTTP_CONN_REFUSED) {
        refuse(c, c->refusal);
        return;
    }
    if (c->state == HTTP_CONN_CLOSING)
        return;
    bool must_wait =
        c->state == HTTP_CONN_BUSY || c->state == HTTP_CONN_CONTINUE || is_body_paused(c);
    if (!c->in.len && !must_wait) {
        c->rest = fresh;
        feed(c);
        return;
    }
    if (bx_buf_str(&c->in, fresh) < 0) {
        net_tcp_abort(tcp, BX_E_NOMEM);
        return;
    }
    if (must_wait) {
        set_paused(c, c->in.len > HTTP_MAX_BUFFERED || is_body_paused(c));
        return;
    }
    if (bx_str_find(fresh, '\n') == fresh.len && c->in.len < c->server->limits.max_bytes)
        return; /* no line was completed: scanning again would tell nothing new */
    c->rest = bx_buf_view(&c->in);
    feed(c);
}

static void go_on(struct http_conn *c)
{
    c->is_waiting_drain = false;
    c->state = HTTP_CONN_IDLE;
    c->rest = bx_buf_view(&c->in);
    feed(c);
}

/* --- an answer in pieces --- */

static void sending_step(struct http_conn *c)
{
    c->is_stepping = false;
    net_timer_stop(&c->timer);
    http_sending_continue(c->exchange);
    bool goes_on = c->state == HTTP_CONN_BUSY && c->exchange && c->exchange->sending;
    if (goes_on && !http_sending_wants_step(c->exchange))
        http_conn_sending(c); /* pieces: the clock runs on */
}

void http_conn_sending(struct http_conn *c)
{
    c->state = HTTP_CONN_BUSY;
    c->is_stepping = net_tcp_is_writable(c->tcp) && http_sending_wants_step(c->exchange);
    c->progress = http_sending_progress(c->exchange);
    if (c->is_stepping)
        net_timer_start(c->server->loop, &c->timer, 0);
    else
        start_timer(c, c->server->opts.idle_timeout_ms);
}

/* A client that takes nothing is cut; a handler that has nothing to send is waited for. */
static void on_sending_timer(struct http_conn *c)
{
    if (c->is_stepping) {
        sending_step(c);
        return;
    }
    uint64_t progress = http_sending_progress(c->exchange);
    bool is_stuck =
        net_tcp_queued(c->tcp) + !net_tcp_is_writable(c->tcp) && progress == c->progress;
    c->progress = progress;
    if (is_stuck)
        net_tcp_abort(c->tcp, BX_E_TIMEOUT);
    else
        start_timer(c, c->server->opts.idle_timeout_ms);
}

void http_conn_cut(struct http_conn *c)
{
    c->exchange = NULL;
    c->state = HTTP_CONN_CLOSING;
    net_timer_stop(&c->timer);
    net_tcp_abort(c->tcp, BX_E_IO);
}

/* --- a body in pieces --- */

void http_conn_pause_body(struct http_conn *c)
{
    if (c->state == HTTP_CONN_BODY)
        net_timer_stop(&c->timer); /* it is not the client that waits */
}

void http_conn_resume_body(struct http_conn *c)
{
    if (c->state != HTTP_CONN_BODY)
        return;
    c->exchange->is_resuming = true;
    net_timer_start(c->server->loop, &c->timer, 0);
}

static void on_body_timer(struct http_conn *c)
{
    struct http_exchange *x = c->exchange;
    if (!x->is_resuming) {
        refuse(c, HTTP_REFUSAL_BODY_TIMEOUT);
        return;
    }
    x->is_resuming = false;
    bool is_whole = !x->is_chunked && x->body_left == 0;
    start_timer(c, c->server->opts.body_timeout_ms);
    if (is_whole)
        dispatch(c, x);
    if (c->state == HTTP_CONN_CLOSING)
        return;
    c->rest = bx_buf_view(&c->in);
    feed(c);
}

static void on_drain(struct net_tcp *tcp, void *arg)
{
    struct http_conn *c = arg;
    (void)tcp;
    if (c->is_waiting_drain)
        go_on(c);
    else if (c->state == HTTP_CONN_BUSY && c->exchange && c->exchange->sending)
        sending_step(c);
}

static void on_eof(struct net_tcp *tcp, void *arg)
{
    struct http_conn *c = arg;
    (void)tcp;
    c->has_eof = true;
    if (c->state == HTTP_CONN_CONTINUE)
        return;
    if (c->state == HTTP_CONN_REFUSED)
        close_conn(c);
    settle(c);
}

static void on_closed(struct net_tcp *tcp, int rc, void *arg)
{
    struct http_conn *c = arg;
    (void)tcp;
    (void)rc;
    c->state = HTTP_CONN_CLOSING;
    leave(c);
    net_timer_stop(&c->timer);
    bx_buf_done(&c->in);
    http_server_conn_gone(c->server, c);
    c->magic = 0;
    free(c);
}

static const struct net_tcp_handler tcp_handler = {
    .on_data = on_data, .on_drain = on_drain, .on_eof = on_eof, .on_closed = on_closed};

/* --- timeouts --- */

/* A client that is still taking a large answer is not idle. */
static bool is_still_taking(struct http_conn *c)
{
    size_t unsent = net_tcp_unacked(c->tcp);
    bool has_progress = unsent && unsent < c->unsent;
    c->unsent = unsent;
    return has_progress;
}

static void on_idle(struct http_conn *c)
{
    if (is_still_taking(c))
        start_timer(c, c->server->opts.idle_timeout_ms);
    else
        close_conn(c);
}

static void on_continue(struct http_conn *c)
{
    if (c->is_waiting_drain && is_still_taking(c)) {
        start_timer(c, c->server->opts.idle_timeout_ms);
    } else if (c->is_waiting_drain) {
        net_tcp_abort(c->tcp, BX_E_TIMEOUT);
    } else if (net_tcp_queued(c->tcp) > HTTP_MAX_UNSENT && !net_tcp_is_writable(c->tcp)) {
        c->is_waiting_drain = true;
        c->unsent = SIZE_MAX;
        start_timer(c, c->server->opts.idle_timeout_ms);
    } else {
        go_on(c);
    }
}

static void on_timer(void *arg)
{
    struct http_conn *c = arg;
    switch ((enum http_conn_state)c->state) {
    case HTTP_CONN_IDLE:
        on_idle(c);
        break;
    case HTTP_CONN_HEAD:
        refuse(c, HTTP_REFUSAL_HEAD_TIMEOUT);
        break;
    case HTTP_CONN_BODY:
        on_body_timer(c);
        break;
    case HTTP_CONN_CONTINUE:
        on_continue(c);
        break;
    case HTTP_CONN_REFUSED:
        refuse(c, c->refusal);
        break;
    case HTTP_CONN_BUSY:
        if (c->exchange && c->exchange->sending)
            on_sending_timer(c);
        break;
    case HTTP_CONN_CLOSING:
        break;
    }
}

/* --- life --- */

void http_conn_new(struct http_server *s, int fd, struct net_tls_ctx *tls, const char *peer,
                   struct http_ip *ip, enum http_refusal refusal)
{
    struct http_conn *c = BX_NEW(struct http_conn);
    c->magic = HTTP_CONN_MAGIC;
    c->state = refusal ? HTTP_CONN_REFUSED : HTTP_CONN_IDLE;
    c->refusal = refusal;
    c->server = s;
    c->ip = ip;
    net_timer_init(&c->timer, on_timer, c);
    bx_buf_init(&c->in, 0);
    bx_str_copy(bx_str(peer), c->peer, sizeof c->peer);
    bx_list_push_back(&s->conns, &c->node);
    s->conn_count++;
    s->refused_count += refusal != HTTP_REFUSAL_NONE;
    http_count_connections(1);
    if (net_tcp_adopt(s->loop, fd, tls, &tcp_handler, c, &c->tcp) < 0) {
        http_server_conn_gone(s, c);
        free(c);
        return;
    }
    c->unsent = SIZE_MAX;
    start_timer(c, refusal ? REFUSAL_WAIT_MS : s->opts.idle_timeout_ms);
}

void http_conn_answered(struct http_conn *c, bool keep)
{
    c->exchange = NULL;
    if (!keep) {
        close_conn(c);
        return;
    }
    c->state = HTTP_CONN_IDLE;
    if (c->is_feeding)
        return;
    if (c->in.len)
        c->state = HTTP_CONN_CONTINUE; /* never parse inside somebody's http_respond */
    settle(c);
}

void http_conn_detach(struct http_conn *c)
{
    c->state = HTTP_CONN_CLOSING;
    c->exchange = NULL;
    c->tcp = NULL;
    net_timer_stop(&c->timer);
    drop_input(c);
    http_server_conn_gone(c->server, c);
    net_loop_free_later(c->server->loop, c);
}

void http_conn_close_if_idle(struct http_conn *c)
{
    if (c->state == HTTP_CONN_IDLE)
        close_conn(c);
}
