#include "base/mem.h"
#include "base/str.h"
#include "base/test.h"

static const struct {
    const char *text;
    int rc;
    uint64_t value;
    const char *why;
} numbers[] = {
    {"0", BX_OK, 0, "zero"},
    {"007", BX_OK, 7, "leading zeros"},
    {"65535", BX_OK, 65535, "the maximum"},
    {"65536", BX_E_TOO_BIG, 0, "beyond the maximum"},
    {"99999999999999999999999", BX_E_TOO_BIG, 0, "overflow"},
    {"", BX_E_INVALID, 0, "empty"},
    {"+1", BX_E_INVALID, 0, "sign"},
    {" 1", BX_E_INVALID, 0, "space"},
    {"1e3", BX_E_INVALID, 0, "exponent"},
};

TEST(numbers_are_digits_and_nothing_else)
{
    for (size_t i = 0; i < BX_LEN(numbers); i++) {
        uint64_t value = 0;
        assert_why(bx_str_u64(bx_str(numbers[i].text), 65535, &value) == numbers[i].rc,
                   numbers[i].why);
        assert_why(value == numbers[i].value, numbers[i].why);
    }
    int64_t n;
    assert_rc(bx_str_i64(bx_str("-42"), &n), BX_OK);
    assert_int_equal(n, -42);
}

TEST(split_keeps_empty_pieces)
{
    struct bx_str rest = bx_str("a,,b"), piece;
    assert_true(bx_str_split(&rest, ',', &piece));
    assert_str(piece, "a");
    assert_true(bx_str_split(&rest, ',', &piece));
    assert_str(piece, "");
    assert_true(bx_str_split(&rest, ',', &piece));
    assert_str(piece, "b");
    assert_false(bx_str_split(&rest, ',', &piece));
}

TEST(slices_are_clamped_and_trimmed)
{
    assert_str(bx_str_slice(bx_str("hello"), 3, 99), "lo");
    assert_str(bx_str_slice(bx_str("hello"), 9, 2), "");
    assert_str(bx_str_trim(bx_str(" \t x \t")), "x");
    assert_true(bx_str_ieq(bx_str("Content-Type"), bx_str("content-type")));
    assert_true(bx_str_ends(bx_str("a.js"), bx_str(".js")));
    char small[3];
    assert_rc(bx_str_copy(bx_str("abc"), small, sizeof small), BX_E_TOO_BIG);
}

TEST(hex_holds_both_ways)
{
    char text[9];
    uint8_t bytes[4];
    bx_hex_encode("\xde\xad\xbe\xef", 4, text);
    assert_string_equal(text, "deadbeef");
    assert_rc(bx_hex_decode(bx_str("DEADbeef"), bytes, 4), BX_OK);
    assert_memory_equal(bytes, "\xde\xad\xbe\xef", 4);
    assert_rc(bx_hex_decode(bx_str("dead"), bytes, 4), BX_E_INVALID);
    assert_rc(bx_hex_decode(bx_str("deadbeeg"), bytes, 4), BX_E_INVALID);
}

TEST(every_error_has_a_row)
{
    assert_string_equal(bx_err_name(BX_E_TIMEOUT), "BX_E_TIMEOUT");
    assert_string_equal(bx_err_name(-9999), "BX_E_INTERNAL");
    assert_int_equal(bx_err_info(BX_E_RATE_LIMITED)->http_status, 429);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_digits_and_nothing_else),
        cmocka_unit_test(split_keeps_empty_pieces),
        cmocka_unit_test(slices_are_clamped_and_trimmed),
        cmocka_unit_test(hex_holds_both_ways),
        cmocka_unit_test(every_error_has_a_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
