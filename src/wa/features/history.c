/* Lane: the phone's past. A notification carries the first chunk inline or says where a blob is;
 * each chunk becomes chats, messages, names and identity pairs, in parts, and ends with
 * HISTORY_DONE. */
#include "wa/internal.h"

#include "base/mem.h"
#include "crypto/hash.h"
#include "wa/proto/pb.h"
#include "wa/proto/sync.pb-c.h"
#include "wa/signal/media_crypto.h"
#include "wa/wire/codec.h"

#include <stdlib.h>

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

/* --- a chunk, divided ---
 *
 * A phone may send 64 MiB in one chunk, with hundreds of thousands of messages. What needs no keys
 * is done before the first transaction: the chunk is inflated and divided into items, one for each
 * message, chat, name and pair. A run of the job then stores the next few hundred. */

enum {
    PART_UNITS = 200, /* a small message is one */
    UNIT_BYTES = 512,
    MAX_ITEMS = 2 << 20,
    MAX_MESSAGE = 4 << 20,
    MAX_HEAD_FIELD = 64 << 10
};

enum item_kind { ITEM_MAPPING, ITEM_PUSHNAME, ITEM_CHAT, ITEM_MESSAGE, ITEM_KINDS };

struct item {
    uint32_t at, len; /* in the chunk */
    uint32_t chat;    /* of a message: the item of its chat */
    uint8_t kind;
    bool is_unread;
};

struct wa_history {
    struct bx_buf plain;
    struct item *items;
    size_t count, cap, next;
    uint32_t open_chat; /* whose id is `chat`; UINT32_MAX: none */
    char chat[WA_JID_TEXT_MAX + 1];
    bool is_chat_kept;
    struct bx_str nct_salt;
    uint64_t sync_type, progress;
};

static void history_free(struct wa_history *h)
{
    if (!h)
        return;
    bx_buf_done(&h->plain);
    free(h->items);
    free(h);
}

static struct item *item_add(struct wa_history *h, enum item_kind kind, struct bx_str bytes)
{
    if (h->count == MAX_ITEMS)
        return NULL;
    if (h->count == h->cap) {
        h->cap = h->cap ? 2 * h->cap : 256;
        h->items = bx_realloc(h->items, h->cap, sizeof *h->items);
    }
    struct item *item = &h->items[h->count++];
    *item = (struct item){.at = (uint32_t)(bytes.ptr - (const char *)h->plain.data),
                          .len = (uint32_t)bytes.len,
                          .kind = (uint8_t)kind};
    return item;
}

static struct bx_str bytes_of(const struct wa_history *h, const struct item *item)
{
    return bx_str_n(h->plain.data + item->at, item->len);
}

/* --- fields, without unpacking --- */

struct field {
    uint32_t number;
    uint64_t value;      /* of a varint */
    struct bx_str bytes; /* of a length-delimited one; ptr NULL: another kind */
    struct bx_str whole; /* with its tag */
};

static bool varint(struct bx_str *rest, uint64_t *out)
{
    *out = 0;
    for (unsigned shift = 0; shift < 64 && rest->len; shift += 7) {
        uint8_t byte = (uint8_t)*rest->ptr;
        *rest = bx_str_slice(*rest, 1, rest->len);
        *out |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            return true;
    }
    return false;
}

/* Takes the next field off *rest; false at the end and where the bytes are damaged. */
static bool field_next(struct bx_str *rest, struct field *out)
{
    enum { VARINT = 0, FIXED64 = 1, BYTES = 2, FIXED32 = 5 };
    struct bx_str start = *rest;
    uint64_t tag, len;
    if (!rest->len || !varint(rest, &tag))
        return false;
    *out = (struct field){.number = (uint32_t)(tag >> 3)};
    switch (tag & 7) {
    case VARINT:
        if (!varint(rest, &out->value))
            return false;
        len = 0;
        break;
    case BYTES:
        if (!varint(rest, &len) || len > rest->len)
            return false;
        out->bytes = bx_str_slice(*rest, 0, (size_t)len);
        break;
    case FIXED64:
        len = 8;
        break;
    case FIXED32:
        len = 4;
        break;
    default:
        return false;
    }
    if (len > rest->len)
        return false;
    *rest = bx_str_slice(*rest, (size_t)len, rest->len);
    out->whole = bx_str_n(start.ptr, (size_t)(rest->ptr - start.ptr));
    return true;
}

/* --- division: any thread --- */

/* The time of a message that others wrote; -1: it is ours, or says nothing. */
static int64_t time_of_other(struct bx_str message)
{
    struct field outer, f, k;
    struct bx_str info = {0};
    int64_t at = 0;
    bool has_message = false;
    while (field_next(&message, &outer)) {
        if (outer.number == 1 && outer.bytes.ptr)
            info = outer.bytes;
    }
    while (field_next(&info, &f)) {
        if (f.number == 1) {
            while (field_next(&f.bytes, &k)) {
                if (k.number == 2 && k.value)
                    return -1;
            }
        } else if (f.number == 2) {
            has_message = f.bytes.len > 0;
        } else if (f.number == 3) {
            at = ms_of(f.value);
        }
    }
    return has_message ? at : -1;
}

static int newer_first(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x < y) - (x > y);
}

/* History comes with a number of unread messages per chat: the newest ones from others. */
static void mark_unread(struct wa_history *h, size_t first, uint64_t unread)
{
    size_t n = 0, count = h->count - first;
    if (!unread || !count)
        return;
    int64_t *times = bx_calloc(count, sizeof *times), *sorted = bx_calloc(count, sizeof *sorted);
    for (size_t i = 0; i < count; i++) {
        times[i] = time_of_other(bytes_of(h, &h->items[first + i]));
        if (times[i] >= 0)
            sorted[n++] = times[i];
    }
    qsort(sorted, n, sizeof *sorted, newer_first);
    int64_t from = n == 0 ? 0 : sorted[unread < n ? unread - 1 : n - 1];
    for (size_t i = 0; i < count; i++)
        h->items[first + i].is_unread = times[i] >= 0 && times[i] >= from;
    free(times);
    free(sorted);
}

/* Its messages are stored newest first; their items stand oldest first. */
static void divide_chat(struct wa_history *h, struct bx_str conversation)
{
    struct field f;
    uint64_t unread = 0;
    struct item *chat = item_add(h, ITEM_CHAT, conversation);
    if (!chat)
        return;
    size_t head = h->count - 1, first = h->count;
    while (field_next(&conversation, &f)) {
        struct item *message = NULL;
        if (f.number == 2 && f.bytes.len && f.bytes.len <= MAX_MESSAGE)
            message = item_add(h, ITEM_MESSAGE, f.bytes);
        else if (f.number == 6)
            unread = f.value;
        if (message)
            message->chat = (uint32_t)head;
    }
    for (size_t i = first, k = h->count; i + 1 < k; i++) {
        struct item item = h->items[i];
        h->items[i] = h->items[--k];
        h->items[k] = item;
    }
    mark_unread(h, first, unread);
}

/* Pairs and names go first: the chats are made with them. */
static void divide(struct wa_history *h)
{
    static const uint32_t numbers[] = {15, 7, 2};
    struct field f;
    for (size_t i = 0; i < BX_LEN(numbers); i++) {
        struct bx_str rest = bx_buf_view(&h->plain);
        while (field_next(&rest, &f)) {
            if (f.number != numbers[i] || !f.bytes.len)
                continue;
            if (i == 2)
                divide_chat(h, f.bytes);
            else if (f.bytes.len <= MAX_HEAD_FIELD)
                item_add(h, i == 0 ? ITEM_MAPPING : ITEM_PUSHNAME, f.bytes);
        }
    }
    struct bx_str rest = bx_buf_view(&h->plain);
    while (field_next(&rest, &f)) {
        if (f.number == 1)
            h->sync_type = f.value;
        else if (f.number == 6)
            h->progress = f.value;
        else if (f.number == 19 && f.bytes.len <= MAX_HEAD_FIELD)
            h->nct_salt = f.bytes;
    }
}

static int decrypt(const struct wa_blob *b, struct bx_buf *out)
{
    if (b->is_plain)
        return bx_buf_str(out, b->body), BX_OK;
    return wa_media_decrypt(WA_MEDIA_HISTORY, b->media_key, b->body,
                            b->has_enc_sha256 ? b->enc_sha256 : NULL, NULL, out);
}

/* A damaged chunk has no items: it will not get better. */
static void history_prepare(struct wa_job *job)
{
    struct wa_history *h = job->history = BX_NEW(struct wa_history);
    struct bx_buf deflated;
    h->open_chat = UINT32_MAX;
    bx_buf_init(&h->plain, MAX_CHUNK);
    bx_buf_init(&deflated, MAX_CHUNK);
    if (decrypt(job->data, &deflated) >= 0 && wa_inflate(bx_buf_view(&deflated), &h->plain) >= 0)
        divide(h);
    bx_buf_done(&deflated);
}

/* --- a part: lane --- */

/* The fields of a chat without its messages and members. */
static struct bx_str head_of(struct wa_job *job, struct bx_str conversation)
{
    struct field f;
    struct bx_buf head;
    bx_buf_init(&head, 0);
    while (field_next(&conversation, &f)) {
        if (f.number != 2 && f.number != 20 && f.whole.len <= MAX_HEAD_FIELD &&
            head.len <= 4 * MAX_HEAD_FIELD)
            bx_buf_str(&head, f.whole);
    }
    struct bx_str copy = bx_arena_str(&job->out, bx_buf_view(&head));
    bx_buf_done(&head);
    return copy;
}

static int open_chat(struct wa_job *job, uint32_t item, bool is_told)
{
    struct wa_history *h = job->history;
    Wap__Conversation *c;
    struct wa_peer peer;
    struct wa_jid jid;
    h->open_chat = item;
    h->is_chat_kept = false;
    if (WA_PB_UNPACK(conversation, head_of(job, bytes_of(h, &h->items[item])), &job->out, &c) < 0 ||
        !c->id || wa_jid_parse(bx_str(c->id), &jid) < 0 ||
        !(wa_jid_is_user(&jid) || wa_jid_is_group(&jid)) ||
        bx_str_copy(bx_str(c->id), h->chat, sizeof h->chat) < 0)
        return BX_OK;
    h->is_chat_kept = true;
    if (!is_told)
        return BX_OK;
    int rc = learn_chat(job, c);
    if (rc >= 0)
        rc = wa_peer_of(job, &jid, &peer);
    if (rc >= 0)
        tell_chat(job, c, &peer);
    if (rc >= 0 && c->has_tc_token && c->tc_token.len)
        rc = wa_token_put(job, &jid, wa_pb_str(c->tc_token), c->tc_token_timestamp);
    return rc;
}

static int on_message(struct wa_job *job, const struct item *item)
{
    struct wa_history *h = job->history;
    Wap__HistorySyncMsg *m;
    int rc = h->open_chat == item->chat ? BX_OK : open_chat(job, item->chat, false);
    if (rc < 0 || !h->is_chat_kept ||
        WA_PB_UNPACK(history_sync_msg, bytes_of(h, item), &job->out, &m) < 0 || !m->message)
        return rc;
    struct wa_event **before = job->events_tail;
    rc = wa_web_message(job, m->message, WA_ORIGIN_HISTORY, bx_str(h->chat));
    if (rc >= 0 && *before && (*before)->kind == WA_EVENT_MESSAGE)
        (*before)->message.is_unread = item->is_unread;
    return rc;
}

static int on_item(struct wa_job *job, size_t index)
{
    struct wa_history *h = job->history;
    const struct item *item = &h->items[index];
    struct bx_str bytes = bytes_of(h, item);
    Wap__LidMapping *mapping;
    Wap__Pushname *name;
    switch ((enum item_kind)item->kind) {
    case ITEM_MAPPING:
        return WA_PB_UNPACK(lid_mapping, bytes, &job->out, &mapping) < 0 ? BX_OK
                                                                         : on_mapping(job, mapping);
    case ITEM_PUSHNAME:
        return WA_PB_UNPACK(pushname, bytes, &job->out, &name) < 0 ? BX_OK : on_pushname(job, name);
    case ITEM_CHAT:
        return open_chat(job, (uint32_t)index, true);
    case ITEM_MESSAGE:
        return on_message(job, item);
    case ITEM_KINDS:
        break;
    }
    return BX_OK;
}

static int forget(struct wa_job *job, const struct wa_blob *b)
{
    return b->pending.len ? job->ks->ops->del(job->ks->ctx, WA_KEY_PENDING, b->pending) : BX_OK;
}

static int last_part(struct wa_job *job)
{
    const struct wa_history *h = job->history;
    int rc = h->nct_salt.len ? wa_self_put(job->ks, "nct_salt", h->nct_salt) : BX_OK;
    struct wa_event *e = wa_job_event(job, WA_EVENT_HISTORY_DONE);
    e->progress.sync_type = (int)(h->sync_type & INT16_MAX);
    e->progress.percent = h->progress <= 100 ? (int)h->progress : 0;
    return rc < 0 ? rc : forget(job, job->data);
}

static int history_run(struct wa_job *job)
{
    struct wa_history *h = job->history;
    int rc = BX_OK;
    for (size_t units = 0; rc >= 0 && h->next < h->count && units < PART_UNITS; h->next++) {
        rc = on_item(job, h->next);
        if (h->items[h->next].kind != ITEM_CHAT)
            units += h->items[h->next].len / UNIT_BYTES;
        units++;
    }
    return rc < 0 ? rc : h->next < h->count ? WA_JOB_MORE : last_part(job);
}

static void history_done(struct wa_job *job)
{
    history_free(job->history);
    bx_list_remove(&job->history_node);
}

const struct wa_job_type wa_job_history = {
    .name = "history", .run = history_run, .prepare = history_prepare, .done = history_done};

/* --- chunks that are not stored yet ---
 *
 * The notification is acknowledged before its chunk is here and stored, so what the download needs
 * (or the chunk itself, when it came within the message) is a row of the keystore from the commit
 * of the one to the commit of the chunk's last part. Each login goes on with what is left; what was
 * stored of it before is known by its ids. A row is how, the key and the hash, then the path (or
 * the chunk). */

enum { PENDING_KEY = 32, PENDING_HEAD = 1 + 32 + 32 };
enum { HOW_HASHED = 1, HOW_INLINE = 2 };

static struct bx_str pending_key(struct bx_arena *a, struct bx_str path)
{
    uint8_t hash[CR_SHA256_SIZE];
    char *hex = bx_arena_alloc(a, PENDING_KEY + 1);
    cr_sha256(path, hash);
    bx_hex_encode(hash, PENDING_KEY / 2, hex);
    return bx_str(hex);
}

static int remember(struct wa_job *job, const struct wa_blob *b, struct bx_str what)
{
    uint8_t *row = bx_arena_alloc(&job->out, PENDING_HEAD + what.len);
    row[0] = (uint8_t)((b->has_enc_sha256 ? HOW_HASHED : 0) | (b->is_plain ? HOW_INLINE : 0));
    memcpy(row + 1, b->media_key, sizeof b->media_key);
    memcpy(row + 33, b->enc_sha256, sizeof b->enc_sha256);
    memcpy(row + PENDING_HEAD, what.ptr, what.len);
    return job->ks->ops->put(job->ks->ctx, WA_KEY_PENDING, b->pending,
                             bx_str_n(row, PENDING_HEAD + what.len));
}

static void want_inline(struct wa_job *job, struct bx_str deflated, struct bx_str pending)
{
    struct wa_blob *b = BX_ARENA_NEW(&job->out, struct wa_blob);
    *b = (struct wa_blob){
        .is_plain = true, .body = bx_arena_str(&job->out, deflated), .pending = pending};
    struct wa_want *w = wa_job_want(job, WA_WANT_JOB);
    w->then = &wa_job_history;
    w->data = b;
}

static int inline_came(struct wa_job *job, struct bx_str deflated)
{
    struct wa_blob b = {.is_plain = true, .pending = pending_key(&job->out, deflated)};
    want_inline(job, deflated, b.pending);
    return remember(job, &b, deflated);
}

static int lost_run(struct wa_job *job)
{
    return forget(job, job->data);
}

const struct wa_job_type wa_job_history_lost = {.name = "history_lost", .run = lost_run};

int wa_history_notified(struct wa_job *job, const Wap__HistorySyncNotification *n)
{
    if (n->has_inline_payload && n->inline_payload.len)
        return inline_came(job, wa_pb_str(n->inline_payload));
    struct wa_blob *b =
        wa_blob_want(job, &wa_job_history, n->direct_path, n->media_key, n->file_enc_sha256, NULL);
    if (!b)
        return BX_OK;
    b->pending = pending_key(&job->out, bx_str(n->direct_path));
    return remember(job, b, bx_str(n->direct_path));
}

static int on_pending(void *arg, struct bx_str key, struct bx_str row)
{
    struct wa_job *job = arg;
    if (row.len <= PENDING_HEAD)
        return BX_OK;
    if (row.ptr[0] & HOW_INLINE) {
        want_inline(job, bx_str_slice(row, PENDING_HEAD, row.len), bx_arena_str(&job->out, key));
        return BX_OK;
    }
    char *path = bx_arena_strndup(&job->out, row.ptr + PENDING_HEAD, row.len - PENDING_HEAD);
    ProtobufCBinaryData media_key = {32, (uint8_t *)(uintptr_t)row.ptr + 1},
                        hash = {row.ptr[0] & HOW_HASHED ? 32 : 0,
                                (uint8_t *)(uintptr_t)row.ptr + 33};
    struct wa_blob *b = wa_blob_want(job, &wa_job_history, path, media_key, hash, NULL);
    if (b)
        b->pending = bx_arena_str(&job->out, key);
    return BX_OK;
}

static int resume_run(struct wa_job *job)
{
    return job->ks->ops->each(job->ks->ctx, WA_KEY_PENDING, BX_STR(""), on_pending, job);
}

static const struct wa_job_type resume_type = {.name = "history_resume", .run = resume_run};

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
