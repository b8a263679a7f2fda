/* What comes in order: the event log, the outbox, audit, idempotency; and templates. */
#include "store/sqlite/db.h"

/* ---- event log ---- */

int st_event_append(struct st_tx *tx, int64_t number_id, struct bx_str type, int64_t chat_id,
                    struct bx_str payload, int64_t *out_seq)
{
    /* The counter is a row: a job that is undone gives its seq back. */
    int64_t seq;
    int rc = st_db_i64(tx->conn, &seq, "SELECT last_seq + 1 FROM number_state WHERE number_id = ?1",
                       Q(I(number_id)));
    if (rc != BX_OK)
        return rc == BX_E_NOT_FOUND ? BX_E_INVALID : rc;
    rc = st_db_run(tx->conn,
                   "UPDATE number_state SET last_seq = ?2, last_activity_at = ?3 WHERE number_id "
                   "= ?1",
                   Q(I(number_id), I(seq), I(tx->now)));
    if (rc >= 0)
        rc = st_db_run(tx->conn,
                       "INSERT INTO events (number_id, seq, at, chat_id, type, payload) VALUES "
                       "(?1, ?2, ?3, ?4, ?5, ?6)",
                       Q(I(number_id), I(seq), I(tx->now), I(chat_id), T(type), T(payload)));
    if (rc < 0)
        return rc;
    *out_seq = seq;
    return BX_OK;
}

static void event_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    struct st_event *e = out;
    e->number_id = st_col_i64(c);
    e->seq = st_col_i64(c);
    e->at = st_col_i64(c);
    e->chat_id = st_col_i64(c);
    e->type = st_col_str(c, a);
    e->payload = st_col_str(c, a);
}

int st_event_list(struct st_conn *conn, int64_t number_id, int64_t after, int64_t limit,
                  struct bx_arena *a, struct st_event **out, size_t *out_count)
{
    return st_db_page(conn, a, event_read, sizeof **out, out, out_count,
                      "SELECT number_id, seq, at, chat_id, type, payload FROM events WHERE "
                      "number_id = ?1 AND seq > ?2 ORDER BY seq LIMIT ?3",
                      Q(I(number_id), I(after), I(st_limit(limit))));
}

int st_event_range(struct st_conn *conn, int64_t number_id, int64_t *out_oldest, int64_t *out_last)
{
    struct st_cur c;
    /* One statement, one moment. */
    int rc = st_db_begin(&c, conn,
                         "SELECT last_seq, coalesce((SELECT min(seq) FROM events WHERE number_id = "
                         "?1), last_seq + 1) FROM number_state WHERE number_id = ?1",
                         Q(I(number_id)));
    if (rc == BX_OK)
        rc = st_db_next(&c);
    if (rc <= 0)
        return rc < 0 ? rc : BX_E_NOT_FOUND;
    *out_last = st_col_i64(&c);
    *out_oldest = st_col_i64(&c);
    st_db_end(&c);
    return BX_OK;
}

/* How far the log may be cut: the highest seq that goes, at most max_rows of them. Ages are taken
 * from the front only, so that no hole appears when the clock was set back. */
static int trim_border(struct st_conn *conn, int64_t number_id, int64_t max_count, int64_t before,
                       int64_t max_rows, int64_t *out)
{
    int64_t oldest, last, by_age = 0;
    int rc = st_event_range(conn, number_id, &oldest, &last);
    if (rc != BX_OK)
        return rc;
    int64_t reach = last - oldest < max_rows ? last : oldest + max_rows - 1;
    if (before > 0) {
        rc = st_db_i64(conn, &by_age,
                       "SELECT seq - 1 FROM events WHERE number_id = ?1 AND seq <= ?3 AND at >= ?2 "
                       "ORDER BY seq LIMIT 1",
                       Q(I(number_id), I(before), I(reach)));
        if (rc == BX_E_NOT_FOUND)
            by_age = reach;
        else if (rc != BX_OK)
            return rc;
    }
    int64_t by_count = max_count > 0 ? last - max_count : 0;
    int64_t border = by_age > by_count ? by_age : by_count;
    *out = border < reach ? border : reach;
    return BX_OK;
}

int st_event_trim(struct st_tx *tx, int64_t number_id, int64_t max_count, int64_t before,
                  int64_t max_rows)
{
    int64_t border;
    int rc = trim_border(tx->conn, number_id, max_count, before, max_rows, &border);
    if (rc != BX_OK)
        return rc;
    return st_db_run(tx->conn, "DELETE FROM events WHERE number_id = ?1 AND seq <= ?2",
                     Q(I(number_id), I(border)));
}

/* ---- outbox ---- */

#define OUTBOX_COLUMNS                                                                             \
    "id, message_id, number_id, chat_id, state, attempts, not_before, last_error, created_at"

static void outbox_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    struct st_outbox *o = out;
    o->id = st_col_i64(c);
    o->message_id = st_col_i64(c);
    o->number_id = st_col_i64(c);
    o->chat_id = st_col_i64(c);
    o->state = (enum st_outbox_state)st_col_i64(c);
    o->attempts = st_col_i64(c);
    o->not_before = st_col_i64(c);
    o->last_error = st_col_str(c, a);
    o->created_at = st_col_i64(c);
}

int st_outbox_put(struct st_tx *tx, int64_t message_id, int64_t *out_id)
{
    int rc = st_db_run(tx->conn,
                       "INSERT INTO outbox (message_id, number_id, chat_id, state, created_at) "
                       "SELECT id, number_id, chat_id, 0, ?2 FROM messages WHERE id = ?1",
                       Q(I(message_id), I(tx->now)));
    if (rc <= 0)
        return rc < 0 ? rc : BX_E_INVALID;
    *out_id = sqlite3_last_insert_rowid(tx->conn->db);
    return BX_OK;
}

int st_outbox_list(struct st_conn *conn, int64_t number_id, int64_t after_id, int64_t limit,
                   struct bx_arena *a, struct st_outbox **out, size_t *out_count)
{
    return st_db_list(conn, a, outbox_read, sizeof **out, out, out_count,
                      "SELECT " OUTBOX_COLUMNS " FROM outbox WHERE number_id = ?1 AND id > ?2 "
                      "ORDER BY id LIMIT ?3",
                      Q(I(number_id), I(after_id), I(st_limit(limit))));
}

int st_outbox_by_message(struct st_conn *conn, int64_t message_id, struct bx_arena *a,
                         struct st_outbox *out)
{
    return st_db_one(conn, a, outbox_read, out,
                     "SELECT " OUTBOX_COLUMNS " FROM outbox WHERE message_id = ?1",
                     Q(I(message_id)));
}

int st_outbox_numbers(struct st_conn *conn, struct bx_arena *a, int64_t **out, size_t *out_count)
{
    return st_db_list(conn, a, st_read_i64, sizeof **out, out, out_count,
                      "SELECT DISTINCT number_id FROM outbox ORDER BY number_id", Q0);
}

int st_outbox_attempt(struct st_tx *tx, int64_t message_id)
{
    return st_db_must(tx->conn,
                      "UPDATE outbox SET state = 1, attempts = attempts + 1 WHERE message_id = ?1",
                      Q(I(message_id)));
}

int st_outbox_retry(struct st_tx *tx, int64_t message_id, enum st_outbox_state state,
                    int64_t not_before, struct bx_str error)
{
    return st_db_must(tx->conn,
                      "UPDATE outbox SET state = ?2, not_before = ?3, last_error = ?4 WHERE "
                      "message_id = ?1",
                      Q(I(message_id), I(state), I(not_before), T(error)));
}

int st_outbox_requeue(struct st_tx *tx, int64_t number_id)
{
    return st_db_run(tx->conn, "UPDATE outbox SET state = 0 WHERE number_id = ?1 AND state = 1",
                     Q(I(number_id)));
}

int st_outbox_delete(struct st_tx *tx, int64_t message_id)
{
    return st_db_run(tx->conn, "DELETE FROM outbox WHERE message_id = ?1", Q(I(message_id)));
}

/* ---- audit ---- */

int st_audit_append(struct st_tx *tx, const struct st_audit *e, int64_t *out_id)
{
    return st_db_insert(tx->conn, out_id,
                        "INSERT INTO audit (at, user_id, api_key_id, number_id, action, target, "
                        "ip, details) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
                        Q(I(tx->now), I(e->user_id), I(e->api_key_id), I(e->number_id),
                          T(e->action), T(e->target), T(e->ip), T(e->details)));
}

static void audit_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    struct st_audit *e = out;
    e->id = st_col_i64(c);
    e->at = st_col_i64(c);
    e->user_id = st_col_i64(c);
    e->api_key_id = st_col_i64(c);
    e->number_id = st_col_i64(c);
    e->action = st_col_str(c, a);
    e->target = st_col_str(c, a);
    e->ip = st_col_str(c, a);
    e->details = st_col_str(c, a);
    e->user_name = st_col_str(c, a);
    e->api_key_name = st_col_str(c, a);
    e->number_name = st_col_str(c, a);
}

#define AUDIT_SELECT                                                                               \
    "SELECT a.id, a.at, a.user_id, a.api_key_id, a.number_id, a.action, a.target, a.ip, "          \
    "a.details, u.name, k.name, n.name FROM audit a LEFT JOIN users u ON u.id = a.user_id "        \
    "LEFT JOIN api_keys k ON k.id = a.api_key_id LEFT JOIN numbers n ON n.id = a.number_id "       \
    "WHERE a.id < ?1 AND (?2 = 0 OR a.user_id = ?2) AND (?3 = 0 OR a.number_id = ?3) AND (?4 IS "  \
    "NULL OR "                                                                                     \
    "substr(a.action, 1, length(?4)) = ?4) AND a.at >= ?5 AND (?6 = 0 OR a.at < ?6) "
#define AUDIT_ORDER "ORDER BY a.id DESC LIMIT ?7"

int st_audit_list(struct st_conn *conn, const struct st_audit_query *q, struct bx_arena *a,
                  struct st_audit **out, size_t *out_count)
{
    static const char all_sql[] = AUDIT_SELECT AUDIT_ORDER;
    static const char user_sql[] = AUDIT_SELECT "AND a.user_id = ?2 " AUDIT_ORDER;
    static const char number_sql[] = AUDIT_SELECT "AND a.number_id = ?3 " AUDIT_ORDER;
    return st_db_page(conn, a, audit_read, sizeof **out, out, out_count,
                      q->user_id     ? user_sql
                      : q->number_id ? number_sql
                                     : all_sql,
                      Q(I(q->before_id ? q->before_id : INT64_MAX), I(q->user_id), I(q->number_id),
                        T(q->action_prefix), I(q->from), I(q->to), I(st_limit(q->limit))));
}

int st_audit_trim(struct st_tx *tx, int64_t before, int64_t max_rows)
{
    int64_t oldest;
    int rc = st_db_i64(tx->conn, &oldest, "SELECT at FROM audit ORDER BY id LIMIT 1", Q0);
    if (rc != BX_OK || oldest >= before)
        return rc == BX_E_NOT_FOUND ? 0 : rc;
    /* The trigger lets go what lies before this border only. */
    rc = st_db_run(tx->conn,
                   "INSERT INTO settings VALUES ('audit.kept_since', ?1) ON CONFLICT DO UPDATE SET "
                   "value = excluded.value",
                   Q(I(before)));
    if (rc < 0)
        return rc;
    return st_db_run(
        tx->conn,
        "DELETE FROM audit WHERE id IN (SELECT id FROM audit ORDER BY id LIMIT ?2) AND "
        "id < coalesce((SELECT id FROM (SELECT id, at FROM audit ORDER BY id LIMIT "
        "?2) WHERE at >= ?1 ORDER BY id LIMIT 1), ?3)",
        Q(I(before), I(max_rows), I(INT64_MAX)));
}

/* ---- idempotency ---- */

static void idempotency_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    struct st_idempotency *i = out;
    i->principal = st_col_i64(c);
    i->key = st_col_str(c, a);
    i->request_hash = st_col_str(c, a);
    i->message_id = st_col_i64(c);
    i->http_status = st_col_i64(c);
    i->response = st_col_str(c, a);
    i->created_at = st_col_i64(c);
}

int st_idempotency_get(struct st_conn *conn, int64_t principal, struct bx_str key,
                       struct bx_arena *a, struct st_idempotency *out)
{
    return st_db_one(conn, a, idempotency_read, out,
                     "SELECT principal, key, request_hash, message_id, http_status, response, "
                     "created_at FROM idempotency WHERE principal = ?1 AND key = ?2",
                     Q(I(principal), T(key)));
}

int st_idempotency_claim(struct st_tx *tx, const struct st_idempotency *claim, struct bx_arena *a,
                         struct st_idempotency *out)
{
    struct st_idempotency found;
    int rc = st_idempotency_get(tx->conn, claim->principal, claim->key, a, &found);
    if (rc == BX_E_NOT_FOUND) {
        rc = st_db_run(tx->conn,
                       "INSERT INTO idempotency (principal, key, request_hash, created_at) VALUES "
                       "(?1, ?2, ?3, ?4)",
                       Q(I(claim->principal), T(claim->key), B(claim->request_hash), I(tx->now)));
        return rc < 0 ? rc : BX_OK;
    }
    if (rc != BX_OK)
        return rc;
    *out = found;
    return bx_str_eq(found.request_hash, claim->request_hash) ? BX_E_DUPLICATE : BX_E_CONFLICT;
}

int st_idempotency_finish(struct st_tx *tx, const struct st_idempotency *i)
{
    return st_db_must(
        tx->conn,
        "UPDATE idempotency SET message_id = ?3, http_status = ?4, response = ?5 "
        "WHERE principal = ?1 AND key = ?2",
        Q(I(i->principal), T(i->key), I(i->message_id), I(i->http_status), T(i->response)));
}

int st_idempotency_release(struct st_tx *tx, int64_t principal, struct bx_str key)
{
    return st_db_must(tx->conn, "DELETE FROM idempotency WHERE principal = ?1 AND key = ?2",
                      Q(I(principal), T(key)));
}

int st_idempotency_purge(struct st_tx *tx, int64_t created_before, int64_t max_rows)
{
    return st_db_run(tx->conn,
                     "DELETE FROM idempotency WHERE (principal, key) IN (SELECT principal, key "
                     "FROM idempotency WHERE created_at < ?1 LIMIT ?2)",
                     Q(I(created_before), I(max_rows)));
}

/* ---- templates ---- */

#define TEMPLATE_COLUMNS "id, name, command, content, is_active, created_at, updated_at"

static void template_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    struct st_template *t = out;
    t->id = st_col_i64(c);
    t->name = st_col_str(c, a);
    t->command = st_col_str(c, a);
    t->content = st_col_str(c, a);
    t->is_active = st_col_bool(c);
    t->created_at = st_col_i64(c);
    t->updated_at = st_col_i64(c);
}

int st_template_insert(struct st_tx *tx, const struct st_template *t, int64_t *out_id)
{
    return st_db_insert(tx->conn, out_id,
                        "INSERT INTO templates (name, command, content, is_active, created_at, "
                        "updated_at, command_key) VALUES (?1, ?2, ?3, ?4, ?5, ?5, fold(?2))",
                        Q(T(t->name), T(t->command), T(t->content), I(t->is_active), I(tx->now)));
}

int st_template_update(struct st_tx *tx, const struct st_template *t)
{
    return st_db_must(
        tx->conn,
        "UPDATE templates SET name = ?2, command_key = iif(command = ?3, command_key, fold(?3)), "
        "command = ?3, content = ?4, is_active = ?5, updated_at = ?6 WHERE id = ?1",
        Q(I(t->id), T(t->name), T(t->command), T(t->content), I(t->is_active), I(tx->now)));
}

int st_template_delete(struct st_tx *tx, int64_t id)
{
    return st_db_must(tx->conn, "DELETE FROM templates WHERE id = ?1", Q(I(id)));
}

int st_template_get(struct st_conn *conn, int64_t id, struct bx_arena *a, struct st_template *out)
{
    return st_db_one(conn, a, template_read, out,
                     "SELECT " TEMPLATE_COLUMNS " FROM templates WHERE id = ?1", Q(I(id)));
}

int st_template_by_command(struct st_conn *conn, struct bx_str command, struct bx_arena *a,
                           struct st_template *out)
{
    return st_db_one(conn, a, template_read, out,
                     "SELECT " TEMPLATE_COLUMNS
                     " FROM templates WHERE command = ?1 OR command_key = "
                     "fold(?1) ORDER BY command = ?1 DESC LIMIT 1",
                     Q(T(command)));
}

#define TEMPLATE_FILTER                                                                            \
    " FROM templates WHERE (?1 IS NULL OR has_fold(name, ?1) OR has_fold(command, ?1) OR "         \
    "has_fold(content, ?1)) AND (?2 IS NULL OR command = ?2 OR command_key = fold(?2)) AND (?3 = " \
    "-1 OR is_active = ?3) "

int st_template_list(struct st_conn *conn, const struct st_template_query *q, struct bx_arena *a,
                     struct st_template **out, size_t *out_count, int64_t *out_total)
{
    struct bx_str part = st_fold(a, q->search);
    int64_t total;
    int rc = st_db_i64(conn, &total, "SELECT count(*)" TEMPLATE_FILTER,
                       Q(T(part), T(q->command), I(q->is_active)));
    if (rc == BX_OK)
        rc = st_db_list(conn, a, template_read, sizeof **out, out, out_count,
                        "SELECT " TEMPLATE_COLUMNS TEMPLATE_FILTER
                        "ORDER BY fold(command), id LIMIT ?4 OFFSET ?5",
                        Q(T(part), T(q->command), I(q->is_active), I(st_limit(q->limit)),
                          I(st_offset(q->offset))));
    if (rc == BX_OK)
        *out_total = total;
    return rc;
}
