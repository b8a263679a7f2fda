/* Fair turns: a key with waiting jobs stands in a ring; starting a job takes the key at the front
 * and puts it back behind the others. So a group that floods one number with files costs the other
 * numbers one job's time, not the whole queue's. */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "media/media.h"
#include "net/process.h"
#include "net/timer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PROGRAM_FDS = 6 };

struct md_key {
    struct bx_list node; /* in runner.ring */
    uint64_t key;
    struct bx_list tasks; /* waiting, oldest first; never empty while in the ring */
    unsigned count;
};

struct md_task {
    struct bx_list node; /* of its key, or runner.running */
    struct md_runner *runner;
    struct md_key *waits_in; /* NULL: running */
    struct net_process *process;
    struct md_job job;
    md_done_fn *on_done;
    void *arg;
};

struct md_runner {
    struct net_loop *loop;
    struct md_runner_opts opts;
    char *program, *tools_arg;
    struct bx_list ring, running;
    struct net_timer start; /* what was asked for in this turn starts in the next */
    struct md_runner_stats stats;
    bool is_closed;
};

/* --- the queue --- */

static struct md_key *key_of(struct md_runner *r, uint64_t key)
{
    BX_LIST_EACH(&r->ring, node)
    {
        struct md_key *k = BX_CONTAINER_OF(node, struct md_key, node);
        if (k->key == key)
            return k;
    }
    return NULL;
}

static struct md_key *key_add(struct md_runner *r, uint64_t key)
{
    struct md_key *k = BX_NEW(struct md_key);
    k->key = key;
    bx_list_init(&k->tasks);
    bx_list_push_back(&r->ring, &k->node);
    return k;
}

static void dequeue(struct md_task *t)
{
    struct md_key *k = t->waits_in;
    bx_list_remove(&t->node);
    t->waits_in = NULL;
    t->runner->stats.queued--;
    if (--k->count == 0) {
        bx_list_remove(&k->node);
        free(k);
    }
}

static struct md_task *next_task(struct md_runner *r)
{
    if (bx_list_is_empty(&r->ring))
        return NULL;
    struct md_key *k = BX_CONTAINER_OF(r->ring.next, struct md_key, node);
    bx_list_remove(&k->node);
    bx_list_push_back(&r->ring, &k->node);
    struct md_task *t = BX_CONTAINER_OF(k->tasks.next, struct md_task, node);
    dequeue(t);
    return t;
}

/* --- one job --- */

static void finish(struct md_task *t, struct md_result *result)
{
    struct md_runner *r = t->runner;
    bx_list_remove(&t->node);
    bool is_failure = result->rc == BX_E_CORRUPT || result->rc == BX_E_TIMEOUT ||
                      result->rc == BX_E_NOT_FOUND || result->rc == BX_E_DENIED;
    r->stats.done++;
    r->stats.failed += is_failure;
    if (result->rc < 0)
        bx_debug("media", "job failed", "key=%llu rc=%s note=%d", (unsigned long long)t->job.key,
                 bx_err_name(result->rc), result->note);
    t->on_done(result, t->arg);
    free(t);
}

/* Walls that were there and are missing, or the other way round: said once, not per file. */
static void note_layers(struct md_runner *r, uint32_t layers)
{
    if (layers == 0 || layers == r->stats.layers)
        return;
    r->stats.layers = layers;
    if (layers != MD_LAYER_ALL)
        bx_log(BX_LOG_WARN, "media",
               "decoders run with fewer walls: this kernel or container lacks some",
               "seccomp=%d landlock=%d namespaces=%d", !!(layers & MD_LAYER_SECCOMP),
               !!(layers & MD_LAYER_LANDLOCK), !!(layers & MD_LAYER_NAMESPACES));
}

static struct md_result result_of(const struct net_process_end *end)
{
    struct md_result result = {.rc = BX_E_CORRUPT, .note = MD_NOTE_CRASHED};
    if (end->rc == BX_E_TIMEOUT) {
        result.rc = BX_E_TIMEOUT;
        result.note = MD_NOTE_TIMED_OUT;
    } else if (end->rc == BX_OK && end->exit_code == 0) {
        md_result_read(end->output, &result);
    }
    return result;
}

static void start_waiting(struct md_runner *r);

static void on_end(const struct net_process_end *end, void *arg)
{
    struct md_task *t = arg;
    struct md_runner *r = t->runner;
    struct md_result result = result_of(end);
    r->stats.running--;
    note_layers(r, result.layers);
    net_timer_start(r->loop, &r->start, 0);
    finish(t, &result);
}

static struct md_request request_of(const struct md_job *job)
{
    return (struct md_request){
        .op = job->op,
        .kind = job->kind,
        .thumb_px = job->has_no_thumb ? 0 : MD_THUMB_PX,
        .preview_px = job->has_no_thumb ? 0 : MD_PREVIEW_PX,
        .max_px = MD_PICTURE_PX,
        .max_bytes = MD_PICTURE_BYTES,
        .max_out = job->max_out ? job->max_out : 64 << 20,
    };
}

static int launch(struct md_task *t)
{
    struct md_runner *r = t->runner;
    struct bx_buf message;
    struct md_request request = request_of(&t->job);
    const char *argv[] = {"wabox-media", r->tools_arg, NULL};
    const int fds[PROGRAM_FDS] = {NET_PROCESS_NULL,
                                  NET_PROCESS_NULL,
                                  2,
                                  NET_PROCESS_CHANNEL,
                                  t->job.in_fd,
                                  t->job.out_fd >= 0 ? t->job.out_fd : NET_PROCESS_NULL};
    bx_buf_init(&message, MD_REQUEST_MAX);
    int rc = md_request_write(&message, &request);
    struct net_process_opts opts = {
        .program = r->program,
        .argv = argv,
        .fds = fds,
        .fd_count = PROGRAM_FDS,
        .input = bx_buf_view(&message),
        .max_output = MD_RESULT_MAX,
        .timeout_ms = t->job.op == MD_PREPARE ? r->opts.prepare_timeout_ms : r->opts.timeout_ms,
    };
    if (rc >= 0)
        rc = net_process_start(r->loop, &opts, on_end, t, &t->process);
    bx_buf_done(&message);
    return rc;
}

static void start_waiting(struct md_runner *r)
{
    struct md_task *t;
    while (!r->is_closed && r->stats.running < r->opts.max_running && (t = next_task(r))) {
        bx_list_push_back(&r->running, &t->node);
        int rc = launch(t);
        if (rc >= 0) {
            r->stats.running++;
            continue;
        }
        struct md_result result = {.rc = rc};
        finish(t, &result);
    }
}

static void on_start(void *arg)
{
    start_waiting(arg);
}

/* --- the runner --- */

/* wabox-media stands beside the program that asks. */
static char *default_program(void)
{
    char path[PATH_MAX];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    if (n <= 0)
        return bx_strndup("wabox-media", 11);
    path[n] = 0;
    struct bx_str folder = bx_str_n(path, (size_t)n);
    while (folder.len && folder.ptr[folder.len - 1] != '/')
        folder.len--;
    struct bx_buf b;
    bx_buf_init(&b, 0);
    bx_buf_printf(&b, BX_STR_FMT "wabox-media", BX_STR_ARG(folder));
    bx_buf_byte(&b, 0);
    size_t len;
    return (char *)bx_buf_take(&b, &len);
}

static char *tools_arg(const char *paths)
{
    struct bx_buf b;
    size_t len;
    bx_buf_init(&b, 0);
    bx_buf_printf(&b, "--tools=%s", paths ? paths : "/usr/local/bin:/usr/bin:/bin");
    bx_buf_byte(&b, 0);
    return (char *)bx_buf_take(&b, &len);
}

int md_runner_new(struct net_loop *loop, const struct md_runner_opts *opts, struct md_runner **out)
{
    struct md_runner *r = BX_NEW(struct md_runner);
    r->loop = loop;
    r->opts = *opts;
    r->program =
        opts->program ? bx_strndup(opts->program, strlen(opts->program)) : default_program();
    r->tools_arg = tools_arg(opts->tool_paths);
    r->opts.max_running = opts->max_running ? opts->max_running : 2;
    r->opts.max_queued = opts->max_queued ? opts->max_queued : 512;
    r->opts.max_queued_per_key = opts->max_queued_per_key ? opts->max_queued_per_key : 64;
    r->opts.timeout_ms = opts->timeout_ms ? opts->timeout_ms : 30000;
    r->opts.prepare_timeout_ms = opts->prepare_timeout_ms ? opts->prepare_timeout_ms : 180000;
    bx_list_init(&r->ring);
    bx_list_init(&r->running);
    net_timer_init(&r->start, on_start, r);
    *out = r;
    return BX_OK;
}

static void drop(struct md_task *t)
{
    struct md_result closed = {.rc = BX_E_CLOSED};
    if (t->waits_in)
        dequeue(t);
    if (t->process) {
        net_process_cancel(t->process);
        t->runner->stats.running--;
    }
    finish(t, &closed);
}

void md_runner_close(struct md_runner *r)
{
    r->is_closed = true;
    net_timer_stop(&r->start);
    while (!bx_list_is_empty(&r->running))
        drop(BX_CONTAINER_OF(r->running.next, struct md_task, node));
    while (!bx_list_is_empty(&r->ring)) {
        struct md_key *k = BX_CONTAINER_OF(r->ring.next, struct md_key, node);
        drop(BX_CONTAINER_OF(k->tasks.next, struct md_task, node));
    }
    net_timer_stop(&r->start);
    free(r->program);
    free(r->tools_arg);
    net_loop_free_later(r->loop, r);
}

int md_run(struct md_runner *r, const struct md_job *job, md_done_fn *on_done, void *arg,
           struct md_task **out_task)
{
    if (job->in_fd < 0 || (job->op == MD_PREPARE && job->out_fd < 0))
        return BX_E_INVALID;
    struct md_key *k = key_of(r, job->key);
    if (r->is_closed || r->stats.queued >= r->opts.max_queued ||
        (k && k->count >= r->opts.max_queued_per_key))
        return BX_E_FULL;
    struct md_task *t = BX_NEW(struct md_task);
    t->runner = r;
    t->job = *job;
    t->on_done = on_done;
    t->arg = arg;
    t->waits_in = k ? k : key_add(r, job->key);
    bx_list_push_back(&t->waits_in->tasks, &t->node);
    t->waits_in->count++;
    r->stats.queued++;
    net_timer_start(r->loop, &r->start, 0);
    if (out_task)
        *out_task = t;
    return BX_OK;
}

void md_task_cancel(struct md_task *t)
{
    if (t->waits_in) {
        dequeue(t);
    } else {
        if (t->process) {
            net_process_cancel(t->process);
            t->runner->stats.running--;
        }
        bx_list_remove(&t->node);
        net_timer_start(t->runner->loop, &t->runner->start, 0);
    }
    free(t);
}

struct md_runner_stats md_runner_stats(const struct md_runner *r)
{
    return r->stats;
}

int md_temp_file(const char *folder)
{
    int fd = open(folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    return fd >= 0 ? fd : bx_err_from_errno(errno);
}
