#include "crypto/hash.h"

#include "base/mem.h"
#include "base/test.h"
#include "crypto/hkdf.h"

#define assert_hex(bytes, len, want)                                                               \
    do {                                                                                           \
        char hex_got[512];                                                                         \
        bx_hex_encode((bytes), (len), hex_got);                                                    \
        assert_string_equal(hex_got, want);                                                        \
    } while (0)

TEST(digests_match_the_published_values_of_abc)
{
    uint8_t out[CR_SHA512_SIZE];
    cr_md5(BX_STR("abc"), out);
    assert_hex(out, CR_MD5_SIZE, "900150983cd24fb0d6963f7d28e17f72");
    cr_sha1(BX_STR("abc"), out);
    assert_hex(out, CR_SHA1_SIZE, "a9993e364706816aba3e25717850c26c9cd0d89d");
    cr_sha256(BX_STR("abc"), out);
    assert_hex(out, CR_SHA256_SIZE,
               "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    cr_sha512(BX_STR("abc"), out);
    assert_hex(out, CR_SHA512_SIZE,
               "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
               "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f");
}

/* RFC 4231, cases 1 and 2 */
TEST(hmac_matches_rfc_4231_in_one_piece_and_in_several)
{
    uint8_t key[20], out[CR_SHA512_SIZE];
    memset(key, 0x0b, sizeof key);
    cr_hmac_sha256(bx_str_n(key, sizeof key), BX_STR("Hi There"), out);
    assert_hex(out, CR_SHA256_SIZE,
               "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
    struct bx_str parts[] = {BX_STR("what do ya want "), BX_STR(""), BX_STR("for nothing?")};
    cr_hmac_sha256_v(BX_STR("Jefe"), parts, 3, out);
    assert_hex(out, CR_SHA256_SIZE,
               "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    cr_hmac_sha512_v(BX_STR("Jefe"), parts, 3, out);
    assert_hex(out, CR_SHA512_SIZE,
               "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
               "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
}

TEST(an_empty_key_is_a_key)
{
    uint8_t out[CR_SHA256_SIZE];
    cr_hmac_sha256(bx_str_n(NULL, 0), BX_STR(""), out);
    assert_hex(out, sizeof out, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST(streams_agree_with_one_call_and_start_over_after_final)
{
    uint8_t whole[CR_SHA512_SIZE], out[CR_SHA512_SIZE];
    struct cr_digest *d = cr_digest_new(CR_DIGEST_SHA256);
    cr_sha256(BX_STR("abc"), whole);
    for (int round = 0; round < 2; round++) {
        cr_digest_update(d, "a", 1);
        cr_digest_update(d, "bc", 2);
        cr_digest_final(d, out);
        assert_memory_equal(out, whole, CR_SHA256_SIZE);
    }
    cr_digest_free(d);
    struct bx_str text = BX_STR("abc");
    struct cr_hmac *h = cr_hmac_new(CR_DIGEST_SHA512, BX_STR("key"));
    cr_hmac_sha512_v(BX_STR("key"), &text, 1, whole);
    for (int round = 0; round < 2; round++) {
        cr_hmac_update(h, "ab", 2);
        cr_hmac_update(h, "c", 1);
        cr_hmac_final(h, out);
        assert_memory_equal(out, whole, CR_SHA512_SIZE);
    }
    cr_hmac_free(h);
}

/* RFC 5869, cases 1 and 3 */
TEST(hkdf_matches_rfc_5869)
{
    uint8_t ikm[22], salt[13], info[10], out[42];
    memset(ikm, 0x0b, sizeof ikm);
    for (uint8_t i = 0; i < 13; i++)
        salt[i] = i;
    for (uint8_t i = 0; i < 10; i++)
        info[i] = (uint8_t)(0xf0 + i);
    cr_hkdf_sha256(bx_str_n(salt, 13), bx_str_n(ikm, 22), bx_str_n(info, 10), out, sizeof out);
    assert_hex(
        out, sizeof out,
        "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865");
    cr_hkdf_sha256(BX_STR(""), bx_str_n(ikm, 22), BX_STR(""), out, sizeof out);
    assert_hex(
        out, sizeof out,
        "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8");
}

TEST(pbkdf2_matches_rfc_7914)
{
    uint8_t out[64];
    cr_pbkdf2_sha256(BX_STR("passwd"), BX_STR("salt"), 1, out, sizeof out);
    assert_hex(out, sizeof out,
               "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"
               "49ca9cccf179b645991664b39d77ef317c71b845b1e30bd509112041d3a19783");
}

TEST(comparison_sees_every_byte)
{
    uint8_t a[32] = {0}, b[32] = {0};
    assert_true(cr_equal(a, b, sizeof a));
    for (size_t i = 0; i < sizeof a; i++) {
        b[i] = 0x80;
        assert_false(cr_equal(a, b, sizeof a));
        b[i] = 0;
    }
    assert_true(cr_equal(a, b, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(digests_match_the_published_values_of_abc),
        cmocka_unit_test(hmac_matches_rfc_4231_in_one_piece_and_in_several),
        cmocka_unit_test(an_empty_key_is_a_key),
        cmocka_unit_test(streams_agree_with_one_call_and_start_over_after_final),
        cmocka_unit_test(hkdf_matches_rfc_5869),
        cmocka_unit_test(pbkdf2_matches_rfc_7914),
        cmocka_unit_test(comparison_sees_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
