/* Lane: opens a message. Decrypts every <enc>, asks for a retry when it cannot, and hands the
 * content on. The receipt that acknowledges it is sent after the commit. */
#include "wa/internal.h"

#include "base/clock.h"
#include "wa/proto/pb.h"

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

static bool is_list(const struct wa_jid *jid)
{
    return jid->server == WA_SERVER_BROADCAST && !wa_jid_is_status(jid);
}

/* BX_E_INVALID: not a message that we understand. */
static int source_of(struct wa_job *job, const struct wa_node *n, struct wa_source *src)
{
    struct wa_jid from;
    *src = (struct wa_source){.id = wa_node_attr(n, "id"),
                              .push_name = wa_node_attr(n, "notify"),
                              .is_by_admin = wa_node_attr_is(n, "edit", "8"),
                              .is_offline = wa_node_has(n, "offline")};
    if (!src->id.len || wa_node_attr_jid(n, "from", &from) < 0)
        return BX_E_INVALID;
    src->origin = src->is_offline ? WA_ORIGIN_OFFLINE : WA_ORIGIN_LIVE;
    uint64_t t = wa_node_attr_u64_or(n, "t", 0);
    src->timestamp_ms = t && t < UINT32_MAX ? (int64_t)t * 1000 : bx_wall_ms();
    src->from = from;
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
        /* Who writes to a list of people writes to each of them: it belongs in the chat of both. */
        if (is_list(&from) && !src->is_from_me)
            src->chat = wa_jid_without_device(src->sender);
    }
    src->is_peer = src->is_from_me && wa_node_attr_is(n, "category", "peer");
    int rc = wa_peer_of(job, &src->chat, &src->chat_peer);
    return rc < 0 ? rc : wa_peer_of(job, &src->sender, &src->sender_peer);
}

/* --- receipts --- */

static void receipt(struct wa_job *job, const struct wa_source *src, const char *type)
{
    const struct wa_node *n = job->node;
    bool is_user = wa_jid_is_user(&src->from);
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

/* --- decryption --- */

static int open_enc(struct wa_job *job, const struct wa_source *src, const struct wa_node *enc,
                    struct bx_str *out_plain, enum wa_retry_reason *out_reason)
{
    struct bx_str bytes = wa_node_data(enc);
    if (wa_node_attr_is(enc, "type", "skmsg"))
        return wa_group_decrypt(job->signal, wa_jid_text(&job->out, &src->from), &src->sender,
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
        wa_tell_undecryptable(job, src, "[Damaged message]");
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
        return wa_ask_again(job, src, enc_count, is_hidden, reason);
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
        wa_tell_undecryptable(job, src, "[View once message: open it on the phone]");
    else {
        /* A row at once: the phone may never answer, and the customer sees that we have it. */
        wa_tell_undecryptable(job, src, "[Waiting for this message]");
        wa_ask_phone(job, src);
    }
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

const struct wa_job_type wa_job_message = {
    .name = "message", .run = message_run, .finish = message_finish};
