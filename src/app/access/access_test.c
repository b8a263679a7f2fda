#include "app/access/access.h"

#include "base/test.h"
#include "net/loop.h"
#include "net/timer.h"

static struct wb_access_event heard[64];
static size_t heard_count;

static void on_change(const struct wb_access_event *event, void *arg)
{
    (void)arg;
    heard[heard_count++] = *event;
}

static struct st_user user(int64_t id, enum st_role role, bool is_active)
{
    return (struct st_user){.id = id,
                            .name = BX_STR("Ana"),
                            .username = BX_STR("ana"),
                            .email = BX_STR("a@b.cd"),
                            .role = role,
                            .is_active = is_active};
}

static void stop(void *arg)
{
    net_loop_stop(arg);
}

/* Lets the loop deliver what was posted; the timer keeps it alive until then. */
static void turn(struct net_loop *loop)
{
    struct net_timer timer;
    net_timer_init(&timer, stop, loop);
    net_timer_start(loop, &timer, 20);
    net_loop_run(loop);
}

TEST(rights_follow_grant_revoke_role_and_deactivation_at_once_and_observers_hear)
{
    struct net_loop *loop;
    assert_rc(net_loop_new(&loop), BX_OK);
    struct wb_access *a = wb_access_new(loop);
    struct wb_access_observer o = {.on_change = on_change};
    heard_count = 0;
    wb_access_observe(a, &o);
    struct st_user row = user(7, ST_ROLE_USER, true);
    struct wb_principal p = {.user_id = 7};
    assert_false(wb_access_may(a, &p, 1));
    wb_access_user_put(a, &row);
    for (int64_t n = 20; n > 0; n--)
        wb_access_grant(a, 7, n);
    assert_true(wb_access_may(a, &p, 1) && wb_access_may(a, &p, 20));
    assert_false(wb_access_may(a, &p, 21));
    wb_access_revoke(a, 7, 1);
    assert_false(wb_access_may(a, &p, 1));
    row.role = ST_ROLE_ADMIN;
    wb_access_user_put(a, &row);
    assert_true(wb_access_may(a, &p, 21));
    row.is_active = false;
    wb_access_user_put(a, &row);
    assert_false(wb_access_may(a, &p, 20));
    turn(loop);
    wb_access_free(a);
    net_loop_free(loop);
}

TEST(an_observer_hears_each_change_once_on_the_loop)
{
    struct net_loop *loop;
    assert_rc(net_loop_new(&loop), BX_OK);
    struct wb_access *a = wb_access_new(loop);
    struct wb_access_observer o = {.on_change = on_change};
    wb_access_observe(a, &o);
    struct st_user row = user(7, ST_ROLE_USER, true);
    heard_count = 0;
    wb_access_user_put(a, &row);
    wb_access_grant(a, 7, 3);
    wb_access_grant(a, 7, 3); /* nothing changes */
    wb_access_revoke(a, 7, 3);
    wb_access_logout(a, 7, BX_STR("abc"));
    assert_int_equal(heard_count, 0);
    turn(loop);
    assert_int_equal(heard_count, 4);
    assert_int_equal(heard[0].change, WB_CHANGE_ROLE);
    assert_int_equal(heard[1].change, WB_CHANGE_GRANT);
    assert_int_equal(heard[2].change, WB_CHANGE_REVOKE);
    assert_int_equal(heard[2].number_id, 3);
    assert_string_equal(heard[3].jti, "abc");
    wb_access_free(a);
    net_loop_free(loop);
}

TEST(a_login_is_unknown_then_valid_then_revoked_for_good)
{
    struct net_loop *loop;
    assert_rc(net_loop_new(&loop), BX_OK);
    struct wb_access *a = wb_access_new(loop);
    struct st_user row = user(7, ST_ROLE_USER, true);
    struct wb_principal p;
    wb_access_user_put(a, &row);
    assert_rc(wb_access_by_token(a, BX_STR("t1"), &p), BX_E_AGAIN);
    wb_access_token_add(a, BX_STR("t1"), 7, 1000);
    wb_access_token_add(a, BX_STR("t2"), 7, 1000);
    assert_rc(wb_access_by_token(a, BX_STR("t1"), &p), BX_OK);
    assert_int_equal(p.user_id, 7);
    wb_access_logout_all(a, 7, BX_STR("t2"));
    assert_rc(wb_access_by_token(a, BX_STR("t1"), &p), BX_E_CLOSED);
    assert_rc(wb_access_by_token(a, BX_STR("t2"), &p), BX_OK);
    wb_access_token_add(a, BX_STR("t1"), 7, 1000); /* a lane that read the row before */
    assert_rc(wb_access_by_token(a, BX_STR("t1"), &p), BX_E_CLOSED);
    wb_access_user_gone(a, 7);
    assert_rc(wb_access_by_token(a, BX_STR("t2"), &p), BX_E_CLOSED);
    turn(loop);
    wb_access_free(a);
    net_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_observer_hears_each_change_once_on_the_loop),
        cmocka_unit_test(
            rights_follow_grant_revoke_role_and_deactivation_at_once_and_observers_hear),
        cmocka_unit_test(a_login_is_unknown_then_valid_then_revoked_for_good),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
