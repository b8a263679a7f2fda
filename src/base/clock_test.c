#include "base/clock.h"
#include "base/test.h"

TEST(times_are_iso_8601_in_utc_with_milliseconds)
{
    char text[BX_ISO8601_SIZE];
    bx_iso8601(1758018600007, text);
    assert_string_equal(text, "2025-09-16T10:30:00.007Z");
    bx_iso8601(-5, text);
    assert_string_equal(text, "1970-01-01T00:00:00.000Z");
    bx_iso8601(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
}

TEST(the_monotonic_clock_does_not_run_backwards)
{
    uint64_t a = bx_mono_ns(), b = bx_mono_ns();
    assert_true(b >= a);
}

TEST(random_numbers_stay_below_their_bound)
{
    for (int i = 0; i < 1000; i++)
        assert_true(bx_random_below(7) < 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(times_are_iso_8601_in_utc_with_milliseconds),
        cmocka_unit_test(the_monotonic_clock_does_not_run_backwards),
        cmocka_unit_test(random_numbers_stay_below_their_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
