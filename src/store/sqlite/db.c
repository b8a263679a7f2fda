#include "store/sqlite/db.h"

#include "store/sqlite/migrate.h"
#include "store/sqlite/search_tokens.h"
#include "store/sqlite/search_words.h"

#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

enum { CONN_MAGIC = 0x5374436e, BUSY_TIMEOUT_MS = 5000, CHECKPOINT_PAGES = 16384 };

/* ---- errors ---- */

static int constraint_error(int extended)
{
    switch (extended) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID:
        return BX_E_EXISTS;
    case SQLITE_CONSTRAINT_TRIGGER:
        return BX_E_STATE;
    default:
        return BX_E_INVALID;
    }
}

static int io_error(sqlite3 *db)
{
    int err = sqlite3_system_errno(db);
    if (err == 0) /* a COMMIT that fails does not keep it; the call that failed was the last one to
                     set it */
        err = errno;
    if (err == ENOSPC || err == EDQUOT)
        return BX_E_DISK_FULL;
    if (err == EROFS || err == EACCES || err == EPERM)
        return BX_E_READ_ONLY;
    return BX_E_IO;
}

int st_db_error(sqlite3 *db, int sqlite_rc)
{
    switch (sqlite_rc & 0xff) {
    case SQLITE_CONSTRAINT:
        return constraint_error(sqlite3_extended_errcode(db));
    case SQLITE_FULL:
        return BX_E_DISK_FULL;
    case SQLITE_READONLY:
    case SQLITE_PERM:
        return BX_E_READ_ONLY;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_SCHEMA:
        return BX_E_AGAIN;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return BX_E_CORRUPT;
    case SQLITE_IOERR:
    case SQLITE_CANTOPEN:
        return io_error(db);
    case SQLITE_NOMEM:
        return BX_E_NOMEM;
    case SQLITE_TOOBIG:
        return BX_E_TOO_BIG;
    default:
        return BX_E_INTERNAL;
    }
}

/* ---- connections ---- */

/* Its statistics cost a lock per allocation; nothing here reads them. */
static void memory_statistics_off(void)
{
    sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

static int set_up(sqlite3 *db, const struct st_options *o, bool is_reader)
{
    int64_t cache = (o->cache_bytes ? o->cache_bytes : 64 << 20) / (is_reader ? 2 : 1);
    int64_t map = o->mmap_bytes ? o->mmap_bytes : (int64_t)2 << 30;
    if (!is_reader || map < 0) /* a touched page of a map makes the 16 around it resident: with a
                                  thousand numbers' keys, read one each, that is the whole file */
        map = 0;
    char *sql = sqlite3_mprintf("PRAGMA foreign_keys = ON;"
                                "PRAGMA synchronous = %s;"
                                "PRAGMA cache_size = -%lld;"
                                "PRAGMA mmap_size = %lld;"
                                "PRAGMA temp_store = MEMORY;"
                                /* Zeroes over deleted text where that costs no extra page. */
                                "PRAGMA secure_delete = FAST;"
                                "PRAGMA wal_autocheckpoint = 8192;"
                                "PRAGMA journal_size_limit = 67108864;",
                                o->sync == ST_SYNC_NORMAL ? "NORMAL" : "FULL",
                                (long long)(cache >> 10), (long long)map);
    if (!sql)
        return BX_E_NOMEM;
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_free(sql);
    if (rc == SQLITE_OK && o->max_bytes > 0) {
        char limit[64];
        sqlite3_snprintf(sizeof limit, limit, "PRAGMA max_page_count = %lld",
                         (long long)(o->max_bytes / 4096));
        rc = sqlite3_exec(db, limit, NULL, NULL, NULL);
    }
    return rc == SQLITE_OK ? BX_OK : st_db_error(db, rc);
}

int st_db_connect(const struct st_options *options, int flags, sqlite3 **out)
{
    sqlite3 *db;
    int rc = sqlite3_open_v2(options->path, &db, flags | SQLITE_OPEN_NOMUTEX, NULL);
    if (rc != SQLITE_OK) {
        int result = db ? st_db_error(db, rc) : BX_E_NOMEM;
        sqlite3_close(db);
        return result;
    }
    sqlite3_extended_result_codes(db, 1);
    sqlite3_busy_timeout(db, BUSY_TIMEOUT_MS);
    sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    rc = set_up(db, options, (flags & SQLITE_OPEN_READONLY) != 0);
    if (rc == BX_OK && (st_tokens_register(db) != SQLITE_OK || st_text_register(db) != SQLITE_OK))
        rc = BX_E_INTERNAL;
    if (rc != BX_OK) {
        sqlite3_close(db);
        return rc;
    }
    *out = db;
    return BX_OK;
}

static int conn_open(struct st_store *store, int flags, struct st_conn **out)
{
    sqlite3 *db;
    int rc = st_db_connect(&store->options, flags, &db);
    if (rc != BX_OK)
        return rc;
    struct st_conn *conn = BX_NEW(struct st_conn);
    *conn = (struct st_conn){.magic = CONN_MAGIC, .db = db, .store = store};
    store->conn_count++;
    *out = conn;
    return BX_OK;
}

int st_conn_open(struct st_store *store, struct st_conn **out)
{
    int rc = conn_open(store, SQLITE_OPEN_READONLY, out);
    if (rc == BX_OK)
        st_map_attach(store->map, (*out)->db);
    return rc;
}

void st_conn_close(struct st_conn *conn)
{
    if (!conn)
        return;
    BX_ASSERT(conn->magic == CONN_MAGIC);
    for (size_t i = 0; i < conn->slot_cap; i++)
        sqlite3_finalize(conn->slots[i].stmt);
    st_words_done(conn);
    BX_ASSERT(sqlite3_close(conn->db) == SQLITE_OK);
    conn->store->conn_count--;
    conn->magic = 0;
    free(conn->slots);
    free(conn);
}

struct st_store *st_conn_store(struct st_conn *conn)
{
    return conn->store;
}

int st_read_begin(struct st_conn *conn)
{
    return st_db_run(conn, "BEGIN", Q0);
}

void st_read_end(struct st_conn *conn)
{
    st_db_run(conn, "COMMIT", Q0);
}

/* ---- statements ---- */

static struct st_stmt_slot *slot_of(struct st_conn *conn, const char *sql)
{
    size_t mask = conn->slot_cap - 1;
    size_t i = (size_t)((uintptr_t)sql * 0x9e3779b97f4a7c15u >> 20) & mask;
    while (conn->slots[i].sql && conn->slots[i].sql != sql)
        i = (i + 1) & mask;
    return &conn->slots[i];
}

static void slots_grow(struct st_conn *conn)
{
    struct st_stmt_slot *old = conn->slots;
    size_t old_cap = conn->slot_cap;
    conn->slot_cap = old_cap ? 2 * old_cap : 128;
    conn->slots = bx_calloc(conn->slot_cap, sizeof *conn->slots);
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].sql)
            *slot_of(conn, old[i].sql) = old[i];
    free(old);
}

static int stmt_get(struct st_conn *conn, const char *sql, sqlite3_stmt **out)
{
    if (conn->slot_count * 2 >= conn->slot_cap)
        slots_grow(conn);
    struct st_stmt_slot *slot = slot_of(conn, sql);
    if (!slot->sql) {
        int rc =
            sqlite3_prepare_v3(conn->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &slot->stmt, NULL);
        if (rc != SQLITE_OK)
            return st_db_error(conn->db, rc);
        slot->sql = sql;
        conn->slot_count++;
    }
    BX_ASSERT(!sqlite3_stmt_busy(slot->stmt));
    *out = slot->stmt;
    return BX_OK;
}

static void bind(sqlite3_stmt *stmt, const struct st_val *vals, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct st_val *v = &vals[i];
        int at = (int)i + 1;
        if (v->kind == ST_VAL_INT)
            sqlite3_bind_int64(stmt, at, v->i);
        else if (!v->s.ptr)
            sqlite3_bind_null(stmt, at);
        else if (v->kind == ST_VAL_TEXT)
            sqlite3_bind_text64(stmt, at, v->s.ptr, v->s.len, SQLITE_STATIC, SQLITE_UTF8);
        else
            sqlite3_bind_blob64(stmt, at, v->s.ptr, v->s.len, SQLITE_STATIC);
    }
}

int st_db_begin(struct st_cur *c, struct st_conn *conn, const char *sql, const struct st_val *vals,
                size_t count)
{
    BX_ASSERT(conn->magic == CONN_MAGIC);
    *c = (struct st_cur){.conn = conn};
    int rc = stmt_get(conn, sql, &c->stmt);
    if (rc == BX_OK)
        bind(c->stmt, vals, count);
    return rc;
}

int st_db_begin_text(struct st_cur *c, struct st_conn *conn, const char *sql,
                     const struct st_val *vals, size_t count)
{
    *c = (struct st_cur){.conn = conn, .is_owned = true};
    int rc = sqlite3_prepare_v2(conn->db, sql, -1, &c->stmt, NULL);
    if (rc != SQLITE_OK)
        return st_db_error(conn->db, rc);
    bind(c->stmt, vals, count);
    return BX_OK;
}

int st_db_next(struct st_cur *c)
{
    int rc = sqlite3_step(c->stmt);
    c->col = 0;
    if (rc == SQLITE_ROW)
        return 1;
    int result = rc == SQLITE_DONE ? 0 : st_db_error(c->conn->db, rc);
    st_db_end(c);
    return result;
}

void st_db_end(struct st_cur *c)
{
    if (c->is_owned)
        sqlite3_finalize(c->stmt);
    else
        sqlite3_reset(c->stmt);
    c->stmt = NULL;
}

int64_t st_col_i64(struct st_cur *c)
{
    return sqlite3_column_int64(c->stmt, c->col++);
}

struct bx_str st_col_str(struct st_cur *c, struct bx_arena *a)
{
    int col = c->col++;
    if (sqlite3_column_type(c->stmt, col) == SQLITE_NULL)
        return (struct bx_str){0};
    /* _blob gives texts as they are stored, in UTF-8, and leaves blobs alone. */
    const void *ptr = sqlite3_column_blob(c->stmt, col);
    size_t len = (size_t)sqlite3_column_bytes(c->stmt, col);
    c->bytes += len;
    return (struct bx_str){bx_arena_strndup(a, len ? ptr : "", len), len};
}

struct bx_str st_col_borrow(struct st_cur *c)
{
    int col = c->col++;
    const void *ptr = sqlite3_column_blob(c->stmt, col);
    size_t len = (size_t)sqlite3_column_bytes(c->stmt, col);
    return (struct bx_str){len ? ptr : "", len};
}

int st_db_run(struct st_conn *conn, const char *sql, const struct st_val *vals, size_t count)
{
    struct st_cur c;
    int rc = st_db_begin(&c, conn, sql, vals, count);
    while (rc == BX_OK && (rc = st_db_next(&c)) > 0)
        rc = BX_OK;
    return rc < 0 ? rc : sqlite3_changes(conn->db);
}

int st_db_must(struct st_conn *conn, const char *sql, const struct st_val *vals, size_t count)
{
    int rc = st_db_run(conn, sql, vals, count);
    return rc == 0 ? BX_E_NOT_FOUND : rc < 0 ? rc : BX_OK;
}

int st_db_insert(struct st_conn *conn, int64_t *out_id, const char *sql, const struct st_val *vals,
                 size_t count)
{
    int rc = st_db_run(conn, sql, vals, count);
    if (rc < 0)
        return rc;
    *out_id = sqlite3_last_insert_rowid(conn->db);
    return BX_OK;
}

int st_db_one(struct st_conn *conn, struct bx_arena *a, st_read_fn *read, void *out,
              const char *sql, const struct st_val *vals, size_t count)
{
    struct st_cur c;
    int rc = st_db_begin(&c, conn, sql, vals, count);
    if (rc == BX_OK)
        rc = st_db_next(&c);
    if (rc <= 0)
        return rc < 0 ? rc : BX_E_NOT_FOUND;
    read(&c, a, out);
    st_db_end(&c);
    return BX_OK;
}

void st_read_i64(struct st_cur *c, struct bx_arena *a, void *out)
{
    (void)a;
    *(int64_t *)out = st_col_i64(c);
}

int st_db_i64(struct st_conn *conn, int64_t *out, const char *sql, const struct st_val *vals,
              size_t count)
{
    return st_db_one(conn, NULL, st_read_i64, out, sql, vals, count);
}

int st_db_rows(struct st_cur *c, struct bx_arena *a, st_read_fn *read, size_t size, void *out,
               size_t *out_count)
{
    char *rows = NULL;
    size_t count = 0, cap = 0;
    int rc;
    while ((rc = st_db_next(c)) > 0) {
        if (c->max_bytes && c->bytes >= c->max_bytes) {
            c->conn->is_page_cut = true;
            st_db_end(c);
            break;
        }
        if (count == cap) {
            size_t grown = cap ? 2 * cap : 64;
            char *moved = bx_arena_alloc(a, grown * size);
            if (count)
                memcpy(moved, rows, count * size);
            rows = moved;
            cap = grown;
        }
        read(c, a, rows + count++ * size);
    }
    if (rc < 0)
        return rc;
    memcpy(out, &rows, sizeof rows);
    *out_count = count;
    return BX_OK;
}

int st_db_list(struct st_conn *conn, struct bx_arena *a, st_read_fn *read, size_t size, void *out,
               size_t *out_count, const char *sql, const struct st_val *vals, size_t count)
{
    struct st_cur c;
    int rc = st_db_begin(&c, conn, sql, vals, count);
    return rc < 0 ? rc : st_db_rows(&c, a, read, size, out, out_count);
}

int st_db_page(struct st_conn *conn, struct bx_arena *a, st_read_fn *read, size_t size, void *out,
               size_t *out_count, const char *sql, const struct st_val *vals, size_t count)
{
    struct st_cur c;
    conn->is_page_cut = false;
    int rc = st_db_begin(&c, conn, sql, vals, count);
    c.max_bytes = ST_PAGE_BYTES;
    return rc < 0 ? rc : st_db_rows(&c, a, read, size, out, out_count);
}

bool st_page_is_cut(const struct st_conn *conn)
{
    return conn->is_page_cut;
}

/* ---- small helpers ---- */

int64_t st_limit(int64_t limit)
{
    if (limit == 0)
        return ST_LIMIT_DEFAULT;
    return limit < 1 ? 1 : limit > ST_LIMIT_MAX ? ST_LIMIT_MAX : limit;
}

struct bx_str st_like(struct bx_arena *a, struct bx_str text)
{
    if (!text.ptr)
        return text;
    char *out = bx_arena_alloc(a, 2 * text.len + 3);
    size_t n = 0;
    out[n++] = '%';
    for (size_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '%' || text.ptr[i] == '_' || text.ptr[i] == '\\')
            out[n++] = '\\';
        out[n++] = text.ptr[i];
    }
    out[n++] = '%';
    return (struct bx_str){out, n};
}

struct bx_str st_jid_of(struct bx_arena *a, struct bx_str phone, struct bx_str lid)
{
    if (phone.ptr)
        return bx_arena_printf(a, BX_STR_FMT "@s.whatsapp.net", BX_STR_ARG(phone));
    return bx_arena_printf(a, BX_STR_FMT "@lid", BX_STR_ARG(lid));
}

/* ---- store ---- */

/* The key of public ids is made with the database. */
static int uuid_key_load(sqlite3 *db, bool is_read_only, struct st_uuid_key *key)
{
    if (!is_read_only) {
        bx_random(key, sizeof *key);
        sqlite3_stmt *put;
        int rc = sqlite3_prepare_v2(
            db, "INSERT INTO settings VALUES ('uuid_key', ?1) ON CONFLICT DO NOTHING", -1, &put,
            NULL);
        if (rc == SQLITE_OK) {
            sqlite3_bind_blob(put, 1, key, sizeof *key, SQLITE_STATIC);
            rc = sqlite3_step(put);
        }
        sqlite3_finalize(put);
        if (rc != SQLITE_DONE)
            return st_db_error(db, rc);
    }
    sqlite3_stmt *get;
    int rc = sqlite3_prepare_v2(db, "SELECT value FROM settings WHERE name = 'uuid_key'", -1, &get,
                                NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_step(get);
    bool is_found = rc == SQLITE_ROW && sqlite3_column_bytes(get, 0) == sizeof *key;
    if (is_found)
        memcpy(key, sqlite3_column_blob(get, 0), sizeof *key);
    int result = is_found                                ? BX_OK
                 : rc == SQLITE_ROW || rc == SQLITE_DONE ? BX_E_CORRUPT
                                                         : st_db_error(db, rc);
    sqlite3_finalize(get);
    return result;
}

/* A backup has none, so that the file that is opened after it gets a new one. */
static int log_epoch_load(sqlite3 *db, bool is_read_only, char out[17])
{
    sqlite3_stmt *get;
    char *failure = NULL;
    int rc = is_read_only ? SQLITE_OK
                          : sqlite3_exec(db,
                                         "INSERT INTO settings VALUES ('log_epoch', "
                                         "lower(hex(randomblob(8)))) ON CONFLICT DO NOTHING",
                                         NULL, NULL, &failure);
    sqlite3_free(failure);
    if (rc != SQLITE_OK)
        return st_db_error(db, rc);
    rc = sqlite3_prepare_v2(db, "SELECT value FROM settings WHERE name = 'log_epoch'", -1, &get,
                            NULL);
    if (rc == SQLITE_OK && sqlite3_step(get) == SQLITE_ROW)
        bx_str_copy(bx_str_n(sqlite3_column_blob(get, 0), (size_t)sqlite3_column_bytes(get, 0)),
                    out, 17);
    sqlite3_finalize(get);
    return BX_OK;
}

static int prepare_file(sqlite3 *db, const struct st_options *o, struct st_uuid_key *key,
                        char log_epoch[17], struct bx_buf *message)
{
    int rc;
    if (o->is_read_only) {
        rc = st_migrate_check(db, st_migration_count, message);
        if (rc >= 0 && rc < st_migration_count) {
            bx_buf_lit(message, "The database has an older schema and is opened read-only.");
            rc = BX_E_VERSION;
        }
    } else {
        rc = st_migrate_check(db, st_migration_count, message);
        if (rc > 0 && rc < st_migration_count && o->on_upgrade)
            o->on_upgrade(rc, st_migration_count, o->arg);
        if (rc >= 0)
            rc = sqlite3_exec(db, "PRAGMA journal_mode = WAL", NULL, NULL, NULL) == SQLITE_OK
                     ? st_migrate(db, st_migrations, st_migration_count, message)
                     : st_db_error(db, sqlite3_errcode(db));
        if (rc >= 0)
            rc = st_search_version(db);
    }
    if (rc < 0)
        return rc;
    rc = uuid_key_load(db, o->is_read_only, key);
    bool is_read_only = o->is_read_only || rc == BX_E_READ_ONLY;
    if (rc == BX_E_READ_ONLY)
        rc = uuid_key_load(db, true, key);
    return rc < 0 ? rc : log_epoch_load(db, is_read_only, log_epoch);
}

int st_store_open(const struct st_options *options, struct st_store **out, struct bx_buf *message)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, memory_statistics_off);
    int flags =
        options->is_read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE;
    sqlite3 *db;
    int rc = st_db_connect(options, flags, &db);
    struct st_uuid_key key;
    char log_epoch[17] = "";
    if (rc == BX_OK) {
        rc = prepare_file(db, options, &key, log_epoch, message);
        sqlite3_close(db);
    }
    if (rc != BX_OK) {
        if (message->len == 0)
            bx_buf_printf(message, "The database cannot be opened: %s", bx_err_info(rc)->sentence);
        return rc;
    }
    struct st_store *store = BX_NEW(struct st_store);
    store->options = *options;
    store->path = bx_strndup(options->path, strlen(options->path));
    store->options.path = store->path;
    store->uuid_key = key;
    memcpy(store->log_epoch, log_epoch, sizeof log_epoch);
    struct stat file;
    if (stat(store->path, &file) == 0) {
        store->file_dev = file.st_dev;
        store->file_ino = file.st_ino;
        store->file_bytes = file.st_size;
    }
    store->map = options->mmap_bytes < 0 ? NULL : st_map_open(store->path);
    *out = store;
    return BX_OK;
}

const char *st_log_epoch(const struct st_store *store)
{
    return store->log_epoch;
}

/* Another file under the path takes no write of ours and ours is seen by nobody; a shorter one has
 * lost pages that SQLite may still believe in. */
int st_store_file_check(struct st_store *store)
{
    struct stat file;
    int64_t seen = store->file_bytes; /* before the look: others look too */
    if (stat(store->path, &file) < 0)
        return errno == ENOENT ? BX_E_STALE : bx_err_from_errno(errno);
    if (file.st_dev != store->file_dev || file.st_ino != store->file_ino)
        return BX_E_STALE;
    if (file.st_size < seen)
        return BX_E_CORRUPT;
    store->file_bytes = file.st_size;
    return BX_OK;
}

void st_store_close(struct st_store *store)
{
    if (!store)
        return;
    BX_ASSERT(store->conn_count == 0);
    st_map_close(store->map);
    free(store->path);
    free(store);
}

int st_store_version(struct st_store *store)
{
    (void)store;
    return st_migration_count; /* an open store has been migrated */
}

void st_uuid_format(const struct st_store *store, enum st_uuid_kind kind, int64_t id,
                    char out[ST_UUID_SIZE])
{
    st_uuid_seal(&store->uuid_key, kind, id, out);
}

int st_uuid_parse(const struct st_store *store, enum st_uuid_kind kind, struct bx_str text,
                  int64_t *out_id)
{
    return st_uuid_open(&store->uuid_key, kind, text, out_id);
}

/* ---- transactions ---- */

int st_tx_open(struct st_store *store, struct st_tx *tx)
{
    *tx = (struct st_tx){0};
    int rc = conn_open(store, SQLITE_OPEN_READWRITE, &tx->conn);
    if (rc == BX_OK && (rc = st_chat_marks_watch(tx->conn)) < 0)
        st_conn_close(tx->conn);
    return rc;
}

static int on_log_grown(void *arg, sqlite3 *db, const char *name, int pages)
{
    (void)db;
    (void)name;
    *(int *)arg = pages;
    return SQLITE_OK;
}

void st_tx_close(struct st_tx *tx)
{
    st_search_truncate(tx, 0);
    free(tx->reindex);
    st_conn_close(tx->conn);
}

int st_tx_begin(struct st_tx *tx)
{
    tx->now = bx_wall_ms();
    sqlite3_wal_hook(tx->conn->db, on_log_grown, &tx->log_pages); /* in place of autocheckpoint */
    int rc = st_db_run(tx->conn, "BEGIN IMMEDIATE", Q0);
    return rc < 0 ? rc : BX_OK;
}

int st_tx_commit(struct st_tx *tx)
{
    int rc = st_store_file_check(tx->conn->store);
    if (rc >= 0)
        rc = st_search_flush(tx);
    if (rc >= 0)
        rc = st_db_run(tx->conn, "COMMIT", Q0);
    if (rc < 0)
        st_tx_rollback(tx);
    else
        st_chat_marks_end(tx->conn, true);
    return rc < 0 ? rc : BX_OK;
}

/* SQLite's own checkpoint would run inside COMMIT, before the group hears that it is durable. */
void st_tx_checkpoint(struct st_tx *tx)
{
    if (tx->log_pages < CHECKPOINT_PAGES)
        return;
    tx->log_pages = 0;
    sqlite3_wal_checkpoint_v2(tx->conn->db, "main", SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
}

void st_tx_rest(struct st_tx *tx)
{
    sqlite3_db_release_memory(tx->conn->db);
}

void st_tx_rollback(struct st_tx *tx)
{
    st_search_truncate(tx, 0);
    tx->rebuild_rows = 0;
    if (!sqlite3_get_autocommit(tx->conn->db))
        st_db_run(tx->conn, "ROLLBACK", Q0);
    st_chat_marks_end(tx->conn, false);
}

int st_tx_job(struct st_tx *tx, st_job_fn *job, void *arg, bool *out_lost)
{
    size_t mark = tx->reindex_count;
    *out_lost = false;
    int rc = st_db_run(tx->conn, "SAVEPOINT job", Q0);
    if (rc >= 0) {
        tx->now = bx_wall_ms();
        rc = job(tx, arg);
    }
    if (sqlite3_get_autocommit(
            tx->conn->db)) { /* the database gave up on the whole transaction by itself */
        *out_lost = true;
        return rc < 0 ? rc : BX_E_IO;
    }
    if (rc < 0) {
        st_search_truncate(tx, mark);
        st_db_run(tx->conn, "ROLLBACK TO job", Q0);
    }
    int released = st_db_run(tx->conn, "RELEASE job", Q0);
    return rc < 0 ? rc : released < 0 ? released : rc;
}

struct st_conn *st_tx_conn(struct st_tx *tx)
{
    return tx->conn;
}

int64_t st_tx_now(const struct st_tx *tx)
{
    return tx->now;
}
