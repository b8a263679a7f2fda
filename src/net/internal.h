/* Shared by the files of net's core only. */
#ifndef NET_INTERNAL_H
#define NET_INTERNAL_H

#include "base/map.h"
#include "net/loop.h"
#include "net/tcp.h"
#include "net/timer.h"

#include <pthread.h>
#include <uv.h>

struct net_call {
    void (*fn)(void *arg);
    void *arg;
};

struct net_calls {
    struct net_call *items;
    size_t count, cap;
};

void net_calls_push(struct net_calls *calls, void (*fn)(void *arg), void *arg);

/* --- timer wheel: 1 ms slots, then ever coarser levels that cascade down --- */
enum { WHEEL_L0_BITS = 8, WHEEL_BITS = 6, WHEEL_LEVELS = 4 };

struct net_wheel {
    uint64_t now;        /* the last millisecond that was processed */
    uint64_t wake_at;    /* when the uv timer fires; UINT64_MAX: not started */
    size_t active, high; /* timers in all, timers above level 0 */
    uint64_t used0[(1 << WHEEL_L0_BITS) / 64];
    struct bx_list level0[1 << WHEEL_L0_BITS];
    struct bx_list levels[WHEEL_LEVELS][1 << WHEEL_BITS];
};

void net_wheel_init(struct net_loop *loop);

/* --- output queue: references to shared bytes, in segments of a per-loop free list --- */
struct net_out_ref {
    struct bx_shared *bytes;
    uint32_t offset;
    uint32_t len : 31;
    uint32_t is_own : 1; /* nobody else holds these bytes: they count as memory of the connection */
};

enum { NET_OUT_REFS = 15 };

struct net_out_segment {
    struct net_out_segment *next;
    uint32_t head, tail; /* refs[head..tail) are queued */
    struct net_out_ref refs[NET_OUT_REFS];
};

enum {
    NET_RX_BYTES = 256 << 10,
    NET_SLAB_BYTES = 64 << 10,
    NET_FLUSH_EARLY_BYTES =
        256 << 10, /* what one turn may pile up before it is sent ahead of its end */
};

struct net_uring;

struct net_loop {
    uv_loop_t uv;
    uv_check_t after_poll;
    uv_prepare_t before_poll;
    uv_async_t wakeup;
    uv_timer_t wheel_timer;
    struct net_wheel wheel;
    struct bx_list flush_hooks, holds;
    uv_idle_t awake;        /* runs while there are holds, so that polling does not sleep */
    struct bx_list dirty;   /* net_tcp with output of this turn */
    struct bx_list blocked; /* net_tcp whose peer does not take its output */
    size_t own_bytes, max_own_bytes; /* of all output queues; 0: no limit */
    struct net_calls later;
    struct bx_list signals;

    pthread_mutex_t inbox_lock;
    struct net_calls inbox; /* under inbox_lock */

    uint8_t *rx, *tls_rx; /* NET_RX_BYTES each; tls_rx on first use */
    struct bx_shared *slab;
    size_t slab_len;
    struct net_out_segment *free_segments;
    struct bx_shared *fanout;
    struct net_uring *uring; /* NULL: send(2) */
};

/* Ends the turn: hooks, flush, deferred frees. */
void net_loop_end_turn(struct net_loop *loop);

enum { NET_TCP_MAGIC = 0x7c9a11e5 };

struct net_tls_conn;
struct net_tcp_connecting;

struct net_tcp {
    uint32_t magic;
    int fd;
    struct net_loop *loop;
    const struct net_tcp_handler *handler;
    void *arg;
    struct bx_list dirty; /* in loop->dirty, or in loop->blocked while it is blocked */
    struct net_out_segment *out_first, *out_last;
    size_t queued;    /* bytes in out_* */
    size_t own_bytes; /* of them, those that this connection alone holds */
    struct net_tls_conn *tls;
    struct net_tcp_ending *ending;         /* closing state, allocated when closing starts */
    struct net_tcp_connecting *connecting; /* client role until it is connected */
    int closed_rc;
    bool is_paused : 1;
    bool is_blocked : 1;      /* the kernel took less than we had */
    bool is_closing : 1;      /* net_tcp_close was called */
    bool is_dead : 1;         /* fd closed, on_closed called or due */
    bool is_tls_auto : 1;     /* the first byte decides */
    bool has_eof : 1;         /* the peer's FIN was seen */
    bool is_in_uring : 1;     /* its descriptor is registered */
    bool is_open : 1;         /* connected and, with TLS, shaken hands (client) */
    bool is_poll_closing : 1; /* between two addresses: libuv still holds the first one's handle */
    uv_poll_t poll;
};

/* tcp.c */
void net_tcp_rearm(struct net_tcp *c);
void net_tcp_mark_dirty(struct net_tcp *c);
void net_tcp_mark_blocked(struct net_tcp *c);
struct net_tcp *net_tcp_create(struct net_loop *loop, int fd, const struct net_tcp_handler *handler,
                               void *arg);
void net_tcp_end(struct net_tcp *c, int rc);
/* A tcp that never had a descriptor: freed at the end of the turn without callbacks. */
void net_tcp_discard(struct net_tcp *c);
int net_tcp_start(struct net_tcp *c);

/* tcp_connect.c: progress of a connection attempt when the socket is writable, or when TLS is
 * through. */
void net_connect_on_writable(struct net_tcp *c);
void net_connect_finished(struct net_tcp *c, int rc);
void net_connect_cancel(struct net_tcp *c);

/* tcp_out.c */
void net_out_free(struct net_tcp *c);
void net_out_append(struct net_tcp *c, struct bx_shared *bytes, size_t offset, size_t len);
/* Cuts the connections that hold most until the queues of all are below the limit. */
void net_out_shed(struct net_loop *loop);
/* Sends what is queued. BX_OK (maybe blocked now), or a failure: the connection is broken. */
int net_out_flush(struct net_tcp *c);
void net_slab_recycle(struct net_loop *loop);

/* tls.c */
bool net_tls_is_auto(const struct net_tls_ctx *ctx);
/* A view of ctx for a port that speaks both; takes a reference of ctx. */
struct net_tls_ctx *net_tls_auto_new(struct net_tls_ctx *ctx);
int net_tls_conn_new(struct net_tls_ctx *ctx, bool is_server, const char *server_name,
                     struct net_tls_conn **out);
void net_tls_conn_free(struct net_tls_conn *t);
/* Feeds bytes from the peer. */
int net_tls_feed(struct net_tls_conn *t, const uint8_t *data, size_t len);
/* Decrypted bytes > 0; 0: nothing now; BX_E_CLOSED: the peer said close_notify; other failures:
 * broken. Drives the handshake. */
ssize_t net_tls_read(struct net_tls_conn *t, uint8_t *out, size_t size);
int net_tls_seal(struct net_tls_conn *t, const uint8_t *data, size_t len);
bool net_tls_is_ready(const struct net_tls_conn *t);
/* Sealed bytes that wait for the socket. */
struct bx_str net_tls_pending(struct net_tls_conn *t);
void net_tls_consume(struct net_tls_conn *t, size_t len);
void net_tls_close_notify(struct net_tls_conn *t);

/* uring_linux.c, or uring_none.c where it is not built in */
int net_uring_new(struct net_uring **out);
void net_uring_free(struct net_uring *u);
void net_uring_send(struct net_loop *loop, struct net_tcp *c);
void net_uring_submit(struct net_loop *loop);
void net_uring_forget(struct net_uring *u, struct net_tcp *c);
/* Called back for a send that did not go out whole. */
void net_fanout_rest(struct net_loop *loop, struct net_tcp *c, ssize_t sent, int error);

#endif
