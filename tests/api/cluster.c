/* The smallest whole adapter: two servers of one process, each on its own thread. An operation is
 * copied, carried to the other server's thread with sio_server_call, done there with SIO_LOCAL, and
 * answers travel back the same way. A Redis adapter has the same shape.
 */
#include "api_server.h"

#include <stdlib.h>
#include <string.h>

struct node {
    struct sio_server *server, *peer;
};

enum verb { BROADCAST, BROADCAST_ACK, FETCH, JOIN, LEAVE, DISCONNECT, SERVER_SIDE };

struct strings {
    struct sio_str *items;
    size_t count;
};

struct operation {
    enum verb verb;
    struct node *from;
    void *collector;
    char *ns, *name;
    struct strings rooms, except, moved, attachments;
    char *args;
    size_t args_len;
    unsigned flags;
    uint32_t timeout_ms;
    bool is_close;
    /* the way back */
    struct strings answers;
    size_t expected;
    struct sio_remote_socket *found;
    size_t found_count;
};

static char *copy(const char *from, size_t len)
{
    char *to = malloc(len + 1);
    if (len)
        memcpy(to, from, len);
    to[len] = 0;
    return to;
}

static struct sio_str copy_str(struct sio_str s)
{
    return (struct sio_str){copy(s.ptr, s.len), s.len};
}

static struct strings copy_all(const struct sio_str *from, size_t count)
{
    struct strings to = {calloc(count + 1, sizeof *to.items), count};
    for (size_t i = 0; i < count; i++)
        to.items[i] = copy_str(from[i]);
    return to;
}

static void strings_free(struct strings *s)
{
    for (size_t i = 0; i < s->count; i++)
        free((void *)(uintptr_t)s->items[i].ptr);
    free(s->items);
}

static void operation_free(struct operation *op)
{
    struct strings *all[] = {&op->rooms, &op->except, &op->moved, &op->attachments, &op->answers};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
        strings_free(all[i]);
    for (size_t i = 0; i < op->found_count; i++) {
        struct sio_remote_socket *r = &op->found[i];
        strings_free(&(struct strings){(struct sio_str *)(uintptr_t)r->rooms, r->room_count});
        free((void *)(uintptr_t)r->id.ptr);
        free((void *)(uintptr_t)r->data_json.ptr);
        free((void *)(uintptr_t)r->handshake_json.ptr);
    }
    free(op->found);
    free(op->ns);
    free(op->name);
    free(op->args);
    free(op);
}

static struct operation *operation_new(void *adapter, enum verb verb,
                                       const struct sio_target *target)
{
    struct operation *op = calloc(1, sizeof *op);
    struct sio_str ns = sio_namespace_name(target->ns);
    op->verb = verb;
    op->from = adapter;
    op->ns = copy(ns.ptr, ns.len);
    op->rooms = copy_all(target->rooms, target->room_count);
    op->except = copy_all(target->except, target->except_count);
    op->flags = target->flags | SIO_LOCAL;
    return op;
}

static void take_packet(struct operation *op, const struct sio_adapter_packet *packet)
{
    op->name = copy(packet->name, strlen(packet->name));
    op->args = copy(packet->payload.args.ptr, packet->payload.args.len);
    op->args_len = packet->payload.args.len;
    op->attachments = copy_all(packet->payload.attachments, packet->payload.attachment_count);
}

/* --- back on the asking server's thread --- */

static void bring_answers(void *arg)
{
    struct operation *op = arg;
    sio_adapter_expect(op->collector, op->expected);
    for (size_t i = 0; i < op->answers.count; i++)
        sio_adapter_answer(op->collector, op->answers.items[i]);
    sio_adapter_release(op->collector);
    operation_free(op);
}

static void bring_server_side(void *arg)
{
    struct operation *op = arg;
    for (size_t i = 0; i < op->answers.count; i++)
        sio_adapter_answer(op->collector, op->answers.items[i]);
    sio_adapter_release(op->collector);
    operation_free(op);
}

static void bring_sockets(void *arg)
{
    struct operation *op = arg;
    for (size_t i = 0; i < op->found_count; i++)
        sio_adapter_found(op->collector, &op->found[i]);
    sio_adapter_found_all(op->collector);
    operation_free(op);
}

/* --- on the other server's thread --- */

static void on_answers(int rc, const struct sio_responses *r, void *arg)
{
    struct operation *op = arg;
    (void)rc;
    op->answers = copy_all(r->answers, r->count);
    op->expected = r->expected;
    sio_server_call(op->from->server, 0, bring_answers, op);
}

static void on_sockets(int rc, const struct sio_remote_socket *sockets, size_t count, void *arg)
{
    struct operation *op = arg;
    (void)rc;
    op->found = calloc(count + 1, sizeof *op->found);
    op->found_count = count;
    for (size_t i = 0; i < count; i++) {
        struct strings rooms = copy_all(sockets[i].rooms, sockets[i].room_count);
        op->found[i] =
            (struct sio_remote_socket){.id = copy_str(sockets[i].id),
                                       .data_json = copy_str(sockets[i].data_json),
                                       .rooms = rooms.items,
                                       .room_count = rooms.count,
                                       .handshake_json = copy_str(sockets[i].handshake_json)};
    }
    sio_server_call(op->from->server, 0, bring_sockets, op);
}

static void on_server_side_answer(struct sio_str first, void *arg)
{
    struct operation *op = arg;
    if (first.ptr)
        op->answers = copy_all(&first, 1);
    sio_server_call(op->from->server, 0, bring_server_side, op);
}

static void perform(void *arg)
{
    struct operation *op = arg;
    struct sio_payload payload = {
        {op->args, op->args_len}, op->attachments.items, op->attachments.count};
    const struct sio_adapter_packet packet = {op->name, payload};
    struct sio_target target = {.ns = sio_of(op->from->peer, op->ns),
                                .rooms = op->rooms.items,
                                .room_count = op->rooms.count,
                                .except = op->except.items,
                                .except_count = op->except.count,
                                .flags = op->flags};
    switch (op->verb) {
    case BROADCAST:
        sio_adapter_local_broadcast(&target, &packet);
        break;
    case BROADCAST_ACK:
        sio_broadcast_ack(&target, op->name, payload, op->timeout_ms, on_answers, op);
        return;
    case FETCH:
        sio_fetch_sockets(&target, on_sockets, op);
        return;
    case JOIN:
        sio_sockets_join(&target, op->moved.items, op->moved.count);
        break;
    case LEAVE:
        sio_sockets_leave(&target, op->moved.items, op->moved.count);
        break;
    case DISCONNECT:
        sio_disconnect_sockets(&target, op->is_close);
        break;
    case SERVER_SIDE:
        if (op->collector) {
            sio_adapter_local_server_side_emit(target.ns, &packet, on_server_side_answer, op);
            return;
        }
        sio_adapter_local_server_side_emit(target.ns, &packet, NULL, NULL);
        break;
    }
    operation_free(op);
}

static int send_to_peer(struct operation *op)
{
    sio_server_call(op->from->peer, 0, perform, op);
    return 0;
}

/* --- the adapter --- */

static int broadcast(void *adapter, const struct sio_target *target,
                     const struct sio_adapter_packet *packet)
{
    struct operation *op = operation_new(adapter, BROADCAST, target);
    take_packet(op, packet);
    return send_to_peer(op);
}

static int broadcast_ack(void *adapter, const struct sio_target *target,
                         const struct sio_adapter_packet *packet, uint32_t timeout_ms,
                         void *collector)
{
    struct operation *op = operation_new(adapter, BROADCAST_ACK, target);
    take_packet(op, packet);
    op->collector = collector;
    op->timeout_ms = timeout_ms > 200 ? timeout_ms - 100 : timeout_ms; /* for the way back */
    send_to_peer(op);
    return 1;
}

static int fetch_sockets(void *adapter, const struct sio_target *target, void *collector)
{
    struct operation *op = operation_new(adapter, FETCH, target);
    op->collector = collector;
    return send_to_peer(op);
}

static int sockets_join(void *adapter, const struct sio_target *target, const struct sio_str *rooms,
                        size_t count)
{
    struct operation *op = operation_new(adapter, JOIN, target);
    op->moved = copy_all(rooms, count);
    return send_to_peer(op);
}

static int sockets_leave(void *adapter, const struct sio_target *target,
                         const struct sio_str *rooms, size_t count)
{
    struct operation *op = operation_new(adapter, LEAVE, target);
    op->moved = copy_all(rooms, count);
    return send_to_peer(op);
}

static int disconnect_sockets(void *adapter, const struct sio_target *target, bool close)
{
    struct operation *op = operation_new(adapter, DISCONNECT, target);
    op->is_close = close;
    return send_to_peer(op);
}

static int server_side_emit_ack(void *adapter, struct sio_namespace *ns,
                                const struct sio_adapter_packet *packet, uint32_t timeout_ms,
                                void *collector)
{
    struct operation *op = operation_new(adapter, SERVER_SIDE, &(struct sio_target){.ns = ns});
    (void)timeout_ms;
    take_packet(op, packet);
    op->collector = collector;
    send_to_peer(op);
    return 1;
}

static int server_side_emit(void *adapter, struct sio_namespace *ns,
                            const struct sio_adapter_packet *packet)
{
    return server_side_emit_ack(adapter, ns, packet, 0, NULL) == 1 ? 0 : -1;
}

static _Thread_local int known_rooms;

static void room_created(void *adapter, struct sio_namespace *ns, struct sio_str room)
{
    (void)adapter, (void)ns, (void)room;
    known_rooms++;
}

static void room_deleted(void *adapter, struct sio_namespace *ns, struct sio_str room)
{
    (void)adapter, (void)ns, (void)room;
    known_rooms--;
}

int cluster_rooms(void)
{
    return known_rooms;
}

static void node_close(void *adapter)
{
    free(adapter);
}

static const struct sio_adapter_ops ops = {
    .broadcast = broadcast,
    .broadcast_ack = broadcast_ack,
    .fetch_sockets = fetch_sockets,
    .sockets_join = sockets_join,
    .sockets_leave = sockets_leave,
    .disconnect_sockets = disconnect_sockets,
    .server_side_emit = server_side_emit,
    .server_side_emit_ack = server_side_emit_ack,
    .room_created = room_created,
    .room_deleted = room_deleted,
    .close = node_close,
};

static void join_one(struct sio_server *server, struct sio_server *peer)
{
    struct node *node = malloc(sizeof *node);
    *node = (struct node){server, peer};
    sio_set_adapter(server, &ops, node);
}

void cluster_join(struct sio_server *a, struct sio_server *b)
{
    join_one(a, b);
    join_one(b, a);
}
