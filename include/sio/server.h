/* sio_server: options, listening, running, closing. */
#ifndef SIO_SERVER_H
#define SIO_SERVER_H

#include <sio/types.h>

#ifdef __cplusplus
extern "C" {
#endif

enum sio_transports { SIO_POLLING = 1, SIO_WEBSOCKET = 2 };

/* What happens to a socket whose unsent output passes max_send_queue_bytes. */
enum sio_slow_policy {
    SIO_SLOW_DISCONNECT, /* close it: "transport close"; it reconnects and recovers or reloads
                            (default) */
    SIO_SLOW_DROP, /* broadcasts skip it until it has caught up; direct emits still disconnect at
                      twice the limit */
};

/* Zero means the default that the comment gives. Strings are copied. */
struct sio_server_opts {
    const char *path;              /* "/socket.io/"; everything that starts with it is ours */
    unsigned transports;           /* SIO_POLLING | SIO_WEBSOCKET */
    bool is_upgrade_off;           /* do not offer the upgrade from polling */
    bool allow_eio3;               /* Socket.IO 2.x clients (Engine.IO v3) */
    bool use_msgpack;              /* socket.io-msgpack-parser instead of the default parser */
    uint32_t ping_interval_ms;     /* 25000 */
    uint32_t ping_timeout_ms;      /* 20000 */
    uint32_t upgrade_timeout_ms;   /* 10000 */
    uint32_t connect_timeout_ms;   /* 45000: for the first namespace */
    size_t max_payload_bytes;      /* 1000000: one POST body, one WebSocket message */
    bool per_message_deflate;      /* off */
    size_t http_compression_bytes; /* 1024: polling answers from here on are gzipped when accepted;
                                      SIZE_MAX: never */

    /* Cross-origin requests (polling). NULL: no CORS headers. "*", or a comma-separated list of
     * origins. */
    const char *cors_origins;
    bool cors_credentials;
    const char *cors_allowed_headers; /* NULL: what the preflight asks for */
    const char *cors_exposed_headers;
    uint32_t cors_max_age_s;
    bool cors_guards_websocket; /* refuse upgrades from origins that are not listed */

    /* Sticky-session cookie on the polling handshake; NULL: none. The value is the engine id. */
    const char *cookie_name;
    const char *cookie_attributes; /* "Path=/; HttpOnly; SameSite=Lax" */

    /* Connection state recovery; 0: off. How long a cut connection's rooms and missed packets are
     * kept. */
    uint32_t recovery_ms;
    bool recovery_runs_middlewares; /* default: a recovered socket skips them */
    size_t recovery_max_packets;    /* 10000 per namespace; the oldest go first */

    /* Limits; what an exceeded one answers stands behind it. Each has a counter
     * sio_limit_exceeded_total{limit=…}. */
    size_t max_connections;               /* 100000: handshake answered 503 */
    size_t max_connections_per_ip;        /* none: 503 */
    uint32_t max_handshakes_per_s;        /* none: 503 with Retry-After */
    size_t max_rooms_per_socket;          /* 1000: join returns SIO_E_FULL */
    size_t max_namespaces_per_connection; /* 64: connect_error */
    size_t max_attachments;               /* 10 per packet: connection closed, "parse error" */
    size_t max_attachment_bytes;          /* 10 * max_payload_bytes in total per packet: closed */
    size_t max_pending_acks;     /* 1000 unacknowledged server events per socket: emit_ack returns
                                    SIO_E_FULL */
    size_t max_send_queue_bytes; /* 16 MiB: see slow_policy */
    enum sio_slow_policy slow_policy;

    /* The browser's client: a directory with the files of socket.io-client's dist, read once and
     * served below path as "socket.io.js", "socket.io.min.js" and so on; NULL: not served. */
    const char *client_dir;

    /* Standalone HTTP around it: /health, /metrics and, when set, files of a directory under / . */
    const char *static_dir;
    const char *tls_cert, *tls_key; /* PEM files; NULL: plain */
    bool use_io_uring;              /* fan-out through io_uring where the kernel has it */

    /* Decides about every new session before anything else; false: 403 with the message (borrowed,
     * static). May be NULL. */
    bool (*allow_request)(struct sio_str path, struct sio_str query, struct sio_str headers,
                          const char *address, const char **out_message, void *arg);
    /* Tells about every refused HTTP request: Engine.IO error code and message. May be NULL. */
    void (*on_connection_error)(int code, const char *message, const char *address, void *arg);
    void *arg; /* of both */
};

/* Returns a server of your own (sio_server_free). SIO_E_INVALID: an option is out of range.
 * SIO_E_NOT_FOUND: client_dir has no client. opts may be NULL. */
SIO_API int sio_server_new(const struct sio_server_opts *opts, struct sio_server **out);

/* Starts listening; may be called several times. port 0: any free one; *out_port (may be NULL) is
 * the one taken. SIO_E_EXISTS: in use. SIO_E_DENIED. SIO_E_INVALID: not an address.
 * SIO_E_NOT_FOUND: a TLS file cannot be read. */
SIO_API int sio_server_listen(struct sio_server *server, const char *host, uint16_t port,
                              uint16_t *out_port);

/* Runs the loop on this thread until the server is closed. */
SIO_API void sio_server_run(struct sio_server *server);

/* Graceful end, any thread or signal handler context through sio_server_close_on_signals: stops
 * accepting, disconnects every socket ("server shutting down"), lets output drain for at most
 * grace_ms, then sio_server_run returns. */
SIO_API void sio_server_close(struct sio_server *server, uint32_t grace_ms);
SIO_API void sio_server_close_on_signals(struct sio_server *server,
                                         uint32_t grace_ms); /* SIGINT, SIGTERM */

/* After sio_server_run returned. */
SIO_API void sio_server_free(struct sio_server *server);

/* The namespace of that name, created on first use ("/" and "/chat"). Never NULL. */
SIO_API struct sio_namespace *sio_of(struct sio_server *server, const char *name);

/* A family of namespaces that come into being when a client connects to one for which match returns
 * true. Handlers and middlewares set on the returned parent hold for every child; emitting to it
 * reaches all children. Children that have become empty are removed when is_cleanup. */
SIO_API struct sio_namespace *sio_of_dynamic(struct sio_server *server,
                                             bool (*match)(struct sio_str name, void *arg),
                                             void *arg, bool is_cleanup);

/* Called on the server's thread in delay_ms. Any thread when delay_ms is 0. */
SIO_API void sio_server_call(struct sio_server *server, uint32_t delay_ms, void (*fn)(void *arg),
                             void *arg);

/* Number of Engine.IO sessions now. */
SIO_API size_t sio_server_clients(const struct sio_server *server);

/* Prometheus text of this server's metrics into buf; the length, or SIO_E_TOO_BIG. */
SIO_API int sio_server_metrics(struct sio_server *server, char *buf, size_t size);

#ifdef __cplusplus
}
#endif

#endif
