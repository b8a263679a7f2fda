/* Lane: a message to a group: sealed once with our sender key, which goes along to the devices that
 * have not got it. Who leaves makes the key change. */
#include "wa/features/fan.h"

#include "base/clock.h"
#include "wa/proto/pb.h"

static bool is_listed(struct bx_str list, struct bx_str jid)
{
    struct bx_str line;
    while (bx_str_split(&list, '\n', &line)) {
        if (bx_str_eq(line, jid))
            return true;
    }
    return false;
}

/* A device that had our key and is no longer a member's: the key must change. */
static bool has_leaver(struct wa_fan *f, struct bx_str shared)
{
    struct bx_str line;
    while (bx_str_split(&shared, '\n', &line)) {
        bool is_here = false;
        for (size_t i = 0; i < f->device_count && !is_here; i++)
            is_here = bx_str_eq(line, wa_jid_text(&f->job->out, &f->devices[i]));
        if (line.len && !is_here)
            return true;
    }
    return false;
}

static struct bx_str distribution(struct wa_fan *f, struct bx_str group, struct bx_str key)
{
    struct bx_arena *a = &f->job->out;
    Wap__Message *m = WA_PB_NEW(a, Wap__Message, message);
    m->sender_key_distribution = WA_PB_NEW(a, Wap__SenderKeyDistribution, sender_key_distribution);
    m->sender_key_distribution->group_id = wa_pb_text(a, group);
    WA_PB_SET_BYTES(m->sender_key_distribution, sender_key_message, key);
    return wa_pb_pack(m, a);
}

/* Who has no key yet stays in f->devices; *out_all is the list to remember. */
static int newcomers(struct wa_fan *f, struct bx_str group, const struct wa_jid *self,
                     struct bx_buf *out_all)
{
    struct wa_job *job = f->job;
    struct bx_str shared = {0};
    size_t kept = 0;
    int rc = job->ks->ops->get(job->ks->ctx, WA_KEY_SENDER_SHARED, group, &job->out, &shared);
    if (rc < 0 && rc != BX_E_NOT_FOUND)
        return rc;
    rc = BX_OK;
    if (shared.len && has_leaver(f, shared)) {
        shared = (struct bx_str){0};
        rc = wa_group_rotate(job->signal, group, self);
    }
    for (size_t i = 0; i < f->device_count; i++) {
        struct bx_str jid = wa_jid_text(&job->out, &f->devices[i]);
        if (is_listed(shared, jid)) {
            bx_buf_str(out_all, jid);
            bx_buf_byte(out_all, '\n');
        } else {
            f->devices[kept++] = f->devices[i];
        }
    }
    f->device_count = kept;
    return rc;
}

/* Our key for who has not got it; shared grows by those. */
static int share_key(struct wa_fan *f, struct wa_node *message, struct bx_str skdm,
                     struct bx_buf *shared)
{
    struct wa_node *to = wa_node_new(&f->job->out, "participants");
    struct wa_shape shape = f->shape;
    size_t reached = 0;
    f->shape.media = NULL;
    f->shape.is_hidden = false;
    int rc = wa_fan_encrypt_each(f, to, skdm, false, &reached);
    if (rc >= 0)
        rc = wa_fan_encrypt_each(f, to, skdm, true, &reached);
    f->shape = shape;
    if (reached)
        wa_node_add(message, to);
    WA_EACH_CHILD(to, "to", t)
    {
        bx_buf_str(shared, wa_node_attr(t, "jid"));
        bx_buf_byte(shared, '\n');
    }
    return rc;
}

static int write_group(struct wa_fan *f, const struct wa_group_info *info, struct bx_str group,
                       const struct wa_jid *self, struct bx_buf *shared)
{
    struct wa_job *job = f->job;
    struct bx_arena *a = &job->out;
    struct bx_str key, cipher;
    uint8_t random;
    bx_random(&random, 1);
    struct wa_node *message = wa_fan_message(f);
    wa_node_put(message, wa_lit("addressing_mode", info->is_lid ? "lid" : "pn"));
    int rc = wa_group_distribute(job->signal, group, self, a, &key);
    if (rc >= 0 && f->device_count)
        rc = share_key(f, message, distribution(f, group, key), shared);
    if (rc >= 0)
        rc = wa_group_encrypt(job->signal, group, self, wa_pad(f->plain, random, a), a, &cipher);
    if (rc >= 0)
        rc = job->ks->ops->put(job->ks->ctx, WA_KEY_SENDER_SHARED, group, bx_buf_view(shared));
    if (rc < 0)
        return rc;
    wa_node_bytes(
        wa_node_add(message, WA_NODE(a, "enc", wa_num("v", 2), wa_lit("type", "skmsg"),
                                     wa_lit("mediatype", f->shape.media),
                                     wa_lit("decrypt-fail", f->shape.is_hidden ? "hide" : NULL))),
        cipher);
    wa_fan_add_identity(f, message);
    f->result->node = message;
    return BX_OK;
}

int wa_fan_send_group(struct wa_fan *f)
{
    struct wa_job *job = f->job;
    struct wa_group_info info;
    struct bx_str group = f->op->out.to;
    struct bx_buf shared;
    int rc = wa_groups_get(job, group, &info);
    if (rc == BX_E_NOT_FOUND) {
        f->result->needs_group = !f->op->has_asked_group;
        f->result->outcome = WA_SEND_NEEDS;
        if (f->op->has_asked_group)
            wa_fan_fail(f, BX_E_NOT_FOUND);
        return BX_OK;
    }
    struct wa_jid self = info.is_lid ? wa_me_lid(job->creds) : wa_me(job->creds);
    for (size_t i = 0; i < info.count && rc >= 0; i++)
        rc = wa_fan_add_person(f, info.members[i]);
    if (rc < 0 || f->result->outcome == WA_SEND_NEEDS)
        return rc;
    bx_buf_init(&shared, 0);
    rc = newcomers(f, group, &self, &shared);
    if (rc >= 0)
        rc = wa_fan_check_sessions(f);
    if (rc >= 0 && f->result->outcome != WA_SEND_NEEDS)
        rc = write_group(f, &info, group, &self, &shared);
    bx_buf_done(&shared);
    return rc;
}
