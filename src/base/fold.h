/* The one fold of people's texts: what it makes equal, search, names, commands and phone numbers
 * take for equal.
 *
 * Compatibility forms become plain (NFKD), accents and vowel points go, case is folded in full
 * (ß is ss), format characters and everything that is invisible goes. Decimal digits of every
 * script become 0 to 9, every dash '-', every white space ' ', typographic quotes plain ones.
 * Letters that Unicode does not decompose but people type without their stroke do too (ø, ł, đ, ı,
 * æ).
 *
 * Marks that are letters of their own stay: vowel signs and viramas of Indic writings, vowels and
 * tones of Thai, Lao, Khmer, Burmese and Tibetan, voicing in kana (by their combining class); and
 * the breve of Cyrillic й.
 */
#ifndef BX_FOLD_H
#define BX_FOLD_H

#include "base/arena.h"
#include "base/buf.h"

/* Appends the folded text, which is valid UTF-8; bytes that are not UTF-8 count as U+FFFD. Folding
 * twice is folding once. Any thread. BX_E_TOO_BIG, BX_E_NOMEM: of the buffer. */
int bx_fold(struct bx_str text, struct bx_buf *out);

/* In the arena. */
struct bx_str bx_fold_str(struct bx_str text, struct bx_arena *arena);

bool bx_fold_eq(struct bx_str a, struct bx_str b);

/* Does the folded `text` have `part` in it, which is folded already? `scratch` is borrowed and
 * cleared. */
bool bx_fold_has(struct bx_str text, struct bx_str part, struct bx_buf *scratch);

/* Nothing to be seen: empty, white space, invisible characters. */
bool bx_fold_is_blank(struct bx_str text);

/* "15.0": the version of Unicode behind it; index entries of another one are to be made anew. */
const char *bx_fold_version(void);

#endif
