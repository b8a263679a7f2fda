/* How a statement is written in this backend:
 *
 *     return st_db_run(tx->conn, "UPDATE chats SET is_pinned = ?2 WHERE id = ?1",
 *                      Q(I(id), I(pin)));
 *
 * The SQL is a string literal beside the code that uses it; its address is the key under which each
 * connection keeps the statement, prepared once. Q() binds typed values in order; columns are read
 * in order too. Texts that are not literals go through the _text variant and are prepared each time
 * (lists with a chosen sort order).
 */
#ifndef ST_SQLITE_DB_H
#define ST_SQLITE_DB_H

#include "base/mem.h"
#include "store/store.h"
#include "store/uuid.h"

#include <pthread.h>
#include <sqlite3.h>
#include <stdatomic.h>

struct st_stmt_slot {
    const char *sql; /* NULL: free */
    sqlite3_stmt *stmt;
};

struct st_conn {
    unsigned magic;
    sqlite3 *db;
    struct st_store *store;
    struct st_stmt_slot *slots;
    size_t slot_count, slot_cap; /* cap is 0 or a power of two */
    struct bx_words *words;      /* NULL until something is sought */
    bool is_page_cut;
    struct st_touched *touched; /* of a writer's; SQLite frees it with the connection */
};

enum { ST_CHAT_MARKS = 4096 };

struct st_store {
    struct st_options options;
    char *path;
    struct st_uuid_key uuid_key;
    struct st_map *map; /* NULL: SQLite maps what it can */
    _Atomic int conn_count;
    char log_epoch[17];
    uint64_t file_dev, file_ino; /* of the database when it was opened */
    _Atomic int64_t file_bytes;  /* the largest seen: it never shrinks while it is open */
    _Atomic uint64_t chat_marks[ST_CHAT_MARKS];
};

/* A row whose search entry is out of date: entries are applied once per transaction, sorted, after
 * the last savepoint (see search.c for why). */
struct st_reindex {
    int64_t message_id;
    uint32_t order;
    bool is_new;         /* was not in the index before this transaction */
    struct bx_str entry; /* what the index holds; heap */
};

struct st_tx {
    struct st_conn *conn;
    int log_pages; /* in the write-ahead log after the last commit */
    int64_t now;
    struct st_reindex *reindex;
    size_t reindex_count, reindex_cap;
    int64_t rebuild_rows; /* messages to add to an index that is being filled, at the commit */
};

struct st_val {
    enum { ST_VAL_INT, ST_VAL_TEXT, ST_VAL_BLOB } kind;
    int64_t i;
    struct bx_str s;
};
#define I(x) ((struct st_val){.kind = ST_VAL_INT, .i = (int64_t)(x)})
#define T(x) ((struct st_val){.kind = ST_VAL_TEXT, .s = (x)}) /* ptr NULL: NULL */
#define B(x) ((struct st_val){.kind = ST_VAL_BLOB, .s = (x)})
#define Q(...)                                                                                     \
    (const struct st_val[]){__VA_ARGS__},                                                          \
        sizeof((const struct st_val[]){__VA_ARGS__}) / sizeof(struct st_val)
#define Q0 NULL, 0

/* An open statement at a row. */
struct st_cur {
    struct st_conn *conn;
    sqlite3_stmt *stmt;
    int col;
    size_t bytes,
        max_bytes; /* read so far; the list ends behind the row that reaches max. 0: no max */
    bool is_owned;
};

typedef void st_read_fn(struct st_cur *c, struct bx_arena *a, void *out);

/* BX_E_* of a SQLite result (any negative or positive code of its tables). */
int st_db_error(sqlite3 *db, int sqlite_rc);

/* Opens a connection with our settings; flags as sqlite3_open_v2. */
int st_db_connect(const struct st_options *options, int flags, sqlite3 **out);

int st_db_begin(struct st_cur *c, struct st_conn *conn, const char *sql, const struct st_val *vals,
                size_t count);
int st_db_begin_text(struct st_cur *c, struct st_conn *conn, const char *sql,
                     const struct st_val *vals, size_t count);
/* 1: at a row; 0: no more; negative: failed. The cursor ends itself on 0 and failure. */
int st_db_next(struct st_cur *c);
void st_db_end(struct st_cur *c);

int64_t st_col_i64(struct st_cur *c);
static inline bool st_col_bool(struct st_cur *c)
{
    return st_col_i64(c) != 0;
}
/* Text or blob, copied into the arena; ptr NULL for NULL. */
struct bx_str st_col_str(struct st_cur *c, struct bx_arena *a);
/* Not copied: valid until the cursor moves; empty for NULL. */
struct bx_str st_col_borrow(struct st_cur *c);

/* Runs to the end; returns how many rows changed. */
int st_db_run(struct st_conn *conn, const char *sql, const struct st_val *vals, size_t count);
/* As _run, but nothing changed is BX_E_NOT_FOUND and success BX_OK. */
int st_db_must(struct st_conn *conn, const char *sql, const struct st_val *vals, size_t count);
/* INSERT; the new row id. */
int st_db_insert(struct st_conn *conn, int64_t *out_id, const char *sql, const struct st_val *vals,
                 size_t count);
/* The first column of the only row; BX_E_NOT_FOUND without one. */
int st_db_i64(struct st_conn *conn, int64_t *out, const char *sql, const struct st_val *vals,
              size_t count);
int st_db_one(struct st_conn *conn, struct bx_arena *a, st_read_fn *read, void *out,
              const char *sql, const struct st_val *vals, size_t count);

/* A list: rows of `size` bytes in the arena; out is `T **`. Takes over the cursor. */
int st_db_rows(struct st_cur *c, struct bx_arena *a, st_read_fn *read, size_t size, void *out,
               size_t *out_count);
int st_db_list(struct st_conn *conn, struct bx_arena *a, st_read_fn *read, size_t size, void *out,
               size_t *out_count, const char *sql, const struct st_val *vals, size_t count);
/* As _list, at most ST_PAGE_BYTES (st_page_is_cut). */
int st_db_page(struct st_conn *conn, struct bx_arena *a, st_read_fn *read, size_t size, void *out,
               size_t *out_count, const char *sql, const struct st_val *vals, size_t count);
void st_read_i64(struct st_cur *c, struct bx_arena *a, void *out); /* a list of ids */

int64_t st_limit(int64_t limit);
static inline int64_t st_offset(int64_t offset)
{
    return offset > 0 ? offset : 0;
}
/* A LIKE pattern "%text%" with its special characters escaped by '\'; NULL text stays NULL. */
struct bx_str st_like(struct bx_arena *a, struct bx_str text);

/* For has_fold(): the text folded; NULL stays NULL. */
struct bx_str st_fold(struct bx_arena *a, struct bx_str text);

/* The ids as a JSON array: one statement for any number of them. */
struct bx_str st_ids_json(struct bx_arena *a, const int64_t *ids, size_t count);

/* "digits@server" */
struct bx_str st_jid_of(struct bx_arena *a, struct bx_str phone, struct bx_str lid);

/* ---- what the writer stands on ---- */

int st_tx_open(struct st_store *store, struct st_tx *tx);
void st_tx_close(struct st_tx *tx);
int st_tx_begin(struct st_tx *tx);
/* Applies what is due at the end, then commits. On failure everything is rolled back. */
int st_tx_commit(struct st_tx *tx);
void st_tx_rollback(struct st_tx *tx);
/* Copies the log into the file when it has grown; between transactions. A failure is not one of the
 * store: the log keeps everything, and the next call tries again. */
void st_tx_checkpoint(struct st_tx *tx);
/* Between transactions, when none is near: gives memory back. */
void st_tx_rest(struct st_tx *tx);
/* One job in its savepoint. *out_lost: the whole transaction is gone (BX_E_DISK_FULL and the like).
 */
int st_tx_job(struct st_tx *tx, st_job_fn *job, void *arg, bool *out_lost);

/* ---- between the files of this backend ---- */

/* NULL when there is no address space for it. */
struct st_map *st_map_open(const char *path);
void st_map_close(struct st_map *map); /* after the connections; NULL is allowed */
/* A reader's connection from now on reads through it; NULL is allowed. One thread at a time. */
void st_map_attach(struct st_map *map, sqlite3 *db);

/* On a writer's connection, once. */
int st_chat_marks_watch(struct st_conn *conn);
/* After every transaction of it. */
void st_chat_marks_end(struct st_conn *conn, bool is_committed);

void st_chat_read_row(struct st_cur *c, struct bx_arena *a, void *out);
void st_message_read_row(struct st_cur *c, struct bx_arena *a, void *out);
/* Cut to ST_PREVIEW_MAX bytes at a code point. */
struct bx_str st_preview(struct bx_str content);
/* Follows chat_aliases. */
int64_t st_chat_resolve(struct st_conn *conn, int64_t id);
/* Preview and time from the rows. */
int st_chat_preview(struct st_tx *tx, int64_t chat_id);
/* After messages of a chat went or moved: preview, time, counters from the rows. */
int st_chat_recount(struct st_tx *tx, int64_t chat_id);
/* Removes up to max_rows messages of a chat with all that hangs on them; returns how many. The
 * chat's counters are the caller's business. */
int st_chat_drop_messages(struct st_tx *tx, int64_t chat_id, int64_t max_rows);
int st_message_drop(struct st_tx *tx, int64_t id);
/* Replaces the media row of a message; nothing when there is no such message. */
int st_media_write(struct st_tx *tx, int64_t id, const struct st_media *m);

/* One message in the hour of its timestamp. */
struct st_hour_mark {
    int64_t timestamp;
    bool is_from_me;
    bool is_response;
    int64_t response_ms; /* 0 unless is_response */
};
int st_hour_add(struct st_tx *tx, int64_t number_id, const struct st_hour_mark *mark);

/* Call before a row changes that the index knows; _new after inserting one. */
int st_search_touch(struct st_tx *tx, int64_t message_id);
void st_search_new(struct st_tx *tx, int64_t message_id);
int st_search_flush(struct st_tx *tx);
void st_search_truncate(struct st_tx *tx, size_t count);

/* Empties the index when its words were cut by other rules; once, before anything reads it. */
int st_search_version(sqlite3 *db);
/* The last message that the index does not have yet; 0: it has all. */
int st_search_pending(struct st_conn *conn, int64_t *out);
/* At the commit: what st_search_rebuild asked for. */
int st_search_fill(struct st_tx *tx, int64_t pending);

/* SQL functions on texts (text.c); a code of SQLite. On every connection. */
int st_text_register(sqlite3 *db);

#define ST_CHAT_COLUMNS                                                                            \
    "id, number_id, contact_id, jid, is_group, name, number, last_message, last_message_id, "      \
    "last_message_at, last_is_from_me, unread_count, is_marked_unread, is_pinned, is_archived, "   \
    "muted_until, message_count, created_at, updated_at, ephemeral_s, ephemeral_set_at"

#define ST_MESSAGE_COLUMNS                                                                         \
    "m.id, m.number_id, m.chat_id, m.wa_id, m.is_from_me, m.sender_id, m.type, m.content, "        \
    "m.caption, m.file_name, m.flags, m.status, m.is_unread, m.is_starred, m.has_media, "          \
    "m.timestamp, m.quoted_wa_id, m.quoted_content, m.quoted_sender_id, m.sent_by, m.client_id, "  \
    "m.stored_at, m.sent_at, m.delivered_at, m.read_at, m.failed_at, m.error, m.edited_at, "       \
    "m.revoked_at, m.mentions, m.details, s.phone, s.lid, coalesce(s.name, s.push_name, "          \
    "s.business_name), "                                                                           \
    "u.name"
/* Who sent nothing (0) is not looked for: the cursor stays where the next row of the chat wants it.
 */
#define ST_MESSAGE_JOINS                                                                           \
    " LEFT JOIN contacts s ON s.id = nullif(m.sender_id, 0) "                                      \
    "LEFT JOIN users u ON u.id = nullif(m.sent_by, 0) "

#endif
