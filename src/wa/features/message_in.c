/* Lane: opens a message. Decrypts every <enc>, asks for a retry when it cannot, and turns the
 * content into events. The receipt that acknowledges it is sent after the commit. */
#include "wa/internal.h"

#include "base/clock.h"
#include "wa/proto/pb.h"
#include "wa/proto/sync.pb-c.h"
#include "wa/signal/secret.h"
#include "wa/wire/codec.h"

#include <stdlib.h>

enum { MAX_RETRIES = 5, SECRET_SIZE = 32 };

/* --- where it comes from --- */

static int learn_from(struct wa_job *job, const struct wa_node *n)
{
    static const char *const pairs[][2] = {
        {"from", "sender_lid"},
        {"from", "sender_pn"},
        {"participant", "participant_lid"},
        {"participant", "participant_pn"},
        {"recipient", "recipient_lid"},
        {"recipient", "recipient_pn"},
        {"recipient", "peer_recipient_lid"},
        {"recipient", "peer_recipient_pn"},
    };
    int rc = BX_OK;
    for (size_t i = 0; i < BX_LEN(pairs) && rc >= 0; i++)
        rc = wa_learn_attrs(job, n, pairs[i][0], pairs[i][1]);
    return rc;
}

/* BX_E_INVALID: not a message that we understand. */
static int source_of(struct wa_job *job, const struct wa_node *n, struct wa_source *src)
{
    struct wa_jid from;
    *src = (struct wa_source){.id = wa_node_attr(n, "id"),
                              .push_name = wa_node_attr(n, "notify"),
                              .is_peer = wa_node_attr_is(n, "category", "peer"),
                              .is_offline = wa_node_has(n, "offline")};
    if (!src->id.len || wa_node_attr_jid(n, "from", &from) < 0)
        return BX_E_INVALID;
    src->origin = src->is_offline ? WA_ORIGIN_OFFLINE : WA_ORIGIN_LIVE;
    uint64_t t = wa_node_attr_u64_or(n, "t", 0);
    src->timestamp_ms = t && t < UINT32_MAX ? (int64_t)t * 1000 : bx_wall_ms();
    if (wa_jid_is_user(&from)) {
        src->sender = from;
        src->is_from_me = wa_is_me(job->creds, &from);
        src->chat = wa_jid_without_device(from);
        struct wa_jid recipient;
        if (src->is_from_me && wa_node_attr_jid(n, "recipient", &recipient) == BX_OK)
            src->chat = wa_jid_without_device(recipient);
    } else {
        src->chat = from;
        if (wa_node_attr_jid(n, "participant", &src->sender) < 0)
            return BX_E_INVALID;
        src->is_from_me = wa_is_me(job->creds, &src->sender);
    }
    int rc = wa_peer_of(job, &src->chat, &src->chat_peer);
    return rc < 0 ? rc : wa_peer_of(job, &src->sender, &src->sender_peer);
}

/* --- receipts --- */

static void receipt(struct wa_job *job, const struct wa_source *src, const char *type)
{
    const struct wa_node *n = job->node;
    bool is_user = wa_jid_is_user(&src->chat);
    wa_job_send(
        job,
        WA_NODE(&job->out, "receipt", wa_str("id", src->id), wa_to("to", wa_node_attr(n, "from")),
                wa_lit("type", type),
                wa_to("participant", is_user ? (struct bx_str){0} : wa_node_attr(n, "participant")),
                wa_to("recipient", src->is_from_me && is_user ? wa_node_attr(n, "recipient")
                                                              : (struct bx_str){0})));
}

static void receipt_delivered(struct wa_job *job, const struct wa_source *src)
{
    bool is_chat = wa_jid_is_user(&src->chat) || wa_jid_is_group(&src->chat) ||
                   src->chat.server == WA_SERVER_BROADCAST;
    if (!is_chat)
        wa_ack_for(job, job->node);
    else if (src->is_peer)
        receipt(job, src, "peer_msg");
    else if (src->is_from_me)
        receipt(job, src, "sender");
    else
        receipt(job, src, job->is_available ? NULL : "inactive");
}

/* --- asking again --- */

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
static void ask_phone(struct wa_job *job, const struct wa_source *src)
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

static void tell_undecryptable(struct wa_job *job, const struct wa_source *src, const char *label)
{
    if (src->is_peer || !(wa_jid_is_user(&src->chat) || wa_jid_is_group(&src->chat)))
        return;
    struct wa_message *m = &wa_job_event(job, WA_EVENT_MESSAGE)->message;
    *m = (struct wa_message){.id = src->id,
                             .chat = src->chat_peer,
                             .sender = src->sender_peer,
                             .is_from_me = src->is_from_me,
                             .origin = src->origin,
                             .status = WA_STATUS_SENT,
                             .timestamp_ms = src->timestamp_ms,
                             .kind = WA_KIND_UNDECRYPTABLE,
                             .push_name = src->push_name,
                             .type_name = BX_STR("undecryptable"),
                             .label = bx_str(label)};
}

static int failed(struct wa_job *job, const struct wa_source *src, uint64_t enc_count,
                  bool is_hidden, enum wa_retry_reason reason)
{
    unsigned count = count_retry(&job->client->lane, src->id, enc_count);
    if (count > MAX_RETRIES) {
        if (count == MAX_RETRIES + 1 && !is_hidden)
            tell_undecryptable(job, src, "[Message could not be decrypted]");
        wa_ack_for(job, job->node);
        return BX_OK;
    }
    if (count == 2 && !src->is_peer && !src->is_from_me)
        ask_phone(job, src);
    return send_retry(job, src, count, reason);
}

/* --- content --- */

static bool has_key(const Wap__MessageKey *key)
{
    return key && key->id && key->id[0];
}

/* A key is written from its sender's point of view. */
static int target_of(struct wa_job *job, const struct wa_source *src, const Wap__MessageKey *key,
                     struct wa_change *out)
{
    struct wa_jid author;
    *out = (struct wa_change){.id = src->id,
                              .target_id = wa_clean_text(&job->out, key->id),
                              .chat = src->chat_peer,
                              .sender = src->sender_peer,
                              .is_from_me = src->is_from_me,
                              .timestamp_ms = src->timestamp_ms,
                              .origin = src->origin};
    bool has_author = key->participant && wa_jid_parse(bx_str(key->participant), &author) == BX_OK;
    if (src->chat_peer.is_group && has_author)
        out->is_target_from_me = wa_is_me(job->creds, &author);
    else if (src->is_from_me || src->chat_peer.is_group)
        out->is_target_from_me = key->from_me && src->is_from_me;
    else
        out->is_target_from_me = !key->from_me;
    return BX_OK;
}

static int on_reaction(struct wa_job *job, const struct wa_source *src, const Wap__Reaction *r)
{
    if (!has_key(r->key))
        return BX_OK;
    struct wa_change *change = &wa_job_event(job, WA_EVENT_REACTION)->change;
    int rc = target_of(job, src, r->key, change);
    change->text = wa_clean_text(&job->out, r->text ? r->text : "");
    change->label = change->text;
    return rc;
}

static int on_edit(struct wa_job *job, const struct wa_source *src, const Wap__Protocol *p)
{
    bool once, edit;
    struct wa_message described = {0};
    if (!has_key(p->key) || !p->edited_message)
        return BX_OK;
    struct wa_change *change = &wa_job_event(job, WA_EVENT_EDIT)->change;
    Wap__Message *m = wa_content_unwrap(p->edited_message, &once, &edit);
    int rc = target_of(job, src, p->key, change);
    if (rc >= 0)
        rc = wa_content_describe(job, m, &described);
    change->is_target_from_me = src->is_from_me;
    change->text = described.text;
    change->label = described.label;
    change->raw = wa_pb_pack(m, &job->out);
    return rc;
}

static int on_lid_migration(struct wa_job *job, const Wap__LidMigrationSync *sync)
{
    struct bx_buf plain;
    Wap__LidMigrationPayload *payload;
    bx_buf_init(&plain, WA_CODEC_MAX_INFLATED);
    int rc = wa_inflate(wa_pb_str(sync->payload), &plain);
    if (rc >= 0)
        rc = WA_PB_UNPACK(lid_migration_payload, bx_buf_view(&plain), &job->out, &payload);
    bx_buf_done(&plain);
    if (rc < 0)
        return BX_OK;
    for (size_t i = 0; i < payload->n_mappings && rc >= 0; i++) {
        const Wap__LidMigrationPayload__Mapping *m = payload->mappings[i];
        uint64_t lid = m->latest_lid ? m->latest_lid : m->assigned_lid;
        struct wa_jid a = wa_jid_make(
            WA_SERVER_PN, bx_arena_printf(&job->out, "%llu", (unsigned long long)m->pn), 0);
        struct wa_jid b = wa_jid_make(
            WA_SERVER_LID, bx_arena_printf(&job->out, "%llu", (unsigned long long)lid), 0);
        if (m->pn && lid)
            rc = wa_learn_pair(job, &a, &b);
    }
    return rc;
}

static int on_peer_response(struct wa_job *job, const Wap__PeerDataResponse *response)
{
    int rc = BX_OK;
    for (size_t i = 0; i < response->n_results && rc >= 0; i++) {
        Wap__WebMessageInfo *info;
        const Wap__PeerDataResponse__PlaceholderResend *r =
            response->results[i]->placeholder_resend;
        if (r && WA_PB_UNPACK(web_message_info, wa_pb_str(r->web_message_info), &job->out, &info) ==
                     BX_OK)
            rc = wa_web_message(job, info, WA_ORIGIN_RESEND, (struct bx_str){0});
    }
    return rc;
}

static void receipt_history(struct wa_job *job, const struct wa_source *src)
{
    struct wa_jid me = wa_me(job->creds);
    me.device = 0;
    wa_job_send(job, WA_NODE(&job->out, "receipt", wa_str("id", src->id), wa_jid("to", &me),
                             wa_lit("type", "hist_sync")));
}

/* What only our own phone may say. */
static int on_own_protocol(struct wa_job *job, const struct wa_source *src, const Wap__Protocol *p)
{
    if (p->history_sync_notification) {
        receipt_history(job, src);
        return wa_history_notified(job, p->history_sync_notification);
    }
    if (p->app_state_sync_key_share)
        return wa_app_keys_store(job, p->app_state_sync_key_share);
    if (p->peer_data_response)
        return on_peer_response(job, p->peer_data_response);
    if (p->lid_migration_sync)
        return on_lid_migration(job, p->lid_migration_sync);
    return BX_OK;
}

static int on_protocol(struct wa_job *job, const struct wa_source *src, const Wap__Protocol *p)
{
    if (p->has_type && p->type == WAP__PROTOCOL__TYPE__MESSAGE_EDIT)
        return on_edit(job, src, p);
    if (p->type == WAP__PROTOCOL__TYPE__REVOKE && has_key(p->key)) {
        struct wa_change *change = &wa_job_event(job, WA_EVENT_REVOKE)->change;
        int rc = target_of(job, src, p->key, change);
        if (!src->chat_peer.is_group)
            change->is_target_from_me = src->is_from_me;
        return rc;
    }
    return src->is_from_me ? on_own_protocol(job, src, p) : BX_OK;
}

static struct bx_str secret_key(struct wa_job *job, const struct wa_jid *chat,
                                const struct wa_jid *sender, struct bx_str id)
{
    struct wa_jid author = wa_jid_without_device(*sender);
    struct bx_str c = wa_jid_text(&job->out, chat), s = wa_jid_text(&job->out, &author);
    return bx_arena_printf(&job->out, BX_STR_FMT "::" BX_STR_FMT "::" BX_STR_FMT, BX_STR_ARG(c),
                           BX_STR_ARG(s), BX_STR_ARG(id));
}

static int keep_secret(struct wa_job *job, const struct wa_source *src, const Wap__Message *m)
{
    const Wap__MessageContextInfo *info = m->message_context_info;
    if (!info || !info->has_message_secret || info->message_secret.len != SECRET_SIZE)
        return BX_OK;
    return job->ks->ops->put(job->ks->ctx, WA_KEY_SECRET,
                             secret_key(job, &src->chat, &src->sender, src->id),
                             wa_pb_str(info->message_secret));
}

/* Encrypted reactions (communities): sealed with the secret of the message they are about. */
static int on_enc_reaction(struct wa_job *job, const struct wa_source *src,
                           const Wap__EncPayload *enc)
{
    const Wap__MessageKey *key = enc->target_message_key;
    struct wa_jid author, me = wa_me(job->creds);
    struct bx_str secret, plain;
    Wap__Reaction *reaction;
    if (!has_key(key))
        return BX_OK;
    if (!key->participant || wa_jid_parse(bx_str(key->participant), &author) < 0)
        author = key->from_me ? src->sender : wa_jid_without_device(me);
    int rc = job->ks->ops->get(job->ks->ctx, WA_KEY_SECRET,
                               secret_key(job, &src->chat, &author, bx_str(key->id)), &job->out,
                               &secret);
    if (rc < 0)
        return rc == BX_E_NOT_FOUND ? BX_OK : rc;
    struct wa_jid sender = wa_jid_without_device(src->sender);
    author = wa_jid_without_device(author);
    struct wa_secret s = {.use = WA_SECRET_REACTION,
                          .secret = (const uint8_t *)secret.ptr,
                          .message_id = bx_str(key->id),
                          .original_jid = wa_jid_text(&job->out, &author),
                          .sender_jid = wa_jid_text(&job->out, &sender)};
    if (secret.len != SECRET_SIZE ||
        wa_secret_open(&s, wa_pb_str(enc->enc_iv), wa_pb_str(enc->enc_payload), &job->out, &plain) <
            0 ||
        WA_PB_UNPACK(reaction, plain, &job->out, &reaction) < 0)
        return BX_OK;
    reaction->key = enc->target_message_key;
    return on_reaction(job, src, reaction);
}

static int tell_push_name(struct wa_job *job, const struct wa_source *src)
{
    struct bx_str name = src->push_name;
    if (!name.len || src->is_from_me || src->origin == WA_ORIGIN_HISTORY)
        return BX_OK;
    struct wa_contact *contact = &wa_job_event(job, WA_EVENT_CONTACT)->contact;
    contact->person = src->sender_peer;
    contact->push_name = name;
    return BX_OK;
}

static int tell_message(struct wa_job *job, const struct wa_source *src, const Wap__Message *m,
                        bool is_view_once)
{
    int rc = tell_push_name(job, src);
    struct wa_message *out = &wa_job_event(job, WA_EVENT_MESSAGE)->message;
    *out = (struct wa_message){.id = src->id,
                               .chat = src->chat_peer,
                               .sender = src->sender_peer,
                               .is_from_me = src->is_from_me,
                               .origin = src->origin,
                               .status = WA_STATUS_SENT,
                               .timestamp_ms = src->timestamp_ms,
                               .push_name = src->push_name,
                               .is_view_once = is_view_once};
    if (rc >= 0)
        rc = wa_content_describe(job, m, out);
    out->raw = wa_pb_pack(m, &job->out);
    return rc;
}

static int on_sender_key(struct wa_job *job, const struct wa_source *src,
                         const Wap__SenderKeyDistribution *d)
{
    struct bx_str group = wa_jid_text(&job->out, &src->chat);
    bool is_named = d->group_id && !bx_str_eq(bx_str(d->group_id), group);
    if (wa_jid_is_user(&src->chat) || is_named || !d->has_sender_key_message)
        return BX_OK;
    int rc = wa_group_process(job->signal, group, &src->sender, wa_pb_str(d->sender_key_message));
    return rc == BX_E_INVALID || rc == BX_E_CRYPTO ? BX_OK : rc;
}

int wa_message_open(struct wa_job *job, const struct wa_source *given, Wap__Message *m)
{
    struct wa_source src = *given;
    bool once, edit;
    int rc = BX_OK;
    if (src.is_from_me && m->device_sent && m->device_sent->message) {
        Wap__Message *inner = m->device_sent->message;
        struct wa_jid chat;
        if (m->device_sent->destination_jid &&
            wa_jid_parse(bx_str(m->device_sent->destination_jid), &chat) == BX_OK) {
            src.chat = wa_jid_without_device(chat);
            rc = wa_peer_of(job, &src.chat, &src.chat_peer);
        }
        if (!inner->message_context_info)
            inner->message_context_info = m->message_context_info;
        m = inner;
    }
    if (rc >= 0 && m->sender_key_distribution)
        rc = on_sender_key(job, &src, m->sender_key_distribution);
    m = wa_content_unwrap(m, &once, &edit);
    if (rc >= 0)
        rc = keep_secret(job, &src, m);
    if (rc >= 0 && m->protocol)
        rc = on_protocol(job, &src, m->protocol);
    if (rc >= 0 && m->reaction)
        rc = on_reaction(job, &src, m->reaction);
    if (rc >= 0 && m->enc_reaction)
        rc = on_enc_reaction(job, &src, m->enc_reaction);
    bool is_status = wa_jid_is_status(&src.chat);
    if (rc >= 0 && !is_status && !src.is_peer && wa_content_is_visible(m))
        rc = tell_message(job, &src, m, once);
    return rc;
}

/* --- messages of the phone's memory --- */

static enum wa_status status_of(int32_t web_status)
{
    enum { WEB_ERROR = 0, WEB_DELIVERED = 3, WEB_READ = 4, WEB_PLAYED = 5 };
    return web_status == WEB_ERROR       ? WA_STATUS_FAILED
           : web_status == WEB_DELIVERED ? WA_STATUS_DELIVERED
           : web_status == WEB_READ      ? WA_STATUS_READ
           : web_status == WEB_PLAYED    ? WA_STATUS_PLAYED
                                         : WA_STATUS_SENT;
}

static int web_source(struct wa_job *job, const Wap__WebMessageInfo *info, enum wa_origin origin,
                      struct bx_str conversation, struct wa_source *src)
{
    const Wap__MessageKey *key = info->key;
    struct wa_jid chat, sender;
    struct bx_str chat_text = key->remote_jid ? bx_str(key->remote_jid) : conversation;
    const char *author = info->participant ? info->participant : key->participant;
    if (!chat_text.len || wa_jid_parse(chat_text, &chat) < 0)
        return BX_E_INVALID;
    bool is_user = wa_jid_is_user(&chat);
    if (key->from_me)
        sender = wa_me(job->creds);
    else if (is_user || !author || wa_jid_parse(bx_str(author), &sender) < 0)
        sender = chat;
    *src = (struct wa_source){.chat = wa_jid_without_device(chat),
                              .sender = sender,
                              .id = wa_clean_text(&job->out, key->id),
                              .push_name = wa_clean_text(&job->out, info->push_name),
                              .is_from_me = key->from_me,
                              .origin = origin,
                              .timestamp_ms = info->timestamp < UINT32_MAX
                                                  ? (int64_t)info->timestamp * 1000
                                                  : (int64_t)info->timestamp};
    int rc = wa_peer_of(job, &src->chat, &src->chat_peer);
    return rc < 0 ? rc : wa_peer_of(job, &src->sender, &src->sender_peer);
}

int wa_web_message(struct wa_job *job, const void *web_message_info, enum wa_origin origin,
                   struct bx_str conversation)
{
    const Wap__WebMessageInfo *info = web_message_info;
    struct wa_source src;
    if (!has_key(info->key) || !info->message)
        return BX_OK; /* a line such as "X joined" */
    int rc = web_source(job, info, origin, conversation, &src);
    if (rc < 0)
        return rc == BX_E_INVALID ? BX_OK : rc;
    struct wa_event **before = job->events_tail;
    rc = wa_message_open(job, &src, info->message);
    if (rc >= 0 && *before && (*before)->kind == WA_EVENT_MESSAGE && info->has_status)
        (*before)->message.status = status_of(info->status);
    for (size_t i = 0; i < info->n_reactions && rc >= 0; i++) {
        struct wa_source by = src;
        Wap__Reaction r = *info->reactions[i];
        by.is_from_me = r.key && r.key->from_me;
        if (r.key && r.key->participant)
            rc = wa_peer_of_text(job, bx_str(r.key->participant), &by.sender_peer);
        else if (by.is_from_me)
            rc = wa_peer_of_text(job, bx_str(job->creds->jid), &by.sender_peer);
        else
            by.sender_peer = src.chat_peer;
        r.key = info->key;
        if (rc >= 0)
            rc = on_reaction(job, &by, &r);
        if (rc >= 0 && job->events)
            BX_CONTAINER_OF(job->events_tail, struct wa_event, next)->change.is_target_from_me =
                src.is_from_me;
    }
    return rc;
}

/* --- decryption --- */

static int open_enc(struct wa_job *job, const struct wa_source *src, const struct wa_node *enc,
                    struct bx_str *out_plain, enum wa_retry_reason *out_reason)
{
    struct bx_str bytes = wa_node_data(enc);
    if (wa_node_attr_is(enc, "type", "skmsg"))
        return wa_group_decrypt(job->signal, wa_jid_text(&job->out, &src->chat), &src->sender,
                                bytes, &job->out, out_plain, out_reason);
    bool is_prekey = wa_node_attr_is(enc, "type", "pkmsg");
    if (!is_prekey && !wa_node_attr_is(enc, "type", "msg"))
        return BX_E_UNSUPPORTED;
    uint8_t before[CR_CURVE_KEY_SIZE], after[CR_CURVE_KEY_SIZE];
    bool had = is_prekey && wa_identity_get(job->signal, &src->sender, before) == BX_OK;
    int rc = wa_session_decrypt(job->signal, &src->sender, is_prekey, bytes, &job->out, out_plain,
                                out_reason);
    if (rc >= 0 && had && wa_identity_get(job->signal, &src->sender, after) == BX_OK &&
        memcmp(before, after, sizeof before) != 0) {
        wa_job_event(job, WA_EVENT_IDENTITY_CHANGED)->contact.person = src->sender_peer;
        rc = wa_devices_drop(job, &src->sender);
    }
    return rc;
}

static bool is_store_failure(int rc)
{
    return rc == BX_E_IO || rc == BX_E_DISK_FULL || rc == BX_E_READ_ONLY || rc == BX_E_NOMEM ||
           rc == BX_E_CORRUPT || rc == BX_E_FULL || rc == BX_E_UNAVAILABLE || rc == BX_E_AGAIN;
}

static int read_enc(struct wa_job *job, const struct wa_source *src, const struct wa_node *enc,
                    enum wa_retry_reason *out_reason)
{
    struct bx_str plain;
    Wap__Message *m;
    *out_reason = WA_RETRY_UNKNOWN;
    int rc = open_enc(job, src, enc, &plain, out_reason);
    if (rc < 0)
        return rc;
    bool is_padded = !wa_node_attr_is(enc, "v", "3");
    if ((is_padded && wa_unpad(&plain) < 0) || WA_PB_UNPACK(message, plain, &job->out, &m) < 0) {
        tell_undecryptable(job, src, "[Damaged message]");
        return BX_OK; /* asking again would bring the same bytes */
    }
    return wa_message_open(job, src, m);
}

static int read_all(struct wa_job *job, const struct wa_source *src)
{
    uint64_t enc_count = 0;
    bool is_hidden = false, has_failed = false;
    enum wa_retry_reason reason = WA_RETRY_UNKNOWN, why;
    for (int pass = 0; pass < 2; pass++) { /* keys of the group first */
        WA_EACH_CHILD(job->node, "enc", enc)
        {
            if (wa_node_attr_is(enc, "type", "skmsg") != (pass == 1))
                continue;
            int rc = read_enc(job, src, enc, &why);
            if (rc >= 0 || rc == BX_E_DUPLICATE)
                continue;
            if (is_store_failure(rc))
                return rc;
            has_failed = true;
            reason = why;
            enc_count = wa_node_attr_u64_or(enc, "count", 0);
            is_hidden |= wa_node_attr_is(enc, "decrypt-fail", "hide");
        }
    }
    if (has_failed)
        return failed(job, src, enc_count, is_hidden, reason);
    receipt_delivered(job, src);
    return BX_OK;
}

static int on_plaintext(struct wa_job *job, const struct wa_source *src)
{
    (void)src; /* channels: not chats of this inbox */
    wa_ack_for(job, job->node);
    return BX_OK;
}

static int on_unavailable(struct wa_job *job, const struct wa_source *src)
{
    if (wa_node_attr_is(wa_node_child(job->node, "unavailable"), "type", "view_once"))
        tell_undecryptable(job, src, "[View once message: open it on the phone]");
    else
        ask_phone(job, src);
    receipt_delivered(job, src);
    return BX_OK;
}

static int message_run(struct wa_job *job)
{
    struct wa_source src;
    if (!wa_creds_is_linked(job->creds))
        return BX_OK;
    int rc = learn_from(job, job->node);
    if (rc >= 0)
        rc = source_of(job, job->node, &src);
    if (rc == BX_E_INVALID) {
        wa_ack_for(job, job->node);
        return BX_OK;
    }
    if (rc < 0)
        return rc;
    if (wa_node_child(job->node, "enc"))
        return read_all(job, &src);
    return wa_node_child(job->node, "unavailable") ? on_unavailable(job, &src)
                                                   : on_plaintext(job, &src);
}

static void message_finish(struct wa_job *job, int rc)
{
    if (rc < 0 && job->connection == job->client->connection)
        wa_client_end(job->client, (struct wa_ending){WA_REASON_STORE, WA_THEN_BACKOFF, rc, 0});
}

const struct wa_job_type wa_job_message = {"message", message_run, message_finish};
