/* Users, tokens, api keys, settings. */
#include "store/sqlite/db.h"

#include "base/fold.h"
#include "base/lookalike.h"

static void str_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    *(struct bx_str *)out = st_col_str(c, a);
}

/* ---- settings ---- */

int st_setting_get(struct st_conn *conn, struct bx_str name, struct bx_arena *a, struct bx_str *out)
{
    return st_db_one(conn, a, str_read, out, "SELECT value FROM settings WHERE name = ?1",
                     Q(T(name)));
}

int st_setting_set(struct st_tx *tx, struct bx_str name, struct bx_str value)
{
    int rc = st_db_run(tx->conn, "INSERT OR REPLACE INTO settings VALUES (?1, ?2)",
                       Q(T(name), B(value)));
    return rc < 0 ? rc : BX_OK;
}

int st_setting_delete(struct st_tx *tx, struct bx_str name)
{
    return st_db_must(tx->conn, "DELETE FROM settings WHERE name = ?1", Q(T(name)));
}

/* ---- users ---- */

#define USER_COLUMNS                                                                               \
    "id, name, username, email, password_hash, role, is_active, created_at, updated_at"

static void user_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    struct st_user *u = out;
    u->id = st_col_i64(c);
    u->name = st_col_str(c, a);
    u->username = st_col_str(c, a);
    u->email = st_col_str(c, a);
    u->password_hash = st_col_str(c, a);
    u->role = (enum st_role)st_col_i64(c);
    u->is_active = st_col_bool(c);
    u->created_at = st_col_i64(c);
    u->updated_at = st_col_i64(c);
}

static bool is_ascii(struct bx_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] >= 0x80)
            return false;
    return true;
}

/* BX_E_EXISTS: somebody's username looks like it. Two of ASCII are told apart as they are typed. */
static int look_check(struct st_conn *conn, const struct st_user *u, struct bx_arena *a)
{
    struct bx_str *names, look = bx_name_look(u->username, a);
    size_t count;
    int rc = st_db_list(conn, a, str_read, sizeof *names, &names, &count,
                        "SELECT username FROM users WHERE id <> ?1 AND (?2 OR username GLOB "
                        "'*[^ -~]*')",
                        Q(I(u->id), I(!is_ascii(u->username))));
    for (size_t i = 0; rc == BX_OK && i < count; i++)
        if (bx_str_eq(look, bx_name_look(names[i], a)))
            rc = BX_E_EXISTS;
    return rc;
}

static int key_check(struct st_conn *conn, const char *sql, struct bx_str key, int64_t id)
{
    int64_t other;
    int rc = st_db_i64(conn, &other, sql, Q(T(key), I(id)));
    return rc == BX_OK ? BX_E_EXISTS : rc == BX_E_NOT_FOUND ? BX_OK : rc;
}

/* Which value is taken by somebody else. */
static int taken_field(struct st_conn *conn, const struct st_user *u, struct bx_arena *a,
                       const char **out_field)
{
    *out_field = "username";
    int rc = key_check(conn, "SELECT id FROM users WHERE username_key = ?1 AND id <> ?2",
                       bx_fold_str(u->username, a), u->id);
    if (rc == BX_OK)
        rc = look_check(conn, u, a);
    if (rc != BX_OK)
        return rc;
    *out_field = "email";
    return key_check(conn, "SELECT id FROM users WHERE email_key = ?1 AND id <> ?2",
                     bx_fold_str(u->email, a), u->id);
}

static int fields_check(struct st_conn *conn, const struct st_user *u, const char **out_field)
{
    struct bx_arena a;
    bx_arena_init(&a, 0);
    int rc = taken_field(conn, u, &a, out_field);
    bx_arena_done(&a);
    return rc;
}

int st_user_insert(struct st_tx *tx, const struct st_user *user, int64_t *out_id,
                   const char **out_field)
{
    struct st_user u = *user;
    u.id = 0;
    int rc = fields_check(tx->conn, &u, out_field);
    if (rc != BX_OK)
        return rc;
    return st_db_insert(tx->conn, out_id,
                        "INSERT INTO users (name, username, email, password_hash, role, "
                        "is_active, created_at, updated_at, username_key, email_key) VALUES (?1, "
                        "?2, ?3, ?4, ?5, ?6, ?7, ?7, fold(?2), fold(?3))",
                        Q(T(u.name), T(u.username), T(u.email), T(u.password_hash), I(u.role),
                          I(u.is_active), I(tx->now)));
}

/* BX_E_STATE when the user is the only active ADMIN. */
static int is_spare(struct st_conn *conn, int64_t id)
{
    int64_t others, is_admin;
    int rc = st_db_i64(conn, &is_admin,
                       "SELECT role = 1 AND is_active = 1 FROM users WHERE id = ?1", Q(I(id)));
    if (rc == BX_OK)
        rc = st_db_i64(conn, &others,
                       "SELECT count(*) FROM users WHERE role = 1 AND is_active = 1 AND id <> ?1",
                       Q(I(id)));
    return rc == BX_OK && is_admin && others == 0 ? BX_E_STATE : rc;
}

int st_user_update(struct st_tx *tx, const struct st_user *u, const char **out_field)
{
    int rc = BX_OK;
    if (u->role != ST_ROLE_ADMIN || !u->is_active)
        rc = is_spare(tx->conn, u->id);
    if (rc == BX_OK)
        rc = fields_check(tx->conn, u, out_field);
    if (rc != BX_OK)
        return rc;
    return st_db_must(tx->conn,
                      "UPDATE users SET name = ?2, username_key = iif(username = ?3, username_key, "
                      "fold(?3)), email_key = iif(email = ?4, email_key, fold(?4)), username = ?3, "
                      "email = ?4, password_hash = ?5, role = ?6, is_active = ?7, updated_at = ?8 "
                      "WHERE id = ?1",
                      Q(I(u->id), T(u->name), T(u->username), T(u->email), T(u->password_hash),
                        I(u->role), I(u->is_active), I(tx->now)));
}

int st_user_delete(struct st_tx *tx, int64_t id)
{
    int rc = is_spare(tx->conn, id);
    return rc == BX_OK ? st_db_must(tx->conn, "DELETE FROM users WHERE id = ?1", Q(I(id))) : rc;
}

int st_user_get(struct st_conn *conn, int64_t id, struct bx_arena *a, struct st_user *out)
{
    return st_db_one(conn, a, user_read, out, "SELECT " USER_COLUMNS " FROM users WHERE id = ?1",
                     Q(I(id)));
}

int st_user_by_login(struct st_conn *conn, struct bx_str login, struct bx_arena *a,
                     struct st_user *out)
{
    return st_db_one(conn, a, user_read, out,
                     "SELECT " USER_COLUMNS " FROM users WHERE username = ?1 OR email = ?1 OR "
                     "username_key = fold(?1) OR email_key = fold(?1) ORDER BY username = ?1 DESC, "
                     "email = ?1 DESC, username_key = fold(?1) DESC LIMIT 1",
                     Q(T(login)));
}

int st_user_list(struct st_conn *conn, const struct st_user_query *q, struct bx_arena *a,
                 struct st_user **out, size_t *out_count, int64_t *out_total)
{
    static const char *const order[] = {
        [ST_USER_BY_ID] = "id",
        [ST_USER_BY_NAME] = "fold(name)",
        [ST_USER_BY_USERNAME] = "username",
        [ST_USER_BY_EMAIL] = "email",
        [ST_USER_BY_ROLE] = "role",
        [ST_USER_BY_CREATED] = "created_at",
        [ST_USER_BY_UPDATED] = "updated_at",
    };
#define USER_FILTER                                                                                \
    " FROM users WHERE (?1 IS NULL OR has_fold(name, ?1) OR has_fold(username, ?1) OR "            \
    "has_fold(email, ?1)) AND (?2 = -1 OR role = ?2)"
    const char *way = q->is_descending ? "DESC" : "ASC";
    struct bx_str sql = bx_arena_printf(
        a, "SELECT " USER_COLUMNS USER_FILTER " ORDER BY %s %s, id %s LIMIT ?3 OFFSET ?4",
        order[q->sort], way, way);
    struct bx_str part = st_fold(a, q->search);
    int64_t total;
    int rc = st_db_i64(conn, &total, "SELECT count(*)" USER_FILTER, Q(T(part), I(q->role)));
    struct st_cur c;
    if (rc == BX_OK)
        rc = st_db_begin_text(
            &c, conn, sql.ptr,
            Q(T(part), I(q->role), I(st_limit(q->limit)), I(st_offset(q->offset))));
    if (rc == BX_OK)
        rc = st_db_rows(&c, a, user_read, sizeof **out, out, out_count);
    if (rc == BX_OK)
        *out_total = total;
    return rc;
}

/* ---- tokens ---- */

int st_token_insert(struct st_tx *tx, const struct st_token *t)
{
    int rc = st_db_run(tx->conn, "INSERT INTO tokens VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                       Q(T(t->jti), I(t->user_id), I(t->issued_at), I(t->expires_at),
                         I(t->revoked_at), T(t->ip), T(t->user_agent)));
    return rc < 0 ? rc : BX_OK;
}

static void token_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    struct st_token *t = out;
    t->jti = st_col_str(c, a);
    t->user_id = st_col_i64(c);
    t->issued_at = st_col_i64(c);
    t->expires_at = st_col_i64(c);
    t->revoked_at = st_col_i64(c);
    t->ip = st_col_str(c, a);
    t->user_agent = st_col_str(c, a);
}

int st_token_get(struct st_conn *conn, struct bx_str jti, struct bx_arena *a, struct st_token *out)
{
    return st_db_one(conn, a, token_read, out,
                     "SELECT jti, user_id, issued_at, expires_at, revoked_at, ip, user_agent "
                     "FROM tokens WHERE jti = ?1",
                     Q(T(jti)));
}

int st_token_revoke(struct st_tx *tx, struct bx_str jti)
{
    return st_db_must(tx->conn,
                      "UPDATE tokens SET revoked_at = iif(revoked_at = 0, ?2, revoked_at) WHERE "
                      "jti = ?1",
                      Q(T(jti), I(tx->now)));
}

static void address_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    *(struct bx_str *)out = st_col_str(c, a);
}

int st_token_addresses(struct st_conn *conn, int64_t user_id, int limit, struct bx_arena *a,
                       struct bx_str **out, size_t *out_count)
{
    return st_db_list(conn, a, address_read, sizeof **out, out, out_count,
                      "SELECT ip FROM tokens WHERE user_id = ?1 GROUP BY ip ORDER BY "
                      "max(issued_at) DESC LIMIT ?2",
                      Q(I(user_id), I(limit)));
}

int st_token_revoke_user(struct st_tx *tx, int64_t user_id, struct bx_str except)
{
    return st_db_run(tx->conn,
                     "UPDATE tokens SET revoked_at = ?2 WHERE user_id = ?1 AND revoked_at = 0 AND "
                     "(?3 IS NULL OR jti <> ?3)",
                     Q(I(user_id), I(tx->now), T(except)));
}

int st_token_purge(struct st_tx *tx, int64_t expired_before, int64_t max_rows)
{
    return st_db_run(tx->conn,
                     "DELETE FROM tokens WHERE jti IN (SELECT jti FROM tokens WHERE expires_at < "
                     "?1 LIMIT ?2)",
                     Q(I(expired_before), I(max_rows)));
}

/* ---- api keys ---- */

#define API_KEY_COLUMNS                                                                            \
    "id, name, prefix, scopes, created_by, created_at, last_used_at, expires_at, revoked_at"

static void api_key_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    struct st_api_key *k = out;
    k->id = st_col_i64(c);
    k->name = st_col_str(c, a);
    k->prefix = st_col_str(c, a);
    k->scopes = (unsigned)st_col_i64(c);
    k->created_by = st_col_i64(c);
    k->created_at = st_col_i64(c);
    k->last_used_at = st_col_i64(c);
    k->expires_at = st_col_i64(c);
    k->revoked_at = st_col_i64(c);
}

static int api_key_numbers(struct st_conn *conn, struct bx_arena *a, struct st_api_key *k)
{
    int64_t *ids;
    int rc = st_db_list(conn, a, st_read_i64, sizeof *ids, &ids, &k->number_count,
                        "SELECT number_id FROM api_key_numbers WHERE api_key_id = ?1 ORDER BY "
                        "number_id",
                        Q(I(k->id)));
    if (rc == BX_OK)
        k->number_ids = ids;
    return rc;
}

int st_api_key_insert(struct st_tx *tx, const struct st_api_key *k, int64_t *out_id)
{
    int64_t id;
    int rc = st_db_insert(tx->conn, &id,
                          "INSERT INTO api_keys (name, key_hash, prefix, scopes, created_by, "
                          "created_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                          Q(T(k->name), B(k->key_hash), T(k->prefix), I(k->scopes),
                            I(k->created_by), I(tx->now), I(k->expires_at)));
    for (size_t i = 0; rc >= 0 && i < k->number_count; i++)
        rc = st_db_run(tx->conn, "INSERT OR IGNORE INTO api_key_numbers VALUES (?1, ?2)",
                       Q(I(id), I(k->number_ids[i])));
    if (rc < 0)
        return rc;
    *out_id = id;
    return BX_OK;
}

int st_api_key_by_hash(struct st_conn *conn, struct bx_str key_hash, struct bx_arena *a,
                       struct st_api_key *out)
{
    struct st_api_key k = {0};
    int rc =
        st_db_one(conn, a, api_key_read, &k,
                  "SELECT " API_KEY_COLUMNS " FROM api_keys WHERE key_hash = ?1", Q(B(key_hash)));
    if (rc == BX_OK)
        rc = api_key_numbers(conn, a, &k);
    if (rc == BX_OK)
        *out = k;
    return rc;
}

int st_api_key_list(struct st_conn *conn, struct bx_arena *a, struct st_api_key **out,
                    size_t *out_count)
{
    struct st_api_key *keys;
    size_t count;
    int rc = st_db_list(conn, a, api_key_read, sizeof *keys, &keys, &count,
                        "SELECT " API_KEY_COLUMNS " FROM api_keys ORDER BY id", Q0);
    for (size_t i = 0; rc == BX_OK && i < count; i++)
        rc = api_key_numbers(conn, a, &keys[i]);
    if (rc != BX_OK)
        return rc;
    *out = keys;
    *out_count = count;
    return BX_OK;
}

int st_api_key_touch(struct st_tx *tx, int64_t id)
{
    return st_db_must(tx->conn, "UPDATE api_keys SET last_used_at = ?2 WHERE id = ?1",
                      Q(I(id), I(tx->now)));
}

int st_api_key_revoke(struct st_tx *tx, int64_t id)
{
    return st_db_must(tx->conn,
                      "UPDATE api_keys SET revoked_at = iif(revoked_at = 0, ?2, revoked_at) WHERE "
                      "id = ?1",
                      Q(I(id), I(tx->now)));
}

/* max(): a key that was revoked has ended then, whenever it would have expired; erring on the later
 * of the two only keeps it longer. The condition is that of its index. */
int st_api_key_purge(struct st_tx *tx, int64_t ended_before, int64_t max_rows)
{
    return st_db_run(tx->conn,
                     "DELETE FROM api_keys WHERE id IN (SELECT id FROM api_keys WHERE (revoked_at "
                     "> 0 OR expires_at > 0) AND max(revoked_at, expires_at) < ?1 LIMIT ?2)",
                     Q(I(ended_before), I(max_rows)));
}
