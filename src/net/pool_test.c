#include "base/mem.h"
#include "base/test.h"
#include "net/pool.h"
#include "net/timer.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

enum { LANES = 8, JOBS = 500 };

static struct net_loop *loop;
static struct net_pool *pool;

struct counted {
    struct net_lane lane;
    int next_work, next_done;
    _Atomic int inside;
    bool is_wrong;
};

struct numbered {
    struct counted *owner;
    int number;
};

static int done_total;

static void work(void *arg, unsigned worker)
{
    struct numbered *job = arg;
    (void)worker;
    if (atomic_fetch_add(&job->owner->inside, 1) != 0 || job->owner->next_work++ != job->number)
        job->owner->is_wrong = true;
    atomic_fetch_sub(&job->owner->inside, 1);
}

static void done(void *arg)
{
    struct numbered *job = arg;
    if (job->owner->next_done++ != job->number)
        job->owner->is_wrong = true;
    free(job);
    if (++done_total == LANES * JOBS)
        net_loop_stop(loop);
}

TEST(a_lane_runs_its_jobs_one_at_a_time_and_in_order)
{
    static struct counted lanes[LANES];
    done_total = 0;
    for (int i = 0; i < LANES; i++)
        net_lane_init(&lanes[i].lane, pool, 0);
    for (int j = 0; j < JOBS; j++) {
        for (int i = 0; i < LANES; i++) {
            struct numbered *job = BX_NEW(struct numbered);
            *job = (struct numbered){&lanes[i], j};
            assert_rc(net_lane_submit(&lanes[i].lane, work, done, job), BX_OK);
        }
    }
    net_loop_run(loop);
    for (int i = 0; i < LANES; i++) {
        assert_false(lanes[i].is_wrong);
        assert_int_equal(lanes[i].next_done, JOBS);
        assert_int_equal(net_lane_depth(&lanes[i].lane), 0);
    }
}

static _Atomic bool may_go;

static void wait_for_go(void *arg, unsigned worker)
{
    (void)arg;
    (void)worker;
    while (!may_go)
        usleep(1000);
}

TEST(a_full_lane_refuses_and_the_others_go_on)
{
    static struct net_lane full, other; /* outlive the test: teardown waits for the jobs */
    net_lane_init(&full, pool, 2);
    net_lane_init(&other, pool, 0);
    may_go = false;
    assert_rc(net_lane_submit(&full, wait_for_go, NULL, NULL), BX_OK);
    assert_rc(net_lane_submit(&full, wait_for_go, NULL, NULL), BX_OK);
    assert_rc(net_lane_submit(&full, wait_for_go, NULL, NULL), BX_E_FULL);
    assert_rc(net_lane_submit(&other, wait_for_go, NULL, NULL), BX_OK);
    may_go = true;
}

static int posted;

static void on_posted(void *arg)
{
    if (posted++ != (int)(intptr_t)arg)
        posted = -1000000;
    if (posted == 1000)
        net_loop_stop(loop);
}

static void post_many(void *arg, unsigned worker)
{
    (void)arg;
    (void)worker;
    for (int i = 0; i < 1000; i++)
        net_inbox_post(loop, on_posted, (void *)(intptr_t)i);
}

TEST(the_inbox_keeps_the_order_of_a_thread)
{
    static struct net_lane lane;
    net_lane_init(&lane, pool, 0);
    posted = 0;
    net_lane_submit(&lane, post_many, NULL, NULL);
    net_loop_run(loop);
    assert_int_equal(posted, 1000);
}

static void work_slowly(void *arg, unsigned worker)
{
    (void)arg;
    (void)worker;
    usleep(20000);
}

static struct net_lane again;

static void once_more(void *arg)
{
    posted++;
    net_lane_submit(&again, work_slowly, on_posted, arg);
}

TEST(after_the_loop_has_ended_completions_still_run)
{
    net_lane_init(&again, pool, 0);
    posted = 0;
    net_lane_submit(&again, work_slowly, once_more, (void *)(intptr_t)1);
    net_pool_wait(pool);
    assert_int_equal(net_lane_depth(&again), 0);
    assert_int_equal(posted, 0);
    assert_true(net_loop_run_posted(loop));
    assert_int_equal(posted, 1);
    net_pool_wait(pool);
    assert_true(net_loop_run_posted(loop));
    assert_int_equal(posted, 2);
    assert_false(net_loop_run_posted(loop));
}

static int setup(void **state)
{
    (void)state;
    return net_loop_new(&loop) < 0 || net_pool_new(loop, 3, &pool) < 0;
}

static int teardown(void **state)
{
    (void)state;
    net_pool_free(pool);
    net_loop_free(loop);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_lane_runs_its_jobs_one_at_a_time_and_in_order, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(a_full_lane_refuses_and_the_others_go_on, setup, teardown),
        cmocka_unit_test_setup_teardown(the_inbox_keeps_the_order_of_a_thread, setup, teardown),
        cmocka_unit_test_setup_teardown(after_the_loop_has_ended_completions_still_run, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
