#include "store/turns.h"

#include "base/mem.h"
#include "base/test.h"

#include <stdlib.h>

static void put(struct st_turns *t, uint64_t owner, uint64_t peer, int rc)
{
    struct st_turn_job *job = BX_NEW(struct st_turn_job);
    job->rc = rc;
    st_turns_put(t, owner, peer, job);
}

/* -1: none waits. */
static int take(struct st_turns *t, uint64_t ns)
{
    struct st_turn_job *job = st_turns_take(t);
    int rc = job ? job->rc : -1;
    st_turns_charge(t, ns);
    free(job);
    return rc;
}

static void jobs_of_one_peer_keep_their_order(void **state)
{
    (void)state;
    struct st_turns t;
    st_turns_init(&t);
    for (int i = 0; i < 500; i++)
        put(&t, 1, 1, i);
    for (int i = 0; i < 500; i++)
        assert_int_equal(take(&t, (uint64_t)(i % 7)), i);
    assert_int_equal(take(&t, 0), -1);
    st_turns_done(&t);
}

static void owners_share_the_time_not_the_jobs(void **state)
{
    (void)state;
    struct st_turns t;
    st_turns_init(&t);
    for (int i = 0; i < 1000; i++) {
        put(&t, 1, 1, 1); /* each costs ten times as much */
        put(&t, 2, 1, 2);
    }
    int of[3] = {0};
    for (int i = 0; i < 550; i++) {
        struct st_turn_job *job = st_turns_take(&t);
        int who = job->rc;
        free(job);
        of[who]++;
        st_turns_charge(&t, who == 1 ? 1000 : 100);
    }
    assert_in_range(of[1], 45, 55);
    st_turns_done(&t);
}

static void who_comes_fresh_goes_next_but_has_no_credit_from_before(void **state)
{
    (void)state;
    struct st_turns t;
    st_turns_init(&t);
    for (int i = 0; i < 200; i++)
        put(&t, 1, 1, 1);
    for (int i = 0; i < 100; i++)
        assert_int_equal(take(&t, 1000), 1);
    for (int i = 0; i < 50; i++)
        put(&t, 2, 1, 2);
    int first = take(&t, 1000), of2 = first == 2;
    for (int i = 0; i < 20; i++)
        of2 += take(&t, 1000) == 2;
    assert_in_range(of2, 9, 12);
    st_turns_done(&t);
}

static void a_peer_with_many_jobs_waits_for_itself_only(void **state)
{
    (void)state;
    struct st_turns t;
    st_turns_init(&t);
    for (int i = 0; i < 1000; i++)
        put(&t, 1, 1, 1);
    assert_int_equal(take(&t, 1000), 1);
    put(&t, 1, 2, 2);
    put(&t, 1, 3, 3);
    int sum = take(&t, 10) + take(&t, 10) + take(&t, 10);
    assert_int_equal(sum, 1 + 2 + 3);
    assert_int_equal(st_turns_of(&t, 1), 998);
    st_turns_done(&t);
}

static void peers_of_the_past_are_forgotten(void **state)
{
    (void)state;
    struct st_turns t;
    st_turns_init(&t);
    put(&t, 1, 0, 0);
    for (int i = 1; i < 100000; i++) {
        put(&t, 1, (uint64_t)i, i);
        put(&t, 1, 0, 0);
        take(&t, 10);
        take(&t, 10);
    }
    const struct st_turn_node *owner = t.root.heap[0];
    assert_true(owner->children.count < 1000);
    st_turns_done(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_of_one_peer_keep_their_order),
        cmocka_unit_test(owners_share_the_time_not_the_jobs),
        cmocka_unit_test(who_comes_fresh_goes_next_but_has_no_credit_from_before),
        cmocka_unit_test(a_peer_with_many_jobs_waits_for_itself_only),
        cmocka_unit_test(peers_of_the_past_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
