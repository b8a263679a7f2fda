/* Messages, and what happens to them later. */
#include "app/inbox/inbox_changes.h"
#include "app/inbox/inbox_details.h"

#include "app/core/config.h"
#include "app/numbers/line.h"
#include "base/mem.h"
#include "wa/media.h"

/* --- a new message --- */

static enum st_message_type type_of(enum wa_message_kind kind)
{
    static const enum st_message_type map[] = {[WA_KIND_TEXT] = ST_TYPE_TEXT,
                                               [WA_KIND_IMAGE] = ST_TYPE_IMAGE,
                                               [WA_KIND_VIDEO] = ST_TYPE_VIDEO,
                                               [WA_KIND_AUDIO] = ST_TYPE_AUDIO,
                                               [WA_KIND_DOCUMENT] = ST_TYPE_DOCUMENT,
                                               [WA_KIND_STICKER] = ST_TYPE_STICKER,
                                               [WA_KIND_LOCATION] = ST_TYPE_LOCATION,
                                               [WA_KIND_CONTACT] = ST_TYPE_CONTACT,
                                               [WA_KIND_POLL] = ST_TYPE_POLL,
                                               [WA_KIND_SYSTEM] = ST_TYPE_SYSTEM,
                                               [WA_KIND_UNDECRYPTABLE] = ST_TYPE_SYSTEM,
                                               [WA_KIND_EVENT] = ST_TYPE_EVENT,
                                               [WA_KIND_UNKNOWN] = ST_TYPE_UNKNOWN};
    return map[kind];
}

static enum st_status status_of(enum wa_status status)
{
    static const enum st_status map[] = {[WA_STATUS_FAILED] = ST_FAILED,
                                         [WA_STATUS_SENT] = ST_SENT,
                                         [WA_STATUS_DELIVERED] = ST_DELIVERED,
                                         [WA_STATUS_READ] = ST_READ,
                                         [WA_STATUS_PLAYED] = ST_READ};
    return map[status];
}

static bool has_caption(enum wa_message_kind kind)
{
    return kind == WA_KIND_IMAGE || kind == WA_KIND_VIDEO || kind == WA_KIND_DOCUMENT ||
           kind == WA_KIND_AUDIO || kind == WA_KIND_STICKER;
}

static struct bx_str mentions_json(struct wb_inbox_turn *t, const struct wa_message *m)
{
    if (!m->mention_count)
        return (struct bx_str){0};
    struct bx_json_writer w;
    t->turn.text.len = 0;
    bx_json_writer_init(&w, &t->turn.text);
    bx_json_array(&w);
    for (size_t i = 0; i < m->mention_count; i++)
        bx_json_str(&w, m->mentions[i]);
    bx_json_end(&w);
    return bx_arena_str(t->turn.arena, bx_buf_view(&t->turn.text));
}

static bool counts_unread(const struct wa_message *m)
{
    if (m->is_from_me || m->kind == WA_KIND_SYSTEM)
        return false;
    return m->origin != WA_ORIGIN_HISTORY || m->is_unread;
}

static unsigned flags_of(const struct wa_message *m)
{
    return (m->kind == WA_KIND_UNDECRYPTABLE ? ST_MESSAGE_PLACEHOLDER : 0u) |
           (m->is_view_once ? ST_MESSAGE_VIEW_ONCE : 0u) |
           (m->is_forwarded ? ST_MESSAGE_FORWARDED : 0u) |
           (m->origin == WA_ORIGIN_HISTORY ? ST_MESSAGE_FROM_HISTORY : 0u);
}

static int sender_of(struct wb_inbox_turn *t, const struct wa_message *m, int64_t *out)
{
    *out = 0;
    if (m->is_from_me)
        return BX_OK;
    int rc = wb_inbox_person(t, m->sender.jid.len ? &m->sender : &m->chat, out);
    if (rc < 0 || !m->push_name.len)
        return rc;
    struct st_contact who;
    struct bx_str none = {0};
    rc = st_contact_get(t->turn.conn, *out, t->turn.arena, &who);
    if (rc < 0 || bx_str_eq(who.push_name, m->push_name))
        return rc;
    return st_contact_names_set(t->turn.tx, *out, none, m->push_name, none);
}

static int quote_of(struct wb_inbox_turn *t, const struct wa_message *m, struct st_message *row)
{
    if (!m->quoted_id.len)
        return BX_OK;
    row->quoted_wa_id = m->quoted_id;
    row->quoted_content = wb_inbox_text(t, m->quoted_text);
    int rc = m->quoted_sender.is_me ? BX_OK
                                    : wb_inbox_person(t, &m->quoted_sender, &row->quoted_sender_id);
    if (rc < 0)
        return rc == BX_E_INVALID ? BX_OK : rc;
    /* What the record has is shown, not what the sender says that it was. */
    struct st_message q;
    rc = st_message_find(t->turn.conn, row->chat_id, m->quoted_id, m->quoted_sender.is_me,
                         row->quoted_sender_id, t->turn.arena, &q);
    if (rc == BX_OK && !(q.flags & ST_MESSAGE_PLACEHOLDER))
        row->quoted_content = q.content;
    return rc == BX_E_NOT_FOUND ? BX_OK : rc;
}

/* The same id again: either nothing, or what heals a placeholder. */
static int stored_before(struct wb_inbox_turn *t, const struct wa_message *m, int64_t id,
                         const struct st_message_new *row)
{
    if (m->kind == WA_KIND_UNDECRYPTABLE)
        return BX_OK;
    struct st_message old;
    int rc = st_message_get(t->turn.conn, id, t->turn.arena, &old);
    if (rc < 0 || !(old.flags & ST_MESSAGE_PLACEHOLDER))
        return rc;
    rc = st_message_fill(t->turn.tx, id, row);
    if (rc == BX_E_STATE)
        return BX_OK; /* deleted meanwhile */
    if (rc == BX_OK)
        rc = wb_announce_message(&t->turn, "message:new", id);
    if (rc >= 0)
        rc = wb_inbox_touch(t, row->message.chat_id);
    return rc < 0 ? rc : wb_inbox_replay(t, row->message.chat_id, m->id);
}

/* What follows from a new message of ours that was written on the phone. */
static int from_phone(struct wb_inbox_turn *t, const struct wa_message *m, int64_t chat, int64_t id)
{
    if (!m->is_from_me || m->origin == WA_ORIGIN_HISTORY)
        return BX_OK;
    int rc = m->chat.is_group ? st_audience_set(t->turn.tx, id) : BX_OK;
    /* Who answers has read. */
    return rc < 0 ? rc : wb_inbox_read_chat(t, chat, id);
}

/* Between two people the timer travels with each message. */
static int timer_of(struct wb_inbox_turn *t, const struct wa_message *m, int64_t chat)
{
    if (m->chat.is_group || !m->ephemeral_s || m->origin == WA_ORIGIN_HISTORY)
        return BX_OK;
    int rc = st_chat_timer_set(
        t->turn.tx, chat, m->ephemeral_s,
        wb_inbox_time(t, m->ephemeral_set_at_ms ? m->ephemeral_set_at_ms : m->timestamp_ms));
    return rc < 0 ? rc : BX_OK;
}

static struct bx_str hash_of(struct wb_inbox_turn *t, bool is_there, const uint8_t hash[32])
{
    return is_there ? bx_arena_str(t->turn.arena, bx_str_n(hash, 32)) : (struct bx_str){0};
}

enum { THUMBNAIL_MAX = 64 << 10 }; /* what it brings itself; phones send a few KiB */

/* The row of its file. What arrives now is fetched by itself up to MEDIA_AUTO_MAX; history and what is
 * larger when somebody asks. BX_E_NOT_FOUND: it has none. */
static int file_of(struct wb_inbox_turn *t, const struct wa_message *m, struct st_media *out)
{
    struct wa_file f;
    int rc =
        has_caption(m->kind) && m->raw.len ? wa_file_of(m->raw, t->turn.arena, &f) : BX_E_NOT_FOUND;
    if (rc < 0)
        return rc;
    const struct wb_config *config = t->envelope->line->app->config;
    bool is_auto = m->origin != WA_ORIGIN_HISTORY && f.size <= (uint64_t)config->media_auto_max;
    bool is_open = f.has_media_key && f.direct_path.len;
    *out = (struct st_media){
        .state = is_open          ? ST_MEDIA_WAITING
                 : f.is_view_once ? ST_MEDIA_UNAVAILABLE
                                  : ST_MEDIA_FAILED,
        .error = is_open || f.is_view_once ? (struct bx_str){0}
                                           : BX_STR("The message does not say where its file is."),
        .kind = f.kind,
        .mime = f.mimetype,
        .file_name = f.file_name,
        .direct_path = f.direct_path,
        .url = f.url,
        .media_key = hash_of(t, f.has_media_key, f.media_key),
        .sha256 = hash_of(t, f.has_sha256, f.sha256),
        .enc_sha256 = hash_of(t, f.has_enc_sha256, f.enc_sha256),
        .thumbnail = f.thumbnail.len <= THUMBNAIL_MAX ? f.thumbnail : (struct bx_str){0},
        .size_bytes = f.size > INT64_MAX ? 0 : (int64_t)f.size,
        .width = f.width,
        .height = f.height,
        .duration_ms = 1000 * (int64_t)f.seconds,
        .pages = f.pages,
        .waveform = f.waveform,
        .flags = (f.is_animated ? ST_MEDIA_ANIMATED : 0u) |
                 (f.is_view_once || m->is_view_once ? ST_MEDIA_VIEW_ONCE : 0u),
        .next_at = is_auto && is_open ? st_tx_now(t->turn.tx) : 0};
    return BX_OK;
}

/* The phone has uploaded the file of a message again, or says that it does not have it. */
int wb_inbox_media_retried(struct wb_inbox_turn *t, const struct wa_event *e)
{
    int64_t chat;
    struct st_message m;
    struct st_media file;
    int rc = wb_inbox_chat_find(t, &e->media_retried.chat, &chat);
    if (rc == BX_OK)
        rc = st_message_by_wa_id(t->turn.conn, chat, e->media_retried.id, t->turn.arena, &m);
    if (rc == BX_OK)
        rc = st_media_get(t->turn.conn, m.id, t->turn.arena, &file);
    if (rc < 0 || file.media_key.len != 32 || file.state == ST_MEDIA_READY)
        return rc < 0 && rc != BX_E_NOT_FOUND ? rc : BX_OK;
    rc = e->media_retried.error
             ? BX_E_NOT_FOUND
             : wa_media_retry_open((const uint8_t *)file.media_key.ptr, e->media_retried.id,
                                   e->media_retried.iv, e->media_retried.sealed, t->turn.arena,
                                   &file.direct_path);
    if (rc == BX_E_CRYPTO || rc == BX_E_INVALID)
        return BX_OK;
    if (rc < 0 && rc != BX_E_NOT_FOUND)
        return rc;
    file.state = rc == BX_OK ? ST_MEDIA_WAITING : ST_MEDIA_EXPIRED;
    file.error = rc == BX_OK ? (struct bx_str){0}
                             : BX_STR("Neither WhatsApp nor the phone has the file any more.");
    file.next_at = rc == BX_OK ? st_tx_now(t->turn.tx) : 0;
    rc = st_media_state(t->turn.tx, &file);
    return rc < 0 ? rc : wb_announce_message(&t->turn, "message:media", m.id);
}

int wb_inbox_message(struct wb_inbox_turn *t, const struct wa_event *e)
{
    const struct wa_message *m = &e->message;
    struct st_message_new row = {
        .message = {.wa_id = m->id,
                    .is_from_me = m->is_from_me,
                    .type = type_of(m->kind),
                    .content = wb_inbox_text(t, m->label),
                    .caption = has_caption(m->kind) && m->text.len ? wb_inbox_text(t, m->text)
                                                                   : (struct bx_str){0},
                    .file_name = m->file_name,
                    .flags = flags_of(m),
                    .status = m->is_from_me ? status_of(m->status) : ST_DELIVERED,
                    .timestamp = wb_inbox_time(t, m->timestamp_ms)},
        .counts_unread = counts_unread(m),
        .raw = m->raw};
    struct st_message_stored stored;
    int rc = wb_inbox_chat(t, &m->chat, &row.message.chat_id);
    if (rc == BX_OK)
        rc = sender_of(t, m, &row.message.sender_id);
    if (rc == BX_OK)
        rc = quote_of(t, m, &row.message);
    if (rc < 0)
        return rc;
    struct st_media file;
    rc = file_of(t, m, &file);
    if (rc < 0 && rc != BX_E_NOT_FOUND && rc != BX_E_INVALID)
        return rc;
    row.media = rc == BX_OK ? &file : NULL;
    row.message.mentions = mentions_json(t, m);
    row.message.details = wb_details_json(t, &m->details);
    rc = st_message_insert(t->turn.tx, &row, &stored);
    if (rc < 0)
        return rc;
    if (!stored.is_new)
        return stored_before(t, m, stored.id, &row);
    bool is_theirs = !m->is_from_me && m->origin != WA_ORIGIN_HISTORY;
    t->envelope->counted.in += is_theirs && m->kind != WA_KIND_UNDECRYPTABLE;
    t->envelope->counted.undecrypted += is_theirs && m->kind == WA_KIND_UNDECRYPTABLE;
    /* History fills the chats without a storm of events; a placeholder is announced as a message
     * when it is healed. The chat changes in both cases, and that is told. */
    if (m->origin != WA_ORIGIN_HISTORY && m->kind != WA_KIND_UNDECRYPTABLE)
        rc = wb_announce_message(&t->turn, "message:new", stored.id);
    if (rc >= 0)
        rc = from_phone(t, m, row.message.chat_id, stored.id);
    if (rc >= 0)
        rc = timer_of(t, m, row.message.chat_id);
    if (rc >= 0)
        rc = wb_inbox_touch(t, row.message.chat_id);
    return rc < 0 ? rc : wb_inbox_replay(t, row.message.chat_id, m->id);
}

int wb_inbox_call(struct wb_inbox_turn *t, const struct wa_event *e)
{
    const struct wa_call_info *c = &e->call;
    if (c->is_end)
        return BX_OK;
    struct wa_event line = {
        .kind = WA_EVENT_MESSAGE,
        .message = {.id = bx_arena_printf(t->turn.arena, "CALL-%.*s", BX_STR_ARG(c->id)),
                    .chat = c->from,
                    .sender = c->from,
                    .timestamp_ms = c->timestamp_ms,
                    .kind = WA_KIND_SYSTEM,
                    .label = c->is_video ? BX_STR("Incoming video call (answer it on the phone)")
                                         : BX_STR("Incoming voice call (answer it on the phone)")}};
    return wb_inbox_message(t, &line);
}

/* --- the status ladder --- */

static int move(struct wb_inbox_turn *t, const struct st_message *m, enum st_status to, int64_t at,
                struct bx_str error)
{
    int rc = st_message_status(t->turn.tx, m->id, to, at, error);
    return rc <= 0 ? rc : wb_announce_status(&t->turn, m->chat_id, m->wa_id, to, error);
}

static const struct st_receipt *receipt_of(const struct st_receipt *rows, size_t count,
                                           int64_t contact)
{
    for (size_t i = 0; i < count; i++) {
        if (rows[i].contact_id == contact)
            return &rows[i];
    }
    return NULL;
}

/* In a group the message has a status when everybody else has it who was there when it was sent. */
static int group_has(struct wb_inbox_turn *t, const struct st_message *m, enum st_status status,
                     bool *out)
{
    int64_t *audience;
    struct st_receipt *receipts;
    size_t audience_count, receipt_count, have = 0;
    int rc = st_audience_list(t->turn.conn, m->id, t->turn.arena, &audience, &audience_count);
    if (rc == BX_OK)
        rc = st_receipt_list(t->turn.conn, m->id, t->turn.arena, &receipts, &receipt_count);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < audience_count; i++) {
        const struct st_receipt *r = receipt_of(receipts, receipt_count, audience[i]);
        have += r && (r->read_at || (status != ST_READ && r->delivered_at));
    }
    *out = audience_count && have + 1 >= audience_count; /* one of them are we */
    return BX_OK;
}

/* The server has the message. In a group, those who are there now are its audience. */
static int has_been_sent(struct wb_inbox_turn *t, const struct st_message *m, bool is_group,
                         int64_t at)
{
    int rc = is_group ? st_audience_set(t->turn.tx, m->id) : BX_OK;
    return rc < 0 ? rc : move(t, m, ST_SENT, at, (struct bx_str){0});
}

/* An ack and a receipt are stored in any order, and an ack may be lost: a receipt says SENT too. */
static int receive(struct wb_inbox_turn *t, const struct wa_receipt *r, const struct st_message *m)
{
    enum st_status to = status_of(r->status);
    int rc = m->status < ST_SENT ? has_been_sent(t, m, r->chat.is_group, r->timestamp_ms) : BX_OK;
    if (rc < 0)
        return rc;
    if (r->chat.is_group) {
        struct st_receipt row = {.message_id = m->id};
        bool has = false;
        rc = wb_inbox_person(t, &r->sender, &row.contact_id);
        row.delivered_at = r->timestamp_ms;
        row.read_at = to == ST_READ ? r->timestamp_ms : 0;
        row.played_at = r->status == WA_STATUS_PLAYED ? r->timestamp_ms : 0;
        if (rc == BX_OK)
            rc = st_receipt_put(t->turn.tx, &row);
        if (rc >= 0)
            rc = group_has(t, m, to, &has);
        if (rc < 0 || !has)
            return rc;
    }
    return move(t, m, to, r->timestamp_ms, (struct bx_str){0});
}

int wb_inbox_receipt(struct wb_inbox_turn *t, const struct wa_event *e)
{
    const struct wa_receipt *r = &e->receipt;
    int64_t chat;
    int rc = wb_inbox_chat_find(t, &r->chat, &chat);
    if (rc == BX_E_NOT_FOUND)
        return BX_OK; /* nothing of ours was sent there */
    for (size_t i = 0; rc >= 0 && i < r->id_count; i++) {
        struct st_message m;
        rc = st_message_find(t->turn.conn, chat, r->ids[i], true, 0, t->turn.arena, &m);
        if (rc == BX_OK)
            rc = receive(t, r, &m);
        else if (rc == BX_E_NOT_FOUND)
            rc = BX_OK;
    }
    return rc;
}

static struct bx_str refusal(struct wb_inbox_turn *t, const struct wa_sent *s)
{
    switch (s->rc) {
    case BX_E_NOT_FOUND:
        return BX_STR("This number is not on WhatsApp.");
    case BX_E_DENIED:
        return bx_arena_printf(t->turn.arena, "WhatsApp refused the message (code %d).",
                               s->server_code);
    default:
        return bx_str(bx_err_info(s->rc)->sentence);
    }
}

int wb_inbox_sent(struct wb_inbox_turn *t, const struct wa_event *e)
{
    const struct wa_sent *s = &e->sent;
    struct st_chat chat;
    struct st_message m;
    t->envelope->answers++;
    int rc = st_chat_by_jid(t->turn.conn, t->turn.number_id, s->to, t->turn.arena, &chat);
    if (rc == BX_OK)
        rc = st_message_find(t->turn.conn, chat.id, s->id, true, 0, t->turn.arena, &m);
    if (rc == BX_OK)
        rc = st_outbox_delete(t->turn.tx, m.id);
    if (rc == BX_E_NOT_FOUND)
        return BX_OK; /* deleted meanwhile */
    if (rc < 0)
        return rc;
    t->envelope->counted.out += s->rc == BX_OK;
    t->envelope->counted.refused += s->rc != BX_OK;
    t->envelope->counted.refusal = s->server_code;
    return s->rc == BX_OK ? has_been_sent(t, &m, chat.is_group, s->timestamp_ms)
                          : move(t, &m, ST_FAILED, s->timestamp_ms, refusal(t, s));
}
