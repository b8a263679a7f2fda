/* Emitting to many: all of a namespace, the union of rooms, minus rooms; each socket at most once.
 */
#ifndef SIO_BROADCAST_H
#define SIO_BROADCAST_H

#include <sio/namespace.h>
#include <sio/socket.h>
#include <sio/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Who. Built on the stack; slices are borrowed for the call. A room is a name or a socket id. */
struct sio_target {
    struct sio_namespace *ns;
    const struct sio_str *rooms; /* none: everyone */
    size_t room_count;
    const struct sio_str *except; /* rooms or ids */
    size_t except_count;
    unsigned flags; /* enum sio_flags */
};

/* Event to everyone in target. The packet is encoded once; consecutive broadcasts of one loop turn
 * to the same single room leave in one write per socket. SIO_E_INVALID as in sio_emit. */
SIO_API int sio_broadcast(const struct sio_target *target, const char *name,
                          struct sio_payload payload);

/* To one room, which is most of what servers do. */
SIO_API int sio_broadcast_room(struct sio_namespace *ns, struct sio_str room, const char *name,
                               struct sio_payload payload);

struct sio_responses {
    const struct sio_str
        *answers; /* JSON of each client's first argument, "null" without one; borrowed */
    size_t count;
    size_t expected; /* clients that were asked */
};

/* Event that every client acknowledges. on_done once, after this call has returned: rc 0 when all
 * have, SIO_E_TIMEOUT with those that have until then (timeout_ms 0: 5000). Clients that leave
 * meanwhile are not waited for. Of the flags SIO_LOCAL counts. SIO_E_UNSUPPORTED on the parent of a
 * dynamic family, SIO_E_INVALID as in sio_emit. */
SIO_API int sio_broadcast_ack(const struct sio_target *target, const char *name,
                              struct sio_payload payload, uint32_t timeout_ms,
                              void (*on_done)(int rc, const struct sio_responses *responses,
                                              void *arg),
                              void *arg);

/* A socket of this server or of another one behind the adapter. */
struct sio_remote_socket {
    struct sio_str id;
    struct sio_str data_json;
    const struct sio_str *rooms;
    size_t room_count;
    struct sio_str handshake_json;
    struct sio_socket *local; /* NULL when it lives on another server */
};

/* All matching sockets of all servers; on_done once, later in this turn or after the others have
 * answered. SIO_E_UNSUPPORTED on the parent of a dynamic family. */
SIO_API int sio_fetch_sockets(const struct sio_target *target,
                              void (*on_done)(int rc, const struct sio_remote_socket *sockets,
                                              size_t count, void *arg),
                              void *arg);
SIO_API int sio_sockets_join(const struct sio_target *target, const struct sio_str *rooms,
                             size_t count);
SIO_API int sio_sockets_leave(const struct sio_target *target, const struct sio_str *rooms,
                              size_t count);
SIO_API int sio_disconnect_sockets(const struct sio_target *target, bool close);

/* Events between the servers behind the adapter, not to clients: this one sends, the others'
 * sio_on_server_side hear. SIO_E_UNSUPPORTED: no adapter that carries them, or the parent of a
 * dynamic family; SIO_E_INVALID as in sio_emit. */
SIO_API int sio_server_side_emit(struct sio_namespace *ns, const char *name,
                                 struct sio_payload payload);
/* The same; on_done once, as in sio_broadcast_ack, with one answer of each other server. */
SIO_API int sio_server_side_emit_ack(
    struct sio_namespace *ns, const char *name, struct sio_payload payload, uint32_t timeout_ms,
    void (*on_done)(int rc, const struct sio_responses *responses, void *arg), void *arg);
/* name NULL: those without a handler of their own. event->ack is answered as a client's is. */
SIO_API void sio_on_server_side(struct sio_namespace *ns, const char *name,
                                void (*fn)(struct sio_namespace *ns, const struct sio_event *event,
                                           void *arg),
                                void *arg);

#ifdef __cplusplus
}
#endif

#endif
