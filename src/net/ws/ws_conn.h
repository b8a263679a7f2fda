/* WebSocket connections (RFC 6455), server and client, with permessage-deflate (RFC 7692).
 *
 * Receiving: frames are unmasked in place in the loop's receive buffer and whole unfragmented
 * messages are delivered from there without a copy; only a message that straddles reads or is
 * fragmented gets a buffer (capped, freed afterwards). Sending: the frame is built in the
 * connection's corked output. A frame for many recipients is encoded once with ws_frame_shared and
 * queued by reference.
 */
#ifndef WS_CONN_H
#define WS_CONN_H

#include "base/metrics.h"
#include "base/shared.h"
#include "net/http/http_server.h"
#include "net/tcp.h"

struct ws_conn;

enum ws_close_code {
    WS_CLOSE_NORMAL = 1000,
    WS_CLOSE_GOING_AWAY = 1001,
    WS_CLOSE_PROTOCOL = 1002,
    WS_CLOSE_UNSUPPORTED = 1003,
    WS_CLOSE_NO_STATUS = 1005, /* never on the wire: close frame without a body */
    WS_CLOSE_ABNORMAL = 1006,  /* never on the wire: the connection broke */
    WS_CLOSE_INVALID_UTF8 = 1007,
    WS_CLOSE_POLICY = 1008,
    WS_CLOSE_TOO_BIG = 1009,
    WS_CLOSE_INTERNAL = 1011,
};

/* All on the loop thread; each may close or free the connection's owner. */
struct ws_handler {
    /* One whole message; text is valid UTF-8. data is writable scratch, valid during the call. */
    void (*on_message)(struct ws_conn *ws, bool is_binary, uint8_t *data, size_t len, void *arg);
    /* The blocked output has drained. May be NULL. */
    void (*on_drain)(struct ws_conn *ws, void *arg);
    /* Exactly once, last call; memory goes at the end of the turn. code is what the peer's close
     * frame said (1005 without a body), or what we failed the connection with for a fault of the
     * peer (1002, 1007, 1009), or 1006 when it ended without the peer's close frame. reason is
     * borrowed for the call. */
    void (*on_close)(struct ws_conn *ws, uint16_t code, struct bx_str reason, void *arg);
};

struct ws_opts {
    size_t max_message_bytes; /* inflated too -> 1009; 0: 1 MiB; below 1 GiB */
    bool is_deflate;          /* offer/accept permessage-deflate */
    size_t deflate_threshold; /* smaller messages go uncompressed; 0: 1024 */
    int deflate_level;        /* 0: 3 */
    /* Allow the server's (the client's) compressor to keep its context between messages: costs the
     * compressing end about 260 KiB and the other 40 KiB per connection; default no. Without, an
     * idle connection holds no zlib memory. */
    bool is_server_takeover, is_client_takeover;
    uint8_t deflate_window_bits; /* 9..15; 0: 15 */
    uint32_t close_timeout_ms;   /* for the peer's close frame; 0: 5 s */
};

/* Server: checks the handshake of an upgrade request (version, key). BX_OK; BX_E_VERSION: version
 * is not 13 (answer 400 or 426 with Sec-WebSocket-Version: 13); BX_E_INVALID: not a WebSocket
 * handshake. Sends nothing. */
int ws_handshake_check(const struct http_request *r);

/* Server: takes the connection and writes the 101 (with extra_headers, "Name: value\r\n"... or
 * empty, and the first offered subprotocol when is_echo_protocol). Corked: what is sent in the same
 * turn leaves with it. Data that came behind the head is delivered before the end of this turn,
 * never inside this call. ws_handshake_check must have passed. */
struct ws_conn *ws_accept(struct http_exchange *x, const struct ws_opts *opts,
                          struct bx_str extra_headers, bool is_echo_protocol,
                          const struct ws_handler *handler, void *arg);

struct ws_connect_opts {
    const char *url;           /* ws:// or wss://, host[:port][/path[?query]] */
    const char *extra_headers; /* "Origin: ...\r\n" or NULL */
    struct net_tls_ctx *tls;   /* for wss; NULL: verifies with the system's store */
    uint32_t timeout_ms;       /* whole handshake; 0: 20 s */
    struct ws_opts ws;
};
/* Client: on_open once with rc, never before this returns; on failure ws is gone and on_close is
 * not called. rc: what net_tcp_connect gives, BX_E_TIMEOUT, BX_E_AUTH (401), BX_E_DENIED (403),
 * BX_E_NOT_FOUND (404), BX_E_RATE_LIMITED (429), BX_E_UNAVAILABLE (5xx), BX_E_INVALID (not a valid
 * WebSocket answer). ws_close or ws_abort before on_open cancel without any callback. Returns
 * BX_E_INVALID for a bad URL. */
int ws_connect(struct net_loop *loop, const struct ws_connect_opts *opts,
               const struct ws_handler *handler,
               void (*on_open)(struct ws_conn *ws, int rc, void *arg), void *arg,
               struct ws_conn **out);

void ws_set_handler(struct ws_conn *ws, const struct ws_handler *handler, void *arg);
void *ws_arg(const struct ws_conn *ws);
/* For queue length, back-pressure and fan-out. NULL once closed. */
struct net_tcp *ws_tcp(const struct ws_conn *ws);

/* One message; compressed when negotiated, is_compress and long enough. Copies. */
void ws_send(struct ws_conn *ws, bool is_binary, const void *ptr, size_t len, bool is_compress);
/* The same from two pieces (a prefix and a body), one frame. */
void ws_send2(struct ws_conn *ws, bool is_binary, struct bx_str head, struct bx_str body,
              bool is_compress);

/* Room to build a message of at most max_len bytes in place behind a reserved frame header;
 * ws_send_commit frames what was written, uncompressed (so ask ws_is_deflating first when that
 * matters). Never NULL, also on a closing connection, where commit does nothing. */
enum { WS_SEND_RESERVE_MAX = 30 << 10 };
uint8_t *ws_send_reserve(struct ws_conn *ws, size_t max_len);
void ws_send_commit(struct ws_conn *ws, bool is_binary, size_t len);

/* A server frame (unmasked, not compressed) for any number of connections; returns it with one
 * reference. */
struct bx_shared *ws_frame_shared(bool is_binary, struct bx_str head, struct bx_str body);
/* Queues such a frame by reference. Server role only; fine on deflating connections too (sent
 * uncompressed). */
void ws_send_frame(struct ws_conn *ws, struct bx_shared *frame);
bool ws_is_deflating(const struct ws_conn *ws);

void ws_ping(struct ws_conn *ws, struct bx_str payload);

/* Starts the closing handshake: pending output, close frame (code WS_CLOSE_NO_STATUS: empty body),
 * then waits for the peer's; on_close follows. Nothing is delivered any more. */
void ws_close(struct ws_conn *ws, uint16_t code, struct bx_str reason);
/* Cuts the connection; on_close(1006) follows before the end of this turn. */
void ws_abort(struct ws_conn *ws);

/* Adds the ws_* rows to a metrics set. */
void ws_metrics_register(struct bx_metrics *set);

#endif
