#include "base/base64.h"
#include "base/mem.h"
#include "base/test.h"

static const struct {
    const char *plain, *coded;
} rfc4648[] = {{"", ""},
               {"f", "Zg=="},
               {"fo", "Zm8="},
               {"foo", "Zm9v"},
               {"foob", "Zm9vYg=="},
               {"fooba", "Zm9vYmE="},
               {"foobar", "Zm9vYmFy"}};

TEST(vectors_of_rfc_4648_hold_both_ways)
{
    for (size_t i = 0; i < BX_LEN(rfc4648); i++) {
        char coded[16];
        uint8_t plain[16];
        size_t len;
        bx_base64_encode(BX_BASE64_STD, rfc4648[i].plain, strlen(rfc4648[i].plain), coded);
        assert_string_equal(coded, rfc4648[i].coded);
        assert_rc(bx_base64_decode(bx_str(coded), plain, &len), BX_OK);
        assert_str(bx_str_n(plain, len), rfc4648[i].plain);
    }
}

static const struct {
    const char *text;
    int rc;
    const char *why;
} inputs[] = {
    {"Zg", BX_OK, "missing padding is accepted"},
    {"-_-_", BX_OK, "URL alphabet is accepted"},
    {"Z", BX_E_INVALID, "a single digit holds no byte"},
    {"Zg=", BX_E_INVALID, "half of the padding"},
    {"Zg==Zg==", BX_E_INVALID, "data behind the padding"},
    {"Zm9v\n", BX_E_INVALID, "white space"},
    {"====", BX_E_INVALID, "padding alone"},
    {"Zm\x80v", BX_E_INVALID, "high byte"},
};

TEST(decoding_accepts_what_clients_send_and_refuses_the_rest)
{
    for (size_t i = 0; i < BX_LEN(inputs); i++) {
        uint8_t out[16];
        size_t len;
        assert_why(bx_base64_decode(bx_str(inputs[i].text), out, &len) == inputs[i].rc,
                   inputs[i].why);
    }
}

TEST(url_alphabet_without_padding_is_for_identifiers)
{
    char coded[BX_BASE64_SIZE(2)];
    assert_int_equal(bx_base64_encode(BX_BASE64_URL_NOPAD, "\xfb\xff", 2, coded), 3);
    assert_string_equal(coded, "-_8");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vectors_of_rfc_4648_hold_both_ways),
        cmocka_unit_test(decoding_accepts_what_clients_send_and_refuses_the_rest),
        cmocka_unit_test(url_alphabet_without_padding_is_for_identifiers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
