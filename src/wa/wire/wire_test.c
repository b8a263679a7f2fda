#include "base/mem.h"
#include "wa/vectors.h"
#include "wa/wire/codec.h"
#include "wa/wire/frame.h"

#include <stdlib.h>

static struct bx_arena arena;

static int setup(void **state)
{
    (void)state;
    bx_arena_init(&arena, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bx_arena_done(&arena);
    return 0;
}

static struct bx_str unhex(const char *hex)
{
    size_t len = strlen(hex) / 2;
    uint8_t *bytes = bx_arena_alloc(&arena, len + 1);
    assert_rc(bx_hex_decode(bx_str(hex), bytes, len), BX_OK);
    return bx_str_n(bytes, len);
}

/* The JavaScript form: any string with an '@' that parses is a JID. */
static struct wa_node *node_of_json(const json_t *j)
{
    struct wa_node *n = wa_node_new(&arena, json_string_value(json_object_get(j, "tag")));
    const char *key;
    json_t *value, *content = json_object_get(j, "content");
    json_object_foreach(json_object_get(j, "attrs"), key, value)
    {
        struct bx_str text = bx_str(json_string_value(value));
        bool is_jid = bx_str_find(text, '@') < text.len;
        wa_node_put(n, is_jid ? wa_to(key, text) : wa_str(key, text));
    }
    if (json_is_string(content))
        wa_node_text(n, bx_str(json_string_value(content)));
    if (json_is_object(content))
        wa_node_bytes(n, unhex(json_string_value(json_object_get(content, "hex"))));
    if (json_is_array(content)) {
        n->content = WA_CONTENT_NODES;
        size_t i;
        json_array_foreach(content, i, value) wa_node_add(n, node_of_json(value));
    }
    return n;
}

static void check_dict(enum wa_dict dict, const json_t *vector, const char *hex_key,
                       const char *len_key)
{
    struct bx_str want = unhex(vector_text(vector, hex_key));
    size_t len = (size_t)json_integer_value(vector_get(vector, len_key));
    struct bx_buf out;
    bx_buf_init(&out, 0);
    assert_rc(wa_encode(dict, node_of_json(vector_get(vector, "node")), &out), BX_OK);
    assert_int_equal(out.len, len);
    assert_memory_equal(out.data, want.ptr, want.len);
    struct wa_node *back;
    assert_rc(wa_decode(dict, bx_buf_view(&out), &arena, &back), BX_OK);
    struct bx_buf again;
    bx_buf_init(&again, 0);
    assert_rc(wa_encode(dict, back, &again), BX_OK);
    assert_int_equal(again.len, out.len);
    assert_memory_equal(again.data, out.data, out.len);
    bx_buf_done(&again);
    bx_buf_done(&out);
}

TEST(nodes_encode_as_baileys_encodes_them_in_both_dictionaries)
{
    const json_t *nodes = vector_topic("nodes"), *vector;
    size_t i;
    assert_true(json_array_size(nodes) >= 8);
    json_array_foreach(nodes, i, vector)
    {
        check_dict(WA_DICT_3, vector, "dict3", "len3");
        check_dict(WA_DICT_2, vector, "dict2", "len2");
    }
}

TEST(a_deflated_frame_is_the_same_node)
{
    const json_t *v = vector_topic("compressed");
    size_t index = (size_t)json_integer_value(vector_get(v, "equals_node_index"));
    const json_t *same = vector_get(json_array_get(vector_topic("nodes"), index), "node");
    struct wa_node *n;
    struct bx_buf a, b;
    bx_buf_init(&a, 0);
    bx_buf_init(&b, 0);
    assert_rc(wa_decode(WA_DICT_3, unhex(vector_text(v, "dict3")), &arena, &n), BX_OK);
    assert_rc(wa_encode(WA_DICT_3, n, &a), BX_OK);
    assert_rc(wa_encode(WA_DICT_3, node_of_json(same), &b), BX_OK);
    assert_int_equal(a.len, b.len);
    assert_memory_equal(a.data, b.data, a.len);
    bx_buf_clear(&b, 0);
    assert_rc(wa_encode_deflated(WA_DICT_3, n, &b), BX_OK);
    assert_rc(wa_decode(WA_DICT_3, bx_buf_view(&b), &arena, &n), BX_OK);
    bx_buf_done(&a);
    bx_buf_done(&b);
}

TEST(every_token_is_found_and_comes_back)
{
    for (int dict = 2; dict <= 3; dict++) {
        const struct wa_tokens *tokens = wa_tokens((enum wa_dict)dict);
        for (int i = 1; i < WA_TOKEN_COUNT; i++) {
            struct bx_str text = bx_str_n(tokens->text[i], tokens->len[i]);
            assert_int_equal(text.len, strlen(tokens->text[i]));
            assert_int_equal(wa_token_find(tokens, text), i);
        }
        assert_int_equal(wa_token_find(tokens, BX_STR("no such token")), -1);
        assert_int_equal(wa_token_find(tokens, BX_STR("")), -1);
    }
}

static const struct {
    const char *hex;
    int rc;
    const char *why;
} broken[] = {
    {"", BX_E_TRUNCATED, "no flags"},
    {"00", BX_E_TRUNCATED, "no node"},
    {"0000", BX_E_INVALID, "an empty list is no node"},
    {"00f80205", BX_E_TRUNCATED, "content announced but absent"},
    {"00f8010", BX_E_TRUNCATED, "tag absent"},
    {"00f80100", BX_E_INVALID, "empty tag"},
    {"00f801fc05aabb", BX_E_TRUNCATED, "raw text cut"},
    {"00f801feffffffff", BX_E_TRUNCATED, "4 GiB announced"},
    {"00f801ff80", BX_E_INVALID, "odd packing of nothing"},
    {"00f801ff01cc", BX_E_INVALID, "nibble 12 is no digit"},
    {"00f801f0", BX_E_INVALID, "tag 240 is none"},
    {"00f9ffff05", BX_E_TOO_BIG, "32767 attributes"},
    {"00f80305fa05fafc0161", BX_E_INVALID, "a JID inside of a JID"},
    {"00f80305fa05", BX_E_TRUNCATED, "JID cut"},
    {"0278", BX_E_TRUNCATED, "deflated data cut"},
    {"02ffff", BX_E_INVALID, "no deflated data"},
};

TEST(broken_payloads_are_refused)
{
    for (size_t i = 0; i < BX_LEN(broken); i++) {
        struct wa_node *n;
        size_t len = strlen(broken[i].hex) / 2;
        uint8_t bytes[64];
        assert_rc(bx_hex_decode(bx_str_n(broken[i].hex, 2 * len), bytes, len), BX_OK);
        int rc = wa_decode(WA_DICT_3, bx_str_n(bytes, len), &arena, &n);
        if (rc != broken[i].rc)
            fail_msg("%s: %s, want %s", broken[i].why, bx_err_name(rc), bx_err_name(broken[i].rc));
    }
}

TEST(nesting_has_an_end)
{
    struct bx_buf b;
    struct wa_node *n;
    bx_buf_init(&b, 0);
    bx_buf_byte(&b, 0);
    for (int i = 0; i < 5000; i++)
        bx_buf_lit(&b, "\xf8\x02\x05\xf8\x01");
    assert_rc(wa_decode(WA_DICT_3, bx_buf_view(&b), &arena, &n), BX_E_TOO_DEEP);
    bx_buf_done(&b);
}

TEST(a_bomb_stops_at_the_cap)
{
    struct bx_buf zeros, bomb, out;
    bx_buf_init(&zeros, 0);
    bx_buf_init(&bomb, 0);
    bx_buf_init(&out, 1 << 20);
    bx_buf_reserve(&zeros, 4 << 20);
    memset(zeros.data, 0, 4 << 20);
    zeros.len = 4 << 20;
    assert_rc(wa_deflate(bx_buf_view(&zeros), &bomb), BX_OK);
    assert_rc(wa_inflate(bx_buf_view(&bomb), &out), BX_E_TOO_BIG);
    assert_int_equal(out.len, 0);
    assert_true(out.cap <= 1 << 20);
    bx_buf_done(&zeros);
    bx_buf_done(&bomb);
    bx_buf_done(&out);
}

TEST(builder_and_getters_say_the_same)
{
    struct wa_jid to = wa_jid_make(WA_SERVER_LID, BX_STR("123"), 7), got;
    uint64_t t;
    struct wa_node *m = WA_NODE(&arena, "message", wa_jid("to", &to), wa_num("t", 1700000000),
                                wa_lit("edit", NULL), wa_lit("type", "text"));
    wa_node_be(wa_node_add(m, wa_node_new(&arena, "id")), 0x010203, 3);
    wa_node_text(wa_node_add(m, wa_node_new(&arena, "body")), BX_STR("hello"));
    struct wa_node *back;
    struct bx_buf b;
    bx_buf_init(&b, 0);
    assert_rc(wa_encode(WA_DICT_3, m, &b), BX_OK);
    assert_rc(wa_decode(WA_DICT_3, bx_buf_view(&b), &arena, &back), BX_OK);
    assert_rc(wa_node_attr_jid(back, "to", &got), BX_OK);
    assert_true(wa_jid_equal(&got, &to));
    assert_rc(wa_node_attr_u64(back, "t", &t), BX_OK);
    assert_int_equal(t, 1700000000);
    assert_false(wa_node_has(back, "edit"));
    assert_rc(wa_node_attr_u64(back, "edit", &t), BX_E_NOT_FOUND);
    assert_rc(wa_node_attr_u64(back, "type", &t), BX_E_INVALID);
    assert_rc(wa_node_data_be(wa_node_child(back, "id"), 3, &t), BX_OK);
    assert_int_equal(t, 0x010203);
    assert_rc(wa_node_data_be(wa_node_child(back, "none"), 3, &t), BX_E_NOT_FOUND);
    assert_str(wa_node_child_data(back, "body"), "hello");
    assert_null(wa_node_child(wa_node_child(back, "none"), "deeper"));
    assert_int_equal(wa_node_count(back, NULL), 2);
    wa_node_set(back, wa_lit("type", "media"));
    wa_node_set(back, wa_lit("t", NULL));
    bx_buf_clear(&b, 0);
    assert_rc(wa_node_print(wa_node_copy(&arena, back), &b), BX_OK);
    assert_str(bx_buf_view(&b), "<message to=\"123:7@lid\" type=\"media\"><id>[3 bytes]</id>"
                                "<body>[5 bytes]</body></message>");
    bx_buf_done(&b);
}

static const struct {
    const char *text, *canonical;
    enum wa_server server;
    unsigned device;
} jids[] = {
    {"4917@s.whatsapp.net", "4917@s.whatsapp.net", WA_SERVER_PN, 0},
    {"4917:3@s.whatsapp.net", "4917:3@s.whatsapp.net", WA_SERVER_PN, 3},
    {"4917.0:3@s.whatsapp.net", "4917:3@s.whatsapp.net", WA_SERVER_PN, 3},
    {"4917:0@s.whatsapp.net", "4917@s.whatsapp.net", WA_SERVER_PN, 0},
    {"12_1:9@lid", "12:9@lid", WA_SERVER_LID, 9},
    {"4917:99@hosted", "4917:99@hosted", WA_SERVER_HOSTED, 99},
    {"12:99@hosted.lid", "12:99@hosted.lid", WA_SERVER_HOSTED_LID, 99},
    {"4917-1500000000@g.us", "4917-1500000000@g.us", WA_SERVER_GROUP, 0},
    {"status@broadcast", "status@broadcast", WA_SERVER_BROADCAST, 0},
    {"@s.whatsapp.net", "@s.whatsapp.net", WA_SERVER_PN, 0},
    {"3-77:2@interop", "3-77:2@interop", WA_SERVER_INTEROP, 2},
    {"77:300@msgr", "77:300@msgr", WA_SERVER_MSGR, 300},
    {"x@elsewhere.example", "x@elsewhere.example", WA_SERVER_OTHER, 0},
};

TEST(jids_parse_print_and_survive_the_wire)
{
    for (size_t i = 0; i < BX_LEN(jids); i++) {
        struct wa_jid j;
        struct wa_node *back;
        struct bx_buf b;
        bx_buf_init(&b, 0);
        assert_rc(wa_jid_parse(bx_str(jids[i].text), &j), BX_OK);
        assert_int_equal(j.server, jids[i].server);
        assert_int_equal(j.device, jids[i].device);
        assert_str(wa_jid_text(&arena, &j), jids[i].canonical);
        assert_rc(wa_encode(WA_DICT_3, WA_NODE(&arena, "a", wa_jid("jid", &j)), &b), BX_OK);
        assert_rc(wa_decode(WA_DICT_3, bx_buf_view(&b), &arena, &back), BX_OK);
        assert_str(wa_node_attr(back, "jid"), jids[i].canonical);
        assert_true(back->attrs->is_jid);
        bx_buf_done(&b);
    }
    struct wa_jid j;
    static const char *const bad[] = {"", "x", "x@", "x:@lid", "x:70000@lid", "x:1a@lid"};
    for (size_t i = 0; i < BX_LEN(bad); i++)
        assert_why(wa_jid_parse(bx_str(bad[i]), &j) == BX_E_INVALID, bad[i]);
}

TEST(frames_survive_any_cutting)
{
    struct bx_buf wire;
    bx_buf_init(&wire, 0);
    assert_rc(wa_intro_append(WA_DICT_2, BX_STR("route"), &wire), BX_OK);
    assert_rc(wa_frame_append(BX_STR("first"), &wire), BX_OK);
    assert_rc(wa_frame_append(BX_STR(""), &wire), BX_OK);
    assert_rc(wa_frame_append(BX_STR("third"), &wire), BX_OK);
    for (size_t step = 1; step <= wire.len; step++) {
        static const char *const want[] = {"first", "", "third"};
        struct wa_frame_reader r;
        struct bx_str payload;
        size_t seen = 0;
        wa_frame_reader_init(&r, true, 0);
        for (size_t at = 0; at < wire.len; at += step) {
            assert_rc(wa_frame_feed(&r, bx_str_slice(bx_buf_view(&wire), at, at + step)), BX_OK);
            int rc;
            while ((rc = wa_frame_next(&r, &payload)) > 0) {
                assert_true(seen < 3);
                assert_str(payload, want[seen++]);
            }
            assert_rc(rc, 0);
        }
        assert_int_equal(seen, 3);
        assert_int_equal(wa_frame_dict(&r), WA_DICT_2);
        assert_memory_equal(r.intro, "WA\x06\x02", 4);
        wa_frame_reader_done(&r);
    }
    bx_buf_done(&wire);
}

TEST(strangers_and_giants_are_refused_at_the_door)
{
    static const char *const strangers[] = {"GET / HT", "WA\x05\x03", "WA\x06\x04", "WB"};
    struct wa_frame_reader r;
    struct bx_str payload;
    for (size_t i = 0; i < BX_LEN(strangers); i++) {
        wa_frame_reader_init(&r, true, 0);
        assert_rc(wa_frame_feed(&r, bx_str(strangers[i])), BX_OK);
        assert_rc(wa_frame_next(&r, &payload), BX_E_INVALID);
        wa_frame_reader_done(&r);
    }
    wa_frame_reader_init(&r, false, 1000);
    assert_rc(wa_frame_feed(&r, BX_STR("\0\x03\xe9")), BX_OK);
    assert_rc(wa_frame_next(&r, &payload), BX_E_TOO_BIG);
    wa_frame_reader_done(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_encode_as_baileys_encodes_them_in_both_dictionaries),
        cmocka_unit_test(a_deflated_frame_is_the_same_node),
        cmocka_unit_test(every_token_is_found_and_comes_back),
        cmocka_unit_test(broken_payloads_are_refused),
        cmocka_unit_test(nesting_has_an_end),
        cmocka_unit_test(a_bomb_stops_at_the_cap),
        cmocka_unit_test(builder_and_getters_say_the_same),
        cmocka_unit_test(jids_parse_print_and_survive_the_wire),
        cmocka_unit_test(frames_survive_any_cutting),
        cmocka_unit_test(strangers_and_giants_are_refused_at_the_door),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
