#include "app/core/limit.h"

#include "base/mem.h"
#include "base/test.h"

TEST(a_bucket_lets_its_burst_through_and_then_its_rate)
{
    struct wb_limits *l = wb_limits_new(10, 5);
    for (int i = 0; i < 5; i++)
        assert_int_equal(wb_limits_take(l, BX_STR("a"), 1, 1000), 0);
    uint64_t wait = wb_limits_take(l, BX_STR("a"), 1, 1000);
    assert_in_range(wait, 100, 101);
    assert_int_equal(wb_limits_take(l, BX_STR("b"), 1, 1000), 0);
    assert_int_equal(wb_limits_take(l, BX_STR("a"), 1, 1000 + wait), 0);
    assert_true(wb_limits_take(l, BX_STR("a"), 1, 1000 + wait) > 0);
    wb_limits_free(l);
}

TEST(time_that_stands_still_or_jumps_never_fills_beyond_the_burst)
{
    struct wb_limits *l = wb_limits_new(10, 2);
    assert_int_equal(wb_limits_take(l, BX_STR("a"), 2, 1000), 0);
    assert_true(wb_limits_take(l, BX_STR("a"), 1, 900) > 0);
    assert_int_equal(wb_limits_take(l, BX_STR("a"), 2, 10000000), 0);
    assert_true(wb_limits_take(l, BX_STR("a"), 1, 10000000) > 0);
    wb_limits_free(l);
}

TEST(sweeping_forgets_only_full_buckets)
{
    struct wb_limits *l = wb_limits_new(1, 2);
    wb_limits_take(l, BX_STR("a"), 2, 0);
    wb_limits_sweep(l, 500);
    assert_true(wb_limits_take(l, BX_STR("a"), 1, 500) > 0);
    wb_limits_sweep(l, 100000);
    assert_int_equal(wb_limits_take(l, BX_STR("a"), 2, 100000), 0);
    wb_limits_free(l);
}

TEST(failed_logins_stop_an_account_whatever_the_letter_case_and_the_address)
{
    struct wb_throttle *t = wb_throttle_new(3, 100, 60000);
    assert_int_equal(wb_throttle_try(t, BX_STR("admin"), BX_STR("1"), 0), 0);
    assert_int_equal(wb_throttle_try(t, BX_STR("ADMIN"), BX_STR("2"), 0), 0);
    assert_int_equal(wb_throttle_try(t, BX_STR("Admin"), BX_STR("3"), 0), 0);
    assert_true(wb_throttle_try(t, BX_STR("admin"), BX_STR("4"), 0) > 0);
    assert_int_equal(wb_throttle_try(t, BX_STR("other"), BX_STR("1"), 0), 0);
    wb_throttle_forgive(t, BX_STR("admin"), BX_STR("1"), 0);
    assert_int_equal(wb_throttle_try(t, BX_STR("admin"), BX_STR("1"), 0), 0);
    wb_throttle_free(t);
}

TEST(failed_logins_stop_an_address_whatever_the_account)
{
    struct wb_throttle *t = wb_throttle_new(100, 3, 60000);
    const char *accounts[] = {"a", "b", "c"};
    for (int i = 0; i < 3; i++)
        assert_int_equal(wb_throttle_try(t, bx_str(accounts[i]), BX_STR("ip"), 0), 0);
    assert_true(wb_throttle_try(t, BX_STR("d"), BX_STR("ip"), 0) > 0);
    assert_int_equal(wb_throttle_try(t, BX_STR("d"), BX_STR("other"), 0), 0);
    wb_throttle_free(t);
}

TEST(who_was_right_before_gets_in_whatever_strangers_and_neighbours_used_up)
{
    struct wb_throttle *t = wb_throttle_new(3, 5, 60000);
    for (int i = 0; i < 9; i++) {
        wb_throttle_try(t, BX_STR("#1"), BX_STR("10.0.0.9"), 0);    /* strangers at this account */
        wb_throttle_try(t, BX_STR("other"), BX_STR("10.0.0.1"), 0); /* a neighbour at another */
    }
    assert_true(wb_throttle_try(t, BX_STR("#1"), BX_STR("10.0.0.1"), 0) > 0);
    for (int i = 0; i < 50; i++) {
        assert_int_equal(wb_throttle_try_known(t, BX_STR("#1"), BX_STR("10.0.0.1"), 0), 0);
        wb_throttle_forgive_known(t, BX_STR("#1"), BX_STR("10.0.0.1"), 0);
    }
    for (int i = 0; i < 3; i++)
        assert_int_equal(wb_throttle_try_known(t, BX_STR("#1"), BX_STR("10.0.0.1"), 0), 0);
    assert_true(wb_throttle_try_known(t, BX_STR("#1"), BX_STR("10.0.0.1"), 0) > 0);
    wb_throttle_free(t);
}

TEST(being_right_gives_back_one_try_and_not_those_of_others)
{
    struct wb_throttle *t = wb_throttle_new(3, 100, 60000);
    for (int i = 0; i < 3; i++)
        assert_int_equal(wb_throttle_try(t, BX_STR("#1"), BX_STR("a"), 0), 0);
    wb_throttle_forgive(t, BX_STR("#1"), BX_STR("a"), 0);
    assert_int_equal(wb_throttle_try(t, BX_STR("#1"), BX_STR("b"), 0), 0);
    assert_true(wb_throttle_try(t, BX_STR("#1"), BX_STR("b"), 0) > 0);
    wb_throttle_free(t);
}

TEST(an_ipv6_network_is_one_address)
{
    static const struct {
        const char *a, *b;
        bool is_same;
    } rows[] = {{"2001:db8:1:2::1", "2001:db8:1:2:ffff::9", true},
                {"2001:db8:1:2::1", "2001:db8:1:3::1", false},
                {"::ffff:10.0.0.1", "10.0.0.1", true},
                {"10.0.0.1", "10.0.0.2", false},
                {"unknown", "unknown", true}};
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        char a[WB_LIMIT_ADDRESS_SIZE], b[WB_LIMIT_ADDRESS_SIZE];
        assert_int_equal(bx_str_eq(wb_limit_address(bx_str(rows[i].a), a),
                                   wb_limit_address(bx_str(rows[i].b), b)),
                         rows[i].is_same);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_lets_its_burst_through_and_then_its_rate),
        cmocka_unit_test(time_that_stands_still_or_jumps_never_fills_beyond_the_burst),
        cmocka_unit_test(sweeping_forgets_only_full_buckets),
        cmocka_unit_test(failed_logins_stop_an_account_whatever_the_letter_case_and_the_address),
        cmocka_unit_test(failed_logins_stop_an_address_whatever_the_account),
        cmocka_unit_test(who_was_right_before_gets_in_whatever_strangers_and_neighbours_used_up),
        cmocka_unit_test(being_right_gives_back_one_try_and_not_those_of_others),
        cmocka_unit_test(an_ipv6_network_is_one_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
