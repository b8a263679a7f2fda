/* What changes messages and chats from outside: changes that wait for their message, votes and
 * answers, the audience of a message in a group, the timer of a chat. */
#include "store/sqlite/db.h"

/* ---- changes that wait ---- */

int st_change_keep(struct st_tx *tx, int64_t chat_id, struct bx_str target_wa_id,
                   struct bx_str change)
{
    int64_t id, waiting;
    chat_id = st_chat_resolve(tx->conn, chat_id);
    int rc = st_db_i64(tx->conn, &waiting,
                       "SELECT count(*) FROM pending_changes WHERE chat_id = ?1", Q(I(chat_id)));
    if (rc >= 0 && waiting >= ST_CHANGES_MAX) {
        rc = st_db_run(tx->conn,
                       "DELETE FROM pending_changes WHERE id = (SELECT id FROM pending_changes "
                       "WHERE chat_id = ?1 AND iif(json_valid(change), json_extract(change, "
                       "'$.kind'), '') NOT IN ('edit', 'revoke') ORDER BY id LIMIT 1)",
                       Q(I(chat_id)));
        rc = rc == 0 ? BX_E_FULL : rc;
    }
    if (rc < 0)
        return rc;
    return st_db_insert(tx->conn, &id,
                        "INSERT INTO pending_changes (chat_id, target_wa_id, change, stored_at) "
                        "VALUES (?1, ?2, ?3, ?4)",
                        Q(I(chat_id), T(target_wa_id), T(change), I(tx->now)));
}

static void change_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    struct st_change *change = out;
    change->id = st_col_i64(c);
    change->change = st_col_str(c, a);
}

static int drop_taken(struct st_tx *tx, const struct st_change *rows, size_t count)
{
    int rc = BX_OK;
    for (size_t i = 0; rc >= 0 && i < count; i++)
        rc = st_db_run(tx->conn, "DELETE FROM pending_changes WHERE id = ?1", Q(I(rows[i].id)));
    return rc < 0 ? rc : BX_OK;
}

int st_change_take(struct st_tx *tx, int64_t chat_id, struct bx_str target_wa_id,
                   struct bx_arena *a, struct st_change **out, size_t *out_count)
{
    chat_id = st_chat_resolve(tx->conn, chat_id);
    int rc = st_db_list(tx->conn, a, change_read, sizeof **out, out, out_count,
                        target_wa_id.ptr
                            ? "SELECT id, change FROM pending_changes WHERE chat_id = ?1 AND "
                              "target_wa_id = ?2 ORDER BY id"
                            : "SELECT id, change FROM pending_changes WHERE chat_id = ?1 AND "
                              "?2 IS NULL AND target_wa_id IN (SELECT wa_id FROM messages WHERE "
                              "chat_id = ?1) ORDER BY id",
                        Q(I(chat_id), T(target_wa_id)));
    return rc == BX_OK ? drop_taken(tx, *out, *out_count) : rc;
}

int st_change_trim(struct st_tx *tx, int64_t before, int64_t max_rows)
{
    return st_db_run(tx->conn,
                     "DELETE FROM pending_changes WHERE id IN (SELECT id FROM pending_changes "
                     "ORDER BY id LIMIT ?2) AND stored_at < ?1",
                     Q(I(before), I(max_rows)));
}

int st_change_count(struct st_conn *conn, int64_t *out)
{
    return st_db_i64(conn, out, "SELECT count(*) FROM pending_changes", Q0);
}

/* ---- votes and answers ---- */

int st_response_set(struct st_tx *tx, const struct st_response *r)
{
    /* Of two in one second the later arrival counts. */
    int rc = st_db_run(tx->conn,
                       "INSERT INTO responses VALUES (?1, ?2, ?3, ?4) ON CONFLICT DO UPDATE SET "
                       "choice = excluded.choice, responded_at = excluded.responded_at WHERE "
                       "excluded.responded_at > responded_at OR (excluded.responded_at = "
                       "responded_at AND excluded.choice <> choice)",
                       Q(I(r->message_id), I(r->contact_id), T(r->choice), I(r->responded_at)));
    return rc;
}

static void response_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    struct st_response *r = out;
    r->message_id = st_col_i64(c);
    r->contact_id = st_col_i64(c);
    r->choice = st_col_str(c, a);
    r->responded_at = st_col_i64(c);
    r->contact_name = st_col_str(c, a);
    r->contact_phone = st_col_str(c, a);
    r->contact_lid = st_col_str(c, a);
}

int st_response_list(struct st_conn *conn, int64_t message_id, struct bx_arena *a,
                     struct st_response **out, size_t *out_count)
{
    return st_db_list(conn, a, response_read, sizeof **out, out, out_count,
                      "SELECT r.message_id, r.contact_id, r.choice, r.responded_at, "
                      "coalesce(c.name, c.push_name, c.business_name), c.phone, c.lid FROM "
                      "responses r LEFT JOIN contacts c ON c.id = r.contact_id WHERE "
                      "r.message_id = ?1 AND r.choice <> '' ORDER BY r.responded_at, r.contact_id",
                      Q(I(message_id)));
}

/* ---- details ---- */

int st_message_details_set(struct st_tx *tx, int64_t message_id, struct bx_str json)
{
    return st_db_must(tx->conn, "UPDATE messages SET details = ?2 WHERE id = ?1",
                      Q(I(message_id), T(json)));
}

/* ---- audiences ---- */

static int audience_make(struct st_tx *tx, int64_t chat_id, int64_t *out)
{
    int rc =
        st_db_insert(tx->conn, out, "INSERT INTO audiences (chat_id) VALUES (?1)", Q(I(chat_id)));
    if (rc == BX_OK)
        rc = st_db_run(tx->conn,
                       "INSERT INTO audience_members SELECT ?1, contact_id FROM members WHERE "
                       "chat_id = ?2",
                       Q(I(*out), I(chat_id)));
    if (rc >= 0)
        rc = st_db_run(tx->conn, "UPDATE chats SET audience_id = ?1 WHERE id = ?2",
                       Q(I(*out), I(chat_id)));
    return rc < 0 ? rc : BX_OK;
}

int st_audience_set(struct st_tx *tx, int64_t message_id)
{
    int64_t chat_id, audience;
    int rc = st_db_i64(tx->conn, &chat_id, "SELECT chat_id FROM messages WHERE id = ?1",
                       Q(I(message_id)));
    if (rc == BX_OK)
        rc = st_db_i64(tx->conn, &audience, "SELECT audience_id FROM chats WHERE id = ?1",
                       Q(I(chat_id)));
    if (rc == BX_OK && !audience)
        rc = audience_make(tx, chat_id, &audience);
    if (rc == BX_OK)
        rc = st_db_run(tx->conn, "INSERT OR IGNORE INTO message_audience VALUES (?1, ?2)",
                       Q(I(message_id), I(audience)));
    return rc < 0 ? rc : BX_OK;
}

int st_audience_list(struct st_conn *conn, int64_t message_id, struct bx_arena *a, int64_t **out,
                     size_t *out_count)
{
    int64_t audience;
    int rc =
        st_db_i64(conn, &audience, "SELECT audience_id FROM message_audience WHERE message_id = ?1",
                  Q(I(message_id)));
    if (rc == BX_E_NOT_FOUND)
        return st_db_list(conn, a, st_read_i64, sizeof **out, out, out_count,
                          "SELECT contact_id FROM members WHERE chat_id = (SELECT chat_id FROM "
                          "messages WHERE id = ?1) ORDER BY contact_id",
                          Q(I(message_id)));
    return rc < 0 ? rc
                  : st_db_list(conn, a, st_read_i64, sizeof **out, out, out_count,
                               "SELECT contact_id FROM audience_members WHERE audience_id = ?1 "
                               "ORDER BY contact_id",
                               Q(I(audience)));
}

/* ---- timers ---- */

int st_chat_timer_set(struct st_tx *tx, int64_t chat_id, int64_t seconds, int64_t set_at)
{
    chat_id = st_chat_resolve(tx->conn, chat_id);
    /* The same again, later: what was set in between and comes after it must not win. */
    int rc = st_db_run(tx->conn,
                       "UPDATE chats SET ephemeral_set_at = ?3 WHERE id = ?1 AND "
                       "ephemeral_set_at < ?3 AND ephemeral_s = ?2",
                       Q(I(chat_id), I(seconds), I(set_at)));
    if (rc != 0)
        return rc < 0 ? rc : 0;
    return st_db_run(tx->conn,
                     "UPDATE chats SET ephemeral_s = ?2, ephemeral_set_at = ?3 WHERE id = ?1 AND "
                     "ephemeral_set_at <= ?3 AND ephemeral_s <> ?2",
                     Q(I(chat_id), I(seconds), I(set_at)));
}
