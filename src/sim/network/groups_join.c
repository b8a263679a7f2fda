/* Groups that approve: who follows the invite link asks, and an admin lets in or turns away. */
#include "sim/network/groups_join.h"
#include "base/err.h"
#include "base/mem.h"
#include "sim/core/iq.h"
#include "sim/core/random.h"
#include "sim/core/save.h"
#include "sim/network/accounts.h"
#include "sim/network/groups.h"

enum { MAX_NAMED = 256 };

static struct sim_join_request *find(const struct sim_group *g, const struct sim_account *a)
{
    for (size_t i = 0; i < g->request_count; i++) {
        if (g->requests[i].account == a)
            return &g->requests[i];
    }
    return NULL;
}

bool sim_join_is_pending(const struct sim_group *g, const struct sim_account *a)
{
    return find(g, a) != NULL;
}

static void forget(struct sim_group *g, struct sim_join_request *r)
{
    size_t after = (size_t)(g->requests + --g->request_count - r);
    memmove(r, r + 1, after * sizeof *r);
}

static struct wa_node *person(const struct sim_group *g, const struct sim_account *a,
                              const char *tag, struct bx_arena *arena)
{
    return WA_NODE(arena, tag, wa_to("jid", sim_jid(arena, a, 0, g->is_lid)),
                   wa_to(g->is_lid ? "phone_number" : "lid", sim_jid(arena, a, 0, !g->is_lid)));
}

/* Only admins, and who it is about. */
static void tell(struct sim_group *g, struct sim_account *actor, struct sim_account *about,
                 struct wa_node *child, struct bx_arena *arena)
{
    for (size_t i = 0; i < g->count; i++) {
        if (g->members[i].role != SIM_MEMBER)
            sim_group_notify_one(g, g->members[i].account, actor, NULL, child, arena);
    }
    if (about != actor)
        sim_group_notify_one(g, about, actor, NULL, child, arena);
}

void sim_join_ask(struct sim_group *g, struct sim_account *a, struct bx_arena *arena)
{
    if (find(g, a) || sim_group_member(g, a))
        return;
    g->requests = bx_realloc(g->requests, g->request_count + 1, sizeof g->requests[0]);
    g->requests[g->request_count++] = (struct sim_join_request){a, sim_now_s()};
    struct wa_node *note =
        WA_NODE(arena, "created_membership_requests", wa_lit("request_method", "invite_link"));
    wa_node_add(note, person(g, a, "participant", arena));
    tell(g, a, a, note, arena);
    sim_save_later(g->owner->sim);
}

bool sim_join_decide(struct sim_group *g, struct sim_account *admin, struct sim_account *who,
                     bool is_yes, struct bx_arena *arena)
{
    struct sim_join_request *r = find(g, who);
    if (!r)
        return false;
    forget(g, r);
    if (is_yes) {
        sim_group_change(g, admin, NULL, "add", &who, 1, arena);
    } else {
        struct wa_node *note = wa_node_new(arena, "revoked_membership_requests");
        wa_node_add(note, person(g, who, "participant", arena));
        tell(g, admin, who, note, arena);
    }
    sim_save_later(g->owner->sim);
    return true;
}

/* --- what an admin's client asks --- */

static void list(struct sim_conn *c, const struct wa_node *iq, struct sim_group *g,
                 struct bx_arena *arena)
{
    struct wa_node *all = wa_node_new(arena, "membership_approval_requests");
    for (size_t i = 0; i < g->request_count; i++) {
        struct wa_node *one = wa_node_add(
            all, person(g, g->requests[i].account, "membership_approval_request", arena));
        wa_node_put(one, wa_lit("request_method", "invite_link"));
        wa_node_put(one, wa_num("request_time", g->requests[i].asked_s));
    }
    sim_iq_result(c, iq, all);
}

static void decide(struct sim_conn *c, const struct wa_node *iq, struct sim_group *g,
                   const struct wa_node *child, struct bx_arena *arena)
{
    const struct wa_node *action = wa_node_child(child, NULL);
    bool is_yes = action && wa_node_is(action, "approve");
    struct wa_node *result = wa_node_new(arena, "membership_requests_action");
    struct sim_account *who[MAX_NAMED];
    size_t count = 0;
    if (!is_yes && !(action && wa_node_is(action, "reject"))) {
        sim_iq_error(c, iq, "400", "bad-request");
        return;
    }
    struct wa_node *done = wa_node_add(result, wa_node_new(arena, is_yes ? "approve" : "reject"));
    WA_EACH_CHILD(action, "participant", p)
    {
        struct sim_account *a = sim_account_by_jid(c->sim, wa_node_attr(p, "jid"));
        bool is_pending = a && sim_join_is_pending(g, a) && count < MAX_NAMED;
        wa_node_add(done, WA_NODE(arena, "participant", sim_echo("jid", wa_node_attr(p, "jid")),
                                  wa_lit("error", is_pending ? NULL : "404")));
        if (is_pending)
            who[count++] = a;
    }
    sim_iq_result(c, iq, result);
    for (size_t i = 0; i < count; i++)
        sim_join_decide(g, c->device->account, who[i], is_yes, arena);
}

bool sim_on_join_iq(struct sim_conn *c, const struct wa_node *iq, struct sim_group *g,
                    const struct wa_node *child, struct bx_arena *arena)
{
    bool is_list = wa_node_is(child, "membership_approval_requests"),
         is_action = wa_node_is(child, "membership_requests_action");
    if (!is_list && !is_action)
        return false;
    if (sim_group_member(g, c->device->account)->role == SIM_MEMBER)
        sim_iq_error(c, iq, "403", "forbidden");
    else if (is_list)
        list(c, iq, g, arena);
    else
        decide(c, iq, g, child, arena);
    return true;
}
