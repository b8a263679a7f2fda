/* Contacts: phone and LID are two names of one person. When both are learned of what was two rows,
 * the one that has the phone stays (the older one, when both could), the other's chats and
 * messages move to it.
 */
#include "store/sqlite/db.h"

#define CONTACT_COLUMNS                                                                            \
    "id, number_id, phone, lid, name, push_name, business_name, is_blocked, created_at, "          \
    "updated_at"

static void contact_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    struct st_contact *who = out;
    who->id = st_col_i64(c);
    who->number_id = st_col_i64(c);
    who->phone = st_col_str(c, a);
    who->lid = st_col_str(c, a);
    who->name = st_col_str(c, a);
    who->push_name = st_col_str(c, a);
    who->business_name = st_col_str(c, a);
    who->is_blocked = st_col_bool(c);
    who->created_at = st_col_i64(c);
    who->updated_at = st_col_i64(c);
}

int st_contact_get(struct st_conn *conn, int64_t id, struct bx_arena *a, struct st_contact *out)
{
    return st_db_one(conn, a, contact_read, out,
                     "SELECT " CONTACT_COLUMNS " FROM contacts WHERE id = ?1", Q(I(id)));
}

int st_contact_find(struct st_conn *conn, int64_t number_id, struct bx_str phone, struct bx_str lid,
                    struct bx_arena *a, struct st_contact *out)
{
    int rc = BX_E_NOT_FOUND;
    if (phone.ptr)
        rc = st_db_one(conn, a, contact_read, out,
                       "SELECT " CONTACT_COLUMNS " FROM contacts WHERE number_id = ?1 AND phone = "
                       "?2",
                       Q(I(number_id), T(phone)));
    if (rc == BX_E_NOT_FOUND && phone.ptr)
        rc =
            st_db_one(conn, a, contact_read, out,
                      "SELECT " CONTACT_COLUMNS " FROM contacts WHERE id = (SELECT contact_id FROM "
                      "phone_aliases WHERE number_id = ?1 AND phone = ?2)",
                      Q(I(number_id), T(phone)));
    if (rc == BX_E_NOT_FOUND && lid.ptr)
        rc = st_db_one(conn, a, contact_read, out,
                       "SELECT " CONTACT_COLUMNS " FROM contacts WHERE number_id = ?1 AND lid = "
                       "?2",
                       Q(I(number_id), T(lid)));
    return rc;
}

int st_contact_list(struct st_conn *conn, int64_t number_id, int64_t after_id, int64_t limit,
                    struct bx_arena *a, struct st_contact **out, size_t *out_count)
{
    return st_db_list(conn, a, contact_read, sizeof **out, out, out_count,
                      "SELECT " CONTACT_COLUMNS " FROM contacts WHERE number_id = ?1 AND id > ?2 "
                      "ORDER BY id LIMIT ?3",
                      Q(I(number_id), I(after_id), I(st_limit(limit))));
}

/* The contact's chat shows its name, number and best JID. */
static int chat_follow(struct st_tx *tx, int64_t contact_id)
{
    int rc = st_db_run(tx->conn,
                       "UPDATE chats SET name = c.shown, number = c.digits, jid = c.jid, "
                       "updated_at = ?2 FROM (SELECT coalesce(name, push_name, business_name) AS "
                       "shown, coalesce(phone, lid) AS digits, iif(phone IS NULL, lid || '@lid', "
                       "phone || '@s.whatsapp.net') AS jid FROM contacts WHERE id = ?1) AS c "
                       "WHERE contact_id = ?1 AND (name, number, chats.jid) IS NOT (c.shown, "
                       "c.digits, c.jid)",
                       Q(I(contact_id), I(tx->now)));
    return rc < 0 ? rc : BX_OK;
}

static struct bx_str empty_as_null(struct bx_str s)
{
    return s.len ? s : (struct bx_str){0};
}

int st_contact_names_set(struct st_tx *tx, int64_t contact_id, struct bx_str name,
                         struct bx_str push_name, struct bx_str business_name)
{
    int rc =
        st_db_must(tx->conn,
                   "UPDATE contacts SET name = iif(?2, ?3, name), push_name = iif(?4, ?5, "
                   "push_name), business_name = iif(?6, ?7, business_name), updated_at = ?8 "
                   "WHERE id = ?1",
                   Q(I(contact_id), I(name.ptr != NULL), T(empty_as_null(name)),
                     I(push_name.ptr != NULL), T(empty_as_null(push_name)),
                     I(business_name.ptr != NULL), T(empty_as_null(business_name)), I(tx->now)));
    return rc == BX_OK ? chat_follow(tx, contact_id) : rc;
}

int st_contact_block(struct st_tx *tx, int64_t contact_id, bool is_blocked)
{
    return st_db_must(tx->conn,
                      "UPDATE contacts SET is_blocked = ?2, updated_at = ?3 WHERE id = ?1",
                      Q(I(contact_id), I(is_blocked), I(tx->now)));
}

/* ---- merging ---- */

static int run_all(struct st_tx *tx, const char *const *sqls, size_t count, int64_t from,
                   int64_t to)
{
    int rc = BX_OK;
    for (size_t i = 0; rc >= 0 && i < count; i++)
        rc = st_db_run(tx->conn, sqls[i], Q(I(from), I(to)));
    return rc < 0 ? rc : BX_OK;
}

static int drop_each(struct st_tx *tx, const int64_t *ids, size_t count)
{
    int rc = BX_OK;
    for (size_t i = 0; rc == BX_OK && i < count; i++)
        rc = st_message_drop(tx, ids[i]);
    return rc;
}

/* Messages of chat `from` that chat `to` has too go. */
static int drop_doubles(struct st_tx *tx, int64_t from, int64_t to, struct bx_arena *a)
{
    int64_t *ids;
    size_t count;
    int rc = st_db_list(tx->conn, a, st_read_i64, sizeof *ids, &ids, &count,
                        "SELECT f.id FROM messages f WHERE f.chat_id = ?1 AND EXISTS (SELECT 1 "
                        "FROM messages t WHERE t.chat_id = ?2 AND t.wa_id = f.wa_id AND "
                        "t.is_from_me = f.is_from_me AND t.participant_id = f.participant_id)",
                        Q(I(from), I(to)));
    return rc == BX_OK ? drop_each(tx, ids, count) : rc;
}

static int touch_messages(struct st_tx *tx, int64_t chat_id, struct bx_arena *a)
{
    int64_t *ids;
    size_t count;
    int rc = st_db_list(tx->conn, a, st_read_i64, sizeof *ids, &ids, &count,
                        "SELECT id FROM messages WHERE chat_id = ?1", Q(I(chat_id)));
    for (size_t i = 0; rc == BX_OK && i < count; i++)
        rc = st_search_touch(tx, ids[i]);
    return rc;
}

/* Everything of chat `from` goes to chat `to`; the emptied row goes, its id stays an alias. */
static int chats_merge(struct st_tx *tx, int64_t from, int64_t to, struct bx_arena *a)
{
    static const char *const moves[] = {
        "UPDATE messages SET chat_id = ?2 WHERE chat_id = ?1",
        "UPDATE outbox SET chat_id = ?2 WHERE chat_id = ?1",
        "UPDATE pending_changes SET chat_id = ?2 WHERE chat_id = ?1",
        "UPDATE chat_aliases SET new_id = ?2 WHERE new_id = ?1",
        "UPDATE chats SET ephemeral_s = f.ephemeral_s, ephemeral_set_at = f.ephemeral_set_at FROM "
        "(SELECT ephemeral_s, ephemeral_set_at FROM chats WHERE id = ?1) AS f WHERE chats.id = ?2 "
        "AND chats.ephemeral_set_at < f.ephemeral_set_at",
        "UPDATE chats SET is_pinned = max(chats.is_pinned, f.is_pinned), is_archived = "
        "min(chats.is_archived, f.is_archived), is_marked_unread = max(chats.is_marked_unread, "
        "f.is_marked_unread), muted_until = iif(chats.muted_until = 0, f.muted_until, "
        "chats.muted_until) FROM (SELECT is_pinned, is_archived, is_marked_unread, muted_until "
        "FROM chats WHERE id = ?1) AS f WHERE chats.id = ?2",
        "DELETE FROM chats WHERE id = ?1 AND ?2 = ?2",
        "INSERT INTO chat_aliases VALUES (?1, ?2)",
    };
    int rc = drop_doubles(tx, from, to, a);
    if (rc == BX_OK)
        rc = touch_messages(tx, from, a);
    if (rc == BX_OK)
        rc = run_all(tx, moves, BX_LEN(moves), from, to);
    return rc == BX_OK ? st_chat_recount(tx, to) : rc;
}

/* In groups the sender is part of a message's key: doubles go before the rest is renamed. */
static int group_messages_move(struct st_tx *tx, int64_t from, int64_t to, struct bx_arena *a)
{
    static const char *const moves[] = {
        "UPDATE messages SET participant_id = ?2, sender_id = ?2 WHERE participant_id = ?1"};
    int64_t *ids, *chats;
    size_t count, chat_count;
    int rc = st_db_list(tx->conn, a, st_read_i64, sizeof *ids, &ids, &count,
                        "SELECT f.id FROM messages f WHERE f.participant_id = ?1 AND EXISTS "
                        "(SELECT 1 FROM messages t WHERE t.chat_id = f.chat_id AND t.wa_id = "
                        "f.wa_id AND t.is_from_me = f.is_from_me AND t.participant_id = ?2)",
                        Q(I(from), I(to)));
    if (rc == BX_OK)
        rc = st_db_list(tx->conn, a, st_read_i64, sizeof *chats, &chats, &chat_count,
                        "SELECT DISTINCT f.chat_id FROM messages f WHERE f.participant_id = ?1",
                        Q(I(from)));
    if (rc == BX_OK)
        rc = drop_each(tx, ids, count);
    if (rc == BX_OK)
        rc = run_all(tx, moves, 1, from, to);
    for (size_t i = 0; rc == BX_OK && count > 0 && i < chat_count; i++)
        rc = st_chat_recount(tx, chats[i]);
    return rc;
}

/* The chats of both: one moves over, or is merged into the other's. */
static int contact_chats_merge(struct st_tx *tx, int64_t from, int64_t to, struct bx_arena *a,
                               struct st_contact_found *found)
{
    int64_t from_chat = 0, to_chat = 0;
    int rc =
        st_db_i64(tx->conn, &from_chat, "SELECT id FROM chats WHERE contact_id = ?1", Q(I(from)));
    if (rc == BX_OK || rc == BX_E_NOT_FOUND)
        rc = st_db_i64(tx->conn, &to_chat, "SELECT id FROM chats WHERE contact_id = ?1", Q(I(to)));
    if (rc != BX_OK && rc != BX_E_NOT_FOUND)
        return rc;
    if (!from_chat)
        return BX_OK;
    rc = st_db_run(tx->conn,
                   "UPDATE messages SET sender_id = ?2 WHERE chat_id = ?1 AND sender_id "
                   "= ?3",
                   Q(I(from_chat), I(to), I(from)));
    if (rc < 0)
        return rc;
    if (!to_chat) {
        rc = st_db_run(tx->conn, "UPDATE chats SET contact_id = ?2 WHERE id = ?1",
                       Q(I(from_chat), I(to)));
        return rc < 0 ? rc : BX_OK;
    }
    found->merged_chat_id = from_chat;
    static const char counters[] =
        "UPDATE number_state SET chat_count = chat_count - 1, archived_count = archived_count - "
        "(SELECT max(f.is_archived, t.is_archived) FROM chats f, chats t WHERE f.id = ?1 AND t.id "
        "= ?2) WHERE number_id = (SELECT number_id FROM chats WHERE id = ?2)";
    rc = st_db_run(tx->conn, counters, Q(I(from_chat), I(to_chat)));
    return rc < 0 ? rc : chats_merge(tx, from_chat, to_chat, a);
}

static int contacts_merge(struct st_tx *tx, const struct st_contact *from,
                          const struct st_contact *to, struct st_contact_found *found)
{
    static const char *const moves[] = {
        "UPDATE OR IGNORE members SET contact_id = ?2 WHERE contact_id = ?1",
        "DELETE FROM members WHERE contact_id = ?1 AND ?2 = ?2",
        "UPDATE OR IGNORE reactions SET contact_id = ?2 WHERE contact_id = ?1",
        "DELETE FROM reactions WHERE contact_id = ?1 AND contact_id > 0 AND ?2 = ?2",
        "UPDATE OR IGNORE receipts SET contact_id = ?2 WHERE contact_id = ?1",
        "DELETE FROM receipts WHERE contact_id = ?1 AND ?2 = ?2",
        "UPDATE OR IGNORE responses SET contact_id = ?2 WHERE contact_id = ?1",
        "DELETE FROM responses WHERE contact_id = ?1 AND contact_id > 0 AND ?2 = ?2",
        "UPDATE OR IGNORE audience_members SET contact_id = ?2 WHERE contact_id = ?1",
        "DELETE FROM audience_members WHERE contact_id = ?1 AND ?2 = ?2",
        "UPDATE phone_aliases SET contact_id = ?2 WHERE contact_id = ?1",
        "DELETE FROM contacts WHERE id = ?1 AND ?2 = ?2",
    };
    struct bx_arena a;
    bx_arena_init(&a, 0);
    int rc = contact_chats_merge(tx, from->id, to->id, &a, found);
    if (rc == BX_OK)
        rc = group_messages_move(tx, from->id, to->id, &a);
    if (rc == BX_OK)
        rc = run_all(tx, moves, BX_LEN(moves), from->id, to->id);
    /* Names that only the other knew stay known. */
    rc = rc < 0 ? rc
                : st_db_run(tx->conn,
                            "UPDATE contacts SET lid = coalesce(lid, ?2), phone = coalesce(phone, "
                            "?3), name = coalesce(name, ?4), push_name = coalesce(push_name, ?5), "
                            "business_name = coalesce(business_name, ?6), is_blocked = "
                            "max(is_blocked, ?7), updated_at = ?8 WHERE id = ?1",
                            Q(I(to->id), T(from->lid), T(from->phone), T(from->name),
                              T(from->push_name), T(from->business_name), I(from->is_blocked),
                              I(tx->now)));
    bx_arena_done(&a);
    return rc < 0 ? rc : BX_OK;
}

/* ---- resolving ---- */

static int contact_insert(struct st_tx *tx, int64_t number_id, struct bx_str phone,
                          struct bx_str lid, int64_t *out_id)
{
    return st_db_insert(tx->conn, out_id,
                        "INSERT INTO contacts (number_id, phone, lid, created_at, updated_at) "
                        "VALUES (?1, ?2, ?3, ?4, ?4)",
                        Q(I(number_id), T(phone), T(lid), I(tx->now)));
}

/* Gives the contact the name it did not have. A name that changed hands (a phone with a new LID)
 * is taken from the contact that had it. */
static int contact_complete(struct st_tx *tx, const struct st_contact *who, struct bx_str phone,
                            struct bx_str lid)
{
    bool has_new_phone = phone.ptr && !bx_str_eq(phone, who->phone);
    bool has_new_lid = lid.ptr && !bx_str_eq(lid, who->lid);
    if (!has_new_phone && !has_new_lid)
        return BX_OK;
    int rc = st_db_run(tx->conn,
                       "UPDATE contacts SET phone = coalesce(?2, phone), lid = coalesce(?3, lid), "
                       "updated_at = ?4 WHERE id = ?1",
                       Q(I(who->id), T(phone), T(lid), I(tx->now)));
    return rc < 0 ? rc : chat_follow(tx, who->id);
}

static int two_found(struct st_tx *tx, const struct st_contact *by_phone,
                     const struct st_contact *by_lid, struct st_contact_found *found)
{
    found->is_merged = true;
    found->contact_id = by_phone->id;
    return contacts_merge(tx, by_lid, by_phone, found);
}

static int resolve(struct st_tx *tx, int64_t number_id, struct bx_str phone, struct bx_str lid,
                   struct bx_arena *a, struct st_contact_found *found)
{
    const struct bx_str none = {0};
    struct st_contact by_phone, by_lid;
    int rc_phone = st_contact_find(tx->conn, number_id, phone, none, a, &by_phone);
    int rc_lid = st_contact_find(tx->conn, number_id, none, lid, a, &by_lid);
    if ((rc_phone < 0 && rc_phone != BX_E_NOT_FOUND) || (rc_lid < 0 && rc_lid != BX_E_NOT_FOUND))
        return rc_phone < 0 && rc_phone != BX_E_NOT_FOUND ? rc_phone : rc_lid;
    if (rc_phone < 0 && rc_lid < 0) {
        found->is_new = true;
        return contact_insert(tx, number_id, phone, lid, &found->contact_id);
    }
    int rc = BX_OK;
    struct st_contact who = rc_phone == BX_OK ? by_phone : by_lid;
    if (rc_phone == BX_OK)
        phone = by_phone.phone; /* maybe found by another writing of it */
    found->contact_id = who.id;
    if (rc_phone == BX_OK && rc_lid == BX_OK && by_phone.id != by_lid.id)
        rc = two_found(tx, &by_phone, &by_lid, found);
    return rc == BX_OK ? contact_complete(tx, &who, phone, lid) : rc;
}

int st_contact_resolve(struct st_tx *tx, int64_t number_id, struct bx_str phone, struct bx_str lid,
                       struct st_contact_found *out)
{
    if (!phone.ptr && !lid.ptr)
        return BX_E_INVALID;
    struct bx_arena a;
    bx_arena_init(&a, 0);
    struct st_contact_found found = {0};
    int rc = resolve(tx, number_id, phone, lid, &a, &found);
    bx_arena_done(&a);
    if (rc == BX_OK && !found.is_new) {
        rc = st_db_i64(tx->conn, &found.chat_id, "SELECT id FROM chats WHERE contact_id = ?1",
                       Q(I(found.contact_id)));
        if (rc == BX_E_NOT_FOUND)
            rc = BX_OK;
    }
    if (rc == BX_OK)
        *out = found;
    return rc;
}

static int alias(struct st_tx *tx, int64_t number_id, struct bx_str phone,
                 struct bx_str account_phone, struct bx_arena *a, struct st_contact_found *found)
{
    struct st_contact typed, account;
    struct bx_str none = {0};
    int rc = st_contact_find(tx->conn, number_id, phone, none, a, &typed);
    if (rc < 0 || bx_str_eq(typed.phone, account_phone))
        return rc; /* known already */
    found->contact_id = typed.id;
    rc = st_contact_find(tx->conn, number_id, account_phone, none, a, &account);
    if (rc == BX_OK && account.id != typed.id) {
        found->contact_id = account.id;
        found->is_merged = true;
        rc = contacts_merge(tx, &typed, &account, found);
        if (rc == BX_OK)
            rc = chat_follow(tx, account.id);
    } else if (rc == BX_E_NOT_FOUND || rc == BX_OK) {
        rc = contact_complete(tx, &typed, account_phone, none);
    }
    if (rc == BX_OK)
        rc = st_db_run(tx->conn, "INSERT OR REPLACE INTO phone_aliases VALUES (?1, ?2, ?3)",
                       Q(I(number_id), T(phone), I(found->contact_id)));
    return rc < 0 ? rc : BX_OK;
}

int st_contact_alias(struct st_tx *tx, int64_t number_id, struct bx_str phone,
                     struct bx_str account_phone, struct st_contact_found *out)
{
    struct bx_arena a;
    struct st_contact_found found = {0};
    bx_arena_init(&a, 0);
    int rc = alias(tx, number_id, phone, account_phone, &a, &found);
    bx_arena_done(&a);
    if (rc == BX_OK && found.contact_id)
        rc = st_db_i64(tx->conn, &found.chat_id, "SELECT id FROM chats WHERE contact_id = ?1",
                       Q(I(found.contact_id)));
    if (rc == BX_E_NOT_FOUND)
        rc = BX_OK;
    if (rc == BX_OK)
        *out = found;
    return rc;
}
