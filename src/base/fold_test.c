#include "base/fold.h"
#include "base/mem.h"
#include "base/test.h"

#include <stdio.h>

static const struct {
    const char *text, *folded, *why;
} rows[] = {
    {"", "", "nothing"},
    {"Hello, World 42!", "hello, world 42!", "ASCII"},
    {"a\tb\nc", "a b c", "white space"},
    {"a\x01"
     "b\x7f",
     "ab", "control characters"},
    {"José", "jose", "an accent, composed"},
    {"Jose\u0301", "jose", "an accent, decomposed"},
    {"İSTANBUL", "istanbul", "Turkish dotted capital i"},
    {"ısı", "isi", "Turkish dotless i"},
    {"STRASSE straße STRAẞE", "strasse strasse strasse", "German sharp s"},
    {"ΟΔΥΣΣΕΥΣ", "οδυσσευσ", "Greek capitals"},
    {"Ὀδυσσεύς", "οδυσσευσ", "Greek with a final sigma, a breathing and an accent"},
    {"ᾳ", "α", "Greek iota below"},
    {"Łódź, Đặng, Søren, Þór, Æon", "lodz, dang, soren, thor, aeon", "letters with a stroke"},
    {"Ёлка", "елка", "Cyrillic"},
    {"ДОБРЫЙ, добрыи\u0306", "добрый, добрый", "Cyrillic short i is a letter"},
    {"ﬁnal ﬀ", "final ff", "ligatures"},
    {"ＡＢＣ１２３", "abc123", "full width"},
    {"مُحَمَّد", "محمد", "Arabic vowel points"},
    {"أحمد إلى آمن", "احمد الي امن", "Arabic hamza, alef maksura"},
    {"محـــمد", "محمد", "Arabic tatweel"},
    {"شِکَر", "شكر", "a Persian kaf"},
    {"שָׁלוֹם", "שלום", "Hebrew points"},
    {"हिन्दी", "हिन्दी", "Devanagari vowel signs and virama stay"},
    {"क़लम", "कलम", "a nukta goes"},
    {"ไม่", "ไม่", "Thai tones stay"},
    {"١٢٣ ۴۵ १२", "123 45 12", "digits of other scripts"},
    {"\u200b\u200ea\u00adb\u2060\ufeff", "ab", "invisible characters"},
    {"a\u3164\u115f", "a", "Hangul fillers"},
    {"\u202a+62\u00a0812\u20113456\u2013789\u202c", "+62 812-3456-789", "a pasted number"},
    {"O’Brien “x”", "o'brien \"x\"", "typographic quotes"},
    {"Viñoly\u3000東京", "vinoly 東京", "an ideographic space"},
    {"👩🏽‍💻", "👩🏽💻", "a joiner"},
    {"❤️", "❤", "a variation selector"},
    {"a\xff"
     "b",
     "a\ufffd"
     "b",
     "a byte that is not UTF-8"},
    {"Việt Nam", "viet nam", "Vietnamese"},
    {"ΐ", "ι", "two marks in one letter"},
    {"Σίσυφος", "σισυφοσ", "sigma"},
};

TEST(texts_that_people_take_for_the_same_fold_to_the_same)
{
    struct bx_arena a;
    bx_arena_init(&a, 0);
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        struct bx_str folded = bx_fold_str(bx_str(rows[i].text), &a);
        if (!bx_str_eq(folded, bx_str(rows[i].folded)))
            fprintf(stderr, "%s: \"" BX_STR_FMT "\"\n", rows[i].why, BX_STR_ARG(folded));
        assert_why(bx_str_eq(folded, bx_str(rows[i].folded)), rows[i].why);
        assert_why(bx_str_eq(bx_fold_str(folded, &a), folded), rows[i].why);
    }
    bx_arena_done(&a);
}

TEST(kana_keep_their_voice_in_either_width)
{
    assert_true(bx_fold_eq(BX_STR("ｶﾞ"), BX_STR("ガ")));
    assert_false(bx_fold_eq(BX_STR("カ"), BX_STR("ガ")));
}

TEST(a_folded_part_is_found_in_a_text)
{
    struct bx_buf scratch;
    bx_buf_init(&scratch, 0);
    assert_true(bx_fold_has(BX_STR("Toko José Ñandú"), BX_STR("e nandu"), &scratch));
    assert_true(bx_fold_has(BX_STR("東京都"), BX_STR("京"), &scratch));
    assert_true(bx_fold_has(BX_STR(""), BX_STR(""), &scratch));
    assert_false(bx_fold_has(BX_STR("Toko"), BX_STR("tokoo"), &scratch));
    bx_buf_done(&scratch);
}

TEST(what_cannot_be_seen_is_blank)
{
    static const char *const blank[] = {"",       " \t",   "\u00a0\u3000", "\u200b\u200d\ufeff",
                                        "\u3164", "\u2800"};
    for (size_t i = 0; i < BX_LEN(blank); i++)
        assert_true(bx_fold_is_blank(bx_str(blank[i])));
    assert_false(bx_fold_is_blank(BX_STR(" a")));
    assert_false(bx_fold_is_blank(BX_STR("👍")));
}

/* ICU sorts marks by insertion: 100,000 in the worst order would take minutes. */
TEST(a_long_row_of_marks_takes_no_longer_than_letters)
{
    struct bx_buf text, out;
    bx_buf_init(&text, 0);
    bx_buf_init(&out, 0);
    bx_buf_lit(&text, "ก");
    for (int i = 0; i < 100000; i++)
        bx_buf_lit(&text, "\u0e48");
    for (int i = 0; i < 100000; i++)
        bx_buf_lit(&text, "\u0e38");
    for (int i = 0; i < 100000; i++)
        bx_buf_lit(&text, "\u0301\u0316");
    assert_rc(bx_fold(bx_buf_view(&text), &out), BX_OK);
    assert_in_range(out.len, 3, 200);
    bx_buf_done(&text);
    bx_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_that_people_take_for_the_same_fold_to_the_same),
        cmocka_unit_test(kana_keep_their_voice_in_either_width),
        cmocka_unit_test(a_folded_part_is_found_in_a_text),
        cmocka_unit_test(what_cannot_be_seen_is_blank),
        cmocka_unit_test(a_long_row_of_marks_takes_no_longer_than_letters),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
