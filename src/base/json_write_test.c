#include "base/json_scan.h"
#include "base/json_write.h"
#include "base/test.h"

#include <math.h>

TEST(commas_and_nesting_are_the_writers_business)
{
    struct bx_buf out;
    struct bx_json_writer w;
    bx_buf_init(&out, 0);
    bx_json_writer_init(&w, &out);
    bx_json_object(&w);
    bx_json_key_i64(&w, "a", -7);
    bx_json_key(&w, "b");
    bx_json_array(&w);
    bx_json_bool(&w, true);
    bx_json_null(&w);
    bx_json_double(&w, (double)NAN);
    bx_json_object(&w);
    bx_json_end(&w);
    bx_json_end(&w);
    assert_rc(bx_json_writer_rc(&w), BX_E_STATE);
    bx_json_key_time(&w, "t", 0);
    bx_json_key_raw(&w, "r", BX_STR("[1]"));
    bx_json_end(&w);
    assert_rc(bx_json_writer_rc(&w), BX_OK);
    assert_str(bx_buf_view(&out),
               "{\"a\":-7,\"b\":[true,null,null,{}],\"t\":\"1970-01-01T00:00:00.000Z\",\"r\":[1]}");
    bx_buf_done(&out);
}

TEST(any_bytes_become_a_valid_json_string)
{
    struct bx_buf out;
    struct bx_str value;
    bx_buf_init(&out, 0);
    assert_rc(bx_json_escape(&out, bx_str_n("a\"\\\n\x01\xff\xc3\xa9\0z\x7f", 11)), BX_OK);
    assert_str(bx_buf_view(&out), "\"a\\\"\\\\\\n\\u0001\xef\xbf\xbd\xc3\xa9\\u0000z\x7f\"");
    assert_rc(bx_json_check(bx_buf_view(&out), 1, &value, NULL), BX_OK);
    bx_buf_done(&out);
}

TEST(a_full_buffer_is_reported_at_the_end)
{
    struct bx_buf out;
    struct bx_json_writer w;
    bx_buf_init(&out, 16);
    bx_json_writer_init(&w, &out);
    bx_json_array(&w);
    for (int i = 0; i < 100; i++)
        bx_json_i64(&w, i);
    bx_json_end(&w);
    assert_rc(bx_json_writer_rc(&w), BX_E_TOO_BIG);
    bx_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commas_and_nesting_are_the_writers_business),
        cmocka_unit_test(any_bytes_become_a_valid_json_string),
        cmocka_unit_test(a_full_buffer_is_reported_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
