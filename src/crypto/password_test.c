#include "crypto/password.h"

#include "base/test.h"

static const struct cr_password_cost cheap = {.ops = 1, .mem_bytes = 64 << 10};

TEST(the_right_password_opens_and_a_wrong_one_does_not)
{
    char text[CR_PASSWORD_TEXT_SIZE], again[CR_PASSWORD_TEXT_SIZE];
    assert_rc(cr_password_hash(BX_STR("secret"), cheap, text), BX_OK);
    assert_rc(cr_password_hash(BX_STR("secret"), cheap, again), BX_OK);
    assert_string_not_equal(text, again);
    assert_rc(cr_password_verify(BX_STR("secret"), text), BX_OK);
    assert_rc(cr_password_verify(BX_STR("Secret"), text), BX_E_AUTH);
    assert_rc(cr_password_verify(BX_STR(""), text), BX_E_AUTH);
    assert_rc(cr_password_verify_nobody(BX_STR("secret"), cheap), BX_E_AUTH);
}

TEST(a_stored_text_of_another_kind_is_damage_not_a_wrong_password)
{
    assert_rc(cr_password_verify(BX_STR("x"), ""), BX_E_CORRUPT);
    assert_rc(cr_password_verify(BX_STR("x"), "x"), BX_E_CORRUPT);
    assert_rc(cr_password_verify(BX_STR("x"), "$2b$10$abcdefghijklmnopqrstuv"), BX_E_CORRUPT);
}

TEST(a_higher_cost_asks_for_a_new_hash)
{
    char text[CR_PASSWORD_TEXT_SIZE];
    assert_rc(cr_password_hash(BX_STR("secret"), cheap, text), BX_OK);
    assert_false(cr_password_needs_rehash(text, cheap));
    assert_true(cr_password_needs_rehash(text, CR_PASSWORD_COST));
}

TEST(an_endless_password_is_refused_before_it_costs_anything)
{
    static char text[CR_PASSWORD_TEXT_SIZE], endless[2000];
    assert_rc(cr_password_hash(bx_str_n(endless, sizeof endless), cheap, text), BX_E_TOO_BIG);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_right_password_opens_and_a_wrong_one_does_not),
        cmocka_unit_test(a_stored_text_of_another_kind_is_damage_not_a_wrong_password),
        cmocka_unit_test(a_higher_cost_asks_for_a_new_hash),
        cmocka_unit_test(an_endless_password_is_refused_before_it_costs_anything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
