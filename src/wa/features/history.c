/* Lane: the phone's past. A notification carries the first chunk inline or says where a blob is;
 * each chunk becomes chats, messages, names and identity pairs, and ends with HISTORY_DONE. */
#include "wa/internal.h"

#include "crypto/hash.h"
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
    info->has_timer = c->has_ephemeral_expiration && wa_timer_is_valid(c->ephemeral_expiration);
    info->ephemeral_s = c->ephemeral_expiration;
    info->ephemeral_set_at_ms =
        c->ephemeral_setting_timestamp > 0 ? ms_of((uint64_t)c->ephemeral_setting_timestamp) : 0;
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

/* --- chunks on the media host ---
 *
 * The notification is acknowledged before its chunk is here, so what the download needs is a row of
 * the keystore from the commit of the one to the commit of the other. Each login asks for what is
 * left. A row is the two hashes and the key, then the path. */

enum { PENDING_KEY = 32, PENDING_HEAD = 1 + 32 + 32 };

static struct bx_str pending_key(struct bx_arena *a, const char *path)
{
    uint8_t hash[CR_SHA256_SIZE];
    char *hex = bx_arena_alloc(a, PENDING_KEY + 1);
    cr_sha256(bx_str(path), hash);
    bx_hex_encode(hash, PENDING_KEY / 2, hex);
    return bx_str(hex);
}

static int remember(struct wa_job *job, const struct wa_blob *b, const char *path)
{
    size_t len = strlen(path);
    uint8_t *row = bx_arena_alloc(&job->out, PENDING_HEAD + len);
    row[0] = b->has_enc_sha256;
    memcpy(row + 1, b->media_key, sizeof b->media_key);
    memcpy(row + 33, b->enc_sha256, sizeof b->enc_sha256);
    memcpy(row + PENDING_HEAD, path, len);
    return job->ks->ops->put(job->ks->ctx, WA_KEY_PENDING, b->pending,
                             bx_str_n(row, PENDING_HEAD + len));
}

static int forget(struct wa_job *job, const struct wa_blob *b)
{
    return b->pending.len ? job->ks->ops->del(job->ks->ctx, WA_KEY_PENDING, b->pending) : BX_OK;
}

static int blob_run(struct wa_job *job)
{
    const struct wa_blob *b = job->data;
    struct bx_buf deflated;
    bx_buf_init(&deflated, MAX_CHUNK);
    int rc = wa_media_decrypt(WA_MEDIA_HISTORY, b->media_key, b->body,
                              b->has_enc_sha256 ? b->enc_sha256 : NULL, NULL, &deflated);
    rc = rc < 0 ? BX_OK : wa_history_open(job, bx_buf_view(&deflated));
    bx_buf_done(&deflated);
    return rc < 0 ? rc : forget(job, b);
}

static const struct wa_job_type blob_type = {"history", blob_run, NULL};

static int lost_run(struct wa_job *job)
{
    return forget(job, job->data);
}

const struct wa_job_type wa_job_history_lost = {"history_lost", lost_run, NULL};

int wa_history_notified(struct wa_job *job, const Wap__HistorySyncNotification *n)
{
    if (n->has_inline_payload && n->inline_payload.len)
        return wa_history_open(job, wa_pb_str(n->inline_payload));
    struct wa_blob *b =
        wa_blob_want(job, &blob_type, n->direct_path, n->media_key, n->file_enc_sha256, NULL);
    if (!b)
        return BX_OK;
    b->pending = pending_key(&job->out, n->direct_path);
    return remember(job, b, n->direct_path);
}

static int on_pending(void *arg, struct bx_str key, struct bx_str row)
{
    struct wa_job *job = arg;
    if (row.len <= PENDING_HEAD)
        return BX_OK;
    char *path = bx_arena_strndup(&job->out, row.ptr + PENDING_HEAD, row.len - PENDING_HEAD);
    ProtobufCBinaryData media_key = {32, (uint8_t *)(uintptr_t)row.ptr + 1},
                        hash = {row.ptr[0] ? 32 : 0, (uint8_t *)(uintptr_t)row.ptr + 33};
    struct wa_blob *b = wa_blob_want(job, &blob_type, path, media_key, hash, NULL);
    if (b)
        b->pending = bx_arena_str(&job->out, key);
    return BX_OK;
}

static int resume_run(struct wa_job *job)
{
    return job->ks->ops->each(job->ks->ctx, WA_KEY_PENDING, BX_STR(""), on_pending, job);
}

static const struct wa_job_type resume_type = {"history_resume", resume_run, NULL};

void wa_history_resume(struct wa_client *c)
{
    if (c->ops->on_fetch)
        wa_job_submit(wa_job_new(c, &resume_type, NULL, NULL));
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
