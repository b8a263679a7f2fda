/* Connection state recovery, in memory: a ring of the namespace's recent packets and the sessions
 * that were cut off. A client comes back with its private id and the offset of the last packet it
 * saw; if both are still known it gets its id, rooms and data back and what it missed, in order.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/json_scan.h"
#include "base/mem.h"
#include "sio/internal.h"

#include <stdio.h>
#include <stdlib.h>

struct names {
    struct sio_str *items;
    size_t count;
};

struct record {
    uint64_t number;
    uint64_t at_ms;
    struct eio_packet *packet;
    struct eio_packet **attachments;
    size_t attachment_count;
    struct names rooms, except;
};

struct saved {
    char *pid;
    char *id;
    size_t id_len;
    char *data_json;
    struct names rooms;
    uint64_t cut_at_ms;
    struct bx_list node; /* oldest first */
};

struct sio_recovery {
    struct sio_namespace *ns;
    struct record *ring;
    size_t cap, first, count;
    uint64_t next_number;
    char prefix[17]; /* so that offsets of an earlier process are not mistaken for ours */
    char offset[40];
    struct bx_map saved; /* by pid */
    struct bx_list oldest;
};

static struct names names_copy(const struct sio_str *from, size_t count)
{
    struct names n = {count ? bx_calloc(count, sizeof n.items[0]) : NULL, count};
    for (size_t i = 0; i < count; i++)
        n.items[i] = (struct sio_str){bx_strndup(from[i].ptr, from[i].len), from[i].len};
    return n;
}

static void names_free(struct names *n)
{
    for (size_t i = 0; i < n->count; i++)
        free((void *)(uintptr_t)n->items[i].ptr);
    free(n->items);
}

static bool names_have(const struct names *n, struct sio_str name)
{
    for (size_t i = 0; i < n->count; i++) {
        if (bx_str_eq(sio_in(n->items[i]), sio_in(name)))
            return true;
    }
    return false;
}

static void record_free(struct record *r)
{
    eio_packet_unref(r->packet);
    for (size_t i = 0; i < r->attachment_count; i++)
        eio_packet_unref(r->attachments[i]);
    free(r->attachments);
    names_free(&r->rooms);
    names_free(&r->except);
}

static void saved_free(struct sio_recovery *r, struct saved *s)
{
    bx_map_del(&r->saved, bx_str(s->pid));
    bx_list_remove(&s->node);
    names_free(&s->rooms);
    free(s->pid);
    free(s->id);
    free(s->data_json);
    free(s);
}

struct sio_recovery *sio_recovery_new(struct sio_namespace *ns)
{
    struct sio_recovery *r = BX_NEW(struct sio_recovery);
    uint8_t seed[8];
    r->ns = ns;
    r->cap = ns->server->opts.recovery_max_packets;
    r->ring = bx_calloc(r->cap, sizeof r->ring[0]);
    bx_random(seed, sizeof seed);
    bx_hex_encode(seed, sizeof seed, r->prefix);
    bx_map_init(&r->saved);
    bx_list_init(&r->oldest);
    return r;
}

static void drop_first(struct sio_recovery *r)
{
    record_free(&r->ring[r->first]);
    r->first = (r->first + 1) % r->cap;
    r->count--;
}

void sio_recovery_free(struct sio_recovery *r)
{
    while (r->count)
        drop_first(r);
    while (!bx_list_is_empty(&r->oldest))
        saved_free(r, BX_CONTAINER_OF(r->oldest.next, struct saved, node));
    bx_map_done(&r->saved);
    free(r->ring);
    free(r);
}

static void expire(struct sio_recovery *r)
{
    uint64_t now = net_loop_now_ms(r->ns->server->loop), keep = r->ns->server->opts.recovery_ms;
    while (r->count && r->ring[r->first].at_ms + keep < now)
        drop_first(r);
    while (!bx_list_is_empty(&r->oldest)) {
        struct saved *s = BX_CONTAINER_OF(r->oldest.next, struct saved, node);
        if (s->cut_at_ms + keep >= now)
            break;
        saved_free(r, s);
    }
}

struct bx_str sio_recovery_offset(struct sio_recovery *r)
{
    int n = snprintf(r->offset, sizeof r->offset, "%s-%llx", r->prefix,
                     (unsigned long long)r->next_number);
    return bx_str_n(r->offset, (size_t)n);
}

void sio_recovery_record(struct sio_recovery *r, const struct sio_target *target,
                         struct eio_packet *p, const struct sio_payload *payload)
{
    expire(r);
    if (r->count == r->cap)
        drop_first(r);
    struct record *slot = &r->ring[(r->first + r->count++) % r->cap];
    *slot = (struct record){
        .number = r->next_number++,
        .at_ms = net_loop_now_ms(r->ns->server->loop),
        .packet = eio_packet_ref(p),
        .rooms = names_copy(target->rooms, target->room_count),
        .except = names_copy(target->except, target->except_count),
    };
    if (r->ns->server->opts.use_msgpack || !payload->attachment_count)
        return;
    slot->attachment_count = payload->attachment_count;
    slot->attachments = bx_calloc(payload->attachment_count, sizeof slot->attachments[0]);
    for (size_t i = 0; i < payload->attachment_count; i++)
        slot->attachments[i] =
            eio_packet_new(EIO_MESSAGE, true, sio_in(payload->attachments[i]), BX_STR(""));
}

/* --- sessions --- */

bool sio_reason_is_recoverable(const char *reason)
{
    static const char *const reasons[] = {"transport error",      "transport close",
                                          "forced close",         "ping timeout",
                                          "server shutting down", "forced server close"};
    for (size_t i = 0; i < BX_LEN(reasons); i++) {
        if (strcmp(reason, reasons[i]) == 0)
            return true;
    }
    return false;
}

void sio_recovery_save(struct sio_recovery *r, struct sio_socket *s)
{
    struct saved *saved = BX_NEW(struct saved);
    size_t n = 0;
    expire(r);
    if (r->saved.count >= r->ns->server->opts.max_connections) { /* cut off faster than forgotten */
        saved_free(r, BX_CONTAINER_OF(r->oldest.next, struct saved, node));
        sio_count(r->ns->server, SIO_M_LIMIT_RECOVERY, 1);
    }
    saved->pid = bx_strndup(s->pid, strlen(s->pid));
    saved->id = bx_strndup(s->id, s->id_len);
    saved->id_len = s->id_len;
    saved->data_json = s->data_json ? bx_strndup(s->data_json, strlen(s->data_json)) : NULL;
    saved->cut_at_ms = net_loop_now_ms(r->ns->server->loop);
    saved->rooms.items = bx_calloc(s->membership_count + 1, sizeof saved->rooms.items[0]);
    saved->rooms.items[n++] = (struct sio_str){bx_strndup(s->id, s->id_len), s->id_len};
    for (uint32_t i = 0; i < s->membership_count; i++) {
        struct sio_room *room = s->memberships[i].room;
        if (room != s->ns->everyone)
            saved->rooms.items[n++] =
                (struct sio_str){bx_strndup(room->name, room->name_len), room->name_len};
    }
    saved->rooms.count = n;
    bx_map_put(&r->saved, bx_str(saved->pid), saved);
    bx_list_push_back(&r->oldest, &saved->node);
}

static bool number_of(const struct sio_recovery *r, struct bx_str offset, uint64_t *out)
{
    size_t dash = bx_str_find(offset, '-');
    uint64_t number = 0;
    if (dash == offset.len || dash + 1 == offset.len || offset.len - dash > 17 ||
        !bx_str_eq(bx_str_slice(offset, 0, dash), bx_str(r->prefix)))
        return false;
    for (size_t i = dash + 1; i < offset.len; i++) {
        char c = offset.ptr[i];
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
            return false;
        number = number << 4 | (uint64_t)(c <= '9' ? c - '0' : c - 'a' + 10);
    }
    *out = number;
    return true;
}

/* The index of that packet in the ring, or count when it is not there any more. */
static size_t index_of(const struct sio_recovery *r, uint64_t number)
{
    if (r->count == 0 || number < r->ring[r->first].number || number >= r->next_number)
        return r->count;
    return number - r->ring[r->first].number;
}

static bool text_of(struct bx_str object, const char *key, struct bx_arena *arena,
                    struct bx_str *out)
{
    struct bx_str value;
    return bx_json_get(object, bx_str(key), &value) && bx_json_string(value, arena, out) == BX_OK;
}

static struct sio_socket *socket_from(struct sio_namespace *ns, const struct saved *saved)
{
    struct sio_socket *s = bx_calloc(1, sizeof *s + saved->id_len + 1);
    s->refs = 1;
    s->ns = ns;
    s->is_recovered = true;
    s->id_len = (uint32_t)saved->id_len;
    memcpy(s->id, saved->id, saved->id_len);
    s->pid = bx_strndup(saved->pid, strlen(saved->pid));
    s->data_json = saved->data_json ? bx_strndup(saved->data_json, strlen(saved->data_json)) : NULL;
    return s;
}

bool sio_recovery_restore(struct sio_recovery *r, struct sio_socket **out, struct bx_str auth)
{
    struct bx_str pid, offset;
    struct bx_arena arena;
    uint64_t number = 0;
    bool is_restored = false;
    bx_arena_init(&arena, 4096);
    expire(r);
    if (text_of(auth, "pid", &arena, &pid) && text_of(auth, "offset", &arena, &offset)) {
        struct saved *saved = bx_map_get(&r->saved, pid);
        if (saved && number_of(r, offset, &number) && index_of(r, number) < r->count) {
            *out = socket_from(r->ns, saved);
            (*out)->restore_after = number;
            (*out)->restore = saved;
            bx_map_del(&r->saved, bx_str(saved->pid));
            bx_list_remove(&saved->node);
            is_restored = true;
            sio_count(r->ns->server, SIO_M_RECOVERED, 1);
        }
    }
    bx_arena_done(&arena);
    return is_restored;
}

static bool is_for(const struct record *record, const struct names *rooms)
{
    bool is_meant = record->rooms.count == 0;
    for (size_t i = 0; i < rooms->count; i++) {
        if (names_have(&record->except, rooms->items[i]))
            return false;
        is_meant |= names_have(&record->rooms, rooms->items[i]);
    }
    return is_meant;
}

int sio_recovery_leave(struct saved *saved, struct bx_str room)
{
    for (size_t i = 1; i < saved->rooms.count; i++) { /* [0] is its own id */
        struct sio_str *name = &saved->rooms.items[i];
        if (!bx_str_eq(sio_in(*name), room))
            continue;
        free((void *)(uintptr_t)name->ptr);
        *name = saved->rooms.items[--saved->rooms.count];
        return BX_OK;
    }
    return BX_E_NOT_FOUND;
}

void sio_recovery_drop(struct saved *saved)
{
    names_free(&saved->rooms);
    free(saved->pid);
    free(saved->id);
    free(saved->data_json);
    free(saved);
}

bool sio_recovery_can_replay(const struct sio_recovery *r, const struct sio_socket *s)
{
    return !s->restore || index_of(r, s->restore_after) < r->count;
}

/* Behind the CONNECT answer: rooms first, so that nothing from now on is missed, then what was
 * missed. */
void sio_recovery_replay(struct sio_recovery *r, struct sio_socket *s)
{
    struct saved *saved = s->restore;
    if (!saved)
        return;
    s->restore = NULL;
    for (size_t i = 0; i < saved->rooms.count; i++)
        sio_join(s, saved->rooms.items[i]);
    for (size_t i = index_of(r, s->restore_after) + 1; i < r->count && s->state == SIO_CONNECTED;
         i++) {
        struct record *record = &r->ring[(r->first + i) % r->cap];
        if (!is_for(record, &saved->rooms))
            continue;
        eio_session_send(s->client->session, record->packet);
        for (size_t k = 0; k < record->attachment_count && s->state == SIO_CONNECTED; k++)
            eio_session_send(s->client->session, record->attachments[k]);
    }
    sio_recovery_drop(saved);
}
