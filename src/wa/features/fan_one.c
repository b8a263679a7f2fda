/* Lane: a message to one device: answers to retry receipts, messages to our own phone. */
#include "wa/features/fan.h"

#include "wa/proto/pb.h"

/* In a group the sender key goes along: who asks again may have missed it. */
static int plain_for(struct wa_fan *f, const struct wa_jid *device, struct bx_str *out)
{
    struct wa_job *job = f->job;
    struct bx_arena *a = &job->out;
    struct bx_str group = f->op->out.to, key;
    struct wa_group_info info;
    Wap__Message *m;
    *out = f->plain;
    if (!wa_jid_is_group(&f->to)) {
        if (f->op->origin != WA_OP_PEER && wa_is_me(job->creds, device))
            *out = wa_fan_for_own_devices(f);
        return BX_OK;
    }
    if (wa_groups_get(job, group, &info) != BX_OK)
        return BX_OK;
    struct wa_jid self = info.is_lid ? wa_me_lid(job->creds) : wa_me(job->creds);
    int rc = wa_group_distribute(job->signal, group, &self, a, &key);
    if (rc < 0 || WA_PB_UNPACK(message, f->plain, a, &m) < 0)
        return rc;
    m->sender_key_distribution = WA_PB_NEW(a, Wap__SenderKeyDistribution, sender_key_distribution);
    m->sender_key_distribution->group_id = wa_pb_text(a, group);
    WA_PB_SET_BYTES(m->sender_key_distribution, sender_key_message, key);
    *out = wa_pb_pack(m, a);
    return rc;
}

static struct wa_node *message_for(struct wa_fan *f, const struct wa_jid *device)
{
    struct bx_arena *a = &f->job->out;
    bool is_group = wa_jid_is_group(&f->to), is_peer = f->op->origin == WA_OP_PEER;
    struct wa_node *message = WA_NODE(a, "message", wa_str("id", f->op->out.id),
                                      wa_lit("type", f->shape.type), wa_lit("edit", f->shape.edit));
    wa_node_put(message, is_group ? wa_jid("to", &f->to) : wa_jid("to", device));
    if (is_group)
        wa_node_put(message, wa_jid("participant", device));
    else if (!is_peer)
        wa_node_put(message, wa_lit("device_fanout", "false"));
    if (!is_group && !is_peer && wa_is_me(f->job->creds, device))
        wa_node_put(message, wa_jid("recipient", &f->to));
    if (is_peer) {
        wa_node_put(message, wa_lit("category", "peer"));
        wa_node_put(message, wa_lit("push_priority", "high"));
        wa_node_add(message, WA_NODE(a, "meta", wa_lit("appdata", "default")));
    }
    return message;
}

int wa_fan_send_one(struct wa_fan *f)
{
    struct wa_jid device;
    struct wa_node *enc;
    struct bx_str plain;
    bool is_peer = f->op->origin == WA_OP_PEER;
    int rc = wa_jid_parse(is_peer ? f->op->out.to : f->op->only, &device);
    if (rc < 0) {
        wa_fan_fail(f, rc);
        return BX_OK;
    }
    wa_fan_add_device(f, device);
    rc = wa_fan_check_sessions(f);
    if (rc < 0 || f->result->outcome == WA_SEND_NEEDS)
        return rc;
    if (f->device_count == 0) {
        wa_fan_fail(f, BX_E_NOT_FOUND);
        return BX_OK;
    }
    rc = plain_for(f, &device, &plain);
    if (rc >= 0)
        rc = wa_fan_encrypt(f, &device, plain, &enc);
    if (rc < 0)
        return rc;
    struct wa_node *message = message_for(f, &device);
    wa_node_add(message, enc);
    wa_fan_add_identity(f, message);
    f->result->node = message;
    return BX_OK;
}
