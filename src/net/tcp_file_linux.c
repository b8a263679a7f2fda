/* Files to sockets without a copy through this process. */
#include "net/tcp.h"

#include "base/err.h"
#include "net/internal.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/sendfile.h>

/* sendfile has no MSG_NOSIGNAL: a peer that has left must not end the process of whoever embeds us. */
static ssize_t send_quietly(int to, int fd, off_t *at, size_t len)
{
    static const struct timespec now = {0};
    sigset_t pipe, before, waiting;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    sigpending(&waiting);
    pthread_sigmask(SIG_BLOCK, &pipe, &before);
    ssize_t n = sendfile(to, fd, at, len);
    int error = errno;
    if (n < 0 && error == EPIPE && !sigismember(&waiting, SIGPIPE))
        sigtimedwait(&pipe, NULL, &now);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return n;
}

int net_tcp_send_file(struct net_tcp *c, int fd, uint64_t offset, size_t len, size_t *out_sent)
{
    *out_sent = 0;
    if (c->tls || c->is_tls_auto)
        return BX_E_UNSUPPORTED;
    if (c->is_dead || c->is_closing)
        return BX_E_CLOSED;
    if (c->out_first)
        net_tcp_flush(c);
    if (c->is_dead)
        return BX_E_CLOSED;
    off_t at = (off_t)offset;
    while (!c->is_blocked && *out_sent < len) {
        ssize_t n = send_quietly(c->fd, fd, &at, len - *out_sent);
        if (n > 0) {
            *out_sent += (size_t)n;
        } else if (n == 0) {
            break;
        } else if (errno == EAGAIN) {
            c->is_blocked = true;
            net_tcp_rearm(c);
        } else if (errno != EINTR) {
            bool is_kind = (errno == EINVAL || errno == ENOSYS) && *out_sent == 0;
            return is_kind ? BX_E_UNSUPPORTED : bx_err_from_errno(errno);
        }
    }
    return BX_OK;
}
