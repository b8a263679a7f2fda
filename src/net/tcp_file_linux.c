/* Files to sockets without a copy through this process. */
#include "net/tcp.h"

#include "base/err.h"
#include "net/internal.h"

#include <errno.h>
#include <sys/sendfile.h>

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
        ssize_t n = sendfile(c->fd, fd, &at, len - *out_sent);
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
