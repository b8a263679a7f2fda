/* Full text over messages. The FTS5 table has no text of its own (view message_search).
 *
 * Why entries wait for the end of the transaction: FTS5 writes its pending terms out as a segment
 * whenever a savepoint opens or a row id comes that is not greater than the last one. A job has a
 * savepoint of its own, so indexing inside jobs would write a segment per message (40 of 43 us).
 * Collected and sorted, a whole group commit makes one.
 */
#include "store/sqlite/db.h"
#include "store/sqlite/search_tokens.h"

#include <stdlib.h>

/* ---- maintenance ---- */

static struct st_reindex *reindex_add(struct st_tx *tx, int64_t message_id)
{
    if (tx->reindex_count == tx->reindex_cap) {
        tx->reindex_cap = tx->reindex_cap ? 2 * tx->reindex_cap : 256;
        tx->reindex = bx_realloc(tx->reindex, tx->reindex_cap, sizeof *tx->reindex);
    }
    struct st_reindex *r = &tx->reindex[tx->reindex_count];
    *r = (struct st_reindex){.message_id = message_id, .order = (uint32_t)tx->reindex_count++};
    return r;
}

static struct bx_str heap_str(struct st_cur *c)
{
    struct bx_str s = st_col_borrow(c);
    return (struct bx_str){bx_strndup(s.ptr, s.len), s.len};
}

/* 1: at the message's entry; 0: no such row. */
static int view_row(struct st_cur *c, struct st_conn *conn, int64_t message_id)
{
    int rc =
        st_db_begin(c, conn, "SELECT entry FROM message_search WHERE id = ?1", Q(I(message_id)));
    return rc == BX_OK ? st_db_next(c) : rc;
}

int st_search_touch(struct st_tx *tx, int64_t message_id)
{
    struct st_cur c;
    int rc = view_row(&c, tx->conn, message_id);
    if (rc <= 0)
        return rc < 0 ? rc : BX_E_NOT_FOUND;
    struct st_reindex *r = reindex_add(tx, message_id);
    r->entry = heap_str(&c);
    st_db_end(&c);
    return BX_OK;
}

void st_search_new(struct st_tx *tx, int64_t message_id)
{
    reindex_add(tx, message_id)->is_new = true;
}

void st_search_truncate(struct st_tx *tx, size_t count)
{
    while (tx->reindex_count > count) {
        struct st_reindex *r = &tx->reindex[--tx->reindex_count];
        free((char *)r->entry.ptr);
    }
}

/* As the index counts: the newest message first. */
static int by_id_then_order(const void *a, const void *b)
{
    const struct st_reindex *x = a, *y = b;
    if (x->message_id != y->message_id)
        return x->message_id > y->message_id ? -1 : 1;
    return x->order < y->order ? -1 : x->order > y->order;
}

/* What the view says, straight into the index: not by INSERT … SELECT, which SQLite guards with a
 * savepoint of its own. */
static int index_row(struct st_conn *conn, int64_t message_id)
{
    struct st_cur c;
    int rc = view_row(&c, conn, message_id);
    if (rc <= 0)
        return rc;
    rc = st_db_run(conn, "INSERT INTO message_fts (rowid, entry) VALUES (?1, ?2)",
                   Q(I(ST_ENTRY_ID(message_id)), T(st_col_borrow(&c))));
    st_db_end(&c);
    return rc;
}

static int reindex_one(struct st_conn *conn, const struct st_reindex *r)
{
    int rc = BX_OK;
    if (!r->is_new)
        rc = st_db_run(conn,
                       "INSERT INTO message_fts (message_fts, rowid, entry) VALUES "
                       "('delete', ?1, ?2)",
                       Q(I(ST_ENTRY_ID(r->message_id)), T(r->entry)));
    if (rc >= 0)
        rc = index_row(conn, r->message_id);
    return rc < 0 ? rc : BX_OK;
}

/* The first entry of a message says what the index holds now; the view says what it shall hold.
 * Messages up to `pending` come into the index later. */
static int reindex_all(struct st_tx *tx, int64_t pending)
{
    int rc = BX_OK;
    if (tx->reindex_count)
        qsort(tx->reindex, tx->reindex_count, sizeof *tx->reindex, by_id_then_order);
    for (size_t i = 0; rc == BX_OK && i < tx->reindex_count; i++) {
        const struct st_reindex *r = &tx->reindex[i];
        bool is_first = i == 0 || r->message_id != r[-1].message_id;
        if (is_first && r->message_id > pending)
            rc = reindex_one(tx->conn, r);
    }
    st_search_truncate(tx, 0);
    return rc;
}

int st_search_flush(struct st_tx *tx)
{
    int64_t pending;
    if (tx->reindex_count == 0 && tx->rebuild_rows == 0)
        return BX_OK;
    int rc = st_search_pending(tx->conn, &pending);
    if (rc == BX_OK)
        rc = reindex_all(tx, pending);
    return rc == BX_OK ? st_search_fill(tx, pending) : rc;
}

/* Each commit leaves a segment, FTS5 joins four of a size by itself; a search asks each of them for
 * each of its words. Joining two by two leaves one per size. */
int st_search_tidy(struct st_tx *tx, int64_t max_pages)
{
    sqlite3 *db = tx->conn->db;
    int rc =
        st_db_run(tx->conn,
                  "INSERT INTO message_fts (message_fts, rank) SELECT 'usermerge', 2 WHERE NOT "
                  "EXISTS (SELECT 1 FROM message_fts_config WHERE k = 'usermerge' AND v = 2)",
                  Q0);
    sqlite3_int64 before = sqlite3_total_changes64(db);
    if (rc >= 0)
        rc = st_db_run(tx->conn, "INSERT INTO message_fts (message_fts, rank) VALUES ('merge', ?1)",
                       Q(I(max_pages)));
    return rc < 0 ? rc : sqlite3_total_changes64(db) - before >= 2;
}
