#include "wa/proto/pb.h"

#include "base/test.h"
#include "wa/proto/message.pb-c.h"
#include "wa/proto/sync.pb-c.h"

static struct bx_arena arena;

static int teardown(void **state)
{
    (void)state;
    bx_arena_done(&arena);
    return 0;
}

TEST(a_message_survives_packing_with_fields_we_do_not_know)
{
    Wap__Message *m = WA_PB_NEW(&arena, Wap__Message, message), *back;
    m->conversation = wa_pb_text(&arena, BX_STR("hello"));
    struct bx_str bytes = wa_pb_pack(m, &arena);
    assert_int_equal(bytes.len, 7);
    struct bx_buf b;
    bx_buf_init(&b, 0);
    bx_buf_str(&b, bytes);
    bx_buf_lit(&b, "\xaa\x3f\x02xy"); /* field 1013, two bytes */
    assert_rc(WA_PB_UNPACK(message, bx_buf_view(&b), &arena, &back), BX_OK);
    assert_string_equal(back->conversation, "hello");
    struct bx_str again = wa_pb_pack(back, &arena);
    assert_true(bx_str_eq(again, bx_buf_view(&b)));
    bx_buf_done(&b);
}

TEST(nesting_is_bounded_before_anything_recurses)
{
    struct bx_buf a, b;
    Wap__Message *m;
    bx_buf_init(&a, 0);
    for (int i = 0; i < 3000; i++) { /* ephemeral { message { ephemeral ... */
        bx_buf_init(&b, 0);
        bx_buf_lit(&b, "\x0a");
        for (size_t n = a.len;
             bx_buf_byte(&b, (uint8_t)((n & 127) | (n > 127 ? 128 : 0))), n > 127;)
            n >>= 7;
        bx_buf_str(&b, bx_buf_view(&a));
        bx_buf_done(&a);
        bx_buf_init(&a, 0);
        bx_buf_lit(&a, "\xc2\x02");
        for (size_t n = b.len;
             bx_buf_byte(&a, (uint8_t)((n & 127) | (n > 127 ? 128 : 0))), n > 127;)
            n >>= 7;
        bx_buf_str(&a, bx_buf_view(&b));
        bx_buf_done(&b);
        assert_rc(WA_PB_UNPACK(message, bx_buf_view(&a), &arena, &m),
                  i < 15 ? BX_OK : BX_E_TOO_DEEP);
        if (i > 15)
            i += 100;
    }
    bx_buf_done(&a);
}

TEST(broken_bytes_and_a_full_arena_are_different_failures)
{
    Wap__HistorySync *h;
    struct bx_arena tiny;
    assert_rc(WA_PB_UNPACK(history_sync, BX_STR("\x12\x05xx"), &arena, &h), BX_E_INVALID);
    assert_rc(WA_PB_UNPACK(history_sync, BX_STR("\xff"), &arena, &h), BX_E_INVALID);
    assert_rc(WA_PB_UNPACK(history_sync, BX_STR("\x80\x00\x06"), &arena, &h), BX_E_INVALID);
    bx_arena_init(&tiny, 64);
    assert_rc(WA_PB_UNPACK(history_sync, BX_STR("\x12\x03\x0a\x01x"), &tiny, &h), BX_E_TOO_BIG);
    bx_arena_done(&tiny);
    assert_rc(WA_PB_UNPACK(history_sync, BX_STR("\x12\x03\x0a\x01x"), &arena, &h), BX_OK);
    assert_int_equal(h->n_conversations, 1);
    assert_string_equal(h->conversations[0]->id, "x");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_message_survives_packing_with_fields_we_do_not_know),
        cmocka_unit_test(nesting_is_bounded_before_anything_recurses),
        cmocka_unit_test(broken_bytes_and_a_full_arena_are_different_failures),
    };
    bx_arena_init(&arena, 64 << 20);
    return cmocka_run_group_tests(tests, NULL, teardown);
}
