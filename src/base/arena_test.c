#include "base/arena.h"
#include "base/test.h"

TEST(pieces_are_zeroed_aligned_and_survive_until_reset)
{
    struct bx_arena a;
    bx_arena_init(&a, 0);
    char *first = bx_arena_strndup(&a, "hello", 5);
    for (int i = 1; i < 2000; i++) {
        unsigned char *p = bx_arena_alloc(&a, (size_t)i % 97 + 1);
        assert_int_equal((uintptr_t)p % _Alignof(max_align_t), 0);
        assert_int_equal(p[0], 0);
        p[0] = 0xff;
    }
    assert_string_equal(first, "hello");
    bx_arena_reset(&a);
    assert_int_equal(a.used, 0);
    assert_int_equal(*(unsigned char *)bx_arena_alloc(&a, 64), 0);
    bx_arena_done(&a);
}

TEST(a_size_that_a_peer_chose_stops_at_the_cap)
{
    struct bx_arena a;
    bx_arena_init(&a, 1000);
    assert_non_null(bx_arena_try_alloc(&a, 900));
    assert_null(bx_arena_try_alloc(&a, 200));
    assert_null(bx_arena_try_alloc(&a, SIZE_MAX));
    assert_null(bx_arena_try_strndup(&a, "x", SIZE_MAX));
    bx_arena_done(&a);
}

TEST(printf_returns_the_text_it_wrote)
{
    struct bx_arena a;
    bx_arena_init(&a, 0);
    assert_str(bx_arena_printf(&a, "%s-%d", "n", 42), "n-42");
    bx_arena_done(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(pieces_are_zeroed_aligned_and_survive_until_reset),
        cmocka_unit_test(a_size_that_a_peer_chose_stops_at_the_cap),
        cmocka_unit_test(printf_returns_the_text_it_wrote),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
