/* Searching messages, newest first, at a cost that follows the page asked for, not the store.
 *
 * The index walks the lists of all words at once, from the newest row back, and stops with the
 * page. Three things would make it read whole lists instead, and are sought in the newest rows
 * themselves first (their words compared, see search_words.h):
 *  - The start of a word: FTS5 joins the lists of all words that begin so before it gives the first
 *    row (0.1 to 0.3 s for a frequent word in ten million messages). When the words behind a start
 *    are few and rare, the index is asked for them; when one is frequent, or they are many, then
 *    many messages have one, and a page of them is found in the newest.
 *  - A frequent word in one chat: its list has to be read around each message of the chat.
 *  - Many permitted numbers: a list each.
 * Looking into rows ends at LOOK_MAX of them, or as soon as the hits so far promise no full page
 * within that: what is so rare is left to the index, from there on.
 */
#include "store/sqlite/search_words.h"

enum {
    STARTS_MAX = 16,
    LOOK_MAX = 3000,
    LOOK_FIRST = 300,
    FREQUENT = 200,
    NUMBERS_MAX = 32,
    GLANCE_MAX = 40,
    GLANCE_HITS = 2
};

struct search {
    struct st_conn *conn;
    struct bx_arena *a;
    const struct st_search_query *q;
    int64_t chat_id, before_id;
    struct st_words words;
    struct bx_str starts[STARTS_MAX]; /* what the last word may be, when is_last_start */
    size_t start_count;
    bool has_many_starts; /* more than that: start_count is 0 */
    bool has_looked;
    uint64_t looked_for; /* words that are sought in the rows, not in the index */
    bool looks_at_number;
    struct hit {
        int64_t id;
        struct bx_str snippet;
    } * hits;
    size_t count, cap, limit;
};

/* ---- what the index is asked ---- */

static bool is_start(const struct search *s, size_t word)
{
    return s->words.is_last_start && word == s->words.count - 1;
}

static void match_word(struct bx_buf *out, const struct search *s, size_t word)
{
    if (!is_start(s, word) || s->start_count == 0) {
        bx_buf_printf(out, "\"" BX_STR_FMT "\"%s", BX_STR_ARG(s->words.items[word]),
                      is_start(s, word) ? "*" : "");
        return;
    }
    for (size_t i = 0; i < s->start_count; i++)
        bx_buf_printf(out, "%s\"" BX_STR_FMT "\"", i ? " OR " : "(", BX_STR_ARG(s->starts[i]));
    bx_buf_lit(out, ")");
}

/* body : ("word" AND ("start" OR "starts")) AND scope : (n7 OR n8). Empty: every message. */
static void match_write(struct bx_buf *out, const struct search *s)
{
    const struct st_search_query *q = s->q;
    size_t words = 0;
    for (size_t i = 0; i < s->words.count; i++) {
        if (s->looked_for >> i & 1)
            continue;
        bx_buf_str(out, words ? BX_STR(" AND ") : BX_STR("body : ("));
        match_word(out, s, i);
        words++;
    }
    if (words)
        bx_buf_lit(out, ")");
    if (s->chat_id)
        bx_buf_printf(out, "%sscope : c%lld", out->len ? " AND " : "", (long long)s->chat_id);
    if (!q->number_ids || s->looks_at_number)
        return;
    bx_buf_printf(out, "%sscope : (", out->len ? " AND " : "");
    for (size_t i = 0; i < q->number_count; i++)
        bx_buf_printf(out, "%sn%lld", i ? " OR " : "", (long long)q->number_ids[i]);
    bx_buf_lit(out, ")");
}

/* ---- rows ---- */

static int rows_open(struct search *s, struct bx_str match, struct st_cur *c)
{
#define ALIVE "v.number_id NOT IN (SELECT id FROM numbers WHERE deleted_at > 0) "
    static const char matching[] =
        "SELECT v.id, v.number_id, v.body FROM message_fts f CROSS JOIN message_search v ON v.id = "
        "f.rowid WHERE message_fts MATCH ?1 AND f.rowid < ?2 AND " ALIVE "ORDER BY f.rowid DESC";
    static const char every[] = "SELECT v.id, v.number_id, v.body FROM message_search v "
                                "WHERE v.id < ?1 AND " ALIVE "ORDER BY v.id DESC";
#undef ALIVE
    if (match.len == 0)
        return st_db_begin(c, s->conn, every, Q(I(s->before_id)));
    return st_db_begin(c, s->conn, matching, Q(T(match), I(s->before_id)));
}

static bool is_permitted(const struct st_search_query *q, int64_t number_id)
{
    for (size_t i = 0; i < q->number_count; i++)
        if (q->number_ids[i] == number_id)
            return true;
    return false;
}

static void hit_add(struct search *s, int64_t id, struct bx_str body)
{
    if (s->count == s->cap) {
        size_t cap = s->cap ? 2 * s->cap : 32;
        struct hit *grown = bx_arena_alloc(s->a, cap * sizeof *grown);
        if (s->count)
            memcpy(grown, s->hits, s->count * sizeof *grown);
        s->hits = grown;
        s->cap = cap;
    }
    s->hits[s->count++] = (struct hit){id, st_words_snippet(s->conn, &s->words, body, s->a)};
}

/* Valid until the cursor moves. */
static struct bx_str body_of(struct st_cur *c)
{
    int col = c->col++;
    const void *ptr = sqlite3_column_blob(c->stmt, col);
    size_t len = (size_t)sqlite3_column_bytes(c->stmt, col);
    return (struct bx_str){len ? ptr : "", len};
}

/* Looked into so many rows, and the hits among them promise no full page within LOOK_MAX: what is
 * sought is rare. */
static bool is_vain(const struct search *s, int64_t rows)
{
    if (!s->looked_for && !s->looks_at_number)
        return false;
    int64_t limit = (int64_t)s->limit, count = (int64_t)s->count;
    return rows > 0 && rows % LOOK_FIRST == 0 && 2 * limit * rows > LOOK_MAX * (2 * count + 1);
}

/* Adds hits until the page is full, enough rows were looked at, or there are no more: then 0. */
static int rows_take(struct search *s, struct bx_str match, int64_t max_rows)
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
        struct bx_str body = body_of(&c);
        if ((!s->looks_at_number || is_permitted(s->q, number_id)) &&
            st_words_occur(s->conn, &s->words, s->looked_for, body))
            hit_add(s, s->before_id, body);
    }
    st_db_end(&c);
    return 1;
}

static int take(struct search *s, int64_t max_rows)
{
    struct bx_buf match;
    bx_buf_init(&match, 0);
    match_write(&match, s);
    int rc = rows_take(s, bx_buf_view(&match), max_rows);
    bx_buf_done(&match);
    return rc;
}

/* ---- the plan ---- */

/* 1: go on; 0: done. */
static int look(struct search *s)
{
    int rc = take(s, LOOK_MAX);
    s->looked_for = 0;
    s->looks_at_number = false;
    return rc > 0 && s->count == s->limit ? 0 : rc;
}

static int is_frequent(struct search *s, struct bx_str match, bool *out)
{
    int64_t rows = 0;
    int rc = st_db_i64(s->conn, &rows,
                       "SELECT count(*) FROM (SELECT 1 FROM message_fts WHERE message_fts MATCH "
                       "?1 LIMIT ?2)",
                       Q(T(match), I(FREQUENT)));
    *out = rows == FREQUENT;
    return rc;
}

static int is_frequent_word(struct search *s, struct bx_str word, bool *out)
{
    return is_frequent(s, bx_arena_printf(s->a, "body : \"" BX_STR_FMT "\"", BX_STR_ARG(word)),
                       out);
}

/* The words behind the start, until one is frequent or there are too many: *out_looks. */
static int starts_find(struct search *s, bool *out_looks)
{
    struct bx_str start = s->words.items[s->words.count - 1];
    struct bx_str from = s->start_count ? s->starts[s->start_count - 1] : start;
    int rc = BX_OK;
    *out_looks = false;
    while (rc == BX_OK && !*out_looks) {
        struct bx_str word;
        rc = st_words_next(s->conn, start, from, s->start_count > 0, s->a, &word);
        if (rc != BX_OK)
            break;
        if (s->start_count == STARTS_MAX) {
            s->start_count = 0;
            s->has_many_starts = *out_looks = true;
            return BX_OK;
        }
        s->starts[s->start_count++] = from = word;
        if (!s->has_looked)
            rc = is_frequent_word(s, word, out_looks);
    }
    return rc == BX_E_NOT_FOUND ? BX_OK : rc;
}

/* In a chat: which words are so frequent that its messages are looked into. */
static int frequent_find(struct search *s)
{
    int rc = BX_OK;
    for (size_t i = 0; rc == BX_OK && i < s->words.count; i++) {
        bool is = false;
        if (!is_start(s, i))
            rc = is_frequent_word(s, s->words.items[i], &is);
        if (is)
            s->looked_for |= UINT64_C(1) << i;
    }
    return rc;
}

/* Whether the newest rows have the start so often that they are the way: they are asked before the
 * index, which may walk the whole list of the word before it. 0: that were all rows there are. */
static int start_glance(struct search *s, bool *out_looks)
{
    size_t last = s->words.count - 1;
    int rc = is_frequent_word(s, s->words.items[last], out_looks);
    if (rc < 0 || *out_looks)
        return rc < 0 ? rc : 1;
    s->looked_for |= UINT64_C(1) << last;
    rc = take(s, GLANCE_MAX);
    s->looked_for &= ~(UINT64_C(1) << last);
    *out_looks = s->count >= GLANCE_HITS;
    return rc;
}

/* 1: *out_looks says how to go on; 0: done. */
static int start_look(struct search *s, bool *out_looks)
{
    int rc = start_glance(s, out_looks);
    if (rc <= 0 || s->count == s->limit)
        return rc < 0 ? rc : 0;
    if (*out_looks)
        return 1;
    rc = starts_find(s, out_looks);
    return rc < 0 ? rc : s->start_count > 0 || *out_looks; /* else nothing begins so */
}

/* Looks into rows where that is due; 1: the index has to go on. */
static int search_look(struct search *s)
{
    bool looks = false;
    int rc = s->chat_id ? frequent_find(s) : BX_OK;
    s->looks_at_number = s->q->number_ids && s->q->number_count > NUMBERS_MAX;
    if (rc == BX_OK && s->words.is_last_start && (rc = start_look(s, &looks)) <= 0)
        return rc;
    if (rc >= 0 && looks)
        s->looked_for |= UINT64_C(1) << (s->words.count - 1);
    if (rc < 0 || !(s->looked_for || s->looks_at_number))
        return rc < 0 ? rc : 1;
    s->has_looked = true;
    rc = look(s);
    if (rc > 0 && looks && !s->has_many_starts) {
        int found = starts_find(s, &looks);
        rc = found < 0 ? found : rc;
    }
    return rc;
}

static int search_run(struct search *s)
{
    int rc = search_look(s);
    return rc > 0 ? take(s, INT64_MAX) : rc;
}

/* The messages and chats of the hits. */
static int hits_read(const struct search *s, struct st_search_hit **out)
{
    int64_t *ids = bx_arena_alloc(s->a, (s->count + 1) * sizeof *ids);
    struct st_message *messages = NULL;
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++)
        ids[i] = s->hits[i].id;
    int rc =
        st_db_list(s->conn, s->a, st_message_read_row, sizeof *messages, &messages, &count,
                   "SELECT " ST_MESSAGE_COLUMNS " FROM json_each(?1) j CROSS JOIN messages m ON "
                   "m.id = j.value " ST_MESSAGE_JOINS,
                   Q(T(st_ids_json(s->a, ids, s->count))));
    if (rc == BX_OK && count != s->count)
        rc = BX_E_CORRUPT; /* the index knows rows that are not there */
    *out = bx_arena_alloc(s->a, (s->count + 1) * sizeof **out);
    for (size_t i = 0; rc == BX_OK && i < count; i++) {
        struct st_search_hit *hit = &(*out)[i];
        hit->message = messages[i];
        hit->snippet = s->hits[i].snippet;
        rc = st_chat_get(s->conn, messages[i].chat_id, s->a, &hit->chat);
    }
    return rc;
}

int st_search(struct st_conn *conn, const struct st_search_query *query, struct bx_arena *a,
              struct st_search_hit **out, size_t *out_count)
{
    struct search s = {.conn = conn,
                       .a = a,
                       .q = query,
                       .chat_id = query->chat_id ? st_chat_resolve(conn, query->chat_id) : 0,
                       .before_id = query->before_id ? query->before_id : INT64_MAX,
                       .limit = (size_t)st_limit(query->limit)};
    int rc = st_words_of(conn, query->text, query->is_prefix, a, &s.words);
    if (rc == BX_OK && s.words.count && !(query->number_ids && query->number_count == 0))
        rc = search_run(&s);
    *out_count = s.count;
    return rc < 0 ? rc : hits_read(&s, out);
}
