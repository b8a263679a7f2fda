/* Chats. A direct chat carries its contact's name and number, so that the list needs no join. */
#include "store/sqlite/db.h"

void st_chat_read_row(struct st_cur *c, struct bx_arena *a, void *out)
{
    struct st_chat *chat = out;
    chat->id = st_col_i64(c);
    chat->number_id = st_col_i64(c);
    chat->contact_id = st_col_i64(c);
    chat->jid = st_col_str(c, a);
    chat->is_group = st_col_bool(c);
    chat->name = st_col_str(c, a);
    chat->number = st_col_str(c, a);
    chat->last_message = st_col_str(c, a);
    chat->last_message_id = st_col_i64(c);
    chat->last_message_at = st_col_i64(c);
    chat->last_is_from_me = st_col_bool(c);
    chat->unread_count = st_col_i64(c);
    chat->is_marked_unread = st_col_bool(c);
    chat->is_pinned = st_col_bool(c);
    chat->is_archived = st_col_bool(c);
    chat->muted_until = st_col_i64(c);
    chat->message_count = st_col_i64(c);
    chat->created_at = st_col_i64(c);
    chat->updated_at = st_col_i64(c);
    chat->ephemeral_s = st_col_i64(c);
    chat->ephemeral_set_at = st_col_i64(c);
}

static void full_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    st_chat_read_row(c, a, out);
    ((struct st_chat *)out)->meta = st_col_str(c, a);
}

int64_t st_chat_resolve(struct st_conn *conn, int64_t id)
{
    int64_t now = id;
    st_db_i64(conn, &now, "SELECT new_id FROM chat_aliases WHERE old_id = ?1", Q(I(id)));
    return now;
}

static int counters_add(struct st_tx *tx, int64_t number_id, int chats, int archived)
{
    int rc = st_db_run(tx->conn,
                       "UPDATE number_state SET chat_count = chat_count + ?2, archived_count = "
                       "archived_count + ?3 WHERE number_id = ?1",
                       Q(I(number_id), I(chats), I(archived)));
    return rc < 0 ? rc : BX_OK;
}

/* ---- making ---- */

static int contact_chat_insert(struct st_tx *tx, const struct st_contact *who, int64_t *out_id)
{
    struct bx_arena a;
    bx_arena_init(&a, 0);
    struct bx_str name = who->name.ptr        ? who->name
                         : who->push_name.ptr ? who->push_name
                                              : who->business_name;
    int rc = st_db_insert(tx->conn, out_id,
                          "INSERT INTO chats (number_id, contact_id, jid, is_group, name, number, "
                          "last_message_at, created_at, updated_at) "
                          "VALUES (?1, ?2, ?3, 0, ?4, ?5, ?6, ?6, ?6)",
                          Q(I(who->number_id), I(who->id), T(st_jid_of(&a, who->phone, who->lid)),
                            T(name), T(who->phone.ptr ? who->phone : who->lid), I(tx->now)));
    if (rc == BX_OK)
        rc = counters_add(tx, who->number_id, 1, 0);
    bx_arena_done(&a);
    return rc;
}

int st_chat_ensure(struct st_tx *tx, int64_t contact_id, int64_t *out_id, bool *out_is_new)
{
    bool is_new = false;
    int64_t id;
    int rc =
        st_db_i64(tx->conn, &id, "SELECT id FROM chats WHERE contact_id = ?1", Q(I(contact_id)));
    if (rc == BX_E_NOT_FOUND) {
        struct bx_arena a;
        bx_arena_init(&a, 0);
        struct st_contact who;
        rc = st_contact_get(tx->conn, contact_id, &a, &who);
        if (rc == BX_OK)
            rc = contact_chat_insert(tx, &who, &id);
        is_new = true;
        bx_arena_done(&a);
    }
    if (rc != BX_OK)
        return rc;
    *out_id = id;
    if (out_is_new)
        *out_is_new = is_new;
    return BX_OK;
}

int st_chat_ensure_group(struct st_tx *tx, int64_t number_id, struct bx_str jid,
                         struct bx_str subject, int64_t *out_id, bool *out_is_new)
{
    int64_t id;
    bool is_new = false;
    int rc = st_db_i64(tx->conn, &id, "SELECT id FROM chats WHERE number_id = ?1 AND jid = ?2",
                       Q(I(number_id), T(jid)));
    if (rc == BX_OK && subject.ptr) {
        rc = st_chat_subject_set(tx, id, subject);
    } else if (rc == BX_E_NOT_FOUND) {
        is_new = true;
        rc = st_db_insert(tx->conn, &id,
                          "INSERT INTO chats (number_id, jid, is_group, name, number, "
                          "last_message_at, created_at, updated_at) "
                          "VALUES (?1, ?2, 1, ?3, ?4, ?5, ?5, ?5)",
                          Q(I(number_id), T(jid), T(subject),
                            T(bx_str_slice(jid, 0, bx_str_find(jid, '@'))), I(tx->now)));
        if (rc == BX_OK)
            rc = counters_add(tx, number_id, 1, 0);
    }
    if (rc != BX_OK)
        return rc;
    *out_id = id;
    if (out_is_new)
        *out_is_new = is_new;
    return BX_OK;
}

/* ---- reading ---- */

int st_chat_get(struct st_conn *conn, int64_t id, struct bx_arena *a, struct st_chat *out)
{
    static const char sql[] =
        "SELECT " ST_CHAT_COLUMNS ", meta FROM chats WHERE id = ?1 "
        "AND EXISTS (SELECT 1 FROM numbers n WHERE n.id = number_id AND n.deleted_at = 0)";
    int rc = st_db_one(conn, a, full_read, out, sql, Q(I(id)));
    if (rc != BX_E_NOT_FOUND)
        return rc;
    int64_t now = st_chat_resolve(conn, id);
    return now == id ? rc : st_db_one(conn, a, full_read, out, sql, Q(I(now)));
}

/* "4917…" of "4917…@server". */
static bool jid_user(struct bx_str jid, struct bx_str server, struct bx_str *out)
{
    size_t at = bx_str_find(jid, '@');
    if (!bx_str_eq(bx_str_slice(jid, at + 1, jid.len), server) || at == jid.len)
        return false;
    *out = bx_str_slice(jid, 0, at);
    return true;
}

int st_chat_by_jid(struct st_conn *conn, int64_t number_id, struct bx_str jid, struct bx_arena *a,
                   struct st_chat *out)
{
    struct bx_str phone = {0}, lid = {0};
    if (!jid_user(jid, BX_STR("s.whatsapp.net"), &phone) && !jid_user(jid, BX_STR("lid"), &lid))
        return st_db_one(conn, a, full_read, out,
                         "SELECT " ST_CHAT_COLUMNS ", meta FROM chats WHERE number_id = ?1 "
                         "AND jid = ?2",
                         Q(I(number_id), T(jid)));
    struct st_contact who;
    int rc = st_contact_find(conn, number_id, phone, lid, a, &who);
    if (rc != BX_OK)
        return rc;
    return st_db_one(conn, a, full_read, out,
                     "SELECT " ST_CHAT_COLUMNS ", meta FROM chats WHERE contact_id = ?1",
                     Q(I(who.id)));
}

#define FILTERS                                                                                    \
    "(?3 = 0 OR is_group = ?3 - 1) AND (?4 = 0 OR unread_count > 0 OR is_marked_unread = 1) "

int st_chat_list(struct st_conn *conn, const struct st_chat_query *q, struct bx_arena *a,
                 struct st_chat **out, size_t *out_count)
{
    int64_t limit = st_limit(q->limit), offset = st_offset(q->offset);
    if (q->archived == ST_ARCHIVED_ANY)
        return st_db_list(
            conn, a, st_chat_read_row, sizeof **out, out, out_count,
            "SELECT " ST_CHAT_COLUMNS " FROM chats WHERE number_id = ?1 AND ?2 = ?2 "
            "AND " FILTERS "ORDER BY is_archived, is_pinned DESC, last_message_at "
            "DESC, id DESC LIMIT ?5 OFFSET ?6",
            Q(I(q->number_id), I(0), I(q->kind), I(q->unread_only), I(limit), I(offset)));
    struct st_chat_key from = q->after;
    return st_db_list(conn, a, st_chat_read_row, sizeof **out, out, out_count,
                      "SELECT " ST_CHAT_COLUMNS " FROM chats WHERE number_id = ?1 "
                      "AND is_archived = ?2 AND (is_pinned, last_message_at, id) < (?7, ?8, ?9) "
                      "AND " FILTERS
                      "ORDER BY is_pinned DESC, last_message_at DESC, id DESC LIMIT ?5 OFFSET ?6",
                      Q(I(q->number_id), I(q->archived == ST_ARCHIVED_ONLY), I(q->kind),
                        I(q->unread_only), I(limit), I(offset), I(from.id ? from.is_pinned : 2),
                        I(from.last_message_at), I(from.id)));
}

int st_chat_count(struct st_conn *conn, const struct st_chat_query *q, int64_t *out_total)
{
    if (q->kind == ST_CHAT_ANY && !q->unread_only)
        return st_db_i64(conn, out_total,
                         "SELECT CASE ?2 WHEN 0 THEN chat_count - archived_count WHEN 1 THEN "
                         "archived_count ELSE chat_count END FROM number_state WHERE number_id = "
                         "?1",
                         Q(I(q->number_id), I(q->archived)));
    return st_db_i64(conn, out_total,
                     "SELECT count(*) FROM chats WHERE number_id = ?1 AND (?2 = 2 OR is_archived "
                     "= ?2) AND " FILTERS,
                     Q(I(q->number_id), I(q->archived), I(q->kind), I(q->unread_only)));
}

int st_chat_search(struct st_conn *conn, int64_t number_id, struct bx_str text,
                   struct bx_str digits, int64_t limit, struct bx_arena *a, struct st_chat **out,
                   size_t *out_count)
{
    return st_db_list(
        conn, a, st_chat_read_row, sizeof **out, out, out_count,
        "SELECT " ST_CHAT_COLUMNS " FROM chats WHERE number_id = ?1 AND "
        "(has_fold(name, ?2) OR has_fold(number, ?2) OR number LIKE ?4) ORDER BY "
        "is_archived, is_pinned DESC, last_message_at DESC, id DESC LIMIT ?3",
        Q(I(number_id), T(st_fold(a, text)), I(st_limit(limit)), T(st_like(a, digits))));
}

int st_chat_unread_total(struct st_conn *conn, int64_t number_id, int64_t *out)
{
    return st_db_i64(conn, out,
                     "SELECT coalesce(sum(unread_count), 0) FROM chats WHERE number_id = ?1 "
                     "AND is_archived = 0",
                     Q(I(number_id)));
}

/* ---- settings of a chat ---- */

int st_chat_pin(struct st_tx *tx, int64_t id, bool is_pinned)
{
    return st_db_must(tx->conn, "UPDATE chats SET is_pinned = ?2, updated_at = ?3 WHERE id = ?1",
                      Q(I(st_chat_resolve(tx->conn, id)), I(is_pinned), I(tx->now)));
}

int st_chat_archive(struct st_tx *tx, int64_t id, bool is_archived)
{
    id = st_chat_resolve(tx->conn, id);
    int64_t number_id, was;
    int rc = st_db_i64(tx->conn, &number_id, "SELECT number_id FROM chats WHERE id = ?1", Q(I(id)));
    if (rc == BX_OK)
        rc = st_db_i64(tx->conn, &was, "SELECT is_archived FROM chats WHERE id = ?1", Q(I(id)));
    if (rc != BX_OK || was == is_archived)
        return rc;
    rc = st_db_must(tx->conn, "UPDATE chats SET is_archived = ?2, updated_at = ?3 WHERE id = ?1",
                    Q(I(id), I(is_archived), I(tx->now)));
    return rc == BX_OK ? counters_add(tx, number_id, 0, is_archived ? 1 : -1) : rc;
}

int st_chat_mute(struct st_tx *tx, int64_t id, int64_t muted_until)
{
    return st_db_must(tx->conn, "UPDATE chats SET muted_until = ?2, updated_at = ?3 WHERE id = ?1",
                      Q(I(st_chat_resolve(tx->conn, id)), I(muted_until), I(tx->now)));
}

int st_chat_mark_unread(struct st_tx *tx, int64_t id, bool is_marked)
{
    return st_db_must(tx->conn,
                      "UPDATE chats SET is_marked_unread = ?2, updated_at = ?3 WHERE id = ?1",
                      Q(I(st_chat_resolve(tx->conn, id)), I(is_marked), I(tx->now)));
}

int st_chat_subject_set(struct st_tx *tx, int64_t id, struct bx_str subject)
{
    return st_db_must(tx->conn, "UPDATE chats SET name = ?2, updated_at = ?3 WHERE id = ?1",
                      Q(I(st_chat_resolve(tx->conn, id)), T(subject), I(tx->now)));
}

int st_chat_meta_set(struct st_tx *tx, int64_t id, struct bx_str json)
{
    return st_db_must(tx->conn, "UPDATE chats SET meta = ?2, updated_at = ?3 WHERE id = ?1",
                      Q(I(st_chat_resolve(tx->conn, id)), T(json), I(tx->now)));
}

/* ---- counters from rows ---- */

struct newest {
    int64_t id, timestamp;
    struct bx_str content;
    bool is_from_me;
};

static void newest_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    struct newest *n = out;
    n->id = st_col_i64(c);
    n->timestamp = st_col_i64(c);
    n->content = st_col_str(c, a);
    n->is_from_me = st_col_bool(c);
}

static int preview_set(struct st_tx *tx, int64_t chat_id, struct bx_arena *a)
{
    struct newest n = {0};
    int rc = st_db_one(tx->conn, a, newest_read, &n,
                       "SELECT id, timestamp, content, is_from_me FROM messages WHERE chat_id = "
                       "?1 AND flags & 16 = 0 ORDER BY timestamp DESC, id DESC LIMIT 1",
                       Q(I(chat_id)));
    if (rc < 0 && rc != BX_E_NOT_FOUND)
        return rc;
    return st_db_must(tx->conn,
                      "UPDATE chats SET last_message_id = ?2, last_message_at = iif(?2, ?3, "
                      "last_message_at), last_message = ?4, last_is_from_me = ?5, updated_at = ?6 "
                      "WHERE id = ?1",
                      Q(I(chat_id), I(n.id), I(n.timestamp), T(st_preview(n.content)),
                        I(n.is_from_me), I(tx->now)));
}

int st_chat_preview(struct st_tx *tx, int64_t chat_id)
{
    struct bx_arena a;
    bx_arena_init(&a, 0);
    int rc = preview_set(tx, chat_id, &a);
    bx_arena_done(&a);
    return rc;
}

int st_chat_recount(struct st_tx *tx, int64_t chat_id)
{
    int rc = st_db_must(tx->conn,
                        "UPDATE chats SET (message_count, unread_count) = (SELECT count(*), "
                        "coalesce(sum(is_unread), 0) FROM messages WHERE chat_id = ?1) "
                        "WHERE id = ?1",
                        Q(I(chat_id)));
    return rc == BX_OK ? st_chat_preview(tx, chat_id) : rc;
}

static int drop_all(struct st_tx *tx, int64_t id)
{
    int rc;
    do
        rc = st_chat_drop_messages(tx, id, 10000);
    while (rc > 0);
    return rc;
}

int st_chat_clear(struct st_tx *tx, int64_t id)
{
    id = st_chat_resolve(tx->conn, id);
    int rc = drop_all(tx, id);
    return rc < 0 ? rc : st_chat_recount(tx, id);
}

int st_chat_delete(struct st_tx *tx, int64_t id)
{
    id = st_chat_resolve(tx->conn, id);
    int64_t number_id, archived;
    int rc = st_db_i64(tx->conn, &number_id, "SELECT number_id FROM chats WHERE id = ?1", Q(I(id)));
    if (rc == BX_OK)
        rc =
            st_db_i64(tx->conn, &archived, "SELECT is_archived FROM chats WHERE id = ?1", Q(I(id)));
    if (rc == BX_OK)
        rc = drop_all(tx, id);
    if (rc == BX_OK)
        rc = st_db_must(tx->conn, "DELETE FROM chats WHERE id = ?1", Q(I(id)));
    return rc == BX_OK ? counters_add(tx, number_id, -1, archived ? -1 : 0) : rc;
}

/* ---- reading marks ---- */

/* The unread of a chat: as many as its counter says, found from the newest back. The read ones
 * before them are never looked at, however long the chat is. */
#define UNREAD_OF_CHAT                                                                             \
    "(SELECT id, wa_id, sender_id, timestamp FROM messages WHERE chat_id = ?1 AND is_unread = 1 "  \
    "ORDER BY timestamp DESC, id DESC LIMIT (SELECT unread_count FROM chats WHERE id = ?1)) "

static void read_message_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    struct st_read_message *m = out;
    m->id = st_col_i64(c);
    m->wa_id = st_col_str(c, a);
    m->sender_id = st_col_i64(c);
    m->timestamp = st_col_i64(c);
}

static int unread_list(struct st_tx *tx, int64_t chat_id, int64_t upto_at, int64_t upto_id,
                       struct bx_arena *a, struct st_read_message **out, size_t *out_count)
{
    return st_db_list(tx->conn, a, read_message_read, sizeof **out, out, out_count,
                      "SELECT * FROM (SELECT * FROM " UNREAD_OF_CHAT
                      "WHERE (timestamp, id) <= (?2, ?3) ORDER BY timestamp DESC, id DESC LIMIT "
                      "?4) ORDER BY timestamp, id",
                      Q(I(chat_id), I(upto_at), I(upto_id), I(ST_LIMIT_MAX)));
}

int st_chat_read(struct st_tx *tx, int64_t chat_id, int64_t upto, struct bx_arena *a,
                 struct st_read_message **out, size_t *out_count)
{
    chat_id = st_chat_resolve(tx->conn, chat_id);
    int64_t upto_at = INT64_MAX;
    int rc = BX_OK;
    if (upto)
        rc = st_db_i64(tx->conn, &upto_at,
                       "SELECT timestamp FROM messages WHERE id = ?1 AND chat_id = ?2",
                       Q(I(upto), I(chat_id)));
    else
        upto = INT64_MAX;
    if (rc == BX_OK && out)
        rc = unread_list(tx, chat_id, upto_at, upto, a, out, out_count);
    if (rc != BX_OK)
        return rc;
    int cleared =
        st_db_run(tx->conn,
                  "UPDATE messages SET is_unread = 0 WHERE id IN (SELECT id FROM " UNREAD_OF_CHAT
                  "WHERE (timestamp, id) <= (?2, ?3))",
                  Q(I(chat_id), I(upto_at), I(upto)));
    if (cleared < 0)
        return cleared;
    rc = st_db_must(tx->conn,
                    "UPDATE chats SET unread_count = unread_count - ?2, is_marked_unread = 0 "
                    "WHERE id = ?1",
                    Q(I(chat_id), I(cleared)));
    return rc == BX_OK ? cleared : rc;
}

/* ---- group members ---- */

/* What is sent from now on has another audience. */
static int members_changed(struct st_tx *tx, int64_t chat_id)
{
    int rc =
        st_db_run(tx->conn, "UPDATE chats SET audience_id = 0 WHERE id = ?1 AND audience_id > 0",
                  Q(I(chat_id)));
    return rc < 0 ? rc : BX_OK;
}

int st_member_put(struct st_tx *tx, int64_t chat_id, int64_t contact_id, enum st_member_role role)
{
    int rc = st_db_run(tx->conn, "INSERT OR REPLACE INTO members VALUES (?1, ?2, ?3)",
                       Q(I(chat_id), I(contact_id), I(role)));
    return rc < 0 ? rc : members_changed(tx, chat_id);
}

int st_member_set(struct st_tx *tx, int64_t chat_id, const struct st_member *members, size_t count)
{
    int rc = st_db_run(tx->conn, "DELETE FROM members WHERE chat_id = ?1", Q(I(chat_id)));
    for (size_t i = 0; rc >= 0 && i < count; i++)
        rc = st_member_put(tx, chat_id, members[i].contact_id, members[i].role);
    return rc < 0 ? rc : members_changed(tx, chat_id);
}

int st_member_delete(struct st_tx *tx, int64_t chat_id, int64_t contact_id)
{
    int rc = st_db_must(tx->conn, "DELETE FROM members WHERE chat_id = ?1 AND contact_id = ?2",
                        Q(I(chat_id), I(contact_id)));
    return rc < 0 ? rc : members_changed(tx, chat_id);
}

static void member_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    struct st_member *m = out;
    m->contact_id = st_col_i64(c);
    m->role = (enum st_member_role)st_col_i64(c);
    m->phone = st_col_str(c, a);
    m->lid = st_col_str(c, a);
    m->name = st_col_str(c, a);
    m->push_name = st_col_str(c, a);
}

int st_member_list(struct st_conn *conn, int64_t chat_id, struct bx_arena *a,
                   struct st_member **out, size_t *out_count)
{
    return st_db_list(conn, a, member_read, sizeof **out, out, out_count,
                      "SELECT m.contact_id, m.role, c.phone, c.lid, c.name, c.push_name FROM "
                      "members m JOIN contacts c ON c.id = m.contact_id WHERE m.chat_id = ?1 "
                      "ORDER BY m.contact_id",
                      Q(I(chat_id)));
}

int st_member_groups(struct st_conn *conn, int64_t contact_id, int64_t limit, struct bx_arena *a,
                     struct st_chat **out, size_t *out_count)
{
    return st_db_list(conn, a, st_chat_read_row, sizeof **out, out, out_count,
                      "SELECT " ST_CHAT_COLUMNS " FROM chats WHERE id IN (SELECT chat_id FROM "
                      "members WHERE contact_id = ?1) ORDER BY last_message_at DESC, id DESC "
                      "LIMIT ?2",
                      Q(I(contact_id), I(st_limit(limit))));
}

int st_chat_of_contact(struct st_conn *conn, int64_t contact_id, int64_t *out_id)
{
    return st_db_i64(conn, out_id, "SELECT id FROM chats WHERE contact_id = ?1", Q(I(contact_id)));
}
