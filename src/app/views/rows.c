#include "app/views/rows.h"

#include "app/core/context.h"
#include "app/core/json_keys.h"
#include "app/core/phone.h"
#include "app/views/details.h"
#include "app/views/error_code.h"
#include "app/views/media_view.h"
#include "app/views/mentions.h"
#include "base/json_scan.h"
#include "base/mem.h"

const char *wb_status_name(enum st_status status)
{
    static const char *const names[] = {[ST_PENDING] = "PENDING",
                                        [ST_FAILED] = "FAILED",
                                        [ST_SENT] = "SENT",
                                        [ST_DELIVERED] = "DELIVERED",
                                        [ST_READ] = "READ"};
    return names[status];
}

static const char *type_name(enum st_message_type type)
{
    static const char *const names[] = {"TEXT",    "IMAGE",    "VIDEO",   "AUDIO",  "DOCUMENT",
                                        "STICKER", "LOCATION", "CONTACT", "SYSTEM", "REACTION",
                                        "POLL",    "EVENT",    "UNKNOWN"};
    return names[type];
}

const char *wb_link_name(enum st_link_status status)
{
    static const char *const names[] = {"PENDING", "PAIRING", "CONNECTED", "DISCONNECTED",
                                        "RECONNECTING"};
    return names[status];
}

struct wb_uuid wb_uuid_of(const struct st_store *store, enum st_uuid_kind kind, int64_t id)
{
    struct wb_uuid out;
    st_uuid_format(store, kind, id, out.text);
    return out;
}

int wb_rows_of(struct st_conn *conn, int64_t number_id, bool is_socket, struct bx_arena *arena,
               struct wb_rows *out)
{
    struct st_number number;
    int rc = st_number_get(conn, number_id, arena, &number);
    if (rc == BX_OK)
        *out = (struct wb_rows){.store = st_conn_store(conn),
                                .conn = conn,
                                .number_id = number_id,
                                .own_phone = number.phone,
                                .own_name = number.name,
                                .is_socket = is_socket,
                                .arena = arena};
    return rc;
}

void wb_cut_page_write(struct bx_json_writer *w, int64_t limit, int64_t offset, int64_t total,
                       bool is_cut)
{
    bx_json_key(w, "pagination");
    bx_json_object(w);
    bx_json_key_i64(w, "limit", limit);
    bx_json_key_i64(w, "offset", offset);
    bx_json_key_i64(w, "total", total);
    if (is_cut)
        bx_json_key_bool(w, "hasMore", true);
    bx_json_end(w);
}

void wb_offset_page_write(struct bx_json_writer *w, int64_t limit, int64_t offset, int64_t total)
{
    bx_json_key(w, "pagination");
    bx_json_object(w);
    bx_json_key_i64(w, "limit", limit);
    bx_json_key_i64(w, "offset", offset);
    bx_json_key_i64(w, "total", total);
    bx_json_end(w);
}

/* --- chats --- */

/* Usable as `to`: a group by its JID, somebody without a known phone by the LID. */
static void contact_number_write(struct bx_json_writer *w, const struct wb_rows *r,
                                 const struct st_chat *c)
{
    bool is_phone = !c->is_group && bx_str_ends(c->jid, BX_STR("@s.whatsapp.net"));
    struct bx_str number = !is_phone ? c->jid
                           : r->is_socket
                               ? bx_arena_printf(r->arena, "+%.*s", BX_STR_ARG(c->number))
                               : c->number;
    bx_json_key_str(w, "contactNumber", number);
}

static struct bx_str contact_name(const struct wb_rows *r, const struct st_chat *c)
{
    if (c->name.len)
        return c->name;
    if (c->is_group)
        return BX_STR("Group");
    return bx_str_ends(c->jid, BX_STR("@lid")) ? c->jid : wb_phone_format(c->number, r->arena);
}

/* For ever is the end of the last year that ISO 8601 writes with four digits, so that readers need
 * only compare. */
static void muted_until_write(struct bx_json_writer *w, int64_t until)
{
    const int64_t for_ever = INT64_C(253402300799999);
    wb_key_time_or_null(w, "mutedUntil", until < 0 || until > for_ever ? for_ever : until);
}

/* What was written last, with names for the digits of who is mentioned. The message is read only for
 * texts that look as if they mentioned somebody. */
static struct bx_str preview(const struct wb_rows *r, const struct st_chat *c)
{
    struct st_message m;
    if (!wb_mentions_maybe(c->last_message) ||
        st_message_get(r->conn, c->last_message_id, r->arena, &m) < 0)
        return c->last_message;
    return wb_mentions_named(r, c->last_message, m.mentions);
}

/* How far the last message got, when it is ours; in a group, who wrote it. */
static void last_message_write(struct bx_json_writer *w, const struct wb_rows *r,
                               const struct st_chat *c)
{
    struct st_message_head head = {0};
    bool is_known = c->last_message_id && (c->is_group || c->last_is_from_me) &&
                    st_message_head(r->conn, c->last_message_id, r->arena, &head) == BX_OK;
    bool is_own = is_known && head.is_from_me;
    struct bx_str none = {0};
    wb_key_str_or_null(w, "lastMessageId", is_known ? head.wa_id : none);
    wb_key_str_or_null(w, "lastMessageStatus", is_own ? bx_str(wb_status_name(head.status)) : none);
    wb_key_str_or_null(w, "lastMessageFromName",
                       is_known && c->is_group && !is_own ? head.sender_name : none);
}

void wb_chat_members_write(struct bx_json_writer *w, const struct wb_rows *r,
                           const struct st_chat *c)
{
    bx_json_key_cstr(w, "id", wb_uuid_of(r->store, ST_UUID_CHAT, c->id).text);
    bx_json_key_str(w, "contactName", contact_name(r, c));
    contact_number_write(w, r, c);
    bx_json_key_str(w, "contactJid", c->jid);
    wb_key_str_or_null(w, "lastMessage", preview(r, c));
    bx_json_key_time(w, "lastMessageTime", c->last_message_at ? c->last_message_at : c->created_at);
    bx_json_key_bool(w, "lastMessageIsFromMe", c->last_message_id && c->last_is_from_me);
    last_message_write(w, r, c);
    bx_json_key_i64(w, "unreadCount", c->unread_count);
    bx_json_key_bool(w, "isMarkedUnread", c->is_marked_unread);
    bx_json_key_bool(w, "isGroup", c->is_group);
    if (c->contact_id)
        bx_json_key_i64(w, "contactId", c->contact_id);
    else
        bx_json_key_null(w, "contactId");
    wb_key_str_or_null(w, "groupName", c->is_group ? c->name : (struct bx_str){0});
    bx_json_key_bool(w, "isPinned", c->is_pinned);
    bx_json_key_bool(w, "isArchived", c->is_archived);
    muted_until_write(w, c->muted_until);
    bx_json_key_i64(w, "ephemeralSeconds", c->ephemeral_s);
}

void wb_chat_write(struct bx_json_writer *w, const struct wb_rows *r, const struct st_chat *c)
{
    bx_json_object(w);
    wb_chat_members_write(w, r, c);
    bx_json_end(w);
}

/* --- messages --- */

static struct bx_str person_jid(const struct wb_rows *r, struct bx_str phone, struct bx_str lid)
{
    return phone.len ? bx_arena_printf(r->arena, "%.*s@s.whatsapp.net", BX_STR_ARG(phone))
                     : bx_arena_printf(r->arena, "%.*s@lid", BX_STR_ARG(lid));
}

static void sender_write(struct bx_json_writer *w, const struct wb_rows *r,
                         const struct st_message *m)
{
    struct bx_str phone = m->is_from_me ? r->own_phone : m->sender_phone;
    struct bx_str digits = phone.len ? phone : m->sender_lid;
    bx_json_key_str(w, "fromJid", person_jid(r, phone, m->sender_lid));
    bx_json_key_str(w, "fromNumber",
                    r->is_socket && phone.len
                        ? bx_arena_printf(r->arena, "+%.*s", BX_STR_ARG(digits))
                        : digits);
    wb_key_str_or_null(w, "fromName", m->is_from_me ? (struct bx_str){0} : m->sender_name);
}

static void error_write(struct bx_json_writer *w, const struct wb_rows *r,
                        const struct st_message *m)
{
    bool is_told = m->status == ST_FAILED && m->error.len;
    struct bx_str none = {0};
    wb_key_str_or_null(w, "error", is_told ? m->error : none);
    wb_key_str_or_null(
        w, "errorCode",
        is_told ? bx_str(wb_error_code(0, bx_arena_strndup(r->arena, m->error.ptr, m->error.len)))
                : none);
}

static void sent_by_write(struct bx_json_writer *w, const struct st_message *m)
{
    bx_json_key(w, "sentBy");
    if (!m->sent_by || !m->sent_by_name.ptr) {
        bx_json_null(w);
        return;
    }
    bx_json_object(w);
    bx_json_key_i64(w, "id", m->sent_by);
    bx_json_key_str(w, "name", m->sent_by_name);
    bx_json_end(w);
}

static void reactions_write(struct bx_json_writer *w, const struct wb_rows *r,
                            const struct st_reaction *rows, size_t count)
{
    bx_json_key(w, "reactions");
    bx_json_array(w);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].emoji.len == 0)
            continue;
        bool is_from_me = rows[i].contact_id == 0;
        bx_json_object(w);
        bx_json_key_str(w, "emoji", rows[i].emoji);
        bx_json_key_str(
            w, "fromJid",
            person_jid(r, is_from_me ? r->own_phone : rows[i].contact_phone, BX_STR("0")));
        wb_key_str_or_null(w, "fromName", rows[i].contact_name);
        bx_json_key_bool(w, "isFromMe", is_from_me);
        bx_json_end(w);
    }
    bx_json_end(w);
}

void wb_message_members_write(struct bx_json_writer *w, const struct wb_rows *r,
                              const struct st_message *m, const struct st_reaction *reactions,
                              size_t reaction_count)
{
    struct st_media file;
    bool has_file = wb_media_of(r, m, &file);
    struct bx_str none = {0};
    bx_json_key_cstr(w, "id", wb_uuid_of(r->store, ST_UUID_MESSAGE, m->id).text);
    bx_json_key_str(w, "messageId", m->wa_id);
    sender_write(w, r, m);
    bx_json_key_str(w, "content", m->content);
    bx_json_key_cstr(w, "type", type_name(m->type));
    wb_key_str_or_null(w, "mediaUrl", has_file ? wb_media_url(r, &file, false) : none);
    wb_key_str_or_null(w, "mediaCaption", m->caption);
    wb_key_str_or_null(w, "quotedMessageId", m->quoted_wa_id);
    wb_key_str_or_null(w, "quotedContent", m->quoted_content);
    bx_json_key_bool(w, "isFromMe", m->is_from_me);
    bx_json_key_cstr(w, "status", wb_status_name(m->status));
    error_write(w, r, m);
    bx_json_key_time(w, "timestamp", m->timestamp);
    sent_by_write(w, m);
    wb_key_time_or_null(w, "editedAt", m->edited_at);
    wb_key_time_or_null(w, "revokedAt", m->revoked_at);
    reactions_write(w, r, reactions, reaction_count);
    wb_mentions_write(w, r, m->mentions);
    wb_details_write(w, r, m);
    wb_media_write(w, r, has_file ? &file : NULL);
}

void wb_message_write(struct bx_json_writer *w, const struct wb_rows *r, const struct st_message *m,
                      const struct st_reaction *reactions, size_t reaction_count)
{
    bx_json_object(w);
    wb_message_members_write(w, r, m, reactions, reaction_count);
    bx_json_end(w);
}

int wb_message_write_one(struct bx_json_writer *w, const struct wb_rows *r, struct st_conn *conn,
                         const struct st_message *m)
{
    struct st_reaction *reactions;
    size_t count;
    int rc = st_reaction_list(conn, &m->id, 1, r->arena, &reactions, &count);
    if (rc == BX_OK)
        wb_message_write(w, r, m, reactions, count);
    return rc;
}

const struct st_reaction *wb_reactions_of(const struct st_reaction *rows, size_t count,
                                          int64_t message_id, size_t *out_count)
{
    size_t from = 0, to;
    while (from < count && rows[from].message_id != message_id)
        from++;
    for (to = from; to < count && rows[to].message_id == message_id;)
        to++;
    *out_count = to - from;
    return rows + from;
}

int wb_messages_write(struct bx_json_writer *w, const struct wb_rows *r, struct st_conn *conn,
                      const struct st_message *rows, size_t count, bool is_reversed)
{
    struct st_reaction *reactions = NULL;
    size_t reaction_count = 0;
    int64_t *ids = bx_arena_alloc(r->arena, (count + 1) * sizeof *ids);
    for (size_t i = 0; i < count; i++)
        ids[i] = rows[i].id;
    int rc =
        count ? st_reaction_list(conn, ids, count, r->arena, &reactions, &reaction_count) : BX_OK;
    if (rc < 0)
        return rc;
    bx_json_array(w);
    for (size_t i = 0; i < count; i++) {
        const struct st_message *m = &rows[is_reversed ? count - 1 - i : i];
        size_t n;
        const struct st_reaction *own = wb_reactions_of(reactions, reaction_count, m->id, &n);
        wb_message_write(w, r, m, own, n);
    }
    bx_json_end(w);
    return BX_OK;
}
