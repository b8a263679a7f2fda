/* The writer: a thread, a bounded queue, a transaction that many jobs share. While one commit waits
 * for the disk the next jobs gather; the group that forms is the batching, no timer needed. Which
 * job is next, turns.h says.
 */
#include "store/sqlite/db.h"

#include "base/clock.h"
#include "base/mem.h"
#include "store/turns.h"

#include <stdlib.h>
#include <time.h>

struct st_writer {
    unsigned magic;
    struct st_writer_options options;
    struct st_tx tx;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t has_work, is_drained;
    /* under lock */
    struct st_turns turns; /* accepted jobs */
    bool is_busy;          /* a group was taken and is not finished */
    bool is_stopping;
    uint64_t drops_at_ms; /* from then on droppable jobs are refused, run or not; 0: never */
    /* of the thread */
    struct st_turn_job **group;
    bool has_light;  /* somebody in the group waits for this one job only */
    uint64_t job_ns; /* what the last job took */
    _Atomic int health;
};

enum {
    WRITER_MAGIC = 0x53745772,
    BACKLOG_FACTOR = 10,
    STOP_DROPS_AFTER_MS = 1000,
    DEEP = 16,            /* jobs waiting for each owner, on the average */
    OWNER_SHARE = 4,      /* an owner may fill one part in so many of the queue */
    ROOM_OF_OWNERLESS = 4 /* one part in so many is for jobs without an owner */
};
#define REST_AFTER_NS UINT64_C(10000000000)

enum { M_JOBS, M_FAILED, M_COMMITS, M_COMMIT_FAILURES, M_QUEUE, M_REFUSED };
struct bx_metric st_metrics[] = {
    [M_JOBS] = {.name = "st_jobs_total", .help = "Write jobs run", .kind = BX_COUNTER},
    [M_FAILED] = {.name = "st_jobs_failed_total",
                  .help = "Write jobs that failed by themselves",
                  .kind = BX_COUNTER},
    [M_COMMITS] = {.name = "st_commits_total", .help = "Group commits", .kind = BX_COUNTER},
    [M_COMMIT_FAILURES] = {.name = "st_commit_failures_total",
                           .help = "Transactions lost as a whole",
                           .kind = BX_COUNTER},
    [M_QUEUE] = {.name = "st_queue_jobs", .help = "Write jobs waiting", .kind = BX_GAUGE},
    [M_REFUSED] = {.name = "st_jobs_refused_total",
                   .help = "Write jobs refused because the queue was full",
                   .kind = BX_COUNTER},
};
const size_t st_metric_count = BX_LEN(st_metrics);
struct bx_histogram st_job_seconds = {.name = "st_job_seconds",
                                      .help = "Time of a write job in its transaction."};
struct bx_histogram st_wait_seconds = {.name = "st_queue_wait_seconds",
                                       .help = "Time a write job waited for its turn."};

/* Under lock. A light job: its owner waits for nothing else, while others wait for much. */
static bool take(struct st_writer *w, struct st_turn_job **out)
{
    st_turns_charge(&w->turns, w->job_ns);
    struct st_turn_job *job = st_turns_take(&w->turns);
    if (!job)
        return false;
    *out = job;
    size_t waiting = st_turns_waiting(&w->turns), owners = st_turns_owners(&w->turns);
    if (!w->turns.running->parent->waiting && waiting >= DEEP * owners)
        w->has_light = true;
    bx_metric_set(&st_metrics[M_QUEUE], (int64_t)waiting);
    return true;
}

/* Under lock. */
static bool is_idle(const struct st_writer *w)
{
    return st_turns_waiting(&w->turns) == 0 && !w->is_stopping;
}

/* False: it is that time and nobody called. */
static bool wait_until(struct st_writer *w, uint64_t ns_from_now)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    uint64_t ns = (uint64_t)at.tv_nsec + ns_from_now;
    at.tv_sec += (time_t)(ns / 1000000000u);
    at.tv_nsec = (long)(ns % 1000000000u);
    return pthread_cond_timedwait(&w->has_work, &w->lock, &at) == 0;
}

/* Under lock. After a while without work the pages that a rush has left in memory go. */
static void wait_for_work(struct st_writer *w)
{
    if (wait_until(w, REST_AFTER_NS) || !is_idle(w))
        return;
    pthread_mutex_unlock(&w->lock);
    st_tx_rest(&w->tx);
    pthread_mutex_lock(&w->lock);
    while (is_idle(w))
        pthread_cond_wait(&w->has_work, &w->lock);
}

/* The first job of a group: waits for one. False: stopped and nothing left. */
static bool take_first(struct st_writer *w, struct st_turn_job **out)
{
    pthread_mutex_lock(&w->lock);
    st_turns_charge(&w->turns, w->job_ns);
    w->has_light = false;
    w->is_busy = false;
    if (st_turns_waiting(&w->turns) == 0)
        pthread_cond_broadcast(&w->is_drained);
    while (is_idle(w))
        wait_for_work(w);
    bool has = w->is_busy = take(w, out);
    pthread_mutex_unlock(&w->lock);
    return has;
}
static bool take_more(struct st_writer *w, struct st_turn_job **out)
{
    pthread_mutex_lock(&w->lock);
    if (is_idle(w) && w->options.linger_us)
        wait_until(w, w->options.linger_us * (uint64_t)1000);
    bool has = take(w, out);
    pthread_mutex_unlock(&w->lock);
    return has;
}

size_t st_writer_waiting(struct st_writer *w)
{
    pthread_mutex_lock(&w->lock);
    size_t count = st_turns_waiting(&w->turns);
    pthread_mutex_unlock(&w->lock);
    return count;
}

/* How long a group may grow. When more jobs wait than it has, the next ones are late already and
 * what helps them is throughput: a page that many jobs change is written once per commit. Not when
 * the backlog is that of some and another's only job is in the group. */
static bool is_full(struct st_writer *w, size_t group, uint64_t begun_ms)
{
    if (group == w->options.max_jobs)
        return true;
    uint64_t age_ms = bx_mono_ms() - begun_ms;
    if (age_ms < w->options.max_latency_ms)
        return false;
    return w->has_light || age_ms >= BACKLOG_FACTOR * (uint64_t)w->options.max_latency_ms ||
           st_writer_waiting(w) <= group;
}

/* A stop does not wait for what comes again by itself. */
static bool is_dropped(const struct st_writer *w, const struct st_turn_job *job)
{
    uint64_t at = __atomic_load_n(&w->drops_at_ms, __ATOMIC_RELAXED);
    return job->is_droppable && at && bx_mono_ms() >= at;
}

static int job_run(struct st_writer *w, struct st_turn_job *job, bool *out_is_lost)
{
    *out_is_lost = false;
    w->job_ns = 0;
    if (is_dropped(w, job))
        return BX_E_CLOSED;
    bx_metric_add(&st_metrics[M_JOBS], 1);
    uint64_t begun_ns = bx_mono_ns();
    int rc = st_tx_job(&w->tx, job->run, job->arg, out_is_lost);
    w->job_ns = bx_mono_ns() - begun_ns;
    bx_histogram_observe(&st_wait_seconds, (begun_ns - job->queued_ns) / 1000);
    bx_histogram_observe(&st_job_seconds, w->job_ns / 1000);
    if (w->options.slow_ms && w->job_ns / 1000000 >= w->options.slow_ms)
        w->options.on_slow(w->job_ns / 1000000, w->options.arg);
    return rc;
}

/* Runs jobs into the open transaction until the group is full, late or alone. *out_lost_rc is the
 * reason when the database dropped the transaction. */
static size_t group_run(struct st_writer *w, int *out_lost_rc)
{
    uint64_t begun_ms = bx_mono_ms();
    size_t n = 1; /* the first is there already */
    for (;;) {
        struct st_turn_job *job = w->group[n - 1];
        bool is_lost;
        job->rc = job_run(w, job, &is_lost);
        if (is_lost) {
            *out_lost_rc = job->rc;
            return n;
        }
        if (job->rc < 0)
            bx_metric_add(&st_metrics[M_FAILED], 1);
        if (is_full(w, n, begun_ms) || !take_more(w, &w->group[n]))
            return n;
        n++;
    }
}

static void group_finish(struct st_writer *w, size_t count, int rc)
{
    w->health = rc;
    bx_metric_add(&st_metrics[rc < 0 ? M_COMMIT_FAILURES : M_COMMITS], 1);
    for (size_t i = 0; i < count; i++) {
        struct st_turn_job *job = w->group[i];
        /* A job that failed by itself keeps its own reason. */
        if (job->on_done)
            job->on_done(rc < 0 && job->rc >= 0 ? rc : job->rc, job->arg);
        free(job);
    }
}

static void group_do(struct st_writer *w)
{
    w->group[0]->rc = 0;
    int rc = st_tx_begin(&w->tx);
    if (rc < 0) {
        group_finish(w, 1, rc);
        return;
    }
    int lost_rc = 0;
    size_t count = group_run(w, &lost_rc);
    if (lost_rc < 0) {
        st_tx_rollback(&w->tx);
        rc = lost_rc;
    } else {
        rc = st_tx_commit(&w->tx);
    }
    group_finish(w, count, rc);
    if (rc >= 0)
        st_tx_checkpoint(&w->tx);
}

static void *writer_main(void *arg)
{
    struct st_writer *w = arg;
    pthread_setname_np(pthread_self(), "store-writer");
    while (take_first(w, &w->group[0]))
        group_do(w);
    return NULL;
}

static unsigned or_default(unsigned value, unsigned fallback)
{
    return value ? value : fallback;
}

static void writer_free(struct st_writer *w)
{
    st_tx_close(&w->tx);
    pthread_cond_destroy(&w->has_work);
    pthread_cond_destroy(&w->is_drained);
    pthread_mutex_destroy(&w->lock);
    w->magic = 0;
    st_turns_done(&w->turns);
    free(w->group);
    free(w);
}

int st_writer_start(struct st_store *store, const struct st_writer_options *options,
                    struct st_writer **out)
{
    struct st_writer_options o = options ? *options : (struct st_writer_options){0};
    o.max_jobs = or_default(o.max_jobs, 4096);
    o.max_latency_ms = or_default(o.max_latency_ms, 20);
    o.max_queue = or_default(o.max_queue, 65536);
    struct st_tx tx;
    int rc = st_tx_open(store, &tx);
    if (rc != BX_OK)
        return rc;
    struct st_writer *w = BX_NEW(struct st_writer);
    *w = (struct st_writer){.magic = WRITER_MAGIC, .options = o, .tx = tx};
    st_turns_init(&w->turns);
    w->group = bx_calloc(o.max_jobs, sizeof(struct st_turn_job *));
    pthread_mutex_init(&w->lock, NULL);
    pthread_cond_init(&w->is_drained, NULL);
    pthread_condattr_t monotonic;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&w->has_work, &monotonic);
    pthread_condattr_destroy(&monotonic);
    if (pthread_create(&w->thread, NULL, writer_main, w) != 0) {
        writer_free(w);
        return BX_E_NOMEM;
    }
    *out = w;
    return BX_OK;
}

/* Under lock. Nobody fills the queue for the others. */
static bool has_room(const struct st_writer *w, uint64_t owner)
{
    size_t max = w->options.max_queue, waiting = st_turns_waiting(&w->turns);
    if (!owner)
        return waiting < max;
    return waiting < max - max / ROOM_OF_OWNERLESS &&
           st_turns_of(&w->turns, owner) < (max + OWNER_SHARE - 1) / OWNER_SHARE;
}

int st_writer_submit_turn(struct st_writer *w, const struct st_turn *turn, st_job_fn *job,
                          void *arg, st_done_fn *on_done)
{
    BX_ASSERT(w->magic == WRITER_MAGIC);
    struct st_turn_job *entry = BX_NEW(struct st_turn_job);
    *entry = (struct st_turn_job){.run = job,
                                  .on_done = on_done,
                                  .arg = arg,
                                  .queued_ns = bx_mono_ns(),
                                  .is_droppable = turn->is_droppable};
    pthread_mutex_lock(&w->lock);
    int rc = w->is_stopping || is_dropped(w, entry) ? BX_E_CLOSED
             : has_room(w, turn->owner)             ? BX_OK
                                                    : BX_E_FULL;
    if (rc == BX_OK) {
        st_turns_put(&w->turns, turn->owner, turn->peer, entry);
        bx_metric_set(&st_metrics[M_QUEUE], (int64_t)st_turns_waiting(&w->turns));
        if (st_turns_waiting(&w->turns) == 1)
            pthread_cond_signal(&w->has_work);
    }
    pthread_mutex_unlock(&w->lock);
    if (rc == BX_E_FULL)
        bx_metric_add(&st_metrics[M_REFUSED], 1);
    if (rc < 0)
        free(entry);
    return rc;
}

int st_writer_submit(struct st_writer *w, st_job_fn *job, void *arg, st_done_fn *on_done)
{
    return st_writer_submit_turn(w, &(struct st_turn){0}, job, arg, on_done);
}

void st_writer_drop_after(struct st_writer *w, unsigned ms)
{
    __atomic_store_n(&w->drops_at_ms, bx_mono_ms() + ms, __ATOMIC_RELAXED);
}

/* ---- the waiting form ---- */

struct call {
    st_job_fn *job;
    void *arg;
    pthread_mutex_t lock;
    pthread_cond_t is_over;
    bool is_done;
    int rc;
};

static int call_run(struct st_tx *tx, void *arg)
{
    struct call *c = arg;
    return c->job(tx, c->arg);
}

static void call_done(int rc, void *arg)
{
    struct call *c = arg;
    pthread_mutex_lock(&c->lock);
    c->rc = rc;
    c->is_done = true;
    pthread_cond_signal(&c->is_over);
    pthread_mutex_unlock(&c->lock);
}

int st_writer_call(struct st_writer *w, st_job_fn *job, void *arg)
{
    BX_ASSERT(!pthread_equal(pthread_self(), w->thread));
    struct call c = {.job = job,
                     .arg = arg,
                     .lock = PTHREAD_MUTEX_INITIALIZER,
                     .is_over = PTHREAD_COND_INITIALIZER};
    int rc = st_writer_submit(w, call_run, &c, call_done);
    if (rc != BX_OK)
        return rc;
    pthread_mutex_lock(&c.lock);
    while (!c.is_done)
        pthread_cond_wait(&c.is_over, &c.lock);
    pthread_mutex_unlock(&c.lock);
    return c.rc;
}

static void drop_soon(struct st_writer *w)
{
    if (!w->drops_at_ms)
        st_writer_drop_after(w, STOP_DROPS_AFTER_MS);
}

void st_writer_drain(struct st_writer *w)
{
    BX_ASSERT(w->magic == WRITER_MAGIC && !pthread_equal(pthread_self(), w->thread));
    pthread_mutex_lock(&w->lock);
    drop_soon(w);
    while (w->is_busy || st_turns_waiting(&w->turns) > 0)
        pthread_cond_wait(&w->is_drained, &w->lock);
    pthread_mutex_unlock(&w->lock);
}

void st_writer_stop(struct st_writer *w)
{
    if (!w)
        return;
    BX_ASSERT(w->magic == WRITER_MAGIC && !pthread_equal(pthread_self(), w->thread));
    pthread_mutex_lock(&w->lock);
    w->is_stopping = true;
    drop_soon(w);
    pthread_cond_signal(&w->has_work);
    pthread_mutex_unlock(&w->lock);
    pthread_join(w->thread, NULL);
    writer_free(w);
}

int st_writer_health(const struct st_writer *w)
{
    return w->health;
}
