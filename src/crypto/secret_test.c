#include "crypto/secret.h"

#include "base/test.h"

static const uint8_t key[CR_SECRET_KEY_SIZE] = {1, 2, 3};

TEST(a_box_opens_with_its_key_and_its_context_only)
{
    uint8_t box[5 + CR_SECRET_OVERHEAD], again[sizeof box], out[5], other[32] = {9};
    struct bx_str b = bx_str_n(box, sizeof box);
    cr_secret_seal(key, BX_STR("session:1"), BX_STR("creds"), box);
    cr_secret_seal(key, BX_STR("session:1"), BX_STR("creds"), again);
    assert_memory_not_equal(box, again, sizeof box);
    assert_rc(cr_secret_open(key, BX_STR("session:1"), b, out), BX_OK);
    assert_memory_equal(out, "creds", 5);
    assert_rc(cr_secret_open(key, BX_STR("session:2"), b, out), BX_E_CRYPTO);
    assert_rc(cr_secret_open(other, BX_STR("session:1"), b, out), BX_E_CRYPTO);
}

TEST(a_damaged_or_cut_box_does_not_open)
{
    uint8_t box[5 + CR_SECRET_OVERHEAD], out[64];
    cr_secret_seal(key, BX_STR("c"), BX_STR("creds"), box);
    for (size_t i = 0; i < sizeof box; i++) {
        box[i] ^= 4;
        assert_rc(cr_secret_open(key, BX_STR("c"), bx_str_n(box, sizeof box), out),
                  i == 0 ? BX_E_VERSION : BX_E_CRYPTO);
        box[i] ^= 4;
        assert_rc(cr_secret_open(key, BX_STR("c"), bx_str_n(box, i), out), BX_E_CRYPTO);
    }
}

TEST(purposes_have_keys_of_their_own)
{
    uint8_t a[32], b[32], again[32];
    cr_secret_subkey(key, BX_STR("sessions"), a);
    cr_secret_subkey(key, BX_STR("media"), b);
    cr_secret_subkey(key, BX_STR("sessions"), again);
    assert_memory_equal(a, again, 32);
    assert_memory_not_equal(a, b, 32);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_box_opens_with_its_key_and_its_context_only),
        cmocka_unit_test(a_damaged_or_cut_box_does_not_open),
        cmocka_unit_test(purposes_have_keys_of_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
