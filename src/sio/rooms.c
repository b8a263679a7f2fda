/* Rooms are dense arrays: joining appends, leaving moves the last member into the hole. A socket
 * knows its rooms and its index in each, so both are O(1) per room. The room of a socket's own id
 * is not stored: it is the namespace's socket map.
 */
#include "base/err.h"
#include "base/mem.h"
#include "sio/internal.h"

#include <stdlib.h>

struct sio_room *sio_room_find(const struct sio_namespace *ns, struct bx_str name)
{
    return bx_map_get(&ns->rooms, name);
}

struct sio_room *sio_room_new(struct sio_namespace *ns, struct bx_str name)
{
    struct sio_room *room = bx_calloc(1, sizeof *room + name.len + 1);
    room->ns = ns;
    room->name_len = (uint32_t)name.len;
    if (name.len)
        memcpy(room->name, name.ptr, name.len);
    return room;
}

void sio_room_add(struct sio_room *room, struct sio_socket *s)
{
    if (room->count == room->cap) {
        room->cap = room->cap ? room->cap + room->cap / 2 + 1 : 2;
        room->members = bx_realloc(room->members, room->cap, sizeof room->members[0]);
    }
    if (s->membership_count == s->membership_cap) {
        s->membership_cap = s->membership_cap ? s->membership_cap * 2 : 2;
        s->memberships = bx_realloc(s->memberships, s->membership_cap, sizeof s->memberships[0]);
    }
    struct net_tcp *tcp =
        s->ns->server->opts.use_msgpack ? NULL : eio_session_fan_out(s->client->session);
    room->members[room->count] = (struct sio_member){s, tcp, s->membership_count};
    s->memberships[s->membership_count++] = (struct sio_membership){room, room->count++};
}

/* Takes membership `slot` of s out of its room and out of s. */
static void membership_remove(struct sio_socket *s, uint32_t slot)
{
    struct sio_membership *m = &s->memberships[slot];
    struct sio_room *room = m->room;
    struct sio_member *last = &room->members[--room->count];
    if (m->index != room->count) {
        room->members[m->index] = *last;
        last->socket->memberships[last->slot].index = m->index;
    }
    struct sio_membership *tail = &s->memberships[--s->membership_count];
    if (slot != s->membership_count) {
        *m = *tail;
        m->room->members[m->index].slot = slot;
    }
}

static void room_drop_if_empty(struct sio_room *room)
{
    struct sio_namespace *ns = room->ns;
    if (room->count || room == ns->everyone)
        return;
    struct bx_str name = bx_str_n(room->name, room->name_len);
    struct sio_server *server = ns->server;
    if (server->adapter_ops && server->adapter_ops->room_deleted)
        server->adapter_ops->room_deleted(server->adapter, ns, sio_out(name));
    bx_map_del(&ns->rooms, name);
    free(room->members);
    free(room);
}

static uint32_t slot_of(const struct sio_socket *s, const struct sio_room *room)
{
    uint32_t slot = 0;
    while (slot < s->membership_count && s->memberships[slot].room != room)
        slot++;
    return slot;
}

void sio_room_leave_all(struct sio_socket *s)
{
    while (s->membership_count) {
        struct sio_room *room = s->memberships[s->membership_count - 1].room;
        membership_remove(s, s->membership_count - 1);
        room_drop_if_empty(room);
    }
    free(s->memberships);
    s->memberships = NULL;
    s->membership_cap = 0;
}

int sio_join(struct sio_socket *s, struct sio_str name)
{
    struct sio_namespace *ns = s->ns;
    struct sio_server *server = ns->server;
    if (s->state != SIO_CONNECTED)
        return BX_E_CLOSED;
    if (bx_str_eq(sio_in(name), bx_str_n(s->id, s->id_len)))
        return BX_OK;
    struct sio_room *room = sio_room_find(ns, sio_in(name));
    if (room && slot_of(s, room) < s->membership_count)
        return BX_OK;
    if (s->membership_count > server->opts.max_rooms_per_socket) { /* everyone is one of them */
        sio_count(server, SIO_M_LIMIT_ROOMS, 1);
        return BX_E_FULL;
    }
    sio_batch_flush(server);
    if (!room) {
        room = sio_room_new(ns, sio_in(name));
        bx_map_put(&ns->rooms, bx_str_n(room->name, room->name_len), room);
        if (server->adapter_ops && server->adapter_ops->room_created)
            server->adapter_ops->room_created(server->adapter, ns, name);
    }
    sio_room_add(room, s);
    return BX_OK;
}

int sio_leave(struct sio_socket *s, struct sio_str name)
{
    if (s->restore)
        return sio_recovery_leave(s->restore, sio_in(name));
    struct sio_room *room = sio_room_find(s->ns, sio_in(name));
    uint32_t slot = room ? slot_of(s, room) : s->membership_count;
    if (slot == s->membership_count)
        return BX_E_NOT_FOUND;
    sio_batch_flush(s->ns->server);
    membership_remove(s, slot);
    room_drop_if_empty(room);
    return BX_OK;
}

bool sio_socket_is_in(const struct sio_socket *s, struct sio_str name)
{
    if (bx_str_eq(sio_in(name), bx_str_n(s->id, s->id_len)))
        return s->state == SIO_CONNECTED;
    struct sio_room *room = sio_room_find(s->ns, sio_in(name));
    return room && slot_of(s, room) < s->membership_count;
}

void sio_socket_each_room(struct sio_socket *s, void (*fn)(struct sio_str room, void *arg),
                          void *arg)
{
    if (s->state != SIO_CONNECTED)
        return;
    fn(sio_socket_id(s), arg);
    for (uint32_t i = 0; i < s->membership_count; i++) {
        struct sio_room *room = s->memberships[i].room;
        if (room != s->ns->everyone)
            fn((struct sio_str){room->name, room->name_len}, arg);
    }
}

void sio_socket_transport_changed(struct sio_socket *s)
{
    struct net_tcp *tcp =
        s->ns->server->opts.use_msgpack ? NULL : eio_session_fan_out(s->client->session);
    for (uint32_t i = 0; i < s->membership_count; i++)
        s->memberships[i].room->members[s->memberships[i].index].tcp = tcp;
}
