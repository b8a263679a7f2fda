/* The search index's own words: which of them begin with what was typed. Terms are in the arena;
 * BX_OK or errors of the store, unless said. */
#ifndef ST_SQLITE_SEARCH_VOCABULARY_H
#define ST_SQLITE_SEARCH_VOCABULARY_H

#include "store/sqlite/db.h"

/* The first term of the index that begins with `start`, from `from` on, or after it.
 * BX_E_NOT_FOUND: none. */
int st_vocabulary_next(struct st_conn *conn, struct bx_str start, struct bx_str from, bool is_after,
                       struct bx_arena *a, struct bx_str *out);

/* The longer words that begin with `word`, as terms within these numbers, up to `max`. *out_rows is
 * how many rows of the index were read; when it is max_rows there may be more words. */
struct st_terms {
    struct bx_str *items;
    size_t count, max;
};
int st_vocabulary_longer(struct st_conn *conn, struct bx_str word, const int64_t *numbers,
                         size_t number_count, size_t max_rows, struct bx_arena *a,
                         struct st_terms *out, size_t *out_rows);

/* How many pages of the index, at least, have only words that begin with `start`. */
int st_vocabulary_pages(struct st_conn *conn, struct bx_str start, int64_t *out);

/* The words that begin with `start`, up to out->max, at the cost of reading those pages. */
int st_vocabulary_list(struct st_conn *conn, struct bx_str start, struct bx_arena *a,
                       struct st_terms *out);

#endif
