#include "crypto/jwt.h"

#include "base/base64.h"
#include "base/mem.h"
#include "base/test.h"
#include "crypto/hash.h"

static const char key_text[] = "0123456789abcdef0123456789abcdef";
#define key (bx_str(key_text))
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

/* A token with any header and payload, truly signed. */
static struct bx_str forge(const char *header, const char *payload, struct bx_str with_key)
{
    char h[512], p[512], s[128];
    uint8_t mac[CR_SHA256_SIZE];
    bx_base64_encode(BX_BASE64_URL_NOPAD, header, strlen(header), h);
    bx_base64_encode(BX_BASE64_URL_NOPAD, payload, strlen(payload), p);
    struct bx_str body = bx_arena_printf(&arena, "%s.%s", h, p);
    cr_hmac_sha256(with_key, body, mac);
    bx_base64_encode(BX_BASE64_URL_NOPAD, mac, sizeof mac, s);
    return bx_arena_printf(&arena, BX_STR_FMT ".%s", BX_STR_ARG(body), s);
}

static const char good[] = "{\"id\":\"s1\",\"sub\":\"7\",\"iat\":100,\"exp\":200}";
static const char hs256[] = "{\"alg\":\"HS256\",\"typ\":\"JWT\"}";

TEST(an_issued_token_verifies_until_it_expires)
{
    struct cr_jwt_claims claims = {BX_STR("s1"), BX_STR("7"), 100, 200}, out;
    struct bx_str token;
    assert_rc(cr_jwt_issue(key, &claims, &arena, &token), BX_OK);
    assert_rc(cr_jwt_verify(key, token, 199, &arena, &out), BX_OK);
    assert_str(out.id, "s1");
    assert_str(out.sub, "7");
    assert_int_equal(out.iat_s, 100);
    assert_int_equal(out.exp_s, 200);
    assert_rc(cr_jwt_verify(key, token, 200, &arena, &out), BX_E_EXPIRED);
    assert_rc(cr_jwt_verify(BX_STR("another key of 16+ bytes"), token, 150, &arena, &out),
              BX_E_AUTH);
}

TEST(a_token_of_any_other_issuer_with_our_key_verifies)
{
    struct cr_jwt_claims out;
    assert_rc(cr_jwt_verify(key, forge(hs256, good, key), 150, &arena, &out), BX_OK);
    assert_rc(cr_jwt_verify(key, forge("{\"alg\":\"HS256\"}", good, key), 150, &arena, &out),
              BX_OK);
}

static const struct {
    const char *header, *payload;
    const char *why;
} malformed[] = {
    {"{\"alg\":\"none\"}", good, "no algorithm"},
    {"{\"alg\":\"HS512\"}", good, "another HMAC"},
    {"{\"alg\":\"RS256\"}", good, "public key"},
    {"{\"alg\":\"hs256\"}", good, "names are case sensitive"},
    {"{\"typ\":\"JWT\"}", good, "algorithm absent"},
    {"[]", good, "header is no object"},
    {hs256, "[]", "payload is no object"},
    {hs256, "{\"sub\":\"7\",\"iat\":1,\"exp\":9999}", "id absent"},
    {hs256, "{\"id\":\"s\",\"iat\":1,\"exp\":9999}", "sub absent"},
    {hs256, "{\"id\":\"s\",\"sub\":7,\"iat\":1,\"exp\":9999}", "sub is a number"},
    {hs256, "{\"id\":\"s\",\"sub\":\"7\",\"iat\":1}", "exp absent: no eternal token"},
    {hs256, "{\"id\":\"s\",\"sub\":\"7\",\"iat\":1,\"exp\":\"9\"}", "exp is a text"},
    {hs256, "{\"id\":\"s\",\"sub\":\"7\",\"iat\":1,\"exp\":1e99}", "exp is no integer"},
    {hs256, "{\"id\":\"\",\"sub\":\"7\",\"iat\":1,\"exp\":9999}", "id empty"},
};

TEST(a_signed_token_of_the_wrong_shape_is_malformed)
{
    for (size_t i = 0; i < BX_LEN(malformed); i++) {
        struct cr_jwt_claims out;
        struct bx_str token = forge(malformed[i].header, malformed[i].payload, key);
        assert_why(cr_jwt_verify(key, token, 150, &arena, &out) == BX_E_INVALID, malformed[i].why);
    }
}

TEST(broken_texts_are_malformed_and_nothing_is_missing)
{
    static const char *const texts[] = {"x", "a.b", "a.b.c.d", "..", "e30.e30.", "%%.%%.%%", "a b"};
    struct cr_jwt_claims out;
    for (size_t i = 0; i < BX_LEN(texts); i++)
        assert_why(cr_jwt_verify(key, bx_str(texts[i]), 1, &arena, &out) == BX_E_INVALID, texts[i]);
    assert_rc(cr_jwt_verify(key, BX_STR(""), 1, &arena, &out), BX_E_NOT_FOUND);
    assert_string_equal(cr_jwt_failure(BX_E_NOT_FOUND), "missing");
    assert_string_equal(cr_jwt_failure(BX_E_INVALID), "malformed");
    assert_string_equal(cr_jwt_failure(BX_E_EXPIRED), "expired");
    assert_string_equal(cr_jwt_failure(BX_E_AUTH), "invalid");
}

TEST(a_changed_or_missing_signature_is_refused)
{
    struct cr_jwt_claims out;
    struct bx_str token = forge(hs256, good, key);
    char *text = bx_arena_strndup(&arena, token.ptr, token.len);
    size_t dot = token.len - 43;
    for (size_t i = dot; i < token.len; i++) {
        char keep = text[i];
        text[i] = keep == 'A' ? 'g' : 'A';
        assert_rc(cr_jwt_verify(key, bx_str(text), 150, &arena, &out), BX_E_AUTH);
        text[i] = keep;
    }
    text[dot] = '\0';
    assert_rc(cr_jwt_verify(key, bx_str(text), 150, &arena, &out), BX_E_AUTH);
}

TEST(a_weak_key_and_claims_that_make_no_sense_are_not_issued)
{
    struct cr_jwt_claims claims = {BX_STR("s1"), BX_STR("7"), 100, 200};
    struct bx_str token;
    assert_rc(cr_jwt_issue(BX_STR("short"), &claims, &arena, &token), BX_E_INVALID);
    claims.exp_s = 99;
    assert_rc(cr_jwt_issue(key, &claims, &arena, &token), BX_E_INVALID);
    claims = (struct cr_jwt_claims){BX_STR(""), BX_STR("7"), 100, 200};
    assert_rc(cr_jwt_issue(key, &claims, &arena, &token), BX_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_issued_token_verifies_until_it_expires),
        cmocka_unit_test(a_token_of_any_other_issuer_with_our_key_verifies),
        cmocka_unit_test(a_signed_token_of_the_wrong_shape_is_malformed),
        cmocka_unit_test(broken_texts_are_malformed_and_nothing_is_missing),
        cmocka_unit_test(a_changed_or_missing_signature_is_refused),
        cmocka_unit_test(a_weak_key_and_claims_that_make_no_sense_are_not_issued),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
