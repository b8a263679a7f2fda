#include "phone/phone.h"

#include "base/err.h"
#include "base/fold.h"
#include "base/mem.h"
#include "phone/library.h"

#include <pthread.h>
#include <stdio.h>

enum { DIGITS_MIN = 6, DIGITS_MAX = 15, PART_MIN = 3, CODE_MAX = 3, INDONESIA = 62 };

/* ---- the calling code ---- */

static int number_of(struct bx_str digits)
{
    int n = 0;
    for (size_t i = 0; i < digits.len; i++)
        n = 10 * n + (digits.ptr[i] - '0');
    return n;
}

/* Its length; 0: none begins so. No code begins another. */
static size_t code_len(struct bx_str digits)
{
    for (size_t n = 1; n <= CODE_MAX && n < digits.len; n++)
        if (ph_library_has_code(number_of(bx_str_slice(digits, 0, n))))
            return n;
    return 0;
}

static bool is_possible(struct bx_str digits)
{
    size_t n = code_len(digits);
    return n && ph_library_is_possible(number_of(bx_str_slice(digits, 0, n)), digits.ptr + n,
                                       digits.len - n);
}

static bool is_valid(struct bx_str digits)
{
    size_t n = code_len(digits);
    return n && ph_library_is_valid(number_of(bx_str_slice(digits, 0, n)), digits.ptr + n,
                                    digits.len - n);
}

/* ---- what was typed ---- */

struct typed {
    char digits[2 * PH_SIZE];
    size_t len;
    bool is_full;   /* begins with "+" or "00" */
    size_t zero_at; /* where the 0 of "(0)" is */
    bool has_zero;
};

static struct bx_str digits_of(const struct typed *t)
{
    return bx_str_n(t->digits, t->len);
}

static void digit_drop(struct typed *t, size_t at)
{
    memmove(t->digits + at, t->digits + at + 1, t->len - at - 1);
    t->len--;
}

/* "+62 (0)812 …" folded: digits and separators only. */
static int typed_read(struct bx_str text, struct typed *t)
{
    *t = (struct typed){0};
    if (bx_str_starts(text, BX_STR("tel:")))
        text = bx_str_slice(text, 4, text.len);
    text = bx_str_trim(text);
    bool is_plus = text.len && text.ptr[0] == '+';
    for (size_t i = is_plus; i < text.len; i++) {
        char c = text.ptr[i];
        if (c >= '0' && c <= '9') {
            if (t->len == DIGITS_MAX + 6)
                return BX_E_INVALID;
            if (c == '0' && i > 0 && text.ptr[i - 1] == '(' && i + 1 < text.len &&
                text.ptr[i + 1] == ')' && t->len && !t->has_zero) {
                t->has_zero = true;
                t->zero_at = t->len;
            }
            t->digits[t->len++] = c;
        } else if (!strchr(" -()[]./~", c)) {
            return BX_E_INVALID;
        }
    }
    t->is_full = is_plus;
    if (!is_plus && bx_str_starts(digits_of(t), BX_STR("00"))) {
        t->is_full = true;
        digit_drop(t, 0);
        digit_drop(t, 0);
        t->zero_at -= t->has_zero ? 2 : 0;
    }
    return BX_OK;
}

static int typed_fold(struct bx_str text, struct typed *t)
{
    struct bx_buf folded;
    if (text.len > PH_TEXT_MAX)
        return BX_E_INVALID;
    bx_buf_init(&folded, 8 * PH_TEXT_MAX);
    int rc = bx_fold(text, &folded);
    if (rc == BX_OK)
        rc = typed_read(bx_buf_view(&folded), t);
    bx_buf_done(&folded);
    return rc < 0 ? BX_E_INVALID : BX_OK;
}

/* The trunk zero that people write behind the calling code, in brackets or not. Where a zero there
 * is part of the number (Italy), it stays. */
static bool trunk_zero_drop(struct typed *t)
{
    size_t n = code_len(digits_of(t));
    bool is_zero = n && n + 1 < t->len && t->digits[n] == '0';
    bool is_bracketed = t->has_zero && t->zero_at < t->len;
    if (!is_bracketed && !is_zero)
        return false;
    struct typed without = *t;
    digit_drop(&without, is_bracketed ? t->zero_at : n);
    bool is_part = is_valid(digits_of(t)) && !is_valid(digits_of(&without));
    if (is_part || (!is_bracketed && !is_possible(digits_of(&without))))
        return false;
    without.has_zero = false;
    *t = without;
    return true;
}

/* As it is dialled in the country: false when it has no such number. */
static bool national_read(struct typed *t, int64_t country_code, bool (*is_right)(struct bx_str))
{
    char out[PH_SIZE];
    size_t len = ph_library_from_national((int)country_code, t->digits, t->len, out, sizeof out);
    if (len == 0 || !is_right(bx_str_n(out, len)))
        return false;
    memcpy(t->digits, out, len);
    t->len = len;
    return true;
}

/* A leading zero without a country that knows it: the calling code in its place. */
static void zero_replace(struct typed *t, int64_t country_code)
{
    char out[2 * PH_SIZE];
    int len = snprintf(out, sizeof out, "%lld%.*s", (long long)country_code, (int)(t->len - 1),
                       t->digits + 1);
    memcpy(t->digits, out, (size_t)len + 1);
    t->len = (size_t)len;
}

static void complete(struct typed *t, int64_t country_code)
{
    bool has_trunk = t->len && t->digits[0] == '0' && !t->is_full;
    if (has_trunk) {
        if (!national_read(t, country_code, is_possible))
            zero_replace(t, country_code);
    } else if (!t->is_full && !is_valid(digits_of(t)) && national_read(t, country_code, is_valid)) {
        return;
    } else {
        while (trunk_zero_drop(t))
            ;
    }
}

static int answer(const struct typed *t, char out[PH_SIZE])
{
    memcpy(out, t->digits, t->len);
    out[t->len] = '\0';
    return BX_OK;
}

int ph_parse(struct bx_str text, int64_t country_code, char out[PH_SIZE])
{
    struct typed t;
    if (typed_fold(text, &t) < 0 || t.len == 0)
        return BX_E_INVALID;
    complete(&t, country_code);
    bool is_number = t.len >= DIGITS_MIN && t.len <= DIGITS_MAX && t.digits[0] != '0' &&
                     is_possible(digits_of(&t));
    return is_number ? answer(&t, out) : BX_E_INVALID;
}

int ph_part(struct bx_str text, int64_t country_code, char out[PH_SIZE])
{
    struct typed t;
    if (typed_fold(text, &t) < 0 || t.len == 0)
        return BX_E_INVALID;
    if (t.has_zero && t.zero_at < t.len)
        digit_drop(&t, t.zero_at);
    if (!t.is_full && t.digits[0] == '0')
        zero_replace(&t, country_code);
    bool is_part = t.len >= PART_MIN && t.len <= DIGITS_MAX && t.digits[0] != '0';
    return is_part ? answer(&t, out) : BX_E_INVALID;
}

/* ---- how it is shown ---- */

/* "+62 812-3456-789": three digits, four, the rest. */
static void group(struct bx_str digits, size_t code, char out[PH_SIZE])
{
    struct bx_str rest = bx_str_slice(digits, code, digits.len);
    struct bx_str a = bx_str_slice(rest, 0, 3), b = bx_str_slice(rest, 3, 7),
                  c = bx_str_slice(rest, 7, rest.len);
    snprintf(out, PH_SIZE, "+%.*s %.*s%s%.*s%s%.*s", (int)code, digits.ptr, BX_STR_ARG(a),
             b.len ? "-" : "", BX_STR_ARG(b), c.len ? "-" : "", BX_STR_ARG(c));
}

/* The library leaves out digits that a country does not write any more (Mexico's 1). */
static bool shows(const char *text, struct bx_str digits)
{
    size_t n = 0;
    for (; *text; text++)
        if (*text >= '0' && *text <= '9' && (n == digits.len || *text != digits.ptr[n++]))
            return false;
    return n == digits.len;
}

/* Indonesian mobile numbers are grouped as contract.md has them, whatever their length. */
static void format(struct bx_str digits, char out[PH_SIZE])
{
    size_t n = code_len(digits);
    int code = number_of(bx_str_slice(digits, 0, n));
    struct bx_str national = bx_str_slice(digits, n, digits.len);
    bool is_grouped = n == 0 || (code == INDONESIA && national.ptr[0] == '8') ||
                      !ph_library_is_possible(code, national.ptr, national.len) ||
                      ph_library_format(code, national.ptr, national.len, out, PH_SIZE) == 0 ||
                      !shows(out, digits);
    if (is_grouped)
        group(digits, n ? n : digits.len < 2 ? digits.len : 2, out);
}

/* A number's regular expressions cost some 10 us; a page of chats shows a thousand numbers. Each
 * place keeps the last number that fell on it. */
enum { PLACES = 4096, LOCKS = 16 };
static struct place {
    char digits[DIGITS_MAX + 1], text[PH_SIZE];
} places[PLACES];
static pthread_mutex_t locks[LOCKS] = {[0 ... LOCKS - 1] = PTHREAD_MUTEX_INITIALIZER};

static size_t place_of(struct bx_str digits)
{
    uint32_t hash = 2166136261u;
    for (size_t i = 0; i < digits.len; i++)
        hash = (hash ^ (unsigned char)digits.ptr[i]) * 16777619u;
    return (hash ^ hash >> 15) % PLACES;
}

static bool are_digits(struct bx_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
    return true;
}

void ph_format(struct bx_str digits, char out[PH_SIZE])
{
    if (digits.len == 0 || digits.len > DIGITS_MAX || !are_digits(digits)) {
        snprintf(out, PH_SIZE, "%s%.*s", digits.len ? "+" : "",
                 (int)(digits.len < 32 ? digits.len : 32), digits.ptr ? digits.ptr : "");
        return;
    }
    size_t at = place_of(digits);
    struct place *p = &places[at], made = {0};
    pthread_mutex_t *lock = &locks[at % LOCKS];
    pthread_mutex_lock(lock);
    bool is_there = bx_str_eq(bx_str(p->digits), digits);
    if (is_there)
        memcpy(out, p->text, PH_SIZE);
    pthread_mutex_unlock(lock);
    if (is_there)
        return;
    memcpy(made.digits, digits.ptr, digits.len);
    format(digits, made.text);
    memcpy(out, made.text, PH_SIZE);
    pthread_mutex_lock(lock);
    *p = made;
    pthread_mutex_unlock(lock);
}
