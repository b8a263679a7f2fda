#include "app/core/schema.h"

#include "base/mem.h"
#include "base/test.h"

static const struct wb_schema shape = {
    .fields =
        (const struct wb_field[]){{"name", WB_STR, WB_REQUIRED, 1, 5, .alias = "title"},
                                  {"email", WB_EMAIL},
                                  {"age", WB_INT, 0, 1, 150},
                                  {"role", WB_ENUM, 0, .choices = "USER|ADMIN"},
                                  {"tags", WB_LIST, 0, 0, 2, .item = WB_ENUM, .choices = "a|b"},
                                  {"ids", WB_LIST, 0, .item = WB_INT},
                                  {.type = WB_END}}};

static const struct {
    const char *json, *field, *why;
} rows[] = {
    {"{\"name\":\"Ana\"}", NULL, "the least"},
    {"{\"title\":\"Ana\"}", NULL, "the alias counts"},
    {"{\"name\":\"\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\xc3\xa4\"}", NULL, "characters, not bytes"},
    {"{\"name\":\"Ana\",\"age\":null}", NULL, "null is absent"},
    {"{\"name\":\"Ana\",\"more\":1}", NULL, "unknown members are let by"},
    {"{}", "name", "required"},
    {"{\"name\":null}", "name", "null is not there"},
    {"{\"name\":7}", "name", "a number is no text"},
    {"{\"name\":\"  \"}", "name", "blank"},
    {"{\"name\":\"abcdef\"}", "name", "too long"},
    {"{\"name\":\"A\",\"email\":\"a@b\"}", "email", "no dot"},
    {"{\"name\":\"A\",\"email\":\"a b@c.de\"}", "email", "a space"},
    {"{\"name\":\"A\",\"email\":\"a@b@c.de\"}", "email", "two of them"},
    {"{\"name\":\"A\",\"age\":0}", "age", "below"},
    {"{\"name\":\"A\",\"age\":1.5}", "age", "no whole number"},
    {"{\"name\":\"A\",\"age\":\"3\"}", "age", "a text"},
    {"{\"name\":\"A\",\"role\":\"user\"}", "role", "letter case"},
    {"{\"name\":\"A\",\"role\":\"USER|ADMIN\"}", "role", "the list is no choice"},
    {"{\"name\":\"A\",\"tags\":[\"a\",\"c\"]}", "tags", "a wrong item"},
    {"{\"name\":\"A\",\"tags\":[\"a\",\"a\",\"a\"]}", "tags", "too many"},
    {"{\"name\":\"A\",\"ids\":[0]}", "ids", "ids are positive"},
    {"{\"name\":\"A\",\"ids\":{}}", "ids", "no list"},
};

TEST(each_field_is_judged_and_named)
{
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        json_t *body = json_loads(rows[i].json, 0, NULL);
        struct bx_buf message;
        const char *field = NULL;
        bx_buf_init(&message, 512);
        int rc = wb_schema_check(&shape, body, &message, &field);
        assert_why((rc == BX_OK) == (rows[i].field == NULL), rows[i].why);
        if (rows[i].field) {
            assert_why(strcmp(field, rows[i].field) == 0, rows[i].why);
            assert_why(message.len > 0, rows[i].why);
        }
        bx_buf_done(&message);
        json_decref(body);
    }
}

TEST(an_update_needs_at_least_one_field)
{
    struct wb_schema update = shape;
    update.is_partial = true;
    struct bx_buf message;
    const char *field;
    bx_buf_init(&message, 512);
    json_t *empty = json_object(), *one = json_pack("{s:i}", "age", 3);
    assert_rc(wb_schema_check(&update, empty, &message, &field), BX_E_INVALID);
    assert_rc(wb_schema_check(&update, one, &message, &field), BX_OK);
    json_decref(empty);
    json_decref(one);
    bx_buf_done(&message);
}

TEST(the_same_rows_give_json_schema)
{
    struct bx_buf out;
    struct bx_json_writer w;
    bx_buf_init(&out, 0);
    bx_json_writer_init(&w, &out);
    wb_schema_write_body(&w, &shape);
    json_t *doc = json_loadb((const char *)out.data, out.len, 0, NULL);
    json_t *properties = json_object_get(doc, "properties");
    assert_int_equal(
        json_integer_value(json_object_get(json_object_get(properties, "name"), "maxLength")), 5);
    assert_int_equal(json_array_size(json_object_get(json_object_get(properties, "role"), "enum")),
                     2);
    assert_non_null(json_object_get(properties, "title"));
    assert_int_equal(json_array_size(json_object_get(doc, "allOf")), 1);
    json_decref(doc);
    bx_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_field_is_judged_and_named),
        cmocka_unit_test(an_update_needs_at_least_one_field),
        cmocka_unit_test(the_same_rows_give_json_schema),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
