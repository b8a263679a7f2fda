#include "base/buf.h"
#include "base/shared.h"
#include "base/test.h"

#include <stdlib.h>

TEST(growth_stops_at_the_cap_and_keeps_the_content)
{
    struct bx_buf b;
    bx_buf_init(&b, 100);
    assert_rc(bx_buf_append(&b, "0123456789", 10), BX_OK);
    for (int i = 0; i < 9; i++)
        assert_rc(bx_buf_append(&b, "0123456789", 10), BX_OK);
    assert_rc(bx_buf_byte(&b, 'x'), BX_E_TOO_BIG);
    assert_rc(bx_buf_reserve(&b, SIZE_MAX), BX_E_TOO_BIG);
    assert_int_equal(b.len, 100);
    assert_memory_equal(b.data, "0123456789", 10);
    bx_buf_done(&b);
}

TEST(consume_drops_from_the_front)
{
    struct bx_buf b;
    bx_buf_init(&b, 0);
    bx_buf_printf(&b, "%s-%d", "abc", 7);
    bx_buf_consume(&b, 4);
    assert_str(bx_buf_view(&b), "7");
    bx_buf_consume(&b, 1);
    assert_int_equal(b.len, 0);
    bx_buf_done(&b);
}

TEST(take_gives_the_bytes_away)
{
    struct bx_buf b;
    size_t len;
    bx_buf_init(&b, 0);
    bx_buf_lit(&b, "bytes");
    uint8_t *data = bx_buf_take(&b, &len);
    assert_str(bx_str_n(data, len), "bytes");
    assert_null(b.data);
    free(data);
}

TEST(shared_bytes_live_as_long_as_their_last_reference)
{
    struct bx_shared *s = bx_shared_copy("frame", 5);
    struct bx_shared *other = bx_shared_ref(s);
    bx_shared_unref(s);
    assert_str(bx_shared_view(other), "frame");
    bx_shared_unref(other);
    bx_shared_unref(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(growth_stops_at_the_cap_and_keeps_the_content),
        cmocka_unit_test(consume_drops_from_the_front),
        cmocka_unit_test(take_gives_the_bytes_away),
        cmocka_unit_test(shared_bytes_live_as_long_as_their_last_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
