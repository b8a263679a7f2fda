/* Answers in pieces, and files.
 *
 * An exchange that sends stays with its connection, which does not read on; a piece of work ("step") is
 * done per loop turn, so that one large download never delays the others: a file gives at most
 * FILE_STEP bytes to the socket, then waits for the next turn, or for the drain when the socket took no
 * more. Plain connections use sendfile; TLS reads READ_STEP bytes at a time into a shared piece of
 * output. Memory per download: up to three of these (QUEUE_ENOUGH and one more). */
#include "net/http/http_internal.h"

#include "base/err.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FILE_STEP = 1 << 20, READ_STEP = 128 << 10, QUEUE_ENOUGH = 256 << 10 };

struct http_sending {
    void (*on_drain)(struct http_exchange *x, void *arg);
    void *arg;
    int status;
    int fd;                                   /* -1: pieces from the handler */
    uint64_t offset;                          /* of the file */
    uint64_t left;                            /* of a known length; UINT64_MAX: unknown */
    uint64_t written;                         /* body bytes given to the connection */
    bool is_chunked, keep, has_body, is_read; /* is_read: read(2) instead of sendfile(2) */
};

static void begin(struct http_exchange *x, int status, const char *content_type, int64_t length)
{
    struct http_sending *s = BX_NEW(struct http_sending);
    BX_ASSERT(x->magic == HTTP_EXCHANGE_MAGIC && !x->is_answered);
    BX_ASSERT(status >= 200 && status <= 599 && status != 204 && status != 304);
    x->sending = s;
    x->is_answered = true;
    s->fd = -1;
    s->status = status;
    s->left = length < 0 ? UINT64_MAX : (uint64_t)length;
    s->has_body = x->request.method != HTTP_HEAD;
    if (!x->conn)
        return;
    s->is_chunked = length < 0 && !x->is_http10;
    s->keep = http_exchange_keeps(x) && (length >= 0 || s->is_chunked);
    http_write_head(x, status, content_type, length, s->is_chunked, s->keep);
}

static void finish(struct http_exchange *x)
{
    struct http_sending *s = x->sending;
    struct http_conn *c = x->conn;
    bool keep = s->keep;
    http_count_request(s->status);
    http_sending_drop(x);
    http_exchange_retire(x);
    if (c)
        http_conn_answered(c, keep);
}

void http_sending_drop(struct http_exchange *x)
{
    if (!x->sending)
        return;
    if (x->sending->fd >= 0)
        close(x->sending->fd);
    free(x->sending);
    x->sending = NULL;
}

bool http_sending_wants_step(const struct http_exchange *x)
{
    return x->sending->fd >= 0;
}

uint64_t http_sending_progress(const struct http_exchange *x)
{
    return x->sending->written - net_tcp_unacked(x->conn->tcp);
}

void http_respond_cut(struct http_exchange *x)
{
    struct http_conn *c = x->conn;
    http_sending_drop(x);
    http_exchange_retire(x);
    if (c)
        http_conn_cut(c);
}

/* --- pieces --- */

void http_respond_begin(struct http_exchange *x, int status, const char *content_type,
                        int64_t length, void (*on_drain)(struct http_exchange *x, void *arg),
                        void *arg)
{
    begin(x, status, content_type, length);
    x->sending->on_drain = on_drain;
    x->sending->arg = arg;
    if (x->conn)
        http_conn_sending(x->conn);
}

bool http_respond_piece(struct http_exchange *x, struct bx_str piece)
{
    struct http_sending *s = x->sending;
    if (!s || !x->conn)
        return false;
    BX_ASSERT(s->left == UINT64_MAX || piece.len <= s->left);
    if (s->left != UINT64_MAX)
        s->left -= piece.len;
    struct net_tcp *tcp = x->conn->tcp;
    if (s->has_body && piece.len) {
        char size[20];
        if (s->is_chunked)
            net_tcp_write(tcp, size, (size_t)snprintf(size, sizeof size, "%zx\r\n", piece.len));
        net_tcp_write(tcp, piece.ptr, piece.len);
        if (s->is_chunked)
            net_tcp_write(tcp, "\r\n", 2);
        s->written += piece.len;
    }
    if (net_tcp_queued(tcp) >= QUEUE_ENOUGH)
        net_tcp_flush(tcp);
    return net_tcp_is_writable(tcp) && net_tcp_queued(tcp) < QUEUE_ENOUGH;
}

void http_respond_end(struct http_exchange *x)
{
    struct http_sending *s = x->sending;
    if (s && x->conn) {
        BX_ASSERT(s->left == UINT64_MAX || s->left == 0 || !s->has_body);
        if (s->is_chunked && s->has_body)
            net_tcp_write(x->conn->tcp, "0\r\n\r\n", 5);
        finish(x);
        return;
    }
    http_sending_drop(x); /* the client has left: nobody waits for the end */
    http_exchange_retire(x);
}

/* --- files --- */

/* Through this process: TLS, and files that sendfile does not take. */
static int send_read(struct http_exchange *x, struct http_sending *s, size_t *out_sent)
{
    struct net_tcp *tcp = x->conn->tcp;
    *out_sent = 0;
    if (net_tcp_queued(tcp) >= QUEUE_ENOUGH)
        return BX_OK;
    size_t want = s->left < READ_STEP ? (size_t)s->left : READ_STEP;
    struct bx_shared *piece = bx_shared_new(want);
    ssize_t n = pread(s->fd, piece->data, want, (off_t)s->offset);
    if (n > 0) {
        net_tcp_write_shared(tcp, piece, 0, (size_t)n);
        *out_sent = (size_t)n;
    }
    bx_shared_unref(piece);
    return n > 0 ? BX_OK : BX_E_IO;
}

static int send_some(struct http_exchange *x, struct http_sending *s, size_t *out_sent)
{
    size_t want = s->left < FILE_STEP ? (size_t)s->left : FILE_STEP;
    int rc = BX_E_UNSUPPORTED;
    if (!s->is_read)
        rc = net_tcp_send_file(x->conn->tcp, s->fd, s->offset, want, out_sent);
    if (rc == BX_E_UNSUPPORTED) {
        s->is_read = true;
        rc = send_read(x, s, out_sent);
    } else if (rc == BX_OK && *out_sent == 0 && net_tcp_is_writable(x->conn->tcp)) {
        rc = BX_E_IO; /* the file has become shorter */
    }
    return rc;
}

static void file_step(struct http_exchange *x)
{
    struct http_sending *s = x->sending;
    size_t sent = 0;
    int rc = s->left ? send_some(x, s, &sent) : BX_OK;
    s->offset += sent;
    s->left -= sent;
    s->written += sent;
    if (rc < 0)
        http_respond_cut(x);
    else if (s->left == 0)
        finish(x);
    else
        http_conn_sending(x->conn);
}

void http_respond_file(struct http_exchange *x, int status, const char *content_type, int fd,
                       uint64_t offset, uint64_t length)
{
    begin(x, status, content_type, (int64_t)length);
    struct http_sending *s = x->sending;
    x->on_abort = NULL; /* its handler is done with it */
    s->fd = fd;
    s->offset = offset;
    if (!x->conn || !s->has_body || !length)
        finish(x);
    else
        http_conn_sending(x->conn);
}

void http_sending_continue(struct http_exchange *x)
{
    struct http_sending *s = x->sending;
    if (s->fd >= 0)
        file_step(x);
    else if (s->on_drain)
        s->on_drain(x, s->arg);
}
