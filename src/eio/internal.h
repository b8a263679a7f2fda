/* Shared by the files of eio only. */
#ifndef EIO_INTERNAL_H
#define EIO_INTERNAL_H

#include "base/map.h"
#include "eio/eio.h"
#include "net/timer.h"
#include "net/ws/ws_conn.h"

enum eio_state { EIO_STATE_OPEN, EIO_STATE_CLOSING, EIO_STATE_CLOSED };

enum eio_metric {
    EIO_M_SESSIONS,
    EIO_M_OPENED,
    EIO_M_UPGRADES,
    EIO_M_PACKETS_IN,
    EIO_M_PACKETS_OUT,
    EIO_M_PING_TIMEOUTS,
    EIO_M_REFUSED_0, /* + enum eio_error */
    EIO_M_LIMIT_CONNECTIONS = EIO_M_REFUSED_0 + 6,
    EIO_M_LIMIT_PER_IP,
    EIO_M_LIMIT_RATE,
    EIO_M_LIMIT_PAYLOAD,
    EIO_M_LIMIT_QUEUE,
    EIO_M_COUNT,
};

struct eio_address { /* connections of one address; only kept while there are some */
    size_t count;
    char text[NET_ADDR_SIZE];
};

/* WebSocket connections of ended sessions that finish their closing handshake. Outlives the server
 * while there are some: their handler counts here. */
struct eio_closing {
    size_t count;
    bool is_orphan; /* the server was freed: the last connection frees this */
};

struct eio_server {
    struct net_loop *loop;
    struct eio_opts opts;
    const struct eio_handler *handler;
    void *arg;
    struct bx_map sessions;  /* by sid */
    struct bx_map addresses; /* eio_address by text, only with max_connections_per_ip */
    uint32_t sid_counter;
    uint8_t random[768]; /* drawn from the kernel in one go */
    size_t random_left;
    uint64_t rate_at_ms;  /* token bucket of handshakes */
    uint64_t rate_tokens; /* thousandths */
    uint32_t slack_ms;    /* of heartbeats */
    bool is_stopped;
    struct eio_closing *closing;
    struct ws_opts ws;
    struct bx_metric metrics[EIO_M_COUNT];
};

struct eio_session {
    struct eio_server *server;
    void *arg;
    struct ws_conn *ws;          /* transport websocket */
    struct eio_polling *polling; /* transport polling, and what goes with an upgrade */
    struct eio_address *address;
    struct net_timer heartbeat;
    char sid[EIO_SID_LEN];
    uint8_t state; /* enum eio_state */
    uint8_t protocol;
    bool is_b64; /* binary as base64 text, for this transport */
    bool is_waiting_pong;
    bool is_secure;
    bool is_overflowing; /* past the limit of its queue: ends with this turn */
    bool is_announced;   /* on_open was called, so on_close is owed */
    uint16_t url_len, address_len;
    uint32_t headers_len;
    int64_t issued_ms;
    char handshake[]; /* url, address, headers */
};

/* What a session needs while it polls. */
struct eio_polling {
    struct eio_session *session;
    struct http_exchange *get;
    struct http_exchange *post; /* its body is being read */
    struct eio_packet **queue;
    size_t queue_count, queue_cap, queue_bytes;
    struct net_flush_hook flush;
    struct ws_conn *probe;          /* websocket of an upgrade that is under way */
    struct net_timer upgrade_timer; /* for the upgrade to complete */
    struct net_timer noop_timer;    /* keeps GETs turning while the client waits to upgrade */
    struct net_timer close_timer;   /* closing, but no GET comes to be told */
    bool has_probed;
    bool is_probe_b64; /* of the upgrade: is_b64 of the coming transport */
    char jsonp[12];    /* of the GET that waits: digits; empty: not JSONP */
};

/* server.c */
void eio_refuse(struct eio_server *server, struct http_exchange *x, enum eio_error code,
                const char *message);
/* Decoded value of a query parameter, in the exchange's arena; false when absent. */
bool eio_query_get(struct http_exchange *x, struct bx_str name, struct bx_str *out);
bool eio_query_flag(struct http_exchange *x, struct bx_str name); /* "1" or "true" */

/* cors.c: false when the request was answered (preflight). */
bool eio_cors_apply(struct eio_server *server, struct http_exchange *x);
bool eio_cors_allows(const struct eio_server *server, struct bx_str origin);
void eio_cors_headers_text(const struct eio_server *server, const struct http_request *r,
                           struct bx_buf *out);

/* session.c */
struct eio_session *eio_session_new(struct eio_server *server, const struct http_request *r,
                                    int protocol);
void eio_session_opened(struct eio_session *s);
void eio_session_on_packet(struct eio_session *s, const struct eio_incoming *in);
/* The transport is gone or unusable: ends the session at once. */
void eio_session_end(struct eio_session *s, const char *reason);
void eio_session_write_open(struct eio_session *s);

/* polling.c */
void eio_polling_start(struct eio_session *s);
/* Answers what waits, stops timers, frees; the session has no polling afterwards. */
void eio_polling_free(struct eio_session *s);
void eio_polling_on_get(struct eio_session *s, struct http_exchange *x);
void eio_polling_on_post_head(struct eio_session *s, struct http_exchange *x);
void eio_polling_on_post(struct eio_session *s, struct http_exchange *x);
void eio_polling_on_post_too_large(struct eio_session *s, struct http_exchange *x);
void eio_polling_send(struct eio_session *s, struct eio_packet *p);
/* Answers a GET that waits for nothing, so that the client can go on with its upgrade. */
void eio_polling_noop(struct eio_polling *p);
void eio_polling_close(struct eio_session *s);

/* websocket.c */
void eio_websocket_open(struct eio_server *server, struct http_exchange *x, int protocol);
void eio_websocket_upgrade(struct eio_session *s, struct http_exchange *x);
void eio_websocket_send(struct eio_session *s, struct eio_packet *p);
/* Ends an upgrade that is under way (if any): stops its timers, closes its connection. */
void eio_websocket_cancel_upgrade(struct eio_polling *p);
/* Closes a connection that no session listens to any more. */
void eio_websocket_detach(struct eio_server *server, struct ws_conn *ws);

#endif
