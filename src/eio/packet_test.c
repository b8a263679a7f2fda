#include "base/mem.h"
#include "base/test.h"
#include "eio/packet.h"

#include <stdlib.h>

/* --- decoding: what a body gives, packet by packet, "!" for refused --- */

static const struct {
    int protocol;
    bool is_binary;
    const char *body;
    size_t len;       /* 0: strlen */
    const char *want; /* packets as "<type>:<data>" (b for binary), separated by '|' */
    const char *why;
} bodies[] = {
    {4, false, "4hello", 0, "4:hello", "one message"},
    {4, false,
     "4a\x1e"
     "2\x1e"
     "6",
     0, "4:a|2:|6:", "joined by the separator"},
    {4, false, "bAQID", 0, "b4:\x01\x02\x03", "base64 without type digit"},
    {4, false, "bAQI", 0, "b4:\x01\x02", "padding may be missing"},
    {4, false, "b4AQI", 0, "b4:\xe0\x04\x08", "base64 that begins with 4 is not the v3 form"},
    {4, false,
     "4a\x1e"
     "9x",
     0, "4:a|!", "what came before a bad packet counts"},
    {4, false, "4a\x1e", 0, "4:a|!", "a trailing separator leaves an empty packet"},
    {4, false,
     "\x1e"
     "4a",
     0, "!", "an empty packet"},
    {4, false, "b*", 0, "!", "not base64"},
    {3, false, "6:4hello", 0, "4:hello", "length before the packet"},
    {3, false, "2:4a1:2", 0, "4:a|2:", "two packets"},
    {3, false, "3:4\xf0\x9f\x98\x80", 0, "4:\xf0\x9f\x98\x80",
     "an astral character counts as two units"},
    {3, false, "2:4\xf0\x9f\x98\x80", 0, "!", "a length that cuts a pair"},
    {3, false, "6:b4AQID", 0, "b4:\x01\x02\x03", "base64 with type"},
    {3, false, "9:4a", 0, "!", "longer than the body"},
    {3, false, "0:", 0, "!", "no packet without a type"},
    {3, false, "4hello", 0, "!", "no length"},
    {3, false, "99999999999:4", 0, "!", "absurd length"},
    {3, false, "-1:4", 0, "!", "negative length"},
    {3, true,
     "\x00\x06\xff"
     "4hello",
     9, "4:hello", "text in a binary payload"},
    {3, true, "\x01\x04\xff\x04\x01\x02\x03", 7, "b4:\x01\x02\x03", "binary in a binary payload"},
    {3, true, "\x01\x01\x00\xff\x04", 5, "!", "length 10, one byte there"},
    {3, true, "\x01\xff", 2, "!", "no length digits"},
    {3, true, "\x02\x01\xff\x04", 4, "!", "neither text nor binary"},
    {3, true, "\x01\x01", 2, "!", "cut before the end of the length"},
    {3, true,
     "\x00\x02\xff"
     "4\xff",
     5, "!", "text that is not UTF-8"},
};

static void describe(struct bx_buf *out, int rc, const struct eio_incoming *in)
{
    if (out->len)
        bx_buf_byte(out, '|');
    if (rc < 0) {
        bx_buf_byte(out, '!');
        return;
    }
    bx_buf_printf(out, "%s%c:", in->is_binary ? "b" : "", in->type);
    bx_buf_append(out, in->data, in->len);
}

TEST(payloads_decode_as_the_protocol_says)
{
    for (size_t i = 0; i < BX_LEN(bodies); i++) {
        struct bx_str rest =
            bx_str_n(bodies[i].body, bodies[i].len ? bodies[i].len : strlen(bodies[i].body));
        struct bx_arena arena;
        struct bx_buf got;
        struct eio_incoming in;
        int rc;
        bx_arena_init(&arena, 0);
        bx_buf_init(&got, 0);
        do {
            rc = eio_payload_next(bodies[i].protocol, bodies[i].is_binary, &rest, &arena, &in);
            if (rc)
                describe(&got, rc, &in);
        } while (rc > 0);
        assert_why(bx_str_eq(bx_buf_view(&got), bx_str(bodies[i].want)), bodies[i].why);
        bx_buf_done(&got);
        bx_arena_done(&arena);
    }
}

/* --- encoding --- */

static struct eio_packet *text(const char *data)
{
    return eio_packet_new(EIO_MESSAGE, false, bx_str(data), BX_STR(""));
}

static struct eio_packet *binary(const char *data)
{
    return eio_packet_new(EIO_MESSAGE, true, bx_str(data), BX_STR(""));
}

static void check_encoding(int protocol, bool is_binary_ok, struct eio_packet **packets,
                           size_t count, const char *want, size_t len, bool want_binary)
{
    struct bx_buf out;
    bool is_binary;
    bx_buf_init(&out, 0);
    assert_rc(eio_payload_encode(protocol, is_binary_ok, packets, count, &out, &is_binary), BX_OK);
    assert_int_equal(is_binary, want_binary);
    assert_int_equal(out.len, len);
    assert_memory_equal(out.data, want, len);
    bx_buf_done(&out);
}

TEST(payloads_encode_as_the_protocol_says)
{
    struct eio_packet *p[] = {text("h\xc3\xa9\xf0\x9f\x98\x80"), binary("\x01\x02")};
    check_encoding(4, true, p, 2,
                   "4h\xc3\xa9\xf0\x9f\x98\x80\x1e"
                   "bAQI=",
                   14, false);
    check_encoding(3, true, p, 1, "5:4h\xc3\xa9\xf0\x9f\x98\x80", 10, false);
    check_encoding(3, false, p, 2,
                   "5:4h\xc3\xa9\xf0\x9f\x98\x80"
                   "6:b4AQI=",
                   18, false);
    check_encoding(3, true, p + 1, 1, "\x01\x03\xff\x04\x01\x02", 6, true);
    eio_packet_unref(p[0]);
    eio_packet_unref(p[1]);
}

TEST(a_frame_is_made_once_and_carries_the_type_for_text_only)
{
    struct eio_packet *p = text("hi"), *b = binary("\x01");
    struct bx_shared *frame = eio_packet_frame(p);
    assert_ptr_equal(frame, eio_packet_frame(p));
    assert_memory_equal(frame->data,
                        "\x81\x03"
                        "4hi",
                        5);
    assert_memory_equal(eio_packet_frame(b)->data, "\x82\x01\x01", 3);
    eio_packet_unref(eio_packet_ref(p));
    eio_packet_unref(p);
    eio_packet_unref(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(payloads_decode_as_the_protocol_says),
        cmocka_unit_test(payloads_encode_as_the_protocol_says),
        cmocka_unit_test(a_frame_is_made_once_and_carries_the_type_for_text_only),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
