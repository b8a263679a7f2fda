#include "app/core/fair.h"

#include "base/err.h"
#include "base/mem.h"
#include "base/test.h"

#include <stdio.h>

static char jobs[200][8];

static void submit(struct wb_fair *f, const char *group, const char *member, const char *name,
                   int i)
{
    snprintf(jobs[i], sizeof jobs[i], "%s", name);
    assert_rc(wb_fair_submit(f, bx_str(group), bx_str(member), jobs[i]), BX_OK);
}

static void expect(struct wb_fair *f, const char *const *order, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const char *job = wb_fair_next(f);
        assert_non_null(job);
        assert_string_equal(job, order[i]);
        wb_fair_done(f);
    }
    assert_null(wb_fair_next(f));
}

TEST(a_group_with_a_hundred_jobs_waits_for_itself_not_the_others)
{
    struct wb_fair *f = wb_fair_new(2, 256, 4096);
    for (int i = 0; i < 100; i++)
        submit(f, "attacker", "admin", "a", i);
    submit(f, "owner", "admin", "o", 100);
    submit(f, "agent", "eva", "e", 101);
    const char *first[] = {"a", "o", "e", "a"};
    for (size_t i = 0; i < BX_LEN(first); i++) {
        assert_string_equal(wb_fair_next(f), first[i]);
        wb_fair_done(f);
    }
    assert_int_equal(wb_fair_waiting(f), 98);
    wb_fair_free(f);
}

TEST(members_of_a_group_take_turns_too)
{
    struct wb_fair *f = wb_fair_new(1, 256, 4096);
    submit(f, "office", "guess", "g1", 0);
    submit(f, "office", "guess", "g2", 1);
    submit(f, "office", "guess", "g3", 2);
    submit(f, "office", "owner", "o1", 3);
    const char *order[] = {"g1", "o1", "g2", "g3"};
    expect(f, order, BX_LEN(order));
    wb_fair_free(f);
}

TEST(only_as_many_run_as_there_are_slots)
{
    struct wb_fair *f = wb_fair_new(2, 256, 4096);
    for (int i = 0; i < 3; i++)
        submit(f, "g", "m", "j", i);
    assert_non_null(wb_fair_next(f));
    assert_non_null(wb_fair_next(f));
    assert_null(wb_fair_next(f));
    wb_fair_done(f);
    assert_non_null(wb_fair_next(f));
    wb_fair_free(f);
}

TEST(what_waits_is_bounded_for_a_group_and_for_all)
{
    struct wb_fair *f = wb_fair_new(1, 2, 3);
    submit(f, "g", "m", "1", 0);
    submit(f, "g", "n", "2", 1);
    assert_rc(wb_fair_submit(f, BX_STR("g"), BX_STR("o"), jobs), BX_E_RATE_LIMITED);
    submit(f, "h", "m", "3", 2);
    assert_rc(wb_fair_submit(f, BX_STR("i"), BX_STR("m"), jobs), BX_E_FULL);
    const char *order[] = {"1", "3", "2"};
    expect(f, order, BX_LEN(order));
    wb_fair_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_with_a_hundred_jobs_waits_for_itself_not_the_others),
        cmocka_unit_test(members_of_a_group_take_turns_too),
        cmocka_unit_test(only_as_many_run_as_there_are_slots),
        cmocka_unit_test(what_waits_is_bounded_for_a_group_and_for_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
