#include "net/listener.h"

#include "base/err.h"
#include "base/mem.h"
#include "net/internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { DEFAULT_BACKLOG = 4096, ACCEPTS_PER_EVENT = 256 };

struct net_listener {
    uv_poll_t poll;
    struct net_loop *loop;
    int fd;
    int spare_fd; /* given up for a moment to refuse connections when descriptors run out */
    uint16_t port;
    struct net_tls_ctx *tls;
    net_accept_fn *on_accept;
    void *arg;
    bool is_closed;
};

static bool parse_address(const struct net_listener_opts *opts, struct sockaddr_storage *out,
                          socklen_t *len)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(opts->port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(opts->port)};
    const char *host =
        opts->host && strcmp(opts->host, "localhost") != 0 ? opts->host : "127.0.0.1";
    if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
        memcpy(out, &v4, *len = sizeof v4);
        return true;
    }
    if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
        memcpy(out, &v6, *len = sizeof v6);
        return true;
    }
    return false;
}

static uint16_t bound_port(int fd)
{
    struct sockaddr_storage address;
    socklen_t len = sizeof address;
    if (getsockname(fd, (struct sockaddr *)&address, &len) < 0)
        return 0;
    return ntohs(address.ss_family == AF_INET6
                     ? ((struct sockaddr_in6 *)(void *)&address)->sin6_port
                     : ((struct sockaddr_in *)(void *)&address)->sin_port);
}

static int open_socket(const struct net_listener_opts *opts, int *out_fd)
{
    struct sockaddr_storage address;
    socklen_t len;
    int on = 1;
    if (!parse_address(opts, &address, &len))
        return BX_E_INVALID;
    int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return bx_err_from_errno(errno);
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (opts->is_reuse_port)
        setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&address, len) < 0 ||
        listen(fd, opts->backlog ? opts->backlog : DEFAULT_BACKLOG) < 0) {
        int rc = bx_err_from_errno(errno);
        close(fd);
        return rc;
    }
    *out_fd = fd;
    return BX_OK;
}

/* Without a free descriptor accept(2) fails and the waiting client keeps the socket readable for
 * ever. */
static void refuse_one(struct net_listener *l)
{
    if (l->spare_fd < 0)
        return;
    close(l->spare_fd);
    int fd = accept4(l->fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0)
        close(fd);
    l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void peer_text(const struct sockaddr_storage *address, char out[NET_ADDR_SIZE])
{
    const void *ip =
        address->ss_family == AF_INET6
            ? (const void *)&((const struct sockaddr_in6 *)(const void *)address)->sin6_addr
            : (const void *)&((const struct sockaddr_in *)(const void *)address)->sin_addr;
    if (!inet_ntop(address->ss_family, ip, out, NET_ADDR_SIZE))
        out[0] = '\0';
}

static void on_readable(uv_poll_t *handle, int status, int events)
{
    struct net_listener *l = handle->data;
    (void)status;
    (void)events;
    for (int i = 0; i < ACCEPTS_PER_EVENT && !l->is_closed; i++) {
        struct sockaddr_storage address;
        socklen_t len = sizeof address;
        int fd = accept4(l->fd, (struct sockaddr *)&address, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd < 0) {
            if (errno == EMFILE || errno == ENFILE)
                refuse_one(l);
            else if (errno != EINTR && errno != ECONNABORTED)
                return;
            continue;
        }
        char peer[NET_ADDR_SIZE];
        peer_text(&address, peer);
        l->on_accept(l, fd, l->tls, peer, l->arg);
    }
}

int net_listener_new(struct net_loop *loop, const struct net_listener_opts *opts,
                     net_accept_fn *on_accept, void *arg, struct net_listener **out)
{
    int fd;
    int rc = open_socket(opts, &fd);
    if (rc < 0)
        return rc;
    struct net_listener *l = BX_NEW(struct net_listener);
    l->loop = loop;
    l->fd = fd;
    l->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    l->port = bound_port(fd);
    l->on_accept = on_accept;
    l->arg = arg;
    if (opts->tls_mode == NET_TLS_ON)
        l->tls = net_tls_ref(opts->tls);
    else if (opts->tls_mode == NET_TLS_AUTO)
        l->tls = net_tls_auto_new(opts->tls);
    l->poll.data = l;
    BX_ASSERT(uv_poll_init_socket(&loop->uv, &l->poll, fd) == 0);
    uv_poll_start(&l->poll, UV_READABLE, on_readable);
    *out = l;
    return BX_OK;
}

uint16_t net_listener_port(const struct net_listener *l)
{
    return l->port;
}

static void on_closed(uv_handle_t *handle)
{
    struct net_listener *l = handle->data;
    net_tls_unref(l->tls);
    free(l);
}

void net_listener_close(struct net_listener *l)
{
    if (l->is_closed)
        return;
    l->is_closed = true;
    uv_poll_stop(&l->poll);
    close(l->fd);
    if (l->spare_fd >= 0)
        close(l->spare_fd);
    uv_close((uv_handle_t *)&l->poll, on_closed);
}
