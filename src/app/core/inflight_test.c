#include "app/core/inflight.h"

#include "base/test.h"

static int started[16], start_count;
static bool is_slow[16];

struct answer {
    struct wb_ticket ticket;
    int name;
};

static bool may_start(const struct wb_ticket *t)
{
    return !is_slow[BX_CONTAINER_OF(t, struct answer, ticket)->name];
}

static void start(struct wb_ticket *t)
{
    started[start_count++] = BX_CONTAINER_OF(t, struct answer, ticket)->name;
}

static struct answer answers[16];

static struct wb_inflight *set_up(size_t max_running, size_t max_waiting)
{
    start_count = 0;
    for (int i = 0; i < 16; i++) {
        is_slow[i] = false;
        answers[i] = (struct answer){{.bytes = 10, .may_start = may_start, .start = start}, i};
    }
    return wb_inflight_new(max_running, max_waiting, 1000);
}

TEST(what_is_above_the_cap_waits_and_starts_in_order)
{
    struct wb_inflight *f = set_up(2, 8);
    for (int i = 0; i < 5; i++)
        assert_rc(wb_inflight_take(f, 7, &answers[i].ticket), i < 2 ? BX_OK : BX_E_AGAIN);
    assert_rc(wb_inflight_take(f, 8, &answers[5].ticket),
              BX_OK); /* another user's cap is his own */
    assert_int_equal(wb_inflight_waiting(f), 3);
    wb_inflight_give(f, &answers[1].ticket);
    wb_inflight_give(f, &answers[0].ticket);
    assert_int_equal(start_count, 2);
    assert_int_equal(started[0], 2);
    assert_int_equal(started[1], 3);
    wb_inflight_give(f, &answers[2].ticket);
    wb_inflight_give(f, &answers[3].ticket);
    assert_int_equal(started[2], 4);
    wb_inflight_give(f, &answers[4].ticket);
    wb_inflight_give(f, &answers[5].ticket);
    wb_inflight_give(f, &answers[5].ticket); /* once is enough */
    assert_int_equal(wb_inflight_waiting(f), 0);
    wb_inflight_free(f);
}

TEST(a_slow_reader_waits_and_holds_up_nobody_else)
{
    struct wb_inflight *f = set_up(2, 8);
    is_slow[0] = true;
    assert_rc(wb_inflight_take(f, 7, &answers[0].ticket), BX_E_AGAIN);
    assert_rc(wb_inflight_take(f, 7, &answers[1].ticket), BX_OK);
    wb_inflight_poke(f);
    assert_int_equal(start_count, 0);
    wb_inflight_give(f, &answers[1].ticket);
    assert_int_equal(wb_inflight_waiting(f), 1);
    is_slow[0] = false;
    wb_inflight_poke(f);
    assert_int_equal(started[0], 0);
    wb_inflight_give(f, &answers[0].ticket);
    wb_inflight_free(f);
}

TEST(the_waiting_room_has_an_end_in_number_and_in_bytes)
{
    struct wb_inflight *f = set_up(1, 2);
    assert_rc(wb_inflight_take(f, 7, &answers[0].ticket), BX_OK);
    assert_rc(wb_inflight_take(f, 7, &answers[1].ticket), BX_E_AGAIN);
    answers[2].ticket.bytes = 991;
    assert_rc(wb_inflight_take(f, 7, &answers[2].ticket), BX_E_FULL);
    answers[2].ticket.bytes = 990;
    assert_rc(wb_inflight_take(f, 7, &answers[2].ticket), BX_E_AGAIN);
    answers[3].ticket.bytes = 0;
    assert_rc(wb_inflight_take(f, 7, &answers[3].ticket), BX_E_FULL);
    wb_inflight_give(f, &answers[0].ticket);
    wb_inflight_give(f, &answers[1].ticket);
    wb_inflight_give(f, &answers[2].ticket);
    assert_int_equal(start_count, 2);
    wb_inflight_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_above_the_cap_waits_and_starts_in_order),
        cmocka_unit_test(a_slow_reader_waits_and_holds_up_nobody_else),
        cmocka_unit_test(the_waiting_room_has_an_end_in_number_and_in_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
