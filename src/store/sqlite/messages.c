/* Messages and what hangs on them. Invariants kept here, inside every job:
 *   chat.unread_count == count(is_unread rows), chat.message_count == count(rows),
 *   chat.last_message_* describe the newest row that may be shown, status only grows,
 *   the search index hears of every change of text (search.c).
 */
#include "store/sqlite/db.h"

void st_message_read_row(struct st_cur *c, struct bx_arena *a, void *out)
{
    struct st_message *m = out;
    m->id = st_col_i64(c);
    m->number_id = st_col_i64(c);
    m->chat_id = st_col_i64(c);
    m->wa_id = st_col_str(c, a);
    m->is_from_me = st_col_bool(c);
    m->sender_id = st_col_i64(c);
    m->type = (enum st_message_type)st_col_i64(c);
    m->content = st_col_str(c, a);
    m->caption = st_col_str(c, a);
    m->file_name = st_col_str(c, a);
    m->flags = (unsigned)st_col_i64(c);
    m->status = (enum st_status)st_col_i64(c);
    m->is_unread = st_col_bool(c);
    m->is_starred = st_col_bool(c);
    m->has_media = st_col_bool(c);
    m->timestamp = st_col_i64(c);
    m->quoted_wa_id = st_col_str(c, a);
    m->quoted_content = st_col_str(c, a);
    m->quoted_sender_id = st_col_i64(c);
    m->sent_by = st_col_i64(c);
    m->client_id = st_col_str(c, a);
    m->stored_at = st_col_i64(c);
    m->sent_at = st_col_i64(c);
    m->delivered_at = st_col_i64(c);
    m->read_at = st_col_i64(c);
    m->failed_at = st_col_i64(c);
    m->error = st_col_str(c, a);
    m->edited_at = st_col_i64(c);
    m->revoked_at = st_col_i64(c);
    m->mentions = st_col_str(c, a);
    m->details = st_col_str(c, a);
    m->sender_phone = st_col_str(c, a);
    m->sender_lid = st_col_str(c, a);
    m->sender_name = st_col_str(c, a);
    m->sent_by_name = st_col_str(c, a);
}

/* ---- insertion ---- */

struct chat_head {
    int64_t id, number_id, last_message_at, last_message_id, waiting_since;
    bool is_group;
};

static void head_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    (void)a;
    struct chat_head *h = out;
    h->id = st_col_i64(c);
    h->number_id = st_col_i64(c);
    h->last_message_at = st_col_i64(c);
    h->last_message_id = st_col_i64(c);
    h->waiting_since = st_col_i64(c);
    h->is_group = st_col_bool(c);
}

static int head_get(struct st_conn *conn, int64_t chat_id, struct chat_head *out)
{
    static const char sql[] =
        "SELECT id, number_id, last_message_at, last_message_id, waiting_since, "
        "is_group FROM chats WHERE id = ?1";
    int rc = st_db_one(conn, NULL, head_read, out, sql, Q(I(chat_id)));
    if (rc != BX_E_NOT_FOUND)
        return rc;
    return st_db_one(conn, NULL, head_read, out, sql, Q(I(st_chat_resolve(conn, chat_id))));
}

/* Cut to ST_PREVIEW_MAX bytes at a code point. */
struct bx_str st_preview(struct bx_str content)
{
    size_t len = content.len;
    if (len > ST_PREVIEW_MAX) {
        len = ST_PREVIEW_MAX;
        while (len > 0 && ((unsigned char)content.ptr[len] & 0xc0) == 0x80)
            len--;
    }
    return bx_str_slice(content, 0, len);
}

static int row_insert(struct st_tx *tx, const struct st_message *m, const struct chat_head *chat,
                      int64_t participant, bool is_unread, const struct st_message_new *new)
{
    return st_db_run(
        tx->conn,
        "INSERT INTO messages (number_id, chat_id, wa_id, is_from_me, sender_id, participant_id, "
        "type, content, caption, file_name, flags, status, is_unread, is_starred, has_media, "
        "timestamp, quoted_wa_id, quoted_content, quoted_sender_id, sent_by, client_id, stored_at, "
        "sent_at, delivered_at, read_at, failed_at, error, mentions, details) VALUES (?1, ?2, ?3, "
        "?4, ?5, "
        "?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19, ?20, ?21, ?22, ?23, "
        "?24, ?25, ?26, ?27, ?28, ?29) ON CONFLICT (chat_id, wa_id, is_from_me, participant_id) DO "
        "NOTHING",
        Q(I(chat->number_id), I(chat->id), T(m->wa_id), I(m->is_from_me),
          I(m->is_from_me ? 0 : m->sender_id), I(participant), I(m->type),
          T(m->content.ptr ? m->content : BX_STR("")), T(m->caption), T(m->file_name),
          I(m->flags | (new->keeps_preview ? ST_MESSAGE_NO_PREVIEW : 0u)), I(m->status),
          I(is_unread), I(m->is_starred), I(new->media != NULL), I(m->timestamp),
          T(m->quoted_wa_id), T(m->quoted_content), I(m->quoted_sender_id), I(m->sent_by),
          T(m->client_id), I(tx->now), I(m->sent_at), I(m->delivered_at), I(m->read_at),
          I(m->failed_at), T(m->error), T(m->mentions), T(m->details)));
}

static int raw_put(struct st_tx *tx, int64_t id, struct bx_str raw)
{
    return raw.ptr ? st_db_run(tx->conn, "INSERT OR REPLACE INTO message_raw VALUES (?1, ?2)",
                               Q(I(id), B(raw)))
                   : BX_OK;
}

/* The hour's counters, and in *out_waiting_since since when the customer waits now. */
static int hour_count(struct st_tx *tx, const struct chat_head *chat, const struct st_message *m,
                      bool is_live, int64_t *out_waiting_since)
{
    struct st_hour_mark mark = {.timestamp = m->timestamp, .is_from_me = m->is_from_me};
    int64_t since = chat->waiting_since;
    if (m->is_from_me && since > 0 && m->timestamp >= since) {
        mark.is_response = true;
        mark.response_ms = m->timestamp - since;
        since = 0;
    } else if (!m->is_from_me && is_live && since == 0) {
        since = m->timestamp;
    }
    *out_waiting_since = since;
    return st_hour_add(tx, chat->number_id, &mark);
}

static int chat_advance(struct st_tx *tx, const struct chat_head *chat, const struct st_message *m,
                        int64_t id, bool is_last, bool is_unread)
{
    int64_t waiting_since;
    int rc = hour_count(tx, chat, m, is_unread, &waiting_since);
    if (rc < 0)
        return rc;
    if (!is_last)
        return st_db_run(tx->conn,
                         "UPDATE chats SET message_count = message_count + 1, "
                         "unread_count = unread_count + ?2, waiting_since = ?3 WHERE id = ?1",
                         Q(I(chat->id), I(is_unread), I(waiting_since)));
    return st_db_run(tx->conn,
                     "UPDATE chats SET message_count = message_count + 1, "
                     "unread_count = unread_count + ?2, last_message = ?3, last_message_id = ?4, "
                     "last_message_at = ?5, last_is_from_me = ?6, updated_at = ?7, "
                     "waiting_since = ?8 WHERE id = ?1",
                     Q(I(chat->id), I(is_unread), T(st_preview(m->content)), I(id), I(m->timestamp),
                       I(m->is_from_me), I(tx->now), I(waiting_since)));
}

static int64_t participant_of(const struct chat_head *chat, bool is_from_me, int64_t sender_id)
{
    return chat->is_group && !is_from_me ? sender_id : 0;
}

static int existing_id(struct st_conn *conn, const struct chat_head *chat,
                       const struct st_message *m, int64_t *out)
{
    return st_db_i64(conn, out,
                     "SELECT id FROM messages WHERE chat_id = ?1 AND wa_id = ?2 "
                     "AND is_from_me = ?3 AND participant_id = ?4",
                     Q(I(chat->id), T(m->wa_id), I(m->is_from_me),
                       I(participant_of(chat, m->is_from_me, m->sender_id))));
}

int st_message_insert(struct st_tx *tx, const struct st_message_new *message,
                      struct st_message_stored *out)
{
    const struct st_message *m = &message->message;
    struct chat_head chat;
    int rc = head_get(tx->conn, m->chat_id, &chat);
    if (rc != BX_OK)
        return rc == BX_E_NOT_FOUND ? BX_E_INVALID : rc;
    bool is_unread = message->counts_unread && !m->is_from_me;
    rc = row_insert(tx, m, &chat, participant_of(&chat, m->is_from_me, m->sender_id), is_unread,
                    message);
    if (rc < 0)
        return rc;
    struct st_message_stored stored = {0};
    if (rc == 0) {
        rc = existing_id(tx->conn, &chat, m, &stored.id);
        if (rc == BX_OK)
            *out = stored;
        return rc;
    }
    stored = (struct st_message_stored){sqlite3_last_insert_rowid(tx->conn->db), true, is_unread};
    st_search_new(tx, stored.id);
    /* An empty chat has the time of its making, which may be later than old messages. */
    bool is_last = !message->keeps_preview &&
                   (chat.last_message_id == 0 || m->timestamp >= chat.last_message_at);
    stored.is_chat_changed |= is_last;
    if ((rc = raw_put(tx, stored.id, message->raw)) < 0 ||
        (message->media && (rc = st_media_write(tx, stored.id, message->media)) < 0) ||
        (rc = chat_advance(tx, &chat, m, stored.id, is_last, is_unread)) < 0)
        return rc;
    *out = stored;
    return BX_OK;
}

/* ---- reading ---- */

int st_message_get(struct st_conn *conn, int64_t id, struct bx_arena *a, struct st_message *out)
{
    return st_db_one(conn, a, st_message_read_row, out,
                     "SELECT " ST_MESSAGE_COLUMNS " FROM messages m " ST_MESSAGE_JOINS
                     "WHERE m.id = ?1 AND EXISTS (SELECT 1 FROM numbers n WHERE n.id = m.number_id "
                     "AND n.deleted_at = 0)",
                     Q(I(id)));
}

static void message_head_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    struct st_message_head *h = out;
    h->wa_id = st_col_str(c, a);
    h->is_from_me = st_col_bool(c);
    h->status = (enum st_status)st_col_i64(c);
    h->sender_name = st_col_str(c, a);
}

int st_message_head(struct st_conn *conn, int64_t id, struct bx_arena *a,
                    struct st_message_head *out)
{
    return st_db_one(conn, a, message_head_read, out,
                     "SELECT m.wa_id, m.is_from_me, m.status, CASE m.is_from_me WHEN 0 THEN "
                     "coalesce(c.name, c.push_name, c.business_name) END FROM messages m LEFT JOIN "
                     "contacts c ON c.id = nullif(m.sender_id, 0) WHERE m.id = ?1",
                     Q(I(id)));
}

int st_message_find(struct st_conn *conn, int64_t chat_id, struct bx_str wa_id, bool is_from_me,
                    int64_t sender_id, struct bx_arena *a, struct st_message *out)
{
    struct chat_head chat;
    int64_t id;
    int rc = head_get(conn, chat_id, &chat);
    struct st_message key = {.wa_id = wa_id, .is_from_me = is_from_me, .sender_id = sender_id};
    if (rc == BX_OK)
        rc = existing_id(conn, &chat, &key, &id);
    return rc == BX_OK ? st_message_get(conn, id, a, out) : rc;
}

int st_message_by_wa_id(struct st_conn *conn, int64_t chat_id, struct bx_str wa_id,
                        struct bx_arena *a, struct st_message *out)
{
    return st_db_one(conn, a, st_message_read_row, out,
                     "SELECT " ST_MESSAGE_COLUMNS " FROM messages m " ST_MESSAGE_JOINS
                     "WHERE m.chat_id = ?1 AND m.wa_id = ?2 ORDER BY m.id DESC LIMIT 1",
                     Q(I(st_chat_resolve(conn, chat_id)), T(wa_id)));
}

int st_message_only(struct st_conn *conn, int64_t chat_id, struct bx_str wa_id, struct bx_arena *a,
                    struct st_message *out)
{
    int64_t count, chat = st_chat_resolve(conn, chat_id);
    int rc =
        st_db_i64(conn, &count, "SELECT count(*) FROM messages WHERE chat_id = ?1 AND wa_id = ?2",
                  Q(I(chat), T(wa_id)));
    if (rc == BX_OK && count != 1)
        rc = BX_E_NOT_FOUND;
    return rc == BX_OK ? st_message_by_wa_id(conn, chat, wa_id, a, out) : rc;
}

static void str_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    *(struct bx_str *)out = st_col_str(c, a);
}

int st_message_raw(struct st_conn *conn, int64_t id, struct bx_arena *a, struct bx_str *out)
{
    return st_db_one(conn, a, str_read, out, "SELECT raw FROM message_raw WHERE message_id = ?1",
                     Q(I(id)));
}

/* ---- history ---- */

struct place {
    int64_t chat_id, timestamp, id;
};

static void place_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    (void)a;
    struct place *p = out;
    p->chat_id = st_col_i64(c);
    p->timestamp = st_col_i64(c);
    p->id = st_col_i64(c);
}

/* The key message, which must be in the chat. */
static int place_get(struct st_conn *conn, int64_t chat_id, int64_t message_id, struct place *out)
{
    struct place p;
    int rc =
        st_db_one(conn, NULL, place_read, &p,
                  "SELECT chat_id, timestamp, id FROM messages WHERE id = ?1", Q(I(message_id)));
    if (rc == BX_OK && p.chat_id != chat_id)
        rc = BX_E_NOT_FOUND;
    if (rc == BX_OK)
        *out = p;
    return rc;
}

struct page {
    struct st_conn *conn;
    struct bx_arena *a;
    int64_t chat_id;
    struct st_message *rows;
    size_t count;
};

static int page_older(struct page *p, struct place from, int64_t limit, int64_t offset)
{
    static const char near_sql[] = "SELECT " ST_MESSAGE_COLUMNS " FROM messages m " ST_MESSAGE_JOINS
                                   "WHERE m.chat_id = ?1 AND (m.timestamp, m.id) < (?2, ?3) "
                                   "ORDER BY m.timestamp DESC, m.id DESC LIMIT ?4";
    /* Skipped rows are walked in the index only. */
    static const char far_sql[] =
        "SELECT " ST_MESSAGE_COLUMNS " FROM messages m " ST_MESSAGE_JOINS
        "WHERE m.id IN (SELECT id FROM messages WHERE chat_id = ?1 AND (timestamp, id) < (?2, ?3) "
        "ORDER BY timestamp DESC, id DESC LIMIT ?4 OFFSET ?5) "
        "ORDER BY m.timestamp DESC, m.id DESC";
    return st_db_page(
        p->conn, p->a, st_message_read_row, sizeof *p->rows, &p->rows, &p->count,
        offset ? far_sql : near_sql,
        (const struct st_val[]){I(p->chat_id), I(from.timestamp), I(from.id), I(limit), I(offset)},
        offset ? 5 : 4);
}

static int page_newer(struct page *p, struct place from, int64_t limit)
{
    return st_db_page(p->conn, p->a, st_message_read_row, sizeof *p->rows, &p->rows, &p->count,
                      "SELECT " ST_MESSAGE_COLUMNS " FROM messages m " ST_MESSAGE_JOINS
                      "WHERE m.chat_id = ?1 AND (m.timestamp, m.id) > (?2, ?3) "
                      "ORDER BY m.timestamp, m.id LIMIT ?4",
                      Q(I(p->chat_id), I(from.timestamp), I(from.id), I(limit)));
}

/* Older half turned round, then the message and what follows. */
static int page_around(struct page *p, struct place at, int64_t limit)
{
    struct page older = *p, newer = *p;
    int rc = page_older(&older, at, limit / 2, 0);
    bool is_cut = st_page_is_cut(p->conn);
    if (rc == BX_OK) {
        at.id--; /* so that the message itself is newer */
        rc = page_newer(&newer, at, limit - limit / 2);
        p->conn->is_page_cut = is_cut || st_page_is_cut(p->conn);
    }
    if (rc != BX_OK)
        return rc;
    if (limit / 2 == 0)
        older.count = 0;
    p->count = older.count + newer.count;
    p->rows = bx_arena_alloc(p->a, (p->count + 1) * sizeof *p->rows);
    for (size_t i = 0; i < older.count; i++)
        p->rows[i] = older.rows[older.count - 1 - i];
    if (newer.count)
        memcpy(p->rows + older.count, newer.rows, newer.count * sizeof *p->rows);
    return BX_OK;
}

int st_message_history(struct st_conn *conn, const struct st_history_query *query,
                       struct bx_arena *a, struct st_message **out, size_t *out_count)
{
    struct chat_head chat;
    int rc = head_get(conn, query->chat_id, &chat);
    if (rc != BX_OK)
        return rc;
    struct page page = {.conn = conn, .a = a, .chat_id = chat.id};
    int64_t limit = st_limit(query->limit);
    int64_t key = query->after > 0 ? query->after : query->around ? query->around : query->before;
    struct place at = {chat.id, INT64_MAX, INT64_MAX};
    if (query->after == -1)
        at = (struct place){chat.id, INT64_MIN, 0};
    else if (key > 0 && (rc = place_get(conn, chat.id, key, &at)) != BX_OK)
        return rc;
    if (query->after)
        rc = page_newer(&page, at, limit);
    else if (query->around)
        rc = page_around(&page, at, limit);
    else
        rc = page_older(&page, at, limit, st_offset(query->offset));
    if (rc != BX_OK)
        return rc;
    *out = page.rows;
    *out_count = page.count;
    return BX_OK;
}

int st_message_list(struct st_conn *conn, int64_t number_id, int64_t after_id, int64_t limit,
                    struct bx_arena *a, struct st_message **out, size_t *out_count)
{
    return st_db_list(conn, a, st_message_read_row, sizeof **out, out, out_count,
                      "SELECT " ST_MESSAGE_COLUMNS " FROM messages m " ST_MESSAGE_JOINS
                      "WHERE m.id > ?2 AND m.number_id = ?1 ORDER BY m.id LIMIT ?3",
                      Q(I(number_id), I(after_id), I(st_limit(limit))));
}

int st_message_starred(struct st_conn *conn, int64_t number_id, int64_t before_id, int64_t limit,
                       struct bx_arena *a, struct st_message **out, size_t *out_count)
{
    return st_db_list(
        conn, a, st_message_read_row, sizeof **out, out, out_count,
        "SELECT " ST_MESSAGE_COLUMNS " FROM messages m " ST_MESSAGE_JOINS
        "WHERE m.number_id = ?1 AND m.is_starred = 1 AND m.id < ?2 ORDER BY m.id DESC LIMIT ?3",
        Q(I(number_id), I(before_id ? before_id : INT64_MAX), I(st_limit(limit))));
}

/* ---- status ---- */

int st_message_status(struct st_tx *tx, int64_t id, enum st_status status, int64_t at,
                      struct bx_str error)
{
    int rc = st_db_run(
        tx->conn,
        "UPDATE messages SET status = ?2, "
        "failed_at = iif(?2 = 1, ?3, failed_at), error = iif(?2 = 1, ?4, NULL), "
        "sent_at = iif(?2 >= 2 AND sent_at = 0, ?3, sent_at), "
        "delivered_at = iif(?2 >= 3 AND delivered_at = 0, ?3, delivered_at), "
        "read_at = iif(?2 >= 4 AND read_at = 0, ?3, read_at) WHERE id = ?1 AND status < ?2",
        Q(I(id), I(status), I(at), T(error)));
    if (rc != 0)
        return rc;
    int64_t found;
    rc = st_db_i64(tx->conn, &found, "SELECT 1 FROM messages WHERE id = ?1", Q(I(id)));
    return rc < 0 ? rc : 0;
}

int st_message_status_upto(struct st_tx *tx, int64_t chat_id, int64_t upto, enum st_status status,
                           int64_t at, struct bx_arena *a, int64_t **out, size_t *out_count)
{
    int64_t *ids, chat = st_chat_resolve(tx->conn, chat_id);
    size_t count;
    struct place place;
    int rc = place_get(tx->conn, chat, upto, &place);
    if (rc == BX_OK)
        rc = st_db_list(tx->conn, a, st_read_i64, sizeof *ids, &ids, &count,
                        "SELECT id FROM messages WHERE chat_id = ?1 AND (timestamp, id) <= (?2, "
                        "?3) AND is_from_me = 1 AND status < ?4 AND status >= 2 "
                        "ORDER BY timestamp DESC, id DESC LIMIT ?5",
                        Q(I(chat), I(place.timestamp), I(place.id), I(status), I(ST_LIMIT_MAX)));
    if (rc != BX_OK)
        return rc;
    for (size_t i = 0; i < count / 2; i++) {
        int64_t swap = ids[i];
        ids[i] = ids[count - 1 - i];
        ids[count - 1 - i] = swap;
    }
    for (size_t i = 0; i < count; i++)
        if ((rc = st_message_status(tx, ids[i], status, at, (struct bx_str){0})) < 0)
            return rc;
    *out = ids;
    *out_count = count;
    return BX_OK;
}

/* ---- changes of text ---- */

/* The chat shows the message's text when it is the last one. */
static int preview_refresh(struct st_tx *tx, int64_t id, struct bx_str content)
{
    int rc = st_db_run(tx->conn,
                       "UPDATE chats SET last_message = ?2, updated_at = ?3 WHERE id = (SELECT "
                       "chat_id FROM messages WHERE id = ?1) AND last_message_id = ?1",
                       Q(I(id), T(st_preview(content)), I(tx->now)));
    return rc < 0 ? rc : BX_OK;
}

int st_message_fill(struct st_tx *tx, int64_t id, const struct st_message_new *message)
{
    const struct st_message *m = &message->message;
    int rc = st_search_touch(tx, id);
    if (rc < 0)
        return rc;
    rc = st_db_run(
        tx->conn,
        "UPDATE messages SET type = ?2, content = ?3, caption = ?4, file_name = ?5, "
        "flags = ?6 | (flags & 16), quoted_wa_id = ?7, quoted_content = ?8, quoted_sender_id = ?9, "
        "mentions = ?10, has_media = ?11, details = ?12 WHERE id = ?1 AND flags & 1 AND revoked_at "
        "= 0",
        Q(I(id), I(m->type), T(m->content.ptr ? m->content : BX_STR("")), T(m->caption),
          T(m->file_name), I(m->flags & ~(unsigned)ST_MESSAGE_PLACEHOLDER), T(m->quoted_wa_id),
          T(m->quoted_content), I(m->quoted_sender_id), T(m->mentions), I(message->media != NULL)));
    if (rc <= 0)
        return rc < 0 ? rc : BX_E_STATE;
    if ((rc = raw_put(tx, id, message->raw)) < 0 ||
        (message->media && (rc = st_media_write(tx, id, message->media)) < 0))
        return rc;
    return preview_refresh(tx, id, m->content);
}

int st_message_edit(struct st_tx *tx, int64_t id, struct bx_str content, int64_t edited_at)
{
    int rc = st_search_touch(tx, id);
    if (rc < 0)
        return rc;
    rc = st_db_run(tx->conn,
                   "UPDATE messages SET content = ?2, edited_at = ?3, "
                   "caption = iif(type BETWEEN 1 AND 5, ?2, caption) "
                   "WHERE id = ?1 AND revoked_at = 0 AND (edited_at < ?3 OR (edited_at = ?3 AND "
                   "content <> ?2))",
                   Q(I(id), T(content), I(edited_at)));
    if (rc <= 0)
        return rc;
    rc = preview_refresh(tx, id, content);
    return rc < 0 ? rc : 1;
}

int st_message_revoke(struct st_tx *tx, int64_t id, struct bx_str label, int64_t revoked_at)
{
    int rc = st_search_touch(tx, id);
    if (rc < 0)
        return rc;
    rc = st_db_run(tx->conn,
                   "UPDATE messages SET content = ?2, revoked_at = ?3, caption = NULL, "
                   "file_name = NULL, quoted_content = NULL, mentions = NULL, details = NULL, "
                   "has_media = 0 "
                   "WHERE id = ?1 AND revoked_at = 0",
                   Q(I(id), T(label), I(revoked_at)));
    if (rc <= 0)
        return rc;
    if ((rc = st_db_run(tx->conn, "DELETE FROM message_raw WHERE message_id = ?1", Q(I(id)))) < 0 ||
        (rc = st_db_run(tx->conn, "DELETE FROM media WHERE message_id = ?1", Q(I(id)))) < 0 ||
        (rc = preview_refresh(tx, id, label)) < 0)
        return rc;
    return 1;
}

int st_message_star(struct st_tx *tx, int64_t id, bool is_starred)
{
    return st_db_must(tx->conn, "UPDATE messages SET is_starred = ?2 WHERE id = ?1",
                      Q(I(id), I(is_starred)));
}

/* ---- deletion ---- */

int st_message_drop(struct st_tx *tx, int64_t id)
{
    static const char *const hanging[] = {"DELETE FROM message_raw WHERE message_id = ?1",
                                          "DELETE FROM media WHERE message_id = ?1",
                                          "DELETE FROM reactions WHERE message_id = ?1",
                                          "DELETE FROM receipts WHERE message_id = ?1",
                                          "DELETE FROM responses WHERE message_id = ?1",
                                          "DELETE FROM message_audience WHERE message_id = ?1",
                                          "DELETE FROM messages WHERE id = ?1"};
    int rc = st_search_touch(tx, id);
    for (size_t i = 0; rc >= 0 && i < BX_LEN(hanging); i++)
        rc = st_db_run(tx->conn, hanging[i], Q(I(id)));
    return rc < 0 ? rc : BX_OK;
}

int st_message_delete(struct st_tx *tx, int64_t id)
{
    int64_t chat_id;
    int rc = st_db_i64(tx->conn, &chat_id, "SELECT chat_id FROM messages WHERE id = ?1", Q(I(id)));
    if (rc == BX_OK)
        rc = st_db_must(tx->conn,
                        "UPDATE chats SET message_count = message_count - 1, unread_count = "
                        "unread_count - (SELECT is_unread FROM messages WHERE id = ?2) WHERE id = "
                        "?1",
                        Q(I(chat_id), I(id)));
    if (rc == BX_OK)
        rc = st_message_drop(tx, id);
    return rc == BX_OK ? st_chat_preview(tx, chat_id) : rc;
}

int st_chat_drop_messages(struct st_tx *tx, int64_t chat_id, int64_t max_rows)
{
    struct bx_arena a;
    bx_arena_init(&a, 0);
    int64_t *ids;
    size_t count;
    int rc = st_db_list(tx->conn, &a, st_read_i64, sizeof *ids, &ids, &count,
                        "SELECT id FROM messages WHERE chat_id = ?1 LIMIT ?2",
                        Q(I(chat_id), I(max_rows)));
    for (size_t i = 0; rc == BX_OK && i < count; i++)
        rc = st_message_drop(tx, ids[i]);
    bx_arena_done(&a);
    return rc < 0 ? rc : (int)count;
}

/* ---- reactions, receipts ---- */

static int message_exists(struct st_conn *conn, int64_t id)
{
    int64_t one;
    return st_db_i64(conn, &one, "SELECT 1 FROM messages WHERE id = ?1", Q(I(id)));
}

int st_reaction_set(struct st_tx *tx, int64_t message_id, int64_t contact_id, struct bx_str emoji,
                    int64_t reacted_at)
{
    int rc = message_exists(tx->conn, message_id);
    if (rc != BX_OK)
        return rc;
    return st_db_run(
        tx->conn,
        "INSERT INTO reactions VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET "
        "emoji = excluded.emoji, reacted_at = excluded.reacted_at "
        /* WhatsApp's clock has seconds: of two in one second the later arrival counts. */
        "WHERE excluded.reacted_at > reacted_at OR (excluded.reacted_at = reacted_at AND "
        "excluded.emoji <> emoji)",
        Q(I(message_id), I(contact_id), T(emoji.ptr ? emoji : BX_STR("")), I(reacted_at)));
}

static void reaction_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    struct st_reaction *r = out;
    r->message_id = st_col_i64(c);
    r->contact_id = st_col_i64(c);
    r->emoji = st_col_str(c, a);
    r->reacted_at = st_col_i64(c);
    r->contact_name = st_col_str(c, a);
    r->contact_phone = st_col_str(c, a);
}

struct bx_str st_ids_json(struct bx_arena *a, const int64_t *ids, size_t count)
{
    struct bx_buf json;
    bx_buf_init(&json, 0);
    bx_buf_lit(&json, "[");
    for (size_t i = 0; i < count; i++)
        bx_buf_printf(&json, "%s%lld", i ? "," : "", (long long)ids[i]);
    bx_buf_lit(&json, "]");
    struct bx_str out = bx_arena_str(a, bx_buf_view(&json));
    bx_buf_done(&json);
    return out;
}

int st_reaction_list(struct st_conn *conn, const int64_t *message_ids, size_t count,
                     struct bx_arena *a, struct st_reaction **out, size_t *out_count)
{
    return st_db_list(
        conn, a, reaction_read, sizeof **out, out, out_count,
        "SELECT r.message_id, r.contact_id, r.emoji, r.reacted_at, coalesce(c.name, c.push_name, "
        "c.business_name), c.phone FROM json_each(?1) j CROSS JOIN reactions r ON r.message_id = "
        "j.value LEFT JOIN contacts c ON c.id = r.contact_id WHERE r.emoji <> '' "
        "ORDER BY r.message_id, r.reacted_at, r.contact_id",
        Q(T(st_ids_json(a, message_ids, count))));
}

int st_receipt_put(struct st_tx *tx, const struct st_receipt *r)
{
    int rc = message_exists(tx->conn, r->message_id);
    if (rc != BX_OK)
        return rc;
    rc = st_db_run(
        tx->conn,
        "INSERT INTO receipts VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET "
        "delivered_at = iif(delivered_at = 0, excluded.delivered_at, delivered_at), "
        "read_at = iif(read_at = 0, excluded.read_at, read_at), "
        "played_at = iif(played_at = 0, excluded.played_at, played_at)",
        Q(I(r->message_id), I(r->contact_id), I(r->delivered_at), I(r->read_at), I(r->played_at)));
    return rc < 0 ? rc : BX_OK;
}

static void receipt_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    (void)a;
    struct st_receipt *r = out;
    r->message_id = st_col_i64(c);
    r->contact_id = st_col_i64(c);
    r->delivered_at = st_col_i64(c);
    r->read_at = st_col_i64(c);
    r->played_at = st_col_i64(c);
}

int st_receipt_list(struct st_conn *conn, int64_t message_id, struct bx_arena *a,
                    struct st_receipt **out, size_t *out_count)
{
    return st_db_list(conn, a, receipt_read, sizeof **out, out, out_count,
                      "SELECT message_id, contact_id, delivered_at, read_at, played_at "
                      "FROM receipts WHERE message_id = ?1 ORDER BY contact_id",
                      Q(I(message_id)));
}
