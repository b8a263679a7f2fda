#include "base/json_scan.h"
#include "base/mem.h"
#include "base/test.h"

static const char *const accepted[] = {
    "null",
    "true",
    "false",
    "0",
    "-0",
    "12.5e-3",
    "1E+9",
    "\"\"",
    "\"\\u00e9\\n\\\"\"",
    "[]",
    "{}",
    " [ 1 , 2 ] ",
    "{\"a\":{\"b\":[null,{}]}}",
    "\"\\ud83d\\ude00\"",
    "1e400",
    "9007199254740993",
};

static const struct {
    const char *text;
    int rc;
    size_t at;
    const char *why;
} refused[] = {
    {"", BX_E_TRUNCATED, 0, "empty"},
    {"   ", BX_E_TRUNCATED, 3, "white space only"},
    {"[1,]", BX_E_INVALID, 3, "trailing comma"},
    {"[1 2]", BX_E_INVALID, 3, "missing comma"},
    {"{\"a\" 1}", BX_E_INVALID, 5, "missing colon"},
    {"{a:1}", BX_E_INVALID, 1, "bare key"},
    {"{\"a\":1,}", BX_E_INVALID, 7, "trailing comma in an object"},
    {"01", BX_E_INVALID, 1, "leading zero"},
    {"+1", BX_E_INVALID, 0, "plus sign"},
    {"1.", BX_E_TRUNCATED, 2, "fraction without digits"},
    {".5", BX_E_INVALID, 0, "no integer part"},
    {"1e", BX_E_TRUNCATED, 2, "exponent without digits"},
    {"-", BX_E_TRUNCATED, 1, "sign only"},
    {"\"a", BX_E_TRUNCATED, 2, "open string"},
    {"\"\x01\"", BX_E_INVALID, 1, "control character in a string"},
    {"\"\\x\"", BX_E_INVALID, 2, "unknown escape"},
    {"\"\\u12g4\"", BX_E_INVALID, 5, "bad hex"},
    {"tru", BX_E_TRUNCATED, 3, "cut word"},
    {"nul1", BX_E_INVALID, 3, "wrong word"},
    {"NaN", BX_E_INVALID, 0, "NaN is not JSON"},
    {"[", BX_E_TRUNCATED, 1, "open array"},
    {"]", BX_E_INVALID, 0, "close without open"},
    {"{}{}", BX_E_INVALID, 2, "two values"},
    {"'a'", BX_E_INVALID, 0, "single quotes"},
    {"[1]\x00", BX_OK, 0, "text ends before the NUL"},
};

TEST(every_form_of_rfc_8259_is_accepted)
{
    for (size_t i = 0; i < BX_LEN(accepted); i++) {
        struct bx_str value;
        assert_why(bx_json_check(bx_str(accepted[i]), 8, &value, NULL) == BX_OK, accepted[i]);
    }
}

TEST(what_is_not_json_is_refused_at_the_wrong_byte)
{
    for (size_t i = 0; i < BX_LEN(refused); i++) {
        struct bx_str value;
        size_t at = 0;
        assert_why(bx_json_check(bx_str(refused[i].text), 8, &value, &at) == refused[i].rc,
                   refused[i].why);
        assert_why(at == refused[i].at, refused[i].why);
    }
}

TEST(nesting_is_limited)
{
    char text[300];
    struct bx_str value;
    memset(text, '[', 150);
    memset(text + 150, ']', 150);
    assert_rc(bx_json_check(bx_str_n(text, 300), 150, &value, NULL), BX_OK);
    assert_rc(bx_json_check(bx_str_n(text, 300), 149, &value, NULL), BX_E_TOO_DEEP);
}

TEST(scan_stops_behind_the_first_value)
{
    struct bx_str rest = bx_str("  [\"ev\",1] tail"), value;
    assert_rc(bx_json_scan(&rest, 8, &value), BX_OK);
    assert_str(value, "[\"ev\",1]");
    assert_str(rest, " tail");
}

TEST(cursors_walk_arrays_and_objects)
{
    struct bx_str value, item, key;
    assert_rc(
        bx_json_check(bx_str("[ \"a\\u0062\" , {\"k\":[1],\"k2\":\"}\"} , -5 ]"), 8, &value, NULL),
        BX_OK);
    struct bx_str cursor = bx_json_inside(value);
    assert_true(bx_json_next(&cursor, &item));
    struct bx_arena arena;
    struct bx_str text;
    bx_arena_init(&arena, 0);
    assert_rc(bx_json_string(item, &arena, &text), BX_OK);
    assert_str(text, "ab");
    assert_true(bx_json_next(&cursor, &item));
    struct bx_str members = bx_json_inside(item), member;
    assert_true(bx_json_next_member(&members, &key, &member));
    assert_str(key, "k");
    assert_str(member, "[1]");
    assert_true(bx_json_get(item, bx_str("k2"), &member));
    assert_str(member, "\"}\"");
    assert_false(bx_json_get(item, bx_str("__proto__"), &member));
    int64_t number;
    assert_true(bx_json_next(&cursor, &item));
    assert_rc(bx_json_int(item, &number), BX_OK);
    assert_int_equal(number, -5);
    assert_false(bx_json_next(&cursor, &item));
    bx_arena_done(&arena);
}

TEST(keys_match_after_decoding_and_the_last_one_wins)
{
    struct bx_str object, value;
    assert_rc(bx_json_check(bx_str("{\"a\":1,\"\\u0061\":2}"), 8, &object, NULL), BX_OK);
    assert_true(bx_json_get(object, bx_str("a"), &value));
    assert_str(value, "2");
}

TEST(surrogates_decode_to_utf8_and_lone_ones_are_replaced)
{
    struct bx_arena arena;
    struct bx_str text;
    bx_arena_init(&arena, 0);
    assert_rc(bx_json_string(bx_str("\"\\ud83d\\ude00\""), &arena, &text), BX_OK);
    assert_str(text, "\xf0\x9f\x98\x80");
    assert_rc(bx_json_string(bx_str("\"\\ud83dx\""), &arena, &text), BX_OK);
    assert_str(text, "\xef\xbf\xbdx");
    assert_rc(bx_json_string(bx_str("5"), &arena, &text), BX_E_INVALID);
    bx_arena_done(&arena);
}

TEST(integers_are_exact_or_refused)
{
    int64_t n;
    assert_rc(bx_json_int(bx_str("9007199254740992"), &n), BX_OK);
    assert_rc(bx_json_int(bx_str("9007199254740993"), &n), BX_E_INVALID);
    assert_rc(bx_json_int(bx_str("1.0"), &n), BX_E_INVALID);
    assert_rc(bx_json_int(bx_str("\"1\""), &n), BX_E_INVALID);
}

TEST(positions_count_lines_and_columns_from_one)
{
    unsigned line, column;
    bx_json_position(bx_str("{\n \"a\": x}"), 8, &line, &column);
    assert_int_equal(line, 2);
    assert_int_equal(column, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_form_of_rfc_8259_is_accepted),
        cmocka_unit_test(what_is_not_json_is_refused_at_the_wrong_byte),
        cmocka_unit_test(nesting_is_limited),
        cmocka_unit_test(scan_stops_behind_the_first_value),
        cmocka_unit_test(cursors_walk_arrays_and_objects),
        cmocka_unit_test(keys_match_after_decoding_and_the_last_one_wins),
        cmocka_unit_test(surrogates_decode_to_utf8_and_lone_ones_are_replaced),
        cmocka_unit_test(integers_are_exact_or_refused),
        cmocka_unit_test(positions_count_lines_and_columns_from_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
