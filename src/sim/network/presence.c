/* Who is there and who types: told to those who asked, kept for nobody longer than a moment. */
#include "sim/network/presence.h"
#include "base/mem.h"
#include "sim/core/output.h"
#include "sim/core/random.h"
#include "sim/network/accounts.h"
#include "sim/network/groups.h"
#include "sim/network/token.h"

#include <stdlib.h>

static void send_presence(struct sim_account *about, struct sim_device *to, struct bx_arena *arena)
{
    if (!to->conn || !to->conn->is_active)
        return;
    struct wa_node *n = WA_NODE(arena, "presence", wa_to("from", sim_jid(arena, about, 0, false)));
    if (!about->is_available) {
        wa_node_put(n, wa_lit("type", "unavailable"));
        wa_node_put(n, wa_num("last", sim_now_s()));
    }
    sim_conn_send(to->conn, n);
}

static bool is_subscribed(const struct sim_account *who, const struct sim_account *to)
{
    return json_object_get(who->subscriptions, to->phone) != NULL;
}

void sim_presence_changed(struct sim_account *a)
{
    struct bx_arena arena;
    bool is_available = a->is_scripted && a->is_available;
    BX_LIST_EACH(&a->devices, node)
    {
        is_available |= BX_CONTAINER_OF(node, struct sim_device, node)->is_available;
    }
    a->is_available = is_available;
    bx_arena_init(&arena, 0);
    BX_LIST_EACH(&a->sim->account_list, node)
    {
        struct sim_account *other = BX_CONTAINER_OF(node, struct sim_account, node);
        if (other == a || !is_subscribed(other, a))
            continue;
        BX_LIST_EACH(&other->devices, dn)
        {
            send_presence(a, BX_CONTAINER_OF(dn, struct sim_device, node), &arena);
        }
    }
    bx_arena_done(&arena);
}

void sim_on_presence(struct sim_conn *c, const struct wa_node *n, struct bx_arena *arena)
{
    struct sim_device *d = c->device;
    struct bx_str name = wa_node_attr(n, "name");
    if (wa_node_attr_is(n, "type", "subscribe")) {
        struct sim_account *a = sim_account_by_jid(c->sim, wa_node_attr(n, "to"));
        if (!a || !sim_token_admits(a, d->account, n))
            return;
        json_object_set_new(d->account->subscriptions, a->phone, json_true());
        send_presence(a, d, arena);
        return;
    }
    if (name.len)
        sim_name_copy(name, d->push_name);
    d->is_available = !wa_node_attr_is(n, "type", "unavailable");
    sim_presence_changed(d->account);
}

/* --- typing --- */

/* For a device that is away: told when it comes back, if that is soon. */
struct late_state {
    struct bx_list node;
    struct bx_arena arena;
    struct wa_node *stanza;
    uint64_t at_ms;
};

enum { LATE_MAX = 32 };

static void late_free(struct sim_device *d, struct late_state *late)
{
    bx_list_remove(&late->node);
    bx_arena_done(&late->arena);
    free(late);
    d->late_count--;
}

static void keep_late(struct sim_device *d, const struct wa_node *stanza)
{
    struct late_state *late = BX_NEW(struct late_state);
    bx_arena_init(&late->arena, 0);
    late->stanza = wa_node_copy(&late->arena, stanza);
    late->at_ms = net_loop_now_ms(d->account->sim->loop);
    bx_list_push_back(&d->late, &late->node);
    if (++d->late_count > LATE_MAX)
        late_free(d, BX_CONTAINER_OF(d->late.next, struct late_state, node));
}

void sim_chatstate_flush(struct sim_device *d)
{
    uint64_t now = net_loop_now_ms(d->account->sim->loop);
    while (!bx_list_is_empty(&d->late)) {
        struct late_state *late = BX_CONTAINER_OF(d->late.next, struct late_state, node);
        if (d->conn && now - late->at_ms < d->account->sim->chatstate_ttl_ms)
            sim_conn_send(d->conn, late->stanza);
        late_free(d, late);
    }
}

static void relay_chatstate(struct sim_account *from, struct sim_group *g, struct sim_account *to,
                            bool is_lid, const struct wa_node *state, struct bx_arena *arena)
{
    struct bx_str who = sim_jid(arena, from, 0, is_lid);
    struct wa_node *n = WA_NODE(arena, "chatstate", wa_to("from", g ? bx_str(g->jid) : who));
    if (g)
        wa_node_put(n, wa_to("participant", who));
    wa_node_add(n, wa_node_copy(arena, state));
    if (to->is_scripted) {
        bool is_recording = wa_node_attr_is(state, "media", "audio");
        json_array_append_new(to->presence, json_pack("{s:s,s:s#}", "from", from->phone, "state",
                                                      is_recording ? "recording" : state->tag.ptr,
                                                      is_recording ? (size_t)9 : state->tag.len));
    }
    BX_LIST_EACH(&to->devices, node)
    {
        struct sim_device *d = BX_CONTAINER_OF(node, struct sim_device, node);
        if (d->conn && d->conn->is_active)
            sim_conn_send(d->conn, n);
        else
            keep_late(d, n);
    }
}

/* Also what a scripted phone does. state: <composing/> and its like. */
void sim_chatstate(struct sim_account *from, struct sim_group *g, struct sim_account *to,
                   bool is_lid, const struct wa_node *state, struct bx_arena *arena)
{
    for (size_t i = 0; g && i < g->count; i++) {
        if (g->members[i].account != from)
            relay_chatstate(from, g, g->members[i].account, g->is_lid, state, arena);
    }
    if (!g && to)
        relay_chatstate(from, NULL, to, is_lid, state, arena);
}

void sim_on_chatstate(struct sim_conn *c, const struct wa_node *n, struct bx_arena *arena)
{
    struct bx_str to = wa_node_attr(n, "to");
    const struct wa_node *state = wa_node_child(n, NULL);
    if (!state)
        return;
    struct sim_group *g = bx_str_ends(to, BX_STR("@g.us")) ? sim_group_find(c->sim, to) : NULL;
    sim_chatstate(c->device->account, g, g ? NULL : sim_account_by_jid(c->sim, to),
                  bx_str_ends(to, BX_STR("@lid")), state, arena);
}
