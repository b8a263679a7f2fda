/* Signal and app-state blobs: one tree in the order (number, kind, name). */
#include "store/sqlite/db.h"

static void blob_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    *(struct bx_str *)out = st_col_str(c, a);
}

int st_key_get(struct st_conn *conn, int64_t number_id, int kind, struct bx_str name,
               struct bx_arena *a, struct bx_str *out)
{
    return st_db_one(conn, a, blob_read, out,
                     "SELECT value FROM keys WHERE number_id = ?1 AND kind = ?2 AND name = ?3",
                     Q(I(number_id), I(kind), B(name)));
}

int st_key_put(struct st_tx *tx, int64_t number_id, int kind, struct bx_str name,
               struct bx_str value)
{
    int rc =
        st_db_run(tx->conn,
                  "INSERT INTO keys VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET "
                  "value = excluded.value, updated_at = excluded.updated_at",
                  Q(I(number_id), I(kind), B(name), B(value.ptr ? value : BX_STR("")), I(tx->now)));
    return rc < 0 ? rc : BX_OK;
}

int st_key_delete(struct st_tx *tx, int64_t number_id, int kind, struct bx_str name)
{
    return st_db_run(tx->conn, "DELETE FROM keys WHERE number_id = ?1 AND kind = ?2 AND name = ?3",
                     Q(I(number_id), I(kind), B(name)));
}

/* Names with a prefix are those from it up to, not including, its successor: the prefix with its
 * last byte below 255 raised. No successor: no upper border (NULL). */
static struct bx_str successor(struct bx_arena *a, struct bx_str prefix)
{
    size_t len = prefix.len;
    while (len > 0 && (unsigned char)prefix.ptr[len - 1] == 0xff)
        len--;
    if (len == 0)
        return (struct bx_str){0};
    char *out = bx_arena_strndup(a, prefix.ptr, len);
    out[len - 1]++;
    return (struct bx_str){out, len};
}

static struct bx_str never_null(struct bx_str s)
{
    return s.ptr ? s : BX_STR("");
}

#define HAS_PREFIX "number_id = ?1 AND kind = ?2 AND name >= ?3 AND (?4 IS NULL OR name < ?4) "

int st_key_list(struct st_conn *conn, int64_t number_id, int kind, struct bx_str prefix,
                struct bx_str after, int64_t limit, struct bx_arena *a, struct st_key **out,
                size_t *out_count);

static void key_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    struct st_key *k = out;
    k->name = st_col_str(c, a);
    k->value = st_col_str(c, a);
    k->updated_at = st_col_i64(c);
}

int st_key_list(struct st_conn *conn, int64_t number_id, int kind, struct bx_str prefix,
                struct bx_str after, int64_t limit, struct bx_arena *a, struct st_key **out,
                size_t *out_count)
{
    return st_db_list(conn, a, key_read, sizeof **out, out, out_count,
                      "SELECT name, value, updated_at FROM keys WHERE " HAS_PREFIX
                      "AND (?5 IS NULL OR name > ?5) ORDER BY name LIMIT ?6",
                      Q(I(number_id), I(kind), B(never_null(prefix)), B(successor(a, prefix)),
                        B(after.len ? after : (struct bx_str){0}), I(st_limit(limit))));
}

int st_key_count(struct st_conn *conn, int64_t number_id, int kind, int64_t *out)
{
    return st_db_i64(conn, out, "SELECT count(*) FROM keys WHERE number_id = ?1 AND kind = ?2",
                     Q(I(number_id), I(kind)));
}

int st_key_delete_prefix(struct st_tx *tx, int64_t number_id, int kind, struct bx_str prefix)
{
    struct bx_arena a;
    bx_arena_init(&a, 0);
    int rc = st_db_run(tx->conn, "DELETE FROM keys WHERE " HAS_PREFIX,
                       Q(I(number_id), I(kind), B(never_null(prefix)), B(successor(&a, prefix))));
    bx_arena_done(&a);
    return rc;
}

int st_key_delete_older(struct st_tx *tx, int64_t number_id, int kind, int64_t before,
                        int64_t max_rows)
{
    return st_db_run(tx->conn,
                     "DELETE FROM keys WHERE number_id = ?1 AND kind = ?2 AND name IN (SELECT "
                     "name FROM keys WHERE number_id = ?1 AND kind = ?2 AND updated_at < ?3 LIMIT "
                     "?4)",
                     Q(I(number_id), I(kind), I(before), I(max_rows)));
}

static int rename_rows(struct st_tx *tx, int64_t number_id, int kind, struct bx_str from,
                       struct bx_str to, bool is_replacing, struct bx_arena *a)
{
    static const char replace_sql[] =
        "UPDATE OR REPLACE keys SET name = CAST(?5 || substr(name, ?6) AS BLOB) WHERE " HAS_PREFIX;
    static const char ignore_sql[] =
        "UPDATE OR IGNORE keys SET name = CAST(?5 || substr(name, ?6) AS BLOB) WHERE " HAS_PREFIX;
    int rc =
        st_db_run(tx->conn, is_replacing ? replace_sql : ignore_sql,
                  Q(I(number_id), I(kind), B(from), B(successor(a, from)), B(to), I(from.len + 1)));
    if (rc < 0 || is_replacing)
        return rc;
    int moved = rc; /* what could not move is dropped */
    rc = st_key_delete_prefix(tx, number_id, kind, from);
    return rc < 0 ? rc : moved;
}

int st_key_rename_prefix(struct st_tx *tx, int64_t number_id, int kind, struct bx_str from,
                         struct bx_str to, bool is_replacing)
{
    if (from.len == 0 || bx_str_starts(to, from))
        return BX_E_INVALID; /* a row could meet itself */
    struct bx_arena a;
    bx_arena_init(&a, 0);
    int rc = rename_rows(tx, number_id, kind, from, to, is_replacing, &a);
    bx_arena_done(&a);
    return rc;
}
