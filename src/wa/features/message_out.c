/* Lane: from a message to the stanza that carries it. One step does all that is possible with what
 * the keystore knows; when device lists, key bundles or a group's members are missing it says so,
 * the loop fetches them, and the next step applies the answer and tries again. */
#include "wa/features/fan.h"

#include "base/clock.h"
#include "wa/proto/pb.h"

enum { SENT_RING = 1024 };

static int remember(struct wa_fan *f)
{
    struct wa_job *job = f->job;
    const struct wa_keystore *ks = job->ks;
    uint64_t at;
    struct bx_str old;
    int rc = wa_self_get_u64(ks, "sent_at", 0, &at);
    if (rc < 0)
        return rc;
    struct bx_str slot = bx_arena_printf(&job->out, "~%04u", (unsigned)(at % SENT_RING));
    rc = ks->ops->get(ks->ctx, WA_KEY_SENT, slot, &job->out, &old);
    if (rc == BX_OK && !bx_str_eq(old, f->op->out.id))
        rc = ks->ops->del(ks->ctx, WA_KEY_SENT, old);
    if (rc < 0 && rc != BX_E_NOT_FOUND)
        return rc;
    struct bx_buf value;
    bx_buf_init(&value, 0);
    bx_buf_str(&value, f->op->out.to);
    bx_buf_byte(&value, '\n');
    bx_buf_str(&value, f->plain);
    rc = ks->ops->put(ks->ctx, WA_KEY_SENT, f->op->out.id, bx_buf_view(&value));
    bx_buf_done(&value);
    if (rc >= 0)
        rc = ks->ops->put(ks->ctx, WA_KEY_SENT, slot, f->op->out.id);
    return rc < 0 ? rc : wa_self_put_u64(ks, "sent_at", at + 1);
}

/* The message goes to the account that the server names. The operation is the job's while it runs. */
static int take_account(struct wa_job *job)
{
    struct wa_send_op *op = job->op;
    struct wa_jid jid, to;
    const struct wa_node *user =
        wa_node_child(wa_node_child(wa_node_child(job->node, "usync"), "list"), "user");
    const struct wa_node *contact = wa_node_child(user, "contact");
    if (!contact || !wa_node_attr_is(contact, "type", "in") ||
        wa_node_attr_jid(user, "jid", &jid) < 0 || wa_jid_parse(op->out.to, &to) < 0 ||
        !wa_jid_is_pn(&jid) || !wa_jid_is_pn(&to) || bx_str_eq(jid.user, to.user))
        return BX_OK;
    struct wa_event *e = wa_job_event(job, WA_EVENT_ACCOUNT);
    e->account_of.digits = bx_arena_str(&job->out, to.user);
    jid.device = 0;
    op->out.to = wa_jid_text(&op->arena, &jid);
    return wa_peer_of(job, &jid, &e->account_of.account);
}

static int apply_answer(struct wa_job *job)
{
    if (!job->node)
        return BX_OK;
    if (wa_node_child(job->node, "usync")) {
        int rc = wa_devices_apply(job, job->node);
        return rc < 0 ? rc : take_account(job);
    }
    if (wa_node_child(job->node, "group"))
        return wa_groups_apply(job, job->node);
    return wa_bundles_apply(job, job->node);
}

static int send_run(struct wa_job *job)
{
    struct wa_send_op *op = job->op;
    struct wa_send_result *result = BX_ARENA_NEW(&job->out, struct wa_send_result);
    struct wa_fan f = {.job = job, .op = op, .result = result};
    Wap__Message *m;
    job->result = result;
    int rc = apply_answer(job);
    if (rc < 0)
        return rc;
    f.plain = wa_message_build(&job->out, &op->out);
    if (wa_jid_parse(op->out.to, &f.to) < 0 || WA_PB_UNPACK(message, f.plain, &job->out, &m) < 0) {
        wa_fan_fail(&f, BX_E_INVALID);
        return BX_OK;
    }
    f.shape = wa_shape_of(m);
    if (op->origin != WA_OP_USER)
        rc = wa_fan_send_one(&f);
    else if (wa_jid_is_group(&f.to))
        rc = wa_fan_send_group(&f);
    else if (wa_jid_is_user(&f.to))
        rc = wa_fan_send_direct(&f);
    else
        wa_fan_fail(&f, BX_E_UNSUPPORTED);
    if (rc >= 0 && result->outcome == WA_SEND_READY && op->origin == WA_OP_USER)
        rc = remember(&f);
    if (rc >= 0 && result->outcome == WA_SEND_FAILED && op->origin == WA_OP_USER)
        wa_job_event(job, WA_EVENT_SENT)->sent = (struct wa_sent){
            .id = op->out.id, .to = op->out.to, .rc = result->rc, .timestamp_ms = bx_wall_ms()};
    return rc;
}

static void send_finish(struct wa_job *job, int rc);
const struct wa_job_type wa_job_send_step = {
    .name = "send", .run = send_run, .finish = send_finish};

static void send_finish(struct wa_job *job, int rc)
{
    wa_send_stepped(job->client, job->op, rc < 0 ? NULL : job->result, rc,
                    job->connection == job->client->connection);
}
