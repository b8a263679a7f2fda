/* Sections 1 to 7, 9 and 10: each row runs for both roles and chopped in several ways, down to
 * single bytes. Sections 12 and 13: ws_compression_test.c. */
#include "base/mem.h"
#include "net/ws/ws_conformance.h"

#include <stdio.h>

static void row_run(const struct wst_row *row, bool is_client, size_t step)
{
    struct wst_end e;
    struct bx_buf in, want;
    bx_buf_init(&in, 0);
    bx_buf_init(&want, 0);
    wst_notation(row->in, !is_client, &in);
    wst_notation(row->out, is_client, &want);
    wst_end_init(&e, is_client, 1 << 20, NULL);
    size_t fed = wst_feed(&e, bx_buf_view(&in), step);
    assert_why(e.out.len == want.len && memcmp(e.out.data, want.data, want.len) == 0, row->name);
    assert_why(e.code == row->code && e.ends == (row->code != 0), row->name);
    if (row->fails_at && !is_client && step == 1)
        assert_why(fed == row->fails_at, row->name);
    assert_why(e.proto.partial == NULL, row->name);
    bx_buf_done(&in);
    bx_buf_done(&want);
    wst_end_done(&e);
}

TEST(every_row_holds_for_both_roles_however_the_bytes_are_chopped)
{
    static const size_t steps[] = {SIZE_MAX / 2, 1, 2, 7, 997, 65536};
    for (size_t r = 0; r < wst_row_count; r++) {
        bool is_big = strstr(wst_rows[r].in, "*1048") || strstr(wst_rows[r].in, "*262");
        for (size_t s = 0; s < BX_LEN(steps); s++) {
            if (is_big && steps[s] < 900 && !(wst_rows[r].fails_at && steps[s] == 1))
                continue;
            row_run(&wst_rows[r], false, steps[s]);
            row_run(&wst_rows[r], true, steps[s]);
        }
    }
}

static const struct {
    const char *why, *bytes;
    bool is_client;
} bad_heads[] = {
    {"server: unmasked frame", "=810161", false},
    {"client: masked frame", "=818137fa213d56", true},
    {"16-bit length below 126", "=82fe007d", false},
    {"64-bit length below 65536", "=82ff000000000000ffff", false},
    {"64-bit length with the top bit", "=82ff80", false},
    {"16-bit length below 126", "=827e007d", true},
    {"64-bit length below 65536", "=827f000000000000ffff", true},
    {"64-bit length with the top bit", "=827f80", true},
};

TEST(lengths_and_masks_that_break_a_must_are_refused_at_the_first_byte_that_shows_it)
{
    for (size_t i = 0; i < BX_LEN(bad_heads); i++) {
        for (size_t step = 1; step < 20; step += 18) {
            struct wst_end e;
            struct bx_buf in;
            bx_buf_init(&in, 0);
            wst_notation(bad_heads[i].bytes, false, &in);
            wst_end_init(&e, bad_heads[i].is_client, 1 << 20, NULL);
            wst_feed(&e, bx_buf_view(&in), step);
            assert_why(e.code == 1002 && e.ends == 1, bad_heads[i].why);
            bx_buf_done(&in);
            wst_end_done(&e);
        }
    }
}

TEST(a_ping_flood_gets_a_bounded_number_of_pongs_and_the_last_is_among_them)
{
    struct wst_end e;
    struct bx_buf in, want;
    bx_buf_init(&in, 0);
    bx_buf_init(&want, 0);
    for (int i = 0; i < 1000; i++) {
        char frame[8] = {'P', ':', (char)('0' + i / 100), (char)('0' + i / 10 % 10),
                         (char)('0' + i % 10)};
        wst_notation(frame, true, &in);
        frame[0] = 'O';
        if (i < 16 || i == 999)
            wst_notation(frame, false, &want);
    }
    struct ws_proto_counts counts = {0};
    wst_end_init(&e, false, 1000, NULL);
    ws_proto_feed(&e.proto, in.data, in.len, &counts);
    assert_int_equal(e.out.len, want.len);
    assert_memory_equal(e.out.data, want.data, want.len);
    assert_int_equal(counts.pings, 1000);
    assert_int_equal(counts.pongs_skipped, 1000 - 17);
    bx_buf_done(&in);
    bx_buf_done(&want);
    wst_end_done(&e);
}

TEST(a_peer_that_does_not_read_gets_no_pongs)
{
    struct wst_end e;
    struct bx_buf in;
    bx_buf_init(&in, 0);
    wst_notation("P:a P:b", true, &in);
    wst_end_init(&e, false, 1000, NULL);
    e.is_clogged = true;
    wst_feed(&e, bx_buf_view(&in), 1000);
    assert_int_equal(e.out.len, 0);
    bx_buf_done(&in);
    wst_end_done(&e);
}

TEST(after_our_close_messages_are_dropped_until_the_peers_close)
{
    struct wst_end e;
    struct bx_buf in, want;
    bx_buf_init(&in, 0);
    bx_buf_init(&want, 0);
    wst_notation("T:late P:x -B:a*2000000 C:b X:\\03\\e9", true, &in);
    wst_notation("X:\\03\\e8bye", false, &want);
    for (size_t step = 1; step < 4000000; step = step * 1000 + 7) {
        wst_end_init(&e, false, 1000, NULL);
        ws_proto_close(&e.proto, 1000, BX_STR("bye"));
        ws_proto_close(&e.proto, 1001, BX_STR("again"));
        wst_feed(&e, bx_buf_view(&in), step);
        assert_int_equal(e.messages, 0);
        assert_int_equal(e.code, 1001);
        assert_int_equal(e.out.len, want.len);
        assert_memory_equal(e.out.data, want.data, want.len);
        wst_end_done(&e);
    }
    bx_buf_done(&in);
    bx_buf_done(&want);
}

TEST(a_long_reason_is_cut_at_a_characters_border)
{
    struct wst_end e;
    char reason[200];
    for (size_t i = 0; i < sizeof reason; i++)
        reason[i] = i % 2 ? '\xa4' : '\xc3';
    wst_end_init(&e, false, 1000, NULL);
    ws_proto_close(&e.proto, 1000, bx_str_n(reason, sizeof reason));
    assert_int_equal(e.out.len, 2 + 2 + 122);
    wst_end_done(&e);
}

TEST(an_idle_end_holds_no_memory_and_a_message_in_progress_does)
{
    struct wst_end e;
    struct bx_buf in;
    bx_buf_init(&in, 0);
    wst_notation("-T:a C:b T:c", true, &in);
    wst_end_init(&e, false, 1000, NULL);
    e.is_silent = true;
    wst_feed(&e, bx_str_n(in.data, 10), 10);
    assert_non_null(e.proto.partial);
    wst_feed(&e, bx_str_n(in.data + 10, in.len - 10), 100);
    assert_null(e.proto.partial);
    assert_int_equal(e.messages, 2);
    bx_buf_done(&in);
    wst_end_done(&e);
}

/* --- 9: sizes --- */

static void filled(struct bx_buf *out, size_t len)
{
    static const char unit[] = "BAsd7&jh23";
    bx_buf_reserve(out, len);
    for (size_t i = 0; i < len; i++)
        bx_buf_byte(out, (uint8_t)unit[i % (sizeof unit - 1)]);
}

struct size_case {
    unsigned section;
    size_t size, fragment, chop;
    unsigned count;
};

/* Both roles, text and binary: the echo is the same message in one frame each, byte for byte. */
static void size_run(const struct size_case *c, bool is_binary, bool is_client)
{
    struct wst_end e;
    struct bx_buf in, want, payload;
    char name[100];
    uint8_t first = is_binary ? 0x82 : 0x81;
    snprintf(name, sizeof name, "9.%u as a %s: %zu bytes, frames of %zu, pieces of %zu",
             c->section + is_binary, is_client ? "client" : "server", c->size, c->fragment,
             c->chop);
    bx_buf_init(&in, 0);
    bx_buf_init(&want, 0);
    bx_buf_init(&payload, 0);
    filled(&payload, c->size);
    for (unsigned i = 0; i < c->count; i++) {
        wst_message(&in, first, bx_buf_view(&payload), c->fragment, !is_client);
        wst_frame(&want, first, bx_buf_view(&payload), is_client);
    }
    wst_notation("X:\\03\\e8", !is_client, &in);
    wst_notation("X:\\03\\e8", is_client, &want);
    wst_end_init(&e, is_client, 16 << 20, NULL);
    wst_feed(&e, bx_buf_view(&in), c->chop ? c->chop : SIZE_MAX / 2);
    assert_why(e.messages == c->count && e.code == 1000, name);
    assert_why(bx_str_eq(bx_buf_view(&e.out), bx_buf_view(&want)), name);
    bx_buf_done(&in);
    bx_buf_done(&want);
    bx_buf_done(&payload);
    wst_end_done(&e);
}

TEST(section_9_messages_of_every_size_in_every_cut_come_back_whole)
{
    static const struct size_case cases[] = {
        /* 9.1 and 9.2 */
        {1, 64 << 10, 0, 65536, 1},
        {1, 256 << 10, 0, 65536, 1},
        {1, 1 << 20, 0, 65536, 1},
        {1, 4 << 20, 0, 65536, 1},
        {1, 8 << 20, 0, 65536, 1},
        {1, 16 << 20, 0, 65536, 1},
        /* 9.3 and 9.4 */
        {3, 4 << 20, 64, 65536, 1},
        {3, 4 << 20, 256, 65536, 1},
        {3, 4 << 20, 1 << 10, 65536, 1},
        {3, 4 << 20, 4 << 10, 65536, 1},
        {3, 4 << 20, 16 << 10, 65536, 1},
        {3, 4 << 20, 64 << 10, 65536, 1},
        {3, 4 << 20, 256 << 10, 65536, 1},
        {3, 4 << 20, 1 << 20, 65536, 1},
        {3, 4 << 20, 4 << 20, 65536, 1},
        /* 9.5 and 9.6 */
        {5, 1 << 20, 0, 64, 1},
        {5, 1 << 20, 0, 128, 1},
        {5, 1 << 20, 0, 256, 1},
        {5, 1 << 20, 0, 512, 1},
        {5, 1 << 20, 0, 1024, 1},
        {5, 1 << 20, 0, 2048, 1},
        /* 9.7 and 9.8 */
        {7, 0, 0, 0, 1000},
        {7, 16, 0, 0, 1000},
        {7, 64, 0, 0, 1000},
        {7, 256, 0, 0, 1000},
        {7, 1024, 0, 0, 1000},
        {7, 4096, 0, 0, 1000},
    };
    for (size_t i = 0; i < BX_LEN(cases); i++) {
        for (unsigned way = 0; way < 4; way++)
            size_run(&cases[i], way & 1, way & 2);
    }
}

TEST(section_10_the_notation_cuts_as_the_case_wants_50_whole_frames_and_the_rest)
{
    struct bx_buf in;
    bx_buf_init(&in, 0);
    wst_notation("%1300T:**65536", false, &in);
    assert_int_equal(in.len, 50 * (4 + 1300) + 4 + 65536 - 50 * 1300);
    assert_memory_equal(in.data, "\x01\x7e\x05\x14**", 6);
    assert_memory_equal(in.data + 1304, "\x00\x7e\x05\x14**", 6);
    assert_memory_equal(in.data + 50 * 1304, "\x80\x7e\x02\x18**", 6);
    bx_buf_done(&in);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_holds_for_both_roles_however_the_bytes_are_chopped),
        cmocka_unit_test(
            lengths_and_masks_that_break_a_must_are_refused_at_the_first_byte_that_shows_it),
        cmocka_unit_test(section_9_messages_of_every_size_in_every_cut_come_back_whole),
        cmocka_unit_test(
            section_10_the_notation_cuts_as_the_case_wants_50_whole_frames_and_the_rest),
        cmocka_unit_test(a_ping_flood_gets_a_bounded_number_of_pongs_and_the_last_is_among_them),
        cmocka_unit_test(a_peer_that_does_not_read_gets_no_pongs),
        cmocka_unit_test(after_our_close_messages_are_dropped_until_the_peers_close),
        cmocka_unit_test(a_long_reason_is_cut_at_a_characters_border),
        cmocka_unit_test(an_idle_end_holds_no_memory_and_a_message_in_progress_does),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
