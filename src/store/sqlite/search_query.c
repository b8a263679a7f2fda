/* Searching messages, newest first, at a cost that follows the page asked for, not the store.
 *
 * The index walks the lists of all words at once, from the newest row back, and stops with the
 * page. In a number (of up to ST_NUMBERS_MAX of them, with few words) and in a chat the lists are
 * the number's own.
 * Two things would make it read whole lists instead, and are sought in the newest rows themselves
 * first (their words compared, see search_words.h):
 *  - The start of a word: FTS5 joins the lists of all words that begin so before it gives the first
 *    row (0.1 to 0.3 s for a frequent word in ten million messages). When the words behind a start
 *    are few and, everywhere, rare, the index is asked for them; when one is frequent, or they are
 *    many, then many messages have one, and a page of them is found in the newest. Many words that
 *    are rare all the same, as order numbers are, are sought among the rows that share their first
 *    five characters.
 *  - Very many permitted numbers: a list each.
 * Looking into rows ends at look_max of them, or as soon as the hits so far promise no full page
 * within that: what is so rare is left to the index, from there on.
 */
#include "store/sqlite/search_take.h"
#include "store/sqlite/search_tokens.h"
#include "store/sqlite/search_vocabulary.h"

enum {
    LISTS_MAX = 128,   /* of the index, joined for the words in each number */
    FREQUENT = 200,    /* rows that have a word */
    LONGER_ROWS = 100, /* of the index, read for the words behind a start */
    LONGER_ANYWHERE = 3,
    MANY_NUMBERS = 4,
    FEW_PAGES = 16,  /* whose words are read in one go */
    SHORT_PAGES = 4, /* whose lists FTS5 may join */
    GLANCE_MAX = 40,
    GLANCE_HITS = 2,
    GLANCE_HITS_IN_NUMBERS = 1,
    LOOK_MAX = 3000,
    LOOK_MAX_APART = 600 /* rows that lie on a page each */
};

/* 1: go on; 0: done. */
static int look(struct st_search_run *s)
{
    int rc = st_search_take(s, s->look_max);
    s->narrowed = (struct bx_str){0};
    s->looked_for = 0;
    s->looks_at_number = false;
    return rc > 0 && s->count == s->limit ? 0 : rc;
}

static int is_frequent(struct st_search_run *s, struct bx_str word, bool *out)
{
    int64_t rows = 0;
    int rc =
        st_db_i64(s->conn, &rows,
                  "SELECT count(*) FROM (SELECT 1 FROM message_fts WHERE message_fts MATCH "
                  "?1 LIMIT ?2)",
                  Q(T(bx_arena_printf(s->a, "\"" BX_STR_FMT "\"", BX_STR_ARG(word))), I(FREQUENT)));
    *out = rows == FREQUENT;
    return rc;
}

/* The terms behind the start, everywhere or in our only number, until there are too many or,
 * everywhere, one is frequent: *out_looks. Goes on where it ended. */
static int starts_find(struct st_search_run *s, bool *out_looks)
{
    struct bx_str start = st_search_term(s, s->words.items[s->words.count - 1], 0);
    struct bx_str from = s->start_count ? s->starts[s->start_count - 1] : start;
    int rc = BX_OK;
    *out_looks = false;
    while (rc == BX_OK && !*out_looks) {
        struct bx_str term;
        rc = st_vocabulary_next(s->conn, start, from, s->start_count > 0, s->a, &term);
        if (rc != BX_OK)
            break;
        if (s->start_count == ST_STARTS_MAX) {
            s->start_count = 0;
            s->has_many_starts = *out_looks = true;
            return BX_OK;
        }
        s->starts[s->start_count++] = from = term;
        if (s->number_count == 0 && !s->has_looked)
            rc = is_frequent(s, term, out_looks);
    }
    return rc == BX_E_NOT_FOUND ? BX_OK : rc;
}

/* Whether the newest rows have the start so often that they are the way. 0: that were all rows
 * there are. */
static int glance(struct st_search_run *s, bool *out_looks)
{
    uint64_t last = UINT64_C(1) << (s->words.count - 1);
    s->looked_for |= last;
    int rc = st_search_take(s, GLANCE_MAX);
    s->looked_for &= ~last;
    *out_looks = s->count >= (s->number_count ? GLANCE_HITS_IN_NUMBERS : GLANCE_HITS);
    return rc > 0 && s->count == s->limit ? 0 : rc;
}

/* The word itself, and the longer ones that begin with it, in each of the numbers. Where they are
 * many messages it is not known whether these were all the words. */
static int longer_find(struct st_search_run *s, bool *out_all)
{
    struct bx_str word = s->words.items[s->words.count - 1];
    struct st_terms longer = {.items = s->starts + s->number_count,
                              .max = ST_STARTS_MAX + s->number_count};
    size_t rows;
    int rc = st_vocabulary_longer(s->conn, word, s->numbers, s->number_count, LONGER_ROWS, s->a,
                                  &longer, &rows);
    for (size_t i = 0; i < s->number_count; i++)
        s->starts[i] = st_search_term(s, word, i);
    *out_all = rows < LONGER_ROWS;
    s->start_count = *out_all ? s->number_count + longer.count : 0;
    s->has_many_starts = !*out_all && longer.count == longer.max;
    return rc;
}

/* For many numbers it is cheaper to know which longer words there are anywhere, if these are very
 * few. */
static int longer_find_anywhere(struct st_search_run *s, bool *out_all)
{
    struct bx_str start = s->words.items[s->words.count - 1], word = start;
    int rc = BX_OK;
    *out_all = false;
    s->start_count = 0;
    for (size_t n = 0; rc == BX_OK; n++) {
        if (n == LONGER_ANYWHERE) {
            s->start_count = 0;
            return BX_OK;
        }
        for (size_t i = 0; i < s->number_count; i++)
            s->starts[s->start_count++] = st_search_term(s, word, i);
        rc = st_vocabulary_next(s->conn, start, word, true, s->a, &word);
    }
    *out_all = rc == BX_E_NOT_FOUND;
    return *out_all ? BX_OK : rc;
}

/* Many words of a number that are on few pages: FTS5 may join them. */
static int is_short(struct st_search_run *s, bool *out)
{
    struct bx_str start = s->words.items[s->words.count - 1];
    int64_t pages = 0;
    *out = false;
    if (s->number_count > 1)
        return BX_OK;
    int rc = st_vocabulary_pages(s->conn, st_search_term(s, start, 0), &pages);
    *out = pages <= SHORT_PAGES;
    return rc;
}

static int start_look_in_numbers(struct st_search_run *s, bool *out_looks)
{
    bool are_all = false, are_short;
    int rc = s->number_count >= MANY_NUMBERS ? longer_find_anywhere(s, &are_all) : BX_OK;
    if (rc == BX_OK && !are_all)
        rc = longer_find(s, &are_all);
    if (rc < 0 || are_all)
        return rc < 0 ? rc : 1;
    s->has_many_starts |= s->number_count > 1;
    if (!s->has_many_starts && (rc = starts_find(s, out_looks)) < 0)
        return rc;
    if (!s->has_many_starts)
        return s->start_count > 0;
    *out_looks = false;
    rc = is_short(s, &are_short);
    if (rc < 0 || are_short)
        return rc < 0 ? rc : 1;
    return glance(s, out_looks);
}

/* Where all words behind the start are on few pages, they are read in one go. */
static int starts_list(struct st_search_run *s)
{
    struct st_terms terms = {.items = s->starts, .max = ST_STARTS_MAX + 1};
    int rc = st_vocabulary_list(s->conn, s->words.items[s->words.count - 1], s->a, &terms);
    s->has_many_starts = terms.count == terms.max;
    s->start_count = s->has_many_starts ? 0 : terms.count;
    return rc;
}

/* The rows to look into are those that have a word with the same first characters. */
static bool narrow(struct st_search_run *s)
{
    struct bx_str first = st_tokens_start(s->words.items[s->words.count - 1]);
    if (first.len == 0)
        return false;
    s->narrowed = bx_arena_printf(s->a, ST_TERM_START BX_STR_FMT, BX_STR_ARG(first));
    s->look_max = LOOK_MAX_APART;
    return true;
}

/* The rows are asked before the index, which may walk the whole list of a word before it knows the
 * next one. */
static int start_look_everywhere(struct st_search_run *s, bool *out_looks)
{
    struct bx_str start = s->words.items[s->words.count - 1];
    int64_t pages = 0;
    int rc = is_frequent(s, start, out_looks);
    if (rc < 0 || *out_looks)
        return rc < 0 ? rc : 1;
    if ((rc = glance(s, out_looks)) <= 0 || *out_looks)
        return rc;
    rc = st_vocabulary_pages(s->conn, start, &pages);
    if (rc == BX_OK && pages <= FEW_PAGES && (rc = starts_list(s)) == BX_OK && !s->has_many_starts)
        return s->start_count > 0;
    if (rc < 0)
        return rc;
    if (narrow(s) || s->has_many_starts) {
        *out_looks = true;
        return 1;
    }
    rc = starts_find(s, out_looks);
    return rc < 0 ? rc : s->start_count > 0 || *out_looks;
}

/* 1: *out_looks says how to go on; 0: done. */
static int start_look(struct st_search_run *s, bool *out_looks)
{
    return s->number_count ? start_look_in_numbers(s, out_looks)
                           : start_look_everywhere(s, out_looks);
}

/* Looks into rows where that is due; 1: the index has to go on. */
static int search_look(struct st_search_run *s)
{
    bool looks = false;
    int rc = BX_OK;
    if (s->words.is_last_start && (rc = start_look(s, &looks)) <= 0)
        return rc;
    if (looks)
        s->looked_for |= UINT64_C(1) << (s->words.count - 1);
    if (!(s->looked_for || s->looks_at_number))
        return 1;
    s->has_looked = true;
    rc = look(s);
    if (rc > 0 && looks && !s->has_many_starts) {
        int found = starts_find(s, &looks);
        rc = found < 0 ? found : rc;
    }
    return rc;
}

static int search_run(struct st_search_run *s)
{
    int rc = search_look(s);
    return rc > 0 ? st_search_take(s, INT64_MAX) : rc;
}

/* The messages and chats of the hits. */
static int hits_read(struct st_search_run *s, struct st_search_hit **out)
{
    int64_t *ids = bx_arena_alloc(s->a, (s->count + 1) * sizeof *ids);
    struct st_message *messages = NULL;
    size_t count = 0;
    for (size_t i = 0; i < s->count; i++)
        ids[i] = s->hits[i].id;
    int rc =
        st_db_page(s->conn, s->a, st_message_read_row, sizeof *messages, &messages, &count,
                   "SELECT " ST_MESSAGE_COLUMNS " FROM json_each(?1) j CROSS JOIN messages m ON "
                   "m.id = j.value " ST_MESSAGE_JOINS,
                   Q(T(st_ids_json(s->a, ids, s->count))));
    if (rc == BX_OK && count != s->count && !st_page_is_cut(s->conn))
        rc = BX_E_CORRUPT; /* the index knows rows that are not there */
    s->count = rc == BX_OK ? count : 0;
    *out = bx_arena_alloc(s->a, (s->count + 1) * sizeof **out);
    for (size_t i = 0; rc == BX_OK && i < count; i++) {
        struct st_search_hit *hit = &(*out)[i];
        hit->message = messages[i];
        hit->snippet = s->hits[i].snippet;
        rc = st_chat_get(s->conn, messages[i].chat_id, s->a, &hit->chat);
    }
    return rc;
}

/* Whose lists: the chat's number's, those of the permitted numbers, or everyone's. */
static int lists_choose(struct st_search_run *s)
{
    const struct st_search_query *q = s->q;
    if (q->chat_id) {
        s->chat_id = st_chat_resolve(s->conn, q->chat_id);
        int rc = st_db_i64(s->conn, &s->chat_number, "SELECT number_id FROM chats WHERE id = ?1",
                           Q(I(s->chat_id)));
        s->numbers = &s->chat_number;
        s->number_count = 1;
        if (rc != BX_OK)
            return rc == BX_E_NOT_FOUND ? 0 : rc;
        return !q->number_ids || st_search_permits(q, s->chat_number);
    }
    s->looks_at_number = q->number_ids && q->number_count > ST_NUMBERS_MAX;
    if (q->number_ids && q->number_count * s->words.count <= LISTS_MAX && !s->looks_at_number) {
        s->numbers = q->number_ids;
        s->number_count = q->number_count;
    }
    return !q->number_ids || q->number_count;
}

int st_search(struct st_conn *conn, const struct st_search_query *query, struct bx_arena *a,
              struct st_search_hit **out, size_t *out_count)
{
    struct st_search_run s = {.conn = conn,
                              .a = a,
                              .q = query,
                              .before_id = query->before_id ? query->before_id : INT64_MAX,
                              .limit = (size_t)st_limit(query->limit)};
    int rc = st_words_of(conn, query->text, query->is_prefix, a, &s.words);
    if (rc == BX_OK && s.words.count && (rc = lists_choose(&s)) > 0) {
        s.hits = bx_arena_alloc(a, s.limit * sizeof *s.hits);
        s.look_max = s.number_count ? LOOK_MAX_APART : LOOK_MAX;
        rc = search_run(&s);
    }
    if (rc >= 0)
        rc = hits_read(&s, out);
    *out_count = s.count;
    return rc < 0 ? rc : BX_OK;
}
