#include "base/clock.h"
#include "base/mem.h"
#include "crypto/hkdf.h"
#include "wa/signal/adv.h"
#include "wa/signal/media_crypto.h"
#include "wa/signal/pair_code.h"
#include "wa/signal/secret.h"
#include "wa/vectors.h"

static struct bx_arena arena;

static int teardown(void **state)
{
    (void)state;
    bx_arena_done(&arena);
    return 0;
}

TEST(a_device_accepts_the_identity_that_another_phone_issued)
{
    const json_t *v = vector_topic("adv");
    uint8_t secret[32], account[33], priv[32], container[512], random[64], sample[64];
    struct bx_str sealed = vector_hex(v, "container", container, sizeof container);
    struct cr_keypair device;
    struct wa_adv_accepted got;
    vector_hex(v, "advSecret", secret, 32);
    vector_hex(v, "accountPub", account, 33);
    vector_hex(v, "devicePriv", priv, 32);
    vector_hex(v, "sampleDeviceSignature", sample, 64);
    cr_keypair_from_private(priv, &device);
    bx_random(random, sizeof random);
    assert_rc(wa_adv_accept(sealed, secret, &device, random, &arena, &got), BX_OK);
    assert_int_equal(got.device.raw_id, 7);
    assert_int_equal(got.device.key_index, 2);
    assert_memory_equal(got.account_key, account + 1, 32);
    assert_rc(wa_adv_verify(got.identity, NULL, device.pub), BX_OK);
    assert_rc(wa_adv_verify(got.answer, NULL, device.pub), BX_E_INVALID);
    assert_rc(wa_adv_verify(got.answer, got.account_key, device.pub), BX_OK);
    secret[0] ^= 1;
    assert_rc(wa_adv_accept(sealed, secret, &device, random, &arena, &got), BX_E_AUTH);
    secret[0] ^= 1;
    cr_keypair_generate(&device);
    assert_rc(wa_adv_accept(sealed, secret, &device, random, &arena, &got), BX_E_CRYPTO);
}

TEST(our_phone_and_our_device_agree_hosted_or_not)
{
    for (int hosted = 0; hosted < 2; hosted++) {
        struct cr_keypair account, device;
        struct wa_adv_accepted got;
        uint8_t secret[32] = {1}, random[64];
        struct bx_str complete;
        struct wa_adv_device plan = {.raw_id = 9, .key_index = 4, .is_hosted = hosted};
        cr_keypair_generate(&account);
        cr_keypair_generate(&device);
        bx_random(random, sizeof random);
        struct bx_str sealed = wa_adv_issue(&account, &plan, device.pub, secret, random, &arena);
        assert_rc(wa_adv_accept(sealed, secret, &device, random, &arena, &got), BX_OK);
        assert_int_equal(got.device.is_hosted, hosted);
        assert_rc(wa_adv_complete(got.answer, account.pub, &arena, &complete), BX_OK);
        assert_true(bx_str_eq(complete, got.identity));
        assert_rc(wa_adv_verify(complete, NULL, account.pub), BX_E_CRYPTO);
    }
}

TEST(media_keys_match_for_every_kind)
{
    static const struct {
        const char *type;
        enum wa_media_kind kind;
    } kinds[] = {{"image", WA_MEDIA_IMAGE},
                 {"video", WA_MEDIA_VIDEO},
                 {"audio", WA_MEDIA_AUDIO},
                 {"document", WA_MEDIA_DOCUMENT},
                 {"md-msg-hist", WA_MEDIA_HISTORY},
                 {"md-app-state", WA_MEDIA_APP_STATE},
                 {"sticker", WA_MEDIA_IMAGE},
                 {"ptt", WA_MEDIA_AUDIO},
                 {"thumbnail-link", WA_MEDIA_LINK_THUMBNAIL}};
    const json_t *v;
    size_t i, checked = 0;
    json_array_foreach(vector_topic("mediaKeys"), i, v)
    {
        for (size_t k = 0; k < BX_LEN(kinds); k++) {
            uint8_t key[32], want[32];
            struct wa_media_keys got;
            if (strcmp(vector_text(v, "type"), kinds[k].type) != 0)
                continue;
            vector_hex(v, "mediaKey", key, 32);
            wa_media_derive(kinds[k].kind, key, &got);
            vector_hex(v, "iv", want, 32);
            assert_memory_equal(got.iv, want, 16);
            vector_hex(v, "cipherKey", want, 32);
            assert_memory_equal(got.cipher_key, want, 32);
            vector_hex(v, "macKey", want, 32);
            assert_memory_equal(got.mac_key, want, 32);
            checked++;
        }
    }
    assert_int_equal(checked, json_array_size(vector_topic("mediaKeys")));
}

TEST(media_comes_back_and_every_damage_is_noticed)
{
    uint8_t key[32] = {5}, other[32] = {0};
    struct wa_media_hashes h;
    struct bx_buf file, plain;
    bx_buf_init(&file, 0);
    bx_buf_init(&plain, 0);
    assert_rc(wa_media_encrypt(WA_MEDIA_IMAGE, key, BX_STR("picture"), &file, &h), BX_OK);
    assert_int_equal(file.len, 16 + 10);
    struct bx_str f = bx_buf_view(&file);
    assert_rc(wa_media_decrypt(WA_MEDIA_IMAGE, key, f, h.enc_sha256, h.plain_sha256, &plain),
              BX_OK);
    assert_str(bx_buf_view(&plain), "picture");
    assert_rc(wa_media_decrypt(WA_MEDIA_IMAGE, key, f, other, NULL, &plain), BX_E_CRYPTO);
    assert_rc(wa_media_decrypt(WA_MEDIA_IMAGE, key, f, NULL, other, &plain), BX_E_CRYPTO);
    assert_rc(wa_media_decrypt(WA_MEDIA_VIDEO, key, f, NULL, NULL, &plain), BX_E_CRYPTO);
    for (size_t i = 0; i < file.len; i++) {
        file.data[i] ^= 1;
        assert_rc(wa_media_decrypt(WA_MEDIA_IMAGE, key, f, NULL, NULL, &plain), BX_E_CRYPTO);
        file.data[i] ^= 1;
    }
    assert_int_equal(plain.len, 7);
    bx_buf_done(&file);
    bx_buf_done(&plain);
}

TEST(a_poll_vote_of_baileys_opens_and_ours_is_the_same)
{
    const json_t *v = vector_topic("pollVote");
    uint8_t secret[32], iv[12], ct[128], want[32];
    struct bx_str sealed = vector_hex(v, "ct", ct, sizeof ct), plain;
    vector_hex(v, "secret", secret, 32);
    vector_hex(v, "iv", iv, 12);
    vector_hex(v, "baileysDecryptsTo", want, 32);
    struct wa_secret s = {.use = WA_SECRET_POLL_VOTE,
                          .secret = secret,
                          .message_id = bx_str(vector_text(v, "pid")),
                          .original_jid = bx_str(vector_text(v, "creator")),
                          .sender_jid = bx_str(vector_text(v, "voter"))};
    assert_rc(wa_secret_open(&s, bx_str_n(iv, 12), sealed, &arena, &plain), BX_OK);
    assert_int_equal(plain.len, 34);
    assert_memory_equal(plain.ptr + 2, want, 32);
    assert_true(bx_str_eq(wa_secret_seal(&s, iv, plain, &arena), sealed));
    s.use = WA_SECRET_REACTION;
    assert_rc(wa_secret_open(&s, bx_str_n(iv, 12), sealed, &arena, &plain), BX_E_CRYPTO);
}

TEST(pairing_codes_and_their_key_match)
{
    const json_t *v = vector_topic("pairingKey");
    const json_t *crockford = vector_get(v, "crockford");
    uint8_t bytes[5], salt[32], want[32], got[32];
    char code[WA_PAIR_CODE_LEN + 1];
    vector_hex(crockford, "bytes", bytes, 5);
    wa_pair_code_make(bytes, code);
    assert_string_equal(code, vector_text(crockford, "code"));
    struct bx_str s = vector_hex(v, "salt", salt, 32);
    vector_hex(v, "pbkdf2_131072_sha256", want, 32);
    cr_pbkdf2_sha256(bx_str(vector_text(v, "code")), s, 131072, got, 32);
    assert_memory_equal(got, want, 32);
}

TEST(phone_and_device_end_with_the_same_adv_secret)
{
    struct cr_keypair ce, ci, pe, pi;
    uint8_t random[76], wrapped[WA_PAIR_WRAPPED_SIZE], bundle[WA_PAIR_BUNDLE_SIZE];
    uint8_t eph[32], device_secret[32], phone_secret[32];
    cr_keypair_generate(&ce);
    cr_keypair_generate(&ci);
    cr_keypair_generate(&pe);
    cr_keypair_generate(&pi);
    bx_random(random, sizeof random);
    wa_pair_wrap(BX_STR("ABCD1234"), random, ce.pub, wrapped);
    assert_rc(wa_pair_unwrap(BX_STR("ABCD1234"), bx_str_n(wrapped, sizeof wrapped), eph), BX_OK);
    assert_memory_equal(eph, ce.pub, 32);
    assert_rc(wa_pair_bundle(&ce, pe.pub, &ci, pi.pub, random, bundle, device_secret), BX_OK);
    struct bx_str b = bx_str_n(bundle, sizeof bundle);
    assert_rc(wa_pair_open_bundle(&pe, eph, &pi, ci.pub, b, phone_secret), BX_OK);
    assert_memory_equal(device_secret, phone_secret, 32);
    assert_rc(wa_pair_open_bundle(&pe, eph, &pi, pi.pub, b, phone_secret), BX_E_CRYPTO);
    assert_rc(wa_pair_unwrap(BX_STR("ABCD1235"), bx_str_n(wrapped, sizeof wrapped), eph), BX_OK);
    assert_rc(wa_pair_open_bundle(&pe, eph, &pi, ci.pub, b, phone_secret), BX_E_CRYPTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_device_accepts_the_identity_that_another_phone_issued),
        cmocka_unit_test(our_phone_and_our_device_agree_hosted_or_not),
        cmocka_unit_test(media_keys_match_for_every_kind),
        cmocka_unit_test(media_comes_back_and_every_damage_is_noticed),
        cmocka_unit_test(a_poll_vote_of_baileys_opens_and_ours_is_the_same),
        cmocka_unit_test(pairing_codes_and_their_key_match),
        cmocka_unit_test(phone_and_device_end_with_the_same_adv_secret),
    };
    bx_arena_init(&arena, 0);
    return cmocka_run_group_tests(tests, NULL, teardown);
}
