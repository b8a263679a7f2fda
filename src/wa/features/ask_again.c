/* Lane: a message that did not open is asked for again, of its sender by a retry receipt, of our
 * own phone by a placeholder resend; after that it is told as what it is. */
#include "wa/internal.h"

#include "wa/proto/pb.h"

enum { MAX_RETRIES = 5 };

static unsigned count_retry(struct wa_lane_state *lane, struct bx_str id, uint64_t enc_count)
{
    uint64_t hash = wa_hash(id);
    for (size_t i = 0; i < BX_LEN(lane->retries); i++) {
        if (lane->retries[i].hash == hash)
            return ++lane->retries[i].count;
    }
    unsigned first = enc_count < 100 ? (unsigned)enc_count + 1 : 100;
    lane->retries[lane->next_retry].hash = hash;
    lane->retries[lane->next_retry].count = first;
    lane->next_retry = (lane->next_retry + 1) % BX_LEN(lane->retries);
    return first;
}

static struct wa_node *prekey_node(struct bx_arena *a, const char *tag, const struct wa_prekey *key,
                                   bool is_signed)
{
    struct wa_node *n = wa_node_new(a, tag);
    wa_node_be(wa_node_add(n, wa_node_new(a, "id")), key->id, 3);
    wa_node_bytes(wa_node_add(n, wa_node_new(a, "value")),
                  bx_arena_str(a, bx_str_n(key->pub, CR_CURVE_KEY_SIZE)));
    if (is_signed)
        wa_node_bytes(wa_node_add(n, wa_node_new(a, "signature")),
                      bx_arena_str(a, bx_str_n(key->signature, CR_SIGNATURE_SIZE)));
    return n;
}

static int one_prekey(struct wa_job *job, struct wa_prekey *out)
{
    uint64_t next, uploaded;
    int rc = wa_self_get_u64(job->ks, "next_prekey", 1, &next);
    if (rc >= 0)
        rc = wa_self_get_u64(job->ks, "uploaded_prekey", 1, &uploaded);
    if (rc >= 0)
        rc = wa_prekeys_generate(job->signal, (uint32_t)next, 1, out);
    uint32_t after = wa_prekey_next_id((uint32_t)next, 1);
    if (rc >= 0)
        rc = wa_self_put_u64(job->ks, "next_prekey", after);
    if (rc >= 0 && uploaded == next)
        rc = wa_self_put_u64(job->ks, "uploaded_prekey", after);
    return rc;
}

static int add_keys(struct wa_job *job, struct wa_node *parent)
{
    struct bx_arena *a = &job->out;
    struct wa_prekey prekey, signed_prekey;
    uint64_t signed_id;
    static const uint8_t type = 5;
    int rc = one_prekey(job, &prekey);
    if (rc >= 0)
        rc = wa_self_get_u64(job->ks, "signed_prekey", 1, &signed_id);
    if (rc >= 0)
        rc = wa_signed_prekey_get(job->signal, (uint32_t)signed_id, &signed_prekey);
    if (rc < 0)
        return rc;
    struct wa_node *keys = wa_node_add(parent, wa_node_new(a, "keys"));
    wa_node_bytes(wa_node_add(keys, wa_node_new(a, "type")), bx_str_n(&type, 1));
    wa_node_bytes(wa_node_add(keys, wa_node_new(a, "identity")),
                  bx_str_n(job->creds->self.identity.pub, CR_CURVE_KEY_SIZE));
    wa_node_add(keys, prekey_node(a, "key", &prekey, false));
    wa_node_add(keys, prekey_node(a, "skey", &signed_prekey, true));
    wa_node_bytes(wa_node_add(keys, wa_node_new(a, "device-identity")),
                  bx_str_n(job->creds->account, job->creds->account_len));
    return BX_OK;
}

static int send_retry(struct wa_job *job, const struct wa_source *src, unsigned count,
                      enum wa_retry_reason reason)
{
    struct bx_arena *a = &job->out;
    const struct wa_node *n = job->node;
    struct wa_node *r =
        WA_NODE(a, "receipt", wa_str("id", src->id), wa_to("to", wa_node_attr(n, "from")),
                wa_lit("type", "retry"), wa_to("participant", wa_node_attr(n, "participant")),
                wa_to("recipient", wa_node_attr(n, "recipient")),
                wa_str("category", wa_node_attr(n, "category")));
    wa_node_add(r, WA_NODE(a, "retry", wa_num("count", count), wa_str("id", src->id),
                           wa_str("t", wa_node_attr(n, "t")), wa_num("v", 1),
                           wa_num("error", reason)));
    wa_node_be(wa_node_add(r, wa_node_new(a, "registration")), job->creds->self.registration_id, 4);
    bool needs_keys = count > 1 || reason == WA_RETRY_NO_SESSION ||
                      reason == WA_RETRY_INVALID_KEY_ID || reason == WA_RETRY_INVALID_KEY;
    int rc = needs_keys ? add_keys(job, r) : BX_OK;
    if (rc >= 0)
        wa_job_send(job, r);
    return rc;
}

/* Our own phone has every message: asks it for its copy. */
void wa_ask_phone(struct wa_job *job, const struct wa_source *src)
{
    struct bx_arena *a = &job->out;
    Wap__Message *m = WA_PB_NEW(a, Wap__Message, message);
    Wap__Protocol *p = m->protocol = WA_PB_NEW(a, Wap__Protocol, protocol);
    Wap__PeerDataRequest *q = p->peer_data_request =
        WA_PB_NEW(a, Wap__PeerDataRequest, peer_data_request);
    Wap__PeerDataRequest__PlaceholderResend *r = WA_PB_NEW(
        a, Wap__PeerDataRequest__PlaceholderResend, peer_data_request__placeholder_resend);
    Wap__PeerDataRequest__PlaceholderResend **list = bx_arena_alloc(a, sizeof *list);
    Wap__MessageKey *key = r->message_key = WA_PB_NEW(a, Wap__MessageKey, message_key);
    WA_PB_SET(p, type, WAP__PROTOCOL__TYPE__PEER_DATA_REQUEST);
    WA_PB_SET(q, type, WAP__PEER_DATA_TYPE__PEER_PLACEHOLDER_RESEND);
    list[0] = r;
    q->placeholder_resend = list;
    q->n_placeholder_resend = 1;
    key->remote_jid = wa_pb_text(a, wa_jid_text(a, &src->chat));
    key->id = wa_pb_text(a, src->id);
    WA_PB_SET(key, from_me, src->is_from_me);
    if (!wa_jid_is_user(&src->chat)) {
        struct wa_jid author = wa_jid_without_device(src->sender);
        key->participant = wa_pb_text(a, wa_jid_text(a, &author));
    }
    char id[WA_MESSAGE_ID_SIZE];
    wa_message_id_make(id);
    struct wa_jid phone = wa_me(job->creds);
    phone.device = 0;
    struct wa_outgoing out = {.kind = WA_SEND_RAW,
                              .id = bx_str(id),
                              .to = wa_jid_text(a, &phone),
                              .raw = wa_pb_pack(m, a)};
    struct wa_send_op *op = wa_send_op_new(&out);
    op->origin = WA_OP_PEER;
    wa_job_want(job, WA_WANT_SEND)->op = op;
}

/* A row for what did not open; NULL: of a chat that has no rows. */
static struct wa_message *tell_closed(struct wa_job *job, const struct wa_source *src,
                                      enum wa_message_kind kind, const char *type_name,
                                      const char *label)
{
    if (src->is_peer || !(wa_jid_is_user(&src->chat) || wa_jid_is_group(&src->chat)))
        return NULL;
    struct wa_message *m = &wa_job_event(job, WA_EVENT_MESSAGE)->message;
    *m = (struct wa_message){.id = src->id,
                             .chat = src->chat_peer,
                             .sender = src->sender_peer,
                             .is_from_me = src->is_from_me,
                             .origin = src->origin,
                             .status = WA_STATUS_SENT,
                             .timestamp_ms = src->timestamp_ms,
                             .kind = kind,
                             .push_name = src->push_name,
                             .type_name = bx_str(type_name),
                             .label = bx_str(label)};
    return m;
}

void wa_tell_undecryptable(struct wa_job *job, const struct wa_source *src, const char *label)
{
    tell_closed(job, src, WA_KIND_UNDECRYPTABLE, "undecryptable", label);
}

void wa_tell_unknown(struct wa_job *job, const struct wa_source *src, const Wap__Message *m,
                     const char *label)
{
    struct wa_message *out = tell_closed(job, src, WA_KIND_UNKNOWN, "unknown", label);
    if (out)
        out->raw = wa_pb_pack(m, &job->out);
}

int wa_ask_again(struct wa_job *job, const struct wa_source *src, uint64_t enc_count,
                 bool is_hidden, enum wa_retry_reason reason)
{
    unsigned count = count_retry(&job->client->lane, src->id, enc_count);
    if (count > MAX_RETRIES) {
        if (!is_hidden) /* each time: the transaction of the first may have been lost */
            wa_tell_undecryptable(job, src, "[Message could not be decrypted]");
        wa_ack_for(job, job->node);
        return BX_OK;
    }
    if (count == 2 && !src->is_peer && !src->is_from_me)
        wa_ask_phone(job, src);
    return send_retry(job, src, count, reason);
}
