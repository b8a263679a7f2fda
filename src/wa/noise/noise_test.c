#include "base/clock.h"
#include "base/mem.h"
#include "wa/noise/cert.h"
#include "wa/noise/handshake.h"
#include "wa/proto/link.pb-c.h"
#include "wa/proto/pb.h"
#include "wa/vectors.h"

static struct bx_arena arena;
static const int64_t now_s = 1700000000;

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

static struct cr_keypair vector_pair(const char *name)
{
    struct cr_keypair pair;
    uint8_t priv[32], pub[32];
    const json_t *k = vector_get(vector_get(vector_topic("noise"), "keys"), name);
    vector_hex(k, "priv", priv, 32);
    vector_hex(k, "pub", pub, 32);
    cr_keypair_from_private(priv, &pair);
    assert_memory_equal(pair.pub, pub, 32);
    return pair;
}

static void assert_vector(const json_t *from, const char *key, const void *got, size_t len)
{
    uint8_t want[256];
    struct bx_str v = vector_hex(from, key, want, sizeof want);
    assert_int_equal(v.len, len);
    assert_memory_equal(got, want, len);
}

TEST(both_roles_reproduce_the_transcript_with_fixed_keys)
{
    const json_t *v = vector_topic("noise");
    struct cr_keypair ce = vector_pair("ce"), cs = vector_pair("cs");
    struct cr_keypair se = vector_pair("se"), ss = vector_pair("ss");
    struct wa_handshake client, server;
    struct wa_transport ct, st;
    struct bx_buf out;
    struct bx_str text;
    Wap__HandshakeMessage *m;
    uint8_t intro[4];
    bx_buf_init(&out, 0);
    wa_intro(WA_DICT_3, intro);
    wa_handshake_init(&client, true, intro, &cs, &ce);
    wa_handshake_init(&server, false, intro, &ss, &se);

    assert_rc(wa_handshake_client_hello(&client, &out), BX_OK);
    assert_vector(v, "h_after_ce", client.hash, 32);
    assert_rc(wa_handshake_read_client_hello(&server, bx_buf_view(&out), &arena), BX_OK);
    bx_buf_clear(&out, 4096);

    assert_rc(wa_handshake_server_hello(&server, BX_STR("CERTCHAIN"), &out), BX_OK);
    assert_rc(WA_PB_UNPACK(handshake_message, bx_buf_view(&out), &arena, &m), BX_OK);
    const json_t *sh = vector_get(v, "serverHello");
    assert_vector(sh, "ephemeral", m->server_hello->ephemeral.data, 32);
    assert_vector(sh, "static", m->server_hello->static_key.data, 48);
    assert_vector(sh, "payload", m->server_hello->payload.data, m->server_hello->payload.len);
    assert_rc(wa_handshake_read_server_hello(&client, bx_buf_view(&out), &arena, &text), BX_OK);
    assert_str(text, "CERTCHAIN");
    assert_vector(v, "h_after_server_hello", client.hash, 32);
    assert_memory_equal(client.peer_static, ss.pub, 32);
    bx_buf_clear(&out, 4096);

    assert_rc(wa_handshake_client_finish(&client, BX_STR("CLIENTPAYLOAD"), &out, &ct), BX_OK);
    assert_rc(WA_PB_UNPACK(handshake_message, bx_buf_view(&out), &arena, &m), BX_OK);
    const json_t *cf = vector_get(v, "clientFinish");
    assert_vector(cf, "static", m->client_finish->static_key.data, 48);
    assert_vector(cf, "payload", m->client_finish->payload.data, m->client_finish->payload.len);
    assert_rc(wa_handshake_read_client_finish(&server, bx_buf_view(&out), &arena, &text, &st),
              BX_OK);
    assert_str(text, "CLIENTPAYLOAD");
    assert_memory_equal(server.peer_static, cs.pub, 32);
    assert_vector(v, "client_write_key", ct.write_key, 32);
    assert_vector(v, "client_read_key", ct.read_key, 32);
    assert_memory_equal(st.read_key, ct.write_key, 32);
    assert_memory_equal(st.write_key, ct.read_key, 32);
    bx_buf_done(&out);
}

static void link_up(struct wa_transport *client, struct wa_transport *server)
{
    struct cr_keypair keys[4];
    struct wa_handshake c, s;
    struct bx_buf out;
    struct bx_str text;
    uint8_t intro[4];
    wa_intro(WA_DICT_2, intro);
    bx_buf_init(&out, 0);
    for (int i = 0; i < 4; i++)
        cr_keypair_generate(&keys[i]);
    wa_handshake_init(&c, true, intro, &keys[0], &keys[1]);
    wa_handshake_init(&s, false, intro, &keys[2], &keys[3]);
    assert_rc(wa_handshake_client_hello(&c, &out), BX_OK);
    assert_rc(wa_handshake_read_client_hello(&s, bx_buf_view(&out), &arena), BX_OK);
    bx_buf_clear(&out, 4096);
    assert_rc(wa_handshake_server_hello(&s, BX_STR(""), &out), BX_OK);
    assert_rc(wa_handshake_read_server_hello(&c, bx_buf_view(&out), &arena, &text), BX_OK);
    bx_buf_clear(&out, 4096);
    assert_rc(wa_handshake_client_finish(&c, BX_STR("p"), &out, client), BX_OK);
    assert_rc(wa_handshake_read_client_finish(&s, bx_buf_view(&out), &arena, &text, server), BX_OK);
    bx_buf_done(&out);
}

TEST(frames_go_both_ways_in_order_and_no_other_order)
{
    struct wa_transport c, s;
    struct bx_buf wire;
    struct bx_str plain;
    link_up(&c, &s);
    bx_buf_init(&wire, 0);
    for (int i = 0; i < 300; i++) {
        bx_buf_clear(&wire, 4096);
        assert_rc(wa_transport_seal(&c, BX_STR("one"), &wire), BX_OK);
        assert_rc(wa_transport_open(&s, wire.data + 3, wire.len - 3, &plain), BX_OK);
        assert_str(plain, "one");
    }
    bx_buf_clear(&wire, 4096);
    assert_rc(wa_transport_seal(&s, BX_STR("a"), &wire), BX_OK);
    assert_rc(wa_transport_seal(&s, BX_STR("b"), &wire), BX_OK);
    size_t second = 3 + 1 + 16;
    assert_rc(wa_transport_open(&c, wire.data + second + 3, 17, &plain), BX_E_CRYPTO);
    assert_rc(wa_transport_open(&c, wire.data + 3, 3, &plain), BX_E_CRYPTO);
    bx_buf_done(&wire);
}

TEST(calls_out_of_turn_and_broken_messages_are_refused)
{
    struct cr_keypair a, b;
    struct wa_handshake hs;
    struct wa_transport t;
    struct bx_buf out;
    struct bx_str text;
    uint8_t intro[4];
    bx_buf_init(&out, 0);
    wa_intro(WA_DICT_3, intro);
    cr_keypair_generate(&a);
    cr_keypair_generate(&b);
    wa_handshake_init(&hs, true, intro, &a, &b);
    assert_rc(wa_handshake_client_finish(&hs, BX_STR("x"), &out, &t), BX_E_STATE);
    assert_rc(wa_handshake_server_hello(&hs, BX_STR("x"), &out), BX_E_STATE);
    assert_rc(wa_handshake_client_hello(&hs, &out), BX_OK);
    assert_rc(wa_handshake_client_hello(&hs, &out), BX_E_STATE);
    assert_rc(wa_handshake_read_server_hello(&hs, BX_STR(""), &arena, &text), BX_E_INVALID);
    assert_rc(wa_handshake_read_server_hello(&hs, BX_STR("\x1a\x02\x0a\x00"), &arena, &text),
              BX_E_INVALID);
    bx_buf_done(&out);
}

TEST(an_attempt_at_ik_is_answered_as_xx_fallback)
{
    struct cr_keypair ss, se;
    struct wa_handshake server;
    struct bx_buf out;
    uint8_t intro[4], zero[32] = {9};
    Wap__HandshakeMessage m = WAP__HANDSHAKE_MESSAGE__INIT;
    Wap__HandshakeMessage__ClientHello hello = WAP__HANDSHAKE_MESSAGE__CLIENT_HELLO__INIT;
    bx_buf_init(&out, 0);
    wa_intro(WA_DICT_3, intro);
    cr_keypair_generate(&ss);
    cr_keypair_generate(&se);
    wa_handshake_init(&server, false, intro, &ss, &se);
    m.client_hello = &hello;
    WA_PB_SET_BYTES(&hello, ephemeral, bx_str_n(zero, 32));
    WA_PB_SET_BYTES(&hello, static_key, BX_STR("sealed"));
    assert_rc(wa_handshake_read_client_hello(&server, wa_pb_pack(&m, &arena), &arena), BX_OK);
    assert_true(server.was_ik);
    assert_rc(wa_handshake_server_hello(&server, BX_STR("chain"), &out), BX_OK);
    bx_buf_done(&out);
}

struct authority {
    struct cr_keypair root, intermediate, server;
    struct bx_str chain;
};

static struct authority make_authority(void)
{
    struct authority a;
    uint8_t random[128];
    bx_random(random, sizeof random);
    cr_keypair_generate(&a.root);
    cr_keypair_generate(&a.intermediate);
    cr_keypair_generate(&a.server);
    a.chain =
        wa_cert_build(&a.root, &a.intermediate, a.server.pub, now_s, WA_CERT_SOUND, random, &arena);
    return a;
}

TEST(a_chain_verifies_under_its_root_for_its_key_in_its_time_only)
{
    struct authority a = make_authority();
    int64_t day = 24 * 3600;
    assert_rc(wa_cert_verify(a.chain, a.server.pub, a.root.pub, now_s, 0), BX_OK);
    assert_rc(wa_cert_verify(a.chain, a.server.pub, WA_CERT_ROOT, now_s, 0), BX_E_CRYPTO);
    assert_rc(wa_cert_verify(a.chain, a.root.pub, a.root.pub, now_s, 0), BX_E_CRYPTO);
    assert_rc(wa_cert_verify(a.chain, a.server.pub, a.root.pub, now_s + 366 * day, 0),
              BX_E_EXPIRED);
    assert_rc(wa_cert_verify(a.chain, a.server.pub, a.root.pub, now_s + 366 * day, 2 * day), BX_OK);
    assert_rc(wa_cert_verify(a.chain, a.server.pub, a.root.pub, now_s - 2 * day, 0), BX_E_EXPIRED);
}

TEST(every_changed_byte_breaks_a_chain)
{
    struct authority a = make_authority();
    uint8_t *bytes = (uint8_t *)bx_arena_strndup(&arena, a.chain.ptr, a.chain.len);
    for (size_t i = 0; i < a.chain.len; i++) {
        bytes[i] ^= 1;
        assert_true(
            wa_cert_verify(bx_str_n(bytes, a.chain.len), a.server.pub, a.root.pub, now_s, 0) < 0);
        bytes[i] ^= 1;
        assert_true(wa_cert_verify(bx_str_n(bytes, i), a.server.pub, a.root.pub, now_s, 0) < 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_roles_reproduce_the_transcript_with_fixed_keys),
        cmocka_unit_test(frames_go_both_ways_in_order_and_no_other_order),
        cmocka_unit_test(calls_out_of_turn_and_broken_messages_are_refused),
        cmocka_unit_test(an_attempt_at_ik_is_answered_as_xx_fallback),
        cmocka_unit_test(a_chain_verifies_under_its_root_for_its_key_in_its_time_only),
        cmocka_unit_test(every_changed_byte_breaks_a_chain),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
