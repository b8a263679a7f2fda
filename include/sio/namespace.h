/* Namespaces: what happens when clients connect, which events they may send. Handlers belong to the
 * namespace, not to each socket: an idle socket costs no closure.
 */
#ifndef SIO_NAMESPACE_H
#define SIO_NAMESPACE_H

#include <sio/types.h>

#ifdef __cplusplus
extern "C" {
#endif

SIO_API struct sio_str sio_namespace_name(const struct sio_namespace *ns);
SIO_API struct sio_server *sio_namespace_server(const struct sio_namespace *ns);
SIO_API size_t sio_namespace_count(const struct sio_namespace *ns); /* connected sockets */

/* A socket has connected: the client has been told before, so emitting and joining is fine. */
SIO_API void sio_on_connection(struct sio_namespace *ns,
                               void (*fn)(struct sio_socket *socket, void *arg), void *arg);

/* Reasons, as Socket.IO names them: "transport error", "transport close", "forced close", "ping
 * timeout", "parse error", "server shutting down", "forced server close", "client namespace
 * disconnect", "server namespace disconnect". disconnecting: rooms are still there. disconnect:
 * they are left; the socket's memory goes after this call. */
SIO_API void sio_on_disconnecting(struct sio_namespace *ns,
                                  void (*fn)(struct sio_socket *socket, const char *reason,
                                             void *arg),
                                  void *arg);
SIO_API void sio_on_disconnect(struct sio_namespace *ns,
                               void (*fn)(struct sio_socket *socket, const char *reason, void *arg),
                               void *arg);

struct sio_event {
    struct sio_str
        name; /* as the client sent it, JSON escapes decoded; an integer name as its digits */
    struct sio_payload payload; /* borrowed for the call */
    struct sio_ack *ack;        /* NULL when the client wants none; see ack.h */
};

/* A client's event. Several handlers of one name run in order of registration. name NULL: events
 * without a handler of their own. */
SIO_API void sio_on(struct sio_namespace *ns, const char *name,
                    void (*fn)(struct sio_socket *socket, const struct sio_event *event, void *arg),
                    void *arg);

/* Sees every incoming event before its handlers. */
SIO_API void sio_on_any(struct sio_namespace *ns,
                        void (*fn)(struct sio_socket *socket, const struct sio_event *event,
                                   void *arg),
                        void *arg);

/* Event middleware: returns NULL to let the event pass, or a static message: the event is dropped
 * and on_error told. */
SIO_API void sio_use_event(struct sio_namespace *ns,
                           const char *(*fn)(struct sio_socket *socket,
                                             const struct sio_event *event, void *arg),
                           void *arg);
SIO_API void sio_on_error(struct sio_namespace *ns,
                          void (*fn)(struct sio_socket *socket, const char *message, void *arg),
                          void *arg);

/* Connection middlewares run in order of registration before a socket is connected. Each must call
 * exactly one of the two on its `next`, now or later (any time; when the client has left meanwhile
 * they do nothing but free it). */
struct sio_next;
SIO_API void sio_use(struct sio_namespace *ns,
                     void (*fn)(struct sio_socket *socket, struct sio_next *next, void *arg),
                     void *arg);
SIO_API void sio_next_ok(struct sio_next *next);
/* The client gets connect_error with this message and, when data is not empty, err.data (JSON
 * text). */
SIO_API void sio_next_refuse(struct sio_next *next, const char *message, struct sio_str data_json);

/* Calls fn for every connected socket; fn may disconnect the one it is given. */
SIO_API void sio_namespace_each(struct sio_namespace *ns,
                                void (*fn)(struct sio_socket *socket, void *arg), void *arg);

/* NULL when there is none. */
SIO_API struct sio_socket *sio_namespace_find(struct sio_namespace *ns, struct sio_str socket_id);

#ifdef __cplusplus
}
#endif

#endif
