#include "base/fold.h"

#include "base/mem.h"
#include "base/utf8.h"

#include <stdlib.h>

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>
#include <unicode/utf16.h>

/* ---- what stays of a code point ---- */

/* The fixed classes of Hebrew, Arabic and Syriac points, nuktas, and all that is written above,
 * below or across. Not dropped: 0 and 9 (vowel signs and viramas), 8 (kana), 84 to 132 (vowels and
 * tones of Telugu, Thai, Lao, Tibetan). */
static bool is_dropped_mark(UChar32 c)
{
    int type = u_charType(c);
    if (type == U_ENCLOSING_MARK)
        return true;
    if (type != U_NON_SPACING_MARK && type != U_COMBINING_SPACING_MARK)
        return false;
    unsigned cc = u_getCombiningClass(c);
    bool is_tone = c == 0x1037; /* of Burmese, in the class of nuktas */
    return cc == 1 || (cc == 7 && !is_tone) || (cc >= 10 && cc <= 36) || cc >= 200;
}

static bool is_invisible(UChar32 c)
{
    int type = u_charType(c);
    if (type == U_CONTROL_CHAR)
        return !u_isUWhiteSpace(c);
    return type == U_FORMAT_CHAR || u_hasBinaryProperty(c, UCHAR_DEFAULT_IGNORABLE_CODE_POINT);
}

static const struct {
    UChar32 from;
    const char *to;
} letters[] = {
    {0xe6, "ae"},        {0xf0, "d"},         {0xf8, "o"},    {0xfe, "th"},  {0x111, "d"},
    {0x127, "h"},        {0x131, "i"},        {0x142, "l"},   {0x153, "oe"}, {0x167, "t"},
    {0x180, "b"},        {0x2bc, "'"},        {0x640, ""}, /* tatweel */
    {0x649, "\xd9\x8a"}, /* what Arabic and Persian keyboards give for one letter */
    {0x6a9, "\xd9\x83"}, {0x6cc, "\xd9\x8a"}, {0x2018, "'"},  {0x2019, "'"}, {0x201b, "'"},
    {0x201c, "\""},      {0x201d, "\""},      {0x201e, "\""},
};

static const char *letter_find(UChar32 c)
{
    size_t lo = 0, hi = BX_LEN(letters);
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (letters[mid].from == c)
            return letters[mid].to;
        if (letters[mid].from < c)
            lo = mid + 1;
        else
            hi = mid;
    }
    return NULL;
}

/* One code point behind NFKD and case folding. */
static int emit(UChar32 c, struct bx_buf *out)
{
    char bytes[4];
    if (is_invisible(c) || is_dropped_mark(c))
        return BX_OK;
    const char *other = letter_find(c);
    if (other)
        return bx_buf_str(out, bx_str(other));
    int digit = u_charType(c) == U_DECIMAL_DIGIT_NUMBER ? u_charDigitValue(c) : -1;
    if (digit >= 0)
        c = '0' + digit;
    else if (u_isUWhiteSpace(c))
        c = ' ';
    else if (u_hasBinaryProperty(c, UCHAR_DASH))
        c = '-';
    return bx_buf_append(out, bytes, bx_utf8_encode((uint32_t)c, bytes));
}

/* ---- a run of text that is not ASCII ---- */

enum { SPAN_MAX = 1024 /* UTF-16 units that go through ICU at once */, NON_STARTERS_MAX = 30 };

struct span {
    UChar units[SPAN_MAX];
    int32_t len;
    int non_starters; /* in a row */
};

/* The breve of Cyrillic й, whose composed form follows the letter without it: to those who write
 * it, it is a letter of its own. */
static bool is_short_i(const UChar *before, int32_t len, UChar32 c)
{
    return c == 0x306 && len && (before[len - 1] == 0x438 || before[len - 1] == 0x418);
}

static UChar *grown(UChar *at, int32_t len)
{
    return bx_realloc(at, (size_t)len + 1, sizeof(UChar));
}

/* Before case is folded, which would make letters of some. */
static int32_t marks_drop(UChar *at, int32_t len)
{
    int32_t kept = 0;
    for (int32_t i = 0; i < len;) {
        UChar32 c;
        U16_NEXT(at, i, len, c);
        if (is_short_i(at, kept, c))
            at[kept - 1]++;
        else if (!is_dropped_mark(c))
            U16_APPEND_UNSAFE(at, kept, c);
    }
    return kept;
}

static int span_emit(const struct span *s, struct bx_buf *out)
{
    enum { ROOM = SPAN_MAX + SPAN_MAX / 2 };
    UChar room[ROOM], room2[ROOM], *plain = room, *folded = room2;
    UErrorCode error = U_ZERO_ERROR;
    const UNormalizer2 *nfkd = unorm2_getNFKDInstance(&error);
    BX_ASSERT(U_SUCCESS(error));
    int32_t len = unorm2_normalize(nfkd, s->units, s->len, plain, ROOM, &error);
    if (error == U_BUFFER_OVERFLOW_ERROR) {
        error = U_ZERO_ERROR;
        plain = grown(NULL, len);
        len = unorm2_normalize(nfkd, s->units, s->len, plain, len + 1, &error);
    }
    BX_ASSERT(U_SUCCESS(error));
    len = marks_drop(plain, len);
    int32_t n = u_strFoldCase(folded, ROOM, plain, len, U_FOLD_CASE_DEFAULT, &error);
    if (error == U_BUFFER_OVERFLOW_ERROR) {
        error = U_ZERO_ERROR;
        folded = grown(NULL, n);
        n = u_strFoldCase(folded, n + 1, plain, len, U_FOLD_CASE_DEFAULT, &error);
    }
    BX_ASSERT(U_SUCCESS(error));
    int rc = BX_OK;
    for (int32_t i = 0; rc == BX_OK && i < n;) {
        UChar32 c;
        U16_NEXT(folded, i, n, c);
        rc = emit(c, out);
    }
    if (plain != room)
        free(plain);
    if (folded != room2)
        free(folded);
    return rc;
}

/* Marks that will go go first, and of the others there are at most 30 in a row (as in Unicode's
 * stream-safe texts): ICU sorts them by insertion, which a long row would make quadratic. */
static void span_add(struct span *s, UChar32 c)
{
    if (is_dropped_mark(c) && !is_short_i(s->units, s->len, c))
        return;
    s->non_starters = u_getCombiningClass(c) ? s->non_starters + 1 : 0;
    if (s->non_starters > NON_STARTERS_MAX)
        return;
    U16_APPEND_UNSAFE(s->units, s->len, c);
}

/* May be cut before `c`: nothing is reordered across a starter. */
static bool span_is_full(const struct span *s, UChar32 c)
{
    return s->len > SPAN_MAX - 64 && u_getCombiningClass(c) == 0;
}

static int run_fold(const char *p, const char *end, const char **out_at, struct bx_buf *out)
{
    struct span s;
    int rc = BX_OK;
    s.len = s.non_starters = 0;
    while (rc == BX_OK && p < end && (unsigned char)*p >= 0x80) {
        uint32_t c;
        p += bx_utf8_next(bx_str_n(p, (size_t)(end - p)), &c);
        if (span_is_full(&s, (UChar32)c)) {
            rc = span_emit(&s, out);
            s.len = 0;
        }
        span_add(&s, (UChar32)c);
    }
    *out_at = p;
    return rc == BX_OK && s.len ? span_emit(&s, out) : rc;
}

/* ---- whole texts ---- */

/* 0: goes. */
static char fold_ascii(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c + 32);
    if ((c >= '\t' && c <= '\r') || c == ' ')
        return ' ';
    return c < ' ' || c == 127 ? 0 : c;
}

int bx_fold(struct bx_str text, struct bx_buf *out)
{
    const char *p = text.ptr, *end = p + text.len;
    while (p < end) {
        int rc = bx_buf_reserve(out, (size_t)(end - p));
        if (rc < 0)
            return rc;
        for (; p < end && (unsigned char)*p < 0x80; p++) {
            char c = fold_ascii(*p);
            out->data[out->len] = (uint8_t)c;
            out->len += c != 0;
        }
        if (p < end && (rc = run_fold(p, end, &p, out)) < 0)
            return rc;
    }
    return BX_OK;
}

struct bx_str bx_fold_str(struct bx_str text, struct bx_arena *arena)
{
    struct bx_buf out;
    bx_buf_init(&out, 0);
    bx_fold(text, &out);
    struct bx_str folded = bx_arena_str(arena, bx_buf_view(&out));
    bx_buf_done(&out);
    return folded;
}

bool bx_fold_eq(struct bx_str a, struct bx_str b)
{
    struct bx_buf x, y;
    bx_buf_init(&x, 0);
    bx_buf_init(&y, 0);
    bool is_equal = bx_fold(a, &x) == BX_OK && bx_fold(b, &y) == BX_OK &&
                    bx_str_eq(bx_buf_view(&x), bx_buf_view(&y));
    bx_buf_done(&x);
    bx_buf_done(&y);
    return is_equal;
}

bool bx_fold_has(struct bx_str text, struct bx_str part, struct bx_buf *scratch)
{
    if (part.len == 0)
        return true;
    scratch->len = 0;
    if (bx_fold(text, scratch) < 0 || scratch->len < part.len)
        return false;
    return memmem(scratch->data, scratch->len, part.ptr, part.len) != NULL;
}

bool bx_fold_is_blank(struct bx_str text)
{
    for (size_t i = 0; i < text.len;) {
        uint32_t c;
        i += bx_utf8_next(bx_str_slice(text, i, text.len), &c);
        bool is_seen = !u_isUWhiteSpace((UChar32)c) && !is_invisible((UChar32)c) && c != 0x2800;
        if (is_seen)
            return false;
    }
    return true;
}

const char *bx_fold_version(void)
{
    return U_UNICODE_VERSION;
}
