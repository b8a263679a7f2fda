/* Backup, restore, check, repair, figures. */
#include "store/sqlite/db.h"

#include "store/sqlite/migrate.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- backup ---- */

enum { PAGES_PER_STEP = 4096 };

static int copy_pages(sqlite3 *from, sqlite3 *to)
{
    sqlite3_backup *backup = sqlite3_backup_init(to, "main", from, "main");
    if (!backup)
        return st_db_error(to, sqlite3_errcode(to));
    int rc;
    do {
        rc = sqlite3_backup_step(backup, PAGES_PER_STEP);
        if (rc == SQLITE_BUSY || rc == SQLITE_LOCKED)
            sqlite3_sleep(20);
    } while (rc == SQLITE_OK || rc == SQLITE_BUSY || rc == SQLITE_LOCKED);
    int finished = sqlite3_backup_finish(backup);
    return rc == SQLITE_DONE && finished == SQLITE_OK ? BX_OK : st_db_error(to, rc);
}

static int fsync_path(const char *path, int flags)
{
    int fd = open(path, flags | O_CLOEXEC);
    if (fd < 0)
        return bx_err_from_errno(errno);
    int rc = fsync(fd) == 0 ? BX_OK : bx_err_from_errno(errno);
    close(fd);
    return rc;
}

static int fsync_directory_of(const char *path)
{
    char *copy = bx_strndup(path, strlen(path));
    int rc = fsync_path(dirname(copy), O_RDONLY | O_DIRECTORY);
    free(copy);
    return rc;
}

/* Whoever opens the copy begins another log. */
static int log_epoch_drop(sqlite3 *db)
{
    int rc = sqlite3_exec(db, "DELETE FROM settings WHERE name = 'log_epoch'", NULL, NULL, NULL);
    return rc == SQLITE_OK ? BX_OK : st_db_error(db, rc);
}

static int journal_off(sqlite3 *db)
{
    int rc = sqlite3_exec(db, "PRAGMA journal_mode = DELETE", NULL, NULL, NULL);
    return rc == SQLITE_OK ? BX_OK : st_db_error(db, rc);
}

int st_backup(struct st_conn *conn, const char *path)
{
    if (access(path, F_OK) == 0)
        return BX_E_EXISTS;
    sqlite3 *to;
    int rc = sqlite3_open_v2(path, &to, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
    int result = rc == SQLITE_OK ? BX_OK : to ? st_db_error(to, rc) : BX_E_NOMEM;
    /* One snapshot for the whole copy, so that writers do not make it start again. */
    bool has_snapshot = false;
    if (result == BX_OK && sqlite3_get_autocommit(conn->db)) {
        int began = st_read_begin(conn);
        int64_t one;
        result = began < 0 ? began : st_db_i64(conn, &one, "SELECT 1 FROM settings LIMIT 1", Q0);
        has_snapshot = began >= 0;
    }
    if (result == BX_OK)
        result = copy_pages(conn->db, to);
    /* One file without a log beside it, readable on read-only media; opening it as a store turns
     * the log on again. */
    if (result == BX_OK)
        result = journal_off(to);
    if (result == BX_OK)
        result = log_epoch_drop(to);
    if (has_snapshot)
        st_read_end(conn);
    sqlite3_close(to);
    if (result == BX_OK)
        result = fsync_path(path, O_RDONLY);
    if (result == BX_OK)
        return fsync_directory_of(path);
    unlink(path);
    return result;
}

/* ---- restore ---- */

static int says_ok(sqlite3 *db)
{
    sqlite3_stmt *stmt;
    int rc = sqlite3_prepare_v2(db, "PRAGMA integrity_check(1)", -1, &stmt, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(stmt);
    bool is_ok = rc == SQLITE_ROW && strcmp((const char *)sqlite3_column_text(stmt, 0), "ok") == 0;
    sqlite3_finalize(stmt);
    return is_ok ? BX_OK : BX_E_CORRUPT;
}

static int backup_check(const char *path, struct bx_buf *message)
{
    struct st_options options = {.path = path, .mmap_bytes = -1};
    sqlite3 *db;
    int rc = st_db_connect(&options, SQLITE_OPEN_READONLY, &db);
    if (rc != BX_OK) {
        bx_buf_printf(message, "The backup cannot be read: %s", bx_err_info(rc)->sentence);
        return rc;
    }
    rc = st_migrate_check(db, st_migration_count, message);
    if (rc == 0) {
        bx_buf_lit(message, "The backup is an empty database.");
        rc = BX_E_CORRUPT;
    } else if (rc > 0 && (rc = says_ok(db)) != BX_OK) {
        bx_buf_lit(message, "The backup is damaged.");
    }
    sqlite3_close(db);
    return rc;
}

static int copy_file(const char *from, const char *to)
{
    int in = open(from, O_RDONLY | O_CLOEXEC);
    if (in < 0)
        return bx_err_from_errno(errno);
    int out = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t n = out < 0 ? -1 : 1;
    while (n > 0)
        n = copy_file_range(in, NULL, out, NULL, (size_t)1 << 30, 0);
    if (n < 0 && out >= 0 && (errno == EXDEV || errno == EINVAL || errno == ENOSYS)) {
        char *block = bx_calloc(1, 1 << 20);
        lseek(in, 0, SEEK_SET);
        while ((n = read(in, block, 1 << 20)) > 0)
            if (write(out, block, (size_t)n) != n) {
                n = -1;
                break;
            }
        free(block);
    }
    int rc = n < 0 || fsync(out) != 0 ? bx_err_from_errno(errno) : BX_OK;
    close(in);
    if (out >= 0)
        close(out);
    return rc;
}

/* Also of a backup that was made by copying files. */
static int log_epoch_drop_in(const char *path)
{
    sqlite3 *db;
    int rc = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);
    int result = rc == SQLITE_OK ? journal_off(db) : db ? st_db_error(db, rc) : BX_E_NOMEM;
    if (result == BX_OK)
        result = log_epoch_drop(db);
    sqlite3_close(db);
    return result;
}

int st_restore(const char *backup_path, const char *path, struct bx_buf *message)
{
    static const char *const sidecars[] = {"-wal", "-shm"};
    int rc = backup_check(backup_path, message);
    if (rc != BX_OK)
        return rc;
    char *fresh = sqlite3_mprintf("%s.restoring", path);
    BX_ASSERT(fresh);
    rc = copy_file(backup_path, fresh);
    if (rc == BX_OK)
        rc = log_epoch_drop_in(fresh);
    /* The old log goes first: it must never be replayed into the restored file. A crash in between
     * leaves the old database without its last commits; the restore is then run again. */
    for (size_t i = 0; rc == BX_OK && i < BX_LEN(sidecars); i++) {
        char *sidecar = sqlite3_mprintf("%s%s", path, sidecars[i]);
        BX_ASSERT(sidecar);
        if (unlink(sidecar) != 0 && errno != ENOENT)
            rc = bx_err_from_errno(errno);
        sqlite3_free(sidecar);
    }
    if (rc == BX_OK && rename(fresh, path) != 0)
        rc = bx_err_from_errno(errno);
    if (rc == BX_OK)
        rc = fsync_directory_of(path);
    else
        unlink(fresh);
    sqlite3_free(fresh);
    if (rc != BX_OK)
        bx_buf_printf(message, "The restored file cannot be put in place: %s",
                      bx_err_info(rc)->sentence);
    return rc;
}

/* ---- check ---- */

/* Every query gives one row per finding, with one text column. */
struct finding {
    const char *sql;
    bool is_slow; /* reads much of the database */
};

static const struct finding findings[] = {
    {"SELECT integrity_check FROM pragma_integrity_check WHERE integrity_check <> 'ok'", true},
    {"SELECT 'a row of ' || \"table\" || ' refers to a missing row of ' || parent FROM "
     "pragma_foreign_key_check",
     true},
    {"SELECT 'chat ' || c.id || ': unread_count is ' || unread_count || ', rows say ' || n FROM "
     "(SELECT c.*, (SELECT count(*) FROM messages m WHERE m.chat_id = c.id AND m.is_unread = 1) "
     "AS n FROM chats c) c WHERE n <> unread_count",
     true},
    {"SELECT 'chat ' || c.id || ': message_count is ' || message_count || ', rows say ' || n FROM "
     "(SELECT c.*, (SELECT count(*) FROM messages m WHERE m.chat_id = c.id) AS n FROM chats c) c "
     "WHERE n <> message_count",
     true},
    {"SELECT 'number ' || number_id || ': chat counters differ from the rows' FROM number_state s "
     "JOIN numbers o ON o.id = s.number_id AND o.deleted_at = 0 WHERE (chat_count, "
     "archived_count) IS NOT (SELECT count(*), coalesce(sum(is_archived), 0) FROM chats c WHERE "
     "c.number_id = s.number_id)",
     false},
    {"SELECT 'number ' || number_id || ': event log has holes' FROM (SELECT s.number_id, "
     "s.last_seq, count(e.seq) AS n, min(e.seq) AS lo, max(e.seq) AS hi FROM number_state s JOIN "
     "numbers o ON o.id = s.number_id AND o.deleted_at = 0 JOIN events e ON e.number_id = "
     "s.number_id GROUP BY s.number_id) WHERE hi <> last_seq OR hi - lo + 1 <> n",
     false},
    {"SELECT 'chat ' || id || ': its last message is gone' FROM chats c WHERE last_message_id > 0 "
     "AND NOT EXISTS (SELECT 1 FROM messages m WHERE m.id = c.last_message_id AND m.chat_id = "
     "c.id)",
     false},
    {"SELECT 'outbox row ' || o.id || ': its message is not ours' FROM outbox o JOIN messages m ON "
     "m.id = o.message_id WHERE m.is_from_me = 0",
     false},
};

enum { MAX_FINDINGS_EACH = 100 };

static int find(struct st_conn *conn, const char *sql, struct bx_arena *a, struct bx_buf *report)
{
    struct st_cur c;
    int found = 0;
    int rc = st_db_begin(&c, conn, sql, Q0);
    while (rc >= 0 && (rc = st_db_next(&c)) > 0) {
        struct bx_str line = st_col_str(&c, a);
        if (found++ < MAX_FINDINGS_EACH)
            bx_buf_printf(report, BX_STR_FMT "\n", BX_STR_ARG(line));
    }
    return rc < 0 ? rc : found;
}

/* FTS5 compares its index with the view; it is a write statement by form only, so it runs on a
 * connection of its own and is rolled back. */
static int search_check(struct st_conn *conn, struct bx_buf *report)
{
    sqlite3 *db;
    int64_t pending;
    int rc = st_search_pending(conn, &pending);
    if (rc != BX_OK || pending > 0) /* being filled: it cannot match yet */
        return rc;
    rc = st_db_connect(&conn->store->options, SQLITE_OPEN_READWRITE, &db);
    if (rc != BX_OK)
        return rc == BX_E_READ_ONLY ? 0 : rc;
    rc = sqlite3_exec(db,
                      "BEGIN; INSERT INTO message_fts (message_fts, rank) VALUES "
                      "('integrity-check', 1); ROLLBACK",
                      NULL, NULL, NULL);
    int result = rc == SQLITE_OK ? 0 : st_db_error(db, rc);
    sqlite3_close(db);
    if (result != BX_E_CORRUPT)
        return result;
    bx_buf_lit(report, "The search index does not match the messages.\n");
    return 1;
}

int st_check(struct st_conn *conn, bool is_quick, struct bx_buf *report)
{
    struct bx_arena a;
    bx_arena_init(&a, 0);
    int total = 0, rc = 0;
    for (size_t i = 0; rc >= 0 && i < BX_LEN(findings); i++) {
        if (is_quick && findings[i].is_slow)
            continue;
        rc = find(conn, findings[i].sql, &a, report);
        total += rc;
    }
    if (rc >= 0 && !is_quick) {
        rc = search_check(conn, report);
        total += rc;
    }
    bx_arena_done(&a);
    return rc < 0 ? rc : total;
}

int st_repair(struct st_tx *tx)
{
    /* As migration 0006, not by FTS5's 'rebuild', for the same reason. */
    static const char index_all[] = "INSERT INTO message_fts (rowid, entry) SELECT entry_id, entry "
                                    "FROM message_search ORDER BY id DESC";
    static const char *const sqls[] = {
        "UPDATE chats SET unread_count = (SELECT count(*) FROM messages m WHERE m.chat_id = "
        "chats.id AND m.is_unread = 1), message_count = (SELECT count(*) FROM messages m WHERE "
        "m.chat_id = chats.id)",
        "UPDATE number_state SET chat_count = (SELECT count(*) FROM chats c WHERE c.number_id = "
        "number_state.number_id), archived_count = (SELECT count(*) FROM chats c WHERE "
        "c.number_id = number_state.number_id AND c.is_archived = 1)",
        "INSERT INTO message_fts (message_fts) VALUES ('delete-all')",
        index_all,
        "UPDATE settings SET value = 0 WHERE name = 'search.pending'",
    };
    st_search_truncate(tx, 0);
    tx->rebuild_rows = 0;
    int rc = BX_OK;
    for (size_t i = 0; rc >= 0 && i < BX_LEN(sqls); i++)
        rc = st_db_run(tx->conn, sqls[i], Q0);
    return rc < 0 ? rc : BX_OK;
}

/* ---- figures ---- */

static int64_t size_of(const char *path, const char *suffix)
{
    char *name = sqlite3_mprintf("%s%s", path, suffix);
    struct stat st;
    int64_t size = name && stat(name, &st) == 0 ? st.st_size : 0;
    sqlite3_free(name);
    return size;
}

int st_stats(struct st_conn *conn, struct st_stats *out)
{
    struct st_stats s = {0};
    const struct {
        const char *sql;
        int64_t *to;
    } rows[] = {
        {"SELECT count(*) FROM users", &s.users},
        {"SELECT count(*) FROM numbers WHERE deleted_at = 0", &s.numbers},
        {"SELECT count(*) FROM sessions", &s.sessions},
        {"SELECT count(*) FROM contacts", &s.contacts},
        {"SELECT count(*) FROM chats", &s.chats},
        {"SELECT coalesce(sum(message_count), 0) FROM chats", &s.messages},
        {"SELECT count(*) FROM outbox", &s.outbox},
        {"SELECT count(*) FROM events", &s.events},
        {"SELECT count(*) FROM audit", &s.audit},
        {"SELECT count(*) FROM keys", &s.keys},
        {"SELECT freelist_count * page_size FROM pragma_freelist_count, pragma_page_size",
         &s.free_bytes},
    };
    int rc = BX_OK;
    for (size_t i = 0; rc == BX_OK && i < BX_LEN(rows); i++)
        rc = st_db_i64(conn, rows[i].to, rows[i].sql, Q0);
    if (rc != BX_OK)
        return rc;
    s.file_bytes = size_of(conn->store->path, "");
    s.wal_bytes = size_of(conn->store->path, "-wal");
    *out = s;
    return BX_OK;
}
