/* An index whose words were cut by older rules (another ST_TOKENS_VERSION, another Unicode) is
 * emptied when the file is opened and filled while the server works, newest messages first, so that
 * what people look for most is back first. settings 'search.pending' is the last message that the
 * index does not have yet; it moves in the transaction that adds the entries, so a stop at any
 * moment loses nothing. Entries up to it must not be taken out of the index: they are not in it.
 */
#include "store/sqlite/db.h"
#include "store/sqlite/search_tokens.h"

#include "base/fold.h"

#include <stdio.h>

enum { AT_ONCE = 20000 /* messages, well under a second: most stores are whole when they open */ };

/* The rules by which the words in the file were cut. */
#define VERSION_SIZE 32
static void version_write(char out[VERSION_SIZE])
{
    snprintf(out, VERSION_SIZE, "%d/%s", (int)ST_TOKENS_VERSION, bx_fold_version());
}

static int is_current(sqlite3 *db, const char *version, bool *out)
{
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(
        db, "SELECT CAST(value AS TEXT) FROM settings WHERE name = 'search.version'", -1, &stmt,
        NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    *out = rc == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(stmt, 0), version) == 0;
    int result = rc == SQLITE_ROW || rc == SQLITE_DONE ? BX_OK : st_db_error(db, rc);
    sqlite3_finalize(stmt);
    return result;
}

int st_search_version(sqlite3 *db)
{
    char version[VERSION_SIZE];
    bool is_done;
    version_write(version);
    int rc = is_current(db, version, &is_done);
    if (rc != BX_OK || is_done)
        return rc;
    char *sql = sqlite3_mprintf(
        "BEGIN IMMEDIATE;"
        "INSERT INTO message_fts (message_fts) VALUES ('delete-all');"
        "INSERT OR REPLACE INTO settings SELECT 'search.pending', coalesce(max(id), 0) FROM "
        "messages;"
        "INSERT OR REPLACE INTO settings SELECT 'search.total', coalesce(max(id), 0) FROM messages;"
        "INSERT OR REPLACE INTO settings VALUES ('search.version', %Q);"
        "INSERT INTO message_fts (rowid, entry) SELECT entry_id, entry FROM message_search ORDER "
        "BY id DESC LIMIT %d;"
        "UPDATE settings SET value = coalesce((SELECT id FROM messages ORDER BY id DESC LIMIT 1 "
        "OFFSET %d), 0) WHERE name = 'search.pending';"
        "COMMIT",
        version, (int)AT_ONCE, (int)AT_ONCE);
    if (!sql)
        return BX_E_NOMEM;
    rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    int result = rc == SQLITE_OK ? BX_OK : st_db_error(db, rc);
    if (!sqlite3_get_autocommit(db))
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return result;
}

static int setting_read(struct st_conn *conn, struct bx_str name, int64_t *out)
{
    *out = 0;
    int rc = st_db_i64(conn, out, "SELECT value FROM settings WHERE name = ?1", Q(T(name)));
    return rc == BX_E_NOT_FOUND ? BX_OK : rc;
}

int st_search_pending(struct st_conn *conn, int64_t *out)
{
    return setting_read(conn, BX_STR("search.pending"), out);
}

int st_search_progress(struct st_conn *conn, int64_t *out_done, int64_t *out_total)
{
    int64_t pending = 0, total = 0;
    int rc = st_search_pending(conn, &pending);
    if (rc == BX_OK)
        rc = setting_read(conn, BX_STR("search.total"), &total);
    if (rc != BX_OK)
        return rc;
    *out_done = total > pending ? total - pending : 0;
    *out_total = pending > total ? pending : total;
    return BX_OK;
}

int st_search_rebuild(struct st_tx *tx, int64_t max_rows)
{
    int64_t pending;
    int rc = st_search_pending(tx->conn, &pending);
    if (rc != BX_OK || pending == 0)
        return rc;
    tx->rebuild_rows = max_rows;
    return 1;
}

int st_search_fill(struct st_tx *tx, int64_t pending)
{
    int64_t max_rows = tx->rebuild_rows, first = 0;
    tx->rebuild_rows = 0;
    if (pending == 0 || max_rows == 0)
        return BX_OK;
    int rc = st_db_i64(tx->conn, &first,
                       "SELECT coalesce(min(id), 1) FROM (SELECT id FROM messages WHERE id <= ?1 "
                       "ORDER BY id DESC LIMIT ?2)",
                       Q(I(pending), I(max_rows)));
    if (rc == BX_OK)
        rc = st_db_run(tx->conn,
                       "INSERT INTO message_fts (rowid, entry) SELECT entry_id, entry FROM "
                       "message_search WHERE id BETWEEN ?1 AND ?2 ORDER BY id DESC",
                       Q(I(first), I(pending)));
    if (rc >= 0)
        rc = st_db_run(tx->conn, "UPDATE settings SET value = ?1 WHERE name = 'search.pending'",
                       Q(I(first - 1)));
    return rc < 0 ? rc : BX_OK;
}
