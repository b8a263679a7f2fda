#include "blob/s3_xml.h"

#include "base/mem.h"
#include "base/test.h"

TEST(elements_are_found_in_their_order)
{
    struct bx_str rest = BX_STR("<L><A><K>1</K></A><B/><A><K>2</K></A><A>cut"), a, k;
    const char *want[] = {"1", "2"};
    for (size_t i = 0; i < BX_LEN(want); i++) {
        assert_true(bl_xml_next(&rest, BX_STR("A"), &a));
        assert_true(bl_xml_next(&a, BX_STR("K"), &k));
        assert_str(k, want[i]);
    }
    assert_false(bl_xml_next(&rest, BX_STR("A"), &a));
    assert_false(bl_xml_next(
        &rest, BX_STR("a_name_that_is_far_too_long_to_be_an_element_of_any_answer_here"), &a));
}

TEST(entities_are_resolved_and_strange_ones_refused)
{
    static const struct {
        const char *content, *text;
        int rc;
    } rows[] = {{"a/b", "a/b", BX_OK},
                {"&lt;&amp;&gt;&quot;&apos;", "<&>\"'", BX_OK},
                {"&#65;&#x42;", "AB", BX_OK},
                {"&#0;", "", BX_E_INVALID},
                {"&#x110000;", "", BX_E_INVALID},
                {"&nbsp;", "", BX_E_INVALID},
                {"&amp", "", BX_E_INVALID},
                {"12345678901234567890", "", BX_E_TOO_BIG}};
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        char out[16];
        int rc = bl_xml_text(bx_str(rows[i].content), out, sizeof out);
        assert_why(rc == rows[i].rc, rows[i].content);
        if (rc >= 0)
            assert_string_equal(out, rows[i].text);
    }
}

TEST(times_are_seconds)
{
    assert_int_equal(bl_xml_time(BX_STR("2013-05-24T00:00:00.000Z")), 1369353600);
    assert_int_equal(bl_xml_time(BX_STR("yesterday")), 0);
    assert_int_equal(bl_xml_time(BX_STR("")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(elements_are_found_in_their_order),
        cmocka_unit_test(entities_are_resolved_and_strange_ones_refused),
        cmocka_unit_test(times_are_seconds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
