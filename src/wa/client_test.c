#include "wa/internal.h"

#include "base/test.h"

#include "wa/wire/codec.h"

static struct bx_arena arena;

static int setup(void **state)
{
    (void)state;
    bx_arena_init(&arena, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bx_arena_done(&arena);
    return 0;
}

TEST(every_stream_error_of_the_map_has_its_reason_and_what_follows)
{
    static const struct {
        const char *code, *conflict;
        enum wa_reason reason;
        enum wa_then then;
        const char *why;
    } rows[] = {
        {"515", NULL, WA_REASON_RESTART, WA_THEN_NOW, "restart at once"},
        {"401", "device_removed", WA_REASON_LOGGED_OUT, WA_THEN_UNLINK, "unlinked on the phone"},
        {NULL, "replaced", WA_REASON_REPLACED, WA_THEN_STOP, "connected elsewhere"},
        {"503", NULL, WA_REASON_UNAVAILABLE, WA_THEN_BACKOFF, "server restarts"},
        {NULL, NULL, WA_REASON_REFUSED, WA_THEN_ONCE, "unknown: one more try"},
        {"777", NULL, WA_REASON_REFUSED, WA_THEN_ONCE, "unknown code: one more try"},
    };
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        struct wa_node *n = WA_NODE(&arena, "stream:error", wa_lit("code", rows[i].code));
        if (rows[i].conflict)
            wa_node_add(n, WA_NODE(&arena, "conflict", wa_lit("type", rows[i].conflict)));
        struct wa_ending e = wa_ending_of_stream_error(n);
        assert_why(e.reason == rows[i].reason, rows[i].why);
        assert_why(e.then == rows[i].then, rows[i].why);
    }
}

TEST(every_failure_of_the_map_has_its_reason_and_what_follows)
{
    static const struct {
        int code;
        enum wa_reason reason;
        enum wa_then then;
    } rows[] = {
        {400, WA_REASON_REFUSED, WA_THEN_STOP},
        {401, WA_REASON_LOGGED_OUT, WA_THEN_UNLINK},
        {402, WA_REASON_BANNED, WA_THEN_STOP},
        {403, WA_REASON_LOGGED_OUT, WA_THEN_UNLINK},
        {405, WA_REASON_OUTDATED, WA_THEN_STOP},
        {406, WA_REASON_BANNED, WA_THEN_UNLINK},
        {409, WA_REASON_REFUSED, WA_THEN_STOP},
        {500, WA_REASON_UNAVAILABLE, WA_THEN_BACKOFF},
        {503, WA_REASON_UNAVAILABLE, WA_THEN_BACKOFF},
    };
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        struct wa_node *n = WA_NODE(&arena, "failure", wa_num("reason", rows[i].code));
        struct wa_ending e = wa_ending_of_failure(n, 1000);
        assert_int_equal(e.reason, rows[i].reason);
        assert_int_equal(e.then, rows[i].then);
        assert_int_equal(e.detail, rows[i].code);
        assert_int_equal(e.retry_at_ms, 0);
    }
}

TEST(a_temporary_ban_says_when_it_ends)
{
    struct wa_node *n = WA_NODE(&arena, "failure", wa_num("reason", 402), wa_num("code", 101),
                                wa_num("expire", 60));
    assert_int_equal(wa_ending_of_failure(n, 1000).retry_at_ms, 61000);
}

TEST(a_server_without_proof_is_told_from_a_lost_connection)
{
    assert_int_equal(wa_ending_of_rc(BX_E_AUTH).reason, WA_REASON_UNTRUSTED);
    assert_int_equal(wa_ending_of_rc(BX_E_AUTH).then, WA_THEN_STOP);
    assert_int_equal(wa_ending_of_rc(BX_E_CRYPTO).reason, WA_REASON_LOST);
    assert_int_equal(wa_ending_of_rc(BX_E_CLOSED).reason, WA_REASON_LOST);
    assert_int_equal(wa_ending_of_rc(BX_E_TIMEOUT).reason, WA_REASON_TIMEOUT);
}

TEST(the_qr_text_has_the_prefix_and_five_fields)
{
    struct wa_creds creds = {0};
    struct bx_str piece, text = wa_pair_qr_text(&arena, BX_STR("2@abc"), &creds);
    size_t fields = 0;
    assert_true(bx_str_starts(text, BX_STR("https://wa.me/settings/linked_devices#2@abc,")));
    while (bx_str_split(&text, ',', &piece)) {
        if (fields >= 1 && fields <= 3)
            assert_int_equal(piece.len, 44);
        fields++;
    }
    assert_int_equal(fields, 5);
}

TEST(versions_are_three_numbers)
{
    uint32_t v[3];
    assert_rc(wa_version_parse(BX_STR("2.3000.1035194821"), v), BX_OK);
    assert_int_equal(v[2], 1035194821);
    assert_rc(wa_version_parse(BX_STR("2.3000"), v), BX_E_INVALID);
    assert_rc(wa_version_parse(BX_STR("2.3000.x"), v), BX_E_INVALID);
    assert_rc(wa_version_parse(BX_STR("1.2.3.4"), v), BX_E_INVALID);
}

TEST(a_receipt_of_a_group_is_acknowledged_to_the_group_with_its_participant)
{
    struct wa_node *receipt =
        WA_NODE(&arena, "receipt", wa_lit("id", "A1"), wa_to("from", BX_STR("1@g.us")),
                wa_to("participant", BX_STR("2:3@s.whatsapp.net")), wa_lit("type", "read"));
    struct wa_node *ack = wa_ack_node(&arena, receipt);
    assert_str(wa_node_attr(ack, "class"), "receipt");
    assert_str(wa_node_attr(ack, "to"), "1@g.us");
    assert_str(wa_node_attr(ack, "participant"), "2:3@s.whatsapp.net");
    assert_str(wa_node_attr(ack, "type"), "read");
    assert_false(wa_node_has(ack, "recipient"));
}

TEST(a_message_is_acknowledged_without_a_type)
{
    struct wa_node *m = WA_NODE(&arena, "message", wa_lit("id", "A1"), wa_lit("type", "text"),
                                wa_to("from", BX_STR("1@s.whatsapp.net")));
    assert_false(wa_node_has(wa_ack_node(&arena, m), "type"));
}

TEST(a_bundle_without_one_time_prekey_is_a_bundle_and_one_without_signature_is_none)
{
    struct wa_bundle bundle;
    uint8_t key[64] = {1};
    struct wa_node *user = wa_node_new(&arena, "user");
    wa_node_be(wa_node_add(user, wa_node_new(&arena, "registration")), 77, 4);
    wa_node_bytes(wa_node_add(user, wa_node_new(&arena, "identity")), bx_str_n(key, 32));
    struct wa_node *skey = wa_node_add(user, wa_node_new(&arena, "skey"));
    wa_node_be(wa_node_add(skey, wa_node_new(&arena, "id")), 5, 3);
    wa_node_bytes(wa_node_add(skey, wa_node_new(&arena, "value")), bx_str_n(key, 32));
    assert_rc(wa_bundle_parse(user, &bundle), BX_E_INVALID);
    wa_node_bytes(wa_node_add(skey, wa_node_new(&arena, "signature")), bx_str_n(key, 64));
    assert_rc(wa_bundle_parse(user, &bundle), BX_OK);
    assert_int_equal(bundle.registration_id, 77);
    assert_int_equal(bundle.signed_prekey.id, 5);
    assert_int_equal(bundle.prekey.id, 0);
}

TEST(message_ids_look_like_those_of_a_web_client_and_differ)
{
    char a[WA_MESSAGE_ID_SIZE], b[WA_MESSAGE_ID_SIZE];
    wa_message_id_make(a);
    wa_message_id_make(b);
    assert_int_equal(strlen(a), 22);
    assert_memory_equal(a, "3EB0", 4);
    assert_int_equal(strspn(a, "0123456789ABCDEF"), 22);
    assert_string_not_equal(a, b);
}

TEST(an_iq_error_becomes_an_error_of_the_house)
{
    struct wa_node *iq = WA_NODE(&arena, "iq", wa_lit("type", "error"));
    wa_node_add(iq, WA_NODE(&arena, "error", wa_num("code", 429)));
    assert_rc(wa_iq_error(iq), BX_E_RATE_LIMITED);
    assert_rc(wa_iq_error(WA_NODE(&arena, "iq", wa_lit("type", "result"))), BX_OK);
}

/* The turn of a stanza. */
static uint64_t turn_of(struct wa_node *n)
{
    static const struct wa_job_type type = {.name = "test"};
    return wa_job_turn(&(struct wa_job){.type = &type, .node = n});
}

TEST(a_person_s_stanzas_are_one_turn_by_number_and_by_lid_and_with_our_phone_s)
{
    struct bx_str pn = BX_STR("62811@s.whatsapp.net"), lid = BX_STR("777@lid");
    struct bx_str me = BX_STR("62800@s.whatsapp.net");
    uint64_t by_number =
        turn_of(WA_NODE(&arena, "message", wa_to("from", pn), wa_to("sender_lid", lid)));
    uint64_t by_lid =
        turn_of(WA_NODE(&arena, "message", wa_to("from", lid), wa_to("sender_pn", pn)));
    uint64_t ours = turn_of(WA_NODE(&arena, "message", wa_to("from", me), wa_to("recipient", pn),
                                    wa_to("recipient_lid", lid)));
    uint64_t receipt = turn_of(WA_NODE(&arena, "receipt", wa_to("from", lid)));
    uint64_t other = turn_of(WA_NODE(&arena, "message", wa_to("from", BX_STR("778@lid"))));
    uint64_t device = turn_of(WA_NODE(&arena, "message", wa_to("from", BX_STR("777:3@lid"))));
    assert_true(by_number == by_lid);
    assert_true(by_number == ours);
    assert_true(by_number == device);
    assert_true(by_number == receipt);
    assert_true(by_number != other);
}

int main(void)
{
#define ROW(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        ROW(every_stream_error_of_the_map_has_its_reason_and_what_follows),
        ROW(every_failure_of_the_map_has_its_reason_and_what_follows),
        ROW(a_temporary_ban_says_when_it_ends),
        ROW(a_server_without_proof_is_told_from_a_lost_connection),
        ROW(the_qr_text_has_the_prefix_and_five_fields),
        ROW(versions_are_three_numbers),
        ROW(a_receipt_of_a_group_is_acknowledged_to_the_group_with_its_participant),
        ROW(a_message_is_acknowledged_without_a_type),
        ROW(a_bundle_without_one_time_prekey_is_a_bundle_and_one_without_signature_is_none),
        ROW(message_ids_look_like_those_of_a_web_client_and_differ),
        ROW(an_iq_error_becomes_an_error_of_the_house),
        ROW(a_person_s_stanzas_are_one_turn_by_number_and_by_lid_and_with_our_phone_s),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
