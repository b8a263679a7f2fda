/* Request heads and chunked bodies of HTTP/1.1 (RFC 9112), sans-I/O.
 *
 * The head parser scans the caller's bytes and gives slices of them; nothing is copied or
 * allocated. It is strict where leniency is what request smuggling lives on: CRLF only, one space
 * between the parts of the request line, no white space before a colon, no folded lines, exactly
 * one Host, at most one Content-Length, never together with Transfer-Encoding, which can only be
 * "chunked".
 */
#ifndef HTTP_PARSE_H
#define HTTP_PARSE_H

#include "base/err.h"
#include "net/http/http_server.h"

#include <sys/types.h>

/* Why a request is refused: X(NAME, status, metric label, sentence for the client). */
#define HTTP_REFUSAL_TABLE(X)                                                                      \
    X(NONE, 200, "none", "")                                                                       \
    X(METHOD, 400, "method", "The method is not a token.")                                         \
    X(TARGET, 400, "target", "The request target is malformed.")                                   \
    X(VERSION, 400, "version", "The request line does not end in an HTTP version.")                \
    X(VERSION_UNSUPPORTED, 505, "version unsupported", "Only HTTP/1.0 and HTTP/1.1 are spoken.")   \
    X(LINE_END, 400, "line end", "A line of the head does not end in CR LF.")                      \
    X(HEADER_NAME, 400, "header name", "A header name is not a token followed by a colon.")        \
    X(HEADER_VALUE, 400, "header value", "A header value has a control character.")                \
    X(FOLDING, 400, "folding", "Folded header lines are not accepted.")                            \
    X(HOST, 400, "host", "The Host header is missing, repeated or malformed.")                     \
    X(HOST_MISMATCH, 400, "host mismatch", "The Host header differs from the request target.")     \
    X(CONTENT_LENGTH, 400, "content length", "The Content-Length header is malformed.")            \
    X(FRAMING, 400, "framing", "The headers contradict each other about the body's length.")       \
    X(CODING, 400, "coding", "The Transfer-Encoding header is malformed.")                         \
    X(CODING_UNSUPPORTED, 501, "coding unsupported", "The only transfer coding here is chunked.")  \
    X(TARGET_TOO_LONG, 414, "target too long", "The request target is too long.")                  \
    X(HEAD_TOO_LARGE, 431, "head too large", "The request head is larger than allowed.")           \
    X(HEADER_COUNT, 431, "header count", "The request has more headers than allowed.")             \
    X(CHUNK, 400, "chunk", "The chunked body is malformed.")                                       \
    X(BODY_TOO_LARGE, 413, "body too large", "The request body is larger than allowed.")           \
    X(EXPECT, 417, "expect", "The only expectation known here is 100-continue.")                   \
    X(HEAD_TIMEOUT, 408, "head timeout", "The request head did not arrive in time.")               \
    X(BODY_TIMEOUT, 408, "body timeout", "The request body stopped arriving.")                     \
    X(CONNECTIONS, 503, "connections", "This server has too many connections; try again later.")   \
    X(CONNECTIONS_PER_IP, 503, "connections per ip",                                               \
      "There are too many connections from your address.")

enum http_refusal {
#define HTTP_REFUSAL_ENUM(name, status, label, sentence) HTTP_REFUSAL_##name,
    HTTP_REFUSAL_TABLE(HTTP_REFUSAL_ENUM)
#undef HTTP_REFUSAL_ENUM
        HTTP_REFUSALS
};

struct http_refusal_info {
    int status;
    const char *label;
    const char *sentence;
};
const struct http_refusal_info *http_refusal_info(enum http_refusal why);

struct http_parse_limits {
    size_t max_bytes;        /* whole head with its empty line */
    size_t max_target_bytes; /* of the request target */
    size_t max_headers;      /* room in `headers` of http_parse_head */
};

enum http_expect { HTTP_EXPECT_NONE, HTTP_EXPECT_CONTINUE, HTTP_EXPECT_OTHER };

struct http_head {
    enum http_method method;
    struct bx_str method_name, target, path, query;
    struct bx_str authority; /* of an absolute-form target, else the Host header */
    struct bx_str raw_head;  /* header lines without the empty line behind them */
    size_t header_count;
    uint64_t content_length; /* 0 when absent */
    enum http_expect expect;
    bool is_http10;
    bool has_content_length;
    bool is_chunked;
    bool is_keep_alive;
    bool is_upgrade; /* Connection: upgrade, Upgrade present, HTTP/1.1, no body */
    enum http_refusal refusal;
};

/* Parses one head from the front of `in`. Returns its length in bytes (> 0; out and headers are
 * filled and borrow `in`; one empty line in front is skipped and counted), BX_E_TRUNCATED: a good
 * beginning, come back with more, or BX_E_INVALID with out->refusal set. */
ssize_t http_parse_head(struct bx_str in, const struct http_parse_limits *limits,
                        struct http_header *headers, struct http_head *out);

bool http_is_token(struct bx_str s);

/* --- chunked bodies (RFC 9112 section 7.1); extensions and trailers are checked and dropped --- */

struct http_chunked {
    uint8_t state;
    uint8_t digits;
    uint16_t extra_bytes; /* of extensions and trailers so far */
    uint64_t left;        /* of this chunk */
};

enum http_chunked_step {
    HTTP_CHUNKED_MORE, /* everything was consumed; feed more */
    HTTP_CHUNKED_DATA, /* *out_data is a piece of the body */
    HTTP_CHUNKED_DONE, /* the body is complete; what is left in *in is not its business */
};

void http_chunked_init(struct http_chunked *d);

/* Takes the next piece off *in; *out_data borrows from it. Call until MORE or DONE. BX_E_INVALID.
 */
int http_chunked_next(struct http_chunked *d, struct bx_str *in, struct bx_str *out_data);

#endif
