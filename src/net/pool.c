#include "net/pool.h"

#include "base/err.h"
#include "base/mem.h"
#include "net/internal.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

struct job {
    struct bx_list node;
    net_work_fn *work;
    net_done_fn *done;
    void *arg;
};

struct worker {
    struct net_pool *pool;
    pthread_t thread;
    unsigned number;
};

struct net_pool {
    struct net_loop *loop;
    pthread_mutex_t lock;
    pthread_cond_t has_work, is_idle;
    struct bx_list ready; /* lanes with jobs and without a worker */
    size_t outstanding;
    bool is_stopping;
    unsigned count;
    struct worker workers[];
};

/* Under the lock. A lane stands in `ready` exactly while it has jobs and nobody runs one. */
static void lane_offer(struct net_lane *lane)
{
    if (!lane->is_running && !bx_list_is_empty(&lane->jobs) && bx_list_is_empty(&lane->node)) {
        bx_list_push_back(&lane->pool->ready, &lane->node);
        pthread_cond_signal(&lane->pool->has_work);
    }
}

static void run_next(struct worker *w, struct net_lane *lane)
{
    struct net_pool *pool = w->pool;
    struct job *job = BX_CONTAINER_OF(bx_list_pop_front(&lane->jobs), struct job, node);
    lane->is_running = true;
    pthread_mutex_unlock(&pool->lock);

    job->work(job->arg, w->number);

    pthread_mutex_lock(&pool->lock);
    lane->is_running = false;
    lane->queued--;
    lane_offer(lane);
    /* From here on the lane may be gone: its owner can free it in done. */
    if (job->done)
        net_inbox_post(pool->loop, job->done, job->arg);
    free(job);
    if (--pool->outstanding == 0)
        pthread_cond_broadcast(&pool->is_idle);
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct net_pool *pool = w->pool;
    char name[16];
    snprintf(name, sizeof name, "lane-%u", w->number);
    pthread_setname_np(pthread_self(), name);
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        struct bx_list *node = bx_list_pop_front(&pool->ready);
        if (node)
            run_next(w, BX_CONTAINER_OF(node, struct net_lane, node));
        else if (pool->is_stopping)
            break;
        else
            pthread_cond_wait(&pool->has_work, &pool->lock);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

int net_pool_new(struct net_loop *loop, unsigned threads, struct net_pool **out)
{
    unsigned count = threads ? threads : 2;
    struct net_pool *pool = bx_calloc(1, sizeof *pool + count * sizeof pool->workers[0]);
    pool->loop = loop;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->has_work, NULL);
    pthread_cond_init(&pool->is_idle, NULL);
    bx_list_init(&pool->ready);
    uv_ref((uv_handle_t *)&loop->wakeup); /* completions may come: the loop stays */
    for (; pool->count < count; pool->count++) {
        struct worker *w = &pool->workers[pool->count];
        w->pool = pool;
        w->number = pool->count;
        if (pthread_create(&w->thread, NULL, worker_main, w) != 0) {
            net_pool_free(pool);
            return BX_E_FULL;
        }
    }
    *out = pool;
    return BX_OK;
}

/* Under the lock. */
static void wait_idle(struct net_pool *pool)
{
    while (pool->outstanding)
        pthread_cond_wait(&pool->is_idle, &pool->lock);
}

void net_pool_wait(struct net_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    wait_idle(pool);
    pthread_mutex_unlock(&pool->lock);
}

void net_pool_free(struct net_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    wait_idle(pool);
    pool->is_stopping = true;
    pthread_cond_broadcast(&pool->has_work);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->count; i++)
        pthread_join(pool->workers[i].thread, NULL);
    uv_unref((uv_handle_t *)&pool->loop->wakeup);
    pthread_cond_destroy(&pool->has_work);
    pthread_cond_destroy(&pool->is_idle);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
}

unsigned net_pool_threads(const struct net_pool *pool)
{
    return pool->count;
}

void net_lane_init(struct net_lane *lane, struct net_pool *pool, size_t max_queued)
{
    *lane = (struct net_lane){.pool = pool, .max_queued = max_queued};
    bx_list_init(&lane->jobs);
    bx_list_init(&lane->node);
}

int net_lane_submit(struct net_lane *lane, net_work_fn *work, net_done_fn *done, void *arg)
{
    struct net_pool *pool = lane->pool;
    struct job *job = BX_NEW(struct job);
    *job = (struct job){.work = work, .done = done, .arg = arg};
    pthread_mutex_lock(&pool->lock);
    bool is_full = lane->max_queued && lane->queued >= lane->max_queued;
    if (!is_full) {
        bx_list_push_back(&lane->jobs, &job->node);
        lane->queued++;
        pool->outstanding++;
        lane_offer(lane);
    }
    pthread_mutex_unlock(&pool->lock);
    if (is_full)
        free(job);
    return is_full ? BX_E_FULL : BX_OK;
}

size_t net_lane_depth(struct net_lane *lane)
{
    pthread_mutex_lock(&lane->pool->lock);
    size_t depth = lane->queued;
    pthread_mutex_unlock(&lane->pool->lock);
    return depth;
}
