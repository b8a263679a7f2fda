#include <sio/broadcast.h>

#include "base/err.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "sio/internal.h"

#include <sio/adapter.h>
#include <stdlib.h>

/* --- who: every matching socket once, as referenced pointers, so that handlers may end sockets
 * meanwhile --- */

struct selection {
    struct sio_socket **items;
    size_t count, cap;
};

static void take(struct selection *sel, struct sio_socket *s, uint64_t mark)
{
    if (s->mark == mark)
        return;
    s->mark = mark;
    if (sel->count == sel->cap) {
        sel->cap = sel->cap ? sel->cap * 2 : 16;
        sel->items = bx_realloc(sel->items, sel->cap, sizeof sel->items[0]);
    }
    sel->items[sel->count++] = sio_socket_ref(s);
}

/* fn for each member of a room or, when there is no such room, for the socket of that id */
static void mark_room(const struct sio_namespace *ns, struct bx_str name, uint64_t mark)
{
    struct sio_room *room = sio_room_find(ns, name);
    struct sio_socket *one = bx_map_get(&ns->sockets, name);
    for (uint32_t i = 0; room && i < room->count; i++)
        room->members[i].socket->mark = mark;
    if (one)
        one->mark = mark;
}

static void take_room(struct selection *sel, const struct sio_namespace *ns, struct bx_str name,
                      uint64_t mark)
{
    struct sio_room *room = sio_room_find(ns, name);
    struct sio_socket *one = bx_map_get(&ns->sockets, name);
    for (uint32_t i = 0; room && i < room->count; i++)
        take(sel, room->members[i].socket, mark);
    if (one)
        take(sel, one, mark);
}

static struct selection select_sockets(const struct sio_target *t)
{
    struct sio_namespace *ns = t->ns;
    struct selection sel = {0};
    uint64_t mark = ++ns->mark;
    for (size_t i = 0; i < t->except_count; i++)
        mark_room(ns, sio_in(t->except[i]), mark);
    for (size_t i = 0; i < t->room_count; i++)
        take_room(&sel, ns, sio_in(t->rooms[i]), mark);
    for (uint32_t i = 0; t->room_count == 0 && i < ns->everyone->count; i++)
        take(&sel, ns->everyone->members[i].socket, mark);
    return sel;
}

static void selection_done(struct selection *sel)
{
    for (size_t i = 0; i < sel->count; i++)
        sio_socket_unref(sel->items[i]);
    free(sel->items);
}

/* The room that a target means alone, when the fast path can serve it. */
static struct sio_room *plain_room(const struct sio_target *t, const struct sio_payload *payload)
{
    if (t->except_count || t->room_count > 1 || payload->attachment_count ||
        (t->flags & SIO_VOLATILE))
        return NULL;
    if (t->room_count == 0)
        return t->ns->everyone;
    struct sio_room *room = sio_room_find(t->ns, sio_in(t->rooms[0]));
    return room && !bx_map_get(&t->ns->sockets, sio_in(t->rooms[0])) ? room : NULL;
}

static void deliver(const struct sio_target *t, const struct sio_payload *payload,
                    struct eio_packet *p)
{
    struct sio_server *server = t->ns->server;
    struct selection sel = select_sockets(t);
    bool is_compress = !(t->flags & SIO_NO_COMPRESS);
    bool is_drop = server->opts.slow_policy == SIO_SLOW_DROP;
    sio_batch_flush(server);
    for (size_t i = 0; i < sel.count; i++) {
        struct sio_socket *s = sel.items[i];
        if (s->state != SIO_CONNECTED)
            continue;
        if ((t->flags & SIO_VOLATILE) && !eio_session_is_writable(s->client->session))
            continue;
        if (is_drop && eio_session_queued(s->client->session) > server->opts.max_send_queue_bytes) {
            sio_count(server, SIO_M_SKIPPED_SLOW, 1);
            continue;
        }
        sio_send(s, p, payload, is_compress);
        sio_count(server, SIO_M_DELIVERIES, 1);
    }
    selection_done(&sel);
}

static int broadcast_local(const struct sio_target *t, const char *name,
                           const struct sio_payload *payload)
{
    struct sio_namespace *ns = t->ns;
    struct eio_packet *p;
    bool is_recorded = ns->recovery && !(t->flags & SIO_VOLATILE);
    struct bx_str offset = is_recorded ? sio_recovery_offset(ns->recovery) : BX_STR("");
    int rc =
        sio_encode_event(ns, name, payload, BX_STR(""), offset, !(t->flags & SIO_NO_COMPRESS), &p);
    if (rc < 0)
        return rc;
    sio_count(ns->server, SIO_M_BROADCASTS, 1);
    if (is_recorded)
        sio_recovery_record(ns->recovery, t, p, payload);
    struct sio_room *room = plain_room(t, payload);
    if (room && !ns->server->opts.use_msgpack && !ns->server->opts.per_message_deflate)
        sio_batch_add(ns->server, room, p);
    else
        deliver(t, payload, p);
    eio_packet_unref(p);
    return BX_OK;
}

/* --- dynamic families: an operation on the parent is one on each child --- */

static int each_child(const struct sio_target *t,
                      int (*fn)(const struct sio_target *child, const void *arg), const void *arg)
{
    struct sio_server *server = t->ns->server;
    size_t pos = 0;
    void *value;
    int rc = BX_OK;
    if (!t->ns->match)
        return fn(t, arg);
    while (bx_map_next(&server->namespaces, &pos, &value) && rc == BX_OK) {
        struct sio_namespace *ns = value;
        struct sio_target child = *t;
        child.ns = ns;
        if (ns->parent == t->ns)
            rc = fn(&child, arg);
    }
    return rc;
}

struct emission {
    const char *name;
    const struct sio_payload *payload;
};

static int emit_to(const struct sio_target *t, const void *arg)
{
    const struct emission *e = arg;
    struct sio_server *server = t->ns->server;
    int rc = broadcast_local(t, e->name, e->payload);
    const struct sio_adapter_packet packet = {e->name, *e->payload};
    if (rc == BX_OK && server->adapter_ops && server->adapter_ops->broadcast &&
        !(t->flags & SIO_LOCAL))
        rc = server->adapter_ops->broadcast(server->adapter, t, &packet);
    return rc;
}

int sio_broadcast(const struct sio_target *target, const char *name, struct sio_payload payload)
{
    return each_child(target, emit_to, &(struct emission){name, &payload});
}

int sio_broadcast_room(struct sio_namespace *ns, struct sio_str room, const char *name,
                       struct sio_payload payload)
{
    return sio_broadcast(&(struct sio_target){.ns = ns, .rooms = &room, .room_count = 1}, name,
                         payload);
}

int sio_adapter_local_broadcast(const struct sio_target *target,
                                const struct sio_adapter_packet *packet)
{
    return broadcast_local(target, packet->name, &packet->payload);
}

/* --- collected acknowledgements --- */

static void on_one_ack(struct sio_socket *s, int rc, struct sio_payload answer, void *arg)
{
    struct sio_collector *c = arg;
    struct sio_str first = SIO_STR("null");
    (void)s;
    c->users--;
    if (rc == BX_OK) {
        sio_args_get(answer, 0, &first);
        sio_collector_add(c, first);
    } else if (rc == BX_E_CLOSED && c->expected) {
        c->expected--; /* it left: nobody waits for it */
    }
    sio_collector_check(c);
    sio_collector_unref(c);
}

int sio_broadcast_ack(const struct sio_target *target, const char *name, struct sio_payload payload,
                      uint32_t timeout_ms,
                      void (*on_done)(int rc, const struct sio_responses *responses, void *arg),
                      void *arg)
{
    struct sio_server *server = target->ns->server;
    int rc =
        sio_event_is_reserved(bx_str(name)) ? BX_E_INVALID : sio_payload_check(server, &payload);
    if (target->ns->match)
        rc = BX_E_UNSUPPORTED;
    if (rc < 0)
        return rc;
    struct sio_collector *c = sio_collector_new(server, timeout_ms, on_done, arg);
    struct selection sel = select_sockets(target);
    for (size_t i = 0; i < sel.count; i++) {
        c->users++;
        if (sio_emit_ack(sel.items[i], name, payload, sio_collector_ms(timeout_ms), on_one_ack,
                         c) == BX_OK)
            c->expected++;
        else
            c->users--;
    }
    selection_done(&sel);
    const struct sio_adapter_packet packet = {name, payload};
    if (server->adapter_ops && server->adapter_ops->broadcast_ack && !(target->flags & SIO_LOCAL)) {
        int servers =
            server->adapter_ops->broadcast_ack(server->adapter, target, &packet, timeout_ms, c);
        c->servers_due += servers > 0 ? (size_t)servers : 0;
        c->users += servers > 0;
    }
    sio_collector_asked(c);
    return BX_OK;
}

/* --- sockets of all servers --- */

struct fetch {
    struct sio_server *server;
    struct selection local; /* referenced until the answer has been given */
    struct sio_remote_socket *items;
    size_t count, cap;
    struct bx_arena arena;
    void (*on_done)(int rc, const struct sio_remote_socket *sockets, size_t count, void *arg);
    void *arg;
};

static struct sio_str keep(struct fetch *f, struct bx_str text)
{
    return sio_out(bx_arena_str(&f->arena, text));
}

static struct sio_remote_socket *fetch_slot(struct fetch *f)
{
    if (f->count == f->cap) {
        f->cap = f->cap ? f->cap * 2 : 16;
        f->items = bx_realloc(f->items, f->cap, sizeof f->items[0]);
    }
    return &f->items[f->count++];
}

struct room_list {
    struct fetch *fetch;
    struct sio_str *items;
    size_t count;
};

static void add_room(struct sio_str room, void *arg)
{
    struct room_list *l = arg;
    l->items[l->count++] = keep(l->fetch, sio_in(room));
}

static struct sio_str handshake_json(struct fetch *f, const struct sio_socket *s)
{
    struct sio_handshake h;
    struct bx_buf out;
    struct bx_json_writer w;
    sio_socket_handshake(s, &h);
    bx_buf_init(&out, 0);
    bx_json_writer_init(&w, &out);
    bx_json_object(&w);
    bx_json_key_str(&w, "address", sio_in(h.address));
    bx_json_key_bool(&w, "secure", h.is_secure);
    bx_json_key_i64(&w, "issued", h.issued_ms);
    bx_json_key_str(&w, "url", sio_in(h.url));
    bx_json_key_raw(&w, "auth", sio_in(h.auth));
    bx_json_end(&w);
    struct sio_str text = keep(f, bx_buf_view(&out));
    bx_buf_done(&out);
    return text;
}

static void fetch_finish(void *arg)
{
    struct fetch *f = arg;
    f->on_done(BX_OK, f->items, f->count, f->arg);
    selection_done(&f->local);
    bx_arena_done(&f->arena);
    free(f->items);
    free(f);
}

int sio_fetch_sockets(const struct sio_target *target,
                      void (*on_done)(int rc, const struct sio_remote_socket *sockets, size_t count,
                                      void *arg),
                      void *arg)
{
    struct sio_server *server = target->ns->server;
    if (target->ns->match)
        return BX_E_UNSUPPORTED;
    struct fetch *f = BX_NEW(struct fetch);
    *f = (struct fetch){.server = server, .on_done = on_done, .arg = arg};
    bx_arena_init(&f->arena, 0);
    f->local = select_sockets(target);
    for (size_t i = 0; i < f->local.count; i++) {
        struct sio_socket *s = f->local.items[i];
        struct room_list rooms = {
            f, bx_arena_alloc(&f->arena, (s->membership_count + 1) * sizeof(struct sio_str)), 0};
        sio_socket_each_room(s, add_room, &rooms);
        *fetch_slot(f) = (struct sio_remote_socket){
            .id = keep(f, bx_str_n(s->id, s->id_len)),
            .data_json = keep(f, sio_in(sio_socket_data_json(s))),
            .rooms = rooms.items,
            .room_count = rooms.count,
            .handshake_json = handshake_json(f, s),
            .local = s,
        };
    }
    bool is_cluster =
        server->adapter_ops && server->adapter_ops->fetch_sockets && !(target->flags & SIO_LOCAL);
    if (!is_cluster || server->adapter_ops->fetch_sockets(server->adapter, target, f) < 0)
        net_loop_call_later(server->loop, fetch_finish, f);
    return BX_OK;
}

void sio_adapter_found(void *collector, const struct sio_remote_socket *found)
{
    struct fetch *f = collector;
    struct sio_str *rooms = bx_arena_alloc(&f->arena, (found->room_count + 1) * sizeof *rooms);
    for (size_t i = 0; i < found->room_count; i++)
        rooms[i] = keep(f, sio_in(found->rooms[i]));
    *fetch_slot(f) = (struct sio_remote_socket){
        .id = keep(f, sio_in(found->id)),
        .data_json = keep(f, sio_in(found->data_json)),
        .rooms = rooms,
        .room_count = found->room_count,
        .handshake_json = keep(f, sio_in(found->handshake_json)),
    };
}

void sio_adapter_found_all(void *collector)
{
    struct fetch *f = collector;
    net_loop_call_later(f->server->loop, fetch_finish, f);
}

/* --- acting on many --- */

struct rooms_arg {
    const struct sio_str *rooms;
    size_t count;
};

static int join_local(const struct sio_target *t, const void *arg)
{
    const struct rooms_arg *r = arg;
    struct selection sel = select_sockets(t);
    for (size_t i = 0; i < sel.count; i++) {
        for (size_t k = 0; k < r->count; k++)
            sio_join(sel.items[i], r->rooms[k]);
    }
    selection_done(&sel);
    return BX_OK;
}

static int leave_local(const struct sio_target *t, const void *arg)
{
    const struct rooms_arg *r = arg;
    struct selection sel = select_sockets(t);
    for (size_t i = 0; i < sel.count; i++) {
        for (size_t k = 0; k < r->count; k++)
            sio_leave(sel.items[i], r->rooms[k]);
    }
    selection_done(&sel);
    return BX_OK;
}

static int disconnect_local(const struct sio_target *t, const void *arg)
{
    const bool *close = arg;
    struct selection sel = select_sockets(t);
    for (size_t i = 0; i < sel.count; i++)
        sio_disconnect(sel.items[i], *close);
    selection_done(&sel);
    return BX_OK;
}

static const struct sio_adapter_ops *cluster(const struct sio_target *t)
{
    static const struct sio_adapter_ops none = {0};
    return t->ns->server->adapter_ops && !(t->flags & SIO_LOCAL) ? t->ns->server->adapter_ops
                                                                 : &none;
}

int sio_sockets_join(const struct sio_target *t, const struct sio_str *rooms, size_t count)
{
    int rc = each_child(t, join_local, &(struct rooms_arg){rooms, count});
    if (rc == BX_OK && cluster(t)->sockets_join)
        rc = cluster(t)->sockets_join(t->ns->server->adapter, t, rooms, count);
    return rc;
}

int sio_sockets_leave(const struct sio_target *t, const struct sio_str *rooms, size_t count)
{
    int rc = each_child(t, leave_local, &(struct rooms_arg){rooms, count});
    if (rc == BX_OK && cluster(t)->sockets_leave)
        rc = cluster(t)->sockets_leave(t->ns->server->adapter, t, rooms, count);
    return rc;
}

int sio_disconnect_sockets(const struct sio_target *t, bool close)
{
    int rc = each_child(t, disconnect_local, &close);
    if (rc == BX_OK && cluster(t)->disconnect_sockets)
        rc = cluster(t)->disconnect_sockets(t->ns->server->adapter, t, close);
    return rc;
}
