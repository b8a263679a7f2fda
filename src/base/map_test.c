#include "base/list.h"
#include "base/map.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>

enum { COUNT = 5000 };

TEST(entries_are_found_replaced_and_removed)
{
    static char keys[COUNT][16];
    static int values[COUNT];
    struct bx_map m;
    bx_map_init(&m);
    assert_null(bx_map_get(&m, bx_str("none")));
    assert_null(bx_map_del(&m, bx_str("none")));
    for (int i = 0; i < COUNT; i++) {
        snprintf(keys[i], sizeof keys[i], "key%d", i);
        assert_null(bx_map_put(&m, bx_str(keys[i]), &values[i]));
    }
    for (int i = 0; i < COUNT; i += 2)
        assert_ptr_equal(bx_map_del(&m, bx_str(keys[i])), &values[i]);
    for (int i = 0; i < COUNT; i++)
        assert_ptr_equal(bx_map_get(&m, bx_str(keys[i])), i % 2 ? &values[i] : NULL);
    assert_int_equal(m.count, COUNT / 2);
    assert_ptr_equal(bx_map_put(&m, bx_str(keys[1]), &values[0]), &values[1]);
    size_t pos = 0, seen = 0;
    void *value;
    while (bx_map_next(&m, &pos, &value))
        seen++;
    assert_int_equal(seen, COUNT / 2);
    bx_map_done(&m);
}

TEST(names_of_object_prototypes_and_the_empty_key_are_ordinary_keys)
{
    struct bx_map m;
    int v;
    bx_map_init(&m);
    assert_null(bx_map_put(&m, bx_str_n(NULL, 0), &v));
    assert_ptr_equal(bx_map_get(&m, bx_str("")), &v);
    assert_null(bx_map_get(&m, bx_str("__proto__")));
    bx_map_done(&m);
}

/* Random operations against a plain array as the model. */
TEST(the_map_agrees_with_a_model)
{
    static char keys[256][8];
    void *model[256] = {0};
    struct bx_map m;
    bx_map_init(&m);
    srand(7);
    for (int i = 0; i < 256; i++)
        snprintf(keys[i], sizeof keys[i], "%d", i);
    for (int step = 0; step < 200000; step++) {
        int k = rand() % 256;
        if (rand() % 2) {
            assert_ptr_equal(bx_map_put(&m, bx_str(keys[k]), keys[step % 256]), model[k]);
            model[k] = keys[step % 256];
        } else {
            assert_ptr_equal(bx_map_del(&m, bx_str(keys[k])), model[k]);
            model[k] = NULL;
        }
    }
    for (int k = 0; k < 256; k++)
        assert_ptr_equal(bx_map_get(&m, bx_str(keys[k])), model[k]);
    bx_map_done(&m);
}

struct item {
    int id;
    struct bx_list node;
};

TEST(the_current_node_may_leave_a_list_during_a_walk)
{
    struct bx_list list;
    struct item items[4];
    bx_list_init(&list);
    for (int i = 0; i < 4; i++) {
        items[i].id = i;
        bx_list_push_back(&list, &items[i].node);
    }
    int sum = 0;
    BX_LIST_EACH(&list, node)
    {
        struct item *item = BX_CONTAINER_OF(node, struct item, node);
        sum += item->id;
        bx_list_remove(node);
    }
    assert_int_equal(sum, 6);
    assert_true(bx_list_is_empty(&list));
    assert_null(bx_list_pop_front(&list));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(entries_are_found_replaced_and_removed),
        cmocka_unit_test(names_of_object_prototypes_and_the_empty_key_are_ordinary_keys),
        cmocka_unit_test(the_map_agrees_with_a_model),
        cmocka_unit_test(the_current_node_may_leave_a_list_during_a_walk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
