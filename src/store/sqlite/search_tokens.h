/* The terms of the search index, and the tokenizer of SQLite's FTS5 that makes them.
 *
 * An entry is "NUMBER CHAT text". Its terms, for number 7 and chat 12:
 *     \1n7        the number
 *     \1c12       the chat
 *     hello       each word, as base/words.h cuts and folds it
 *     \1n7 hello  each word within the number
 *     \1shello    the first five characters of each word that has them
 *     hello\1     in one of 1,024 messages, behind either form of the word: a word that fills pages
 *                 has it, so that the next word is found without reading them
 * No word has a \1 or a space, so the kinds never meet, not even where the start of a word is
 * sought. A query names terms: its text is one, as it stands.
 */
#ifndef ST_SQLITE_SEARCH_TOKENS_H
#define ST_SQLITE_SEARCH_TOKENS_H

#include "base/str.h"

#include <sqlite3.h>

#define ST_TERM_NUMBER "\1n%lld"
#define ST_TERM_CHAT "\1c%lld"
#define ST_TERM_IN_NUMBER ST_TERM_NUMBER " "
#define ST_TERM_START "\1s" /* and st_tokens_start of a word */

/* The first five characters, within `word`; empty when it has fewer. */
struct bx_str st_tokens_start(struct bx_str word);

/* The row of message_fts that is a message's, and back: its lists begin with the newest. */
#define ST_ENTRY_ID(message_id) (((int64_t)1 << 40) - (message_id))

/* What FTS5 has a tokenizer call for each token; not SQLITE_OK ends it. */
typedef int st_token_fn(void *ctx, int flags, const char *token, int len, int start, int end);

/* Which words there are: an index of another version is made anew (search_rebuild.c). Raise it when
 * the rules of base/words.h or base/fold.h change. */
enum { ST_TOKENS_VERSION = 1 };

/* On every connection, before its first statement: "message_entry". Returns a code of SQLite; FTS5
 * owns the tokenizer. */
int st_tokens_register(sqlite3 *db);

#endif
