/* net_transfer: HTTP requests with bodies of any size in both directions, in flat memory: what is
 * sent is read from a descriptor as the peer takes it, what arrives is handed on in pieces, and a
 * reader that cannot keep up pauses the transfer. The protocol is libcurl's; its sockets and timer
 * live on our loop, so a transfer costs no thread. One attempt each: whoever asks knows whether a
 * retry is allowed. Redirects are not followed, proxies of the environment are not used.
 *
 * Loop thread only. Callbacks never come before the call that caused them returned.
 */
#ifndef NET_TRANSFER_H
#define NET_TRANSFER_H

#include "base/str.h"
#include "net/loop.h"

struct net_transfers;
struct net_transfer;

struct net_transfers_opts {
    const char *ca_path;         /* PEM; NULL: the system's store. Copied */
    uint32_t connect_timeout_ms; /* 0: 10 s */
};

/* Returns an engine of your own (net_transfers_close). BX_E_NOMEM. */
int net_transfers_new(struct net_loop *loop, const struct net_transfers_opts *opts,
                      struct net_transfers **out);

/* Ends every transfer without callbacks; on_closed (may be NULL) comes when the sockets are gone.
 */
void net_transfers_close(struct net_transfers *e, void (*on_closed)(void *arg), void *arg);

/* Borrowed for the call; body_fd is kept until on_done. */
struct net_transfer_request {
    const char *method;
    const char *url;            /* http:// or https://, sent as it is */
    const char *const *headers; /* "name: value"; ends with NULL */
    struct bx_str body;         /* a small body; copied */
    int body_fd;                /* a large one, when body is empty; -1: none */
    uint64_t body_offset, body_len;
    uint64_t max_bytes; /* of the answer; 0: no limit */
};

struct net_transfer_head {
    int status;
    int64_t content_length; /* -1: not announced */
    int64_t range_total;    /* of Content-Range: size of the whole; -1: none */
    struct bx_str etag;     /* as sent; borrowed until on_done returned */
    int64_t date_s;         /* the server's clock; 0: not told */
};

struct net_transfer_handler {
    /* The answer has begun. May be NULL. */
    void (*on_head)(const struct net_transfer_head *head, void *arg);
    /* A piece of the answer. BX_E_AGAIN: not taken, come again after net_transfer_resume. Another
     * failure ends the transfer with it. */
    int (*on_bytes)(struct bx_str bytes, void *arg);
    /* Once, last. rc BX_OK: the answer is complete, whatever its status (head is never NULL then).
     */
    void (*on_done)(int rc, const struct net_transfer_head *head, void *arg);
};

/* BX_E_INVALID: not a URL, BX_E_FULL: closing; no callback then. *out is valid until on_done. */
int net_transfer_start(struct net_transfers *e, const struct net_transfer_request *request,
                       const struct net_transfer_handler *handler, void *arg,
                       struct net_transfer **out);

/* After on_bytes said BX_E_AGAIN. */
void net_transfer_resume(struct net_transfer *t);

/* No callback comes any more. Allowed in any callback but on_done. */
void net_transfer_cancel(struct net_transfer *t);

#endif
