#include "base/lookalike.h"
#include "base/mem.h"
#include "base/test.h"

TEST(names_that_pretend_are_told)
{
    static const struct {
        const char *name;
        enum bx_name_fault fault;
        const char *why;
    } rows[] = {
        {"admin", BX_NAME_FINE, "ASCII"},
        {"budi.santoso-2", BX_NAME_FINE, "ASCII with marks"},
        {"josé", BX_NAME_FINE, "an accent"},
        {"администратор", BX_NAME_FINE, "one script"},
        {"山田たろう", BX_NAME_FINE, "Japanese"},
        {"山田taro", BX_NAME_FINE, "Japanese with Latin"},
        {"محمد", BX_NAME_FINE, "Arabic"},
        {"สมชาย", BX_NAME_FINE, "Thai"},
        {"аdmin", BX_NAME_MIXED, "a Cyrillic a"},
        {"αdmin", BX_NAME_MIXED, "a Greek alpha"},
        {"user१2", BX_NAME_MIXED, "digits of two scripts"},
        {"ad\u200bmin", BX_NAME_INVISIBLE, "a zero width space"},
        {"admin\u202e", BX_NAME_INVISIBLE, "a mark of direction"},
        {"admin\u3164", BX_NAME_INVISIBLE, "a Hangul filler"},
        {"ad\u00admin", BX_NAME_INVISIBLE, "a soft hyphen"},
        {"a\x01", BX_NAME_INVISIBLE, "a control character"},
        {"a\xff", BX_NAME_INVISIBLE, "not UTF-8"},
    };
    for (size_t i = 0; i < BX_LEN(rows); i++)
        assert_why(bx_name_check(bx_str(rows[i].name)) == rows[i].fault, rows[i].why);
}

TEST(names_that_look_the_same_have_the_same_look)
{
    struct bx_arena a;
    bx_arena_init(&a, 0);
    struct bx_str latin = bx_name_look(BX_STR("coco"), &a);
    assert_true(bx_str_eq(latin, bx_name_look(BX_STR("сосо"), &a))); /* Cyrillic */
    assert_true(bx_str_eq(latin, bx_name_look(BX_STR("ＣＯＣＯ"), &a)));
    assert_false(bx_str_eq(latin, bx_name_look(BX_STR("cocoa"), &a)));
    bx_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_that_pretend_are_told),
        cmocka_unit_test(names_that_look_the_same_have_the_same_look),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
