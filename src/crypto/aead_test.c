#include "crypto/aead.h"

#include "base/mem.h"
#include "base/test.h"

#include <pthread.h>

#define assert_hex(bytes, len, want)                                                               \
    do {                                                                                           \
        char hex_got[512];                                                                         \
        bx_hex_encode((bytes), (len), hex_got);                                                    \
        assert_string_equal(hex_got, want);                                                        \
    } while (0)

/* The GCM specification (McGrew, Viega), test case 16 */
static const char gcm_key[] = "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308";
static const char gcm_iv[] = "cafebabefacedbaddecaf888";
static const char gcm_aad[] = "feedfacedeadbeeffeedfacedeadbeefabaddad2";
static const char gcm_plain[] = "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                                "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39";
static const char gcm_sealed[] = "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                                 "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                                 "76fc6ece0f4e1768cddf8853bb2d551b";

TEST(gcm_matches_the_specification_and_refuses_every_flipped_bit)
{
    uint8_t key[32], iv[12], aad[20], plain[60], sealed[76], out[76];
    bx_hex_decode(bx_str(gcm_key), key, sizeof key);
    bx_hex_decode(bx_str(gcm_iv), iv, sizeof iv);
    bx_hex_decode(bx_str(gcm_aad), aad, sizeof aad);
    bx_hex_decode(bx_str(gcm_plain), plain, sizeof plain);
    struct bx_str a = bx_str_n(aad, sizeof aad);
    cr_gcm_seal(key, iv, a, bx_str_n(plain, sizeof plain), sealed);
    assert_hex(sealed, sizeof sealed, gcm_sealed);
    assert_rc(cr_gcm_open(key, iv, a, bx_str_n(sealed, sizeof sealed), out), BX_OK);
    assert_memory_equal(out, plain, sizeof plain);
    for (size_t bit = 0; bit < 8 * sizeof sealed; bit++) {
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_rc(cr_gcm_open(key, iv, a, bx_str_n(sealed, sizeof sealed), out), BX_E_CRYPTO);
        sealed[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_rc(cr_gcm_open(key, iv, BX_STR("other"), bx_str_n(sealed, sizeof sealed), out),
              BX_E_CRYPTO);
    assert_rc(cr_gcm_open(key, iv, a, bx_str_n(sealed, 15), out), BX_E_CRYPTO);
}

TEST(gcm_seals_nothing_and_works_in_place)
{
    uint8_t key[32] = {1}, iv[12] = {2}, buf[16 + 5] = "hello";
    uint8_t empty[16];
    cr_gcm_seal(key, iv, BX_STR(""), BX_STR(""), empty);
    assert_rc(cr_gcm_open(key, iv, BX_STR(""), bx_str_n(empty, 16), empty), BX_OK);
    cr_gcm_seal(key, iv, BX_STR(""), bx_str_n(buf, 5), buf);
    assert_rc(cr_gcm_open(key, iv, BX_STR(""), bx_str_n(buf, sizeof buf), buf), BX_OK);
    assert_memory_equal(buf, "hello", 5);
}

/* NIST SP 800-38A, F.2.5 (first two blocks) */
TEST(cbc_matches_nist_and_pads)
{
    uint8_t key[32], iv[16], plain[32], out[48], back[48];
    size_t len;
    bx_hex_decode(bx_str("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"), key,
                  sizeof key);
    bx_hex_decode(bx_str("000102030405060708090a0b0c0d0e0f"), iv, sizeof iv);
    bx_hex_decode(bx_str("6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51"), plain,
                  sizeof plain);
    cr_cbc_encrypt(key, iv, bx_str_n(plain, sizeof plain), out);
    assert_hex(out, 32, "f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d");
    for (size_t n = 0; n <= sizeof plain; n++) {
        cr_cbc_encrypt(key, iv, bx_str_n(plain, n), out);
        assert_rc(cr_cbc_decrypt(key, iv, bx_str_n(out, CR_CBC_SIZE(n)), back, &len), BX_OK);
        assert_int_equal(len, n);
        assert_memory_equal(back, plain, n);
    }
    assert_rc(cr_cbc_decrypt(key, iv, bx_str_n(out, 0), back, &len), BX_E_CRYPTO);
    assert_rc(cr_cbc_decrypt(key, iv, bx_str_n(out, 17), back, &len), BX_E_CRYPTO);
    memset(out, 0, sizeof out);
    assert_rc(cr_cbc_decrypt(key, iv, bx_str_n(out, 48), back, &len), BX_E_CRYPTO);
}

/* NIST SP 800-38A, F.5.5 (first block) */
TEST(ctr_matches_nist_and_is_its_own_inverse)
{
    uint8_t key[32], iv[16], data[16];
    bx_hex_decode(bx_str("603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4"), key,
                  sizeof key);
    bx_hex_decode(bx_str("f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff"), iv, sizeof iv);
    bx_hex_decode(bx_str("6bc1bee22e409f96e93d7e117393172a"), data, sizeof data);
    cr_ctr_xor(key, iv, bx_str_n(data, sizeof data), data);
    assert_hex(data, sizeof data, "601ec313775789a5b7a7f504bbf3d228");
    cr_ctr_xor(key, iv, bx_str_n(data, sizeof data), data);
    assert_hex(data, sizeof data, "6bc1bee22e409f96e93d7e117393172a");
}

static void *seal_and_open(void *arg)
{
    uint8_t key[32] = {3}, iv[12] = {4}, buf[256], out[256];
    memset(buf, 7, sizeof buf);
    size_t *failures = arg;
    for (int i = 0; i < 2000; i++) {
        iv[0] = (uint8_t)i;
        cr_gcm_seal(key, iv, BX_STR("x"), bx_str_n(buf, 100), out);
        *failures += cr_gcm_open(key, iv, BX_STR("x"), bx_str_n(out, 116), out) < 0;
    }
    return NULL;
}

TEST(threads_share_the_algorithms)
{
    pthread_t threads[4];
    size_t failures[4] = {0};
    for (size_t i = 0; i < 4; i++)
        pthread_create(&threads[i], NULL, seal_and_open, &failures[i]);
    for (size_t i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(failures[i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_share_the_algorithms),
        cmocka_unit_test(gcm_matches_the_specification_and_refuses_every_flipped_bit),
        cmocka_unit_test(gcm_seals_nothing_and_works_in_place),
        cmocka_unit_test(cbc_matches_nist_and_pads),
        cmocka_unit_test(ctr_matches_nist_and_is_its_own_inverse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
