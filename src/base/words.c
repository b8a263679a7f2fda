#include "base/words.h"

#include "base/buf.h"
#include "base/fold.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <stdlib.h>

#include <unicode/uchar.h>
#include <unicode/uscript.h>

enum { GROUPS_MAX = 8, NUMBER_MAX = 20, SEPARATOR_MAX = 3, NUMBER_MIN = 7, GROUP_MAX = 4 };

/* Digits that may be part of a longer number. */
struct group {
    size_t start, end, digits_at, digits; /* in the text; in w->digits */
    bool has_space;                       /* before it there are only spaces */
};

struct bx_words {
    struct bx_buf folded, pair;
    size_t last_unit; /* of pair: where its second unit begins */
    char digits[GROUPS_MAX * NUMBER_MAX];
    struct group groups[GROUPS_MAX];
    size_t group_count;
    bool is_open; /* the last group may be gone on with */
    /* of the call */
    enum bx_words_for what;
    struct bx_str text;
    bx_word_fn *on_word;
    void *arg;
};

struct bx_words *bx_words_new(void)
{
    struct bx_words *w = BX_NEW(struct bx_words);
    bx_buf_init(&w->folded, 0);
    bx_buf_init(&w->pair, 0);
    return w;
}

void bx_words_free(struct bx_words *w)
{
    if (!w)
        return;
    bx_buf_done(&w->folded);
    bx_buf_done(&w->pair);
    free(w);
}

static int tell(struct bx_words *w, enum bx_word_kind kind, struct bx_str text, size_t start,
                size_t end, bool is_whole)
{
    struct bx_word word = {kind, is_whole, text, start, end};
    return w->on_word(w->arg, &word);
}

/* ---- code points ---- */

enum class { SEPARATOR, LETTER, DIGIT, UNSPACED, MARK, PICTURE, HIDDEN };

/* Writings that put no space between words, and Hangul, whose particles hang on the word. */
static bool is_unspaced(UChar32 c)
{
    static const UScriptCode scripts[] = {
        USCRIPT_HAN,      USCRIPT_HIRAGANA, USCRIPT_KATAKANA,    USCRIPT_HANGUL,  USCRIPT_BOPOMOFO,
        USCRIPT_THAI,     USCRIPT_LAO,      USCRIPT_KHMER,       USCRIPT_MYANMAR, USCRIPT_TIBETAN,
        USCRIPT_YI,       USCRIPT_TAI_LE,   USCRIPT_NEW_TAI_LUE, USCRIPT_LANNA,   USCRIPT_TAI_VIET,
        USCRIPT_JAVANESE, USCRIPT_BALINESE, USCRIPT_CHAM};
    if (c < 0xe00)
        return false;
    if (c == 0x30fc || c == 0xff70) /* the long vowel, which several scripts share */
        return true;
    UErrorCode error = U_ZERO_ERROR;
    UScriptCode script = uscript_getScript(c, &error);
    for (size_t i = 0; i < BX_LEN(scripts); i++)
        if (scripts[i] == script)
            return true;
    return false;
}

static bool is_picture(UChar32 c)
{
    return c >= 0x2190 && (u_hasBinaryProperty(c, UCHAR_EXTENDED_PICTOGRAPHIC) ||
                           u_hasBinaryProperty(c, UCHAR_EMOJI_PRESENTATION) ||
                           u_hasBinaryProperty(c, UCHAR_REGIONAL_INDICATOR));
}

static enum class class_of(UChar32 c) {
    if (c < 0x80) return c >= '0' && c <= '9'          ? DIGIT
    : (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ? LETTER
                                                       : SEPARATOR;
    switch (u_charType(c)){
        case U_DECIMAL_DIGIT_NUMBER : return DIGIT;
        case U_UPPERCASE_LETTER : case U_LOWERCASE_LETTER : case U_TITLECASE_LETTER : case
        U_MODIFIER_LETTER : case U_OTHER_LETTER : case U_LETTER_NUMBER : case
        U_OTHER_NUMBER : if (c == 0xff9e || c == 0xff9f) return MARK;
        return u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT) ? HIDDEN
               : is_unspaced(c)                                           ? UNSPACED
                                                                          : LETTER;
        case U_NON_SPACING_MARK : case U_COMBINING_SPACING_MARK : case
        U_ENCLOSING_MARK : return MARK;
        case U_FORMAT_CHAR : return HIDDEN;
        case U_PRIVATE_USE_CHAR : return LETTER;
        default : return is_picture(c) ? PICTURE : SEPARATOR;
    }
}

struct place {
    size_t at, end;
    UChar32 c;
    enum class class;
};

/* The code point at `at`; false at the end of the text. */
static bool place_read(const struct bx_words *w, size_t at, struct place *out)
{
    uint32_t c;
    if (at >= w->text.len)
        return false;
    out->at = at;
    out->end = at + bx_utf8_next(bx_str_slice(w->text, at, w->text.len), &c);
    out->c = (UChar32)c;
    out->class = class_of(out->c);
    return true;
}

/* ---- numbers with separators ---- */

/* What stands between two groups: a point, comma, dash, slash, colon or apostrophe; or white space
 * and brackets, with a dash in it or without. */
static bool is_between(struct bx_words *w, struct bx_str s, bool *out_has_space)
{
    static const char marks[] = ".,-/:'", spaced[] = " ()-/";
    struct bx_buf *out = &w->pair;
    out->len = 0;
    if (s.len == 0 || bx_fold(s, out) < 0 || out->len == 0 || out->len > SEPARATOR_MAX)
        return false;
    bool has_mark = false, has_other = false;
    for (size_t i = 0; i < out->len; i++) {
        has_mark |= strchr("-/()", (char)out->data[i]) != NULL;
        has_other |= strchr(spaced, (char)out->data[i]) == NULL;
    }
    bool is_mark = out->len == 1 && strchr(marks, (char)out->data[0]);
    *out_has_space = !is_mark && !has_mark;
    return is_mark || !has_other;
}

static bool is_joined(const struct bx_words *w, size_t from, size_t to, size_t *out_digits)
{
    bool has_space = false, is_short = true;
    *out_digits = 0;
    for (size_t i = from; i <= to; i++) {
        const struct group *g = &w->groups[i];
        *out_digits += g->digits;
        has_space |= i > from && g->has_space;
        is_short &= i == from || g->digits <= GROUP_MAX;
    }
    return *out_digits <= NUMBER_MAX && (!has_space || (is_short && *out_digits >= NUMBER_MIN));
}

static int join_tell(struct bx_words *w, size_t from, size_t to)
{
    size_t digits;
    if (!is_joined(w, from, to, &digits))
        return 0;
    struct bx_str number = bx_str_n(w->digits + w->groups[from].digits_at, digits);
    return tell(w, BX_WORD_JOINED, number, w->groups[from].start, w->groups[to].end, false);
}

static int groups_tell(struct bx_words *w)
{
    size_t last = w->group_count - 1, digits;
    int rc = 0;
    if (w->what == BX_WORDS_QUERY && (last == 0 || is_joined(w, 0, last, &digits)))
        return last == 0 ? tell(w, BX_WORD, bx_str_n(w->digits, w->groups[0].digits),
                                w->groups[0].start, w->groups[0].end, false)
                         : join_tell(w, 0, last);
    for (size_t i = 0; rc == 0 && i <= last; i++) {
        const struct group *g = &w->groups[i];
        if (w->what == BX_WORDS_QUERY)
            rc = tell(w, BX_WORD, bx_str_n(w->digits + g->digits_at, g->digits), g->start, g->end,
                      false);
    }
    return rc;
}

/* The groups so far are all of the number. In a query they are told only now. */
static int number_end(struct bx_words *w)
{
    int rc = w->what == BX_WORDS_QUERY && w->group_count ? groups_tell(w) : 0;
    w->group_count = 0;
    w->is_open = false;
    return rc;
}

static int group_add(struct bx_words *w, struct bx_str digits, size_t start, size_t end,
                     bool has_space)
{
    size_t n = w->group_count, at = n ? w->groups[n - 1].digits_at + w->groups[n - 1].digits : 0;
    memcpy(w->digits + at, digits.ptr, digits.len);
    w->groups[n] = (struct group){start, end, at, digits.len, has_space};
    w->group_count = n + 1;
    w->is_open = true;
    int rc = 0;
    for (size_t i = 0; rc == 0 && w->what == BX_WORDS_INDEX && i < n; i++)
        rc = join_tell(w, i, n);
    return rc;
}

/* Whether what begins at `start` goes on with the number before. */
static bool goes_on(struct bx_words *w, size_t start, bool *out_has_space)
{
    size_t end = w->group_count ? w->groups[w->group_count - 1].end : 0;
    return w->is_open && w->group_count < GROUPS_MAX && start - end <= 4 * SEPARATOR_MAX &&
           is_between(w, bx_str_slice(w->text, end, start), out_has_space);
}

static size_t digits_first(struct bx_str s)
{
    size_t n = 0;
    while (n < s.len && s.ptr[n] >= '0' && s.ptr[n] <= '9')
        n++;
    return n;
}

static size_t digits_last(struct bx_str s)
{
    size_t n = 0;
    while (n < s.len && s.ptr[s.len - 1 - n] >= '0' && s.ptr[s.len - 1 - n] <= '9')
        n++;
    return n;
}

/* A word with digits at its beginning may end a number ("1.500rb"), one with digits at its end may
 * begin one ("Rp1.500"); in an index only: what is asked for is the number. */
static int mixed_tell(struct bx_words *w, struct bx_str word, size_t start, size_t end)
{
    bool has_space;
    size_t first = digits_first(word), last = digits_last(word);
    bool ends = first && first <= NUMBER_MAX && w->what == BX_WORDS_INDEX &&
                goes_on(w, start, &has_space) && !has_space;
    int rc = ends ? group_add(w, bx_str_slice(word, 0, first), start, end, false) : 0;
    if (rc == 0)
        rc = number_end(w);
    if (rc == 0)
        rc = tell(w, BX_WORD, word, start, end, false);
    if (rc == 0 && last && last <= NUMBER_MAX && w->what == BX_WORDS_INDEX)
        rc = group_add(w, bx_str_slice(word, word.len - last, word.len), start, end, false);
    return rc;
}

static int digits_tell(struct bx_words *w, struct bx_str word, size_t start, size_t end)
{
    bool has_space = false;
    int rc = 0;
    if (word.len > NUMBER_MAX || !goes_on(w, start, &has_space))
        rc = number_end(w);
    if (rc == 0 && (w->what == BX_WORDS_INDEX || word.len > NUMBER_MAX))
        rc = tell(w, BX_WORD, word, start, end, false);
    return rc == 0 && word.len <= NUMBER_MAX ? group_add(w, word, start, end, has_space) : rc;
}

/* ---- words ---- */

static int word_tell(struct bx_words *w, struct bx_str word, size_t start, size_t end)
{
    size_t digits = digits_first(word);
    if (digits == word.len)
        return digits_tell(w, word, start, end);
    return mixed_tell(w, word, start, end);
}

/* A folded piece may have separators in it (½ is 1/2): each part is a word. */
static int folded_tell(struct bx_words *w, size_t start, size_t end)
{
    struct bx_str rest = bx_buf_view(&w->folded);
    int rc = 0;
    for (size_t i = 0, from = 0; rc == 0 && i <= rest.len;) {
        uint32_t c = ' ';
        size_t n = i < rest.len ? bx_utf8_next(bx_str_slice(rest, i, rest.len), &c) : 1;
        if (class_of((UChar32)c) == SEPARATOR) {
            if (i > from)
                rc = word_tell(w, bx_str_slice(rest, from, i), start, end);
            from = i + n;
        }
        i += n;
    }
    return rc;
}

static int ascii_word(struct bx_words *w, size_t start, size_t end)
{
    struct bx_buf *out = &w->folded;
    out->len = 0;
    int rc = bx_buf_reserve(out, end - start);
    for (size_t i = start; rc == BX_OK && i < end; i++) {
        char c = w->text.ptr[i];
        out->data[out->len++] = (uint8_t)(c >= 'A' && c <= 'Z' ? c + 32 : c);
    }
    return rc == BX_OK ? word_tell(w, bx_buf_view(out), start, end) : rc;
}

static bool is_in_word(enum class class)
{
    return class == LETTER || class == DIGIT || class == MARK || class == HIDDEN;
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* From a letter, digit or mark; *at moves behind the word. */
static int word_cut(struct bx_words *w, size_t *at)
{
    size_t start = *at, i = start;
    while (i < w->text.len && is_alnum(w->text.ptr[i]))
        i++;
    if (i == w->text.len || (w->text.ptr[i] & 0x80) == 0) {
        *at = i;
        return ascii_word(w, start, i);
    }
    struct place p;
    size_t end = i;
    while (place_read(w, i, &p) && is_in_word(p.class)) {
        i = p.end;
        if (p.class != HIDDEN)
            end = i;
    }
    *at = i;
    if (end == start)
        return 0;
    w->folded.len = 0;
    int rc = bx_fold(bx_str_slice(w->text, start, end), &w->folded);
    return rc == BX_OK ? folded_tell(w, start, end) : rc;
}

/* ---- writings without spaces ---- */

static bool has_no_space(struct bx_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] <= ' ' || s.ptr[i] == 127)
            return false;
    return s.len > 0;
}

static bool is_ideographic(UChar32 c)
{
    UErrorCode error = U_ZERO_ERROR;
    UScriptCode script = uscript_getScript(c, &error);
    return script == USCRIPT_HAN || script == USCRIPT_HIRAGANA || script == USCRIPT_KATAKANA ||
           c == 0x30fc || c == 0xff70;
}

/* A letter and the marks on it. *out_end is the end of what is seen of it. */
static size_t unit_end(const struct bx_words *w, struct place p, size_t *out_end)
{
    size_t i = p.end;
    *out_end = i;
    while (place_read(w, i, &p) && (p.class == MARK || p.class == HIDDEN)) {
        i = p.end;
        if (p.class == MARK)
            *out_end = i;
    }
    return i;
}

struct run {
    size_t units, previous; /* where the last unit begins */
    bool is_whole;
};

/* The unit in w->folded, and the pair that it makes with the one before it. w->pair keeps both. */
static int unit_tell(struct bx_words *w, struct run *r, size_t start, size_t end, bool is_whole)
{
    struct bx_buf *pair = &w->pair;
    struct bx_str unit = bx_buf_view(&w->folded);
    int rc = 0;
    if (r->units == 0)
        w->last_unit = pair->len;
    pair->len -= w->last_unit;
    if (pair->len)
        memmove(pair->data, pair->data + w->last_unit, pair->len);
    w->last_unit = pair->len;
    bx_buf_str(pair, unit);
    if (w->what == BX_WORDS_INDEX)
        rc = tell(w, BX_WORD_UNIT, unit, start, end, is_whole);
    if (rc == 0 && r->units > 0)
        rc = tell(w, BX_WORD_PAIR, bx_buf_view(pair), r->previous, end, is_whole);
    r->units++;
    r->previous = start;
    r->is_whole = is_whole;
    return rc;
}

static int run_cut(struct bx_words *w, size_t *at)
{
    struct place p;
    struct run r = {0};
    size_t end = *at;
    int rc = 0;
    while (rc == 0 && place_read(w, *at, &p) && (p.class == UNSPACED || p.class == HIDDEN)) {
        size_t start = p.at;
        *at = p.class == HIDDEN ? p.end : unit_end(w, p, &end);
        if (p.class == HIDDEN)
            continue;
        w->folded.len = 0;
        rc = bx_fold(bx_str_slice(w->text, start, end), &w->folded);
        if (rc == BX_OK && has_no_space(bx_buf_view(&w->folded)))
            rc = unit_tell(w, &r, start, end, is_ideographic(p.c));
    }
    if (rc == 0 && r.units == 1 && w->what == BX_WORDS_QUERY)
        rc = tell(w, BX_WORD_UNIT, bx_buf_view(&w->pair), r.previous, end, r.is_whole);
    return rc;
}

/* ---- emoji ---- */

static bool is_regional(UChar32 c)
{
    return c >= 0x1f1e6 && c <= 0x1f1ff;
}

static bool is_tag(UChar32 c)
{
    return c >= 0xe0020 && c <= 0xe007f;
}

static bool is_skin_tone(UChar32 c)
{
    return c >= 0x1f3fb && c <= 0x1f3ff;
}

static void picture_add(struct bx_words *w, UChar32 c)
{
    char bytes[4];
    bx_buf_append(&w->folded, bytes, bx_utf8_encode((uint32_t)c, bytes));
}

/* A sequence: pictures that a ZWJ holds together, two letters of a flag, tags; without what only
 * changes how it is drawn (skin tone, variation, joiner). */
static int picture_cut(struct bx_words *w, size_t *at)
{
    struct place p, next;
    size_t start = *at, end;
    bool is_held = true;
    w->folded.len = 0;
    place_read(w, start, &p);
    picture_add(w, p.c);
    end = p.end;
    if (is_regional(p.c) && place_read(w, end, &next) && is_regional(next.c)) {
        picture_add(w, next.c);
        end = next.end;
        is_held = false;
    }
    for (bool is_joined_now = false; is_held && place_read(w, end, &next); end = next.end) {
        if (is_tag(next.c) || (is_joined_now && next.class == PICTURE))
            picture_add(w, next.c);
        else if (!is_skin_tone(next.c) && next.class != MARK && next.c != 0x200d)
            break;
        is_joined_now = next.c == 0x200d;
    }
    *at = end;
    return tell(w, BX_WORD_UNIT, bx_buf_view(&w->folded), start, end, false);
}

/* ---- the text ---- */

static int piece_cut(struct bx_words *w, size_t *at)
{
    struct place p;
    if (!place_read(w, *at, &p))
        return 0;
    if (p.class == UNSPACED || p.class == PICTURE) {
        int rc = number_end(w);
        return rc ? rc : p.class == UNSPACED ? run_cut(w, at) : picture_cut(w, at);
    }
    if (is_in_word(p.class))
        return word_cut(w, at);
    *at = p.end;
    return 0;
}

int bx_words_cut(struct bx_words *w, enum bx_words_for what, struct bx_str text,
                 bx_word_fn *on_word, void *arg)
{
    int rc = 0;
    w->what = what;
    w->text = text;
    w->on_word = on_word;
    w->arg = arg;
    w->group_count = 0;
    w->is_open = false;
    for (size_t at = 0; rc == 0 && at < text.len;) {
        char c = text.ptr[at];
        if ((c & 0x80) || is_alnum(c))
            rc = piece_cut(w, &at);
        else
            at++;
    }
    return rc ? rc : number_end(w);
}
