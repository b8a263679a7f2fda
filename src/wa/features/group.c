/* Groups: who is in them and how they are addressed. Cached beside the device lists, under the
 * group's JID; any notification fetches the group anew, so a cached list is complete or absent. */
#include "wa/internal.h"

#include "wa/proto/pb.h"

#include <stdlib.h>

enum { MAX_MEMBERS = 4096 };

/* --- the cache: a line of numbers, the subject, a line per member --- */

static int store_info(struct wa_job *job, struct bx_str group, const struct wa_group_info *info)
{
    struct bx_buf text;
    bx_buf_init(&text, 0);
    bx_buf_printf(&text, "%d %d %u %d\n", info->is_lid, info->is_announcement, info->ephemeral_s,
                  info->is_locked);
    for (size_t i = 0; i < info->subject.len; i++)
        bx_buf_byte(&text, info->subject.ptr[i] == '\n' ? ' ' : (uint8_t)info->subject.ptr[i]);
    for (size_t i = 0; i < info->count; i++) {
        struct bx_str jid = wa_jid_text(&job->out, &info->members[i]);
        bx_buf_printf(&text, "\n" BX_STR_FMT " %d", BX_STR_ARG(jid),
                      info->details[i].is_superadmin ? 2 : info->details[i].is_admin);
    }
    int rc = job->ks->ops->put(job->ks->ctx, WA_KEY_DEVICES, group, bx_buf_view(&text));
    bx_buf_done(&text);
    return rc;
}

static bool flag_of(struct bx_str *line)
{
    struct bx_str piece;
    return bx_str_split(line, ' ', &piece) && bx_str_is(piece, "1");
}

int wa_groups_get(struct wa_job *job, struct bx_str group, struct wa_group_info *out)
{
    struct bx_str stored, line, piece;
    uint64_t seconds = 0;
    int rc = job->ks->ops->get(job->ks->ctx, WA_KEY_DEVICES, group, &job->out, &stored);
    if (rc < 0)
        return rc;
    *out = (struct wa_group_info){0};
    if (!bx_str_split(&stored, '\n', &line))
        return BX_E_NOT_FOUND;
    out->is_lid = flag_of(&line);
    out->is_announcement = flag_of(&line);
    if (bx_str_split(&line, ' ', &piece) && bx_str_u64(piece, UINT32_MAX, &seconds) == BX_OK)
        out->ephemeral_s = (uint32_t)seconds;
    out->is_locked = flag_of(&line);
    bx_str_split(&stored, '\n', &out->subject);
    size_t room = 1;
    for (size_t i = 0; i < stored.len; i++)
        room += stored.ptr[i] == '\n';
    out->members = bx_arena_alloc(&job->out, room * sizeof *out->members);
    out->details = bx_arena_alloc(&job->out, room * sizeof *out->details);
    while (bx_str_split(&stored, '\n', &line)) {
        struct wa_member *detail = &out->details[out->count];
        if (!bx_str_split(&line, ' ', &piece) || wa_jid_parse(piece, &out->members[out->count]) < 0)
            continue;
        detail->is_superadmin = bx_str_is(line, "2");
        detail->is_admin = detail->is_superadmin || bx_str_is(line, "1");
        out->count++;
    }
    return BX_OK;
}

int wa_group_event(struct wa_job *job, struct bx_str group, const struct wa_group_info *info)
{
    struct wa_group *g = &wa_job_event(job, WA_EVENT_GROUP)->group;
    g->subject = info->subject;
    g->is_lid_addressed = info->is_lid;
    g->is_announcement = info->is_announcement;
    g->is_locked = info->is_locked;
    g->ephemeral_s = info->ephemeral_s;
    g->members = info->details;
    g->member_count = info->count;
    g->is_gone = true;
    int rc = wa_peer_of_text(job, group, &g->chat);
    for (size_t i = 0; i < info->count && rc >= 0; i++) {
        rc = wa_peer_of(job, &info->members[i], &info->details[i].person);
        g->is_gone = g->is_gone && !info->details[i].person.is_me;
    }
    return rc;
}

/* --- <group> --- */

static int read_member(struct wa_job *job, const struct wa_node *p, struct wa_group_info *info)
{
    int rc = wa_learn_attrs(job, p, "jid", "lid");
    if (rc >= 0)
        rc = wa_learn_attrs(job, p, "jid", "phone_number");
    if (rc < 0 || info->count == MAX_MEMBERS ||
        wa_node_attr_jid(p, "jid", &info->members[info->count]) < 0)
        return rc;
    struct wa_member *detail = &info->details[info->count++];
    detail->is_superadmin = wa_node_attr_is(p, "type", "superadmin");
    detail->is_admin = detail->is_superadmin || wa_node_attr_is(p, "type", "admin");
    return BX_OK;
}

static struct bx_str group_jid(struct wa_job *job, const struct wa_node *g)
{
    struct bx_str id = wa_node_attr(g, "id");
    if (bx_str_find(id, '@') < id.len)
        return id;
    return bx_arena_printf(&job->out, BX_STR_FMT "@g.us", BX_STR_ARG(id));
}

static int apply_group(struct wa_job *job, const struct wa_node *g)
{
    struct wa_group_info info = {.subject = wa_node_attr(g, "subject")};
    struct bx_str jid = group_jid(job, g);
    size_t room = wa_node_count(g, "participant") + 1;
    if (!wa_node_has(g, "id"))
        return BX_OK;
    info.members = bx_arena_alloc(&job->out, room * sizeof *info.members);
    info.details = bx_arena_alloc(&job->out, room * sizeof *info.details);
    info.is_lid = wa_node_attr_is(g, "addressing_mode", "lid");
    info.is_announcement = wa_node_child(g, "announcement") != NULL;
    info.is_locked = wa_node_child(g, "locked") != NULL;
    const struct wa_node *ephemeral = wa_node_child(g, "ephemeral");
    if (ephemeral)
        info.ephemeral_s = (uint32_t)wa_node_attr_u64_or(ephemeral, "expiration", 0);
    int rc = BX_OK;
    WA_EACH_CHILD(g, "participant", p)
    {
        if (rc >= 0)
            rc = read_member(job, p, &info);
    }
    if (rc >= 0)
        rc = store_info(job, jid, &info);
    return rc < 0 ? rc : wa_group_event(job, jid, &info);
}

int wa_groups_apply(struct wa_job *job, const struct wa_node *iq)
{
    const struct wa_node *groups = wa_node_child(iq, "groups");
    int rc = BX_OK;
    WA_EACH_CHILD(groups ? groups : iq, "group", g)
    {
        if (rc >= 0)
            rc = apply_group(job, g);
    }
    return rc;
}

/* --- notifications --- */

/* Somebody left: what follows must not be readable with the old key. */
static int rotate(struct wa_job *job, struct bx_str group)
{
    struct wa_jid me = wa_me(job->creds), lid = wa_me_lid(job->creds);
    int rc = wa_group_rotate(job->signal, group, &me);
    if (rc >= 0 && lid.user.len)
        rc = wa_group_rotate(job->signal, group, &lid);
    if (rc >= 0)
        rc = job->ks->ops->del(job->ks->ctx, WA_KEY_SENDER_SHARED, group);
    return rc;
}

static int has_me(struct wa_job *job, const struct wa_node *child)
{
    struct wa_jid jid;
    WA_EACH_CHILD(child, "participant", p)
    {
        if (wa_node_attr_jid(p, "jid", &jid) == BX_OK && wa_is_me(job->creds, &jid))
            return true;
    }
    return false;
}

static int learn_members(struct wa_job *job, const struct wa_node *child)
{
    int rc = BX_OK;
    WA_EACH_CHILD(child, "participant", p)
    {
        if (rc >= 0)
            rc = wa_learn_attrs(job, p, "jid", "lid");
        if (rc >= 0)
            rc = wa_learn_attrs(job, p, "jid", "phone_number");
    }
    return rc;
}

int wa_on_group_notification(struct wa_job *job, const struct wa_node *n)
{
    struct bx_str group = wa_node_attr(n, "from");
    const struct wa_node *child = wa_node_child(n, NULL);
    if (!group.len || !child)
        return BX_OK;
    int rc = learn_members(job, child);
    bool is_leave = wa_node_is(child, "remove") || wa_node_is(child, "leave");
    if (rc >= 0 && is_leave)
        rc = rotate(job, group);
    if (rc >= 0 && wa_node_child(child, "group"))
        return wa_groups_apply(job, child);
    if (rc >= 0)
        rc = job->ks->ops->del(job->ks->ctx, WA_KEY_DEVICES, group);
    if (rc >= 0 && is_leave && has_me(job, child)) {
        struct wa_group *g = &wa_job_event(job, WA_EVENT_GROUP)->group;
        g->is_gone = true;
        return wa_peer_of_text(job, group, &g->chat);
    }
    if (rc >= 0)
        wa_job_want(job, WA_WANT_GROUP)->text = group;
    return rc;
}

/* --- loop: fetching --- */

static int apply_run(struct wa_job *job)
{
    return wa_groups_apply(job, job->node);
}

static const struct wa_job_type apply_type = {.name = "groups", .run = apply_run};

static void on_groups(struct wa_client *c, struct wa_node *answer, struct bx_arena **arena, int rc,
                      void *arg)
{
    (void)arg;
    if (rc < 0)
        return;
    struct wa_job *job = wa_job_new(c, &apply_type, *arena, answer);
    *arena = NULL;
    wa_job_submit(job);
}

void wa_group_refresh(struct wa_client *c, struct bx_str group)
{
    struct bx_arena arena;
    struct wa_node *iq, *child;
    bx_arena_init(&arena, 0);
    iq = WA_NODE(&arena, "iq", wa_to("to", group.ptr ? group : BX_STR("@g.us")),
                 wa_lit("type", "get"), wa_lit("xmlns", "w:g2"));
    if (group.ptr) {
        wa_node_add(iq, WA_NODE(&arena, "query", wa_lit("request", "interactive")));
    } else {
        child = wa_node_add(iq, wa_node_new(&arena, "participating"));
        wa_node_add(child, wa_node_new(&arena, "participants"));
        wa_node_add(child, wa_node_new(&arena, "description"));
    }
    wa_request_send(c, iq, 0, on_groups, NULL);
    bx_arena_done(&arena);
}

int wa_client_refresh_groups(struct wa_client *c, struct bx_str group)
{
    if (!c->has_settled)
        return BX_E_STATE;
    wa_group_refresh(c, group);
    return BX_OK;
}
