/* Engine.IO server: sessions that carry messages over polling or WebSocket. All on the loop thread.
 */
#ifndef EIO_EIO_H
#define EIO_EIO_H

#include "base/metrics.h"
#include "eio/packet.h"
#include "net/http/http_server.h"

struct eio_server;
struct eio_session;

enum { EIO_SID_LEN = 20 };

enum eio_error {
    EIO_TRANSPORT_UNKNOWN,
    EIO_SID_UNKNOWN,
    EIO_BAD_METHOD,
    EIO_BAD_REQUEST,
    EIO_FORBIDDEN,
    EIO_UNSUPPORTED_VERSION,
};

struct eio_handler {
    /* A new session; packets sent here leave behind the open packet in the same answer. */
    void (*on_open)(struct eio_session *s, void *arg);
    /* data is writable scratch, valid during the call. */
    void (*on_message)(struct eio_session *s, bool is_binary, uint8_t *data, size_t len, void *arg);
    /* Exactly once, last; memory goes at the end of the turn. reason is one of Socket.IO's words.
     */
    void (*on_close)(struct eio_session *s, const char *reason, void *arg);
    /* The session has moved from polling to WebSocket. May be NULL. */
    void (*on_upgrade)(struct eio_session *s, void *arg);
    /* false: 403 with *out_message. May be NULL. */
    bool (*allow_request)(const struct http_request *r, const char **out_message, void *arg);
    /* A refused request. May be NULL. */
    void (*on_error)(enum eio_error code, const char *message, const char *peer, void *arg);
};

struct eio_opts { /* every field is set: no defaults at this level */
    bool allow_polling, allow_websocket, allow_upgrades, allow_eio3;
    uint32_t ping_interval_ms, ping_timeout_ms, upgrade_timeout_ms;
    uint32_t close_timeout_ms; /* for a polling client to fetch the close packet */
    size_t max_payload_bytes;
    bool is_deflate;
    const char *cors_origins, *cors_allowed_headers, *cors_exposed_headers; /* kept */
    bool cors_credentials, cors_guards_websocket;
    uint32_t cors_max_age_s;
    const char *cookie_name, *cookie_attributes; /* kept */
    size_t max_connections, max_connections_per_ip, max_send_queue_bytes;
    uint32_t max_handshakes_per_s;
    bool is_slow_drop; /* SIO_SLOW_DROP */
};

/* opts are copied. */
int eio_server_new(struct net_loop *loop, const struct eio_opts *opts,
                   const struct eio_handler *handler, void *arg, struct eio_server **out);
void eio_server_free(struct eio_server *server); /* no session left */
/* New sessions are refused with 503 from now on. */
void eio_server_stop(struct eio_server *server);
void eio_server_each(struct eio_server *server, void (*fn)(struct eio_session *s, void *arg),
                     void *arg);
size_t eio_server_count(const struct eio_server *server);
/* Sessions, and WebSocket connections of ended sessions that still close. */
size_t eio_server_pending(const struct eio_server *server);
void eio_server_register_metrics(struct eio_server *server, struct bx_metrics *set);
struct net_loop *eio_server_loop(const struct eio_server *server);

/* A request of ours: when its head is there (sets the body cap, notes overlapping POSTs) and when
 * it is whole. */
void eio_server_on_head(struct eio_server *server, struct http_exchange *x, size_t *out_max_body);
void eio_server_on_request(struct eio_server *server, struct http_exchange *x);
/* Its body is larger than allowed: answers. */
void eio_server_on_too_large(struct eio_server *server, struct http_exchange *x);
/* CORS headers for answers of the same origin rules outside of Engine.IO (the client bundle). */
void eio_server_add_cors(struct eio_server *server, struct http_exchange *x);

/* --- sessions --- */

struct eio_handshake {
    struct bx_str url, query, headers, address;
    int64_t issued_ms;
    bool is_secure;
};

struct bx_str eio_session_sid(const struct eio_session *s);
int eio_session_protocol(const struct eio_session *s);
bool eio_session_is_websocket(const struct eio_session *s);
void eio_session_handshake(const struct eio_session *s, struct eio_handshake *out);
void eio_session_set_arg(struct eio_session *s, void *arg);
void *eio_session_arg(const struct eio_session *s);
struct eio_server *eio_session_server(const struct eio_session *s);
bool eio_session_is_open(const struct eio_session *s);

/* Queues a packet by reference. */
void eio_session_send(struct eio_session *s, struct eio_packet *p);
/* A message for this session alone: head and body one behind the other. */
void eio_session_send_message(struct eio_session *s, bool is_binary, struct bx_str head,
                              struct bx_str body, bool is_compress);
/* Builds a text message in place (at most 30 KiB): NULL when the transport cannot (then use
 * _send_message). */
uint8_t *eio_session_reserve(struct eio_session *s, size_t max_len);
void eio_session_commit(struct eio_session *s, size_t len);

/* The client can take a message right now (volatile). */
bool eio_session_is_writable(const struct eio_session *s);

/* The plain WebSocket connection under an open session that takes shared frames as they are
 * (eio_packet_frame), for fan-out; NULL when it is not such a one. Changes only at on_upgrade and
 * close. */
struct net_tcp *eio_session_fan_out(const struct eio_session *s);
/* Bytes of output that wait for the client. */
size_t eio_session_queued(const struct eio_session *s);
/* To be asked when output was queued on the connection directly: applies the limit of the send
 * queue. */
void eio_session_check_queue(struct eio_session *s, size_t queued);

/* Closes: what is queued still goes out; on_close("forced close" unless reason says otherwise)
 * follows within this call's turn. reason NULL: "forced close". */
void eio_session_close(struct eio_session *s, const char *reason);
/* Ends it now, whatever is still queued (fits eio_server_each). */
void eio_session_abandon(struct eio_session *s, void *arg);
/* Ends a session that misbehaved: "parse error". */
void eio_session_fail(struct eio_session *s, const char *reason);

#endif
