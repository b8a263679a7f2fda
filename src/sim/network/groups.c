#include "sim/network/groups.h"
#include "base/err.h"
#include "base/mem.h"
#include "sim/core/iq.h"
#include "sim/core/random.h"
#include "sim/core/save.h"
#include "sim/network/accounts.h"
#include "sim/network/groups_join.h"
#include "sim/network/queue.h"

#include <stdio.h>
#include <stdlib.h>

struct sim_group *sim_group_find(struct sim *sim, struct bx_str jid)
{
    BX_LIST_EACH(&sim->groups, node)
    {
        struct sim_group *g = BX_CONTAINER_OF(node, struct sim_group, node);
        struct bx_str own = bx_str(g->jid);
        if (bx_str_eq(own, jid) || bx_str_eq(bx_str_slice(own, 0, bx_str_find(own, '@')), jid))
            return g;
    }
    return NULL;
}

struct sim_group *sim_group_new(struct sim *sim, struct sim_account *owner, struct bx_str subject,
                                bool is_lid)
{
    struct sim_group *g = BX_NEW(struct sim_group);
    snprintf(g->jid, sizeof g->jid, "12036300%010llu@g.us", (unsigned long long)++sim->next_group);
    snprintf(g->invite, sizeof g->invite, "SimInvite%llu", (unsigned long long)sim->next_group);
    bx_str_copy(bx_str_slice(subject, 0, SIM_NAME_MAX - 1), g->subject, sizeof g->subject);
    g->owner = owner;
    g->is_lid = is_lid;
    g->created_s = sim_now_s();
    bx_list_push_back(&sim->groups, &g->node);
    sim_group_add(g, owner, SIM_SUPERADMIN);
    sim_save_later(sim);
    return g;
}

void sim_group_free(struct sim_group *g)
{
    bx_list_remove(&g->node);
    free(g->members);
    free(g->requests);
    free(g);
}

struct sim_member *sim_group_member(const struct sim_group *g, const struct sim_account *a)
{
    for (size_t i = 0; i < g->count; i++) {
        if (g->members[i].account == a)
            return &g->members[i];
    }
    return NULL;
}

void sim_group_add(struct sim_group *g, struct sim_account *a, int role)
{
    if (sim_group_member(g, a))
        return;
    g->members = bx_realloc(g->members, g->count + 1, sizeof g->members[0]);
    g->members[g->count].account = a;
    g->members[g->count].role = (unsigned)role;
    g->count++;
}

void sim_group_remove(struct sim_group *g, struct sim_account *a)
{
    struct sim_member *m = sim_group_member(g, a);
    if (m)
        *m = g->members[--g->count];
}

/* --- nodes --- */

static struct wa_node *participant(const struct sim_group *g, const struct sim_account *a,
                                   struct bx_arena *arena)
{
    return WA_NODE(arena, "participant", wa_to("jid", sim_jid(arena, a, 0, g->is_lid)),
                   wa_to(g->is_lid ? "phone_number" : "lid", sim_jid(arena, a, 0, !g->is_lid)));
}

struct wa_node *sim_group_node(const struct sim_group *g, struct bx_arena *arena)
{
    static const char *const roles[] = {NULL, "admin", "superadmin"};
    struct bx_str owner = sim_jid(arena, g->owner, 0, g->is_lid);
    struct bx_str id = bx_str_slice(bx_str(g->jid), 0, bx_str_find(bx_str(g->jid), '@'));
    struct wa_node *n =
        WA_NODE(arena, "group", wa_str("id", id), wa_lit("subject", g->subject),
                wa_num("s_t", g->created_s), wa_to("s_o", owner), wa_num("creation", g->created_s),
                wa_to("creator", owner), wa_num("size", (int64_t)g->count),
                wa_lit("addressing_mode", g->is_lid ? "lid" : "pn"));
    if (g->is_lid) {
        wa_node_put(n, wa_to("s_o_pn", sim_jid(arena, g->owner, 0, false)));
        wa_node_put(n, wa_to("creator_pn", sim_jid(arena, g->owner, 0, false)));
    }
    for (size_t i = 0; i < g->count; i++) {
        struct wa_node *p = wa_node_add(n, participant(g, g->members[i].account, arena));
        wa_node_put(p, wa_lit("type", roles[g->members[i].role]));
    }
    if (g->description[0]) {
        struct wa_node *d =
            wa_node_add(n, WA_NODE(arena, "description", wa_lit("id", g->description_id),
                                   wa_num("t", g->created_s)));
        wa_node_bytes(wa_node_add(d, wa_node_new(arena, "body")), bx_str(g->description));
    }
    if (g->is_announcement)
        wa_node_add(n, wa_node_new(arena, "announcement"));
    if (g->is_locked)
        wa_node_add(n, wa_node_new(arena, "locked"));
    if (g->expiration)
        wa_node_add(n, WA_NODE(arena, "ephemeral", wa_num("expiration", g->expiration)));
    if (g->is_approving)
        wa_node_add(wa_node_add(n, wa_node_new(arena, "membership_approval_mode")),
                    WA_NODE(arena, "group_join", wa_lit("state", "on")));
    return n;
}

/* --- notifications --- */

void sim_group_notify_one(struct sim_group *g, struct sim_account *to, struct sim_account *actor,
                          const struct sim_device *except, struct wa_node *child,
                          struct bx_arena *arena)
{
    BX_LIST_EACH(&to->devices, node)
    {
        struct sim_device *d = BX_CONTAINER_OF(node, struct sim_device, node);
        if (d == except)
            continue;
        struct wa_node *n =
            WA_NODE(arena, "notification", wa_to("from", bx_str(g->jid)), wa_lit("type", "w:gp2"),
                    wa_str("id", sim_new_id(g->owner->sim, arena, "")), wa_num("t", sim_now_s()),
                    wa_to("participant", sim_jid(arena, actor, 0, g->is_lid)),
                    wa_to(g->is_lid ? "participant_pn" : "participant_lid",
                          sim_jid(arena, actor, 0, !g->is_lid)),
                    wa_lit("notify", actor->push_name[0] ? actor->push_name : NULL),
                    wa_lit("addressing_mode", g->is_lid ? "lid" : "pn"));
        wa_node_add(n, wa_node_copy(arena, child));
        sim_deliver(d, n);
    }
}

void sim_group_notify(struct sim_group *g, struct sim_account *actor,
                      const struct sim_device *except, struct wa_node *child,
                      struct sim_account **extra, size_t extra_count, struct bx_arena *arena)
{
    for (size_t i = 0; i < g->count; i++)
        sim_group_notify_one(g, g->members[i].account, actor, except, child, arena);
    for (size_t i = 0; i < extra_count; i++) {
        if (!sim_group_member(g, extra[i]))
            sim_group_notify_one(g, extra[i], actor, except, child, arena);
    }
}

void sim_group_announce(struct sim_group *g, const struct sim_device *except,
                        struct bx_arena *arena)
{
    struct wa_node *create = WA_NODE(arena, "create", wa_lit("type", "new"),
                                     wa_str("key", sim_new_id(g->owner->sim, arena, "")));
    wa_node_add(create, sim_group_node(g, arena));
    sim_group_notify(g, g->owner, except, create, NULL, 0, arena);
}

void sim_group_change(struct sim_group *g, struct sim_account *actor,
                      const struct sim_device *except, const char *verb, struct sim_account **who,
                      size_t count, struct bx_arena *arena)
{
    bool is_add = strcmp(verb, "add") == 0, is_remove = strcmp(verb, "remove") == 0;
    struct wa_node *change = WA_NODE(arena, verb, wa_lit("v_id", "1"), wa_lit("prev_v_id", "0"));
    for (size_t i = 0; i < count; i++) {
        wa_node_add(change, participant(g, who[i], arena));
        struct sim_member *m = sim_group_member(g, who[i]);
        if (is_add)
            sim_group_add(g, who[i], SIM_MEMBER);
        else if (m && strcmp(verb, "promote") == 0)
            m->role = SIM_ADMIN;
        else if (m && strcmp(verb, "demote") == 0)
            m->role = SIM_MEMBER;
    }
    /* who was removed is told too, while still a member of nothing */
    for (size_t i = 0; i < count && is_remove; i++)
        sim_group_remove(g, who[i]);
    sim_group_notify(g, actor, except, change, who, is_remove ? count : 0, arena);
    if (is_add) {
        struct wa_node *create =
            WA_NODE(arena, "create", wa_lit("type", "invite"), wa_lit("reason", "invite"));
        wa_node_add(create, sim_group_node(g, arena));
        for (size_t i = 0; i < count; i++)
            sim_group_notify_one(g, who[i], actor, NULL, create, arena);
    }
    sim_save_later(g->owner->sim);
}

/* --- requests --- */

enum { MAX_NAMED = 256 };

static size_t named(struct sim *sim, const struct wa_node *parent, struct sim_account **out)
{
    size_t n = 0;
    WA_EACH_CHILD(parent, "participant", p)
    {
        struct sim_account *a = sim_account_by_jid(sim, wa_node_attr(p, "jid"));
        if (a && n < MAX_NAMED)
            out[n++] = a;
    }
    return n;
}

static bool asks_approval(const struct wa_node *mode)
{
    return wa_node_attr_is(wa_node_child(mode, "group_join"), "state", "on");
}

static void on_create(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *create,
                      struct bx_arena *arena)
{
    struct sim_account *who[MAX_NAMED];
    struct sim_group *g = sim_group_new(c->sim, c->device->account, wa_node_attr(create, "subject"),
                                        c->sim->is_group_lid);
    size_t count = named(c->sim, create, who);
    for (size_t i = 0; i < count; i++)
        sim_group_add(g, who[i], SIM_MEMBER);
    g->is_announcement = wa_node_child(create, "announcement") != NULL;
    g->is_locked = wa_node_child(create, "locked") != NULL;
    g->is_approving = asks_approval(wa_node_child(create, "membership_approval_mode"));
    sim_iq_result(c, iq, sim_group_node(g, arena));
    sim_group_announce(g, c->device, arena);
}

static void on_participating(struct sim_conn *c, const struct wa_node *iq, struct bx_arena *arena)
{
    struct wa_node *groups = wa_node_new(arena, "groups");
    BX_LIST_EACH(&c->sim->groups, node)
    {
        struct sim_group *g = BX_CONTAINER_OF(node, struct sim_group, node);
        if (sim_group_member(g, c->device->account))
            wa_node_add(groups, sim_group_node(g, arena));
    }
    sim_iq_result(c, iq, groups);
}

static void on_leave(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *leave,
                     struct bx_arena *arena)
{
    struct wa_node *result = wa_node_new(arena, "leave");
    struct sim_account *self = c->device->account;
    WA_EACH_CHILD(leave, "group", group)
    {
        struct sim_group *g = sim_group_find(c->sim, wa_node_attr(group, "id"));
        if (g && sim_group_member(g, self))
            sim_group_change(g, self, c->device, "remove", &self, 1, arena);
        wa_node_add(result, WA_NODE(arena, "group", sim_echo("id", wa_node_attr(group, "id"))));
    }
    sim_iq_result(c, iq, result);
}

/* `get` shows the code of the invite link; `set` revokes it: the link that is out leads nowhere, and
 * the group has a new one. */
static void on_group_invite(struct sim_conn *c, const struct wa_node *iq, struct sim_group *g,
                            struct bx_arena *arena)
{
    if (wa_node_attr_is(iq, "type", "set")) {
        if (sim_group_member(g, c->device->account)->role == SIM_MEMBER) {
            sim_iq_error(c, iq, "403", "forbidden");
            return;
        }
        snprintf(g->invite, sizeof g->invite, "%s", sim_new_id(c->sim, arena, "S").ptr);
        sim_save_later(c->sim);
    }
    sim_iq_result(c, iq, WA_NODE(arena, "invite", wa_lit("code", g->invite)));
}

static void on_invite(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *invite,
                      struct bx_arena *arena)
{
    bool is_join = wa_node_attr_is(iq, "type", "set");
    struct bx_str code = wa_node_attr(invite, "code");
    BX_LIST_EACH(&c->sim->groups, node)
    {
        struct sim_group *g = BX_CONTAINER_OF(node, struct sim_group, node);
        struct sim_account *self = c->device->account;
        if (!bx_str_eq(bx_str(g->invite), code))
            continue;
        if (is_join && g->is_approving && !sim_group_member(g, self)) {
            sim_iq_result(
                c, iq, WA_NODE(arena, "membership_approval_request", wa_to("jid", bx_str(g->jid))));
            sim_join_ask(g, self, arena);
        } else if (is_join) {
            sim_iq_result(c, iq, WA_NODE(arena, "group", wa_to("jid", bx_str(g->jid))));
            sim_group_change(g, self, NULL, "add", &self, 1, arena);
        } else {
            sim_iq_result(c, iq, sim_group_node(g, arena));
        }
        return;
    }
    sim_iq_error(c, iq, "404", "item-not-found");
}

static void change_members(struct sim_conn *c, const struct wa_node *iq, struct sim_group *g,
                           const struct wa_node *child, struct bx_arena *arena)
{
    struct sim_account *who[MAX_NAMED];
    size_t count = named(c->sim, child, who);
    const char *verb = bx_arena_str(arena, child->tag).ptr;
    struct wa_node *result = wa_node_new(arena, verb);
    for (size_t i = 0; i < count; i++) {
        struct wa_node *p = wa_node_add(result, participant(g, who[i], arena));
        wa_node_put(p, wa_lit("type", "200"));
    }
    sim_iq_result(c, iq, result);
    sim_group_change(g, c->device->account, c->device, verb, who, count, arena);
}

static void set_description(struct sim_group *g, const struct wa_node *child)
{
    struct bx_str body = wa_node_child_data(child, "body"), id = wa_node_attr(child, "id");
    bx_str_copy(bx_str_slice(body, 0, sizeof g->description - 1), g->description,
                sizeof g->description);
    bx_str_copy(bx_str_slice(id, 0, SIM_ID_MAX - 1), g->description_id, sizeof g->description_id);
}

/* Settings are announced as they were asked for. */
static void change_setting(struct sim_conn *c, const struct wa_node *iq, struct sim_group *g,
                           const struct wa_node *child, struct bx_arena *arena)
{
    struct wa_node *note = wa_node_copy(arena, child);
    if (bx_str_is(child->tag, "subject")) {
        bx_str_copy(bx_str_slice(wa_node_data(child), 0, SIM_NAME_MAX - 1), g->subject,
                    sizeof g->subject);
        note = WA_NODE(arena, "subject", wa_lit("subject", g->subject), wa_num("s_t", sim_now_s()),
                       wa_to("s_o", sim_jid(arena, c->device->account, 0, g->is_lid)));
    } else if (bx_str_is(child->tag, "description")) {
        set_description(g, child);
    } else if (bx_str_is(child->tag, "announcement") || bx_str_is(child->tag, "not_announcement")) {
        g->is_announcement = bx_str_is(child->tag, "announcement");
        wa_node_put(note, wa_lit("v_id", "1"));
    } else if (bx_str_is(child->tag, "locked") || bx_str_is(child->tag, "unlocked")) {
        g->is_locked = bx_str_is(child->tag, "locked");
    } else if (bx_str_is(child->tag, "ephemeral")) {
        g->expiration = (uint32_t)wa_node_attr_u64_or(child, "expiration", 0);
    } else if (bx_str_is(child->tag, "not_ephemeral")) {
        g->expiration = 0;
    } else if (bx_str_is(child->tag, "membership_approval_mode")) {
        g->is_approving = asks_approval(child);
    }
    sim_iq_result(c, iq, NULL);
    sim_group_notify(g, c->device->account, c->device, note, NULL, 0, arena);
}

void sim_on_group_iq(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *child,
                     struct bx_arena *arena)
{
    struct sim_group *g = sim_group_find(c->sim, wa_node_attr(iq, "to"));
    struct bx_str verb = child ? child->tag : BX_STR("");
    if (bx_str_is(verb, "create")) {
        on_create(c, iq, child, arena);
    } else if (bx_str_is(verb, "participating")) {
        on_participating(c, iq, arena);
    } else if (bx_str_is(verb, "leave")) {
        on_leave(c, iq, child, arena);
    } else if (bx_str_is(verb, "invite") && !g) {
        on_invite(c, iq, child, arena);
    } else if (!g) {
        sim_iq_error(c, iq, "404", "item-not-found");
    } else if (!sim_group_member(g, c->device->account)) {
        sim_iq_error(c, iq, "403", "forbidden");
    } else if (bx_str_is(verb, "query")) {
        sim_iq_result(c, iq, sim_group_node(g, arena));
    } else if (bx_str_is(verb, "invite")) {
        on_group_invite(c, iq, g, arena);
    } else if (bx_str_is(verb, "add") || bx_str_is(verb, "remove") || bx_str_is(verb, "promote") ||
               bx_str_is(verb, "demote")) {
        change_members(c, iq, g, child, arena);
    } else if (!sim_on_join_iq(c, iq, g, child, arena)) {
        change_setting(c, iq, g, child, arena);
    }
}
