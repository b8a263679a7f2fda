/* net_pool: a few worker threads for blocking or heavy work (SQL, Signal, password hashing). A lane
 * is a serial queue: its jobs run one at a time and in order, so a ratchet or a number's rows are
 * touched by one thread at a time. Lanes are cheap (embed one per number); any worker may serve any
 * lane.
 */
#ifndef NET_POOL_H
#define NET_POOL_H

#include "net/loop.h"

struct net_pool;

/* worker is 0..threads-1: use it to pick that worker's own store connection. */
typedef void net_work_fn(void *arg, unsigned worker);
typedef void net_done_fn(void *arg);

/* threads 0 means 2. BX_E_FULL: there are no more threads. */
int net_pool_new(struct net_loop *loop, unsigned threads, struct net_pool **out);

/* Waits for every queued job, joins the threads. Completions that were posted run when the
 * loop runs again, or in net_loop_run_posted. */
void net_pool_free(struct net_pool *pool);

/* Waits until no job is queued or running. Their completions are posted then. Loop thread. */
void net_pool_wait(struct net_pool *pool);

unsigned net_pool_threads(const struct net_pool *pool);

struct net_lane {
    struct net_pool *pool;
    struct bx_list jobs;
    struct bx_list node; /* in the pool's ready list */
    size_t queued;
    size_t max_queued; /* 0: no limit */
    bool is_running;
};

/* max_queued: submissions beyond it are refused with BX_E_FULL. */
void net_lane_init(struct net_lane *lane, struct net_pool *pool, size_t max_queued);

/* Queues work(arg, worker) on the lane; afterwards done(arg) (may be NULL) runs on the loop thread.
 * Any thread. The lane must outlive its jobs. BX_E_FULL: nothing was queued. */
int net_lane_submit(struct net_lane *lane, net_work_fn *work, net_done_fn *done, void *arg);

/* Jobs queued or running. */
size_t net_lane_depth(struct net_lane *lane);

#endif
