#include "base/arena.h"
#include "base/mem.h"
#include "base/test.h"
#include "base/utf8.h"

static const struct {
    const char *bytes;
    bool is_valid;
    const char *why;
} rows[] = {
    {"", true, "empty"},
    {"plain ascii over eight bytes", true, "ascii"},
    {"\xc2\x80", true, "first of two bytes"},
    {"\xdf\xbf", true, "last of two bytes"},
    {"\xe0\xa0\x80", true, "first of three bytes"},
    {"\xed\x9f\xbf", true, "just below the surrogates"},
    {"\xee\x80\x80", true, "just above the surrogates"},
    {"\xf0\x90\x80\x80", true, "first of four bytes"},
    {"\xf4\x8f\xbf\xbf", true, "U+10FFFF"},
    {"\xc0\x80", false, "overlong NUL"},
    {"\xc1\xbf", false, "overlong two bytes"},
    {"\xe0\x9f\xbf", false, "overlong three bytes"},
    {"\xf0\x8f\xbf\xbf", false, "overlong four bytes"},
    {"\xed\xa0\x80", false, "surrogate"},
    {"\xf4\x90\x80\x80", false, "beyond U+10FFFF"},
    {"\xf5\x80\x80\x80", false, "F5"},
    {"\xff", false, "FF"},
    {"\x80", false, "continuation first"},
    {"abcdefgh\xc3", false, "cut at the end"},
    {"\xc3\x28", false, "no continuation"},
};

TEST(utf8_is_checked_as_rfc_3629_says)
{
    for (size_t i = 0; i < BX_LEN(rows); i++)
        assert_why(bx_utf8_is_valid(bx_str(rows[i].bytes)) == rows[i].is_valid, rows[i].why);
}

TEST(a_cut_at_any_byte_does_not_change_the_verdict)
{
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        size_t len = strlen(rows[i].bytes);
        for (size_t cut = 0; cut <= len; cut++) {
            struct bx_utf8 state = {0};
            bool ok = bx_utf8_feed(&state, rows[i].bytes, cut) &&
                      bx_utf8_feed(&state, rows[i].bytes + cut, len - cut) &&
                      bx_utf8_is_complete(&state);
            assert_why(ok == rows[i].is_valid, rows[i].why);
        }
    }
}

TEST(lengths_count_utf16_code_units)
{
    struct bx_str s = bx_str("a\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
    assert_int_equal(bx_utf8_utf16_len(s), 5);
    assert_int_equal(bx_utf8_bytes_of_utf16(s, 3), 6);
    assert_int_equal(bx_utf8_bytes_of_utf16(s, 5), 10);
    assert_int_equal(bx_utf8_bytes_of_utf16(s, 4), s.len + 1);
    assert_int_equal(bx_utf8_bytes_of_utf16(s, 6), s.len + 1);
}

TEST(each_broken_part_is_replaced_and_the_rest_stays)
{
    static const struct {
        const char *bytes;
        size_t len;
        const char *repaired, *why;
    } table[] = {
        {"caf\xc3\xa9 \xff na\xc3\xafve", 14, "café \ufffd naïve", "one bad byte among letters"},
        {"a\0b", 3,
         "a\ufffd"
         "b",
         "a NUL"},
        {"\xf0\x80\x80\x41", 4, "\ufffd\ufffd\ufffdA", "Unicode table 3-8"},
        {"\xed\xa0\x80\xed\xbf\xbf\xed\xaf\x41", 9,
         "\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffd\ufffdA", "Unicode table 3-9: surrogates"},
        {"\xf4\x91\x92\x93\xff\x41\x80\xbf\x42", 9, "\ufffd\ufffd\ufffd\ufffd\ufffdA\ufffd\ufffdB",
         "Unicode table 3-10: beyond U+10FFFF"},
        {"\xe1\x80\xe2\xf0\x91\x92\xf1\xbf\x41", 9, "\ufffd\ufffd\ufffd\ufffdA",
         "Unicode table 3-11: maximal parts"},
        {"ok\xe2\x82", 4, "ok\ufffd", "cut at the end"},
        {"\xef\xbf\xbd", 3, "\ufffd", "U+FFFD itself"},
        {"", 0, "", "empty"},
    };
    for (size_t i = 0; i < BX_LEN(table); i++) {
        struct bx_arena a;
        bx_arena_init(&a, 0);
        struct bx_str r = bx_utf8_repair_str(bx_str_n(table[i].bytes, table[i].len), &a);
        assert_why(bx_str_eq(r, bx_str(table[i].repaired)), table[i].why);
        bx_arena_done(&a);
    }
}

TEST(a_cut_text_loses_only_the_sequence_that_was_cut)
{
    assert_str(bx_utf8_whole(bx_str("a\xc3")), "a");
    assert_str(bx_utf8_whole(bx_str("a\xe2\x82")), "a");
    assert_str(bx_utf8_whole(bx_str("a\xf0\x9f\x98")), "a");
    assert_str(bx_utf8_whole(bx_str("a\xc3\xa9")), "a\xc3\xa9");
    assert_str(bx_utf8_whole(bx_str("abc")), "abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(utf8_is_checked_as_rfc_3629_says),
        cmocka_unit_test(a_cut_at_any_byte_does_not_change_the_verdict),
        cmocka_unit_test(lengths_count_utf16_code_units),
        cmocka_unit_test(each_broken_part_is_replaced_and_the_rest_stays),
        cmocka_unit_test(a_cut_text_loses_only_the_sequence_that_was_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
