/* Shared by the files of the HTTP server only. */
#ifndef HTTP_INTERNAL_H
#define HTTP_INTERNAL_H

#include "base/buf.h"
#include "base/map.h"
#include "base/metrics.h"
#include "net/http/http_parse.h"
#include "net/http/http_server.h"
#include "net/timer.h"

enum {
    HTTP_SERVER_MAGIC = 0x47725e21,
    HTTP_CONN_MAGIC = 0x47720c01,
    HTTP_EXCHANGE_MAGIC = 0x4772e8c4,
    HTTP_INLINE_HEADERS = 24,
    HTTP_INLINE_HEAD_BYTES = 1024,
    HTTP_MAX_BUFFERED = 64 << 10, /* input behind a request that is still being answered */
    HTTP_MAX_UNSENT = 256 << 10,  /* output of a pipeliner who does not read */
    HTTP_POOLED_EXCHANGES = 256,
    HTTP_MAX_REFUSALS = 1024, /* connections over the limit that wait for their 503 */
    HTTP_DATE_SIZE = 30,
};

/* What a connection waits for. */
enum http_conn_state {
    HTTP_CONN_IDLE,     /* the first byte of a request */
    HTTP_CONN_HEAD,     /* the rest of a head */
    HTTP_CONN_BODY,     /* the rest of a body */
    HTTP_CONN_BUSY,     /* the answer */
    HTTP_CONN_CONTINUE, /* the next turn, to go on with buffered input, or the output to drain */
    HTTP_CONN_REFUSED,  /* the first bytes of a client over the limit: they get the 503 */
    HTTP_CONN_CLOSING,  /* the end */
};

struct http_ip {
    char address[NET_ADDR_SIZE];
    size_t count;
};

struct http_conn {
    uint32_t magic;
    uint8_t state;
    bool has_eof;
    bool is_paused;
    bool is_feeding;       /* run() is on the stack: `rest` is what it has left */
    bool is_waiting_drain; /* CONTINUE: the client does not read its answers */
    struct bx_str rest;
    enum http_refusal refusal; /* REFUSED: why */
    struct net_tcp *tcp;
    struct http_server *server;
    struct http_exchange *exchange; /* BODY, BUSY */
    struct net_timer timer;
    struct bx_list node; /* in server->conns */
    struct bx_buf in;    /* leftovers; empty and without memory while idle */
    struct http_ip *ip;  /* NULL: not counted */
    size_t unsent;       /* at the last idle timeout */
    uint64_t progress;   /* of a sending, at the last look */
    bool is_stepping;    /* BUSY: the timer is the next step of a sending */
    char peer[NET_ADDR_SIZE];
};

struct http_exchange {
    uint32_t magic;
    struct http_conn *conn;     /* NULL: the client has left */
    struct http_server *server; /* NULL: the server has gone too */
    struct net_loop *loop;
    struct bx_list node; /* in server->dead, ->pool or ->orphans */
    struct http_request request;
    struct bx_arena arena;
    void *arg;
    void (*on_abort)(struct http_exchange *x, void *arg);
    void *abort_arg;
    struct bx_buf body;
    struct bx_buf out_headers;
    uint64_t body_left;
    size_t max_body;
    struct http_chunked chunked;
    http_body_fn *on_body; /* NULL: the body is collected */
    void *body_arg;
    uint64_t streamed;            /* bytes that on_body got */
    struct http_sending *sending; /* an answer in pieces is under way */
    bool is_body_paused, is_resuming, wants_keep_alive;
    bool is_chunked, is_http10;
    bool is_keep_alive;
    bool is_answered;
    bool is_dispatched;          /* on_request was called: the handler will answer it */
    bool is_in_place;            /* the head lies in the receive buffer */
    bool has_encoding, has_etag; /* the handler set Content-Encoding, ETag */
    struct http_header headers[HTTP_INLINE_HEADERS];
    char head[HTTP_INLINE_HEAD_BYTES];
};

struct http_server {
    uint32_t magic;
    struct net_loop *loop;
    struct http_server_opts opts;
    struct http_parse_limits limits;
    struct http_handler handler;
    void *arg;
    struct net_listener *listeners[8];
    size_t listener_count;
    struct bx_list conns, dead, pool, orphans;
    size_t conn_count; /* all, refused ones included */
    size_t refused_count, pooled;
    struct bx_map ips;
    struct http_header *scratch; /* limits.max_headers */
    bool is_reaping, is_closing, is_freed, is_gone_due;
    void (*on_closed)(void *arg);
    void *closed_arg;
    uint64_t date_second;
    char date[HTTP_DATE_SIZE];
};

/* http_conn.c */
void http_conn_new(struct http_server *s, int fd, struct net_tls_ctx *tls, const char *peer,
                   struct http_ip *ip, enum http_refusal refusal);
/* The exchange was answered: `keep` the connection for the next request or close it. */
void http_conn_answered(struct http_conn *c, bool keep);
/* The exchange sends its answer in pieces: http_sending_continue follows, in the next turn or once the
 * socket has taken what is queued. A client that takes nothing for the idle timeout is cut. */
void http_conn_sending(struct http_conn *c);
/* Ends the connection now; what was sent is not whole. */
void http_conn_cut(struct http_conn *c);
/* The exchange wants its body again. */
void http_conn_pause_body(struct http_conn *c);
void http_conn_resume_body(struct http_conn *c);
/* Stops being HTTP's: the tcp goes on without it. */
void http_conn_detach(struct http_conn *c);
void http_conn_close_if_idle(struct http_conn *c);

/* http_exchange.c */
struct http_exchange *http_exchange_new(struct http_conn *c, const struct http_head *head);
/* Copies the head out of the receive buffer. */
void http_exchange_keep_head(struct http_exchange *x);
/* Adds to the body, or passes it on. BX_E_TOO_BIG, BX_E_NOMEM. */
int http_exchange_add_body(struct http_exchange *x, struct bx_str piece);
/* Passes the last piece on. */
void http_exchange_end_body(struct http_exchange *x);
void http_exchange_leave(struct http_exchange *x); /* the client has left before the answer */
void http_exchange_free(struct http_exchange *x);
void http_exchange_retire(struct http_exchange *x);
/* An answer outside any exchange: refusals. */
void http_write_refusal(struct http_conn *c, enum http_refusal why);

/* The head of an answer whose body follows in pieces. length < 0: unknown. */
void http_write_head(struct http_exchange *x, int status, const char *content_type, int64_t length,
                     bool is_chunked, bool keep);
/* Whether the connection is kept after an answer that is given now. */
bool http_exchange_keeps(const struct http_exchange *x);

/* http_send.c. The socket took everything, or a turn has passed: goes on. */
void http_sending_continue(struct http_exchange *x);
/* The client has left. Frees what the sending holds. */
void http_sending_drop(struct http_exchange *x);
/* Whether a step follows by itself: a file; pieces come when the handler has them. */
bool http_sending_wants_step(const struct http_exchange *x);
/* Bytes given to the socket so far, to see progress. */
uint64_t http_sending_progress(const struct http_exchange *x);

/* http_compress.c. Appends the gzip form; BX_E_FULL when it would not be smaller. */
int http_gzip(struct bx_str in, struct bx_buf *out);
bool http_is_compressible(const char *content_type);

/* http_server.c */
void http_server_conn_gone(struct http_server *s, struct http_conn *c);
const char *http_server_date(struct http_server *s);
void http_count_refused(enum http_refusal why);
void http_count_request(int status);
void http_count_connections(int change);

#endif
