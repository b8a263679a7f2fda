#include "net/fetch/fetch.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "net/fetch/fetch_internal.h"

#include <stdlib.h>

enum {
    DEFAULT_RUNNING = 4,
    DEFAULT_ATTEMPTS = 6,
    DEFAULT_BACKOFF_MS = 1000,
    BACKOFF_MAX_MS = 60000,
    DEFAULT_CONNECT_MS = 20000,
    DEFAULT_TIMEOUT_MS = 300000
};

static void start_some(struct net_fetcher *f);

/* --- the end of one --- */

static void finish(struct net_fetch *g, int rc)
{
    struct bx_str body = rc == BX_OK ? bx_buf_view(&g->body) : BX_STR("");
    bx_list_remove(&g->node);
    net_timer_stop(&g->retry);
    g->on_done(rc, body, g->arg);
    bx_buf_done(&g->body);
    free(g->url);
    free(g);
}

static bool is_transient(int rc)
{
    return rc == BX_E_UNAVAILABLE || rc == BX_E_TIMEOUT || rc == BX_E_TRUNCATED || rc == BX_E_IO;
}

static uint64_t backoff_ms(const struct net_fetch *g)
{
    uint64_t ms = (uint64_t)g->fetcher->opts.backoff_ms
                  << (g->attempts < 16 ? g->attempts - 1 : 15);
    ms = ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
    return ms - ms / 4 + bx_random_below(ms / 2 + 1);
}

void net_fetch_attempted(struct net_fetch *g, int rc)
{
    struct net_fetcher *f = g->fetcher;
    f->running_count--;
    bx_list_remove(&g->node);
    if (is_transient(rc) && g->attempts < f->opts.max_attempts && !f->is_closing) {
        bx_list_push_back(&f->sleeping, &g->node);
        net_timer_start(f->loop, &g->retry, backoff_ms(g));
    } else {
        finish(g, rc);
    }
    start_some(f);
}

static void on_retry(void *arg)
{
    struct net_fetch *g = arg;
    bx_list_remove(&g->node);
    bx_list_push_back(&g->fetcher->waiting, &g->node);
    start_some(g->fetcher);
}

/* --- the queue --- */

static void start_some(struct net_fetcher *f)
{
    while (!f->is_closing && f->running_count < f->opts.max_running) {
        struct bx_list *node = bx_list_pop_front(&f->waiting);
        if (!node)
            return;
        struct net_fetch *g = BX_CONTAINER_OF(node, struct net_fetch, node);
        bx_list_push_back(&f->running, node);
        f->running_count++;
        g->attempts++;
        int rc = net_fetch_curl_start(g);
        if (rc < 0) {
            net_fetch_curl_stop(g);
            f->running_count--;
            finish(g, rc);
        }
    }
}

static bool is_allowed(const struct net_fetcher *f, struct bx_str url)
{
    if (bx_str_starts(url, BX_STR("https://")))
        return true;
    struct bx_str origin = bx_str(f->plain_origin);
    return origin.len && bx_str_starts(url, origin) && url.len > origin.len &&
           url.ptr[origin.len] == '/';
}

static void on_first_turn(void *arg)
{
    start_some(arg);
}

int net_fetch_get(struct net_fetcher *f, const char *url, size_t max_bytes,
                  net_fetch_done_fn *on_done, void *arg)
{
    if (f->is_closing || max_bytes == 0 || !is_allowed(f, bx_str(url)))
        return BX_E_INVALID;
    struct net_fetch *g = BX_NEW(struct net_fetch);
    g->fetcher = f;
    g->url = bx_strndup(url, strlen(url));
    g->on_done = on_done;
    g->arg = arg;
    bx_buf_init(&g->body, max_bytes);
    net_timer_init(&g->retry, on_retry, g);
    bx_list_push_back(&f->waiting, &g->node);
    net_timer_start(f->loop, &f->start, 0); /* a failure at once is told later */
    return BX_OK;
}

/* --- life --- */

int net_fetcher_new(struct net_loop *loop, const struct net_fetcher_opts *opts,
                    struct net_fetcher **out)
{
    struct net_fetcher *f = BX_NEW(struct net_fetcher);
    f->loop = loop;
    f->opts = *opts;
    f->opts.max_running = opts->max_running ? opts->max_running : DEFAULT_RUNNING;
    f->opts.max_attempts = opts->max_attempts ? opts->max_attempts : DEFAULT_ATTEMPTS;
    f->opts.backoff_ms = opts->backoff_ms ? opts->backoff_ms : DEFAULT_BACKOFF_MS;
    f->opts.timeout_ms = opts->timeout_ms ? opts->timeout_ms : DEFAULT_TIMEOUT_MS;
    f->opts.connect_timeout_ms =
        opts->connect_timeout_ms ? opts->connect_timeout_ms : DEFAULT_CONNECT_MS;
    bx_list_init(&f->waiting);
    bx_list_init(&f->running);
    bx_list_init(&f->sleeping);
    net_timer_init(&f->start, on_first_turn, f);
    int rc = net_fetch_curl_open(f);
    if (rc < 0) {
        free(f);
        return rc;
    }
    f->ca_path = opts->ca_path ? bx_strndup(opts->ca_path, strlen(opts->ca_path)) : NULL;
    f->plain_origin =
        opts->plain_origin ? bx_strndup(opts->plain_origin, strlen(opts->plain_origin)) : NULL;
    f->headers = opts->header ? curl_slist_append(NULL, opts->header) : NULL;
    *out = f;
    return BX_OK;
}

void net_fetch_maybe_closed(struct net_fetcher *f)
{
    if (f->curl.multi || f->curl.watches)
        return;
    void (*on_closed)(void *) = f->on_closed;
    void *arg = f->closed_arg;
    curl_slist_free_all(f->headers);
    free(f->ca_path);
    free(f->plain_origin);
    free(f);
    if (on_closed)
        on_closed(arg);
}

static void give_up_all(struct bx_list *list)
{
    while (!bx_list_is_empty(list)) {
        struct net_fetch *g = BX_CONTAINER_OF(list->next, struct net_fetch, node);
        net_fetch_curl_stop(g);
        finish(g, BX_E_CLOSED);
    }
}

static void close_now(void *arg)
{
    struct net_fetcher *f = arg;
    give_up_all(&f->running);
    give_up_all(&f->sleeping);
    give_up_all(&f->waiting);
    net_fetch_curl_close(f);
    net_fetch_maybe_closed(f);
}

void net_fetcher_close(struct net_fetcher *f, void (*on_closed)(void *arg), void *arg)
{
    BX_ASSERT(!f->is_closing);
    f->is_closing = true;
    f->on_closed = on_closed;
    f->closed_arg = arg;
    net_timer_stop(&f->start);
    net_timer_init(&f->start, close_now, f);
    net_timer_start(f->loop, &f->start, 0);
}
