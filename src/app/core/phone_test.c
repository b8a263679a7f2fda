#include "app/core/phone.h"

#include "base/mem.h"
#include "base/test.h"

TEST(a_digit_that_a_country_leaves_out_makes_no_other_number)
{
    static const struct {
        const char *a, *b, *why;
        bool is_same;
    } rows[] = {
        {"6281200000098", "6281200000098", "the same", true},
        {"6281200000098", "6281200000555", "another", false},
        {"5511987654321", "551187654321", "Brazil with and without 9", true},
        {"551187654321", "5511987654321", "and the other way round", true},
        {"5215512345678", "525512345678", "Mexico with and without 1", true},
        {"5491123456789", "541123456789", "Argentina with and without 9", true},
        {"5511887654321", "551187654321", "another digit stands there", false},
        {"6291123456789", "621123456789", "not in Indonesia", false},
        {"", "6281200000098", "none", false},
    };
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        if (wb_phone_is_same(bx_str(rows[i].a), bx_str(rows[i].b)) != rows[i].is_same)
            fail_msg("%s: %s and %s", rows[i].why, rows[i].a, rows[i].b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_digit_that_a_country_leaves_out_makes_no_other_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
