/* A text cut into the words that search knows, each folded (fold.h). An index and a query are cut
 * by the same rules, and what a piece becomes does not depend on what stands around it, so that
 * words are found wherever they stand. Why pairs and not a dictionary: docs/adr/0006-words-of-every-writing.md.
 *
 *   BX_WORD         letters, digits and marks in a row
 *   BX_WORD_UNIT    in writings without spaces (Han, kana, Hangul, Thai, Lao, Khmer, Burmese ...)
 *                   a letter with its marks; an emoji sequence is one too
 *   BX_WORD_PAIR    two such letters that stand together: "東京都" has 東京 and 京都
 *   BX_WORD_JOINED  groups of digits without their separators: "0812-3456-789" has 08123456789,
 *                   08123456 and 3456789
 */
#ifndef BX_WORDS_H
#define BX_WORDS_H

#include "base/str.h"

enum bx_word_kind { BX_WORD, BX_WORD_UNIT, BX_WORD_PAIR, BX_WORD_JOINED };

struct bx_word {
    enum bx_word_kind kind;
    bool is_whole;      /* typing on makes no longer word of it: Han and kana */
    struct bx_str text; /* valid for the call; neither space nor control character in it */
    size_t start, end;  /* bytes of the text that it is of */
};

/* Not 0 ends the cutting and is its result. */
typedef int bx_word_fn(void *arg, const struct bx_word *word);

enum bx_words_for {
    BX_WORDS_INDEX, /* all kinds: what a text may be found by */
    BX_WORDS_QUERY  /* the fewest that say the same: pairs in place of their units, a number in
                       place of its groups */
};

/* A cutter's memory. One thread at a time. Returns it. */
struct bx_words;
struct bx_words *bx_words_new(void);
void bx_words_free(struct bx_words *w); /* NULL is allowed */

/* 0, or what `on_word` ended it with. Any bytes may be in the text. */
int bx_words_cut(struct bx_words *w, enum bx_words_for what, struct bx_str text,
                 bx_word_fn *on_word, void *arg);

#endif
