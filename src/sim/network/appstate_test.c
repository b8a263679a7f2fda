#include "sim/fixture.h"
#include "sim/network/accounts.h"
#include "sim/network/appstate.h"

enum { REGULAR_LOW = 3 };

/* What a companion would push on top of version 0, made by a phone that has the same key. */
static struct bx_str patch_of_twin(const struct sim_account *a)
{
    struct sim_account *twin = sim_account_get(fixture_sim, BX_STR("62899"), BX_STR(""));
    json_t *change = json_pack("{s:b}", "pinned", 1);
    memcpy(twin->app_key, a->app_key, sizeof twin->app_key);
    sim_app_state_chat(twin, "62812@s.whatsapp.net", change);
    json_decref(change);
    return bx_buf_view(&twin->collections[REGULAR_LOW].patches[0]);
}

/* Sends one collection of a request; returns that collection of the answer. */
static struct wa_node *ask(struct sim_device *d, const char *name, int64_t version,
                           struct bx_str patch)
{
    struct bx_arena arena;
    struct wa_node *answer = NULL;
    bx_arena_init(&arena, 0);
    struct wa_node *iq = WA_NODE(&arena, "iq", wa_lit("id", "1"), wa_lit("type", "set"),
                                 wa_lit("xmlns", "w:sync:app:state"));
    struct wa_node *sync = wa_node_add(iq, wa_node_new(&arena, "sync"));
    struct wa_node *collection = wa_node_add(
        sync, WA_NODE(&arena, "collection", wa_lit("name", name), wa_num("version", version)));
    if (patch.ptr)
        wa_node_bytes(wa_node_add(collection, wa_node_new(&arena, "patch")), patch);
    sim_on_app_state(d->conn, iq, sync, &arena);
    assert_int_equal(fixture_count(d, "iq", &answer), 1);
    bx_arena_done(&arena);
    fixture_forget();
    return wa_node_child(wa_node_child(answer, "sync"), "collection");
}

TEST(a_patch_on_the_present_version_is_taken_and_understood)
{
    struct sim_device *d = fixture_device("62811", true);
    sim_account_get(fixture_sim, BX_STR("62812"), BX_STR(""));
    struct wa_node *answer = ask(d, "regular_low", 0, patch_of_twin(d->account));
    assert_true(wa_node_attr_is(answer, "version", "1"));
    assert_null(wa_node_child(answer, "error"));
    assert_true(
        json_is_true(json_object_get(json_object_get(d->account->chat_state, "62812"), "pinned")));
}

TEST(siblings_are_told_and_the_one_who_pushed_is_not)
{
    struct sim_device *d = fixture_device("62811", true), *sibling = fixture_device("62811", true);
    struct bx_arena arena;
    struct wa_node *note;
    d->is_bootstrapped = sibling->is_bootstrapped = true;
    struct bx_str patch = patch_of_twin(d->account);
    bx_arena_init(&arena, 0);
    struct wa_node *iq = WA_NODE(&arena, "iq", wa_lit("id", "1"), wa_lit("type", "set"),
                                 wa_lit("xmlns", "w:sync:app:state"));
    struct wa_node *sync = wa_node_add(iq, wa_node_new(&arena, "sync"));
    struct wa_node *collection = wa_node_add(
        sync, WA_NODE(&arena, "collection", wa_lit("name", "regular_low"), wa_num("version", 0)));
    wa_node_bytes(wa_node_add(collection, wa_node_new(&arena, "patch")), patch);
    sim_on_app_state(d->conn, iq, sync, &arena);
    assert_int_equal(fixture_count(d, "notification", NULL), 0);
    assert_int_equal(fixture_count(sibling, "notification", &note), 1);
    assert_true(wa_node_attr_is(wa_node_child(note, "collection"), "version", "1"));
    bx_arena_done(&arena);
}

TEST(a_patch_on_an_old_version_is_a_conflict_and_brings_what_is_missing)
{
    struct sim_device *d = fixture_device("62811", true);
    struct bx_str patch = patch_of_twin(d->account);
    ask(d, "regular_low", 0, patch);
    struct wa_node *answer = ask(d, "regular_low", 0, patch);
    assert_true(wa_node_attr_is(answer, "type", "error"));
    assert_true(wa_node_attr_is(wa_node_child(answer, "error"), "code", "409"));
    assert_int_equal(wa_node_count(wa_node_child(answer, "patches"), "patch"), 1);
    assert_int_equal(d->account->collections[REGULAR_LOW].count, 1);
}

TEST(a_patch_that_does_not_open_is_refused)
{
    struct sim_device *d = fixture_device("62811", true);
    struct wa_node *answer = ask(d, "regular_low", 0, BX_STR("nonsense"));
    assert_true(wa_node_attr_is(wa_node_child(answer, "error"), "code", "400"));
    assert_int_equal(d->account->collections[REGULAR_LOW].count, 0);
}

TEST(a_fetch_brings_only_what_is_newer)
{
    struct sim_device *d = fixture_device("62811", true);
    json_t *change = json_pack("{s:b,s:b}", "pinned", 1, "archived", 1);
    sim_app_state_chat(d->account, "62812@s.whatsapp.net", change);
    json_decref(change);
    assert_int_equal(
        wa_node_count(wa_node_child(ask(d, "regular_low", 0, bx_str_n(NULL, 0)), "patches"),
                      "patch"),
        2);
    assert_int_equal(
        wa_node_count(wa_node_child(ask(d, "regular_low", 1, bx_str_n(NULL, 0)), "patches"),
                      "patch"),
        1);
    assert_null(wa_node_child(ask(d, "regular_low", 2, bx_str_n(NULL, 0)), "patches"));
    assert_null(wa_node_child(ask(d, "regular_low", 99, bx_str_n(NULL, 0)), "patches"));
}

TEST(stored_patches_give_the_same_state_again)
{
    struct sim_device *d = fixture_device("62811", true), *copy = fixture_device("62855", true);
    const struct sim_collection *from = &d->account->collections[REGULAR_LOW],
                                *to = &copy->account->collections[REGULAR_LOW];
    json_t *change = json_pack("{s:b,s:b}", "pinned", 1, "archived", 1);
    memcpy(copy->account->app_key, d->account->app_key, sizeof d->account->app_key);
    sim_app_state_chat(d->account, "62812@s.whatsapp.net", change);
    json_decref(change);
    assert_rc(sim_app_state_restore(copy->account, REGULAR_LOW, bx_buf_view(&from->patches[1])),
              BX_E_CONFLICT);
    for (size_t i = 0; i < from->count; i++)
        assert_rc(sim_app_state_restore(copy->account, REGULAR_LOW, bx_buf_view(&from->patches[i])),
                  BX_OK);
    assert_int_equal(to->count, 2);
    assert_memory_equal(to->state.lthash, from->state.lthash, sizeof to->state.lthash);
    assert_true(json_equal(copy->account->chat_state, d->account->chat_state));
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, fixture_up, fixture_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(a_patch_on_the_present_version_is_taken_and_understood),
        ROW(siblings_are_told_and_the_one_who_pushed_is_not),
        ROW(a_patch_on_an_old_version_is_a_conflict_and_brings_what_is_missing),
        ROW(a_patch_that_does_not_open_is_refused),
        ROW(a_fetch_brings_only_what_is_newer),
        ROW(stored_patches_give_the_same_state_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
