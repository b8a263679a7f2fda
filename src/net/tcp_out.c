/* Output: small writes go into the slab, which all connections share during a turn; queues hold
 * 16-byte references. A reply costs one copy and no allocation; consecutive pieces of one
 * connection merge, so a burst leaves as one piece. When the kernel takes less than everything,
 * what is left of the slab is copied out, so that a slow reader never pins 64 KiB for a few bytes.
 */
#include "base/err.h"
#include "base/log.h"
#include "base/mem.h"
#include "net/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>

enum { IOV_MAX_PER_SEND = 64, TLS_RECORD = 16 << 10 };

static struct net_out_segment *segment_new(struct net_loop *loop)
{
    struct net_out_segment *s = loop->free_segments;
    if (s)
        loop->free_segments = s->next;
    else
        s = bx_realloc(NULL, 1, sizeof *s);
    s->next = NULL;
    s->head = s->tail = 0;
    return s;
}

static void segment_pop(struct net_tcp *c)
{
    struct net_out_segment *s = c->out_first;
    c->out_first = s->next;
    if (!c->out_first)
        c->out_last = NULL;
    s->next = c->loop->free_segments;
    c->loop->free_segments = s;
}

void net_out_free(struct net_tcp *c)
{
    while (c->out_first) {
        struct net_out_segment *s = c->out_first;
        for (uint32_t i = s->head; i < s->tail; i++)
            bx_shared_unref(s->refs[i].bytes);
        segment_pop(c);
    }
    c->loop->own_bytes -= c->own_bytes;
    c->queued = c->own_bytes = 0;
}

static void count_own(struct net_tcp *c, const struct net_out_ref *ref, ssize_t change)
{
    if (!ref->is_own)
        return;
    c->own_bytes += (size_t)change;
    c->loop->own_bytes += (size_t)change;
}

/* Takes the caller's reference of bytes. */
static void push_ref(struct net_tcp *c, struct bx_shared *bytes, size_t offset, size_t len,
                     bool is_own)
{
    struct net_out_segment *s = c->out_last;
    if (!s || s->tail == NET_OUT_REFS) {
        struct net_out_segment *fresh = segment_new(c->loop);
        if (s)
            s->next = fresh;
        else
            c->out_first = fresh;
        c->out_last = s = fresh;
    }
    struct net_out_ref *ref = &s->refs[s->tail++];
    *ref = (struct net_out_ref){bytes, (uint32_t)offset, len & INT32_MAX, is_own};
    count_own(c, ref, (ssize_t)len);
}

void net_out_append(struct net_tcp *c, struct bx_shared *bytes, size_t offset, size_t len)
{
    if (len == 0)
        return;
    BX_ASSERT(len <= INT32_MAX && offset <= UINT32_MAX);
    struct net_out_segment *s = c->out_last;
    bool is_own = bytes == c->loop->slab || bytes->refs == 1;
    c->queued += len;
    if (s && s->tail > s->head) {
        struct net_out_ref *last = &s->refs[s->tail - 1];
        if (last->bytes == bytes && last->offset + last->len == offset &&
            len <= (size_t)INT32_MAX - last->len) {
            last->len = (last->len + (uint32_t)len) & INT32_MAX;
            count_own(c, last, (ssize_t)len);
            return;
        }
    }
    push_ref(c, bx_shared_ref(bytes), offset, len, is_own);
}

static void consume(struct net_tcp *c, size_t n)
{
    c->queued -= n;
    while (n) {
        struct net_out_segment *s = c->out_first;
        struct net_out_ref *ref = &s->refs[s->head];
        size_t part = n < ref->len ? n : ref->len;
        ref->offset += (uint32_t)part;
        ref->len = (ref->len - (uint32_t)part) & INT32_MAX;
        count_own(c, ref, -(ssize_t)part);
        n -= part;
        if (ref->len == 0) {
            bx_shared_unref(ref->bytes);
            if (++s->head == s->tail)
                segment_pop(c);
        }
    }
}

static size_t gather(const struct net_tcp *c, struct iovec *iov, size_t max)
{
    size_t count = 0;
    for (struct net_out_segment *s = c->out_first; s; s = s->next) {
        for (uint32_t i = s->head; i < s->tail && count < max; i++) {
            struct net_out_ref *ref = &s->refs[i];
            iov[count++] = (struct iovec){ref->bytes->data + ref->offset, ref->len};
        }
    }
    return count;
}

static ssize_t send_iov(int fd, struct iovec *iov, size_t count)
{
    ssize_t n;
    do {
        if (count == 1) {
            n = send(fd, iov[0].iov_base, iov[0].iov_len, MSG_NOSIGNAL | MSG_DONTWAIT);
        } else {
            struct msghdr message = {.msg_iov = iov, .msg_iovlen = count};
            n = sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
        }
    } while (n < 0 && errno == EINTR);
    return n;
}

/* The peer is slow: references to a small part of large bytes become exact copies. */
static void unpin(struct net_tcp *c)
{
    for (struct net_out_segment *s = c->out_first; s; s = s->next) {
        for (uint32_t i = s->head; i < s->tail; i++) {
            struct net_out_ref *ref = &s->refs[i];
            if (ref->len >= ref->bytes->len / 2)
                continue;
            struct bx_shared *exact = bx_shared_copy(ref->bytes->data + ref->offset, ref->len);
            bx_shared_unref(ref->bytes);
            bool was_own = ref->is_own;
            *ref = (struct net_out_ref){exact, 0, ref->len, true};
            if (!was_own)
                count_own(c, ref, ref->len);
        }
    }
}

static int flush_plain(struct net_tcp *c)
{
    while (c->out_first) {
        struct iovec iov[IOV_MAX_PER_SEND];
        size_t count = gather(c, iov, IOV_MAX_PER_SEND), want = 0;
        for (size_t i = 0; i < count; i++)
            want += iov[i].iov_len;
        ssize_t n = send_iov(c->fd, iov, count);
        if (n < 0 && errno != EAGAIN)
            return bx_err_from_errno(errno);
        if (n > 0)
            consume(c, (size_t)n);
        if (n < 0 || (size_t)n < want) {
            c->is_blocked = true;
            unpin(c);
            return BX_OK;
        }
    }
    return BX_OK;
}

static int send_sealed(struct net_tcp *c)
{
    struct bx_str sealed;
    while ((sealed = net_tls_pending(c->tls)).len) {
        struct iovec iov = {(void *)(uintptr_t)sealed.ptr, sealed.len};
        ssize_t n = send_iov(c->fd, &iov, 1);
        if (n < 0 && errno != EAGAIN)
            return bx_err_from_errno(errno);
        if (n > 0)
            net_tls_consume(c->tls, (size_t)n);
        if (n < 0 || (size_t)n < sealed.len) {
            c->is_blocked = true;
            return BX_OK;
        }
    }
    return BX_OK;
}

/* One record's worth at a time: sealed bytes never pile up beyond what the socket refused. */
static int flush_tls(struct net_tcp *c)
{
    uint8_t plain[TLS_RECORD];
    int rc = send_sealed(c);
    while (rc == BX_OK && !c->is_blocked && c->out_first && net_tls_is_ready(c->tls)) {
        struct iovec iov[IOV_MAX_PER_SEND];
        size_t count = gather(c, iov, IOV_MAX_PER_SEND), len = 0;
        for (size_t i = 0; i < count && len < sizeof plain; i++) {
            size_t part = iov[i].iov_len < sizeof plain - len ? iov[i].iov_len : sizeof plain - len;
            memcpy(plain + len, iov[i].iov_base, part);
            len += part;
        }
        rc = net_tls_seal(c->tls, plain, len);
        if (rc < 0)
            return rc;
        consume(c, len);
        rc = send_sealed(c);
    }
    if (c->is_blocked)
        unpin(c);
    return rc;
}

int net_out_flush(struct net_tcp *c)
{
    if (c->is_tls_auto)
        return BX_OK; /* the peer's first byte decides how to speak */
    return c->tls ? flush_tls(c) : flush_plain(c);
}

/* --- the limit of all --- */

static struct net_tcp *largest_blocked(struct net_loop *loop)
{
    struct net_tcp *largest = NULL;
    BX_LIST_EACH(&loop->blocked, node)
    {
        struct net_tcp *c = BX_CONTAINER_OF(node, struct net_tcp, dirty);
        if (c->own_bytes && (!largest || c->own_bytes > largest->own_bytes))
            largest = c;
    }
    return largest;
}

void net_out_shed(struct net_loop *loop)
{
    size_t held = loop->own_bytes, cut = 0;
    struct net_tcp *c;
    while (loop->own_bytes > loop->max_own_bytes && (c = largest_blocked(loop))) {
        net_tcp_end(c, BX_E_FULL);
        cut++;
    }
    if (cut)
        bx_log(BX_LOG_WARN, "net", "slow readers were cut: their output fills the memory",
               "connections=%zu bytes=%zu", cut, held - loop->own_bytes);
}

void net_loop_limit_output(struct net_loop *loop, size_t max_bytes)
{
    loop->max_own_bytes = max_bytes;
}

/* --- the slab --- */

static void slab_ensure(struct net_loop *loop, size_t room)
{
    if (loop->slab && NET_SLAB_BYTES - loop->slab_len >= room)
        return;
    bx_shared_unref(loop->slab);
    loop->slab = bx_shared_new(NET_SLAB_BYTES);
    loop->slab_len = 0;
}

void net_slab_recycle(struct net_loop *loop)
{
    if (loop->slab && loop->slab->refs == 1)
        loop->slab_len = 0;
}

static bool may_write(const struct net_tcp *c)
{
    return !c->is_dead && !c->is_closing;
}

static void wrote(struct net_tcp *c)
{
    net_tcp_mark_dirty(c);
    if (c->queued > NET_FLUSH_EARLY_BYTES && !c->is_blocked && c->is_open)
        net_tcp_flush(c);
}

uint8_t *net_tcp_reserve(struct net_tcp *c, size_t max_len)
{
    BX_ASSERT(max_len <= NET_TCP_RESERVE_MAX);
    slab_ensure(c->loop, max_len);
    return c->loop->slab->data + c->loop->slab_len;
}

void net_tcp_commit(struct net_tcp *c, size_t len)
{
    struct net_loop *loop = c->loop;
    if (!may_write(c) || len == 0)
        return;
    net_out_append(c, loop->slab, loop->slab_len, len);
    loop->slab_len += len;
    wrote(c);
}

void net_tcp_write(struct net_tcp *c, const void *ptr, size_t len)
{
    if (!may_write(c) || len == 0)
        return;
    if (len <= NET_TCP_RESERVE_MAX) {
        memcpy(net_tcp_reserve(c, len), ptr, len);
        net_tcp_commit(c, len);
        return;
    }
    struct bx_shared *copy = bx_shared_copy(ptr, len);
    net_tcp_write_shared(c, copy, 0, len);
    bx_shared_unref(copy);
}

void net_tcp_write_shared(struct net_tcp *c, struct bx_shared *s, size_t offset, size_t len)
{
    BX_ASSERT(offset <= s->len && len <= s->len - offset);
    if (!may_write(c))
        return;
    net_out_append(c, s, offset, len);
    wrote(c);
}

/* --- fan-out --- */

void net_fanout_begin(struct net_loop *loop, struct bx_shared *s)
{
    BX_ASSERT(!loop->fanout);
    loop->fanout = bx_shared_ref(s);
}

void net_fanout_rest(struct net_loop *loop, struct net_tcp *c, ssize_t sent, int error)
{
    if (c->is_dead)
        return;
    if (sent < 0 && error != EAGAIN && error != EINTR) {
        net_tcp_end(c, bx_err_from_errno(error));
        return;
    }
    size_t done = sent > 0 ? (size_t)sent : 0;
    if (done == loop->fanout->len)
        return;
    net_out_append(c, loop->fanout, done, loop->fanout->len - done);
    c->is_blocked = true;
    net_tcp_mark_blocked(c);
    net_tcp_rearm(c);
}

void net_fanout_add(struct net_loop *loop, struct net_tcp *c)
{
    if (!may_write(c))
        return;
    if (c->out_first || c->is_blocked || c->tls || c->connecting) {
        net_tcp_write_shared(c, loop->fanout, 0, loop->fanout->len);
        return;
    }
    if (loop->uring) {
        net_uring_send(loop, c);
        return;
    }
    ssize_t n = send(c->fd, loop->fanout->data, loop->fanout->len, MSG_NOSIGNAL | MSG_DONTWAIT);
    if (n != (ssize_t)loop->fanout->len)
        net_fanout_rest(loop, c, n, errno);
}

void net_fanout_end(struct net_loop *loop)
{
    if (loop->uring)
        net_uring_submit(loop);
    bx_shared_unref(loop->fanout);
    loop->fanout = NULL;
}

int net_loop_use_uring(struct net_loop *loop)
{
    return loop->uring ? BX_OK : net_uring_new(&loop->uring);
}
