/* The examples that AWS publishes: those of the S3 API Reference and the Signature Version 4 test
 * suite, with their keys, dates and signatures. */
#include "blob/sigv4.h"

#include "base/mem.h"
#include "base/test.h"

#define NO_BODY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static struct bx_str signature_of(const struct bl_sigv4_keys *keys,
                                  const struct bl_sigv4_request *r, const char *date,
                                  struct bx_buf *out)
{
    assert_rc(bl_sigv4_sign(out, keys, r, date), BX_OK);
    struct bx_str text = bx_buf_view(out);
    return bx_str_slice(text, text.len - 64, text.len);
}

TEST(requests_of_the_s3_reference_have_their_signatures)
{
    static const struct bl_sigv4_keys keys = {{"AKIAIOSFODNN7EXAMPLE", 20},
                                              {"wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", 40},
                                              {"us-east-1", 9},
                                              {"s3", 2}};
#define COMMON(hash)                                                                               \
    {{"Host", 4}, {"examplebucket.s3.amazonaws.com", 30}},                                         \
        {{"x-amz-content-sha256", 20}, {hash, 64}},                                                \
    {                                                                                              \
        {"x-amz-date", 10},                                                                        \
        {                                                                                          \
            "20130524T000000Z", 16                                                                 \
        }                                                                                          \
    }
    static const struct {
        const char *method, *path, *hash, *signature;
        struct bl_pair query[2], headers[6];
        size_t query_count, header_count;
    } rows[] = {
        {"GET",
         "/test.txt",
         NO_BODY,
         "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41",
         {{{0}, {0}}},
         {COMMON(NO_BODY), {{"Range", 5}, {"bytes=0-9", 9}}},
         0,
         4},
        {"PUT",
         "/test$file.text",
         "44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
         "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd",
         {{{0}, {0}}},
         {COMMON("44ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072"),
          {{"Date", 4}, {"Fri, 24 May 2013 00:00:00 GMT", 29}},
          {{"x-amz-storage-class", 19}, {"REDUCED_REDUNDANCY", 18}}},
         0,
         5},
        {"GET",
         "/",
         NO_BODY,
         "fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543",
         {{{"lifecycle", 9}, {"", 0}}},
         {COMMON(NO_BODY)},
         1,
         3},
        {"GET",
         "/",
         NO_BODY,
         "34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7",
         {{{"prefix", 6}, {"J", 1}}, {{"max-keys", 8}, {"2", 1}}},
         {COMMON(NO_BODY)},
         2,
         3},
    };
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        struct bx_buf out;
        bx_buf_init(&out, 0);
        struct bl_sigv4_request r = {
            bx_str(rows[i].method), bx_str(rows[i].path), rows[i].query,       rows[i].query_count,
            rows[i].headers,        rows[i].header_count, bx_str(rows[i].hash)};
        assert_str(signature_of(&keys, &r, "20130524T000000Z", &out), rows[i].signature);
        bx_buf_done(&out);
    }
}

TEST(requests_of_the_test_suite_have_their_signatures)
{
    static const struct bl_sigv4_keys keys = {{"AKIDEXAMPLE", 11},
                                              {"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", 40},
                                              {"us-east-1", 9},
                                              {"service", 7}};
#define HOST_AND_DATE                                                                              \
    {{"Host", 4}, {"example.amazonaws.com", 21}},                                                  \
    {                                                                                              \
        {"X-Amz-Date", 10},                                                                        \
        {                                                                                          \
            "20150830T123600Z", 16                                                                 \
        }                                                                                          \
    }
    static const struct {
        const char *why, *method, *path, *signature;
        struct bl_pair query[2], headers[5];
        size_t query_count, header_count;
    } rows[] = {
        {"get-vanilla",
         "GET",
         "/",
         "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31",
         {{{0}, {0}}},
         {HOST_AND_DATE},
         0,
         2},
        {"post-vanilla",
         "POST",
         "/",
         "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b",
         {{{0}, {0}}},
         {HOST_AND_DATE},
         0,
         2},
        {"get-utf8",
         "GET",
         "/\xe1\x88\xb4",
         "8318018e0b0f223aa2bbf98705b62bb787dc9c0e678f255a891fd03141be5d85",
         {{{0}, {0}}},
         {HOST_AND_DATE},
         0,
         2},
        {"get-unreserved",
         "GET",
         "/-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
         "07ef7494c76fa4850883e2b006601f940f8a34d404d0cfa977f52a65bbf5f24f",
         {{{0}, {0}}},
         {HOST_AND_DATE},
         0,
         2},
        {"get-vanilla-query-order-key-case",
         "GET",
         "/",
         "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
         {{{"Param2", 6}, {"value2", 6}}, {{"Param1", 6}, {"value1", 6}}},
         {HOST_AND_DATE},
         2,
         2},
        {"get-vanilla-utf8-query",
         "GET",
         "/",
         "2cdec8eed098649ff3a119c94853b13c643bcf08f8b0a1d91e12c9027818dd04",
         {{{"\xe1\x88\xb4", 3}, {"bar", 3}}},
         {HOST_AND_DATE},
         1,
         2},
        {"get-header-value-trim",
         "GET",
         "/",
         "acc3ed3afb60bb290fc8d2dd0098b9911fcaa05412b367055dee359757a9c736",
         {{{0}, {0}}},
         {HOST_AND_DATE,
          {{"My-Header1", 10}, {" value1", 7}},
          {{"My-Header2", 10}, {" \"a   b   c\"", 12}}},
         0,
         4},
        {"get-header-key-duplicate",
         "GET",
         "/",
         "c9d5ea9f3f72853aea855b47ea873832890dbdd183b4468f858259531a5138ea",
         {{{0}, {0}}},
         {HOST_AND_DATE,
          {{"My-Header1", 10}, {"value2", 6}},
          {{"My-Header1", 10}, {"value2", 6}},
          {{"My-Header1", 10}, {"value1", 6}}},
         0,
         5},
    };
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        struct bx_buf out;
        bx_buf_init(&out, 0);
        struct bl_sigv4_request r = {
            bx_str(rows[i].method), bx_str(rows[i].path), rows[i].query,  rows[i].query_count,
            rows[i].headers,        rows[i].header_count, BX_STR(NO_BODY)};
        struct bx_str got = signature_of(&keys, &r, "20150830T123600Z", &out);
        assert_why(bx_str_eq(got, bx_str(rows[i].signature)), rows[i].why);
        bx_buf_done(&out);
    }
}

TEST(what_libcurl_signs_wrongly_is_encoded_and_sorted)
{
    static const struct bl_pair query[] = {
        {{"uploads", 7}, {"", 0}}, {{"prefix", 6}, {"a/b c+d", 7}}, {{"list-type", 9}, {"2", 1}}};
    struct bx_buf out;
    bx_buf_init(&out, 0);
    assert_rc(bl_sigv4_query(&out, query, 3), BX_OK);
    assert_str(bx_buf_view(&out), "list-type=2&prefix=a%2Fb%20c%2Bd&uploads=");
    bx_buf_clear(&out, 0);
    assert_rc(bl_uri_encode(&out, BX_STR("/bucket/a+b c~"), true), BX_OK);
    assert_str(bx_buf_view(&out), "/bucket/a%2Bb%20c~");
    bx_buf_done(&out);
    char date[BL_AMZ_DATE_SIZE];
    bl_amz_date(1369353600000, date);
    assert_string_equal(date, "20130524T000000Z");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(requests_of_the_s3_reference_have_their_signatures),
        cmocka_unit_test(requests_of_the_test_suite_have_their_signatures),
        cmocka_unit_test(what_libcurl_signs_wrongly_is_encoded_and_sorted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
