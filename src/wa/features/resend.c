/* Lane: a retry receipt of another device: what it could not open is encrypted for it once more. */
#include "wa/internal.h"

static int load_sent(struct wa_job *job, struct bx_str id, struct wa_outgoing *out)
{
    struct bx_str value;
    *out = (struct wa_outgoing){.kind = WA_SEND_RAW, .id = id};
    int rc = id.len && id.ptr[0] != '~'
                 ? job->ks->ops->get(job->ks->ctx, WA_KEY_SENT, id, &job->out, &value)
                 : BX_E_NOT_FOUND;
    if (rc < 0)
        return rc;
    if (!bx_str_split(&value, '\n', &out->to))
        return BX_E_NOT_FOUND;
    out->raw = value;
    return BX_OK;
}

static int renew_session(struct wa_job *job, const struct wa_node *receipt,
                         const struct wa_jid *device, uint64_t count)
{
    struct wa_bundle bundle;
    const struct wa_node *keys = wa_node_child(receipt, "keys");
    if (!keys)
        return count >= 2 ? wa_session_delete(job->signal, device) : BX_OK;
    struct wa_node *both = wa_node_copy(&job->out, keys);
    const struct wa_node *registration = wa_node_child(receipt, "registration");
    if (registration)
        wa_node_add(both, wa_node_copy(&job->out, registration));
    if (wa_bundle_parse(both, &bundle) < 0)
        return BX_OK;
    int rc = wa_session_start(job->signal, device, &bundle, NULL);
    return rc == BX_E_CRYPTO || rc == BX_E_INVALID ? BX_OK : rc;
}

/* True for a request that was answered on this connection already: the network can bring a receipt
 * twice, and each answer renews the session. */
static bool is_answered(struct wa_job *job, struct bx_str id, struct bx_str device, uint64_t count)
{
    struct wa_lane_state *lane = &job->client->lane;
    struct bx_str name = bx_arena_printf(
        &job->out, BX_STR_FMT " " BX_STR_FMT " %llu %llu", BX_STR_ARG(id), BX_STR_ARG(device),
        (unsigned long long)count, (unsigned long long)job->connection);
    uint64_t hash = wa_hash(name);
    for (size_t i = 0; i < BX_LEN(lane->answered); i++) {
        if (lane->answered[i] == hash)
            return true;
    }
    lane->answered[lane->next_answered] = hash;
    lane->next_answered = (lane->next_answered + 1) % BX_LEN(lane->answered);
    return false;
}

int wa_retry_requested(struct wa_job *job, const struct wa_node *receipt)
{
    enum { MAX_COUNT = 10 };
    struct wa_outgoing out;
    struct wa_jid device;
    const struct wa_node *retry = wa_node_child(receipt, "retry");
    uint64_t count = retry ? wa_node_attr_u64_or(retry, "count", 1) : 1;
    const char *who = wa_node_has(receipt, "participant") ? "participant" : "from";
    if (count > MAX_COUNT || wa_node_attr_jid(receipt, who, &device) < 0)
        return BX_OK;
    struct bx_str id = wa_node_attr(receipt, "id"), asker = wa_jid_text(&job->out, &device);
    int rc = load_sent(job, id, &out);
    if (rc == BX_E_NOT_FOUND)
        return BX_OK;
    if (rc >= 0 && is_answered(job, id, asker, count))
        return 1;
    if (rc >= 0)
        rc = renew_session(job, receipt, &device, count);
    if (rc < 0)
        return rc;
    struct wa_send_op *op = wa_send_op_new(&out);
    op->origin = WA_OP_RESEND;
    op->only = bx_arena_str(&op->arena, asker);
    op->count = (unsigned)count;
    op->answers = wa_ack_node(&op->arena, wa_node_copy(&op->arena, receipt));
    wa_job_want(job, WA_WANT_SEND)->op = op;
    return 1;
}
