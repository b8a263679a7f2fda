/* A search under way: what the index is asked and which words are sought in the rows it gives
 * (search_take.c), as planned by search_query.c. */
#ifndef ST_SQLITE_SEARCH_TAKE_H
#define ST_SQLITE_SEARCH_TAKE_H

#include "store/sqlite/search_words.h"

enum { ST_NUMBERS_MAX = 32, ST_STARTS_MAX = 16 };

struct st_search_run {
    struct st_conn *conn;
    struct bx_arena *a;
    const struct st_search_query *q;
    int64_t chat_id, chat_number, before_id;
    const int64_t *numbers; /* whose own lists are read; count 0: everyone's */
    size_t number_count;
    struct st_words words;
    /* Terms that the last word may be, when is_last_start. */
    struct bx_str starts[3 * ST_NUMBERS_MAX];
    size_t start_count;
    bool has_many_starts; /* more than there is room for: start_count is 0 */
    bool has_looked;
    int64_t look_max;
    struct bx_str narrowed; /* the term of the rows that are looked into; empty: all */
    uint64_t looked_for;    /* words that are sought in the rows, not in the index */
    bool looks_at_number;   /* rows of other numbers are passed over */
    struct hit {
        int64_t id;
        struct bx_str snippet;
    } * hits; /* room for limit of them */
    size_t count, limit;
};

/* The term of a word in the i-th of our numbers, or everywhere. */
struct bx_str st_search_term(const struct st_search_run *s, struct bx_str word, size_t i);

/* Adds hits until the page is full, enough rows were looked at (1), or there are no more (0);
 * errors of the store. Snippets are in s->a. */
int st_search_take(struct st_search_run *s, int64_t max_rows);

bool st_search_permits(const struct st_search_query *q, int64_t number_id);

#endif
