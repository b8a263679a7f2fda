/* Lane: messages of the phone's memory, from history and placeholder resends. */
#include "wa/internal.h"

#include "wa/proto/pb.h"
#include "wa/proto/sync.pb-c.h"

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
                              .from = chat,
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
    if (!wa_key_is_set(info->key) || !info->message)
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
            rc = wa_message_reaction(job, &by, &r);
        if (rc >= 0 && job->events) {
            struct wa_change *last =
                &BX_CONTAINER_OF(job->events_tail, struct wa_event, next)->change;
            last->is_target_from_me = src.is_from_me;
            last->author = src.sender_peer;
        }
    }
    return rc;
}
