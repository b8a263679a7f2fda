#include "base/clock.h"
#include "base/mem.h"
#include "base/test.h"
#include "wa/keystore_memory.h"
#include "wa/signal/signal.h"

struct person {
    struct wa_keystore_memory *store;
    struct wa_signal_self self;
    struct wa_signal *signal;
    struct wa_jid jid;
};

static struct bx_arena arena;
static struct person alice, bob;
static const char group_text[] = "120363000000000001@g.us";
#define group (bx_str(group_text))

static void person_init(struct person *p, const char *user, uint16_t device)
{
    p->store = wa_keystore_memory_new();
    wa_signal_self_generate(&p->self);
    p->signal = wa_signal_new(wa_keystore_memory(p->store), &p->self);
    p->jid = wa_jid_make(WA_SERVER_PN, bx_str(user), device);
}

static void person_done(struct person *p)
{
    wa_signal_free(p->signal);
    wa_keystore_memory_free(p->store);
}

static int setup(void **state)
{
    (void)state;
    bx_arena_init(&arena, 0);
    person_init(&alice, "4917", 0);
    person_init(&bob, "6281", 3);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    person_done(&alice);
    person_done(&bob);
    bx_arena_done(&arena);
    return 0;
}

static struct wa_bundle bundle_of(struct person *p, uint32_t prekey_id)
{
    struct wa_bundle b = {.registration_id = p->self.registration_id};
    memcpy(b.identity, p->self.identity.pub, sizeof b.identity);
    assert_rc(wa_signed_prekey_generate(p->signal, 1, 1700000000000, &b.signed_prekey), BX_OK);
    if (prekey_id)
        assert_rc(wa_prekeys_generate(p->signal, prekey_id, 1, &b.prekey), BX_OK);
    return b;
}

static void start(struct person *from, struct person *to, uint32_t prekey_id)
{
    struct wa_bundle b = bundle_of(to, prekey_id);
    assert_rc(wa_session_start(from->signal, &to->jid, &b, NULL), BX_OK);
}

static struct wa_cipher encrypt(struct person *from, struct person *to, const char *text)
{
    struct wa_cipher c;
    assert_rc(wa_session_encrypt(from->signal, &to->jid, bx_str(text), &arena, &c), BX_OK);
    return c;
}

static int decrypt(struct person *at, struct person *from, struct wa_cipher c, const char *want)
{
    struct bx_str plain;
    int rc = wa_session_decrypt(at->signal, &from->jid, c.is_prekey, c.bytes, &arena, &plain, NULL);
    if (rc == BX_OK)
        assert_str(plain, want);
    return rc;
}

TEST(a_session_starts_with_prekey_messages_and_goes_on_without)
{
    struct wa_prekey p;
    start(&alice, &bob, 7);
    struct wa_cipher first = encrypt(&alice, &bob, "hello"),
                     second = encrypt(&alice, &bob, "again");
    assert_true(first.is_prekey && second.is_prekey);
    assert_rc(decrypt(&bob, &alice, first, "hello"), BX_OK);
    assert_rc(wa_prekey_get(bob.signal, 7, &p), BX_E_NOT_FOUND);
    assert_rc(decrypt(&bob, &alice, second, "again"), BX_OK);
    assert_rc(decrypt(&bob, &alice, second, "again"), BX_E_DUPLICATE);
    struct wa_cipher reply = encrypt(&bob, &alice, "hi");
    assert_false(reply.is_prekey);
    assert_rc(decrypt(&alice, &bob, reply, "hi"), BX_OK);
    assert_false(encrypt(&alice, &bob, "x").is_prekey);
}

TEST(a_session_without_one_time_prekey_works_too)
{
    start(&alice, &bob, 0);
    assert_rc(decrypt(&bob, &alice, encrypt(&alice, &bob, "hello"), "hello"), BX_OK);
}

TEST(messages_decrypt_in_any_order_and_damage_is_named)
{
    struct wa_cipher c[5];
    struct bx_str plain;
    enum wa_retry_reason reason = WA_RETRY_UNKNOWN;
    start(&alice, &bob, 7);
    assert_rc(decrypt(&bob, &alice, encrypt(&alice, &bob, "0"), "0"), BX_OK);
    assert_rc(decrypt(&alice, &bob, encrypt(&bob, &alice, "0"), "0"), BX_OK);
    for (int i = 0; i < 5; i++)
        c[i] = encrypt(&alice, &bob, "text");
    ((char *)(uintptr_t)c[4].bytes.ptr)[c[4].bytes.len - 1] ^= 1;
    for (int i = 3; i >= 0; i--)
        assert_rc(decrypt(&bob, &alice, c[i], "text"), BX_OK);
    assert_true(
        wa_session_decrypt(bob.signal, &alice.jid, false, c[4].bytes, &arena, &plain, &reason) < 0);
    assert_int_not_equal(reason, WA_RETRY_UNKNOWN);
    ((char *)(uintptr_t)c[4].bytes.ptr)[c[4].bytes.len - 1] ^= 1;
    assert_rc(decrypt(&bob, &alice, c[4], "text"), BX_OK);
}

static int add_size(void *arg, struct bx_str key, struct bx_str value)
{
    (void)key;
    *(size_t *)arg += value.len;
    return BX_OK;
}

static size_t size_of(struct person *p, enum wa_key_kind kind)
{
    const struct wa_keystore *ks = wa_keystore_memory(p->store);
    size_t size = 0;
    assert_rc(ks->ops->each(ks->ctx, kind, BX_STR(""), add_size, &size), BX_OK);
    return size;
}

TEST(skipped_counters_make_the_session_no_larger_and_their_messages_still_open)
{
    enum { SKIPPED = 1500 };
    static struct wa_cipher c[SKIPPED + 1];
    start(&alice, &bob, 7);
    assert_rc(decrypt(&bob, &alice, encrypt(&alice, &bob, "0"), "0"), BX_OK);
    assert_rc(decrypt(&alice, &bob, encrypt(&bob, &alice, "0"), "0"), BX_OK);
    assert_rc(decrypt(&bob, &alice, encrypt(&alice, &bob, "1"), "1"), BX_OK);
    size_t before = size_of(&bob, WA_KEY_SESSION);
    for (int i = 0; i <= SKIPPED; i++)
        c[i] = encrypt(&alice, &bob, "text");
    assert_rc(decrypt(&bob, &alice, c[SKIPPED], "text"), BX_OK);
    assert_true(size_of(&bob, WA_KEY_SESSION) < before + 500);
    assert_true(size_of(&bob, WA_KEY_SKIPPED) > SKIPPED * 80);
    for (int i = SKIPPED - 1; i >= 0; i -= 3) /* some from the end … */
        assert_rc(decrypt(&bob, &alice, c[i], "text"), BX_OK);
    for (int i = 0; i < SKIPPED; i++) /* … the rest from the start, those once only */
        assert_rc(decrypt(&bob, &alice, c[i], "text"),
                  (SKIPPED - 1 - i) % 3 ? BX_OK : BX_E_DUPLICATE);
    assert_int_equal(size_of(&bob, WA_KEY_SKIPPED), 0);
}

TEST(skipped_keys_go_with_their_chain_and_with_the_session)
{
    start(&alice, &bob, 7);
    for (int turn = 0; turn < 12; turn++) {
        for (int i = 0; i < 100; i++)
            encrypt(&alice, &bob, "lost");
        assert_rc(decrypt(&bob, &alice, encrypt(&alice, &bob, "0"), "0"), BX_OK);
        assert_rc(decrypt(&alice, &bob, encrypt(&bob, &alice, "0"), "0"), BX_OK);
    }
    /* libomemo-c keeps five chains of a session */
    assert_true(size_of(&bob, WA_KEY_SKIPPED) < 6 * 100 * 100);
    assert_rc(wa_session_delete(bob.signal, &alice.jid), BX_OK);
    assert_int_equal(size_of(&bob, WA_KEY_SKIPPED), 0);
}

TEST(skipped_messages_of_a_group_make_its_key_no_larger)
{
    enum { SKIPPED = 1000 };
    static struct bx_str m[SKIPPED + 1];
    struct bx_str key, plain;
    assert_rc(wa_group_distribute(alice.signal, group, &alice.jid, &arena, &key), BX_OK);
    assert_rc(wa_group_process(bob.signal, group, &alice.jid, key), BX_OK);
    size_t before = size_of(&bob, WA_KEY_SENDER_KEY);
    for (int i = 0; i <= SKIPPED; i++)
        assert_rc(wa_group_encrypt(alice.signal, group, &alice.jid, BX_STR("g"), &arena, &m[i]),
                  BX_OK);
    for (int i = SKIPPED; i >= 0; i--) {
        assert_rc(wa_group_decrypt(bob.signal, group, &alice.jid, m[i], &arena, &plain, NULL),
                  BX_OK);
        assert_true(size_of(&bob, WA_KEY_SENDER_KEY) < before + 500);
    }
    assert_rc(wa_group_decrypt(bob.signal, group, &alice.jid, m[7], &arena, &plain, NULL),
              BX_E_DUPLICATE);
    assert_int_equal(size_of(&bob, WA_KEY_SKIPPED), 0);
}

TEST(missing_sessions_keys_and_false_bundles_have_names)
{
    struct wa_cipher c;
    enum wa_retry_reason reason;
    struct bx_str plain;
    assert_rc(wa_session_encrypt(alice.signal, &bob.jid, BX_STR("x"), &arena, &c), BX_E_NOT_FOUND);
    start(&alice, &bob, 7);
    c = encrypt(&alice, &bob, "x");
    assert_rc(wa_prekey_delete(bob.signal, 7), BX_OK);
    assert_rc(wa_session_decrypt(bob.signal, &alice.jid, true, c.bytes, &arena, &plain, &reason),
              BX_E_NOT_FOUND);
    assert_int_equal(reason, WA_RETRY_INVALID_KEY_ID);
    struct wa_bundle b = bundle_of(&bob, 8);
    b.signed_prekey.signature[5] ^= 1;
    assert_rc(wa_session_start(alice.signal, &bob.jid, &b, NULL), BX_E_CRYPTO);
    struct wa_jid server = wa_jid_make(WA_SERVER_PN, BX_STR(""), 0);
    assert_rc(wa_session_exists(alice.signal, &server), BX_E_INVALID);
}

TEST(a_new_identity_is_trusted_and_reported)
{
    bool changed = true;
    struct wa_bundle b = bundle_of(&bob, 7);
    assert_rc(wa_session_start(alice.signal, &bob.jid, &b, &changed), BX_OK);
    assert_false(changed);
    person_done(&bob);
    person_init(&bob, "6281", 3);
    b = bundle_of(&bob, 7);
    assert_rc(wa_session_start(alice.signal, &bob.jid, &b, &changed), BX_OK);
    assert_true(changed);
    assert_rc(decrypt(&bob, &alice, encrypt(&alice, &bob, "hello"), "hello"), BX_OK);
}

TEST(a_damaged_first_message_leaves_the_identity_and_the_session_as_they_were)
{
    /* After the MAC stand the registration id and the signed prekey's id, 4 or 5 bytes. */
    static const struct {
        size_t at;
        bool from_end;
        const char *why;
    } damages[] = {{9, true, "the MAC"}, {20, true, "the ciphertext"}, {50, false, "the identity"}};
    struct person old = alice;
    uint8_t known[CR_CURVE_KEY_SIZE];
    start(&alice, &bob, 7);
    assert_rc(decrypt(&bob, &alice, encrypt(&alice, &bob, "hello"), "hello"), BX_OK);
    struct wa_cipher under_way = encrypt(&alice, &bob, "under way");
    person_init(&alice, "4917", 0); /* a new phone: same address, another identity */
    start(&alice, &bob, 8);
    struct wa_cipher first = encrypt(&alice, &bob, "it is me");
    for (size_t i = 0; i < BX_LEN(damages); i++) {
        struct bx_str plain;
        size_t at = damages[i].from_end ? first.bytes.len - damages[i].at : damages[i].at;
        char *byte = (char *)(uintptr_t)first.bytes.ptr + at;
        *byte ^= 1;
        assert_why(
            wa_session_decrypt(bob.signal, &alice.jid, true, first.bytes, &arena, &plain, NULL) < 0,
            damages[i].why);
        *byte ^= 1;
        assert_rc(wa_identity_get(bob.signal, &alice.jid, known), BX_OK);
        assert_why(memcmp(known, old.self.identity.pub, sizeof known) == 0, damages[i].why);
    }
    assert_rc(decrypt(&bob, &old, under_way, "under way"), BX_OK);
    assert_rc(decrypt(&bob, &alice, first, "it is me"), BX_OK);
    assert_rc(wa_identity_get(bob.signal, &alice.jid, known), BX_OK);
    assert_memory_equal(known, alice.self.identity.pub, sizeof known);
    person_done(&old);
}

TEST(learning_a_lid_moves_the_sessions_and_both_names_work)
{
    struct wa_jid bob_lid = wa_jid_make(WA_SERVER_LID, BX_STR("99"), 3);
    bool is_new = false;
    struct wa_cipher c;
    start(&alice, &bob, 7);
    assert_rc(wa_session_exists(alice.signal, &bob_lid), BX_E_NOT_FOUND);
    assert_rc(wa_signal_learn_lid(alice.signal, BX_STR("6281"), BX_STR("99"), &is_new), BX_OK);
    assert_true(is_new);
    assert_rc(wa_session_exists(alice.signal, &bob_lid), BX_OK);
    assert_rc(wa_session_exists(alice.signal, &bob.jid), BX_OK);
    assert_rc(wa_session_encrypt(alice.signal, &bob_lid, BX_STR("hello"), &arena, &c), BX_OK);
    assert_rc(decrypt(&bob, &alice, c, "hello"), BX_OK);
    assert_rc(wa_signal_learn_lid(alice.signal, BX_STR("6281"), BX_STR("99"), &is_new), BX_OK);
    assert_false(is_new);
}

TEST(group_messages_decrypt_in_any_order_and_only_once)
{
    struct bx_str skdm, m[6], plain;
    assert_rc(wa_group_encrypt(alice.signal, group, &alice.jid, BX_STR("x"), &arena, &m[0]),
              BX_E_NOT_FOUND);
    assert_rc(wa_group_distribute(alice.signal, group, &alice.jid, &arena, &skdm), BX_OK);
    for (int i = 0; i < 6; i++)
        assert_rc(wa_group_encrypt(alice.signal, group, &alice.jid, BX_STR("all"), &arena, &m[i]),
                  BX_OK);
    enum wa_retry_reason reason;
    assert_rc(wa_group_decrypt(bob.signal, group, &alice.jid, m[0], &arena, &plain, &reason),
              BX_E_NOT_FOUND);
    assert_int_equal(reason, WA_RETRY_NO_SESSION);
    assert_rc(wa_group_process(bob.signal, group, &alice.jid, skdm), BX_OK);
    static const int order[] = {5, 0, 3, 4, 1, 2};
    for (int i = 0; i < 6; i++) {
        assert_rc(
            wa_group_decrypt(bob.signal, group, &alice.jid, m[order[i]], &arena, &plain, NULL),
            BX_OK);
        assert_str(plain, "all");
        assert_rc(
            wa_group_decrypt(bob.signal, group, &alice.jid, m[order[i]], &arena, &plain, NULL),
            BX_E_DUPLICATE);
    }
}

TEST(a_group_key_that_comes_again_hides_nothing_and_opens_nothing_twice)
{
    struct bx_str first, later, m[3], plain;
    assert_rc(wa_group_distribute(alice.signal, group, &alice.jid, &arena, &first), BX_OK);
    for (int i = 0; i < 3; i++)
        assert_rc(wa_group_encrypt(alice.signal, group, &alice.jid, BX_STR("all"), &arena, &m[i]),
                  BX_OK);
    assert_rc(wa_group_distribute(alice.signal, group, &alice.jid, &arena, &later), BX_OK);
    assert_rc(wa_group_process(bob.signal, group, &alice.jid, first), BX_OK);
    assert_rc(wa_group_decrypt(bob.signal, group, &alice.jid, m[1], &arena, &plain, NULL), BX_OK);
    assert_rc(wa_group_process(bob.signal, group, &alice.jid, later), BX_OK);
    assert_rc(wa_group_decrypt(bob.signal, group, &alice.jid, m[0], &arena, &plain, NULL), BX_OK);
    assert_rc(wa_group_decrypt(bob.signal, group, &alice.jid, m[2], &arena, &plain, NULL), BX_OK);
    assert_rc(wa_group_process(bob.signal, group, &alice.jid, first), BX_OK);
    for (int i = 0; i < 3; i++)
        assert_rc(wa_group_decrypt(bob.signal, group, &alice.jid, m[i], &arena, &plain, NULL),
                  BX_E_DUPLICATE);
}

TEST(a_group_message_from_before_the_key_that_we_got_was_not_read)
{
    struct bx_str first, later, m[4], plain;
    enum wa_retry_reason reason;
    assert_rc(wa_group_distribute(alice.signal, group, &alice.jid, &arena, &first), BX_OK);
    for (int i = 0; i < 3; i++)
        assert_rc(wa_group_encrypt(alice.signal, group, &alice.jid, BX_STR("all"), &arena, &m[i]),
                  BX_OK);
    assert_rc(wa_group_distribute(alice.signal, group, &alice.jid, &arena, &later), BX_OK);
    assert_rc(wa_group_encrypt(alice.signal, group, &alice.jid, BX_STR("all"), &arena, &m[3]),
              BX_OK);
    assert_rc(wa_group_process(bob.signal, group, &alice.jid, later), BX_OK);
    assert_rc(wa_group_decrypt(bob.signal, group, &alice.jid, m[3], &arena, &plain, NULL), BX_OK);
    assert_rc(wa_group_decrypt(bob.signal, group, &alice.jid, m[0], &arena, &plain, &reason),
              BX_E_NOT_FOUND);
    assert_int_equal(reason, WA_RETRY_NO_SESSION);
    assert_rc(wa_group_process(bob.signal, group, &alice.jid, first), BX_OK); /* it was under way */
    for (int i = 0; i < 3; i++) {
        assert_rc(wa_group_decrypt(bob.signal, group, &alice.jid, m[i], &arena, &plain, NULL),
                  BX_OK);
        assert_str(plain, "all");
    }
    assert_rc(wa_group_process(bob.signal, group, &alice.jid, first), BX_OK);
    for (int i = 0; i < 4; i++)
        assert_rc(wa_group_decrypt(bob.signal, group, &alice.jid, m[i], &arena, &plain, NULL),
                  BX_E_DUPLICATE);
}

TEST(a_group_key_that_was_rotated_or_forged_does_not_open)
{
    struct bx_str skdm, m, plain;
    assert_rc(wa_group_distribute(alice.signal, group, &alice.jid, &arena, &skdm), BX_OK);
    assert_rc(wa_group_process(bob.signal, group, &alice.jid, skdm), BX_OK);
    assert_rc(wa_group_encrypt(alice.signal, group, &alice.jid, BX_STR("x"), &arena, &m), BX_OK);
    ((char *)(uintptr_t)m.ptr)[m.len - 1] ^= 1;
    assert_true(wa_group_decrypt(bob.signal, group, &alice.jid, m, &arena, &plain, NULL) < 0);
    assert_rc(wa_group_rotate(alice.signal, group, &alice.jid), BX_OK);
    assert_rc(wa_group_distribute(alice.signal, group, &alice.jid, &arena, &skdm), BX_OK);
    assert_rc(wa_group_encrypt(alice.signal, group, &alice.jid, BX_STR("x"), &arena, &m), BX_OK);
    assert_true(wa_group_decrypt(bob.signal, group, &alice.jid, m, &arena, &plain, NULL) < 0);
    assert_rc(wa_group_process(bob.signal, group, &alice.jid, skdm), BX_OK);
    assert_rc(wa_group_decrypt(bob.signal, group, &alice.jid, m, &arena, &plain, NULL), BX_OK);
}

TEST(a_group_message_too_far_ahead_is_refused)
{
    struct bx_str skdm, m, plain;
    assert_rc(wa_group_distribute(alice.signal, group, &alice.jid, &arena, &skdm), BX_OK);
    assert_rc(wa_group_process(bob.signal, group, &alice.jid, skdm), BX_OK);
    for (int i = 0; i < 2002; i++) {
        struct bx_arena turn;
        bx_arena_init(&turn, 0);
        struct bx_str sealed;
        assert_rc(wa_group_encrypt(alice.signal, group, &alice.jid, BX_STR("x"), &turn, &sealed),
                  BX_OK);
        m = bx_arena_str(&arena, sealed);
        bx_arena_done(&turn);
    }
    assert_rc(wa_group_decrypt(bob.signal, group, &alice.jid, m, &arena, &plain, NULL),
              BX_E_CRYPTO);
}

TEST(prekey_ids_wrap_and_signed_prekeys_come_back)
{
    struct wa_prekey made[3], got;
    assert_rc(wa_prekeys_generate(alice.signal, 0xfffffe, 3, made), BX_OK);
    assert_int_equal(made[1].id, 0xffffff);
    assert_int_equal(made[2].id, 1);
    assert_rc(wa_prekey_get(alice.signal, 1, &got), BX_OK);
    assert_memory_equal(got.pub, made[2].pub, sizeof got.pub);
    assert_rc(wa_signed_prekey_generate(alice.signal, 9, 1, made), BX_OK);
    assert_rc(wa_signed_prekey_get(alice.signal, 9, &got), BX_OK);
    assert_memory_equal(got.pub, made[0].pub, sizeof got.pub);
    assert_memory_equal(got.signature, made[0].signature, sizeof got.signature);
}

TEST(padding_is_one_to_sixteen_bytes_and_comes_off)
{
    for (int random = 0; random < 256; random++) {
        struct bx_str padded = wa_pad(BX_STR("text"), (uint8_t)random, &arena);
        assert_in_range(padded.len, 5, 20);
        assert_rc(wa_unpad(&padded), BX_OK);
        assert_str(padded, "text");
    }
    struct bx_str bad[] = {BX_STR(""), BX_STR("a\0"), BX_STR("a\3")};
    for (size_t i = 0; i < BX_LEN(bad); i++)
        assert_rc(wa_unpad(&bad[i]), BX_E_INVALID);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        CASE(a_session_starts_with_prekey_messages_and_goes_on_without),
        CASE(a_session_without_one_time_prekey_works_too),
        CASE(messages_decrypt_in_any_order_and_damage_is_named),
        CASE(skipped_counters_make_the_session_no_larger_and_their_messages_still_open),
        CASE(skipped_keys_go_with_their_chain_and_with_the_session),
        CASE(skipped_messages_of_a_group_make_its_key_no_larger),
        CASE(missing_sessions_keys_and_false_bundles_have_names),
        CASE(a_new_identity_is_trusted_and_reported),
        CASE(a_damaged_first_message_leaves_the_identity_and_the_session_as_they_were),
        CASE(learning_a_lid_moves_the_sessions_and_both_names_work),
        CASE(group_messages_decrypt_in_any_order_and_only_once),
        CASE(a_group_key_that_comes_again_hides_nothing_and_opens_nothing_twice),
        CASE(a_group_message_from_before_the_key_that_we_got_was_not_read),
        CASE(a_group_key_that_was_rotated_or_forged_does_not_open),
        CASE(a_group_message_too_far_ahead_is_refused),
        CASE(prekey_ids_wrap_and_signed_prekeys_come_back),
        CASE(padding_is_one_to_sixteen_bytes_and_comes_off),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
