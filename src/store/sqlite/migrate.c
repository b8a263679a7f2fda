/* The version is SQLite's user_version; application_id tells our files from others'. Both are part
 * of the transaction that migrates, so a start that is killed half-way leaves the old version
 * whole.
 */
#include "store/sqlite/migrate.h"

#include "store/sqlite/db.h"

enum { APPLICATION_ID = 0x57614278 /* "WaBx" */ };

static int pragma_get(struct sqlite3 *db, const char *sql, int *out)
{
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    if (rc == SQLITE_ROW)
        *out = sqlite3_column_int(stmt, 0);
    int result = rc == SQLITE_ROW ? BX_OK : st_db_error(db, rc);
    sqlite3_finalize(stmt);
    return result;
}

int st_migrate_check(struct sqlite3 *db, int count, struct bx_buf *message)
{
    int application = 0, version = 0, tables = 0, rc;
    if ((rc = pragma_get(db, "PRAGMA application_id", &application)) ||
        (rc = pragma_get(db, "PRAGMA user_version", &version)) ||
        (rc = pragma_get(db, "SELECT count(*) FROM sqlite_schema", &tables))) {
        bx_buf_printf(message, rc == BX_E_CORRUPT ? "The file is not a database, or is damaged."
                                                  : "The database cannot be read.");
        return rc;
    }
    if (application != APPLICATION_ID && (application != 0 || version != 0 || tables != 0)) {
        bx_buf_lit(message, "The file is a database of another program.");
        return BX_E_CORRUPT;
    }
    if (version > count) {
        bx_buf_printf(message,
                      "The database has schema version %d, but this program knows only up to %d: "
                      "it was written by a newer WaBox. Start the newer version, or restore a "
                      "backup made by this one.",
                      version, count);
        return BX_E_VERSION;
    }
    return version;
}

static int run(struct sqlite3 *db, const char *sql)
{
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? BX_OK : st_db_error(db, rc);
}

static int apply(struct sqlite3 *db, const struct st_migration *rows, int from, int count,
                 struct bx_buf *message)
{
    for (int i = from; i < count; i++) {
        int rc = run(db, rows[i].sql);
        if (rc != BX_OK) {
            bx_buf_printf(message, "Migration %04d_%s failed: %s", rows[i].version, rows[i].name,
                          sqlite3_errmsg(db));
            return rc;
        }
    }
    char sql[96];
    sqlite3_snprintf(sizeof sql, sql, "PRAGMA application_id = %d; PRAGMA user_version = %d",
                     (int)APPLICATION_ID, count);
    return run(db, sql);
}

int st_migrate(struct sqlite3 *db, const struct st_migration *rows, int count,
               struct bx_buf *message)
{
    int version = st_migrate_check(db, count, message);
    if (version < 0 || version == count)
        return version < 0 ? version : BX_OK;
    int rc = run(db, "BEGIN IMMEDIATE");
    if (rc != BX_OK) {
        bx_buf_printf(message, "The database cannot be written: %s", bx_err_info(rc)->sentence);
        return rc;
    }
    version = st_migrate_check(db, count, message); /* another process may have been faster */
    rc = version < 0 ? version : apply(db, rows, version, count, message);
    if (rc == BX_OK)
        rc = run(db, "COMMIT");
    if (rc != BX_OK)
        sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL);
    return rc;
}
