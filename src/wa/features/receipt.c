/* Receipts, notifications, calls, and the acknowledgement that each of them wants. */
#include "wa/internal.h"

#include "base/clock.h"

struct wa_node *wa_ack_node(struct bx_arena *arena, const struct wa_node *n)
{
    bool is_message = wa_node_is(n, "message");
    return WA_NODE(arena, "ack", wa_str("class", n->tag), wa_str("id", wa_node_attr(n, "id")),
                   wa_to("to", wa_node_attr(n, "from")),
                   wa_to("participant", wa_node_attr(n, "participant")),
                   wa_to("recipient", wa_node_attr(n, "recipient")),
                   wa_str("type", is_message ? (struct bx_str){0} : wa_node_attr(n, "type")));
}

void wa_ack_for(struct wa_job *job, const struct wa_node *n)
{
    wa_job_send(job, wa_ack_node(&job->out, n));
}

static void end_if_failed(struct wa_job *job, int rc)
{
    if (rc < 0 && job->connection == job->client->connection)
        wa_client_end(job->client, (struct wa_ending){WA_REASON_STORE, WA_THEN_BACKOFF, rc, 0});
}

static int64_t time_of(const struct wa_node *n)
{
    uint64_t t = wa_node_attr_u64_or(n, "t", 0);
    return t && t < UINT32_MAX ? (int64_t)t * 1000 : bx_wall_ms();
}

/* --- receipts --- */

static const struct {
    const char *type; /* NULL: none */
    enum wa_status status;
    bool is_self; /* of our own other device: we have read it there */
} receipt_types[] = {
    {NULL, WA_STATUS_DELIVERED, false},  {"inactive", WA_STATUS_DELIVERED, false},
    {"read", WA_STATUS_READ, false},     {"played", WA_STATUS_PLAYED, false},
    {"read-self", WA_STATUS_READ, true}, {"played-self", WA_STATUS_PLAYED, true},
};

static size_t ids_of(struct wa_job *job, const struct wa_node *n, const struct bx_str **out)
{
    const struct wa_node *list = wa_node_child(n, "list");
    size_t room = wa_node_count(list, "item") + 1, count = 0;
    struct bx_str *ids = bx_arena_alloc(&job->out, room * sizeof *ids);
    ids[count++] = wa_node_attr(n, "id");
    WA_EACH_CHILD(list, "item", item)
    {
        if (count < room && wa_node_attr(item, "id").len)
            ids[count++] = wa_node_attr(item, "id");
    }
    *out = ids;
    return count;
}

static int tell_receipt(struct wa_job *job, const struct wa_node *n, const struct wa_jid *who,
                        enum wa_status status, int64_t t_ms, struct bx_str only_id)
{
    struct wa_receipt *r = &wa_job_event(job, WA_EVENT_RECEIPT)->receipt;
    r->status = status;
    r->timestamp_ms = t_ms;
    if (only_id.len) {
        struct bx_str *id = BX_ARENA_NEW(&job->out, struct bx_str);
        *id = only_id;
        r->ids = id;
        r->id_count = 1;
    } else {
        r->id_count = ids_of(job, n, &r->ids);
    }
    int rc = wa_peer_of_text(job, wa_node_attr(n, "from"), &r->chat);
    return rc < 0 ? rc : wa_peer_of(job, who, &r->sender);
}

static int tell_read_self(struct wa_job *job, const struct wa_node *n)
{
    struct wa_chat_info *info = &wa_job_event(job, WA_EVENT_READ_SELF)->chat;
    const char *where = wa_node_has(n, "recipient") ? "recipient" : "from";
    info->is_read = WA_FLAG_YES;
    info->unread_count = -1;
    info->timestamp_ms = time_of(n);
    info->receipt_id_count = ids_of(job, n, &info->receipt_ids);
    return wa_peer_of_text(job, wa_node_attr(n, where), &info->chat);
}

/* Groups: one stanza for many readers. */
static int tell_grouped(struct wa_job *job, const struct wa_node *n, enum wa_status status)
{
    struct wa_jid who;
    int rc = BX_OK;
    WA_EACH_CHILD(n, "participants", list)
    {
        WA_EACH_CHILD(list, "user", user)
        {
            if (rc >= 0 && wa_node_attr_jid(user, "jid", &who) == BX_OK)
                rc = tell_receipt(job, n, &who, status, time_of(user), wa_node_attr(list, "key"));
        }
    }
    return rc;
}

static int on_status(struct wa_job *job, const struct wa_node *n, enum wa_status status,
                     bool is_self)
{
    struct wa_jid from, who;
    if (wa_node_attr_jid(n, "from", &from) < 0)
        return BX_OK;
    if (wa_node_child(n, "participants"))
        return tell_grouped(job, n, status);
    who = from;
    if (!wa_jid_is_user(&from) && wa_node_attr_jid(n, "participant", &who) < 0)
        return BX_OK;
    if (is_self || (wa_is_me(job->creds, &who) && status >= WA_STATUS_READ))
        return tell_read_self(job, n);
    if (wa_is_me(job->creds, &who))
        return BX_OK;
    return tell_receipt(job, n, &who, status, time_of(n), (struct bx_str){0});
}

static int receipt_run(struct wa_job *job)
{
    const struct wa_node *n = job->node;
    struct bx_str type = wa_node_attr(n, "type");
    int rc = wa_creds_is_linked(job->creds) ? BX_OK : BX_E_STATE;
    if (rc < 0)
        return BX_OK;
    rc = wa_learn_attrs(job, n, "from", "sender_lid");
    if (rc >= 0)
        rc = wa_learn_attrs(job, n, "from", "sender_pn");
    if (rc >= 0)
        rc = wa_learn_attrs(job, n, "participant", "participant_lid");
    if (rc >= 0)
        rc = wa_learn_attrs(job, n, "participant", "participant_pn");
    for (size_t i = 0; i < BX_LEN(receipt_types) && rc >= 0; i++) {
        const char *row = receipt_types[i].type;
        if (row ? bx_str_eq(type, bx_str(row)) : !type.ptr)
            rc = on_status(job, n, receipt_types[i].status, receipt_types[i].is_self);
    }
    if (rc >= 0 && bx_str_is(type, "retry"))
        rc = wa_retry_requested(job, n);
    if (rc == BX_OK)
        wa_ack_for(job, n);
    return rc;
}

const struct wa_job_type wa_job_receipt = {
    .name = "receipt", .run = receipt_run, .finish = end_if_failed};

/* --- notifications --- */

static int on_encrypt(struct wa_job *job, const struct wa_node *n)
{
    struct wa_jid from;
    if (wa_node_child(n, "count"))
        wa_job_want(job, WA_WANT_PREKEYS);
    if (!wa_node_child(n, "identity") || wa_node_attr_jid(n, "from", &from) < 0 ||
        !wa_jid_is_user(&from))
        return BX_OK;
    int rc = wa_session_delete(job->signal, &from); /* a new phone: the old session is dead */
    if (rc >= 0)
        rc = wa_devices_drop(job, &from);
    if (rc < 0)
        return rc;
    return wa_peer_of(job, &from, &wa_job_event(job, WA_EVENT_IDENTITY_CHANGED)->contact.person);
}

static int on_account_sync(struct wa_job *job, const struct wa_node *n)
{
    struct wa_jid me = wa_me(job->creds), lid = wa_me_lid(job->creds);
    if (!wa_node_child(n, "devices"))
        return BX_OK;
    int rc = wa_devices_drop(job, &me);
    return rc < 0 || !lid.user.len ? rc : wa_devices_drop(job, &lid);
}

static int on_server_sync(struct wa_job *job, const struct wa_node *n)
{
    unsigned wanted = 0;
    WA_EACH_CHILD(n, "collection", collection)
    {
        int at = wa_collection_find(wa_node_attr(collection, "name"));
        wanted |= at >= 0 ? 1u << at : 0;
    }
    if (wanted)
        wa_job_want(job, WA_WANT_APP_STATE)->number = wanted;
    return BX_OK;
}

static const struct {
    const char *type;
    int (*handle)(struct wa_job *job, const struct wa_node *n);
} notifications[] = {
    {"devices", wa_on_devices_notification},
    {"w:gp2", wa_on_group_notification},
    {"encrypt", on_encrypt},
    {"account_sync", on_account_sync},
    {"server_sync", on_server_sync},
    {"privacy_token", wa_token_on_notification},
    {"mediaretry", wa_on_media_retry},
};

static int notification_run(struct wa_job *job)
{
    int rc = BX_OK;
    for (size_t i = 0; i < BX_LEN(notifications) && wa_creds_is_linked(job->creds); i++) {
        if (wa_node_attr_is(job->node, "type", notifications[i].type)) {
            rc = notifications[i].handle(job, job->node);
            break;
        }
    }
    if (rc >= 0)
        wa_ack_for(job, job->node);
    return rc;
}

const struct wa_job_type wa_job_notification = {
    .name = "notification", .run = notification_run, .finish = end_if_failed};

/* --- calls --- */

static int call_run(struct wa_job *job)
{
    const struct wa_node *n = job->node, *child = wa_node_child(n, NULL);
    int rc = BX_OK;
    bool is_offer = child && (wa_node_is(child, "offer") || wa_node_is(child, "offer_notice"));
    bool is_end = child && (wa_node_is(child, "terminate") || wa_node_is(child, "reject"));
    if ((is_offer || is_end) && wa_creds_is_linked(job->creds)) {
        struct wa_call_info *call = &wa_job_event(job, WA_EVENT_CALL)->call;
        call->id = wa_node_attr(child, "call-id");
        call->is_video = wa_node_child(child, "video") != NULL;
        call->is_end = is_end;
        call->timestamp_ms = time_of(n);
        rc = wa_peer_of_text(job, wa_node_attr(n, "from"), &call->from);
    }
    struct wa_node *ack = wa_ack_node(&job->out, n);
    if (child)
        wa_node_set(ack, wa_str("type", child->tag));
    wa_job_send(job, ack);
    return rc;
}

const struct wa_job_type wa_job_call = {.name = "call", .run = call_run, .finish = end_if_failed};
