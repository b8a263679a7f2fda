/* Who gets what: messages to each device they were encrypted for, receipts back to the author. */
#include "sim/network/router.h"
#include "base/err.h"
#include "base/mem.h"
#include "sim/core/faults.h"
#include "sim/core/iq.h"
#include "sim/core/output.h"
#include "sim/core/random.h"
#include "sim/network/accounts.h"
#include "sim/network/groups.h"
#include "sim/network/queue.h"
#include "sim/network/token.h"

#include <stdio.h>

enum { MAX_ENCS = 8 };

/* --- one message to one device --- */

static struct wa_node *incoming(struct sim_account *to, const struct sim_delivery *m,
                                struct bx_arena *arena)
{
    bool is_lid = m->group ? m->group->is_lid : m->is_lid, is_self = to == m->from;
    struct bx_str from = sim_jid(arena, m->from, m->from_device, is_lid);
    struct wa_node *n =
        WA_NODE(arena, "message", wa_str("id", m->id),
                wa_str("type", m->type.ptr ? m->type : BX_STR("text")), wa_num("t", sim_now_s()),
                wa_lit("notify", m->notify && m->notify[0] ? m->notify : NULL),
                wa_str("edit", m->edit), wa_str("category", m->category));
    if (m->group) {
        wa_node_put(n, wa_to("from", bx_str(m->group->jid)));
        wa_node_put(n, wa_to("participant", from));
        wa_node_put(n, wa_to(is_lid ? "participant_pn" : "participant_lid",
                             sim_jid(arena, m->from, 0, !is_lid)));
        wa_node_put(n, wa_lit("addressing_mode", is_lid ? "lid" : "pn"));
    } else {
        wa_node_put(n, wa_to("from", from));
        if (is_self && !m->category.ptr)
            wa_node_put(n, wa_to("recipient", m->chat));
        if (!is_self)
            wa_node_put(
                n, wa_to(is_lid ? "sender_pn" : "sender_lid", sim_jid(arena, m->from, 0, !is_lid)));
        if (is_lid)
            wa_node_put(n, wa_lit("addressing_mode", "lid"));
    }
    bool has_prekey = false;
    for (size_t i = 0; i < m->enc_count; i++) {
        wa_node_add(n, wa_node_copy(arena, m->encs[i]));
        has_prekey |= wa_node_attr_is(m->encs[i], "type", "pkmsg");
    }
    if (has_prekey && m->device_identity)
        wa_node_add(n, wa_node_copy(arena, m->device_identity));
    return n;
}

void sim_deliver_message(struct sim_account *to, unsigned device, const struct sim_delivery *m,
                         struct bx_arena *arena)
{
    if (device == 0) {
        to->sim->phone->receive(to, m, arena);
        return;
    }
    struct sim_device *d = sim_device_find(to, device);
    if (d && m->is_resend)
        sim_deliver_resend(d, incoming(to, m, arena));
    else if (d)
        sim_deliver(d, incoming(to, m, arena));
}

/* --- messages from clients --- */

static const char *notify_of(const struct sim_device *d)
{
    return d->push_name[0] ? d->push_name : d->account->push_name;
}

static bool is_resend(const struct wa_node *n)
{
    return wa_node_has(n, "participant") ||
           (wa_node_child(n, "enc") && wa_node_has(wa_node_child(n, "enc"), "count")) ||
           wa_node_attr_is(n, "device_fanout", "false");
}

static struct sim_delivery delivery_of(struct sim_conn *c, const struct wa_node *n)
{
    return (struct sim_delivery){
        .from = c->device->account,
        .from_device = c->device->id,
        .notify = notify_of(c->device),
        .chat = wa_node_attr(n, "to"),
        .id = wa_node_attr(n, "id"),
        .type = wa_node_attr(n, "type"),
        .edit = wa_node_attr(n, "edit"),
        .category = wa_node_attr(n, "category"),
        .device_identity = wa_node_child(n, "device-identity"),
        .is_resend = is_resend(n),
    };
}

static void ack(struct sim_conn *c, const struct wa_node *n, const char *error,
                struct bx_arena *arena)
{
    sim_conn_send(c, WA_NODE(arena, "ack", wa_lit("class", "message"),
                             wa_str("id", wa_node_attr(n, "id")),
                             sim_echo("from", wa_node_attr(n, "to")), wa_num("t", sim_now_s()),
                             wa_lit("error", error)));
}

/* Up to MAX_ENCS <enc> children of a node. */
static size_t collect_encs(const struct wa_node *parent, const struct wa_node **out, size_t have)
{
    WA_EACH_CHILD(parent, "enc", enc)
    {
        if (have < MAX_ENCS)
            out[have++] = enc;
    }
    return have;
}

/* Peer messages and resends: a ciphertext beside (not in) the participants is for the one device
 * that `to` names. */
static void route_to_device(struct sim_conn *c, const struct wa_node *n, struct sim_delivery *m,
                            struct bx_arena *arena)
{
    struct wa_jid jid;
    struct sim_account *a =
        wa_node_attr_jid(n, "to", &jid) == BX_OK ? sim_account_find(c->sim, jid.user) : NULL;
    if (!a)
        return;
    struct bx_str recipient = wa_node_attr(n, "recipient");
    m->chat = recipient.ptr ? recipient : sim_jid(arena, a, 0, wa_jid_is_lid(&jid));
    m->is_lid = wa_jid_is_lid(&jid);
    sim_deliver_message(a, jid.device, m, arena);
}

static void route_direct(struct sim_conn *c, const struct wa_node *n, struct bx_arena *arena)
{
    struct sim_delivery m = delivery_of(c, n);
    const struct wa_node *encs[MAX_ENCS];
    m.encs = encs;
    m.enc_count = collect_encs(n, encs, 0);
    if (m.enc_count) { /* Baileys 7 repeats the resend's ciphertext in the participants */
        route_to_device(c, n, &m, arena);
        return;
    }
    m.is_lid = bx_str_ends(m.chat, BX_STR("@lid")); /* as the chat is, however devices are named */
    WA_EACH_CHILD(wa_node_child(n, "participants"), "to", to)
    {
        struct wa_jid jid;
        struct sim_account *a =
            wa_node_attr_jid(to, "jid", &jid) == BX_OK ? sim_account_find(c->sim, jid.user) : NULL;
        m.enc_count = collect_encs(to, encs, 0);
        if (a && m.enc_count && !(a == m.from && jid.device == m.from_device))
            sim_deliver_message(a, jid.device, &m, arena);
    }
}

/* The pairwise part for a device, matched by digits: clients of different ages address the same
 * member differently. */
static const struct wa_node *part_for(struct sim *sim, const struct wa_node *participants,
                                      const struct sim_account *a, unsigned device)
{
    WA_EACH_CHILD(participants, "to", to)
    {
        struct wa_jid jid;
        if (wa_node_attr_jid(to, "jid", &jid) == BX_OK && jid.device == device &&
            sim_account_find(sim, jid.user) == a)
            return to;
    }
    return NULL;
}

static void route_to_member(struct sim_conn *c, const struct wa_node *n, struct sim_delivery *m,
                            struct sim_account *a, unsigned device, struct bx_arena *arena)
{
    const struct wa_node *encs[MAX_ENCS];
    bool is_single = wa_node_has(n, "participant");
    const struct wa_node *part =
        is_single ? NULL : part_for(c->sim, wa_node_child(n, "participants"), a, device);
    m->encs = encs;
    m->enc_count =
        part ? collect_encs(part, encs, 0) : 0; /* the sender key comes before what it opens */
    m->enc_count = collect_encs(n, encs, m->enc_count);
    if (m->enc_count && !(a == m->from && device == m->from_device))
        sim_deliver_message(a, device, m, arena);
}

static void route_group(struct sim_conn *c, const struct wa_node *n, struct sim_group *g,
                        struct bx_arena *arena)
{
    struct sim_delivery m = delivery_of(c, n);
    struct wa_jid only;
    bool is_single = wa_node_attr_jid(n, "participant", &only) == BX_OK;
    m.group = g;
    for (size_t i = 0; i < g->count; i++) {
        struct sim_account *a = g->members[i].account;
        bool is_meant = !is_single || sim_account_find(c->sim, only.user) == a;
        if (!is_meant)
            continue;
        if (!is_single || only.device == 0)
            route_to_member(c, n, &m, a, 0, arena);
        BX_LIST_EACH(&a->devices, node)
        {
            struct sim_device *d = BX_CONTAINER_OF(node, struct sim_device, node);
            if (!is_single || only.device == d->id)
                route_to_member(c, n, &m, a, d->id, arena);
        }
    }
}

static void drop_after_losing_ack(struct sim_conn *c)
{
    c->sim->stats.lose_ack++;
    sim_conn_close(c, 50);
}

static bool has_written(const struct sim_account *a, const char *phone)
{
    size_t i;
    json_t *row;
    json_array_foreach(a->messages, i, row)
    {
        if (!json_is_true(json_object_get(row, "fromMe")) &&
            strcmp(json_string_value(json_object_get(row, "chat")), phone) == 0)
            return true;
    }
    return false;
}

/* A time-locked account may answer, but start no chat. */
static bool is_locked_out(const struct sim_account *self, const struct sim_account *other)
{
    return sim_faults_of(self)->is_time_locked && other != self && !has_written(self, other->phone);
}

/* What the network answers with 463. */
static bool is_unwelcome(struct sim_conn *c, const struct wa_node *n)
{
    struct sim_account *self = c->device->account,
                       *other = sim_account_by_jid(c->sim, wa_node_attr(n, "to"));
    if (!other)
        return false;
    bool is_locked = is_locked_out(self, other);
    c->sim->stats.time_lock += is_locked;
    return is_locked || (!is_resend(n) && !sim_token_admits(other, self, n));
}

void sim_on_message(struct sim_conn *c, const struct wa_node *n, struct bx_arena *arena)
{
    struct bx_str to = wa_node_attr(n, "to");
    struct sim_group *g = bx_str_ends(to, BX_STR("@g.us")) ? sim_group_find(c->sim, to) : NULL;
    bool is_group = bx_str_ends(to, BX_STR("@g.us"));
    struct sim_member *self = g ? sim_group_member(g, c->device->account) : NULL;
    bool is_muted = self && g->is_announcement && self->role == SIM_MEMBER;
    c->sim->stats.messages_in++;
    if (is_group && (!self || is_muted)) {
        ack(c, n, g ? "403" : "404", arena);
        return;
    }
    if (!is_group && is_unwelcome(c, n)) {
        ack(c, n, "463", arena);
        return;
    }
    bool is_repeat = !is_resend(n) && sim_sent_before(c->device, to, wa_node_attr(n, "id"));
    bool is_ack_lost =
        !is_repeat && sim_chance(c->sim) < sim_faults_of(c->device->account)->lose_ack;
    if (!is_ack_lost)
        ack(c, n, NULL, arena);
    if (!is_repeat && g)
        route_group(c, n, g, arena);
    else if (!is_repeat && !is_group && !bx_str_ends(to, BX_STR("@broadcast")))
        route_direct(c, n, arena);
    if (is_ack_lost)
        drop_after_losing_ack(c);
}

/* --- receipts --- */

/* The forwarded form: everything but the addresses is passed on as it came. */
static struct wa_node *forwarded(struct sim_account *from, unsigned device,
                                 const struct wa_node *receipt, bool is_lid, struct bx_arena *arena)
{
    struct bx_str to = wa_node_attr(receipt, "to");
    bool is_group = bx_str_ends(to, BX_STR("@g.us"));
    struct bx_str who = sim_jid(arena, from, device, is_lid);
    struct wa_node *n = WA_NODE(arena, "receipt", wa_str("id", wa_node_attr(receipt, "id")),
                                wa_str("type", wa_node_attr(receipt, "type")),
                                wa_num("t", sim_now_s()), wa_to("from", is_group ? to : who));
    if (is_group)
        wa_node_put(n, wa_to("participant", who));
    WA_EACH_CHILD(receipt, NULL, child)
    {
        wa_node_add(n, wa_node_copy(arena, child));
    }
    return n;
}

/* to_device -1: all companions and the phone. */
void sim_send_receipt(struct sim_account *from, unsigned from_device, struct sim_account *to,
                      int to_device, const struct wa_node *receipt, struct bx_arena *arena)
{
    struct wa_jid addressed;
    struct bx_str target = wa_node_attr(receipt, "to");
    struct sim_group *g =
        bx_str_ends(target, BX_STR("@g.us")) ? sim_group_find(from->sim, target) : NULL;
    bool is_lid =
        g ? g->is_lid
          : wa_node_attr_jid(receipt, "to", &addressed) == BX_OK && wa_jid_is_lid(&addressed);
    struct wa_node *n = forwarded(from, from_device, receipt, is_lid, arena);
    if (to == from && !g && !wa_node_attr_is(receipt, "type", "retry"))
        wa_node_put(n, sim_echo("recipient", wa_node_attr(receipt, "recipient")));
    if (to_device <= 0)
        to->sim->phone->on_receipt(to, from, from_device, n);
    BX_LIST_EACH(&to->devices, node)
    {
        struct sim_device *d = BX_CONTAINER_OF(node, struct sim_device, node);
        bool is_self = to == from && d->id == from_device;
        if (!is_self && (to_device < 0 || (unsigned)to_device == d->id))
            sim_deliver(d, n);
    }
}

static void tell_siblings(struct sim_conn *c, const struct wa_node *n, struct bx_arena *arena)
{
    struct sim_device *self = c->device;
    struct bx_str chat = wa_node_attr(n, "to");
    BX_LIST_EACH(&self->account->devices, node)
    {
        struct sim_device *d = BX_CONTAINER_OF(node, struct sim_device, node);
        if (d == self)
            continue;
        struct wa_node *copy = forwarded(self->account, self->id, n, false, arena);
        wa_node_set(copy, wa_to("from", sim_jid(arena, self->account, self->id, false)));
        wa_node_set(copy, wa_to("recipient", chat));
        sim_deliver(d, copy);
    }
}

static void forward_receipt(struct sim_conn *c, const struct wa_node *n, struct bx_arena *arena)
{
    struct wa_jid jid;
    bool is_retry = wa_node_attr_is(n, "type", "retry"), has_author = wa_node_has(n, "participant");
    bool is_group = bx_str_ends(wa_node_attr(n, "to"), BX_STR("@g.us"));
    if (wa_node_attr_jid(n, is_group && has_author ? "participant" : "to", &jid) < 0)
        return;
    struct sim_account *to = sim_account_find(c->sim, jid.user);
    if (!to)
        return;
    c->sim->stats.retries += is_retry;
    sim_send_receipt(c->device->account, c->device->id, to, is_retry ? (int)jid.device : -1, n,
                     arena);
}

void sim_on_receipt(struct sim_conn *c, const struct wa_node *n, struct bx_arena *arena)
{
    struct bx_str type = wa_node_attr(n, "type");
    bool is_private = bx_str_is(type, "sender") || bx_str_is(type, "read-self") ||
                      bx_str_is(type, "peer_msg") || bx_str_is(type, "hist_sync") ||
                      bx_str_is(type, "server-error");
    c->sim->stats.receipts_in++;
    sim_queue_ack(c->device, wa_node_attr(n, "id"));
    WA_EACH_CHILD(wa_node_child(n, "list"), "item", item)
    {
        sim_queue_ack(c->device, wa_node_attr(item, "id"));
    }
    sim_conn_send(c, WA_NODE(arena, "ack", wa_lit("class", "receipt"),
                             wa_str("id", wa_node_attr(n, "id")),
                             sim_echo("from", wa_node_attr(n, "to")), wa_str("type", type),
                             sim_echo("participant", wa_node_attr(n, "participant"))));
    if (bx_str_is(type, "read") || bx_str_is(type, "read-self") || bx_str_is(type, "played"))
        tell_siblings(c, n, arena);
    if (!is_private)
        forward_receipt(c, n, arena);
}
