#include "base/clock.h"
#include "base/test.h"

#include <time.h>

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

TEST(dates_are_those_of_the_c_library_on_every_day_until_the_year_9999)
{
    for (int64_t day = 0; day < 2932897; day++) {
        time_t seconds = day * 86400 + day % 86400;
        char ours[BX_ISO8601_SIZE], theirs[BX_ISO8601_SIZE];
        struct tm tm;
        gmtime_r(&seconds, &tm);
        strftime(theirs, sizeof theirs, "%Y-%m-%dT%H:%M:%S.000Z", &tm);
        bx_iso8601(seconds * 1000, ours);
        assert_memory_equal(ours, theirs, BX_ISO8601_SIZE);
    }
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
        cmocka_unit_test(dates_are_those_of_the_c_library_on_every_day_until_the_year_9999),
        cmocka_unit_test(the_monotonic_clock_does_not_run_backwards),
        cmocka_unit_test(random_numbers_stay_below_their_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
