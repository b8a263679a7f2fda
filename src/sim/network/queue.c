/* Store and forward: what a device was sent stays in its queue until it acknowledged it (an ack of
 * that id, or for messages any receipt). A device that comes back gets everything again that it had
 * not acknowledged, marked offline, in order of arrival. The faults of an account are done here,
 * between the queue and the wire.
 */
#include "sim/network/queue.h"
#include "base/err.h"
#include "base/mem.h"
#include "sim/core/faults.h"
#include "sim/core/output.h"
#include "sim/core/random.h"

#include <stdio.h>
#include <stdlib.h>

enum { REORDER_MAX_MS = 500 };

static void write_item(struct sim_item *item);

static void on_delay(void *arg)
{
    write_item(arg);
}

static struct sim_item *item_new(struct sim_device *d, const struct wa_node *stanza)
{
    struct sim_item *item = BX_NEW(struct sim_item);
    item->device = d;
    bx_arena_init(&item->arena, 0);
    item->stanza = wa_node_copy(&item->arena, stanza);
    struct bx_str id = wa_node_attr(stanza, "id");
    bx_str_copy(bx_str_slice(id, 0, SIM_ID_MAX - 1), item->id, sizeof item->id);
    net_timer_init(&item->delay, on_delay, item);
    bx_list_init(&item->node);
    return item;
}

static void item_free(struct sim_item *item)
{
    net_timer_stop(&item->delay);
    bx_list_remove(&item->node);
    bx_arena_done(&item->arena);
    free(item);
}

/* --- the wire --- */

static void corrupt(struct sim *sim, struct wa_node *stanza, struct bx_arena *arena)
{
    struct wa_node *enc = wa_node_child(stanza, "enc");
    if (!enc || enc->data.len < 20)
        return;
    char *bytes = bx_arena_strndup(arena, enc->data.ptr, enc->data.len);
    uint64_t at;
    sim_random(sim, &at, sizeof at);
    bytes[10 + at % (enc->data.len - 10)] ^= 0x55;
    enc->data.ptr = bytes;
    sim->stats.corrupt++;
}

/* As the network does when a sender did not encrypt for this device: the phone has the message. */
static struct wa_node *unavailable(struct sim *sim, const struct wa_node *stanza,
                                   struct bx_arena *arena)
{
    struct wa_node *n = wa_node_new(arena, "message");
    for (const struct wa_attr *a = stanza->attrs; a; a = a->next)
        wa_node_put(n, (struct wa_arg){.key = bx_arena_str(arena, a->key).ptr,
                                       .kind = a->is_jid ? WA_ARG_JID_TEXT : WA_ARG_TEXT,
                                       .text = bx_arena_str(arena, a->value)});
    wa_node_add(n, wa_node_new(arena, "unavailable"));
    sim->stats.unavailable++;
    return n;
}

static bool is_chat_message(const struct sim_item *item)
{
    return bx_str_is(item->stanza->tag, "message") && !wa_node_has(item->stanza, "category");
}

static void send_now(struct sim_item *item)
{
    struct sim_device *d = item->device;
    const struct sim_faults *f = sim_faults_of(d->account);
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    struct wa_node *copy = wa_node_copy(&arena, item->stanza);
    if (item->is_offline)
        wa_node_set(copy, wa_lit("offline", "0"));
    if (sim_chance(d->account->sim) < f->corrupt && !item->is_resend)
        corrupt(d->account->sim, copy, &arena);
    if (f->unavailable > 0 && is_chat_message(item) && sim_chance(d->account->sim) < f->unavailable)
        copy = unavailable(d->account->sim, item->stanza, &arena);
    item->is_written = true;
    d->account->sim->stats.messages_out += bx_str_is(copy->tag, "message");
    sim_conn_send(d->conn, copy);
    bx_arena_done(&arena);
}

static bool is_connected(const struct sim_device *d)
{
    return d->conn && d->conn->is_active && d->conn->state == SIM_CONN_OPEN &&
           !d->account->sim->is_holding;
}

void sim_queue_release_held(struct sim_device *d)
{
    struct sim_item *held = d->held;
    d->held = NULL;
    net_timer_stop(&d->held_timer);
    if (held && is_connected(d))
        send_now(held);
}

static void write_item(struct sim_item *item)
{
    struct sim_device *d = item->device;
    struct sim *sim = d->account->sim;
    const struct sim_faults *f = sim_faults_of(d->account);
    if (!is_connected(d))
        return;
    if (sim_chance(sim) < f->reorder && !d->held) {
        d->held = item;
        sim->stats.reorder++;
        net_timer_start(sim->loop, &d->held_timer, REORDER_MAX_MS);
        return;
    }
    bool is_twice = sim_chance(sim) < f->duplicate;
    send_now(item);
    if (is_twice && is_connected(d)) {
        sim->stats.duplicate++;
        send_now(item);
    }
    sim_queue_release_held(d);
}

/* With faults on, some are lost until the next login and some come late (the order of a device is
 * kept). */
static void offer(struct sim_item *item)
{
    struct sim_device *d = item->device;
    struct sim *sim = d->account->sim;
    const struct sim_faults *f = sim_faults_of(d->account);
    if (!is_connected(d))
        return;
    if (sim_chance(sim) < f->drop) {
        sim->stats.drop++;
        return;
    }
    if (f->delay_max_ms) {
        uint64_t now = net_loop_now_ms(sim->loop);
        uint64_t at = now + f->delay_min_ms +
                      (uint64_t)(sim_chance(sim) * (f->delay_max_ms - f->delay_min_ms + 1));
        if (at <= d->last_delay_ms) /* timers that are due together fire in any order */
            at = d->last_delay_ms + 1;
        d->last_delay_ms = at;
        sim->stats.delay++;
        net_timer_start(sim->loop, &item->delay, at - now);
        return;
    }
    write_item(item);
}

/* --- holding everything back --- */

enum { SLICE = 64 };

/* At most SLICE of what was not written; the rest of the queue is walked from there next time. */
static bool write_slice(struct sim_device *d)
{
    unsigned written = 0;
    struct bx_list *from = d->release_at ? d->release_at : d->queue.next, *next;
    for (struct bx_list *at = from; at != &d->queue; at = next) {
        struct sim_item *item = BX_CONTAINER_OF(at, struct sim_item, node);
        next = at->next;
        if (written == SLICE) {
            d->release_at = at;
            return true;
        }
        if (!item->is_written && is_connected(d)) {
            write_item(item);
            written++;
        }
    }
    d->release_at = NULL;
    return false;
}

static void release_turn(void *arg)
{
    struct sim *sim = arg;
    bool has_more = false;
    BX_LIST_EACH(&sim->account_list, node)
    {
        BX_LIST_EACH(&BX_CONTAINER_OF(node, struct sim_account, node)->devices, dn)
        {
            has_more |= write_slice(BX_CONTAINER_OF(dn, struct sim_device, node));
        }
    }
    if (has_more && !sim->is_holding)
        net_timer_start(sim->loop, &sim->release_timer, 0);
}

void sim_queue_let_go(struct sim *sim)
{
    sim->is_holding = false;
    sim->release_timer.fn = release_turn;
    net_timer_start(sim->loop, &sim->release_timer, 0);
}

/* --- the queue --- */

static void deliver(struct sim_device *d, const struct wa_node *stanza, bool is_resend)
{
    struct sim_item *item = item_new(d, stanza);
    item->is_resend = is_resend;
    bx_list_push_back(&d->queue, &item->node);
    d->queued++;
    offer(item);
}

void sim_deliver(struct sim_device *d, const struct wa_node *stanza)
{
    deliver(d, stanza, false);
}

void sim_deliver_resend(struct sim_device *d, const struct wa_node *stanza)
{
    deliver(d, stanza, true);
}

size_t sim_queue_pending(const struct sim_device *d)
{
    return d->queued;
}

static void replay_some(struct sim_device *d)
{
    unsigned n = sim_faults_of(d->account)->replay;
    size_t skip = d->replay_count > n ? d->replay_count - n : 0;
    BX_LIST_EACH(&d->replay, node)
    {
        struct sim_item *item = BX_CONTAINER_OF(node, struct sim_item, node);
        if (skip) {
            skip--;
            continue;
        }
        item->is_offline = true;
        d->account->sim->stats.replay++;
        send_now(item);
    }
}

void sim_queue_flush(struct sim_device *d)
{
    if (sim_faults_of(d->account)->replay)
        replay_some(d);
    BX_LIST_EACH(&d->queue, node)
    {
        struct sim_item *item = BX_CONTAINER_OF(node, struct sim_item, node);
        item->is_offline = true;
        if (is_connected(d))
            send_now(item);
    }
}

void sim_queue_unwrite(struct sim_device *d)
{
    d->held = NULL;
    net_timer_stop(&d->held_timer);
    BX_LIST_EACH(&d->queue, node)
    {
        struct sim_item *item = BX_CONTAINER_OF(node, struct sim_item, node);
        item->is_written = false;
        net_timer_stop(&item->delay);
    }
}

static void keep_for_replay(struct sim_device *d, struct sim_item *item)
{
    bx_list_remove(&item->node);
    if (!bx_str_is(item->stanza->tag, "message")) {
        item_free(item);
        return;
    }
    bx_list_push_back(&d->replay, &item->node);
    if (++d->replay_count > SIM_REPLAY_MAX) {
        item_free(BX_CONTAINER_OF(d->replay.next, struct sim_item, node));
        d->replay_count--;
    }
}

static void acknowledged(struct sim_device *d, struct sim_item *item)
{
    if (d->held == item)
        d->held = NULL;
    if (d->release_at == &item->node)
        d->release_at = item->node.next == &d->queue ? NULL : item->node.next;
    net_timer_stop(&item->delay);
    d->queued--;
    keep_for_replay(d, item);
}

void sim_queue_ack(struct sim_device *d, struct bx_str id)
{
    BX_LIST_EACH(&d->queue, node)
    {
        struct sim_item *item = BX_CONTAINER_OF(node, struct sim_item, node);
        if (!item->is_written || !bx_str_is(item->stanza->tag, "message") ||
            !bx_str_eq(bx_str(item->id), id))
            continue;
        acknowledged(d, item);
        return;
    }
}

static bool is_same_attr(const struct wa_node *ack, const char *name, const struct wa_node *stanza,
                         const char *there)
{
    return bx_str_eq(wa_node_attr(ack, name), wa_node_attr(stanza, there));
}

/* An id is not enough: everybody's receipts for one message bear the id of that message. */
static bool is_ack_of(const struct wa_node *ack, const struct wa_node *stanza)
{
    bool is_receipt = bx_str_is(stanza->tag, "receipt");
    return bx_str_eq(wa_node_attr(ack, "class"), stanza->tag) &&
           is_same_attr(ack, "id", stanza, "id") &&
           (!is_receipt ||
            (is_same_attr(ack, "type", stanza, "type") && is_same_attr(ack, "to", stanza, "from") &&
             is_same_attr(ack, "participant", stanza, "participant")));
}

void sim_queue_ack_stanza(struct sim_device *d, const struct wa_node *ack)
{
    BX_LIST_EACH(&d->queue, node)
    {
        struct sim_item *item = BX_CONTAINER_OF(node, struct sim_item, node);
        if (!item->is_written || !is_ack_of(ack, item->stanza))
            continue;
        acknowledged(d, item);
        return;
    }
}

void sim_queue_free(struct sim_device *d)
{
    while (!bx_list_is_empty(&d->queue))
        item_free(BX_CONTAINER_OF(d->queue.next, struct sim_item, node));
    while (!bx_list_is_empty(&d->replay))
        item_free(BX_CONTAINER_OF(d->replay.next, struct sim_item, node));
    while (!bx_list_is_empty(&d->sent_order)) {
        struct sim_sent *s = BX_CONTAINER_OF(d->sent_order.next, struct sim_sent, node);
        bx_list_remove(&s->node);
        free(s);
    }
    bx_map_done(&d->sent);
}

/* A message id that the same device sends again to the same chat is acknowledged again and not
 * routed again. */
bool sim_sent_before(struct sim_device *d, struct bx_str chat, struct bx_str id)
{
    char key[SIM_SENT_KEY];
    int n = snprintf(key, sizeof key, "%.*s|%.*s", (int)chat.len, chat.ptr, (int)id.len, id.ptr);
    if (n < 0 || (size_t)n >= sizeof key)
        return false;
    if (bx_map_get(&d->sent, bx_str_n(key, (size_t)n)))
        return true;
    struct sim_sent *s = BX_NEW(struct sim_sent);
    memcpy(s->key, key, (size_t)n + 1);
    bx_map_put(&d->sent, bx_str(s->key), s);
    bx_list_push_back(&d->sent_order, &s->node);
    if (d->sent.count > SIM_SENT_IDS) {
        struct sim_sent *oldest = BX_CONTAINER_OF(d->sent_order.next, struct sim_sent, node);
        bx_map_del(&d->sent, bx_str(oldest->key));
        bx_list_remove(&oldest->node);
        free(oldest);
    }
    return false;
}
