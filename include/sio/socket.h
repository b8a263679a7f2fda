/* One client in one namespace. A pointer is valid until the disconnect handlers have returned; keep
 * the id, or take a reference, to hold on to it longer.
 */
#ifndef SIO_SOCKET_H
#define SIO_SOCKET_H

#include <sio/types.h>

#ifdef __cplusplus
extern "C" {
#endif

SIO_API struct sio_str sio_socket_id(const struct sio_socket *socket);
SIO_API struct sio_namespace *sio_socket_namespace(const struct sio_socket *socket);
SIO_API bool sio_socket_is_connected(const struct sio_socket *socket);
SIO_API bool sio_socket_is_recovered(
    const struct sio_socket *socket); /* state of an earlier connection was restored */
SIO_API const char *
sio_socket_transport(const struct sio_socket *socket); /* "polling" or "websocket", now */
SIO_API int sio_socket_protocol(const struct sio_socket *socket); /* Engine.IO 3 or 4 */

/* Keeps the memory (not the connection) alive. */
SIO_API struct sio_socket *sio_socket_ref(struct sio_socket *socket);
SIO_API void sio_socket_unref(struct sio_socket *socket);

/* The handshake, all borrowed from the socket. */
struct sio_handshake {
    struct sio_str url;     /* "/socket.io/?EIO=4&transport=websocket" */
    struct sio_str query;   /* behind '?', not decoded */
    struct sio_str headers; /* header lines as sent, CRLF between */
    struct sio_str auth;    /* JSON of the CONNECT packet, "{}" when there was none */
    struct sio_str address; /* "127.0.0.1" */
    int64_t issued_ms;      /* since 1970 */
    bool is_secure;
};
SIO_API void sio_socket_handshake(const struct sio_socket *socket, struct sio_handshake *out);
/* One header of it; empty slice when absent. */
SIO_API struct sio_str sio_socket_header(const struct sio_socket *socket, const char *name);
/* One query parameter, decoded into buf; its length, or SIO_E_NOT_FOUND, SIO_E_TOO_BIG. */
SIO_API int sio_socket_query(const struct sio_socket *socket, const char *name, char *buf,
                             size_t size);

/* Your pointer. destroy (may be NULL) is called when the socket's memory goes or another pointer is
 * set. */
SIO_API void sio_socket_set_data(struct sio_socket *socket, void *data,
                                 void (*destroy)(void *data));
SIO_API void *sio_socket_data(const struct sio_socket *socket);
/* JSON data: what other servers see in fetchSockets and what recovery restores. Copied. Default
 * "{}". */
SIO_API void sio_socket_set_data_json(struct sio_socket *socket, struct sio_str json);
SIO_API struct sio_str sio_socket_data_json(const struct sio_socket *socket);

/* Rooms. Every socket is in the room of its own id. SIO_E_FULL, SIO_E_CLOSED (no-op after
 * disconnect). A middleware takes a recovered socket out of rooms that it may not hear any more
 * with sio_leave: then it is not sent what it missed there. */
SIO_API int sio_join(struct sio_socket *socket, struct sio_str room);
SIO_API int sio_leave(struct sio_socket *socket, struct sio_str room);
SIO_API bool sio_socket_is_in(const struct sio_socket *socket, struct sio_str room);
SIO_API void sio_socket_each_room(struct sio_socket *socket,
                                  void (*fn)(struct sio_str room, void *arg), void *arg);

enum sio_flags {
    SIO_VOLATILE = 1,    /* dropped when the client cannot take it right now */
    SIO_NO_COMPRESS = 2, /* not compressed, whatever was negotiated */
    SIO_LOCAL = 4,       /* broadcasts: not to other servers */
};

/* Sends an event to this client. SIO_E_CLOSED, SIO_E_INVALID (reserved name, arguments are not
 * JSON, attachment count). */
SIO_API int sio_emit(struct sio_socket *socket, const char *name, struct sio_payload payload,
                     unsigned flags);

/* The same and asks for an acknowledgement. on_ack is called exactly once: rc 0 with the answer
 * (borrowed), SIO_E_TIMEOUT, or SIO_E_CLOSED when the client left first. timeout_ms 0: no timeout.
 * SIO_E_FULL: too many are pending. */
SIO_API int sio_emit_ack(struct sio_socket *socket, const char *name, struct sio_payload payload,
                         uint32_t timeout_ms,
                         void (*on_ack)(struct sio_socket *socket, int rc,
                                        struct sio_payload answer, void *arg),
                         void *arg);

/* Leaves the namespace; close: closes the whole connection under it. */
SIO_API void sio_disconnect(struct sio_socket *socket, bool close);
/* Closes the connection without a Socket.IO packet (the client sees "transport close"). */
SIO_API void sio_drop(struct sio_socket *socket);

#ifdef __cplusplus
}
#endif

#endif
