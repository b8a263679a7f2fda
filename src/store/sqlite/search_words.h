/* Words as the search index has them (base/words.h), so that a text can be asked for a word without
 * asking the index. */
#ifndef ST_SQLITE_SEARCH_WORDS_H
#define ST_SQLITE_SEARCH_WORDS_H

#include "store/sqlite/db.h"

enum { ST_WORDS_MAX = 64 };

struct st_words {
    struct bx_str items[ST_WORDS_MAX]; /* in the arena of st_words_of */
    size_t count;
    bool is_last_start; /* the last one may be the start of a word */
};

/* The words of what a person typed, each once; what comes after ST_WORDS_MAX of them is ignored. */
int st_words_of(struct st_conn *conn, struct bx_str text, bool is_prefix, struct bx_arena *a,
                struct st_words *out);

/* Does every word of the set (bit i: items[i]) occur in the text? */
bool st_words_occur(struct st_conn *conn, const struct st_words *words, uint64_t set,
                    struct bx_str text);

/* Some words of the text around those that were sought, which stand between U+0002 and U+0003. */
struct bx_str st_words_snippet(struct st_conn *conn, const struct st_words *words,
                               struct bx_str text, struct bx_arena *a);

/* With the connection. */
void st_words_done(struct st_conn *conn);

#endif
