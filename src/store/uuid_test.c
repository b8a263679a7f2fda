#include "store/uuid.h"

#include "base/test.h"

#include <stdio.h>

static const struct st_uuid_key key = {{1, 2}, {3, 4}};

TEST(an_id_comes_back_under_its_kind_only)
{
    static const int64_t ids[] = {1, 2, 1000000, INT64_C(0x123456789abcdef), INT64_MAX};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        char text[ST_UUID_SIZE];
        int64_t got = 0;
        st_uuid_seal(&key, ST_UUID_CHAT, ids[i], text);
        assert_int_equal(strlen(text), 36);
        assert_int_equal(text[14], '8');
        assert_non_null(strchr("89ab", text[19]));
        assert_rc(st_uuid_open(&key, ST_UUID_CHAT, bx_str(text), &got), BX_OK);
        assert_int_equal(got, ids[i]);
        assert_rc(st_uuid_open(&key, ST_UUID_MESSAGE, bx_str(text), &got), BX_E_NOT_FOUND);
    }
}

TEST(every_changed_digit_is_noticed)
{
    char text[ST_UUID_SIZE];
    st_uuid_seal(&key, ST_UUID_MESSAGE, 77, text);
    for (size_t i = 0; i < 36; i++) {
        if (text[i] == '-')
            continue;
        char was = text[i];
        text[i] = was == '0' ? '1' : '0';
        int64_t got = 5;
        assert_rc(st_uuid_open(&key, ST_UUID_MESSAGE, bx_str(text), &got), BX_E_NOT_FOUND);
        assert_int_equal(got, 5);
        text[i] = was;
    }
}

TEST(letter_case_does_not_matter)
{
    char text[ST_UUID_SIZE];
    int64_t got = 0;
    st_uuid_seal(&key, ST_UUID_CHAT, 123456, text);
    for (char *c = text; *c; c++)
        *c = *c >= 'a' && *c <= 'f' ? (char)(*c - 32) : *c;
    assert_rc(st_uuid_open(&key, ST_UUID_CHAT, bx_str(text), &got), BX_OK);
    assert_int_equal(got, 123456);
}

TEST(what_is_no_uuid_is_not_found)
{
    static const char *const bad[] = {"",
                                      "1",
                                      "null",
                                      "00000000-0000-8000-8000-000000000000",
                                      "00000000-0000-4000-8000-00000000000",
                                      "00000000000000000000000000000000----",
                                      "'; DROP TABLE chats; --aaaaaaaaaaaaa"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        int64_t got;
        assert_why(st_uuid_open(&key, ST_UUID_CHAT, bx_str(bad[i]), &got) == BX_E_NOT_FOUND,
                   bad[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_id_comes_back_under_its_kind_only),
        cmocka_unit_test(every_changed_digit_is_noticed),
        cmocka_unit_test(letter_case_does_not_matter),
        cmocka_unit_test(what_is_no_uuid_is_not_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
