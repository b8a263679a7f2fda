#include "base/json_scan.h"
#include "base/json_write.h"
#include "base/mem.h"
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

/* One byte after the other, as the rule reads. ASCII only. */
static void escape_slowly(struct bx_buf *out, const char *s, size_t len)
{
    bx_buf_byte(out, '"');
    for (size_t i = 0; i < len; i++) {
        static const char special[] = "\b\t\n\f\r\"\\", letters[] = "btnfr\"\\";
        const char *at = s[i] ? strchr(special, s[i]) : NULL;
        if (at)
            bx_buf_printf(out, "\\%c", letters[at - special]);
        else if ((unsigned char)s[i] < 0x20)
            bx_buf_printf(out, "\\u%04x", (unsigned char)s[i]);
        else
            bx_buf_byte(out, (uint8_t)s[i]);
    }
    bx_buf_byte(out, '"');
}

TEST(every_byte_at_every_place_of_a_word_is_escaped_as_the_rule_says)
{
    for (unsigned c = 0; c < 0x80; c++) {
        for (unsigned d = 0; d < 0x80; d += 1 + (d > 0x30 && d < 0x5a)) {
            for (size_t at = 0; at < 18; at++) {
                char text[19];
                struct bx_buf ours, theirs;
                memset(text, 'x', sizeof text);
                text[at] = (char)c;
                text[at + 1] = (char)d;
                bx_buf_init(&ours, 0);
                bx_buf_init(&theirs, 0);
                bx_json_escape(&ours, bx_str_n(text, sizeof text));
                escape_slowly(&theirs, text, sizeof text);
                assert_int_equal(ours.len, theirs.len);
                assert_memory_equal(ours.data, theirs.data, ours.len);
                bx_buf_done(&ours);
                bx_buf_done(&theirs);
            }
        }
    }
}

TEST(integers_are_written_to_their_ends)
{
    static const struct {
        int64_t v;
        const char *text;
    } rows[] = {{0, "0"},
                {-1, "-1"},
                {10, "10"},
                {INT64_MAX, "9223372036854775807"},
                {INT64_MIN, "-9223372036854775808"}};
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        struct bx_buf out;
        struct bx_json_writer w;
        bx_buf_init(&out, 0);
        bx_json_writer_init(&w, &out);
        bx_json_i64(&w, rows[i].v);
        assert_true(bx_str_eq(bx_buf_view(&out), bx_str(rows[i].text)));
        bx_buf_done(&out);
    }
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
        cmocka_unit_test(every_byte_at_every_place_of_a_word_is_escaped_as_the_rule_says),
        cmocka_unit_test(integers_are_written_to_their_ends),
        cmocka_unit_test(a_full_buffer_is_reported_at_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
