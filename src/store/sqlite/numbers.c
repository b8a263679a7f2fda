/* Numbers, permissions, sessions. */
#include "store/sqlite/db.h"

#define NUMBER_COLUMNS                                                                             \
    "n.id, n.name, n.phone, n.is_active, n.policy, n.created_at, n.updated_at, s.last_seq, "       \
    "s.last_activity_at, s.chat_count, s.archived_count"
#define NUMBER_FROM " FROM numbers n JOIN number_state s ON s.number_id = n.id "

static void number_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    struct st_number *n = out;
    n->id = st_col_i64(c);
    n->name = st_col_str(c, a);
    n->phone = st_col_str(c, a);
    n->is_active = st_col_bool(c);
    n->policy = st_col_str(c, a);
    n->created_at = st_col_i64(c);
    n->updated_at = st_col_i64(c);
    n->last_seq = st_col_i64(c);
    n->last_activity_at = st_col_i64(c);
    n->chat_count = st_col_i64(c);
    n->archived_count = st_col_i64(c);
}

static struct bx_str policy_of(const struct st_number *n)
{
    return n->policy.len ? n->policy : BX_STR("{}");
}

int st_number_insert(struct st_tx *tx, const struct st_number *n, int64_t *out_id)
{
    int64_t id;
    int rc = st_db_insert(tx->conn, &id,
                          "INSERT INTO numbers (name, phone, is_active, policy, created_at, "
                          "updated_at) VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
                          Q(T(n->name), T(n->phone), I(n->is_active), T(policy_of(n)), I(tx->now)));
    if (rc == BX_OK)
        rc = st_db_run(tx->conn, "INSERT INTO number_state (number_id) VALUES (?1)", Q(I(id)));
    if (rc < 0)
        return rc;
    *out_id = id;
    return BX_OK;
}

int st_number_update(struct st_tx *tx, const struct st_number *n)
{
    return st_db_must(
        tx->conn,
        "UPDATE numbers SET name = ?2, phone = ?3, is_active = ?4, policy = ?5, "
        "updated_at = ?6 WHERE id = ?1 AND deleted_at = 0",
        Q(I(n->id), T(n->name), T(n->phone), I(n->is_active), T(policy_of(n)), I(tx->now)));
}

int st_number_get(struct st_conn *conn, int64_t id, struct bx_arena *a, struct st_number *out)
{
    return st_db_one(conn, a, number_read, out,
                     "SELECT " NUMBER_COLUMNS NUMBER_FROM "WHERE n.id = ?1 AND n.deleted_at = 0",
                     Q(I(id)));
}

int st_number_by_phone(struct st_conn *conn, struct bx_str phone, struct bx_arena *a,
                       struct st_number *out)
{
    return st_db_one(conn, a, number_read, out,
                     "SELECT " NUMBER_COLUMNS NUMBER_FROM "WHERE n.phone = ?1 AND n.deleted_at = 0",
                     Q(T(phone)));
}

#define BOUND(key, number)                                                                         \
    "(" key " = 0 OR NOT EXISTS (SELECT 1 FROM api_key_numbers WHERE api_key_id = " key ") OR "    \
    "EXISTS (SELECT 1 FROM api_key_numbers WHERE api_key_id = " key " AND number_id = " number     \
    ")) "

#define NUMBER_FILTER                                                                              \
    "WHERE n.deleted_at = 0 AND (?1 IS NULL OR has_fold(n.name, ?1) OR has_fold(n.phone, ?1) OR "  \
    "n.phone LIKE ?5) AND (?2 = -1 OR n.is_active = ?2) AND (?3 = 0 OR n.id IN "                   \
    "(SELECT number_id "                                                                           \
    "FROM permissions WHERE user_id = ?3)) AND " BOUND("?4", "n.id")

int st_number_list(struct st_conn *conn, const struct st_number_query *q, struct bx_arena *a,
                   struct st_number **out, size_t *out_count, int64_t *out_total)
{
    static const char *const order[] = {
        [ST_NUMBER_BY_ID] = "n.id",
        [ST_NUMBER_BY_NAME] = "fold(n.name)",
        [ST_NUMBER_BY_PHONE] = "n.phone",
        [ST_NUMBER_BY_ACTIVE] = "n.is_active",
        [ST_NUMBER_BY_CREATED] = "n.created_at",
    };
    const char *way = q->is_descending ? "DESC" : "ASC";
    struct bx_str sql = bx_arena_printf(a,
                                        "SELECT " NUMBER_COLUMNS NUMBER_FROM NUMBER_FILTER
                                        "ORDER BY %s %s, n.id %s LIMIT ?6 OFFSET ?7",
                                        order[q->sort], way, way);
    struct bx_str part = st_fold(a, q->search), digits = st_like(a, q->digits);
    int64_t total;
    int rc =
        st_db_i64(conn, &total, "SELECT count(*) FROM numbers n " NUMBER_FILTER,
                  Q(T(part), I(q->is_active), I(q->permitted_to), I(q->api_key_id), T(digits)));
    struct st_cur c;
    if (rc == BX_OK)
        rc = st_db_begin_text(&c, conn, sql.ptr,
                              Q(T(part), I(q->is_active), I(q->permitted_to), I(q->api_key_id),
                                T(digits), I(st_limit(q->limit)), I(st_offset(q->offset))));
    if (rc == BX_OK)
        rc = st_db_rows(&c, a, number_read, sizeof **out, out, out_count);
    if (rc == BX_OK)
        *out_total = total;
    return rc;
}

/* ---- deletion: at once for people, in pieces for the database ---- */

int st_number_delete(struct st_tx *tx, int64_t id)
{
    static const char *const parts[] = {"DELETE FROM permissions WHERE number_id = ?1",
                                        "DELETE FROM sessions WHERE number_id = ?1",
                                        "DELETE FROM outbox WHERE number_id = ?1"};
    int rc =
        st_db_must(tx->conn, "UPDATE numbers SET deleted_at = ?2 WHERE id = ?1 AND deleted_at = 0",
                   Q(I(id), I(tx->now)));
    for (size_t i = 0; rc >= 0 && i < BX_LEN(parts); i++)
        rc = st_db_run(tx->conn, parts[i], Q(I(id)));
    return rc < 0 ? rc : BX_OK;
}

/* Messages of the number's first chat, then the chat. 0: no chat left. */
static int purge_chat(struct st_tx *tx, int64_t number_id, int64_t max_rows)
{
    int64_t chat;
    int rc = st_db_i64(tx->conn, &chat, "SELECT id FROM chats WHERE number_id = ?1 LIMIT 1",
                       Q(I(number_id)));
    if (rc != BX_OK)
        return rc == BX_E_NOT_FOUND ? 0 : rc;
    rc = st_chat_drop_messages(tx, chat, max_rows);
    if (rc < 0 || rc >= max_rows)
        return rc;
    int dropped = rc;
    rc = st_db_must(tx->conn, "DELETE FROM chats WHERE id = ?1", Q(I(chat)));
    return rc == BX_OK ? dropped + 1 : rc;
}

/* api_key_numbers stay: a key whose last number went would be bound to none, and so open to all. */
static int purge_step(struct st_tx *tx, int64_t number_id, int64_t max_rows)
{
    static const char *const parts[] = {
        "DELETE FROM contacts WHERE id IN (SELECT id FROM contacts WHERE number_id = ?1 LIMIT ?2)",
        "DELETE FROM events WHERE number_id = ?1 AND seq IN (SELECT seq FROM events WHERE "
        "number_id = ?1 LIMIT ?2)",
        "DELETE FROM keys WHERE number_id = ?1 AND (kind, name) IN (SELECT kind, name FROM keys "
        "WHERE number_id = ?1 LIMIT ?2)",
        "DELETE FROM numbers WHERE id = ?1 AND ?2 = ?2"};
    int rc = purge_chat(tx, number_id, max_rows);
    for (size_t i = 0; rc == 0 && i < BX_LEN(parts); i++)
        rc = st_db_run(tx->conn, parts[i], Q(I(number_id), I(max_rows)));
    return rc;
}

int st_number_purge(struct st_tx *tx, int64_t max_rows)
{
    int64_t done = 0;
    int rc = 1;
    while (rc > 0 && done < max_rows) {
        int64_t number;
        rc =
            st_db_i64(tx->conn, &number, "SELECT id FROM numbers WHERE deleted_at > 0 LIMIT 1", Q0);
        if (rc == BX_E_NOT_FOUND)
            break;
        if (rc == BX_OK)
            rc = purge_step(tx, number, max_rows - done);
        if (rc < 0)
            return rc;
        done += rc;
    }
    return (int)done;
}

/* ---- permissions ---- */

#define PERMISSION_COLUMNS                                                                         \
    "p.id, p.user_id, p.number_id, n.name, n.phone, n.is_active, p.created_at, p.updated_at"

static void permission_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    struct st_permission *p = out;
    p->id = st_col_i64(c);
    p->user_id = st_col_i64(c);
    p->number_id = st_col_i64(c);
    p->number_name = st_col_str(c, a);
    p->number_phone = st_col_str(c, a);
    p->number_is_active = st_col_bool(c);
    p->created_at = st_col_i64(c);
    p->updated_at = st_col_i64(c);
}

int st_permission_insert(struct st_tx *tx, int64_t user_id, int64_t number_id, int64_t *out_id)
{
    int64_t live;
    int rc = st_db_i64(tx->conn, &live, "SELECT 1 FROM numbers WHERE id = ?1 AND deleted_at = 0",
                       Q(I(number_id)));
    if (rc != BX_OK)
        return rc == BX_E_NOT_FOUND ? BX_E_INVALID : rc;
    return st_db_insert(tx->conn, out_id,
                        "INSERT INTO permissions (user_id, number_id, created_at, updated_at) "
                        "VALUES (?1, ?2, ?3, ?3)",
                        Q(I(user_id), I(number_id), I(tx->now)));
}

int st_permission_delete(struct st_tx *tx, int64_t id)
{
    return st_db_must(tx->conn, "DELETE FROM permissions WHERE id = ?1", Q(I(id)));
}

int st_permission_get(struct st_conn *conn, int64_t id, struct bx_arena *a,
                      struct st_permission *out)
{
    return st_db_one(conn, a, permission_read, out,
                     "SELECT " PERMISSION_COLUMNS
                     " FROM permissions p JOIN numbers n ON n.id = p.number_id WHERE p.id = ?1",
                     Q(I(id)));
}

#define PERMISSION_FILTER "WHERE (?1 = 0 OR p.user_id = ?1) AND " BOUND("?2", "p.number_id")

int st_permission_list(struct st_conn *conn, const struct st_permission_query *q,
                       struct bx_arena *a, struct st_permission **out, size_t *out_count,
                       int64_t *out_total)
{
    int64_t total;
    int rc = st_db_i64(conn, &total, "SELECT count(*) FROM permissions p " PERMISSION_FILTER,
                       Q(I(q->user_id), I(q->api_key_id)));
    if (rc == BX_OK)
        rc = st_db_list(
            conn, a, permission_read, sizeof **out, out, out_count,
            "SELECT " PERMISSION_COLUMNS
            " FROM permissions p JOIN numbers n ON n.id = p.number_id " PERMISSION_FILTER
            "ORDER BY p.id LIMIT ?3 OFFSET ?4",
            Q(I(q->user_id), I(q->api_key_id), I(st_limit(q->limit)), I(st_offset(q->offset))));
    if (rc == BX_OK)
        *out_total = total;
    return rc;
}

int st_permission_check(struct st_conn *conn, int64_t user_id, int64_t number_id)
{
    int64_t found;
    int rc =
        st_db_i64(conn, &found, "SELECT 1 FROM permissions WHERE user_id = ?1 AND number_id = ?2",
                  Q(I(user_id), I(number_id)));
    return rc == BX_E_NOT_FOUND ? BX_E_DENIED : rc;
}

int st_permission_numbers(struct st_conn *conn, int64_t user_id, struct bx_arena *a, int64_t **out,
                          size_t *out_count)
{
    return st_db_list(conn, a, st_read_i64, sizeof **out, out, out_count,
                      "SELECT number_id FROM permissions WHERE user_id = ?1 ORDER BY number_id",
                      Q(I(user_id)));
}

int st_permission_users(struct st_conn *conn, int64_t number_id, struct bx_arena *a, int64_t **out,
                        size_t *out_count)
{
    return st_db_list(conn, a, st_read_i64, sizeof **out, out, out_count,
                      "SELECT user_id FROM permissions WHERE number_id = ?1 ORDER BY user_id",
                      Q(I(number_id)));
}

/* ---- sessions ---- */

#define SESSION_COLUMNS                                                                            \
    "s.id, s.number_id, n.name, n.phone, s.status, s.is_active, s.credentials IS NOT NULL, "       \
    "s.last_connected_at, s.error_message, s.reason, s.retry_at, s.jid, s.lid, s.push_name, "      \
    "s.platform, s.scanned_phone, s.created_at, s.updated_at"
#define SESSION_FROM " FROM sessions s JOIN numbers n ON n.id = s.number_id "

static void session_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    struct st_session *s = out;
    s->id = st_col_i64(c);
    s->number_id = st_col_i64(c);
    s->number_name = st_col_str(c, a);
    s->number_phone = st_col_str(c, a);
    s->status = (enum st_link_status)st_col_i64(c);
    s->is_active = st_col_bool(c);
    s->has_credentials = st_col_bool(c);
    s->last_connected_at = st_col_i64(c);
    s->error_message = st_col_str(c, a);
    s->reason = st_col_str(c, a);
    s->retry_at = st_col_i64(c);
    s->jid = st_col_str(c, a);
    s->lid = st_col_str(c, a);
    s->push_name = st_col_str(c, a);
    s->platform = st_col_str(c, a);
    s->scanned_phone = st_col_str(c, a);
    s->created_at = st_col_i64(c);
    s->updated_at = st_col_i64(c);
}

int st_session_ensure(struct st_tx *tx, int64_t number_id, int64_t *out_id)
{
    int rc = st_db_i64(tx->conn, out_id, "SELECT id FROM sessions WHERE number_id = ?1",
                       Q(I(number_id)));
    if (rc != BX_E_NOT_FOUND)
        return rc;
    return st_db_insert(tx->conn, out_id,
                        "INSERT INTO sessions (number_id, status, is_active, created_at, "
                        "updated_at) VALUES (?1, ?2, 1, ?3, ?3)",
                        Q(I(number_id), I(ST_LINK_PENDING), I(tx->now)));
}

int st_session_update(struct st_tx *tx, const struct st_session *s)
{
    return st_db_must(
        tx->conn,
        "UPDATE sessions SET status = ?2, is_active = ?3, last_connected_at = CASE WHEN ?4 <> 0 "
        "THEN ?4 WHEN ?2 = 2 AND status <> 2 THEN ?12 ELSE last_connected_at END, error_message = "
        "?5, reason = ?6, retry_at = ?7, jid = ?8, lid = ?9, push_name = ?10, platform = ?11, "
        "updated_at = ?12, scanned_phone = ?13 WHERE id = ?1",
        Q(I(s->id), I(s->status), I(s->is_active), I(s->last_connected_at), T(s->error_message),
          T(s->reason), I(s->retry_at), T(s->jid), T(s->lid), T(s->push_name), T(s->platform),
          I(tx->now), T(s->scanned_phone)));
}

int st_session_get(struct st_conn *conn, int64_t id, struct bx_arena *a, struct st_session *out)
{
    return st_db_one(conn, a, session_read, out,
                     "SELECT " SESSION_COLUMNS SESSION_FROM "WHERE s.id = ?1", Q(I(id)));
}

int st_session_by_number(struct st_conn *conn, int64_t number_id, struct bx_arena *a,
                         struct st_session *out)
{
    return st_db_one(conn, a, session_read, out,
                     "SELECT " SESSION_COLUMNS SESSION_FROM "WHERE s.number_id = ?1",
                     Q(I(number_id)));
}

#define SESSION_FILTER                                                                             \
    "WHERE (?1 = -1 OR s.status = ?1) AND (?2 = -1 OR s.is_active = ?2) AND (?3 = 0 OR "           \
    "s.number_id IN (SELECT number_id FROM permissions WHERE user_id = ?3)) AND " BOUND(           \
        "?4", "s.number_id")

int st_session_list(struct st_conn *conn, const struct st_session_query *q, struct bx_arena *a,
                    struct st_session **out, size_t *out_count, int64_t *out_total)
{
    int64_t total, limit = q->is_unlimited ? -1 : st_limit(q->limit);
    int rc = st_db_i64(conn, &total, "SELECT count(*) FROM sessions s " SESSION_FILTER,
                       Q(I(q->status), I(q->is_active), I(q->permitted_to), I(q->api_key_id)));
    if (rc == BX_OK)
        rc = st_db_list(conn, a, session_read, sizeof **out, out, out_count,
                        "SELECT " SESSION_COLUMNS SESSION_FROM SESSION_FILTER
                        "ORDER BY s.status = 2 DESC, s.id LIMIT ?5 OFFSET ?6",
                        Q(I(q->status), I(q->is_active), I(q->permitted_to), I(q->api_key_id),
                          I(limit), I(q->is_unlimited ? 0 : st_offset(q->offset))));
    if (rc == BX_OK)
        *out_total = total;
    return rc;
}

int st_session_credentials_set(struct st_tx *tx, int64_t number_id, struct bx_str sealed)
{
    return st_db_must(tx->conn, "UPDATE sessions SET credentials = ?2 WHERE number_id = ?1",
                      Q(I(number_id), B(sealed)));
}

static void blob_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    *(struct bx_str *)out = st_col_str(c, a);
}

int st_session_credentials_get(struct st_conn *conn, int64_t number_id, struct bx_arena *a,
                               struct bx_str *out)
{
    return st_db_one(conn, a, blob_read, out,
                     "SELECT credentials FROM sessions WHERE number_id = ?1 AND credentials IS "
                     "NOT NULL",
                     Q(I(number_id)));
}

int st_session_wipe(struct st_tx *tx, int64_t number_id)
{
    int rc = st_db_must(tx->conn,
                        "UPDATE sessions SET credentials = NULL, jid = NULL, lid = NULL, "
                        "push_name = NULL, platform = NULL, updated_at = ?2 WHERE number_id = ?1",
                        Q(I(number_id), I(tx->now)));
    if (rc == BX_OK)
        rc = st_db_run(tx->conn, "DELETE FROM keys WHERE number_id = ?1", Q(I(number_id)));
    return rc < 0 ? rc : BX_OK;
}

int st_session_delete(struct st_tx *tx, int64_t id)
{
    int64_t number_id;
    int rc =
        st_db_i64(tx->conn, &number_id, "SELECT number_id FROM sessions WHERE id = ?1", Q(I(id)));
    if (rc == BX_OK)
        rc = st_session_wipe(tx, number_id);
    return rc == BX_OK ? st_db_must(tx->conn, "DELETE FROM sessions WHERE id = ?1", Q(I(id))) : rc;
}

/* ---- monitoring ---- */

struct counted {
    int64_t state, count, oldest_at;
};

static void counted_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    struct counted *row = out;
    (void)a;
    row->state = st_col_i64(c);
    row->count = st_col_i64(c);
    row->oldest_at = st_col_i64(c);
}

int st_monitor_read(struct st_conn *conn, struct st_monitor *out)
{
    struct st_monitor m = {0};
    struct bx_arena arena;
    struct counted *rows;
    size_t count = 0;
    bx_arena_init(&arena, 0);
    int rc =
        st_db_list(conn, &arena, counted_read, sizeof *rows, &rows, &count,
                   "SELECT coalesce(s.status, ?1), count(*), 0 FROM numbers n LEFT JOIN sessions "
                   "s ON s.number_id = n.id WHERE n.deleted_at = 0 GROUP BY 1",
                   Q(I(ST_LINK_PENDING)));
    for (size_t i = 0; rc == BX_OK && i < count; i++) {
        if (rows[i].state >= 0 && rows[i].state < ST_MONITOR_STATES)
            m.numbers[rows[i].state] = rows[i].count;
    }
    if (rc == BX_OK)
        rc = st_db_list(conn, &arena, counted_read, sizeof *rows, &rows, &count,
                        "SELECT state, count(*), min(created_at) FROM outbox WHERE ?1 GROUP BY 1",
                        Q(I(1)));
    for (size_t i = 0; rc == BX_OK && i < count; i++) {
        if (rows[i].state >= 0 && rows[i].state < ST_MONITOR_OUTBOX)
            m.outbox[rows[i].state] = rows[i].count;
        if (!m.outbox_oldest_at || rows[i].oldest_at < m.outbox_oldest_at)
            m.outbox_oldest_at = rows[i].oldest_at;
    }
    bx_arena_done(&arena);
    if (rc == BX_OK)
        *out = m;
    return rc;
}
