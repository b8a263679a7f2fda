/* Timers on a hierarchical wheel: start, restart and stop are O(1); a timer costs 48 bytes inside
 * its owner. Resolution is one millisecond and a timer never fires early. Long waits that need no
 * precision take a slack: they are rounded up to a multiple of it, so that thousands of idle
 * heartbeats share one wake-up.
 */
#ifndef NET_TIMER_H
#define NET_TIMER_H

#include "net/loop.h"

struct net_timer {
    struct bx_list node;
    struct net_loop *loop; /* of the last start */
    uint64_t due_ms : 63;
    uint64_t is_high : 1; /* stands above level 0 of the wheel */
    void (*fn)(void *arg);
    void *arg;
};

void net_timer_init(struct net_timer *t, void (*fn)(void *arg), void *arg);

/* (Re)starts. delay 0 fires in the next turn. The callback may restart or free the timer's owner.
 */
void net_timer_start(struct net_loop *loop, struct net_timer *t, uint64_t delay_ms);
void net_timer_start_slack(struct net_loop *loop, struct net_timer *t, uint64_t delay_ms,
                           uint64_t slack_ms);

/* Safe on a stopped timer; required before its memory goes away. */
void net_timer_stop(struct net_timer *t);

static inline bool net_timer_is_active(const struct net_timer *t)
{
    return !bx_list_is_empty(&t->node);
}

#endif
