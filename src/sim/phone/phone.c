/* Device 0 of an account: a real Signal device. It opens what is encrypted for it and keeps it,
 * shares keys and history with new companions, and asks again when something does not open.
 */
#include "sim/phone/phone.h"
#include "base/err.h"
#include "base/mem.h"
#include "sim/core/random.h"
#include "sim/core/save.h"
#include "sim/network/accounts.h"
#include "sim/network/groups.h"
#include "sim/network/prekeys.h"
#include "sim/network/router.h"
#include "sim/phone/chat.h"
#include "sim/phone/history.h"
#include "sim/phone/recall.h"
#include "wa/proto/pb.h"

#include <stdlib.h>

enum { BOOTSTRAP_DELAY_MS = 300, KEEP_MESSAGES = 5000 };

void sim_phone_init(struct sim_account *a)
{
    struct wa_signal_self self = {.identity = a->key, .registration_id = a->registration_id};
    a->memory = wa_keystore_memory_new();
    a->signal = wa_signal_new(wa_keystore_memory(a->memory), &self);
    a->next_prekey = 1;
    bx_list_init(&a->recalled);
    BX_ASSERT(wa_signed_prekey_generate(a->signal, 1, 0, &a->skey) == BX_OK);
    sim_random(a->sim, a->app_key, sizeof a->app_key);
    const uint8_t key_id[6] = {0, 0, 0, 0, 0x10, 1};
    memcpy(a->app_key_id, key_id, sizeof key_id);
}

void sim_phone_done(struct sim_account *a)
{
    size_t pos = 0;
    void *value;
    while (bx_map_next(&a->sent_messages, &pos, &value))
        free(value);
    for (pos = 0; bx_map_next(&a->shared_keys, &pos, &value);)
        free(value);
    sim_recall_done(a);
    wa_signal_free(a->signal);
    wa_keystore_memory_free(a->memory);
}

/* --- sending to one device --- */

static void be(const uint8_t *bytes, size_t len, uint32_t *out)
{
    *out = 0;
    for (size_t i = 0; i < len; i++)
        *out = *out << 8 | bytes[i];
}

static void bundle_of(struct sim_device *d, struct wa_bundle *out)
{
    struct sim_prekey key;
    *out = (struct wa_bundle){0};
    be(d->registration, 4, &out->registration_id);
    memcpy(out->identity, d->identity, 32);
    be(d->skey_id, 3, &out->signed_prekey.id);
    memcpy(out->signed_prekey.pub, d->skey_pub, 32);
    memcpy(out->signed_prekey.signature, d->skey_sig, 64);
    if (sim_prekey_take(d, &key)) {
        be(key.id, 3, &out->prekey.id);
        memcpy(out->prekey.pub, key.pub, 32);
    }
}

/* A session with a companion, or with another phone (whose bundle is made here and now). */
static int ensure_session(struct sim_account *a, struct sim_account *to, unsigned device,
                          const struct wa_jid *jid)
{
    struct wa_bundle bundle;
    wa_signal_learn_lid(a->signal, bx_str(to->phone), bx_str(to->lid), NULL);
    if (wa_session_exists(a->signal, jid) == BX_OK)
        return BX_OK;
    if (device) {
        struct sim_device *d = sim_device_find(to, device);
        if (!d)
            return BX_E_NOT_FOUND;
        bundle_of(d, &bundle);
    } else {
        struct wa_prekey key;
        bundle =
            (struct wa_bundle){.registration_id = to->registration_id, .signed_prekey = to->skey};
        memcpy(bundle.identity, to->key.pub, 32);
        if (wa_prekeys_generate(to->signal, to->next_prekey, 1, &key) == BX_OK) {
            to->next_prekey = wa_prekey_next_id(to->next_prekey, 1);
            bundle.prekey = key;
        }
    }
    return wa_session_start(a->signal, jid, &bundle, NULL);
}

int sim_phone_encrypt(struct sim_account *a, struct sim_account *to, unsigned device,
                      struct bx_str packed, unsigned count, struct bx_arena *arena,
                      struct wa_node **out)
{
    uint8_t random;
    struct wa_cipher cipher;
    struct wa_jid jid = sim_wa_jid(arena, to, device, false);
    sim_random(a->sim, &random, 1);
    int rc = ensure_session(a, to, device, &jid);
    if (rc == BX_OK)
        rc = wa_session_encrypt(a->signal, &jid, wa_pad(packed, random, arena), arena, &cipher);
    if (rc < 0)
        return rc;
    struct wa_node *enc =
        WA_NODE(arena, "enc", wa_lit("v", "2"), wa_lit("type", cipher.is_prekey ? "pkmsg" : "msg"));
    if (count)
        wa_node_put(enc, wa_num("count", count));
    *out = wa_node_bytes(enc, cipher.bytes);
    return BX_OK;
}

int sim_phone_send_to_device(struct sim_account *a, struct sim_account *to, unsigned device,
                             const Wap__Message *message, const struct sim_delivery *base,
                             struct bx_arena *arena)
{
    struct wa_node *enc;
    int rc = sim_phone_encrypt(a, to, device, wa_pb_pack(message, arena), 0, arena, &enc);
    if (rc < 0)
        return rc;
    const struct wa_node *encs[] = {enc};
    struct sim_delivery m = *base;
    m.from = a;
    m.from_device = 0;
    m.notify = a->push_name;
    m.encs = encs;
    m.enc_count = 1;
    sim_deliver_message(to, device, &m, arena);
    return BX_OK;
}

/* --- a new companion --- */

static void bootstrap(void *arg)
{
    struct sim_device *d = arg;
    if (d->is_bootstrapped || !d->conn)
        return;
    d->is_bootstrapped = true;
    sim_phone_send_app_key(d->account, d);
    sim_phone_send_history(d->account, d);
    sim_save_later(d->account->sim);
}

void sim_phone_bootstrap_later(struct sim_device *d)
{
    d->bootstrap_timer.fn = bootstrap;
    net_timer_start(d->account->sim->loop, &d->bootstrap_timer, BOOTSTRAP_DELAY_MS);
}

/* --- receiving --- */

static const Wap__Message *unwrap(const Wap__Message *m)
{
    for (int depth = 0; depth < 5; depth++) {
        if (m->device_sent && m->device_sent->message)
            m = m->device_sent->message;
        else if (m->ephemeral && m->ephemeral->message)
            m = m->ephemeral->message;
        else if (m->edited && m->edited->message)
            m = m->edited->message;
        else if (m->view_once && m->view_once->message)
            m = m->view_once->message;
        else
            break;
    }
    return m;
}

static const char *text_of(const Wap__Message *m)
{
    if (m->conversation)
        return m->conversation;
    return m->extended_text ? m->extended_text->text : NULL;
}

static json_t *describe(const Wap__Message *m)
{
    const Wap__Protocol *p = m->protocol;
    const char *text = text_of(m);
    if (m->reaction && m->reaction->key)
        return json_pack("{s:s,s:s,s:s}", "kind", "reaction", "text",
                         m->reaction->text ? m->reaction->text : "", "targetId",
                         m->reaction->key->id ? m->reaction->key->id : "");
    if (p && p->has_type && p->type == WAP__PROTOCOL__TYPE__REVOKE && p->key)
        return json_pack("{s:s,s:s}", "kind", "revoke", "targetId", p->key->id ? p->key->id : "");
    if (p && p->has_type && p->type == WAP__PROTOCOL__TYPE__MESSAGE_EDIT && p->key &&
        p->edited_message) {
        const char *edited = text_of(unwrap(p->edited_message));
        return json_pack("{s:s,s:s,s:s}", "kind", "edit", "targetId", p->key->id ? p->key->id : "",
                         "text", edited ? edited : "");
    }
    if (!text)
        return json_pack("{s:s}", "kind", "other");
    json_t *row = json_pack("{s:s,s:s}", "kind", "text", "text", text);
    if (m->extended_text && m->extended_text->context_info &&
        m->extended_text->context_info->stanza_id)
        json_object_set_new(row, "quotedId",
                            json_string(m->extended_text->context_info->stanza_id));
    return row;
}

static void keep(struct sim_account *a, json_t *row)
{
    if (json_array_size(a->messages) >= KEEP_MESSAGES)
        json_array_remove(a->messages, 0);
    json_array_append_new(a->messages, row);
}

void sim_phone_record(struct sim_account *a, const struct sim_delivery *m,
                      struct sim_account *author, const Wap__Message *message)
{
    json_t *row = message ? describe(unwrap(message)) : json_pack("{s:s}", "kind", "undecryptable");
    struct sim_account *other = m->group       ? NULL
                                : m->from == a ? sim_account_by_jid(a->sim, m->chat)
                                               : m->from;
    json_object_set_new(row, "id", json_stringn(m->id.ptr, m->id.len));
    json_object_set_new(row, "chat",
                        m->group ? json_string(m->group->jid)
                                 : json_string(other ? other->phone : ""));
    json_object_set_new(row, "from", json_string(author->phone));
    json_object_set_new(row, "fromMe", json_boolean(author == a));
    json_object_set_new(row, "t", json_integer(sim_now_s()));
    keep(a, row);
    if (message)
        sim_recall_keep(a, m, unwrap(message));
}

static void ask_again(struct sim_account *a, const struct sim_delivery *m,
                      const struct wa_node *enc, enum wa_retry_reason reason,
                      struct bx_arena *arena)
{
    uint64_t count = wa_node_attr_u64_or(enc, "count", 0) + 1; /* of an answer: that asking's */
    uint8_t registration[4] = {0, 0, (uint8_t)(a->registration_id >> 8),
                               (uint8_t)a->registration_id};
    bool is_lid = m->group ? m->group->is_lid : m->is_lid;
    struct wa_node *n =
        WA_NODE(arena, "receipt", wa_str("id", m->id), wa_lit("type", "retry"),
                wa_to("to", m->group ? bx_str(m->group->jid)
                                     : sim_jid(arena, m->from, m->from_device, is_lid)));
    wa_node_add(n, WA_NODE(arena, "retry", wa_num("count", count), wa_str("id", m->id),
                           wa_num("t", sim_now_s()), wa_lit("v", "1"), wa_num("error", reason)));
    wa_node_bytes(wa_node_add(n, wa_node_new(arena, "registration")), bx_str_n(registration, 4));
    wa_node_add(n, sim_bundle_node(a->sim, arena, &(struct sim_bundle_source){a, NULL}, true));
    sim_send_receipt(a, 0, m->from, (int)m->from_device, n, arena);
}

static void answer_automatically(struct sim_account *a, const struct sim_delivery *m,
                                 const Wap__Message *message)
{
    const char *text = text_of(unwrap(message));
    struct sim_group *g = m->group ? sim_group_find(a->sim, bx_str(m->group->jid)) : NULL;
    char id[SIM_ID_MAX];
    if (!a->is_scripted || m->from == a || m->category.ptr)
        return;
    if (a->receipts != SIM_RECEIPTS_NONE)
        sim_phone_read(a, m->from, g, m->from, m->id, NULL);
    if (a->receipts == SIM_RECEIPTS_READ)
        sim_phone_read(a, m->from, g, m->from, m->id, "read");
    if (a->is_echo && text && *text)
        sim_phone_say(
            a,
            &(struct sim_outgoing){
                .to = g ? NULL : m->from, .group = g, .is_lid = m->is_lid, .text = bx_str(text)},
            id);
}

/* Key requests and the like from an own companion. */
static void on_peer_message(struct sim_account *a, const struct sim_delivery *m,
                            const Wap__Message *message)
{
    struct sim_device *d = sim_device_find(a, m->from_device);
    const Wap__Protocol *p = message->protocol;
    if (d && p && p->has_type && p->type == WAP__PROTOCOL__TYPE__APP_STATE_SYNC_KEY_REQUEST)
        sim_phone_send_app_key(a, d);
    if (d && p && p->has_type && p->type == WAP__PROTOCOL__TYPE__PEER_DATA_REQUEST &&
        p->peer_data_request && p->peer_data_request->n_placeholder_resend)
        sim_recall_answer(a, d, m->id, p->peer_data_request);
}

static int open_one(struct sim_account *a, const struct sim_delivery *m, const struct wa_node *enc,
                    struct bx_arena *arena, struct bx_str *out_plain,
                    enum wa_retry_reason *out_reason)
{
    struct bx_str type = wa_node_attr(enc, "type"), bytes = wa_node_data(enc);
    if (bx_str_is(type, "skmsg")) {
        struct wa_jid sender =
            sim_wa_jid(arena, m->from, m->from_device, m->group && m->group->is_lid);
        return m->group ? wa_group_decrypt(a->signal, bx_str(m->group->jid), &sender, bytes, arena,
                                           out_plain, out_reason)
                        : BX_E_INVALID;
    }
    struct wa_jid sender = sim_wa_jid(arena, m->from, m->from_device, false);
    return wa_session_decrypt(a->signal, &sender, bx_str_is(type, "pkmsg"), bytes, arena, out_plain,
                              out_reason);
}

static void on_plain(struct sim_account *a, const struct sim_delivery *m,
                     const Wap__Message *message, struct bx_arena *arena)
{
    const Wap__SenderKeyDistribution *key = message->sender_key_distribution;
    if (key && m->group && key->has_sender_key_message) {
        struct wa_jid sender = sim_wa_jid(arena, m->from, m->from_device, m->group->is_lid);
        wa_group_process(a->signal, bx_str(m->group->jid), &sender,
                         wa_pb_str(key->sender_key_message));
    }
    const Wap__Message *bare = unwrap(message);
    if (m->category.ptr) {
        on_peer_message(a, m, bare);
        return;
    }
    bool has_content = text_of(bare) || bare->reaction || bare->protocol || bare->image ||
                       bare->video || bare->audio || bare->document || bare->sticker ||
                       bare->location || bare->contact || bare->poll_creation ||
                       bare->poll_creation_v3;
    if (!has_content)
        return;
    sim_phone_record(a, m, m->from, message);
    answer_automatically(a, m, message);
}

void sim_phone_receive(struct sim_account *a, const struct sim_delivery *m, struct bx_arena *arena)
{
    wa_signal_learn_lid(a->signal, bx_str(m->from->phone), bx_str(m->from->lid), NULL);
    for (size_t i = 0; i < m->enc_count; i++) {
        struct bx_str plain;
        Wap__Message *message;
        enum wa_retry_reason reason = WA_RETRY_UNKNOWN;
        int rc = open_one(a, m, m->encs[i], arena, &plain, &reason);
        if (rc == BX_OK)
            rc = wa_unpad(&plain);
        if (rc == BX_OK)
            rc = WA_PB_UNPACK(message, plain, arena, &message);
        if (rc == BX_OK) {
            on_plain(a, m, message, arena);
        } else if (rc != BX_E_DUPLICATE) {
            if (a->is_scripted)
                sim_phone_record(a, m, m->from, NULL);
            ask_again(a, m, m->encs[i], reason, arena);
            return;
        }
    }
}

/* --- receipts --- */

static void on_retry(struct sim_account *a, struct sim_account *from, unsigned device,
                     const struct wa_node *receipt)
{
    struct bx_arena arena;
    const struct wa_node *retry = wa_node_child(receipt, "retry");
    unsigned count = (unsigned)wa_node_attr_u64_or(retry, "count", 1);
    bx_arena_init(&arena, 0);
    struct wa_jid jid = sim_wa_jid(&arena, from, device, false);
    wa_session_delete(a->signal, &jid); /* a fresh one from the bundle that is known now */
    sim_phone_resend(a, wa_node_attr(receipt, "id"), from, device, count, &arena);
    bx_arena_done(&arena);
}

void sim_phone_on_receipt(struct sim_account *a, struct sim_account *from, unsigned from_device,
                          const struct wa_node *receipt)
{
    struct bx_str type = wa_node_attr(receipt, "type"), id = wa_node_attr(receipt, "id");
    if (bx_str_is(type, "retry")) {
        on_retry(a, from, from_device, receipt);
        return;
    }
    if (!a->is_scripted || from == a)
        return;
    json_array_append_new(a->receipts_seen,
                          json_pack("{s:s#,s:s,s:s#}", "id", id.ptr ? id.ptr : "", id.len, "from",
                                    from->phone, "type", type.ptr ? type.ptr : "delivery",
                                    type.ptr ? type.len : (size_t)8));
    WA_EACH_CHILD(wa_node_child(receipt, "list"), "item", item)
    {
        struct bx_str more = wa_node_attr(item, "id");
        json_array_append_new(a->receipts_seen,
                              json_pack("{s:s#,s:s,s:s#}", "id", more.ptr, more.len, "from",
                                        from->phone, "type", type.ptr ? type.ptr : "delivery",
                                        type.ptr ? type.len : (size_t)8));
    }
}

const struct sim_phone_ops sim_phone_ops = {
    .init = sim_phone_init,
    .done = sim_phone_done,
    .bootstrap_later = sim_phone_bootstrap_later,
    .receive = sim_phone_receive,
    .on_receipt = sim_phone_on_receipt,
};
