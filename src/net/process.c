/* The end of a process is seen on a pidfd. Where the kernel has none, waitpid is asked from time to
 * time: no SIGCHLD, which would belong to the whole program. The record lives until both the
 * process is reaped and the channel is closed. */
#include "net/process.h"

#include "base/buf.h"
#include "net/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NET_PROCESS_MAGIC = 0x5c07e551, POLL_MS = 50, FIRST_FREE = 64, READ_BYTES = 16 << 10 };

struct net_process {
    uint32_t magic;
    struct net_loop *loop;
    pid_t pid;
    int pidfd, channel; /* -1: none (any more) */
    uv_poll_t pid_poll, channel_poll;
    struct net_timer clock, reaper;
    struct bx_buf output;
    net_process_end_fn *on_end; /* NULL: cancelled */
    void *arg;
    struct net_process_end end;
    unsigned handles; /* of libuv that are not closed yet */
    bool is_reaped;
};

static void on_handle_closed(uv_handle_t *handle)
{
    struct net_process *p = handle->data;
    if (--p->handles > 0 || !p->is_reaped)
        return;
    bx_buf_done(&p->output);
    p->magic = 0;
    free(p);
}

static void close_poll(uv_poll_t *poll, int *fd)
{
    if (*fd < 0)
        return;
    uv_poll_stop(poll);
    uv_close((uv_handle_t *)poll, on_handle_closed);
    close(*fd);
    *fd = -1;
}

/* It is over when nobody can answer any more and the process is reaped. */
static void maybe_end(struct net_process *p)
{
    if (!p->is_reaped)
        return;
    if (p->end.rc == BX_E_TIMEOUT) /* somebody who left its group may still hold the channel */
        close_poll(&p->channel_poll, &p->channel);
    if (p->channel >= 0)
        return;
    net_timer_stop(&p->clock);
    net_timer_stop(&p->reaper);
    net_process_end_fn *on_end = p->on_end;
    p->on_end = NULL;
    p->end.output = p->end.rc == BX_OK ? bx_buf_view(&p->output) : BX_STR("");
    if (on_end)
        on_end(&p->end, p->arg);
    if (p->pidfd >= 0) {
        close_poll(&p->pid_poll, &p->pidfd);
    } else if (p->handles == 0) {
        bx_buf_done(&p->output);
        net_loop_free_later(p->loop, p);
    }
}

static void kill_all(const struct net_process *p)
{
    if (!p->is_reaped) { /* the group: what it has started dies, too */
        kill(-p->pid, SIGKILL);
        kill(p->pid, SIGKILL);
    }
}

static void reap(struct net_process *p)
{
    int status;
    pid_t got = waitpid(p->pid, &status, WNOHANG);
    if (got == 0 || (got < 0 && errno == EINTR))
        return;
    kill(-p->pid, SIGKILL); /* what it left behind in its group */
    p->is_reaped = true;
    p->end.exit_code = got > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    p->end.signal = got > 0 && WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void on_pid_ready(uv_poll_t *poll, int status, int events)
{
    struct net_process *p = poll->data;
    (void)status, (void)events;
    reap(p);
    if (p->is_reaped)
        uv_poll_stop(&p->pid_poll);
    maybe_end(p);
}

static void on_reaper(void *arg)
{
    struct net_process *p = arg;
    reap(p);
    if (p->is_reaped)
        maybe_end(p);
    else
        net_timer_start(p->loop, &p->reaper, POLL_MS);
}

static void on_clock(void *arg)
{
    struct net_process *p = arg;
    p->end.rc = BX_E_TIMEOUT;
    kill_all(p);
    maybe_end(p);
}

static void on_channel_ready(uv_poll_t *poll, int status, int events)
{
    struct net_process *p = poll->data;
    uint8_t block[READ_BYTES];
    (void)events;
    ssize_t n = status < 0 ? 0 : read(p->channel, block, sizeof block);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0 && bx_buf_append(&p->output, block, (size_t)n) >= 0)
        return;
    if (n > 0) {
        p->end.rc = BX_E_TOO_BIG;
        kill_all(p);
    }
    close_poll(&p->channel_poll, &p->channel);
    maybe_end(p);
}

/* --- start --- */

/* Copies of the program's descriptors, high enough that arranging them overwrites none. */
struct arrangement {
    int copies[NET_PROCESS_FDS_MAX];
    size_t count;
    int channel_ours, channel_theirs;
};

static void arrangement_done(struct arrangement *a)
{
    for (size_t i = 0; i < a->count; i++)
        close(a->copies[i]);
    if (a->channel_theirs >= 0)
        close(a->channel_theirs);
}

static int arrange(const struct net_process_opts *opts, struct arrangement *a)
{
    int pair[2];
    if (opts->fd_count > NET_PROCESS_FDS_MAX || opts->input.len > NET_PROCESS_INPUT_MAX)
        return BX_E_TOO_BIG;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
        return BX_E_FULL;
    a->channel_ours = pair[0];
    a->channel_theirs = pair[1];
    fcntl(pair[0], F_SETFL, O_NONBLOCK);
    if (opts->input.len &&
        send(pair[0], opts->input.ptr, opts->input.len, MSG_NOSIGNAL) != (ssize_t)opts->input.len)
        return BX_E_TOO_BIG;
    for (size_t i = 0; i < opts->fd_count; i++) {
        int null = -1, from = opts->fds[i];
        if (from == NET_PROCESS_NULL)
            from = null = open("/dev/null", O_RDWR | O_CLOEXEC);
        else if (from == NET_PROCESS_CHANNEL)
            from = pair[1];
        int copy = fcntl(from, F_DUPFD_CLOEXEC, FIRST_FREE);
        if (null >= 0)
            close(null);
        if (copy < 0)
            return BX_E_FULL;
        a->copies[a->count++] = copy;
    }
    return BX_OK;
}

static int spawn(const struct net_process_opts *opts, const struct arrangement *a, pid_t *pid)
{
    static const char *const no_env[] = {NULL};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    sigset_t none, all;
    const char *const *env = opts->env ? opts->env : no_env;
    sigemptyset(&none);
    sigfillset(&all);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attr);
    for (size_t i = 0; i < a->count; i++)
        posix_spawn_file_actions_adddup2(&actions, a->copies[i], (int)i);
    posix_spawn_file_actions_addclosefrom_np(&actions, (int)a->count);
    posix_spawnattr_setsigmask(&attr, &none);
    posix_spawnattr_setsigdefault(&attr, &all);
    posix_spawnattr_setpgroup(&attr, 0);
    posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                        POSIX_SPAWN_SETSIGDEF);
    int error = posix_spawn(pid, opts->program, &actions, &attr,
                            (char *const *)(uintptr_t)opts->argv, (char *const *)(uintptr_t)env);
    posix_spawnattr_destroy(&attr);
    posix_spawn_file_actions_destroy(&actions);
    return error == 0        ? BX_OK
           : error == ENOENT ? BX_E_NOT_FOUND
           : error == EACCES ? BX_E_DENIED
                             : BX_E_FULL;
}

static void watch(struct net_process *p)
{
    p->pidfd = (int)syscall(SYS_pidfd_open, p->pid, 0);
    if (p->pidfd >= 0 && uv_poll_init(&p->loop->uv, &p->pid_poll, p->pidfd) == 0) {
        p->pid_poll.data = p;
        p->handles++;
        uv_poll_start(&p->pid_poll, UV_READABLE, on_pid_ready);
        return;
    }
    if (p->pidfd >= 0)
        close(p->pidfd);
    p->pidfd = -1;
    net_timer_start(p->loop, &p->reaper, POLL_MS);
}

int net_process_start(struct net_loop *loop, const struct net_process_opts *opts,
                      net_process_end_fn *on_end, void *arg, struct net_process **out)
{
    struct arrangement a = {.channel_ours = -1, .channel_theirs = -1};
    struct net_process *p = BX_NEW(struct net_process);
    int rc = arrange(opts, &a);
    if (rc >= 0 && uv_poll_init(&loop->uv, &p->channel_poll, a.channel_ours) != 0)
        rc = BX_E_FULL;
    else if (rc >= 0)
        p->handles++;
    if (rc >= 0)
        rc = spawn(opts, &a, &p->pid);
    arrangement_done(&a);
    p->magic = NET_PROCESS_MAGIC;
    p->loop = loop;
    p->channel = a.channel_ours;
    p->channel_poll.data = p;
    p->pidfd = -1;
    p->is_reaped = rc < 0; /* there is nothing to reap */
    bx_buf_init(&p->output, opts->max_output);
    if (rc < 0) {
        if (p->handles)
            close_poll(&p->channel_poll, &p->channel);
        else if (p->channel >= 0)
            close(p->channel);
        if (!p->handles)
            free(p);
        return rc;
    }
    p->on_end = on_end;
    p->arg = arg;
    net_timer_init(&p->clock, on_clock, p);
    net_timer_init(&p->reaper, on_reaper, p);
    uv_poll_start(&p->channel_poll, UV_READABLE, on_channel_ready);
    watch(p);
    net_timer_start(loop, &p->clock, opts->timeout_ms);
    *out = p;
    return BX_OK;
}

void net_process_cancel(struct net_process *p)
{
    BX_ASSERT(p->magic == NET_PROCESS_MAGIC);
    p->on_end = NULL;
    kill_all(p);
    close_poll(&p->channel_poll, &p->channel);
    maybe_end(p);
}

int64_t net_process_pid(const struct net_process *p)
{
    return p->pid;
}
