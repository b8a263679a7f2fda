#include "crypto/curve.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/test.h"

#include <openssl/evp.h>

/* Made by the JavaScript libsignal; the last ones carry the old sign bit. */
static const struct {
    const char *pub, *msg, *sig;
    int sign_bit;
} signatures[] = {
    {"a7e0446ee025953a1522005c2a6a298afce4582fdbcb7ae90df29e22704e4a26", "00010203040506070809",
     "2d8adcd215968675176e9f13457d16ce3e25f262fc8232fbb6706fceca3ed01b"
     "f941e7e322b9bc93b63c5d3039523693b609d7d776f963ba22b453edbf62dc0b",
     0},
    {"3ba80529279ce9ea5e379fd5e6c5a95ddc913bcb7ac2261d5ce29f644f49fa5e", "000102030405060708090a",
     "7d4818d6594f7553e4332bb0188af467802330bc8133287e876f91ad61845883"
     "e07d358033ed3e9db45f351918e4c77362115183655cd0f0a450bddbbf75ab0c",
     0},
    {"bb61a5cd9f041098b9e96ed4da422aec94b8477b91bb1d96fbb1580276fd5319", "000102030405060708090a0b",
     "df464017bfe8b452d03666691438ae01c948ab60946c2a610d6460d16454b34d"
     "e298371695527195f56f00055379e86572335700e02c97c2f90f63215e08e808",
     0},
    {"05dda85258829890bcb82a00d474dc5439945d2973573672004d45c4b10a200e",
     "000102030405060708090a0b0c",
     "96fd4fe6105a651b540890c60fba323f0e9b961ed77602f95256c868b069ba98"
     "ce89945817c231fc56213358f0b5e8f205795f64b243d3a135d23b2ab4d8168a",
     1},
    {"5b60d1af7a528b05233bd7a2780f3dc2ac3a4a37389babbfd109961636777119",
     "000102030405060708090a0b0c0d",
     "85b9863dc07f464bc2f727a3d49911b9c419d567421fbfcfe5335055c911ff0e"
     "172147133f191ea72bb2d3c5a9f3bbacba1205b6909c7188974d35d836e4aa81",
     1},
    {"4596d4b4e046577fd84c76fad2418bb0f0fe4f0498096056caff3ecf55292151",
     "000102030405060708090a0b0c0d0e",
     "a376ca6dc58d2510dfdebbcf4db899be58b16ffe2183e9fbc8258754255b0b0a"
     "04a223ebcf06cd2a7abc2331d46a70b0422deba5623e87e1755933cd57545f08",
     0},
};

static void unhex(const char *hex, uint8_t *out)
{
    assert_rc(bx_hex_decode(bx_str(hex), out, strlen(hex) / 2), BX_OK);
}

TEST(signatures_of_another_implementation_verify)
{
    size_t with_sign_bit = 0;
    for (size_t i = 0; i < BX_LEN(signatures); i++) {
        uint8_t pub[32], sig[64], msg[64];
        size_t msg_len = strlen(signatures[i].msg) / 2;
        unhex(signatures[i].pub, pub);
        unhex(signatures[i].sig, sig);
        unhex(signatures[i].msg, msg);
        with_sign_bit += sig[63] >> 7;
        assert_int_equal(sig[63] >> 7, signatures[i].sign_bit);
        assert_true(cr_verify(pub, bx_str_n(msg, msg_len), sig));
        msg[0] ^= 1;
        assert_false(cr_verify(pub, bx_str_n(msg, msg_len), sig));
    }
    assert_true(with_sign_bit > 0);
}

TEST(our_signatures_verify_and_every_change_breaks_them)
{
    for (int round = 0; round < 50; round++) {
        struct cr_keypair pair;
        uint8_t random[64], sig[64];
        struct bx_str text = BX_STR("a message");
        cr_keypair_generate(&pair);
        bx_random(random, sizeof random);
        cr_sign(pair.priv, text, random, sig);
        assert_int_equal(sig[63] >> 7, 0);
        assert_true(cr_verify(pair.pub, text, sig));
        for (size_t at = 0; at < sizeof sig; at += 7) {
            sig[at] ^= 1;
            assert_false(cr_verify(pair.pub, text, sig));
            sig[at] ^= 1;
        }
        assert_false(cr_verify(pair.pub, BX_STR("A message"), sig));
        pair.pub[3] ^= 1;
        assert_false(cr_verify(pair.pub, text, sig));
    }
}

TEST(a_zero_signature_and_keys_off_the_curve_are_refused)
{
    uint8_t pub[32], sig[64] = {0};
    memset(pub, 0, sizeof pub);
    assert_false(cr_verify(pub, BX_STR("x"), sig));
    memset(pub, 0xff, sizeof pub);
    assert_false(cr_verify(pub, BX_STR("x"), sig));
    unhex(signatures[0].pub, pub);
    assert_false(cr_verify(pub, BX_STR("x"), sig));
}

static EVP_PKEY *openssl_key(const uint8_t priv[32])
{
    EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL, priv, 32);
    assert_non_null(key);
    return key;
}

TEST(public_keys_and_secrets_agree_with_openssl)
{
    for (int round = 0; round < 100; round++) {
        struct cr_keypair ours, peer;
        uint8_t want[32], got[32];
        size_t len = sizeof want;
        cr_keypair_generate(&ours);
        cr_keypair_generate(&peer);
        EVP_PKEY *a = openssl_key(ours.priv), *b = openssl_key(peer.priv);
        assert_int_equal(EVP_PKEY_get_raw_public_key(a, want, &len), 1);
        assert_memory_equal(ours.pub, want, sizeof want);
        EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(a, NULL);
        assert_int_equal(EVP_PKEY_derive_init(ctx), 1);
        assert_int_equal(EVP_PKEY_derive_set_peer(ctx, b), 1);
        assert_int_equal(EVP_PKEY_derive(ctx, want, &len), 1);
        assert_rc(cr_agree(ours.priv, peer.pub, got), BX_OK);
        assert_memory_equal(got, want, sizeof want);
        assert_rc(cr_agree(peer.priv, ours.pub, got), BX_OK);
        assert_memory_equal(got, want, sizeof want);
        EVP_PKEY_CTX_free(ctx);
        EVP_PKEY_free(a);
        EVP_PKEY_free(b);
    }
}

TEST(a_low_order_key_gives_no_secret)
{
    struct cr_keypair pair;
    uint8_t zero[32] = {0}, one[32] = {1}, out[32];
    cr_keypair_generate(&pair);
    assert_rc(cr_agree(pair.priv, zero, out), BX_E_CRYPTO);
    assert_rc(cr_agree(pair.priv, one, out), BX_E_CRYPTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_of_another_implementation_verify),
        cmocka_unit_test(our_signatures_verify_and_every_change_breaks_them),
        cmocka_unit_test(a_zero_signature_and_keys_off_the_curve_are_refused),
        cmocka_unit_test(public_keys_and_secrets_agree_with_openssl),
        cmocka_unit_test(a_low_order_key_gives_no_secret),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
