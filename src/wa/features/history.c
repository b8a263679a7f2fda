/* Lane: the phone's past. A notification carries the first chunk inline or says where a blob is;
 * each chunk becomes chats, messages, names and identity pairs, and ends with HISTORY_DONE. */
#include "wa/internal.h"

#include "wa/proto/pb.h"
#include "wa/proto/sync.pb-c.h"
#include "wa/signal/media_crypto.h"
#include "wa/wire/codec.h"

enum { MAX_CHUNK = 64 << 20 };

static int on_mapping(struct wa_job *job, const Wap__LidMapping *m)
{
    struct wa_jid a, b;
    if (!m->pn_jid || !m->lid_jid || wa_jid_parse(bx_str(m->pn_jid), &a) < 0 ||
        wa_jid_parse(bx_str(m->lid_jid), &b) < 0)
        return BX_OK;
    return wa_learn_pair(job, &a, &b);
}

static int on_pushname(struct wa_job *job, const Wap__Pushname *p)
{
    if (!p->id || !p->pushname || !p->pushname[0])
        return BX_OK;
    struct wa_contact *contact = &wa_job_event(job, WA_EVENT_CONTACT)->contact;
    contact->push_name = wa_clean_text(&job->out, p->pushname);
    return wa_peer_of_text(job, bx_str(p->id), &contact->person);
}

static int learn_chat(struct wa_job *job, const Wap__Conversation *c)
{
    Wap__LidMapping by_pn = {.pn_jid = c->pn_jid, .lid_jid = c->id},
                    by_lid = {.pn_jid = c->id, .lid_jid = c->lid_jid};
    int rc = on_mapping(job, &by_pn);
    return rc < 0 ? rc : on_mapping(job, &by_lid);
}

static int64_t ms_of(uint64_t t)
{
    return t < UINT32_MAX ? (int64_t)t * 1000 : (int64_t)t;
}

static void tell_chat(struct wa_job *job, const Wap__Conversation *c, const struct wa_peer *peer)
{
    struct wa_chat_info *info = &wa_job_event(job, WA_EVENT_CHAT)->chat;
    uint64_t last =
        c->has_conversation_timestamp ? c->conversation_timestamp : c->last_msg_timestamp;
    info->chat = *peer;
    info->is_history = true;
    info->name = wa_clean_text(&job->out, c->name ? c->name : c->display_name);
    info->is_archived = c->archived ? WA_FLAG_YES : WA_FLAG_NO;
    info->is_pinned = c->pinned ? WA_FLAG_YES : WA_FLAG_NO;
    info->pinned_at_ms = ms_of(c->pinned);
    info->is_muted = c->mute_end_time ? WA_FLAG_YES : WA_FLAG_NO;
    info->muted_until_ms = (int64_t)c->mute_end_time < 0 ? -1 : ms_of(c->mute_end_time);
    info->is_read = c->marked_as_unread ? WA_FLAG_NO : WA_FLAG_UNKNOWN;
    info->unread_count =
        c->has_unread_count && c->unread_count < INT32_MAX ? (int32_t)c->unread_count : -1;
    info->last_message_ms = ms_of(last);
    info->timestamp_ms = info->last_message_ms;
}

static int on_conversation(struct wa_job *job, const Wap__Conversation *c)
{
    struct wa_peer peer;
    struct wa_jid jid;
    if (!c->id || wa_jid_parse(bx_str(c->id), &jid) < 0 ||
        !(wa_jid_is_user(&jid) || wa_jid_is_group(&jid)))
        return BX_OK;
    int rc = learn_chat(job, c);
    if (rc >= 0)
        rc = wa_peer_of(job, &jid, &peer);
    if (rc >= 0)
        tell_chat(job, c, &peer);
    if (rc >= 0 && c->has_tc_token && c->tc_token.len)
        rc = wa_token_put(job, &jid, wa_pb_str(c->tc_token), c->tc_token_timestamp);
    for (size_t i = c->n_messages; i > 0 && rc >= 0; i--) { /* stored newest first */
        if (c->messages[i - 1]->message)
            rc = wa_web_message(job, c->messages[i - 1]->message, WA_ORIGIN_HISTORY, bx_str(c->id));
    }
    return rc;
}

int wa_history_open(struct wa_job *job, struct bx_str deflated)
{
    struct bx_buf plain;
    Wap__HistorySync *h = NULL;
    bx_buf_init(&plain, MAX_CHUNK);
    int rc = wa_inflate(deflated, &plain);
    if (rc >= 0)
        rc = WA_PB_UNPACK(history_sync, bx_buf_view(&plain), &job->out, &h);
    bx_buf_done(&plain);
    if (rc < 0)
        return BX_OK; /* a damaged chunk will not get better */
    for (size_t i = 0; i < h->n_lid_mappings && rc >= 0; i++)
        rc = on_mapping(job, h->lid_mappings[i]);
    for (size_t i = 0; i < h->n_pushnames && rc >= 0; i++)
        rc = on_pushname(job, h->pushnames[i]);
    for (size_t i = 0; i < h->n_conversations && rc >= 0; i++)
        rc = on_conversation(job, h->conversations[i]);
    if (rc >= 0 && h->has_nct_salt)
        rc = wa_self_put(job->ks, "nct_salt", wa_pb_str(h->nct_salt));
    if (rc < 0)
        return rc;
    struct wa_event *e = wa_job_event(job, WA_EVENT_HISTORY_DONE);
    e->progress.sync_type = (int)h->sync_type;
    e->progress.percent = h->has_progress && h->progress <= 100 ? (int)h->progress : 0;
    return BX_OK;
}

/* --- downloaded chunks --- */

static int blob_run(struct wa_job *job)
{
    const struct wa_blob *b = job->data;
    struct bx_buf deflated;
    bx_buf_init(&deflated, MAX_CHUNK);
    int rc = wa_media_decrypt(WA_MEDIA_HISTORY, b->media_key, b->body,
                              b->has_enc_sha256 ? b->enc_sha256 : NULL, NULL, &deflated);
    rc = rc < 0 ? BX_OK : wa_history_open(job, bx_buf_view(&deflated));
    bx_buf_done(&deflated);
    return rc;
}

static const struct wa_job_type blob_type = {"history", blob_run, NULL};

int wa_history_notified(struct wa_job *job, const Wap__HistorySyncNotification *n)
{
    if (n->has_inline_payload && n->inline_payload.len)
        return wa_history_open(job, wa_pb_str(n->inline_payload));
    wa_blob_want(job, &blob_type, n->direct_path, n->media_key, n->file_enc_sha256, NULL);
    return BX_OK;
}

struct wa_blob *wa_blob_want(struct wa_job *job, const struct wa_job_type *then,
                             const char *direct_path, ProtobufCBinaryData media_key,
                             ProtobufCBinaryData enc_sha256, const struct wa_blob *more)
{
    struct wa_blob *b = BX_ARENA_NEW(&job->out, struct wa_blob);
    if (!direct_path || direct_path[0] != '/' || media_key.len != sizeof b->media_key)
        return NULL;
    if (more)
        *b = *more;
    memcpy(b->media_key, media_key.data, sizeof b->media_key);
    b->has_enc_sha256 = enc_sha256.len == sizeof b->enc_sha256;
    if (b->has_enc_sha256)
        memcpy(b->enc_sha256, enc_sha256.data, sizeof b->enc_sha256);
    struct wa_want *w = wa_job_want(job, WA_WANT_FETCH);
    w->text = bx_arena_printf(&job->out, "%s%s", job->client->media_host, direct_path);
    w->then = then;
    w->data = b;
    return b;
}
