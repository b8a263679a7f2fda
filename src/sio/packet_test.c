#include "base/mem.h"
#include "base/test.h"
#include "sio/internal.h"

#include <stdlib.h>

static const struct {
    const char *text;
    enum sio_type type;
    const char *nsp, *id, *data;
    uint64_t attachments;
} good[] = {
    {"0", SIO_CONNECT, "/", NULL, "", 0},
    {"0{\"token\":\"x\"}", SIO_CONNECT, "/", NULL, "{\"token\":\"x\"}", 0},
    {"0/admin", SIO_CONNECT, "/admin", NULL, "", 0},
    {"0/admin,{}", SIO_CONNECT, "/admin", NULL, "{}", 0},
    {"0/admin?token=1234&uid=abcd,", SIO_CONNECT, "/admin?token=1234&uid=abcd", NULL, "", 0},
    {"1/admin,", SIO_DISCONNECT, "/admin", NULL, "", 0},
    {"2[\"a\"]", SIO_EVENT, "/", NULL, "[\"a\"]", 0},
    {"2 [\"a\"] ", SIO_EVENT, "/", NULL, "[\"a\"]", 0},
    {"2/n,12[\"a\",1]", SIO_EVENT, "/n", "12", "[\"a\",1]", 0},
    {"2007[1]", SIO_EVENT, "/", "7", "[1]", 0},
    {"2", SIO_EVENT, "/", NULL, "", 0},
    {"30[]", SIO_ACK, "/", "0", "[]", 0},
    {"51-[\"a\",{\"_placeholder\":true,\"num\":0}]", SIO_BINARY_EVENT, "/", NULL,
     "[\"a\",{\"_placeholder\":true,\"num\":0}]", 1},
    {"62-/n,3[{\"x\":[{\"_placeholder\":true,\"num\":1}]}]", SIO_BINARY_ACK, "/n", "3",
     "[{\"x\":[{\"_placeholder\":true,\"num\":1}]}]", 2},
    {"51-[\"a\",{\"_placeholder\":false,\"num\":9}]", SIO_BINARY_EVENT, "/", NULL,
     "[\"a\",{\"_placeholder\":false,\"num\":9}]", 1},
};

static const struct {
    const char *text, *why;
} bad[] = {
    {"", "empty"},
    {"7", "unknown type"},
    {"x", "not a digit"},
    {"2[\"a\"", "cut JSON"},
    {"2{\"a\":1}", "event data is not an array"},
    {"2[]", "no event name"},
    {"2[null]", "event name is null"},
    {"2[{}]", "event name is an object"},
    {"2[\"connect\"]", "reserved name"},
    {"2[\"disconnecting\"]", "reserved name"},
    {"2[\"newListener\"]", "reserved name"},
    {"2[\"a\"]x", "bytes behind the data"},
    {"0[]", "CONNECT data is an array"},
    {"0\"x\"", "CONNECT data is a string"},
    {"1[]", "DISCONNECT with data"},
    {"3{}", "ACK data is not an array"},
    {"3", "ACK without data"},
    {"5[\"a\"]", "no attachment count"},
    {"50-[\"a\"]", "zero attachments"},
    {"511-[\"a\"]", "too many attachments"},
    {"5-1-[\"a\"]", "negative attachments"},
    {"51.5-[\"a\"]", "fraction"},
    {"51[\"a\"]", "no dash"},
    {"51-", "no data"},
    {"51-[\"a\",{\"_placeholder\":true,\"num\":1}]", "placeholder beyond the count"},
    {"51-[\"a\",{\"_placeholder\":true,\"num\":-1}]", "negative placeholder"},
    {"51-[\"a\",{\"_placeholder\":true,\"num\":\"0\"}]", "placeholder is a string"},
    {"51-[\"a\",{\"_placeholder\":true}]", "placeholder without number"},
    {"/2[\"a\"]", "namespace first"},
};

TEST(packets_decode_as_the_protocol_says)
{
    for (size_t i = 0; i < BX_LEN(good); i++) {
        struct sio_packet p;
        assert_why(sio_packet_decode(bx_str(good[i].text), 10, &p) == BX_OK, good[i].text);
        assert_why(p.type == good[i].type && p.attachment_count == good[i].attachments,
                   good[i].text);
        assert_why(bx_str_eq(p.nsp, bx_str(good[i].nsp)) && bx_str_eq(p.data, bx_str(good[i].data)),
                   good[i].text);
        assert_why(p.has_id == (good[i].id != NULL) &&
                       (!p.has_id || bx_str_eq(p.id, bx_str(good[i].id))),
                   good[i].text);
    }
}

TEST(what_the_original_parser_refuses_is_refused)
{
    for (size_t i = 0; i < BX_LEN(bad); i++) {
        struct sio_packet p;
        assert_why(sio_packet_decode(bx_str(bad[i].text), 10, &p) < 0, bad[i].why);
    }
}

TEST(an_event_comes_apart_into_name_and_arguments)
{
    char scratch[16];
    struct bx_str name, args;
    assert_rc(sio_event_split(bx_str("[\"ev\" , 1, {\"a\":[2]} ]"), scratch, sizeof scratch, &name,
                              &args),
              BX_OK);
    assert_str(name, "ev");
    assert_str(args, "1, {\"a\":[2]}");
    assert_rc(sio_event_split(bx_str("[\"\\u0065v\"]"), scratch, sizeof scratch, &name, &args),
              BX_OK);
    assert_str(name, "ev");
    assert_str(args, "");
    assert_rc(sio_event_split(bx_str("[7,true]"), scratch, sizeof scratch, &name, &args), BX_OK);
    assert_str(name, "7");
    assert_str(args, "true");
    assert_rc(sio_event_split(bx_str("[\"\\u0065aaaaaaaaaaaaaaaaaaaaaaaaa\"]"), scratch,
                              sizeof scratch, &name, &args),
              BX_E_TOO_BIG);
}

/* --- msgpack: bytes as notepack writes them --- */

static const struct {
    struct sio_packet packet;
    const char *bytes;
    size_t len;
} packed[] = {
    {{.type = SIO_CONNECT, .nsp = {"/", 1}}, "\x82\xa4type\x00\xa3nsp\xa1/", 13},
    {{.type = SIO_EVENT,
      .nsp = {"/", 1},
      .data = {"[\"a\",-1,255,65536,1.5,null,true,\"\xc3\xa9\"]", 37}},
     "\x83\xa4type\x02\xa4"
     "data\x98\xa1"
     "a\xff\xcc\xff\xce\x00\x01\x00\x00\xcb\x3f\xf8\x00\x00\x00\x00\x00\x00\xc0\xc3\xa2\xc3\xa9\xa3"
     "nsp\xa1/",
     43},
    {{.type = SIO_ACK, .nsp = {"/n", 2}, .has_id = true, .id = {"300", 3}, .data = {"[]", 2}},
     "\x84\xa4type\x03\xa4"
     "data\x90\xa3nsp\xa2/n\xa2id\xcd\x01\x2c",
     26},
};

TEST(msgpack_packets_have_notepacks_bytes)
{
    for (size_t i = 0; i < BX_LEN(packed); i++) {
        struct bx_buf out;
        struct sio_msgpack m;
        bx_buf_init(&out, 0);
        assert_rc(sio_msgpack_encode(&packed[i].packet, &(struct sio_payload){0}, &out), BX_OK);
        assert_int_equal(out.len, packed[i].len);
        assert_memory_equal(out.data, packed[i].bytes, packed[i].len);
        assert_rc(sio_msgpack_decode(out.data, out.len, 10, &m), BX_OK);
        assert_int_equal(m.packet.type, packed[i].packet.type);
        assert_true(bx_str_eq(m.packet.nsp, packed[i].packet.nsp));
        assert_true(bx_str_eq(m.packet.data, packed[i].packet.data));
        assert_true(bx_str_eq(m.packet.id, packed[i].packet.id));
        sio_msgpack_done(&m);
        bx_buf_done(&out);
    }
}

TEST(msgpack_binary_travels_as_attachments)
{
    struct sio_str bytes = {"\x01\x02", 2};
    struct sio_payload payload = {.attachments = &bytes, .attachment_count = 1};
    struct sio_packet p = {.type = SIO_EVENT,
                           .nsp = BX_STR("/"),
                           .data = BX_STR("[\"b\",{\"_placeholder\":true,\"num\":0}]")};
    struct bx_buf out;
    struct sio_msgpack m;
    bx_buf_init(&out, 0);
    assert_rc(sio_msgpack_encode(&p, &payload, &out), BX_OK);
    assert_rc(sio_msgpack_decode(out.data, out.len, 1, &m), BX_OK);
    assert_int_equal(m.packet.attachment_count, 1);
    assert_memory_equal(m.attachments[0].ptr, "\x01\x02", 2);
    sio_msgpack_done(&m);
    assert_rc(sio_msgpack_decode(out.data, out.len, 0, &m), BX_E_TOO_BIG);
    for (size_t cut = 0; cut < out.len; cut++)
        assert_true(sio_msgpack_decode(out.data, cut, 1, &m) < 0);
    bx_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(packets_decode_as_the_protocol_says),
        cmocka_unit_test(what_the_original_parser_refuses_is_refused),
        cmocka_unit_test(an_event_comes_apart_into_name_and_arguments),
        cmocka_unit_test(msgpack_packets_have_notepacks_bytes),
        cmocka_unit_test(msgpack_binary_travels_as_attachments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
