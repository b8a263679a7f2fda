#include "store/sqlite/search_vocabulary.h"

static void term_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    *(struct bx_str *)out = st_col_str(c, a);
}

static int terms_ready(struct st_conn *conn)
{
    int rc = st_db_run(conn,
                       "CREATE VIRTUAL TABLE IF NOT EXISTS temp.message_terms USING "
                       "fts5vocab(main, message_fts, instance)",
                       Q0);
    return rc < 0 ? rc : BX_OK;
}

int st_vocabulary_longer(struct st_conn *conn, struct bx_str word, const int64_t *numbers,
                         size_t number_count, size_t max_rows, struct bx_arena *a,
                         struct st_terms *out, size_t *out_rows)
{
    struct st_cur c;
    struct bx_str last = {0};
    *out_rows = 0;
    int rc = terms_ready(conn);
    if (rc == BX_OK)
        rc = st_db_begin(&c, conn,
                         "SELECT t.term FROM json_each(?1) j CROSS JOIN temp.message_terms t WHERE "
                         "t.term >= char(1) || 'n' || j.value || ' ' || ?2 || char(2) AND t.term "
                         "<= char(1) || 'n' || j.value || ' ' || ?2 || char(1114111) AND "
                         "substr(t.term, -1) <> char(1) LIMIT ?3",
                         Q(T(st_ids_json(a, numbers, number_count)), T(word), I(max_rows)));
    while (rc == BX_OK && (rc = st_db_next(&c)) > 0) {
        ++*out_rows;
        struct bx_str term = st_col_borrow(&c);
        rc = BX_OK;
        if (bx_str_eq(term, last))
            continue;
        if (out->count == out->max) {
            *out_rows = max_rows;
            st_db_end(&c);
            return BX_OK;
        }
        out->items[out->count++] = last = bx_arena_str(a, term);
    }
    return rc;
}

int st_vocabulary_next(struct st_conn *conn, struct bx_str start, struct bx_str from, bool is_after,
                       struct bx_arena *a, struct bx_str *out)
{
    struct bx_str term;
    int rc = terms_ready(conn);
    if (rc != BX_OK)
        return rc;
    /* Its rows are the occurrences of a word, so the next word is asked for anew, behind the mark
     * that a frequent one has. */
    if (is_after)
        from = bx_arena_printf(a, BX_STR_FMT "\2", BX_STR_ARG(from));
    rc = st_db_one(conn, a, term_read, &term,
                   "SELECT term FROM temp.message_terms WHERE term >= ?1 LIMIT 1", Q(T(from)));
    if (rc == BX_OK && !bx_str_starts(term, start))
        rc = BX_E_NOT_FOUND;
    if (rc == BX_OK)
        *out = term;
    return rc;
}

/* FTS5 keeps the first word of each of its pages, behind a '0', in message_fts_idx, segment by
 * segment; pgno is twice the page. */
int st_vocabulary_pages(struct st_conn *conn, struct bx_str start, int64_t *out)
{
    static const char sql[] =
        "WITH RECURSIVE segments (id) AS (SELECT min(segid) FROM message_fts_idx UNION ALL SELECT "
        "(SELECT min(segid) FROM message_fts_idx WHERE segid > id) FROM segments WHERE id > 0) "
        "SELECT coalesce(sum(coalesce((SELECT pgno / 2 FROM message_fts_idx WHERE segid = id AND "
        "term > CAST('0' || ?1 || char(1114111) AS BLOB) ORDER BY term LIMIT 1), (SELECT 1 + "
        "pgno / 2 FROM message_fts_idx WHERE segid = id ORDER BY term DESC LIMIT 1)) - (SELECT "
        "pgno / 2 FROM "
        "message_fts_idx WHERE segid = id AND term <= CAST('0' || ?1 AS BLOB) ORDER BY term DESC "
        "LIMIT 1) - 1), 0) FROM segments WHERE id > 0";
    return st_db_i64(conn, out, sql, Q(T(start)));
}

int st_vocabulary_list(struct st_conn *conn, struct bx_str start, struct bx_arena *a,
                       struct st_terms *out)
{
    struct st_cur c;
    int rc = st_db_run(conn,
                       "CREATE VIRTUAL TABLE IF NOT EXISTS temp.message_words USING "
                       "fts5vocab(main, message_fts, row)",
                       Q0);
    if (rc >= 0)
        rc = st_db_begin(&c, conn,
                         "SELECT term FROM temp.message_words WHERE term >= ?1 AND term <= ?1 || "
                         "char(1114111) AND substr(term, -1) <> char(1) LIMIT ?2",
                         Q(T(start), I(out->max)));
    while (rc >= 0 && (rc = st_db_next(&c)) > 0)
        out->items[out->count++] = st_col_str(&c, a);
    return rc;
}
