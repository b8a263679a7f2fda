/* net_tcp: a connected stream socket, plain or TLS.
 *
 * Output is corked: what is written in a loop turn leaves in one call at its end. Small writes are
 * copied into a slab that all connections of a turn share (so replies to one read become one
 * contiguous piece); large or shared bytes are queued by reference. Cost of a reply: one copy into
 * the slab, no allocation, one send(2) per connection and turn. An idle connection holds no buffer
 * at all.
 *
 * Input arrives in the loop's one receive buffer; the handler consumes it before it returns and
 * keeps leftovers itself.
 */
#ifndef NET_TCP_H
#define NET_TCP_H

#include "base/shared.h"
#include "net/loop.h"
#include "net/tls.h"

struct net_tcp;

/* All run on the loop thread; each may close the connection. */
struct net_tcp_handler {
    /* Bytes in the loop's receive buffer: writable scratch (unmask in place), valid during the
     * call. */
    void (*on_data)(struct net_tcp *c, uint8_t *data, size_t len, void *arg);
    /* The queue, once blocked, has drained completely. May be NULL. */
    void (*on_drain)(struct net_tcp *c, void *arg);
    /* The peer closed its sending side (FIN, or close_notify): once; nothing is read any more, what
     * is queued can still be sent. May be NULL: then the connection is closed. */
    void (*on_eof)(struct net_tcp *c, void *arg);
    /* Exactly once, last call: rc is BX_OK after net_tcp_close,
     * BX_E_CLOSED/BX_E_IO/BX_E_TIMEOUT/... otherwise. The memory of c goes at the end of this turn.
     */
    void (*on_closed)(struct net_tcp *c, int rc, void *arg);
};

/* Takes the descriptor (made non-blocking). tls may be NULL. The object is the loop's; it ends with
 * on_closed. */
int net_tcp_adopt(struct net_loop *loop, int fd, struct net_tls_ctx *tls,
                  const struct net_tcp_handler *handler, void *arg, struct net_tcp **out);

struct net_tcp_connect_opts {
    const char *host; /* name or address; also the TLS server name */
    uint16_t port;
    struct net_tls_ctx *tls; /* NULL: plain */
    uint32_t timeout_ms;     /* for name, connect and TLS together; 0: 20 s */
};
/* Starts connecting; on_connected (once, never before this returns) says rc: BX_OK, or a failure
 * after which on_closed is not called and c is gone. Closing before that cancels without any
 * callback. */
int net_tcp_connect(struct net_loop *loop, const struct net_tcp_connect_opts *opts,
                    const struct net_tcp_handler *handler,
                    void (*on_connected)(struct net_tcp *c, int rc, void *arg), void *arg,
                    struct net_tcp **out);

/* Hands the connection to another owner (HTTP to WebSocket). Allowed inside a callback. */
void net_tcp_set_handler(struct net_tcp *c, const struct net_tcp_handler *handler, void *arg);
void *net_tcp_arg(const struct net_tcp *c);
struct net_loop *net_tcp_loop(const struct net_tcp *c);
bool net_tcp_is_tls(const struct net_tcp *c);

/* Stops or resumes reading (back-pressure). */
void net_tcp_pause(struct net_tcp *c);
void net_tcp_resume(struct net_tcp *c);

/* --- output: queued until the end of the turn. After close they do nothing. --- */

/* Copies. */
void net_tcp_write(struct net_tcp *c, const void *ptr, size_t len);

/* Room for max_len bytes to build a message in place (at most NET_TCP_RESERVE_MAX); net_tcp_commit
 * says how many were written. Nothing else may be written to any connection in between. */
enum { NET_TCP_RESERVE_MAX = 32 << 10 };
uint8_t *net_tcp_reserve(struct net_tcp *c, size_t max_len);
void net_tcp_commit(struct net_tcp *c, size_t len);

/* Queues a part of shared bytes by reference (adds its own reference). */
void net_tcp_write_shared(struct net_tcp *c, struct bx_shared *s, size_t offset, size_t len);

/* Sends bytes of a file from the page cache, without a copy in this process (sendfile), after what is
 * queued. *out_sent is less than len when the socket took no more (on_drain follows) or when the file
 * ended. BX_E_UNSUPPORTED: TLS, or a file that cannot be sent this way; nothing was sent. Other failures:
 * the connection is broken. Call it at most once per turn and connection with a bounded len: it may read
 * from the disk. */
int net_tcp_send_file(struct net_tcp *c, int fd, uint64_t offset, size_t len, size_t *out_sent);

/* Bytes queued and not yet accepted by the kernel. */
size_t net_tcp_queued(const struct net_tcp *c);

/* The same and what the kernel holds that the peer has not acknowledged: shrinks while a slow peer
 * reads, even when the kernel accepts nothing. Asks the kernel. */
size_t net_tcp_unacked(const struct net_tcp *c);

/* Nothing is blocked: the last flush went out whole and nothing waits for the peer. (volatile
 * messages ask this) */
bool net_tcp_is_writable(const struct net_tcp *c);

/* Sends what is queued now instead of at the end of the turn. */
void net_tcp_flush(struct net_tcp *c);

/* Sends everything that is queued (and, with TLS, close_notify behind it), then closes both ways;
 * on_closed(BX_OK) follows in a later turn. A peer that takes less than 16 KiB of the rest in 5 s is
 * cut. Reading stops at once. */
void net_tcp_close(struct net_tcp *c);

/* Closes now, drops what is queued; rc is passed to on_closed, which follows before the end of this
 * turn. */
void net_tcp_abort(struct net_tcp *c, int rc);

/* Printable peer address without port, "127.0.0.1" or "::1"; *out_port may be NULL. Asks the
 * kernel; BX_E_CLOSED when the peer is gone already. */
enum { NET_ADDR_SIZE = 46 };
int net_tcp_peer(const struct net_tcp *c, char out[NET_ADDR_SIZE], uint16_t *out_port);

/* --- fan-out: the same bytes to many connections, the cheapest way this machine has (send(2), or
 * io_uring batches when the loop was told to use it). Between begin and end nothing else may be
 * written. --- */

/* Adds its own reference to s until end. */
void net_fanout_begin(struct net_loop *loop, struct bx_shared *s);
/* Sends at once when nothing is queued on c; otherwise queues by reference. */
void net_fanout_add(struct net_loop *loop, struct net_tcp *c);
void net_fanout_end(struct net_loop *loop);

/* Uses io_uring for fan-outs from now on. BX_E_UNSUPPORTED when not built in or the kernel refuses;
 * send(2) stays. */
int net_loop_use_uring(struct net_loop *loop);

#endif
