/* net_loop: one thread that owns sockets, timers and all connection state; no locks there.
 *
 * A turn: due timers, inbox, socket events, then the end of the turn: flush hooks (each dirty
 * connection gets one sendmsg(2) for everything written to it in this turn), then deferred frees.
 * So a callback may close or free anything, itself included, and nothing disappears under its feet
 * before the turn is over.
 */
#ifndef NET_LOOP_H
#define NET_LOOP_H

#include "base/list.h"

#include <stddef.h>
#include <stdint.h>

struct net_loop;

/* Returns a loop of your own in *out (yours to net_loop_free). BX_E_IO, BX_E_FULL (no descriptors).
 */
int net_loop_new(struct net_loop **out);

/* Only after everything that lives on the loop was closed and net_loop_run returned. */
void net_loop_free(struct net_loop *loop);

/* Runs on the calling thread until net_loop_stop, or until nothing is left that could make an
 * event. */
void net_loop_run(struct net_loop *loop);

/* Ends net_loop_run after this turn. Loop thread only; from another thread post a job that calls
 * it. */
void net_loop_stop(struct net_loop *loop);

/* Monotonic time of this turn; does not move inside it. */
uint64_t net_loop_now_ms(const struct net_loop *loop);

/* Caps the output that waits for slow peers on all connections together (shared bytes do not count):
 * beyond it the connections that hold most are cut with BX_E_FULL at the end of the turn. A last
 * resort behind the limits of each connection. 0, as at the start: no cap. */
void net_loop_limit_output(struct net_loop *loop, size_t max_bytes);

/* Posts fn(arg) to run on the loop thread. Any thread; never blocks; order per posting thread is
 * kept. The only door from other threads into the loop. */
void net_inbox_post(struct net_loop *loop, void (*fn)(void *arg), void *arg);

/* Runs what was posted so far; false: nothing was. For the end, when net_loop_run has returned and
 * what other threads posted must still release what it owns. Loop thread. */
bool net_loop_run_posted(struct net_loop *loop);

/* A hook that runs at the end of every turn in which it was armed, before the connections are
 * flushed. Embed, init once, arm as often as you like. */
struct net_flush_hook {
    struct bx_list node;
    void (*fn)(void *arg);
    void *arg;
};
void net_flush_hook_init(struct net_flush_hook *hook, void (*fn)(void *arg), void *arg);
void net_flush_hook_arm(struct net_loop *loop, struct net_flush_hook *hook);
void net_flush_hook_disarm(struct net_flush_hook *hook);

/* A hook that runs at the end of the first turn after a moment that may be less than a millisecond
 * away. Until then the loop polls without sleeping, so hold for as long as the work is worth. */
struct net_hold {
    struct bx_list node;
    uint64_t until_ns; /* of bx_mono_ns */
    void (*fn)(void *arg);
    void *arg;
};
void net_hold_init(struct net_hold *hold, void (*fn)(void *arg), void *arg);
void net_hold_start(struct net_loop *loop, struct net_hold *hold, uint64_t until_ns);
void net_hold_stop(struct net_hold *hold); /* no effect when it does not wait */
static inline bool net_hold_is_waiting(const struct net_hold *hold)
{
    return !bx_list_is_empty(&hold->node);
}

/* free(ptr) at the end of this turn. */
void net_loop_free_later(struct net_loop *loop, void *ptr);
/* fn(ptr) at the end of this turn, after the flush. */
void net_loop_call_later(struct net_loop *loop, void (*fn)(void *ptr), void *ptr);

/* SIGINT/SIGTERM/SIGHUP as callbacks on the loop; once per signal number. The loop does not stay
 * alive for them. */
int net_loop_on_signal(struct net_loop *loop, int signum, void (*fn)(int signum, void *arg),
                       void *arg);

#endif
