/* The server: listeners, limits on connections, closing. Connections are in http_conn.c, answers in
 * http_exchange.c. */
#include "net/http/http_internal.h"

#include "base/clock.h"
#include "base/mem.h"

#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static struct bx_metric metrics[] = {
    {.name = "http_connections", .help = "Open HTTP connections", .kind = BX_GAUGE},
#define CLASS(n)                                                                                   \
    {                                                                                              \
        "http_requests_total", "Answered requests", BX_COUNTER, "class=\"" #n "xx\"", 0            \
    }
    CLASS(1),
    CLASS(2),
    CLASS(3),
    CLASS(4),
    CLASS(5),
#undef CLASS
#define ROW(name, status, label, sentence)                                                         \
    {"http_refused_total", "Requests and connections refused", BX_COUNTER, "reason=\"" label "\"", \
     0},
    HTTP_REFUSAL_TABLE(ROW)
#undef ROW
};

enum { METRIC_CLASSES = 1, METRIC_REFUSALS = 6 };

void http_metrics_register(struct bx_metrics *set)
{
    bx_metrics_register(set, metrics, METRIC_REFUSALS);
    bx_metrics_register(set, metrics + METRIC_REFUSALS + 1, HTTP_REFUSALS - 1); /* without NONE */
}

void http_count_refused(enum http_refusal why)
{
    bx_metric_add(&metrics[METRIC_REFUSALS + why], 1);
}

int64_t http_refused_total(void)
{
    int64_t sum = 0;
    for (size_t i = METRIC_REFUSALS + 1; i < BX_LEN(metrics); i++)
        sum += bx_metric_get(&metrics[i]);
    return sum;
}

void http_count_request(int status)
{
    bx_metric_add(&metrics[METRIC_CLASSES + status / 100 - 1], 1);
}

void http_count_connections(int change)
{
    bx_metric_add(&metrics[0], change);
}

static size_t or_default(size_t value, size_t fallback)
{
    return value ? value : fallback;
}

static void fill_defaults(struct http_server *s)
{
    struct http_server_opts *o = &s->opts;
    s->limits.max_bytes = or_default(o->max_header_bytes, 16 << 10);
    s->limits.max_headers = or_default(o->max_headers, 100);
    s->limits.max_target_bytes = or_default(o->max_target_bytes, 8 << 10);
    o->max_body_bytes = or_default(o->max_body_bytes, 1 << 20);
    o->max_pipelined = or_default(o->max_pipelined, 32);
    o->max_connections = or_default(o->max_connections, 100000);
    o->header_timeout_ms = o->header_timeout_ms ? o->header_timeout_ms : 10000;
    o->body_timeout_ms = o->body_timeout_ms ? o->body_timeout_ms : 30000;
    o->idle_timeout_ms = o->idle_timeout_ms ? o->idle_timeout_ms : 65000;
}

int http_server_new(struct net_loop *loop, const struct http_server_opts *opts,
                    const struct http_handler *handler, void *arg, struct http_server **out)
{
    struct http_server *s = BX_NEW(struct http_server);
    s->magic = HTTP_SERVER_MAGIC;
    s->loop = loop;
    s->handler = *handler;
    s->arg = arg;
    s->date_second = UINT64_MAX;
    if (opts)
        s->opts = *opts;
    fill_defaults(s);
    bx_list_init(&s->conns);
    bx_list_init(&s->dead);
    bx_list_init(&s->pool);
    bx_list_init(&s->orphans);
    bx_map_init(&s->ips);
    s->scratch = bx_calloc(s->limits.max_headers, sizeof *s->scratch);
    *out = s;
    return BX_OK;
}

/* --- accepting --- */

/* NULL when the address has its share already. */
static struct http_ip *ip_take(struct http_server *s, const char *peer)
{
    struct http_ip *ip = bx_map_get(&s->ips, bx_str(peer));
    if (!ip) {
        ip = BX_NEW(struct http_ip);
        bx_str_copy(bx_str(peer), ip->address, sizeof ip->address);
        bx_map_put(&s->ips, bx_str(ip->address), ip);
    }
    if (ip->count >= s->opts.max_connections_per_ip)
        return NULL;
    ip->count++;
    return ip;
}

static void ip_give(struct http_server *s, struct http_ip *ip)
{
    if (--ip->count)
        return;
    bx_map_del(&s->ips, bx_str(ip->address));
    free(ip);
}

static void on_accept(struct net_listener *l, int fd, struct net_tls_ctx *tls, const char *peer,
                      void *arg)
{
    struct http_server *s = arg;
    struct http_ip *ip = NULL;
    enum http_refusal refusal = HTTP_REFUSAL_NONE;
    (void)l;
    if (s->conn_count - s->refused_count >= s->opts.max_connections)
        refusal = HTTP_REFUSAL_CONNECTIONS;
    else if (s->opts.max_connections_per_ip && !(ip = ip_take(s, peer)))
        refusal = HTTP_REFUSAL_CONNECTIONS_PER_IP;
    if (refusal && s->refused_count >= HTTP_MAX_REFUSALS) {
        http_count_refused(refusal);
        close(fd);
        return;
    }
    http_conn_new(s, fd, tls, peer, ip, refusal);
}

int http_server_listen(struct http_server *s, const struct net_listener_opts *opts,
                       uint16_t *out_port)
{
    struct net_listener *l;
    if (s->is_closing || s->listener_count == BX_LEN(s->listeners))
        return BX_E_STATE;
    int rc = net_listener_new(s->loop, opts, on_accept, s, &l);
    if (rc < 0)
        return rc;
    s->listeners[s->listener_count++] = l;
    if (out_port)
        *out_port = net_listener_port(l);
    return BX_OK;
}

size_t http_server_connections(const struct http_server *s)
{
    return s->conn_count;
}

const char *http_server_date(struct http_server *s)
{
    uint64_t second = net_loop_now_ms(s->loop) / 1000;
    if (second != s->date_second) {
        time_t now = (time_t)(bx_wall_ms() / 1000);
        struct tm tm;
        gmtime_r(&now, &tm);
        strftime(s->date, sizeof s->date, "%a, %d %b %Y %H:%M:%S GMT", &tm);
        s->date_second = second;
    }
    return s->date;
}

/* --- closing --- */

static void destroy(struct http_server *s)
{
    while (!bx_list_is_empty(&s->orphans)) /* answered later by their handlers, into nothing */
        BX_CONTAINER_OF(bx_list_pop_front(&s->orphans), struct http_exchange, node)->server = NULL;
    for (struct bx_list *n; (n = bx_list_pop_front(&s->pool));)
        http_exchange_free(BX_CONTAINER_OF(n, struct http_exchange, node));
    for (struct bx_list *n; (n = bx_list_pop_front(&s->dead));)
        http_exchange_free(BX_CONTAINER_OF(n, struct http_exchange, node));
    bx_map_done(&s->ips);
    free(s->scratch);
    s->magic = 0;
    free(s);
}

/* The last connection has gone, or there was none. */
static void call_gone(void *ptr)
{
    struct http_server *s = ptr;
    void (*on_closed)(void *arg) = s->on_closed;
    if (s->is_reaping) {
        net_loop_call_later(s->loop, call_gone, s);
        return;
    }
    s->is_gone_due = false;
    s->on_closed = NULL;
    if (s->is_freed)
        destroy(s);
    else if (on_closed)
        on_closed(s->closed_arg);
}

static void check_gone(struct http_server *s)
{
    if (s->conn_count || !s->is_closing || s->is_gone_due)
        return;
    s->is_gone_due = true;
    net_loop_call_later(s->loop, call_gone, s);
}

void http_server_conn_gone(struct http_server *s, struct http_conn *c)
{
    bx_list_remove(&c->node);
    s->conn_count--;
    s->refused_count -= c->refusal != HTTP_REFUSAL_NONE;
    http_count_connections(-1);
    if (c->ip)
        ip_give(s, c->ip);
    check_gone(s);
}

static void stop_listening(struct http_server *s)
{
    s->is_closing = true;
    while (s->listener_count)
        net_listener_close(s->listeners[--s->listener_count]);
}

void http_server_close(struct http_server *s, void (*on_closed)(void *arg), void *arg)
{
    stop_listening(s);
    s->on_closed = on_closed;
    s->closed_arg = arg;
    BX_LIST_EACH(&s->conns, node)
    http_conn_close_if_idle(BX_CONTAINER_OF(node, struct http_conn, node));
    check_gone(s);
}

void http_server_free(struct http_server *s)
{
    if (!s || s->is_freed)
        return;
    stop_listening(s);
    s->is_freed = true;
    BX_LIST_EACH(&s->conns, node)
    net_tcp_abort(BX_CONTAINER_OF(node, struct http_conn, node)->tcp, BX_E_CLOSED);
    check_gone(s);
}
