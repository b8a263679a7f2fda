/* Lane: turns the content of a message into events. */
#include "wa/features/content.h"
#include "wa/proto/pb.h"

bool wa_key_is_set(const Wap__MessageKey *key)
{
    return key && key->id && key->id[0];
}

/* A key is written from its sender's point of view. */
static int author_of(struct wa_job *job, const struct wa_source *src, const Wap__MessageKey *key,
                     struct wa_change *out)
{
    struct wa_jid jid;
    bool is_group = src->chat_peer.is_group;
    if (key->from_me)
        out->author = src->sender_peer;
    else if (key->participant && wa_jid_parse(bx_str(key->participant), &jid) == BX_OK)
        return wa_peer_of(job, &jid, &out->author);
    else if (is_group)
        return BX_OK;
    else if (src->is_from_me)
        out->author = src->chat_peer;
    else
        out->author.is_me = true;
    return BX_OK;
}

int wa_message_target(struct wa_job *job, const struct wa_source *src, const Wap__MessageKey *key,
                      struct wa_change *out)
{
    *out = (struct wa_change){.id = src->id,
                              .target_id = wa_clean_text(&job->out, key->id),
                              .chat = src->chat_peer,
                              .sender = src->sender_peer,
                              .is_from_me = src->is_from_me,
                              .is_by_admin = src->is_by_admin,
                              .timestamp_ms = src->timestamp_ms,
                              .origin = src->origin};
    int rc = author_of(job, src, key, out);
    out->is_target_from_me = key->from_me ? src->is_from_me : out->author.is_me;
    return rc;
}

int wa_message_reaction(struct wa_job *job, const struct wa_source *src, const Wap__Reaction *r)
{
    if (!wa_key_is_set(r->key))
        return BX_OK;
    struct wa_change *change = &wa_job_event(job, WA_EVENT_REACTION)->change;
    int rc = wa_message_target(job, src, r->key, change);
    change->text = wa_clean_text(&job->out, r->text ? r->text : "");
    change->label = change->text;
    return rc;
}

int wa_message_edit(struct wa_job *job, const struct wa_source *src, const Wap__MessageKey *key,
                    Wap__Message *edited)
{
    bool once, edit;
    struct wa_message described = {0};
    struct wa_change *change = &wa_job_event(job, WA_EVENT_EDIT)->change;
    Wap__Message *m = wa_content_unwrap(edited, &once, &edit);
    int rc = wa_message_target(job, src, key, change);
    if (rc >= 0)
        rc = wa_content_describe(job, m, &described);
    change->is_target_from_me = src->is_from_me;
    change->author = src->sender_peer;
    change->text = described.text;
    change->label = described.label;
    change->details = described.details;
    change->raw = wa_pb_pack(m, &job->out);
    return rc;
}

static int on_pin(struct wa_job *job, const struct wa_source *src, const Wap__PinInChat *pin)
{
    if (!wa_key_is_set(pin->key))
        return BX_OK;
    struct wa_change *change = &wa_job_event(job, WA_EVENT_PIN)->change;
    int rc = wa_message_target(job, src, pin->key, change);
    change->is_undone = pin->type == 2;
    return rc;
}

/* Between two people either sets the timer; in a group it is a setting of the group, which the server
 * tells. */
static int on_timer(struct wa_job *job, const struct wa_source *src, const Wap__Protocol *p)
{
    if (!wa_jid_is_user(&src->chat) || !wa_timer_is_valid(p->ephemeral_expiration))
        return BX_OK;
    struct wa_chat_info *info = &wa_job_event(job, WA_EVENT_CHAT)->chat;
    *info = (struct wa_chat_info){.chat = src->chat_peer,
                                  .unread_count = -1,
                                  .timestamp_ms = src->timestamp_ms,
                                  .has_timer = true,
                                  .ephemeral_s = p->ephemeral_expiration,
                                  .ephemeral_set_at_ms = src->timestamp_ms};
    return BX_OK;
}

static int on_protocol(struct wa_job *job, const struct wa_source *src, const Wap__Protocol *p)
{
    if (p->has_type && p->type == WAP__PROTOCOL__TYPE__MESSAGE_EDIT)
        return wa_key_is_set(p->key) && p->edited_message
                   ? wa_message_edit(job, src, p->key, p->edited_message)
                   : BX_OK;
    if (p->has_type && p->type == WAP__PROTOCOL__TYPE__EPHEMERAL_SETTING)
        return on_timer(job, src, p);
    if (p->type == WAP__PROTOCOL__TYPE__REVOKE && wa_key_is_set(p->key)) {
        struct wa_change *change = &wa_job_event(job, WA_EVENT_REVOKE)->change;
        return wa_message_target(job, src, p->key, change);
    }
    return src->is_from_me ? wa_own_phone_said(job, src, p) : BX_OK;
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
    struct bx_str group = wa_jid_text(&job->out, &src->from);
    bool is_named = d->group_id && !bx_str_eq(bx_str(d->group_id), group);
    if (wa_jid_is_user(&src->from) || is_named || !d->has_sender_key_message)
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
    if (!wa_content_is_known(m)) {
        Wap__Message *inner = wa_content_open_unknown(m, &job->out);
        m = inner ? inner : m;
    }
    if (rc >= 0)
        rc = wa_message_secret_keep(job, &src, m);
    if (rc >= 0 && m->protocol)
        rc = on_protocol(job, &src, m->protocol);
    if (rc >= 0 && m->reaction)
        rc = wa_message_reaction(job, &src, m->reaction);
    if (rc >= 0 && m->pin_in_chat)
        rc = on_pin(job, &src, m->pin_in_chat);
    if (rc >= 0)
        rc = wa_message_sealed(job, &src, m);
    bool is_status = wa_jid_is_status(&src.chat);
    if (rc >= 0 && !is_status && !src.is_peer && wa_content_is_visible(m))
        rc = tell_message(job, &src, m, once);
    return rc < 0 ? rc : wa_message_unseal_waiting(job, &src, m);
}
