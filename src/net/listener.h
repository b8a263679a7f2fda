/* net_listener: a listening TCP socket. */
#ifndef NET_LISTENER_H
#define NET_LISTENER_H

#include "net/tcp.h"

struct net_listener;

enum net_tls_mode {
    NET_TLS_OFF,
    NET_TLS_ON,
    NET_TLS_AUTO, /* looks at the first byte: TLS and plain on one port */
};

struct net_listener_opts {
    const char *host; /* "127.0.0.1", "::", "0.0.0.0" */
    uint16_t port;    /* 0: any; see net_listener_port */
    int backlog;      /* 0: 4096 */
    enum net_tls_mode tls_mode;
    struct net_tls_ctx *tls; /* kept (ref); for ON and AUTO */
    bool is_reuse_port;
};

/* Called for each accepted connection with a bare descriptor that the callee takes (net_tcp_adopt
 * with the given tls, or close). peer is the printable address. */
typedef void net_accept_fn(struct net_listener *l, int fd, struct net_tls_ctx *tls,
                           const char *peer, void *arg);

/* BX_E_EXISTS: the address is in use; BX_E_DENIED: no permission for the port; BX_E_INVALID: not an
 * address. */
int net_listener_new(struct net_loop *loop, const struct net_listener_opts *opts,
                     net_accept_fn *on_accept, void *arg, struct net_listener **out);
uint16_t net_listener_port(const struct net_listener *l);

/* Stops accepting and frees itself at the end of the turn. */
void net_listener_close(struct net_listener *l);

#endif
