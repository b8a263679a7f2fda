#include "sim/fixture.h"
#include "sim/network/queue.h"

static void deliver(struct sim_device *d, const char *id)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    struct wa_node *n =
        WA_NODE(&arena, "message", wa_lit("id", id), wa_lit("from", "1@s.whatsapp.net"));
    struct wa_node *enc =
        wa_node_add(n, WA_NODE(&arena, "enc", wa_lit("v", "2"), wa_lit("type", "msg")));
    wa_node_bytes(enc, BX_STR("0123456789abcdefghijklmnopqrstuvwxyz"));
    sim_deliver(d, n);
    bx_arena_done(&arena);
}

static const char *ids_written(void)
{
    static char all[512];
    size_t len = 0;
    for (size_t i = 0; i < fixture_sent.count; i++) {
        struct bx_str id = wa_node_attr(fixture_sent.rows[i].node, "id");
        memcpy(all + len, id.ptr, id.len);
        len += id.len;
    }
    all[len] = '\0';
    return all;
}

static void set(struct sim_device *d, struct sim_faults f)
{
    f.is_set = true;
    d->account->faults = f;
}

TEST(what_an_offline_device_is_sent_waits_and_comes_in_order_marked_offline)
{
    struct sim_device *d = fixture_device("6281", false);
    deliver(d, "A");
    deliver(d, "B");
    deliver(d, "C");
    assert_int_equal(fixture_sent.count, 0);
    assert_int_equal(sim_queue_pending(d), 3);
    fixture_connect(d);
    sim_queue_flush(d);
    assert_string_equal(ids_written(), "ABC");
    assert_true(wa_node_has(fixture_sent.rows[0].node, "offline"));
    assert_int_equal(sim_queue_pending(d), 3);
}

TEST(a_connection_that_is_not_active_yet_is_not_written_to)
{
    struct sim_device *d = fixture_device("6281", true);
    d->conn->is_active = false;
    deliver(d, "A");
    assert_int_equal(fixture_sent.count, 0);
    assert_int_equal(sim_queue_pending(d), 1);
}

TEST(only_what_was_not_acknowledged_comes_again)
{
    struct sim_device *d = fixture_device("6281", true);
    deliver(d, "A");
    deliver(d, "B");
    assert_false(wa_node_has(fixture_sent.rows[0].node, "offline"));
    sim_queue_ack(d, BX_STR("A"));
    sim_queue_ack(d, BX_STR("nobody"));
    assert_int_equal(sim_queue_pending(d), 1);
    fixture_disconnect(d);
    sim_queue_ack(d, BX_STR("B")); /* what was not written cannot be acknowledged */
    assert_int_equal(sim_queue_pending(d), 1);
    fixture_connect(d);
    fixture_forget();
    sim_queue_flush(d);
    assert_string_equal(ids_written(), "B");
}

static struct wa_node *receipt_of(struct bx_arena *arena, const char *id, const char *type,
                                  const char *who)
{
    return WA_NODE(arena, "receipt", wa_lit("id", id), wa_lit("type", type),
                   wa_to("from", BX_STR("1203@g.us")), wa_to("participant", bx_str(who)));
}

TEST(the_acknowledgement_of_one_receipt_leaves_the_others_of_that_message)
{
    struct sim_device *d = fixture_device("6281", true);
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    sim_deliver(d, receipt_of(&arena, "A", "retry", "62801@s.whatsapp.net"));
    sim_deliver(d, receipt_of(&arena, "A", "retry", "62802@s.whatsapp.net"));
    sim_deliver(d, receipt_of(&arena, "A", NULL, "62801@s.whatsapp.net"));
    for (int i = 0; i < 2; i++) /* twice: the receipt may have come twice */
        sim_queue_ack_stanza(d, WA_NODE(&arena, "ack", wa_lit("class", "receipt"),
                                        wa_lit("id", "A"), wa_to("to", BX_STR("1203@g.us")),
                                        wa_to("participant", BX_STR("62801@s.whatsapp.net"))));
    sim_queue_ack(d, BX_STR("A")); /* of a message of that id */
    assert_int_equal(sim_queue_pending(d), 2);
    fixture_forget();
    sim_queue_flush(d);
    assert_int_equal(fixture_sent.count, 2);
    for (size_t i = 0; i < 2; i++)
        assert_true(wa_node_attr_is(fixture_sent.rows[i].node, "type", "retry"));
    bx_arena_done(&arena);
}

TEST(a_dropped_stanza_comes_with_the_next_login)
{
    struct sim_device *d = fixture_device("6281", true);
    set(d, (struct sim_faults){.drop = 1});
    deliver(d, "A");
    assert_int_equal(fixture_sent.count, 0);
    assert_int_equal(fixture_sim->stats.drop, 1);
    sim_queue_flush(d);
    assert_string_equal(ids_written(), "A");
}

TEST(a_duplicated_stanza_is_written_twice_and_queued_once)
{
    struct sim_device *d = fixture_device("6281", true);
    set(d, (struct sim_faults){.duplicate = 1});
    deliver(d, "A");
    assert_string_equal(ids_written(), "AA");
    sim_queue_ack(d, BX_STR("A"));
    assert_int_equal(sim_queue_pending(d), 0);
}

TEST(a_reordered_stanza_comes_after_the_next_one_or_after_a_while)
{
    struct sim_device *d = fixture_device("6281", true);
    set(d, (struct sim_faults){.reorder = 1});
    deliver(d, "A");
    assert_string_equal(ids_written(), "");
    deliver(d, "B");
    assert_string_equal(ids_written(), "BA");
    deliver(d, "C");
    fixture_run(700);
    assert_string_equal(ids_written(), "BAC");
}

TEST(delayed_stanzas_keep_their_order)
{
    struct sim_device *d = fixture_device("6281", true);
    set(d, (struct sim_faults){.delay_min_ms = 5, .delay_max_ms = 60});
    deliver(d, "A");
    deliver(d, "B");
    deliver(d, "C");
    deliver(d, "D");
    assert_int_equal(fixture_sent.count, 0);
    fixture_run(150);
    assert_string_equal(ids_written(), "ABCD");
}

TEST(the_last_acknowledged_ones_are_replayed)
{
    struct sim_device *d = fixture_device("6281", true);
    set(d, (struct sim_faults){.replay = 2});
    deliver(d, "A");
    deliver(d, "B");
    deliver(d, "C");
    sim_queue_ack(d, BX_STR("A"));
    sim_queue_ack(d, BX_STR("B"));
    sim_queue_ack(d, BX_STR("C"));
    fixture_forget();
    sim_queue_flush(d);
    assert_string_equal(ids_written(), "BC");
    assert_true(wa_node_has(fixture_sent.rows[0].node, "offline"));
    assert_int_equal(sim_queue_pending(d), 0);
}

TEST(one_byte_is_corrupted_in_the_copy_that_is_written_alone)
{
    struct sim_device *d = fixture_device("6281", true);
    size_t differing = 0;
    set(d, (struct sim_faults){.corrupt = 1});
    deliver(d, "A");
    set(d, (struct sim_faults){0});
    sim_queue_flush(d);
    assert_int_equal(fixture_sent.count, 2);
    struct bx_str bad = wa_node_child_data(fixture_sent.rows[0].node, "enc");
    struct bx_str good = wa_node_child_data(fixture_sent.rows[1].node, "enc");
    assert_str(good, "0123456789abcdefghijklmnopqrstuvwxyz");
    for (size_t i = 0; i < good.len; i++)
        differing += good.ptr[i] != bad.ptr[i];
    assert_int_equal(differing, 1);
}

TEST(what_answers_a_retry_receipt_is_not_corrupted_again)
{
    struct sim_device *d = fixture_device("6281", true);
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    set(d, (struct sim_faults){.corrupt = 1});
    struct wa_node *n = WA_NODE(&arena, "message", wa_lit("id", "A"));
    wa_node_bytes(wa_node_add(n, wa_node_new(&arena, "enc")),
                  BX_STR("0123456789abcdefghijklmnopqrstuvwxyz"));
    sim_deliver_resend(d, n);
    assert_str(wa_node_child_data(fixture_sent.rows[0].node, "enc"),
               "0123456789abcdefghijklmnopqrstuvwxyz");
    bx_arena_done(&arena);
}

TEST(an_id_counts_as_sent_before_per_chat_and_old_ones_are_forgotten)
{
    struct sim_device *d = fixture_device("6281", false);
    char id[32];
    assert_false(sim_sent_before(d, BX_STR("x@g.us"), BX_STR("A")));
    assert_true(sim_sent_before(d, BX_STR("x@g.us"), BX_STR("A")));
    assert_false(sim_sent_before(d, BX_STR("y@g.us"), BX_STR("A")));
    for (int i = 0; i < SIM_SENT_IDS; i++) {
        snprintf(id, sizeof id, "%d", i);
        assert_false(sim_sent_before(d, BX_STR("x@g.us"), bx_str(id)));
    }
    assert_false(sim_sent_before(d, BX_STR("x@g.us"), BX_STR("A")));
}

TEST(a_message_that_only_the_phone_has_comes_as_such)
{
    struct sim_device *d = fixture_device("6281", true);
    set(d, (struct sim_faults){.unavailable = 1});
    deliver(d, "A");
    const struct wa_node *n = fixture_sent.rows[0].node;
    assert_str(wa_node_attr(n, "id"), "A");
    assert_str(wa_node_attr(n, "from"), "1@s.whatsapp.net");
    assert_null(wa_node_child(n, "enc"));
    assert_non_null(wa_node_child(n, "unavailable"));
}

/* What becomes of twenty stanzas, as ids written. */
static char *fate(uint64_t seed)
{
    char id[] = "A";
    struct sim_device *d = fixture_device("6281", true);
    fixture_sim->seed = seed;
    fixture_sim->random_count = 0;
    set(d, (struct sim_faults){.drop = 0.3, .duplicate = 0.3, .corrupt = 0.3});
    fixture_forget();
    for (int i = 0; i < 20; i++, id[0]++)
        deliver(d, id);
    char *all = bx_calloc(2, sizeof fixture_sent.rows);
    for (size_t i = 0; i < fixture_sent.count; i++) {
        const struct wa_node *n = fixture_sent.rows[i].node;
        strcat(all, wa_node_attr(n, "id").ptr);
        strncat(all, wa_node_child_data(n, "enc").ptr, wa_node_child_data(n, "enc").len);
    }
    return all;
}

TEST(the_same_seed_does_the_same_to_the_same_stanzas)
{
    char *one = fate(7), *again = fate(7), *other = fate(8);
    assert_string_equal(one, again);
    assert_string_not_equal(one, other);
    free(one);
    free(again);
    free(other);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, fixture_up, fixture_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(what_an_offline_device_is_sent_waits_and_comes_in_order_marked_offline),
        ROW(a_connection_that_is_not_active_yet_is_not_written_to),
        ROW(only_what_was_not_acknowledged_comes_again),
        ROW(the_acknowledgement_of_one_receipt_leaves_the_others_of_that_message),
        ROW(a_dropped_stanza_comes_with_the_next_login),
        ROW(a_duplicated_stanza_is_written_twice_and_queued_once),
        ROW(a_reordered_stanza_comes_after_the_next_one_or_after_a_while),
        ROW(delayed_stanzas_keep_their_order),
        ROW(the_last_acknowledged_ones_are_replayed),
        ROW(one_byte_is_corrupted_in_the_copy_that_is_written_alone),
        ROW(what_answers_a_retry_receipt_is_not_corrupted_again),
        ROW(a_message_that_only_the_phone_has_comes_as_such),
        ROW(the_same_seed_does_the_same_to_the_same_stanzas),
        ROW(an_id_counts_as_sent_before_per_chat_and_old_ones_are_forgotten),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
