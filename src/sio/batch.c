/* The fast path of fan-out. Broadcasts of one loop turn to one room wait here; at the end of the
 * turn their frames are one piece of memory and every member gets it with one send(2): per delivery
 * one array entry and the first cache line of a connection are touched, nothing is allocated,
 * nothing copied per recipient. Whatever could be reordered against them (a message for one socket,
 * a join, another room) flushes the batch first, so the order is as if nothing had waited.
 *
 * A walk over a large room takes milliseconds, whatever it carries. When broadcasts come faster
 * than that, the next ones are often just about to arrive when a walk ends: the clients that have
 * the last one answer or publish. So a walk that would begin right behind another waits for them,
 * for a sixteenth of the time that the other took, and takes them along. Waits that bring nothing
 * become rare (each time twice as many walks go without), and nothing waits when the server is not
 * behind.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "sio/internal.h"

#include <stdlib.h>

enum {
    BATCH_BYTES_MAX = 256 << 10,
    PREFETCH_AHEAD = 8,
    LARGE_ROOM = 256,   /* members: below, a walk costs less than a look at the clock is worth */
    WAIT_FRACTION = 16, /* of the last walk's time */
    VAIN_MAX = 6
};

static struct bx_shared *concatenate(const struct sio_batch *b)
{
    if (b->count == 1)
        return bx_shared_ref(eio_packet_frame(b->packets[0]));
    size_t len = 0, at = 0;
    for (size_t i = 0; i < b->count; i++)
        len += eio_packet_frame(b->packets[i])->len;
    struct bx_shared *all = bx_shared_new(len);
    for (size_t i = 0; i < b->count; i++) {
        struct bx_shared *frame = eio_packet_frame(b->packets[i]);
        memcpy(all->data + at, frame->data, frame->len);
        at += frame->len;
    }
    return all;
}

static void send_slowly(struct sio_socket *s, const struct sio_batch *b)
{
    struct sio_server *server = s->ns->server;
    if (server->opts.slow_policy == SIO_SLOW_DROP &&
        eio_session_queued(s->client->session) > server->opts.max_send_queue_bytes) {
        sio_count(server, SIO_M_SKIPPED_SLOW, (int64_t)b->count);
        return;
    }
    for (size_t i = 0; i < b->count && s->state == SIO_CONNECTED; i++)
        eio_session_send(s->client->session, b->packets[i]);
}

/* Connections with a queue are looked at after the walk: closing one would change the array. */
struct laggards {
    struct sio_socket **items;
    size_t count, cap;
};

static void laggard_add(struct laggards *l, struct sio_socket *s)
{
    if (l->count == l->cap) {
        l->cap = l->cap ? l->cap * 2 : 16;
        l->items = bx_realloc(l->items, l->cap, sizeof l->items[0]);
    }
    l->items[l->count++] = sio_socket_ref(s);
}

static void laggards_finish(struct laggards *l, const struct sio_batch *b)
{
    for (size_t i = 0; i < l->count; i++) {
        struct sio_socket *s = l->items[i];
        if (s->state == SIO_CONNECTED) {
            struct net_tcp *tcp = eio_session_fan_out(s->client->session);
            if (tcp)
                eio_session_check_queue(s->client->session, net_tcp_queued(tcp));
            else
                send_slowly(s, b);
        }
        sio_socket_unref(s);
    }
    free(l->items);
}

static void hold_ended(struct sio_batch *b)
{
    net_hold_stop(&b->hold);
    if (b->count > b->held_count) {
        b->vain = b->skips = 0;
    } else {
        b->vain += b->vain < VAIN_MAX;
        b->skips = 1U << b->vain;
    }
}

static void on_hold_over(void *arg)
{
    struct sio_server *server = arg;
    hold_ended(&server->batch);
    sio_batch_flush(server);
}

/* The end of a turn in which broadcasts were added. */
static void on_due(void *arg)
{
    struct sio_server *server = arg;
    struct sio_batch *b = &server->batch;
    uint64_t until = b->walk_end_ns + b->walk_took_ns / WAIT_FRACTION;
    if (!b->room || net_hold_is_waiting(&b->hold))
        return;
    bool is_behind = b->room->count >= LARGE_ROOM && bx_mono_ns() < until;
    if (is_behind && b->skips == 0) {
        b->held_count = b->count;
        net_hold_start(server->loop, &b->hold, until);
        return;
    }
    b->skips -= is_behind;
    sio_batch_flush_now(server);
}

void sio_batch_init(struct sio_server *server)
{
    net_flush_hook_init(&server->batch.hook, on_due, server);
    net_hold_init(&server->batch.hold, on_hold_over, server);
}

static void walk_ended(struct sio_batch *b, uint64_t began_ns)
{
    b->walk_end_ns = bx_mono_ns();
    b->walk_took_ns = b->walk_end_ns - began_ns;
}

void sio_batch_flush_now(struct sio_server *server)
{
    struct sio_batch b = server->batch;
    struct net_loop *loop = server->loop;
    struct laggards laggards = {0};
    struct sio_room *room = b.room;
    size_t limit = server->opts.max_send_queue_bytes;
    bool is_drop = server->opts.slow_policy == SIO_SLOW_DROP;
    server->batch.room = NULL;
    server->batch.packets = NULL;
    server->batch.count = server->batch.cap = server->batch.bytes = 0;
    net_flush_hook_disarm(&server->batch.hook);
    net_hold_stop(&server->batch.hold);

    uint64_t began_ns = room->count >= LARGE_ROOM ? bx_mono_ns() : 0;
    struct bx_shared *bytes = concatenate(&b);
    net_fanout_begin(loop, bytes);
    for (uint32_t i = 0; i < room->count; i++) {
        struct sio_member *m = &room->members[i];
        if (i + PREFETCH_AHEAD < room->count)
            __builtin_prefetch(room->members[i + PREFETCH_AHEAD].tcp);
        if (!m->tcp) {
            laggard_add(&laggards, m->socket);
        } else if (!is_drop || net_tcp_queued(m->tcp) <= limit) {
            net_fanout_add(loop, m->tcp);
            if (net_tcp_queued(m->tcp) > limit)
                laggard_add(&laggards, m->socket);
        } else {
            sio_count(server, SIO_M_SKIPPED_SLOW, (int64_t)b.count);
        }
    }
    net_fanout_end(loop);
    if (began_ns)
        walk_ended(&server->batch, began_ns);
    bx_shared_unref(bytes);
    sio_count(server, SIO_M_DELIVERIES, (int64_t)(room->count * b.count));
    laggards_finish(&laggards, &b);
    for (size_t i = 0; i < b.count; i++)
        eio_packet_unref(b.packets[i]);
    if (server->batch.packets)
        free(b.packets);
    else
        server->batch.packets = b.packets, server->batch.cap = b.cap;
}

void sio_batch_add(struct sio_server *server, struct sio_room *room, struct eio_packet *p)
{
    struct sio_batch *b = &server->batch;
    if (b->room && b->room != room)
        sio_batch_flush_now(server);
    if (b->count == b->cap) {
        b->cap = b->cap ? b->cap * 2 : 8;
        b->packets = bx_realloc(b->packets, b->cap, sizeof b->packets[0]);
    }
    b->packets[b->count++] = eio_packet_ref(p);
    b->bytes += p->len;
    b->room = room;
    net_flush_hook_arm(server->loop, &b->hook);
    if (b->bytes > BATCH_BYTES_MAX) /* a hold ends with it, unjudged */
        sio_batch_flush_now(server);
}
