#include "base/err.h"
#include "base/mem.h"
#include "net/internal.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DEFAULT_TIMEOUT_MS = 20000 };

/* A connection attempt: name, then each address in turn, then TLS. It is freed by on_resolved when
 * the resolver still runs, so it is an object of its own. */
struct net_tcp_connecting {
    uv_getaddrinfo_t resolver;
    struct addrinfo *addresses, *at;
    struct net_timer timer;
    struct net_tls_ctx *tls;
    char *host;
    void (*on_connected)(struct net_tcp *c, int rc, void *arg);
    struct net_tcp *tcp; /* NULL: cancelled */
    bool is_resolving;
    int rc; /* of the last address */
};

static void connecting_free(struct net_tcp_connecting *p)
{
    net_timer_stop(&p->timer);
    if (p->is_resolving) {
        p->tcp = NULL; /* on_resolved frees */
        uv_cancel((uv_req_t *)&p->resolver);
        return;
    }
    uv_freeaddrinfo(p->addresses);
    net_tls_unref(p->tls);
    free(p->host);
    free(p);
}

/* The attempt is over without a usable connection. */
static void give_up(struct net_tcp *c)
{
    struct net_tcp_connecting *p = c->connecting;
    c->connecting = NULL;
    connecting_free(p);
    c->handler = NULL; /* on_closed is not owed */
    if (c->fd >= 0)
        net_tcp_end(c, BX_E_CLOSED);
    else
        net_tcp_discard(c);
}

void net_connect_cancel(struct net_tcp *c)
{
    give_up(c);
}

void net_connect_finished(struct net_tcp *c, int rc)
{
    struct net_tcp_connecting *p = c->connecting;
    void (*on_connected)(struct net_tcp * c, int rc, void *arg) = p->on_connected;
    void *arg = c->arg;
    if (rc < 0) {
        give_up(c);
        on_connected(c, rc, arg);
        return;
    }
    c->connecting = NULL;
    connecting_free(p);
    c->is_open = true;
    net_tcp_rearm(c);
    net_tcp_mark_dirty(c);
    on_connected(c, BX_OK, arg);
}

/* A uv_poll_t belongs to one descriptor; a second address therefore needs the first one's handle to
 * be closed. */
static void try_next_address(struct net_tcp *c);

static void on_poll_closed(uv_handle_t *handle)
{
    struct net_tcp *c = handle->data;
    c->is_poll_closing = false;
    if (c->connecting)
        try_next_address(c);
    else
        free(c);
}

static void try_next_address(struct net_tcp *c)
{
    struct net_tcp_connecting *p = c->connecting;
    for (; p->at; p->at = p->at->ai_next) {
        c->fd = socket(p->at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (c->fd < 0) {
            p->rc = bx_err_from_errno(errno);
            continue;
        }
        if (connect(c->fd, p->at->ai_addr, p->at->ai_addrlen) == 0 || errno == EINPROGRESS) {
            p->at = p->at->ai_next;
            p->rc = net_tcp_start(c);
            if (p->rc == BX_OK)
                return;
        } else {
            p->rc = bx_err_from_errno(errno);
        }
        close(c->fd);
        c->fd = -1;
    }
    c->fd = -1;
    net_connect_finished(c, p->rc < 0 ? p->rc : BX_E_NOT_FOUND);
}

static void start_tls(struct net_tcp *c)
{
    struct net_tcp_connecting *p = c->connecting;
    int rc = net_tls_conn_new(p->tls, false, p->host, &c->tls);
    uint8_t none;
    if (rc < 0) {
        net_connect_finished(c, rc);
        return;
    }
    net_tls_read(c->tls, &none, 0); /* makes the ClientHello */
    net_tcp_rearm(c);
    net_tcp_mark_dirty(c);
}

void net_connect_on_writable(struct net_tcp *c)
{
    struct net_tcp_connecting *p = c->connecting;
    int error = 0;
    socklen_t len = sizeof error;
    getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len);
    if (error) {
        p->rc = bx_err_from_errno(error);
        uv_poll_stop(&c->poll);
        close(c->fd);
        c->fd = -1;
        c->is_poll_closing = true;
        uv_close((uv_handle_t *)&c->poll, on_poll_closed);
    } else if (p->tls) {
        start_tls(c);
    } else {
        net_connect_finished(c, BX_OK);
    }
}

static void on_resolved(uv_getaddrinfo_t *request, int status, struct addrinfo *addresses)
{
    struct net_tcp_connecting *p = BX_CONTAINER_OF(request, struct net_tcp_connecting, resolver);
    p->is_resolving = false;
    p->addresses = p->at = addresses;
    if (!p->tcp) {
        connecting_free(p);
    } else if (status < 0) {
        net_connect_finished(p->tcp, status == UV_EAI_AGAIN ? BX_E_UNAVAILABLE : BX_E_NOT_FOUND);
    } else {
        try_next_address(p->tcp);
    }
}

static void on_timeout(void *arg)
{
    struct net_tcp *c = arg;
    net_connect_finished(c, BX_E_TIMEOUT);
}

int net_tcp_connect(struct net_loop *loop, const struct net_tcp_connect_opts *opts,
                    const struct net_tcp_handler *handler,
                    void (*on_connected)(struct net_tcp *c, int rc, void *arg), void *arg,
                    struct net_tcp **out)
{
    char service[8];
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    snprintf(service, sizeof service, "%u", opts->port);
    struct net_tcp_connecting *p = BX_NEW(struct net_tcp_connecting);
    p->is_resolving = true;
    int rc = uv_getaddrinfo(&loop->uv, &p->resolver, on_resolved, opts->host, service, &hints);
    if (rc < 0) {
        free(p);
        return bx_err_from_errno(-rc);
    }
    struct net_tcp *c = net_tcp_create(loop, -1, handler, arg);
    c->connecting = p;
    p->tcp = c;
    p->on_connected = on_connected;
    p->host = bx_strndup(opts->host, strlen(opts->host));
    p->tls = opts->tls ? net_tls_ref(opts->tls) : NULL;
    net_timer_init(&p->timer, on_timeout, c);
    net_timer_start(loop, &p->timer, opts->timeout_ms ? opts->timeout_ms : DEFAULT_TIMEOUT_MS);
    *out = c;
    return BX_OK;
}
