/* How libsio hangs together.
 *
 *   sio_server ── eio_server ── eio_session (connection) ── sio_client ── sio_socket
 *       │                                                   (the connection in a namespace)
 *       └── sio_namespace ── rooms: dense arrays of members
 *
 * A room's member holds the socket and, while it can take shared frames as they are, its TCP
 * connection: a fan-out is a walk over one array. All sockets of a namespace are members of its
 * room `everyone`.
 */
#ifndef SIO_INTERNAL_H
#define SIO_INTERNAL_H

#include "base/list.h"
#include "base/map.h"
#include "base/metrics.h"
#include "eio/eio.h"
#include "net/timer.h"
#include "sio/embed.h"
#include "sio/packet.h"

#include <sio/sio.h>

enum sio_metric {
    SIO_M_SOCKETS,
    SIO_M_EVENTS_IN,
    SIO_M_BROADCASTS,
    SIO_M_DELIVERIES,
    SIO_M_RECOVERED,
    SIO_M_PARSE_ERRORS,
    SIO_M_LIMIT_ROOMS,
    SIO_M_LIMIT_NAMESPACES,
    SIO_M_LIMIT_ATTACHMENTS,
    SIO_M_LIMIT_ATTACHMENT_BYTES,
    SIO_M_LIMIT_ACKS,
    SIO_M_LIMIT_CONNECT_TIMEOUT,
    SIO_M_LIMIT_RECOVERY,
    SIO_M_SKIPPED_SLOW,
    SIO_M_COUNT,
};

struct sio_batch {         /* broadcasts to one room that wait to leave in one write per socket */
    struct sio_room *room; /* NULL: nothing waits */
    struct eio_packet **packets;
    size_t count, cap, bytes;
    struct net_flush_hook hook;
    /* waiting for more, see batch.c */
    struct net_hold hold;
    size_t held_count;                  /* broadcasts when the wait began */
    uint64_t walk_end_ns, walk_took_ns; /* the last walk over a large room */
    unsigned vain, skips; /* waits in a row that brought nothing; walks until the next */
};

struct sio_server {
    struct net_loop *loop;
    bool owns_loop, is_closing;
    struct sio_server_opts opts; /* strings owned */
    struct eio_server *eio;
    struct http_server *http; /* standalone */
    struct http_static *files;
    struct http_static *client; /* the browser's client; NULL: not served */
    struct http_static_file *client_files;
    size_t client_count;
    struct net_tls_ctx *tls;
    struct bx_map namespaces;      /* sio_namespace by name */
    struct sio_namespace *parents; /* dynamic families, linked by next_parent */
    struct bx_buf scratch;         /* the packet being encoded */
    struct sio_batch batch;
    const struct sio_adapter_ops *adapter_ops;
    void *adapter;
    struct net_timer grace;
    uint64_t drain_until_ms;
    uint32_t signal_grace_ms;
    void (*on_closed)(void *arg);
    void *on_closed_arg;
    struct bx_str event_text; /* of the event being dispatched: its JSON is known to be valid */
    struct bx_metric metrics[SIO_M_COUNT];
    struct bx_metrics metric_set;
    uint8_t random[1020]; /* for socket ids, drawn from the kernel in one go */
    size_t random_left;
    struct bx_list calls; /* sio_server_call that are due later */
};

struct saved; /* recovery.c */

struct sio_member {
    struct sio_socket *socket;
    struct net_tcp *tcp; /* takes shared frames; NULL: send through the session */
    uint32_t slot;       /* index in the socket's memberships */
};

struct sio_room {
    struct sio_namespace *ns;
    struct sio_member *members;
    uint32_t count, cap;
    uint32_t name_len;
    char name[];
};

struct sio_membership {
    struct sio_room *room;
    uint32_t index; /* in room->members */
};

enum sio_callback_kind {
    SIO_CB_CONNECTION,
    SIO_CB_DISCONNECTING,
    SIO_CB_DISCONNECT,
    SIO_CB_ANY,
    SIO_CB_ERROR,
    SIO_CB_USE,
    SIO_CB_USE_EVENT,
    SIO_CB_EVENT,
    SIO_CB_SERVER_SIDE
};

union sio_callback_fn {
    void (*connection)(struct sio_socket *socket, void *arg);
    void (*reason)(struct sio_socket *socket, const char *reason, void *arg);
    void (*event)(struct sio_socket *socket, const struct sio_event *event, void *arg);
    void (*use)(struct sio_socket *socket, struct sio_next *next, void *arg);
    void (*server_side)(struct sio_namespace *ns, const struct sio_event *event, void *arg);
    const char *(*use_event)(struct sio_socket *socket, const struct sio_event *event, void *arg);
};

struct sio_callback {
    enum sio_callback_kind kind;
    char *name; /* EVENT, SERVER_SIDE: NULL for all without a handler of their own */
    union sio_callback_fn fn;
    void *arg;
};

struct sio_hooks { /* shared by the children of a dynamic family */
    struct sio_callback *items;
    size_t count;
};

struct sio_namespace {
    struct sio_server *server;
    char *name;
    struct sio_hooks *hooks;
    struct sio_namespace *parent; /* dynamic family of a child */
    bool owns_hooks;
    bool (*match)(struct sio_str name, void *arg); /* set: this is a dynamic family */
    void *match_arg;
    bool is_cleanup;
    bool removal_due; /* looked at again at the end of the turn */
    struct sio_namespace *next_parent;
    struct bx_map sockets; /* connected, by id */
    struct bx_map rooms;
    struct sio_room *everyone;
    uint64_t mark; /* generation for "each socket once" */
    uint64_t next_ack_id;
    size_t connecting;
    struct sio_recovery *recovery;
};

struct sio_client {
    struct sio_server *server;
    struct eio_session *session;
    struct sio_socket **sockets;
    uint32_t socket_count;
    bool had_namespace;
    struct net_timer *connect_timer; /* until the first namespace */
    struct sio_partial *partial;     /* a binary packet whose attachments are still coming */
};

enum sio_socket_state { SIO_CONNECTING, SIO_CONNECTED, SIO_GONE };

struct sio_socket {
    uint32_t refs;
    uint8_t state; /* enum sio_socket_state */
    bool is_recovered;
    bool is_leaving; /* its disconnecting handlers have been called */
    struct sio_namespace *ns;
    struct sio_client *client;          /* NULL once gone */
    struct sio_membership *memberships; /* [0] is everyone */
    uint32_t membership_count, membership_cap;
    uint64_t mark;
    void *data;
    void (*destroy)(void *data);
    char *data_json;       /* NULL: {} */
    char *auth;            /* NULL: {} */
    char *pid;             /* private id of connection state recovery */
    struct saved *restore; /* between recognition and the CONNECT answer */
    uint64_t restore_after;
    struct bx_list *acks; /* pending acknowledgements, allocated with the first */
    uint32_t ack_count;
    uint32_t id_len;
    char id[];
};

static inline struct bx_str sio_in(struct sio_str s)
{
    return bx_str_n(s.ptr, s.len);
}

static inline struct sio_str sio_out(struct bx_str s)
{
    return (struct sio_str){s.ptr, s.len};
}

static inline struct bx_str sio_name(const struct sio_namespace *ns)
{
    return bx_str(ns->name);
}

static inline void sio_count(struct sio_server *server, enum sio_metric m, int64_t n)
{
    bx_metric_add(&server->metrics[m], n);
}

/* server.c */
struct sio_namespace *sio_namespace_for(struct sio_server *server,
                                        struct bx_str name); /* static or dynamic; NULL: unknown */
extern const struct eio_handler sio_eio_handler;
/* The Engine.IO part of complete options. */
struct eio_opts eio_opts_of(const struct sio_server_opts *o);

/* bundle.c: opts.client_dir; SIO_E_NOT_FOUND when it has no client. */
int sio_bundle_open(struct sio_server *server);
void sio_bundle_close(struct sio_server *server);
/* Answers a request for the client and returns true; false: not answered. */
bool sio_bundle_serve(struct sio_server *server, struct http_exchange *x);

/* namespace.c */
struct sio_namespace *sio_namespace_new(struct sio_server *server, struct bx_str name,
                                        struct sio_namespace *parent);
void sio_namespace_free(struct sio_namespace *ns);
void sio_namespace_maybe_remove(struct sio_namespace *ns);
void sio_namespace_remove_due(void *ptr);
/* Runs the middlewares, then connects or refuses. */
void sio_namespace_connect(struct sio_namespace *ns, struct sio_socket *socket);
void sio_dispatch_event(struct sio_socket *socket, const struct sio_event *event);
void sio_dispatch_server_side(struct sio_namespace *ns, const struct sio_event *event);
void sio_call_reason(struct sio_socket *socket, enum sio_callback_kind kind, const char *reason);

/* client.c */
void sio_client_add(struct sio_client *c, struct sio_socket *socket);
void sio_client_remove(struct sio_client *c, struct sio_socket *socket);
void sio_client_send_text(struct sio_client *c, struct bx_str text);
/* Closes the connection: every socket sees reason. */
void sio_client_close(struct sio_client *c, const char *reason);

/* socket.c */
struct sio_socket *sio_socket_new(struct sio_client *c, struct sio_namespace *ns,
                                  struct bx_str auth);
void sio_socket_connected(
    struct sio_socket *s); /* registers, tells the client, calls the handlers */
void sio_socket_refuse(struct sio_socket *s, const char *message, struct bx_str data_json);
/* Ends a socket: disconnecting, leaves rooms, disconnect, drops the namespace's reference. */
void sio_socket_end(struct sio_socket *s, const char *reason);
void sio_socket_transport_changed(struct sio_socket *s);

/* ack.c */
struct sio_ack {
    struct sio_asker *asker;   /* another server; NULL: a client */
    struct sio_socket *socket; /* kept acks hold a reference */
    struct bx_str id;
    bool is_sent, is_kept;
    char id_text[24];
};
void sio_ack_on_answer(struct sio_socket *s, struct bx_str id, struct sio_payload answer);
void sio_acks_cancel(struct sio_socket *s);

/* server_side.c: another server that wants one answer. */
void sio_asker_answer(struct sio_asker *asker, struct sio_payload answer);
struct sio_asker *sio_asker_ref(struct sio_asker *asker);
void sio_asker_unref(struct sio_asker *asker);

/* rooms.c */
struct sio_room *sio_room_find(const struct sio_namespace *ns, struct bx_str name);
struct sio_room *sio_room_new(struct sio_namespace *ns, struct bx_str name);
void sio_room_add(struct sio_room *room, struct sio_socket *s);
void sio_room_leave_all(struct sio_socket *s);

/* batch.c: must be called before anything else is written, joins, leaves or goes. */
void sio_batch_add(struct sio_server *server, struct sio_room *room, struct eio_packet *p);
void sio_batch_flush_now(struct sio_server *server);
void sio_batch_init(struct sio_server *server);
static inline void sio_batch_flush(struct sio_server *server)
{
    if (server->batch.room)
        sio_batch_flush_now(server);
}

/* encode.c */
/* Encodes an event into a packet of one reference, attachments apart; offset (may be empty) becomes
 * the last argument. */
int sio_encode_event(struct sio_namespace *ns, const char *name, const struct sio_payload *payload,
                     struct bx_str ack_id, struct bx_str offset, bool is_compress,
                     struct eio_packet **out);
/* Sends the packet and its attachments to one client, nothing in between. */
void sio_send(struct sio_socket *s, struct eio_packet *p, const struct sio_payload *payload,
              bool is_compress);
int sio_payload_check(struct sio_server *server, const struct sio_payload *payload);

/* collector.c */
struct sio_collector {
    struct sio_server *server;
    struct net_timer timer;
    size_t expected, servers_due;
    struct sio_str *answers; /* owned */
    size_t count, cap;
    bool is_asking; /* clients are still being asked: not done yet whatever has come */
    bool is_done;
    size_t users; /* acknowledgements, and the adapter, that still point here */
    void (*on_done)(int rc, const struct sio_responses *responses, void *arg);
    void *arg;
};

uint32_t sio_collector_ms(uint32_t timeout_ms); /* 0: the default */
struct sio_collector *
sio_collector_new(struct sio_server *server, uint32_t timeout_ms,
                  void (*on_done)(int rc, const struct sio_responses *responses, void *arg),
                  void *arg);
/* Everybody was asked: on_done may come, after this turn's callbacks. */
void sio_collector_asked(struct sio_collector *c);
void sio_collector_add(struct sio_collector *c, struct sio_str answer);
void sio_collector_check(struct sio_collector *c);
void sio_collector_unref(struct sio_collector *c); /* frees it when nothing needs it any more */

/* recovery.c */
struct sio_recovery *sio_recovery_new(struct sio_namespace *ns);
void sio_recovery_free(struct sio_recovery *r);
/* Keeps a packet for those who are cut off; *out is its offset. */
struct bx_str sio_recovery_offset(struct sio_recovery *r);
void sio_recovery_record(struct sio_recovery *r, const struct sio_target *target,
                         struct eio_packet *p, const struct sio_payload *payload);
void sio_recovery_save(struct sio_recovery *r, struct sio_socket *s);
/* CONNECT data of a client that wants its session back: fills a socket that was just made (id, pid,
 * rooms, data). */
bool sio_recovery_restore(struct sio_recovery *r, struct sio_socket **socket, struct bx_str auth);
/* What a restored socket missed is still there (middlewares may have taken their time). */
bool sio_recovery_can_replay(const struct sio_recovery *r, const struct sio_socket *s);
void sio_recovery_replay(struct sio_recovery *r, struct sio_socket *s);
/* It will not be back in that room, nor hear what it missed there. BX_E_NOT_FOUND. */
int sio_recovery_leave(struct saved *saved, struct bx_str room);
void sio_recovery_drop(struct saved *saved);
bool sio_reason_is_recoverable(const char *reason);

/* msgpack.c: the same packets for clients of socket.io-msgpack-parser. */
int sio_msgpack_encode(const struct sio_packet *p, const struct sio_payload *payload,
                       struct bx_buf *out);

/* A decoded msgpack packet: data is JSON text with placeholders again. */
struct sio_msgpack {
    struct sio_packet packet;
    struct sio_str *attachments; /* slices of the message */
    struct bx_buf json, strings;
    char id[24];
};
int sio_msgpack_decode(const uint8_t *data, size_t len, uint64_t max_attachments,
                       struct sio_msgpack *out);
void sio_msgpack_done(struct sio_msgpack *m);

#endif
