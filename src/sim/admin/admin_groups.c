/* Groups, as if their owner had done it. */
#include "base/err.h"
#include "base/mem.h"
#include "sim/admin/admin.h"
#include "sim/network/groups.h"
#include "sim/network/groups_join.h"

static json_t *group_json(const struct sim_group *g)
{
    json_t *members = json_array(), *admins = json_array(), *pending = json_array();
    for (size_t i = 0; i < g->count; i++) {
        json_t *phone = json_string(g->members[i].account->phone);
        if (g->members[i].role != SIM_MEMBER)
            json_array_append(admins, phone);
        json_array_append_new(members, phone);
    }
    for (size_t i = 0; i < g->request_count; i++)
        json_array_append_new(pending, json_string(g->requests[i].account->phone));
    return json_pack("{s:s,s:s,s:s,s:s,s:o,s:o,s:s,s:b,s:o}", "jid", g->jid, "subject", g->subject,
                     "addressing", g->is_lid ? "lid" : "pn", "owner", g->owner->phone, "members",
                     members, "admins", admins, "invite", g->invite, "approval", g->is_approving,
                     "pending", pending);
}

enum { MAX_MEMBERS = 512 };

static size_t members_of(struct sim_call *c, struct sim_account **out)
{
    size_t i, n = 0;
    json_t *who;
    json_array_foreach(json_object_get(c->body, "members"), i, who)
    {
        struct sim_account *a = sim_call_person(c, json_string_value(who));
        if (a && n < MAX_MEMBERS)
            out[n++] = a;
    }
    return n;
}

static void make_group(struct sim_call *c)
{
    struct sim_account *who[MAX_MEMBERS], *owner = sim_call_person(c, sim_call_text(c, "owner"));
    const char *addressing = sim_call_text(c, "addressing");
    if (!sim_call_only(c, "subject owner members addressing approval") ||
        !sim_call_choice(c, "addressing", "pn lid"))
        return;
    if (!owner || !sim_call_text(c, "subject")) {
        sim_call_fail(c, 400, "subject and owner are needed");
        return;
    }
    struct sim_group *g = sim_group_new(c->sim, owner, sim_call_str(c, "subject"),
                                        addressing && strcmp(addressing, "lid") == 0);
    size_t count = members_of(c, who);
    g->is_approving = json_is_true(json_object_get(c->body, "approval"));
    for (size_t i = 0; i < count; i++)
        sim_group_add(g, who[i], SIM_MEMBER);
    sim_group_announce(g, NULL, c->arena);
    sim_call_ok(c, json_pack("{s:o}", "group", group_json(g)));
}

static void list_groups(struct sim_call *c)
{
    json_t *list = json_array();
    BX_LIST_EACH(&c->sim->groups, node)
    {
        json_array_append_new(list, group_json(BX_CONTAINER_OF(node, struct sim_group, node)));
    }
    sim_call_ok(c, json_pack("{s:o}", "groups", list));
}

static void change_group(struct sim_call *c)
{
    struct sim_account *who[MAX_MEMBERS];
    size_t count = members_of(c, who);
    const char *verb = bx_arena_str(c->arena, c->segments[3]).ptr;
    if (!sim_call_only(c, "members"))
        return;
    sim_group_change(c->group, c->group->owner, NULL, verb, who, count, c->arena);
    sim_call_ok(c, json_pack("{s:o}", "group", group_json(c->group)));
}

/* Who follows the invite link: joins, or waits for an admin where the group approves. */
static void join(struct sim_call *c)
{
    struct sim_account *who[MAX_MEMBERS];
    size_t count = members_of(c, who);
    if (!sim_call_only(c, "members"))
        return;
    for (size_t i = 0; i < count; i++) {
        if (c->group->is_approving)
            sim_join_ask(c->group, who[i], c->arena);
        else
            sim_group_change(c->group, who[i], NULL, "add", &who[i], 1, c->arena);
    }
    sim_call_ok(c, json_pack("{s:o}", "group", group_json(c->group)));
}

static void decide(struct sim_call *c, bool is_yes)
{
    struct sim_account *who[MAX_MEMBERS];
    size_t count = members_of(c, who);
    if (!sim_call_only(c, "members"))
        return;
    for (size_t i = 0; i < count; i++) {
        if (!sim_join_is_pending(c->group, who[i])) {
            sim_call_fail(c, 409, "one of them does not wait to join");
            return;
        }
    }
    for (size_t i = 0; i < count; i++)
        sim_join_decide(c->group, c->group->owner, who[i], is_yes, c->arena);
    sim_call_ok(c, json_pack("{s:o}", "group", group_json(c->group)));
}

static void approve(struct sim_call *c)
{
    decide(c, true);
}

static void reject(struct sim_call *c)
{
    decide(c, false);
}

const struct sim_call_row sim_calls_groups[] = {
    {"POST", "/admin/groups", make_group},
    {"GET", "/admin/groups", list_groups},
    {"POST", "/admin/group/G/V", change_group},
    {"POST", "/admin/group/G/join", join},
    {"POST", "/admin/group/G/approve", approve},
    {"POST", "/admin/group/G/reject", reject},
    {NULL, NULL, NULL},
};
