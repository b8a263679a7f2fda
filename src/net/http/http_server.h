/* A strict HTTP/1.1 server (RFC 9112): keep-alive, pipelining (answers in order), chunked bodies,
 * Expect, HEAD. Ambiguous framing (Content-Length with Transfer-Encoding, differing
 * Content-Lengths, bare CR, space before the colon, obs-fold) is refused with 400 and the
 * connection closed. Caps and timeouts on everything a client can make slow or large.
 *
 * One http_exchange is one request with its answer. The handler is called when the head and the
 * whole body are there (the body cap can be chosen per request when the head is there), or, when it
 * asked for the body in pieces, for each piece. It answers at once or later, whole or in pieces; the exchange stays valid until it was answered, or until on_abort when the
 * client left before.
 */
#ifndef HTTP_SERVER_H
#define HTTP_SERVER_H

#include "base/arena.h"
#include "base/shared.h"
#include "base/str.h"
#include "net/listener.h"

struct bx_metrics;
struct http_server;
struct http_exchange;

/* Connections and requests of this process that were refused so far. */
int64_t http_refused_total(void);
/* http_requests_total by class, http_refused_total by reason, http_connections. Once per process.
 */
void http_metrics_register(struct bx_metrics *set);

enum http_method {
    HTTP_GET,
    HTTP_HEAD,
    HTTP_POST,
    HTTP_PUT,
    HTTP_PATCH,
    HTTP_DELETE,
    HTTP_OPTIONS,
    HTTP_OTHER,
};

struct http_header {
    struct bx_str name, value; /* value trimmed */
};

/* Borrowed from the exchange: valid until it is answered or aborted. One exception keeps handshakes
 * cheap: the slices of an upgrade request (is_upgrade) lie in the receive buffer while on_head and
 * on_request run. Whoever answers an upgrade request later takes them again from
 * http_exchange_request by then. */
struct http_request {
    enum http_method method;
    struct bx_str method_name;
    struct bx_str target;   /* as sent */
    struct bx_str path;     /* before '?', not decoded */
    struct bx_str query;    /* behind '?', not decoded; empty when absent */
    struct bx_str raw_head; /* the header lines, without the request line, CRLF separated */
    const struct http_header *headers;
    size_t header_count;
    struct bx_str body;
    struct bx_str authority; /* of an absolute-form target, else the Host header */
    bool is_upgrade;         /* Connection: upgrade and Upgrade present, HTTP/1.1, no body */
    bool is_tls;
    const char *peer; /* printable address */
};

/* First header with that name (case-insensitive); empty slice with ptr NULL when absent. */
struct bx_str http_header_get(const struct http_request *r, struct bx_str name);
/* Raw value of a query parameter (first of that name), false when absent. */
bool http_query_get(struct bx_str query, struct bx_str name, struct bx_str *out_raw);
/* Percent-decodes ("+" is a space when is_form) into the arena. BX_E_INVALID on a broken escape or
 * a NUL. */
int http_url_decode(struct bx_arena *arena, struct bx_str raw, bool is_form, struct bx_str *out);
/* Value of a cookie (first of that name, quotes removed); false when absent. */
bool http_cookie_get(const struct http_request *r, struct bx_str name, struct bx_str *out_value);
/* Decoded field of an application/x-www-form-urlencoded text (a body, or a query).
 * BX_E_NOT_FOUND, BX_E_INVALID. */
int http_form_get(struct bx_arena *arena, struct bx_str form, struct bx_str name,
                  struct bx_str *out);
/* Whether Accept-Encoding allows gzip (q-values, "*"). */
bool http_accepts_gzip(const struct http_request *r);

struct http_handler {
    /* The head is there, the body is not yet read. *out_max_body starts as the server's default;
     * set it (0: no body allowed). May answer right away (http_respond) to refuse early: the body
     * is then discarded. May be NULL. */
    void (*on_head)(struct http_exchange *x, size_t *out_max_body, void *arg);
    /* Head and body are there. An upgrade request comes here too: http_exchange_upgrade or answer.
     */
    void (*on_request)(struct http_exchange *x, void *arg);
    /* The body is larger than max_body: may answer in its own way (the connection closes
     * afterwards); an exchange left unanswered gets the server's 413. May be NULL. */
    void (*on_too_large)(struct http_exchange *x, void *arg);
};

struct http_server_opts {
    size_t max_header_bytes; /* request line and headers; 0: 16 KiB -> 431 */
    size_t max_headers;      /* 0: 100 -> 431 */
    size_t max_target_bytes; /* 0: 8 KiB -> 414 */
    size_t max_body_bytes;   /* default of on_head; 0: 1 MiB -> 413 */
    size_t max_pipelined;    /* requests answered out of the buffer before reading on; 0: 32 */
    size_t max_connections;  /* 0: 100000; further ones are answered 503 and closed */
    size_t max_connections_per_ip; /* 0: no limit; 503 */
    uint32_t header_timeout_ms;    /* from first byte to end of head; 0: 10 s -> 408 */
    uint32_t body_timeout_ms;      /* without progress; 0: 30 s -> 408 */
    uint32_t idle_timeout_ms;      /* keep-alive without request; 0: 65 s, closed silently */
    const char *server_name;       /* Server header; NULL: none; kept */
    size_t gzip_min_bytes;         /* compress text and JSON answers from here on; 0: never */
};

int http_server_new(struct net_loop *loop, const struct http_server_opts *opts,
                    const struct http_handler *handler, void *arg, struct http_server **out);

/* A server may listen on several addresses. */
int http_server_listen(struct http_server *s, const struct net_listener_opts *opts,
                       uint16_t *out_port);

/* Stops listening; idle connections are closed, running exchanges may finish; on_closed once all
 * are gone (upgraded connections are not the server's any more). */
void http_server_close(struct http_server *s, void (*on_closed)(void *arg), void *arg);
/* Closes what is left right now; frees the server at the end of the turn. */
void http_server_free(struct http_server *s);

size_t http_server_connections(const struct http_server *s);

const struct http_request *http_exchange_request(const struct http_exchange *x);
struct bx_arena *http_exchange_arena(struct http_exchange *x); /* lives as long as the exchange */
struct net_loop *http_exchange_loop(const struct http_exchange *x);

/* Someone's pointer of his own on the exchange. */
void http_exchange_set_arg(struct http_exchange *x, void *arg);
void *http_exchange_arg(const struct http_exchange *x);

/* Called (once) when the client leaves before the answer (a half-closed client counts as gone, as
 * in Node); the exchange is gone afterwards. Without an on_abort the exchange stays valid until it
 * is answered, and the answer goes nowhere. */
void http_exchange_on_abort(struct http_exchange *x,
                            void (*on_abort)(struct http_exchange *x, void *arg), void *arg);

/* --- the answer: any headers, then exactly one respond. Content-Length, Date and Connection are
 * the server's. --- */

/* Adds a response header (copied). Values with CR, LF or NUL are a programming error of ours
 * (asserted). */
void http_add_header(struct http_exchange *x, const char *name, struct bx_str value);
/* Body is copied; content_type may be NULL for no body. HEAD and 304 send no body but its
 * length, 204 neither. */
void http_respond(struct http_exchange *x, int status, const char *content_type,
                  struct bx_str body);
/* Takes one reference of body. */
void http_respond_shared(struct http_exchange *x, int status, const char *content_type,
                         struct bx_shared *body);
/* --- bodies in pieces: memory stays flat whatever their size --- */

/* From on_head only: the body is not collected. on_body gets its pieces (borrowed for the call), in
 * order, the last call with is_last (its piece may be empty; also for a request without a body).
 * on_request is not called: answer from on_body or later. An answer before is_last ends the connection
 * after it. The cap of on_head still holds (on_too_large). */
typedef void http_body_fn(struct http_exchange *x, struct bx_str piece, bool is_last, void *arg);
void http_stream_body(struct http_exchange *x, http_body_fn *on_body, void *arg);
/* No on_body until http_resume_body, and the client is not read on. Resuming calls on_body in a later
 * turn. Both do nothing once the exchange was answered. */
void http_pause_body(struct http_exchange *x);
void http_resume_body(struct http_exchange *x);

/* Begins an answer in pieces. length < 0: unknown (chunked; a client of HTTP/1.0 gets the end of the
 * connection). on_drain (may be NULL) is called when everything written has left after
 * http_respond_piece had said "enough". From here on the exchange ends with http_respond_end, with
 * http_respond_cut, or with on_abort when the client leaves. */
void http_respond_begin(struct http_exchange *x, int status, const char *content_type,
                        int64_t length, void (*on_drain)(struct http_exchange *x, void *arg),
                        void *arg);
/* Copies. False: enough is queued (256 KiB) or the client has left; wait for on_drain. */
bool http_respond_piece(struct http_exchange *x, struct bx_str piece);
/* The whole answer was written (with a known length: exactly that much, asserted). */
void http_respond_end(struct http_exchange *x);
/* The rest cannot be had: ends the connection, so that the client sees that the answer is not whole. */
void http_respond_cut(struct http_exchange *x);

/* A part of a regular file, sent from the page cache where the connection is plain. Takes fd, and the
 * exchange: no on_abort from here on. */
void http_respond_file(struct http_exchange *x, int status, const char *content_type, int fd,
                       uint64_t offset, uint64_t length);

/* A whole file as RFC 9110 has it: HEAD, If-None-Match (304), one Range with If-Range (206, 416),
 * Accept-Ranges. Several ranges are answered with the whole file. */
struct http_file {
    int fd; /* taken */
    uint64_t size;
    const char *content_type;
    struct bx_str etag; /* with quotes */
};
void http_serve_file(struct http_exchange *x, const struct http_file *file);

/* Whether If-None-Match (or If-Match) names the tag. */
bool http_etag_matches(struct bx_str header, struct bx_str etag);

/* One range of "bytes=…" in a file of `size` bytes. BX_OK: *out_first, *out_length (> 0);
 * BX_E_NOT_FOUND: no range, several, or none that is understood (answer 200); BX_E_INVALID: none of it is
 * in the file (answer 416). */
int http_range_parse(struct bx_str header, uint64_t size, uint64_t *out_first,
                     uint64_t *out_length);

/* {"success":false,"error":<reason phrase>,"message":<message>}. */
void http_respond_error(struct http_exchange *x, int status, struct bx_str message);
/* After this answer the connection closes. */
void http_set_close(struct http_exchange *x);

/* Standard reason phrase, "Unknown" when there is none. */
const char *http_reason(int status);

/* Takes the connection away from HTTP (before any answer): the exchange and all of HTTP's memory
 * for it go at the end of this turn. *out_rest is what the client sent behind the head (valid
 * during this turn). The caller sets its own handler on the returned connection and writes the 101
 * itself. */
struct net_tcp *http_exchange_upgrade(struct http_exchange *x, struct bx_str *out_rest);

#endif
