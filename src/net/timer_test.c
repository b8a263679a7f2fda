#include "base/clock.h"
#include "base/mem.h"
#include "base/test.h"
#include "net/timer.h"

#include <time.h>

static struct net_loop *loop;
static int fired;

static int setup(void **state)
{
    (void)state;
    fired = 0;
    return net_loop_new(&loop);
}

static int teardown(void **state)
{
    (void)state;
    net_loop_free(loop);
    return 0;
}

struct probe {
    struct net_timer timer;
    uint64_t started, delay, late, stalled;
    bool is_early;
};

/* How long the machine kept the loop from turning: lateness of that much is not the wheel's. */
static uint64_t stalled(void)
{
    static uint64_t before, now;
    if (net_loop_now_ms(loop) != now) {
        before = now;
        now = net_loop_now_ms(loop);
    }
    return now - before;
}

static void on_probe(void *arg)
{
    struct probe *p = arg;
    uint64_t took = net_loop_now_ms(loop) - p->started;
    p->is_early = took < p->delay;
    p->late = took - p->delay;
    p->stalled = stalled();
    fired++;
}

TEST(timers_of_all_distances_fire_once_never_early_and_hardly_late)
{
    static struct probe probes[500];
    stalled();
    for (size_t i = 0; i < BX_LEN(probes); i++) {
        probes[i].delay = i * 7 % 700;
        probes[i].started = net_loop_now_ms(loop);
        net_timer_init(&probes[i].timer, on_probe, &probes[i]);
        net_timer_start(loop, &probes[i].timer, probes[i].delay);
    }
    net_loop_run(loop);
    assert_int_equal(fired, BX_LEN(probes));
    for (size_t i = 0; i < BX_LEN(probes); i++) {
        assert_false(probes[i].is_early);
        assert_true(probes[i].late <= probes[i].stalled + 10);
    }
}

static void count(void *arg)
{
    (void)arg;
    fired++;
}

TEST(a_stopped_timer_does_not_fire_and_does_not_hold_the_loop)
{
    struct net_timer near, far;
    net_timer_init(&near, count, NULL);
    net_timer_init(&far, count, NULL);
    net_timer_start(loop, &near, 10);
    net_timer_start(loop, &far, 1000000);
    net_timer_stop(&near);
    net_timer_stop(&far);
    net_timer_stop(&far);
    uint64_t before = bx_mono_ms();
    net_loop_run(loop);
    assert_int_equal(fired, 0);
    assert_true(bx_mono_ms() - before < 5000);
}

struct pair {
    struct net_timer first, second;
};

static void stop_other(void *arg)
{
    struct pair *p = arg;
    fired++;
    net_timer_stop(&p->second);
}

TEST(a_callback_may_stop_a_timer_of_the_same_tick)
{
    struct pair p;
    net_timer_init(&p.first, stop_other, &p);
    net_timer_init(&p.second, count, NULL);
    net_timer_start(loop, &p.first, 5);
    net_timer_start(loop, &p.second, 5);
    net_loop_run(loop);
    assert_int_equal(fired, 1);
}

static struct net_timer again;

static void restart(void *arg)
{
    (void)arg;
    if (++fired < 400)
        net_timer_start(loop, &again, fired % 3);
}

TEST(a_callback_may_restart_its_timer)
{
    net_timer_init(&again, restart, NULL);
    net_timer_start(loop, &again, 0);
    net_loop_run(loop);
    assert_int_equal(fired, 400);
}

TEST(slack_rounds_up_so_that_timers_share_a_wake_up)
{
    struct net_timer a, b;
    net_timer_init(&a, count, NULL);
    net_timer_init(&b, count, NULL);
    net_timer_start_slack(loop, &a, 25003, 100);
    net_timer_start_slack(loop, &b, 25001, 100);
    assert_int_equal(a.due_ms % 100, 0);
    assert_true(a.due_ms >= net_loop_now_ms(loop) + 25003);
    net_timer_stop(&a);
    net_timer_stop(&b);
}

/* The wheel itself over weeks of simulated starts: where a timer lands must never be before its
 * time. */
TEST(far_timers_are_placed_above_level_zero_and_come_off_cleanly)
{
    static struct net_timer timers[2000];
    for (size_t i = 0; i < BX_LEN(timers); i++) {
        net_timer_init(&timers[i], count, NULL);
        net_timer_start(loop, &timers[i], (uint64_t)i * 1000003 % 4000000000u);
    }
    for (size_t i = 0; i < BX_LEN(timers); i++)
        net_timer_stop(&timers[i]);
    net_loop_run(loop);
    assert_int_equal(fired, 0);
}

static uint64_t held_until, woken_at;

static void on_hold(void *arg)
{
    (void)arg;
    fired++;
    woken_at = bx_mono_ns();
}

TEST(a_hold_ends_after_its_moment_though_nothing_else_happens)
{
    struct net_hold hold, given_up;
    struct net_timer alive;
    net_hold_init(&hold, on_hold, NULL);
    net_hold_init(&given_up, count, NULL);
    net_timer_init(&alive, count, NULL);
    net_timer_start(loop, &alive, 20000); /* a hold does not keep the loop alive, this does */
    held_until = bx_mono_ns() + 300000;
    net_hold_start(loop, &given_up, held_until);
    net_hold_start(loop, &hold, held_until);
    net_hold_stop(&given_up);
    assert_true(net_hold_is_waiting(&hold));
    assert_false(net_hold_is_waiting(&given_up));
    net_timer_stop(&alive);
    net_timer_start(loop, &alive, 30);
    net_loop_run(loop);
    assert_int_equal(fired, 2); /* the hold and the timer */
    assert_true(woken_at >= held_until);
    assert_false(net_hold_is_waiting(&hold));
}

TEST(a_loop_whose_holds_are_given_up_sleeps_again)
{
    struct net_hold hold;
    struct net_timer alive;
    struct timespec before, after;
    net_hold_init(&hold, on_hold, NULL);
    net_timer_init(&alive, count, NULL);
    net_hold_start(loop, &hold, bx_mono_ns() + UINT64_C(60000000000));
    net_hold_stop(&hold);
    net_timer_start(loop, &alive, 200);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &before);
    net_loop_run(loop);
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &after);
    int64_t used_ns =
        (after.tv_sec - before.tv_sec) * INT64_C(1000000000) + after.tv_nsec - before.tv_nsec;
    assert_int_equal(fired, 1);
    assert_true(used_ns < 100000000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            timers_of_all_distances_fire_once_never_early_and_hardly_late, setup, teardown),
        cmocka_unit_test_setup_teardown(a_stopped_timer_does_not_fire_and_does_not_hold_the_loop,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_callback_may_stop_a_timer_of_the_same_tick, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_callback_may_restart_its_timer, setup, teardown),
        cmocka_unit_test_setup_teardown(slack_rounds_up_so_that_timers_share_a_wake_up, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(far_timers_are_placed_above_level_zero_and_come_off_cleanly,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_hold_ends_after_its_moment_though_nothing_else_happens,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_loop_whose_holds_are_given_up_sleeps_again, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
