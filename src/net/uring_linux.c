/* Fan-out through io_uring: the sends of a batch are queued and submitted with one system call.
 * Descriptors are registered on their first fan-out (a fixed file spares the kernel a look-up per
 * send). Only sends that fail or fall short make a completion; what they left over goes to the
 * connection's ordinary queue.
 */
#include "base/err.h"
#include "base/mem.h"
#include "net/internal.h"

#include <errno.h>
#include <liburing.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>

enum { BATCH = 1024, MAX_FILES = 1 << 20 };

struct net_uring {
    struct io_uring ring;
    unsigned queued;
    unsigned max_files;
    struct net_tcp *targets[BATCH];
};

int net_uring_new(struct net_uring **out)
{
    struct net_uring *u = BX_NEW(struct net_uring);
    struct rlimit limit;
    int rc = io_uring_queue_init(BATCH, &u->ring, IORING_SETUP_SINGLE_ISSUER);
    if (rc == -EINVAL)
        rc = io_uring_queue_init(BATCH, &u->ring, 0);
    if (rc < 0) {
        free(u);
        return BX_E_UNSUPPORTED;
    }
    getrlimit(RLIMIT_NOFILE, &limit);
    u->max_files = limit.rlim_cur < MAX_FILES ? (unsigned)limit.rlim_cur : MAX_FILES;
    if (!(u->ring.features & IORING_FEAT_CQE_SKIP) ||
        io_uring_register_files_sparse(&u->ring, u->max_files) < 0) {
        io_uring_queue_exit(&u->ring);
        free(u);
        return BX_E_UNSUPPORTED;
    }
    *out = u;
    return BX_OK;
}

void net_uring_free(struct net_uring *u)
{
    io_uring_queue_exit(&u->ring);
    free(u);
}

void net_uring_submit(struct net_loop *loop)
{
    struct net_uring *u = loop->uring;
    struct io_uring_cqe *cqe;
    if (!u->queued)
        return;
    io_uring_submit(&u->ring);
    u->queued = 0;
    while (io_uring_peek_cqe(&u->ring, &cqe) == 0) {
        struct net_tcp *c = u->targets[cqe->user_data];
        int result = cqe->res;
        io_uring_cqe_seen(&u->ring, cqe);
        net_fanout_rest(loop, c, result < 0 ? -1 : result, result < 0 ? -result : 0);
    }
}

static bool register_file(struct net_uring *u, struct net_tcp *c)
{
    if (!c->is_in_uring && (unsigned)c->fd < u->max_files)
        c->is_in_uring = io_uring_register_files_update(&u->ring, (unsigned)c->fd, &c->fd, 1) == 1;
    return c->is_in_uring;
}

void net_uring_send(struct net_loop *loop, struct net_tcp *c)
{
    struct net_uring *u = loop->uring;
    struct bx_shared *bytes = loop->fanout;
    if (!register_file(u, c)) {
        ssize_t n = send(c->fd, bytes->data, bytes->len, MSG_NOSIGNAL | MSG_DONTWAIT);
        net_fanout_rest(loop, c, n, errno);
        return;
    }
    if (u->queued == BATCH)
        net_uring_submit(loop);
    struct io_uring_sqe *sqe = io_uring_get_sqe(&u->ring);
    io_uring_prep_send(sqe, c->fd, bytes->data, bytes->len,
                       MSG_NOSIGNAL | MSG_DONTWAIT | MSG_WAITALL);
    sqe->flags |= IOSQE_FIXED_FILE | IOSQE_CQE_SKIP_SUCCESS;
    sqe->user_data = u->queued;
    u->targets[u->queued++] = c;
}

void net_uring_forget(struct net_uring *u, struct net_tcp *c)
{
    int none = -1;
    io_uring_register_files_update(&u->ring, (unsigned)c->fd, &none, 1);
    c->is_in_uring = false;
}
