#include "sim/fixture.h"
#include "sim/network/groups.h"
#include "sim/network/groups_join.h"
#include "sim/network/presence.h"
#include "sim/network/router.h"
#include "sim/phone/chat.h"

struct letter {
    const char *id, *to, *participant;
    const char *addressed[4]; /* JIDs of <participants> */
    const char *count;        /* of a ciphertext beside them: a resend */
};

static void send_letter(struct sim_device *from, struct letter l)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    struct wa_node *n = WA_NODE(&arena, "message", wa_lit("id", l.id), wa_to("to", bx_str(l.to)),
                                wa_lit("type", "text"));
    if (l.participant)
        wa_node_put(n, wa_to("participant", bx_str(l.participant)));
    if (l.count) {
        struct wa_node *enc =
            wa_node_add(n, WA_NODE(&arena, "enc", wa_lit("v", "2"), wa_lit("type", "pkmsg"),
                                   wa_lit("count", l.count)));
        wa_node_bytes(enc, BX_STR("resent"));
    }
    struct wa_node *all = wa_node_add(n, wa_node_new(&arena, "participants"));
    for (size_t i = 0; i < BX_LEN(l.addressed) && l.addressed[i]; i++) {
        struct wa_node *to =
            wa_node_add(all, WA_NODE(&arena, "to", wa_to("jid", bx_str(l.addressed[i]))));
        wa_node_bytes(
            wa_node_add(to, WA_NODE(&arena, "enc", wa_lit("v", "2"), wa_lit("type", "msg"))),
            bx_str(l.addressed[i]));
    }
    sim_on_message(from->conn, n, &arena);
    bx_arena_done(&arena);
}

TEST(each_device_gets_the_ciphertext_that_names_it_and_no_other)
{
    struct sim_device *a = fixture_device("62811", true), *b1 = fixture_device("62812", true),
                      *b2 = fixture_device("62812", true);
    struct wa_node *got, *reply;
    send_letter(a, (struct letter){.id = "M",
                                   .to = "62812@s.whatsapp.net",
                                   .addressed = {"62812:1@s.whatsapp.net"}});
    assert_int_equal(fixture_count(b1, "message", &got), 1);
    assert_int_equal(fixture_count(b2, "message", NULL), 0);
    assert_int_equal(fixture_count(a, "ack", &reply), 1);
    assert_str(wa_node_attr(got, "from"), "62811:1@s.whatsapp.net");
    assert_str(wa_node_child_data(got, "enc"), "62812:1@s.whatsapp.net");
    assert_false(wa_node_has(reply, "error"));
}

TEST(phone_and_lid_address_the_same_device)
{
    struct sim_device *a = fixture_device("62811", true), *b = fixture_device("62812", true);
    struct wa_node *got;
    char lid[64], lid_device[64];
    snprintf(lid, sizeof lid, "%s@lid", b->account->lid);
    snprintf(lid_device, sizeof lid_device, "%s:1@lid", b->account->lid);
    send_letter(a, (struct letter){.id = "M", .to = lid, .addressed = {lid_device}});
    assert_int_equal(fixture_count(b, "message", &got), 1);
    assert_true(bx_str_ends(wa_node_attr(got, "from"), BX_STR("@lid")));
}

TEST(a_message_for_a_device_that_is_not_there_is_acknowledged_and_goes_nowhere)
{
    struct sim_device *a = fixture_device("62811", true), *b = fixture_device("62812", true);
    send_letter(a,
                (struct letter){.id = "M",
                                .to = "62812@s.whatsapp.net",
                                .addressed = {"62812:7@s.whatsapp.net", "99999:1@s.whatsapp.net"}});
    assert_int_equal(fixture_count(a, "ack", NULL), 1);
    assert_int_equal(fixture_count(b, "message", NULL), 0);
}

TEST(an_id_that_comes_again_is_acknowledged_again_and_not_routed_again)
{
    struct sim_device *a = fixture_device("62811", true), *b = fixture_device("62812", true);
    const struct letter l = {
        .id = "M", .to = "62812@s.whatsapp.net", .addressed = {"62812:1@s.whatsapp.net"}};
    send_letter(a, l);
    send_letter(a, l);
    assert_int_equal(fixture_count(a, "ack", NULL), 2);
    assert_int_equal(fixture_count(b, "message", NULL), 1);
}

TEST(a_resend_goes_once_to_its_device_even_when_participants_repeat_it)
{
    struct sim_device *a = fixture_device("62811", true), *b1 = fixture_device("62812", true),
                      *b2 = fixture_device("62812", true);
    struct wa_node *got;
    const struct letter first = {
        .id = "M", .to = "62812@s.whatsapp.net", .addressed = {"62812:1@s.whatsapp.net"}};
    send_letter(a, first);
    fixture_forget();
    send_letter(a, (struct letter){.id = "M",
                                   .to = "62812:1@s.whatsapp.net",
                                   .addressed = {"62812:1@s.whatsapp.net"},
                                   .count = "1"});
    assert_int_equal(fixture_count(b1, "message", &got), 1);
    assert_str(wa_node_child_data(got, "enc"), "resent");
    assert_int_equal(fixture_count(b2, "message", NULL), 0);
}

TEST(a_lost_ack_loses_nothing_but_the_ack)
{
    struct sim_device *a = fixture_device("62811", true), *b = fixture_device("62812", true);
    struct net_timer *timer = &a->conn->timer;
    net_timer_init(timer, NULL, NULL);
    a->account->faults = (struct sim_faults){.lose_ack = 1, .is_set = true};
    send_letter(a, (struct letter){.id = "M",
                                   .to = "62812@s.whatsapp.net",
                                   .addressed = {"62812:1@s.whatsapp.net"}});
    assert_int_equal(fixture_count(a, "ack", NULL), 0);
    assert_int_equal(fixture_count(b, "message", NULL), 1);
    assert_int_equal(a->conn->state, SIM_CONN_CLOSING);
    net_timer_stop(timer);
}

TEST(who_is_not_in_a_group_is_refused_and_hears_nothing)
{
    struct sim_device *a = fixture_device("62811", true), *b = fixture_device("62812", true),
                      *c = fixture_device("62813", true);
    struct wa_node *reply;
    struct sim_group *g = sim_group_new(fixture_sim, a->account, BX_STR("group"), false);
    sim_group_add(g, b->account, SIM_MEMBER);
    const struct letter l = {.id = "M",
                             .to = g->jid,
                             .addressed = {"62811:1@s.whatsapp.net", "62812:1@s.whatsapp.net",
                                           "62813:1@s.whatsapp.net"}};
    send_letter(a, l);
    assert_int_equal(fixture_count(b, "message", NULL), 1);
    assert_int_equal(fixture_count(c, "message", NULL), 0);
    send_letter(c, l);
    assert_int_equal(fixture_count(c, "ack", &reply), 1);
    assert_true(wa_node_attr_is(reply, "error", "403"));
    assert_int_equal(fixture_count(b, "message", NULL), 1);
}

TEST(in_an_announcement_group_only_admins_speak)
{
    struct sim_device *a = fixture_device("62811", true), *b = fixture_device("62812", true);
    struct wa_node *reply;
    struct sim_group *g = sim_group_new(fixture_sim, a->account, BX_STR("group"), false);
    sim_group_add(g, b->account, SIM_MEMBER);
    g->is_announcement = true;
    send_letter(b,
                (struct letter){.id = "M", .to = g->jid, .addressed = {"62811:1@s.whatsapp.net"}});
    assert_int_equal(fixture_count(b, "ack", &reply), 1);
    assert_true(wa_node_attr_is(reply, "error", "403"));
    assert_int_equal(fixture_count(a, "message", NULL), 0);
}

TEST(a_retry_receipt_reaches_the_very_device_that_sent)
{
    struct sim_device *a1 = fixture_device("62811", true), *a2 = fixture_device("62811", true),
                      *b = fixture_device("62812", true);
    struct bx_arena arena;
    struct wa_node *got;
    bx_arena_init(&arena, 0);
    struct wa_node *n = WA_NODE(&arena, "receipt", wa_lit("id", "M"), wa_lit("type", "retry"),
                                wa_to("to", BX_STR("62811:2@s.whatsapp.net")));
    wa_node_add(
        n, WA_NODE(&arena, "retry", wa_lit("count", "1"), wa_lit("id", "M"), wa_lit("v", "1")));
    sim_on_receipt(b->conn, n, &arena);
    assert_int_equal(fixture_count(a1, "receipt", NULL), 0);
    assert_int_equal(fixture_count(a2, "receipt", &got), 1);
    assert_non_null(wa_node_child(got, "retry"));
    assert_str(wa_node_attr(got, "from"), "62812:1@s.whatsapp.net");
    bx_arena_done(&arena);
}

TEST(a_time_locked_account_answers_but_starts_no_chat)
{
    struct sim_device *a = fixture_device("62811", true), *b = fixture_device("62812", true);
    const struct letter l = {
        .id = "M", .to = "62812@s.whatsapp.net", .addressed = {"62812:1@s.whatsapp.net"}};
    struct wa_node *reply = NULL;
    char id[SIM_ID_MAX];
    a->account->faults = (struct sim_faults){.is_time_locked = true, .is_set = true};
    send_letter(a, l);
    assert_int_equal(fixture_count(a, "ack", &reply), 1);
    assert_true(wa_node_attr_is(reply, "error", "463"));
    assert_int_equal(fixture_count(b, "message", NULL), 0);
    struct sim_outgoing hello = {.to = a->account, .text = BX_STR("hello")};
    assert_rc(sim_phone_say(b->account, &hello, id), BX_OK);
    send_letter(a, l);
    assert_int_equal(fixture_count(a, "ack", &reply), 2);
    assert_false(wa_node_has(reply, "error"));
    assert_int_equal(fixture_count(b, "message", NULL), 1);
}

static void type_to(struct sim_device *from, struct sim_device *to)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    sim_chatstate(from->account, NULL, to->account, false, wa_node_new(&arena, "composing"),
                  &arena);
    bx_arena_done(&arena);
}

TEST(typing_that_a_device_missed_is_told_when_it_is_back_soon)
{
    struct sim_device *a = fixture_device("62811", true), *b = fixture_device("62812", false);
    fixture_sim->chatstate_ttl_ms = 60;
    type_to(a, b);
    fixture_connect(b);
    sim_chatstate_flush(b);
    assert_int_equal(fixture_count(b, "chatstate", NULL), 1);
    sim_chatstate_flush(b);
    assert_int_equal(fixture_count(b, "chatstate", NULL), 1);
    fixture_disconnect(b);
    type_to(a, b);
    fixture_run(80);
    fixture_forget();
    fixture_connect(b);
    sim_chatstate_flush(b);
    assert_int_equal(fixture_count(b, "chatstate", NULL), 0);
}

TEST(who_wants_into_an_approving_group_waits_for_an_admin)
{
    struct bx_arena arena;
    struct wa_node *note = NULL;
    struct sim_device *a = fixture_device("62811", true), *b = fixture_device("62812", true),
                      *c = fixture_device("62813", true);
    struct sim_group *g = sim_group_new(fixture_sim, a->account, BX_STR("group"), false);
    sim_group_add(g, b->account, SIM_MEMBER);
    bx_arena_init(&arena, 0);
    sim_join_ask(g, c->account, &arena);
    sim_join_ask(g, c->account, &arena);
    assert_int_equal(g->request_count, 1);
    assert_int_equal(fixture_count(a, "notification", &note), 1);
    assert_non_null(wa_node_child(note, "created_membership_requests"));
    assert_int_equal(fixture_count(b, "notification", NULL), 0);
    assert_true(sim_join_decide(g, a->account, c->account, false, &arena));
    assert_int_equal(fixture_count(c, "notification", &note), 1);
    assert_non_null(wa_node_child(note, "revoked_membership_requests"));
    assert_null(sim_group_member(g, c->account));
    assert_false(sim_join_decide(g, a->account, c->account, true, &arena));
    sim_join_ask(g, c->account, &arena);
    assert_true(sim_join_decide(g, a->account, c->account, true, &arena));
    assert_non_null(sim_group_member(g, c->account));
    bx_arena_done(&arena);
}

#define ROW(name) cmocka_unit_test_setup_teardown(name, fixture_up, fixture_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ROW(each_device_gets_the_ciphertext_that_names_it_and_no_other),
        ROW(phone_and_lid_address_the_same_device),
        ROW(a_message_for_a_device_that_is_not_there_is_acknowledged_and_goes_nowhere),
        ROW(an_id_that_comes_again_is_acknowledged_again_and_not_routed_again),
        ROW(a_resend_goes_once_to_its_device_even_when_participants_repeat_it),
        ROW(a_lost_ack_loses_nothing_but_the_ack),
        ROW(who_is_not_in_a_group_is_refused_and_hears_nothing),
        ROW(in_an_announcement_group_only_admins_speak),
        ROW(a_time_locked_account_answers_but_starts_no_chat),
        ROW(typing_that_a_device_missed_is_told_when_it_is_back_soon),
        ROW(who_wants_into_an_approving_group_waits_for_an_admin),
        ROW(a_retry_receipt_reaches_the_very_device_that_sent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
