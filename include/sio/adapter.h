/* The adapter: where a namespace's broadcasts and cluster requests go besides this process. Without
 * one, everything is local. libsio always serves its own sockets itself; an adapter carries the
 * same operation to the other servers and calls the sio_adapter_local_* functions for what arrives
 * from them.
 */
#ifndef SIO_ADAPTER_H
#define SIO_ADAPTER_H

#include <sio/broadcast.h>
#include <sio/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* One broadcast or request, borrowed for the call. */
struct sio_adapter_packet {
    const char *name;
    struct sio_payload payload;
};

struct sio_adapter_ops {
    /* Other servers shall emit this to their part of target (never called for SIO_LOCAL). */
    int (*broadcast)(void *adapter, const struct sio_target *target,
                     const struct sio_adapter_packet *packet);
    /* The same with acknowledgements. Returns how many other servers were asked (0: none). For each
     * of them call sio_adapter_expect with the number of clients it asked, then sio_adapter_answer
     * for each answer; late ones do no harm. When the number is above 0 the collector stays valid
     * until you call sio_adapter_release, exactly once. */
    int (*broadcast_ack)(void *adapter, const struct sio_target *target,
                         const struct sio_adapter_packet *packet, uint32_t timeout_ms,
                         void *collector);
    /* Reports other servers' sockets through sio_adapter_found, then sio_adapter_found_all exactly
     * once, which uses the collector up (also when other servers do not answer: the time limit is
     * the adapter's). A negative number: local sockets only. */
    int (*fetch_sockets)(void *adapter, const struct sio_target *target, void *collector);
    int (*sockets_join)(void *adapter, const struct sio_target *target, const struct sio_str *rooms,
                        size_t count);
    int (*sockets_leave)(void *adapter, const struct sio_target *target,
                         const struct sio_str *rooms, size_t count);
    int (*disconnect_sockets)(void *adapter, const struct sio_target *target, bool close);
    /* The other servers shall call sio_adapter_local_server_side_emit. */
    int (*server_side_emit)(void *adapter, struct sio_namespace *ns,
                            const struct sio_adapter_packet *packet);
    /* The same with answers: returns how many other servers were asked; sio_adapter_answer for each
     * that answers; sio_adapter_release as for broadcast_ack. */
    int (*server_side_emit_ack)(void *adapter, struct sio_namespace *ns,
                                const struct sio_adapter_packet *packet, uint32_t timeout_ms,
                                void *collector);
    /* Room life, for adapters that subscribe per room. May be NULL. */
    void (*room_created)(void *adapter, struct sio_namespace *ns, struct sio_str room);
    void (*room_deleted)(void *adapter, struct sio_namespace *ns, struct sio_str room);
    void (*close)(void *adapter);
};

/* Before the first connection. ops is kept (static), adapter is taken and closed with the server.
 */
SIO_API void sio_set_adapter(struct sio_server *server, const struct sio_adapter_ops *ops,
                             void *adapter);

/* What arrived from another server: local delivery only. For the other operations use the
 * functions of broadcast.h with SIO_LOCAL in the target's flags. */
SIO_API int sio_adapter_local_broadcast(const struct sio_target *target,
                                        const struct sio_adapter_packet *packet);
/* on_answer NULL: none is wanted. Otherwise it is called exactly once, at once or later; ptr NULL:
 * nobody here answers. */
SIO_API void sio_adapter_local_server_side_emit(
    struct sio_namespace *ns, const struct sio_adapter_packet *packet,
    void (*on_answer)(struct sio_str first_argument_json, void *arg), void *arg);
SIO_API void sio_adapter_expect(void *collector, size_t clients);
SIO_API void sio_adapter_answer(void *collector, struct sio_str first_argument_json);
SIO_API void sio_adapter_release(void *collector); /* of broadcast_ack, server_side_emit_ack */
SIO_API void sio_adapter_found(void *collector, const struct sio_remote_socket *socket);
SIO_API void sio_adapter_found_all(void *collector);

#ifdef __cplusplus
}
#endif

#endif
