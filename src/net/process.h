/* net_process: runs a helper program on the loop. The program gets the descriptors that it is given
 * and no others, is told what to do over a channel (a stream socket) and answers there; it is
 * killed with everything that it started when the clock says so or when it answers too much.
 * Starting it copies no page table (posix_spawn), so a large server does not stall for it.
 *
 * Loop thread only. The callback never comes before the call that caused it returned.
 */
#ifndef NET_PROCESS_H
#define NET_PROCESS_H

#include "base/str.h"
#include "net/loop.h"

struct net_process;

enum {
    NET_PROCESS_NULL = -1,    /* /dev/null */
    NET_PROCESS_CHANNEL = -2, /* the program's end of the channel; at most one */
    NET_PROCESS_FDS_MAX = 8,
    NET_PROCESS_INPUT_MAX = 64 << 10
};

/* Everything is borrowed for the call. */
struct net_process_opts {
    const char *program;     /* a path */
    const char *const *argv; /* with the name, ends with NULL */
    const char *const *env;  /* ends with NULL; NULL: an empty environment */
    const int *fds;          /* descriptors 0, 1, 2 … of the program, or NET_PROCESS_* */
    size_t fd_count;
    struct bx_str input; /* waits in the channel when the program starts; NET_PROCESS_INPUT_MAX */
    size_t max_output;   /* bytes that it may answer */
    uint32_t timeout_ms; /* of its whole life */
};

struct net_process_end {
    int rc; /* BX_OK: it ended by itself. BX_E_TIMEOUT, BX_E_TOO_BIG: it was killed for that */
    int exit_code; /* -1: by a signal */
    int signal;
    struct bx_str output; /* borrowed for the callback; complete only with BX_OK */
};

typedef void net_process_end_fn(const struct net_process_end *end, void *arg);

/* Returns a process of your own in *out; on_end comes once and frees it. BX_E_NOT_FOUND: no such
 * program, BX_E_DENIED: it cannot be executed, BX_E_FULL: no descriptors or processes,
 * BX_E_TOO_BIG: input; then nothing was started. */
int net_process_start(struct net_loop *loop, const struct net_process_opts *opts,
                      net_process_end_fn *on_end, void *arg, struct net_process **out);

/* Kills it; on_end does not come any more. */
void net_process_cancel(struct net_process *p);

int64_t net_process_pid(const struct net_process *p);

#endif
