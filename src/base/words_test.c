#include "base/words.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/test.h"

#include <stdio.h>

/* Words with a space between; a pair has '+' before it, a joined number '='. */
struct row {
    const char *text, *words, *why;
};

static const struct row index_rows[] = {
    {"", "", "nothing"},
    {"Hello, Héllo world!", "hello hello world", "words with an accent"},
    {"don't_stop", "don t stop", "what is between words"},
    {"a\x01"
     "b",
     "a b", "a control character"},
    {"straße STRASSE", "strasse strasse", "full case folding"},
    {"हिन्दी में", "हिन्दी में", "Devanagari words stay whole"},
    {"שָׁלוֹם עולם", "שלום עולם", "Hebrew"},
    {"می\u200cخواهم", "ميخواهم", "a non-joiner inside a word"},
    {"so\u00adft", "soft", "a soft hyphen"},
    {"東京都", "東 京 +東京 都 +京都", "Han"},
    {"東京tower", "東 京 +東京 tower", "Han beside Latin"},
    {"カー", "カ ー +カー", "katakana with a long vowel"},
    {"ไปไหน", "ไ ป +ไป ไ +ปไ ห +ไห น +หน", "Thai"},
    {"ที่นี่", "ที่ นี่ +ที่นี่", "Thai letters with their marks"},
    {"👍🏽", "👍", "a skin tone"},
    {"👨‍👩‍👧‍👦!", "👨👩👧👦", "a joined sequence is one"},
    {"👨👩", "👨 👩", "two pictures"},
    {"🇮🇩🇯🇵", "🇮🇩 🇯🇵", "flags"},
    {"❤️ ❤", "❤ ❤", "a variation selector"},
    {"1.250.000", "1 250 =1250 000 =1250000 =250000", "thousands"},
    {"Rp1.250.000,-", "rp1 250 =1250 000 =1250000 =250000", "a currency before it"},
    {"1,5kg", "1 =15 5kg", "a unit behind it"},
    {"0812-3456 789", "0812 3456 =08123456 789 =08123456789 =3456789", "a phone number"},
    {"12 34", "12 34", "two numbers"},
    {"order 7, 12", "order 7 12", "a list of numbers"},
    {"１２３", "123", "full width digits"},
    {"١٢٫٥ ½", "12 5 1 2", "Arabic digits, a fraction"},
    {"㎏ ﷺ", "صلي الله عليه وسلم", "a sign that is words"},
};

static const struct row query_rows[] = {
    {"東京都", "+東京 +京都", "pairs say all"},
    {"東", "東", "one letter"},
    {"東 京", "東 京", "apart"},
    {"1.250.000", "=1250000", "a number"},
    {"1250000", "1250000", "a number without separators"},
    {"+62 812-3456-789", "=628123456789", "a phone number"},
    {"12 34", "12 34", "two numbers"},
    {"2024-05", "=202405", "part of a date"},
    {"rp 5.000 ok", "rp =5000 ok", "in their order"},
    {"👨‍👩‍👧‍👦", "👨👩👧👦", "a sequence"},
};

static int on_word(void *arg, const struct bx_word *word)
{
    static const char *const marks[] = {"", "", "+", "="};
    struct bx_buf *out = arg;
    assert_true(word->start < word->end);
    bx_buf_printf(out, "%s%s" BX_STR_FMT, out->len ? " " : "", marks[word->kind],
                  BX_STR_ARG(word->text));
    return 0;
}

static void compare(enum bx_words_for what, const struct row *rows, size_t count)
{
    struct bx_words *w = bx_words_new();
    for (size_t i = 0; i < count; i++) {
        struct bx_buf out;
        bx_buf_init(&out, 0);
        assert_int_equal(bx_words_cut(w, what, bx_str(rows[i].text), on_word, &out), 0);
        if (!bx_str_eq(bx_buf_view(&out), bx_str(rows[i].words)))
            fprintf(stderr, "%s: \"" BX_STR_FMT "\"\n", rows[i].why, BX_STR_ARG(bx_buf_view(&out)));
        assert_why(bx_str_eq(bx_buf_view(&out), bx_str(rows[i].words)), rows[i].why);
        bx_buf_done(&out);
    }
    bx_words_free(w);
}

TEST(a_text_is_cut_into_all_that_it_may_be_found_by)
{
    compare(BX_WORDS_INDEX, index_rows, BX_LEN(index_rows));
}

TEST(a_query_is_cut_into_the_fewest_words_that_say_it)
{
    compare(BX_WORDS_QUERY, query_rows, BX_LEN(query_rows));
}

static int on_first(void *arg, const struct bx_word *word)
{
    (void)word;
    ++*(int *)arg;
    return 7;
}

TEST(the_one_who_is_told_may_end_it)
{
    struct bx_words *w = bx_words_new();
    int told = 0;
    assert_int_equal(bx_words_cut(w, BX_WORDS_INDEX, BX_STR("a b c"), on_first, &told), 7);
    assert_int_equal(told, 1);
    bx_words_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_cut_into_all_that_it_may_be_found_by),
        cmocka_unit_test(a_query_is_cut_into_the_fewest_words_that_say_it),
        cmocka_unit_test(the_one_who_is_told_may_end_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
