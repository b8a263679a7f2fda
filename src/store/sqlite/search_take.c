#include "store/sqlite/search_take.h"

#include "store/sqlite/search_tokens.h"

/* ---- what the index is asked ---- */

static bool is_start(const struct st_search_run *s, size_t word)
{
    return s->words.is_last_start && word == s->words.count - 1;
}

struct bx_str st_search_term(const struct st_search_run *s, struct bx_str word, size_t i)
{
    if (s->number_count == 0)
        return word;
    return bx_arena_printf(s->a, ST_TERM_IN_NUMBER BX_STR_FMT, (long long)s->numbers[i],
                           BX_STR_ARG(word));
}

static size_t lists_of(const struct st_search_run *s)
{
    return s->number_count ? s->number_count : 1;
}

static void match_term(struct bx_buf *out, struct bx_str term, bool is_first, const char *star)
{
    bx_buf_printf(out, "%s\"" BX_STR_FMT "\"%s", is_first ? "" : " OR ", BX_STR_ARG(term), star);
}

static void match_word(struct bx_buf *out, const struct st_search_run *s, size_t word)
{
    bool has_starts = is_start(s, word) && s->start_count > 0;
    for (size_t i = 0; has_starts && i < s->start_count; i++)
        match_term(out, s->starts[i], i == 0, "");
    for (size_t i = 0; !has_starts && i < lists_of(s); i++)
        match_term(out, st_search_term(s, s->words.items[word], i), i == 0,
                   is_start(s, word) ? "*" : "");
}

static void match_numbers(struct bx_buf *out, const struct st_search_run *s)
{
    bx_buf_str(out, out->len ? BX_STR(" AND (") : BX_STR("("));
    for (size_t i = 0; i < s->q->number_count; i++)
        match_term(out, bx_arena_printf(s->a, ST_TERM_NUMBER, (long long)s->q->number_ids[i]),
                   i == 0, "");
    bx_buf_lit(out, ")");
}

/* ("word") AND ("start" OR "starts") AND "chat". Empty: every message. */
static void match_write(struct bx_buf *out, const struct st_search_run *s)
{
    for (size_t i = 0; i < s->words.count; i++) {
        if (s->looked_for >> i & 1)
            continue;
        bx_buf_str(out, out->len ? BX_STR(" AND (") : BX_STR("("));
        match_word(out, s, i);
        bx_buf_lit(out, ")");
    }
    if (s->narrowed.len)
        bx_buf_printf(out, "%s\"" BX_STR_FMT "\"", out->len ? " AND " : "",
                      BX_STR_ARG(s->narrowed));
    bool is_in_lists = s->number_count && out->len;
    if (s->chat_id)
        bx_buf_printf(out, "%s\"" ST_TERM_CHAT "\"", out->len ? " AND " : "",
                      (long long)s->chat_id);
    else if (s->q->number_ids && !s->looks_at_number && !is_in_lists)
        match_numbers(out, s);
}

/* ---- rows ---- */

static int rows_open(struct st_search_run *s, struct bx_str match, struct st_cur *c)
{
#define ALIVE "v.number_id NOT IN (SELECT id FROM numbers WHERE deleted_at > 0) "
    static const char matching[] =
        "SELECT v.id, v.number_id, v.body FROM message_fts f CROSS JOIN message_search v ON v.id = "
        "(1 << 40) - f.rowid WHERE message_fts MATCH ?1 AND f.rowid > ?2 AND " ALIVE
        "ORDER BY f.rowid";
    static const char every[] = "SELECT v.id, v.number_id, v.body FROM message_search v "
                                "WHERE v.id < ?1 AND " ALIVE "ORDER BY v.id DESC";
#undef ALIVE
    if (match.len == 0)
        return st_db_begin(c, s->conn, every, Q(I(s->before_id)));
    return st_db_begin(c, s->conn, matching, Q(T(match), I(ST_ENTRY_ID(s->before_id))));
}

bool st_search_permits(const struct st_search_query *q, int64_t number_id)
{
    for (size_t i = 0; i < q->number_count; i++)
        if (q->number_ids[i] == number_id)
            return true;
    return false;
}

static void hit_add(struct st_search_run *s, int64_t id, struct bx_str body)
{
    s->hits[s->count++] = (struct hit){id, st_words_snippet(s->conn, &s->words, body, s->a)};
}

/* Looked into so many rows, and the hits among them promise no full page within look_max: what is
 * sought is rare. Asked ten times on the way there. */
static bool is_vain(const struct st_search_run *s, int64_t rows)
{
    if (!s->looked_for && !s->looks_at_number)
        return false;
    int64_t limit = (int64_t)s->limit, count = (int64_t)s->count;
    return rows > 0 && rows % (s->look_max / 10) == 0 &&
           2 * limit * rows > s->look_max * (2 * count + 1);
}

static int rows_take(struct st_search_run *s, struct bx_str match, int64_t max_rows)
{
    struct st_cur c;
    int rc = rows_open(s, match, &c);
    if (rc < 0)
        return rc;
    for (int64_t i = 0; s->count < s->limit && i < max_rows && !is_vain(s, i); i++) {
        rc = st_db_next(&c);
        if (rc <= 0)
            return rc;
        s->before_id = st_col_i64(&c);
        int64_t number_id = st_col_i64(&c);
        struct bx_str body = st_col_borrow(&c);
        if ((!s->looks_at_number || st_search_permits(s->q, number_id)) &&
            st_words_occur(s->conn, &s->words, s->looked_for, body))
            hit_add(s, s->before_id, body);
    }
    st_db_end(&c);
    return 1;
}

int st_search_take(struct st_search_run *s, int64_t max_rows)
{
    struct bx_buf match;
    bx_buf_init(&match, 0);
    match_write(&match, s);
    int rc = rows_take(s, bx_buf_view(&match), max_rows);
    bx_buf_done(&match);
    return rc;
}
