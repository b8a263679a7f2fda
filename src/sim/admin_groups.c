#include "base/err.h"
#include "base/mem.h"
#include "sim/admin.h"

static json_t *group_json(const struct sim_group *g)
{
    json_t *members = json_array();
    for (size_t i = 0; i < g->count; i++)
        json_array_append_new(members, json_string(g->members[i].account->phone));
    return json_pack("{s:s,s:s,s:s,s:s,s:o}", "jid", g->jid, "subject", g->subject, "addressing",
                     g->is_lid ? "lid" : "pn", "owner", g->owner->phone, "members", members);
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
    if (!sim_call_only(c, "subject owner members addressing"))
        return;
    if (!owner || !sim_call_text(c, "subject")) {
        sim_call_fail(c, 400, "subject and owner are needed");
        return;
    }
    struct sim_group *g = sim_group_new(c->sim, owner, sim_call_str(c, "subject"),
                                        addressing && strcmp(addressing, "lid") == 0);
    size_t count = members_of(c, who);
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

const struct sim_call_row sim_calls_groups[] = {
    {"POST", "/admin/groups", make_group},
    {"GET", "/admin/groups", list_groups},
    {"POST", "/admin/group/G/V", change_group},
    {NULL, NULL, NULL},
};
