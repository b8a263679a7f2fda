#include "net/tcp.h"

#include "base/err.h"
#include "base/mem.h"
#include "net/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    LINGER_WRITE_MS = 5000, /* for a peer to take LINGER_STEP bytes of what is left */
    LINGER_STEP = 16 << 10,
    LINGER_READ_MS =
        2000, /* for its FIN; a close before it would reset the connection under data in flight */
    READS_PER_EVENT = 4,
};

/* Closing: flush, say close_notify, half-close, swallow what still comes, close at the peer's FIN.
 */
struct net_tcp_ending {
    struct net_timer timer;
    size_t left;      /* net_tcp_unacked at the last start of the timer */
    bool is_notified; /* close_notify is sealed: nothing can follow it */
    bool is_half_closed;
};

static void on_poll(uv_poll_t *handle, int status, int events);

void net_tcp_rearm(struct net_tcp *c)
{
    if (c->is_dead)
        return;
    bool is_reading = c->connecting ? c->tls != NULL : !c->is_paused && !c->has_eof;
    int events = (is_reading ? UV_READABLE : 0) |
                 (c->is_blocked || (c->connecting && !c->tls) ? UV_WRITABLE : 0);
    if (events)
        uv_poll_start(&c->poll, events, on_poll);
    else
        uv_poll_stop(&c->poll);
}

struct net_tcp *net_tcp_create(struct net_loop *loop, int fd, const struct net_tcp_handler *handler,
                               void *arg)
{
    struct net_tcp *c = BX_NEW(struct net_tcp);
    c->magic = NET_TCP_MAGIC;
    c->fd = fd;
    c->loop = loop;
    c->handler = handler;
    c->arg = arg;
    c->poll.data = c;
    bx_list_init(&c->dirty);
    return c;
}

int net_tcp_start(struct net_tcp *c)
{
    int one = 1;
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    int rc = uv_poll_init_socket(&c->loop->uv, &c->poll, c->fd);
    if (rc < 0)
        return bx_err_from_errno(-rc);
    net_tcp_rearm(c);
    return BX_OK;
}

int net_tcp_adopt(struct net_loop *loop, int fd, struct net_tls_ctx *tls,
                  const struct net_tcp_handler *handler, void *arg, struct net_tcp **out)
{
    struct net_tcp *c = net_tcp_create(loop, fd, handler, arg);
    int rc = tls ? net_tls_conn_new(tls, true, NULL, &c->tls) : BX_OK;
    c->is_tls_auto = tls && net_tls_is_auto(tls);
    c->is_open = true;
    if (rc == BX_OK)
        rc = net_tcp_start(c);
    if (rc < 0) {
        net_tls_conn_free(c->tls);
        close(fd);
        free(c);
        return rc;
    }
    *out = c;
    return BX_OK;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct net_tcp *c = handle->data;
    c->magic = 0;
    free(c);
}

/* Releases everything but the struct itself, which the loop frees when libuv is done with the
 * handle. */
static void release(struct net_tcp *c)
{
    bx_list_remove(&c->dirty);
    net_out_free(c);
    net_tls_conn_free(c->tls);
    c->tls = NULL;
    if (c->ending) {
        net_timer_stop(&c->ending->timer);
        free(c->ending);
        c->ending = NULL;
    }
}

static void call_closed(void *ptr)
{
    struct net_tcp *c = ptr;
    void *arg = c->arg;
    const struct net_tcp_handler *handler = c->handler;
    if (handler && handler->on_closed)
        handler->on_closed(c, c->closed_rc, arg);
    uv_close((uv_handle_t *)&c->poll, on_handle_closed);
}

void net_tcp_end(struct net_tcp *c, int rc)
{
    if (c->is_dead)
        return;
    c->is_dead = true;
    c->closed_rc = c->is_closing ? BX_OK : rc;
    if (c->is_in_uring)
        net_uring_forget(c->loop->uring, c);
    uv_poll_stop(&c->poll);
    close(c->fd);
    release(c);
    net_loop_call_later(c->loop, call_closed, c);
}

static void discard(void *ptr)
{
    struct net_tcp *c = ptr;
    free(c);
}

void net_tcp_discard(struct net_tcp *c)
{
    c->is_dead = true;
    release(c);
    if (!c->is_poll_closing) /* else tcp_connect's close callback frees */
        net_loop_call_later(c->loop, discard, c);
}

/* --- reading --- */

/* The peer will say no more (FIN, or close_notify), but may still take what is queued. */
static void input_ended(struct net_tcp *c)
{
    if (!c->handler->on_eof) {
        net_tcp_end(c, BX_E_CLOSED);
    } else if (!c->has_eof) {
        c->has_eof = true;
        net_tcp_rearm(c);
        c->handler->on_eof(c, c->arg);
    }
}

static void deliver_tls(struct net_tcp *c)
{
    struct net_loop *loop = c->loop;
    if (!loop->tls_rx)
        loop->tls_rx = bx_realloc(NULL, NET_RX_BYTES, 1);
    while (!c->is_dead) {
        bool is_new = !c->is_open && net_tls_is_ready(c->tls);
        if (is_new) {
            net_connect_finished(c, BX_OK);
            continue;
        }
        if (c->is_closing || c->is_paused)
            break;
        bool was_ready = net_tls_is_ready(c->tls);
        ssize_t n = net_tls_read(c->tls, loop->tls_rx, NET_RX_BYTES);
        if (net_tls_pending(c->tls).len)
            net_tcp_mark_dirty(c);
        if (n > 0) {
            c->handler->on_data(c, loop->tls_rx, (size_t)n, c->arg);
        } else if (n == 0) {
            /* the handshake's last flight may have brought data along */
            if (was_ready || !net_tls_is_ready(c->tls))
                break;
        } else if (c->connecting) {
            net_connect_finished(c, (int)n);
        } else if (n == BX_E_CLOSED) {
            input_ended(c);
            break;
        } else {
            net_tcp_end(c, (int)n);
        }
    }
}

static void deliver(struct net_tcp *c, uint8_t *data, size_t len)
{
    if (c->is_tls_auto) {
        c->is_tls_auto = false;
        net_tcp_mark_dirty(c);
        if (data[0] != 0x16) { /* not a TLS handshake record */
            net_tls_conn_free(c->tls);
            c->tls = NULL;
        }
    }
    if (c->ending)
        return; /* swallowed: we are closing */
    if (!c->tls) {
        c->handler->on_data(c, data, len, c->arg);
        return;
    }
    int rc = net_tls_feed(c->tls, data, len);
    if (rc < 0)
        net_tcp_end(c, rc);
    else
        deliver_tls(c);
}

static void on_fin(struct net_tcp *c)
{
    if (c->connecting) {
        net_connect_finished(c, BX_E_CLOSED);
    } else if (c->ending) {
        c->has_eof = true;
        if (c->ending->is_half_closed)
            net_tcp_end(c, BX_OK);
        else
            net_tcp_rearm(c);
    } else {
        input_ended(c);
    }
}

static void read_some(struct net_tcp *c)
{
    struct net_loop *loop = c->loop;
    for (int i = 0;
         i < READS_PER_EVENT && !c->is_dead && !c->has_eof && (!c->is_paused || c->ending); i++) {
        ssize_t n = recv(c->fd, loop->rx, NET_RX_BYTES, 0);
        if (n > 0) {
            deliver(c, loop->rx, (size_t)n);
            if (n < NET_RX_BYTES)
                return;
        } else if (n == 0) {
            on_fin(c);
            return;
        } else if (errno != EINTR) {
            if (errno != EAGAIN) {
                int rc = bx_err_from_errno(errno);
                if (c->connecting)
                    net_connect_finished(c, rc);
                else
                    net_tcp_end(c, rc);
            }
            return;
        }
    }
}

static void on_writable(struct net_tcp *c)
{
    if (c->connecting && !c->tls) {
        net_connect_on_writable(c);
        return;
    }
    net_tcp_flush(c);
    if (!c->is_dead && !c->is_blocked && !c->is_closing && c->handler->on_drain)
        c->handler->on_drain(c, c->arg);
}

static void on_poll(uv_poll_t *handle, int status, int events)
{
    struct net_tcp *c = handle->data;
    BX_ASSERT(c->magic == NET_TCP_MAGIC);
    if (status < 0) {
        /* EPOLLERR alone: reading or finishing the connect reports what it was */
        if (c->connecting && !c->tls)
            net_connect_on_writable(c);
        else
            net_tcp_end(c, bx_err_from_errno(-status));
        return;
    }
    if (events & UV_WRITABLE)
        on_writable(c);
    if ((events & UV_READABLE) && !c->is_dead)
        read_some(c);
}

/* --- state --- */

void net_tcp_set_handler(struct net_tcp *c, const struct net_tcp_handler *handler, void *arg)
{
    c->handler = handler;
    c->arg = arg;
}

void *net_tcp_arg(const struct net_tcp *c)
{
    return c->arg;
}

struct net_loop *net_tcp_loop(const struct net_tcp *c)
{
    return c->loop;
}

bool net_tcp_is_tls(const struct net_tcp *c)
{
    return c->tls != NULL;
}

size_t net_tcp_queued(const struct net_tcp *c)
{
    return c->queued;
}

size_t net_tcp_unacked(const struct net_tcp *c)
{
    int in_kernel = 0;
    if (c->is_dead)
        return 0;
    if (ioctl(c->fd, TIOCOUTQ, &in_kernel) < 0 || in_kernel < 0)
        in_kernel = 0;
    return c->queued + (c->tls ? net_tls_pending(c->tls).len : 0) + (size_t)in_kernel;
}

bool net_tcp_is_writable(const struct net_tcp *c)
{
    return !c->is_blocked && !c->is_closing && !c->is_dead;
}

void net_tcp_pause(struct net_tcp *c)
{
    c->is_paused = true;
    net_tcp_rearm(c);
}

static void resume_tls(void *ptr)
{
    struct net_tcp *c = ptr;
    if (!c->is_dead && c->tls)
        deliver_tls(c);
}

void net_tcp_resume(struct net_tcp *c)
{
    if (!c->is_paused)
        return;
    c->is_paused = false;
    net_tcp_rearm(c);
    if (c->tls) /* records that were decrypted before the pause wait inside OpenSSL */
        net_loop_call_later(c->loop, resume_tls, c);
}

int net_tcp_peer(const struct net_tcp *c, char out[NET_ADDR_SIZE], uint16_t *out_port)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    if (c->is_dead || getpeername(c->fd, (struct sockaddr *)&address, &len) < 0)
        return BX_E_CLOSED;
    bool is_v6 = address.ss_family == AF_INET6;
    const struct sockaddr_in6 *v6 = (const void *)&address;
    const struct sockaddr_in *v4 = (const void *)&address;
    const void *ip = is_v6 ? (const void *)&v6->sin6_addr : (const void *)&v4->sin_addr;
    if (!inet_ntop(address.ss_family, ip, out, NET_ADDR_SIZE))
        return BX_E_INVALID;
    if (out_port)
        *out_port = ntohs(is_v6 ? v6->sin6_port : v4->sin_port);
    return BX_OK;
}

/* --- closing --- */

static void linger(struct net_tcp *c)
{
    struct net_tcp_ending *e = c->ending;
    e->left = net_tcp_unacked(c);
    bool is_taken = e->is_half_closed && e->left <= 1; /* the FIN counts as one */
    net_timer_start(c->loop, &e->timer, is_taken ? LINGER_READ_MS : LINGER_WRITE_MS);
}

/* A slow peer may take its time as long as it takes something. */
static void on_linger(void *arg)
{
    struct net_tcp *c = arg;
    size_t before = c->ending->left, left = net_tcp_unacked(c);
    bool is_moving = left < before && (before - left >= LINGER_STEP || left <= 1);
    if (is_moving)
        linger(c);
    else
        net_tcp_end(c, BX_E_TIMEOUT);
}

/* Everything is out: say FIN and wait for the peer's, unless it came already. */
static void half_close(struct net_tcp *c)
{
    c->ending->is_half_closed = true;
    shutdown(c->fd, SHUT_WR);
    if (c->has_eof) {
        net_tcp_end(c, BX_OK);
        return;
    }
    c->is_paused = false;
    linger(c);
    net_tcp_rearm(c);
}

/* Sends what is queued and, when it is out and the connection is closing, close_notify. */
static int flush_all(struct net_tcp *c)
{
    int rc = net_out_flush(c);
    bool is_due = c->ending && c->tls && !c->ending->is_notified && net_tls_is_ready(c->tls);
    if (rc < 0 || c->is_blocked || !is_due)
        return rc;
    c->ending->is_notified = true;
    net_tls_close_notify(c->tls);
    return net_out_flush(c);
}

void net_tcp_flush(struct net_tcp *c)
{
    bx_list_remove(&c->dirty);
    if (c->is_dead)
        return;
    bool was_blocked = c->is_blocked;
    c->is_blocked = false;
    int rc = flush_all(c);
    if (rc < 0) {
        net_tcp_end(c, rc);
        return;
    }
    if (c->is_blocked)
        net_tcp_mark_blocked(c);
    if (c->is_blocked != was_blocked)
        net_tcp_rearm(c);
    if (c->ending && !c->is_blocked && !c->ending->is_half_closed)
        half_close(c);
}

void net_tcp_mark_dirty(struct net_tcp *c)
{
    if (bx_list_is_empty(&c->dirty) && !c->is_blocked)
        bx_list_push_back(&c->loop->dirty, &c->dirty);
}

void net_tcp_mark_blocked(struct net_tcp *c)
{
    bx_list_remove(&c->dirty);
    bx_list_push_back(&c->loop->blocked, &c->dirty);
}

void net_tcp_close(struct net_tcp *c)
{
    if (c->is_dead || c->is_closing)
        return;
    if (c->connecting) {
        net_connect_cancel(c);
        return;
    }
    c->is_closing = true;
    c->ending = BX_NEW(struct net_tcp_ending);
    net_timer_init(&c->ending->timer, on_linger, c);
    linger(c);
    net_tcp_mark_dirty(c);
}

void net_tcp_abort(struct net_tcp *c, int rc)
{
    if (c->connecting)
        net_connect_cancel(c);
    else
        net_tcp_end(c, rc);
}
