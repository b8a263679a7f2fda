/* Autobahn's sections 12 and 13: permessage-deflate with zlib itself as the peer, and its own
 * messages byte by byte. */
#include "base/mem.h"
#include "net/ws/ws_conformance.h"
#include "net/ws/ws_deflate.h"

#include <stdio.h>
#include <stdlib.h>
#include <zlib.h>

struct zpeer {
    z_stream out, in;
    bool is_out_takeover, is_in_takeover;
};

static void zpeer_init(struct zpeer *z, const struct ws_deflate_params *p, bool is_client)
{
    *z = (struct zpeer){0};
    int bits = is_client ? p->client_window_bits : p->server_window_bits;
    z->is_out_takeover = is_client ? p->is_client_takeover : p->is_server_takeover;
    z->is_in_takeover = is_client ? p->is_server_takeover : p->is_client_takeover;
    int in_bits = is_client ? p->server_window_bits : p->client_window_bits;
    assert_int_equal(deflateInit2(&z->out, 6, Z_DEFLATED, -(bits < 9 ? 9 : bits), 8, 0), Z_OK);
    assert_int_equal(inflateInit2(&z->in, -in_bits), Z_OK);
}

static void zpeer_done(struct zpeer *z)
{
    deflateEnd(&z->out);
    inflateEnd(&z->in);
}

static void zpeer_pack(struct zpeer *z, struct bx_str in, struct bx_buf *out)
{
    bx_buf_clear(out, SIZE_MAX);
    bx_buf_reserve(out, in.len * 2 + 256);
    z->out.next_in = (z_const Bytef *)(uintptr_t)in.ptr;
    z->out.avail_in = (uInt)in.len;
    z->out.next_out = out->data;
    z->out.avail_out = (uInt)out->cap;
    deflate(&z->out, Z_SYNC_FLUSH);
    assert_true(z->out.avail_out > 0);
    out->len = out->cap - z->out.avail_out - 4;
    if (!z->is_out_takeover)
        deflateReset(&z->out);
}

/* In the window that was agreed: an inflater of that size must be able to read it. */
static void zpeer_unpack(struct zpeer *z, struct bx_str in, struct bx_buf *out, size_t want)
{
    struct bx_buf whole;
    bx_buf_init(&whole, 0);
    bx_buf_str(&whole, in);
    bx_buf_append(&whole, "\0\0\xff\xff", 4);
    bx_buf_clear(out, SIZE_MAX);
    bx_buf_reserve(out, want + 64);
    z->in.next_in = whole.data;
    z->in.avail_in = (uInt)whole.len;
    z->in.next_out = out->data;
    z->in.avail_out = (uInt)out->cap;
    assert_int_equal(inflate(&z->in, Z_SYNC_FLUSH), Z_OK);
    assert_int_equal(z->in.avail_in, 0);
    out->len = out->cap - z->in.avail_out;
    if (!z->is_in_takeover)
        inflateReset(&z->in);
    bx_buf_done(&whole);
}

/* --- the material of section 12, made here: as compressible as what it stands for --- */

enum material { JSON, BITMAP, TEXT, HTML, PACKED };

static const struct {
    const char *name;
    bool is_binary;
    const char *words[8];
} materials[] = {
    [JSON] = {"12.1 JSON",
              false,
              {"{\"id\":", "0123", ",\"name\":\"", "presence", "\",\"ok\":true}", ",", "[\xc3\xa9]",
               "null"}},
    [BITMAP] = {"12.2 a bitmap",
                true,
                {"\x10\x11\x12", "\x13", "\x80\x81", "\x7f", "\xff", "\xfe", "\x01", "\x40"}},
    [TEXT] = {"12.3 human text, sent as binary",
              true,
              {"Da steh ", "ich nun, ", "ich armer ", "Tor ", "und bin ", "so klug ", "als ",
               "zuvor. "}},
    [HTML] = {"12.4 HTML",
              false,
              {"<div class=\"", "row", "\">", "</div>\n", "<a href=\"#", "\xe2\x82\xac", "</a>",
               " "}},
    [PACKED] = {"12.5 what is packed already", true, {NULL}},
};

/* Text that was cut inside a character ends in "x" instead. */
static void mend(char *text, size_t len)
{
    size_t at = len;
    while (at && len - at < 3 && ((uint8_t)text[at - 1] & 0xc0) == 0x80)
        at--;
    uint8_t lead = at ? (uint8_t)text[at - 1] : 0;
    size_t want = lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1;
    if (want > 1 && len - (at - 1) < want)
        memset(text + at - 1, 'x', len - (at - 1));
}

static struct bx_str material(enum material kind, size_t len, uint32_t seed, struct bx_buf *out)
{
    uint32_t state = seed * 2654435761u + 1;
    bx_buf_clear(out, SIZE_MAX);
    while (out->len < len) {
        state = state * 1664525u + 1013904223u;
        if (kind == PACKED)
            bx_buf_byte(out, (uint8_t)(state >> 24));
        else
            bx_buf_str(out, bx_str(materials[kind].words[state >> 24 & 7]));
        if (kind != PACKED && (state >> 16 & 3) == 0)
            bx_buf_byte(out, (uint8_t)('a' + (state >> 18 & 15)));
    }
    if (!materials[kind].is_binary)
        mend((char *)out->data, len);
    return bx_str_n(out->data, len);
}

static const struct {
    size_t size, fragment;
} shapes[] = {
    /* the 18 of each section */
    {16, 0},      {64, 0},      {256, 0},      {1024, 0},      {4096, 0},      {8192, 0},
    {16384, 0},   {32768, 0},   {65536, 0},    {131072, 0},    {8192, 256},    {16384, 256},
    {32768, 256}, {65536, 256}, {131072, 256}, {131072, 1024}, {131072, 4096}, {131072, 32768},
};

struct meeting {
    struct wst_end e;
    struct zpeer z;
    bool is_client, is_binary;
    size_t fragment;
    struct bx_buf text, packed, frames, back;
};

/* The peer's message reaches us: RSV1 on the first frame only, a ping between the frames. */
static void cross_in(struct meeting *m, struct bx_str message, size_t step, const char *why)
{
    uint8_t first = m->is_binary ? 0xc2 : 0xc1;
    unsigned before = m->e.messages;
    zpeer_pack(&m->z, message, &m->packed);
    struct bx_str packed = bx_buf_view(&m->packed);
    bx_buf_clear(&m->frames, SIZE_MAX);
    if (m->fragment && packed.len > m->fragment) {
        wst_frame(&m->frames, first & 0x7f, bx_str_slice(packed, 0, m->fragment), !m->is_client);
        wst_frame(&m->frames, 0x89, BX_STR("p"), !m->is_client);
        wst_message(&m->frames, 0x80, bx_str_slice(packed, m->fragment, packed.len), m->fragment,
                    !m->is_client);
    } else {
        wst_frame(&m->frames, first, packed, !m->is_client);
    }
    wst_feed(&m->e, bx_buf_view(&m->frames), step);
    assert_why(m->e.messages == before + 1 && bx_str_eq(bx_buf_view(&m->e.last), message), why);
}

/* Ours is read by an inflater of the window that was agreed. */
static void cross_out(struct meeting *m, struct bx_str message, bool is_packable, const char *why)
{
    struct bx_str out;
    int rc = ws_deflate_compress(m->e.proto.deflate, bx_str_slice(message, 0, message.len / 2),
                                 bx_str_slice(message, message.len / 2, message.len), &out);
    if (rc == BX_OK) {
        zpeer_unpack(&m->z, out, &m->back, message.len);
        assert_why(bx_str_eq(bx_buf_view(&m->back), message), why);
        return;
    }
    assert_rc(rc, BX_E_UNSUPPORTED);
    assert_why(message.len < 64 || !is_packable, why);
}

static void meet(const struct ws_deflate_params *p, bool is_client, enum material kind,
                 size_t shape, const char *name)
{
    struct meeting m = {.is_client = is_client,
                        .is_binary = materials[kind].is_binary,
                        .fragment = shapes[shape].fragment};
    size_t size = shapes[shape].size, count = (64 << 10) / size;
    char why[160];
    snprintf(why, sizeof why, "%s, shape %zu, as a %s", name, shape + 1,
             is_client ? "client" : "server");
    struct bx_buf *all[] = {&m.text, &m.packed, &m.frames, &m.back};
    for (size_t i = 0; i < BX_LEN(all); i++)
        bx_buf_init(all[i], 0);
    zpeer_init(&m.z, p, !is_client);
    wst_end_init(&m.e, is_client, 1 << 20, ws_deflate_new(p, is_client, 3));
    m.e.is_silent = true;
    count = count < 2 ? 2 : count > 50 ? 50 : count;
    for (unsigned i = 0; i < count; i++) {
        struct bx_str message = material(kind, size, i / 2, &m.text);
        cross_in(&m, message, i % 2 ? 61 : SIZE_MAX / 2, why);
        cross_out(&m, message, kind != PACKED, why);
    }
    bool has_own = p->is_server_takeover || p->is_client_takeover;
    assert_why((ws_deflate_streams(m.e.proto.deflate) > 0) == has_own, why);
    zpeer_done(&m.z);
    for (size_t i = 0; i < BX_LEN(all); i++)
        bx_buf_done(all[i]);
    wst_end_done(&m.e);
}

TEST(section_12_every_material_crosses_in_every_shape)
{
    static const struct ws_deflate_params defaults = {false, false, 15, 15};
    for (enum material kind = JSON; kind <= PACKED; kind++) {
        for (size_t shape = 0; shape < BX_LEN(shapes); shape++) {
            meet(&defaults, false, kind, shape, materials[kind].name);
            meet(&defaults, true, kind, shape, materials[kind].name);
        }
    }
}

#define OFFER "permessage-deflate; client_no_context_takeover; client_max_window_bits"
static const struct {
    const char *name, *offer, *answer;
} offers[] = {
    {"13.1", OFFER, "permessage-deflate; client_no_context_takeover"},
    {"13.2", OFFER "; server_no_context_takeover",
     "permessage-deflate; server_no_context_takeover; client_no_context_takeover"},
    {"13.3", OFFER "; server_max_window_bits=9",
     "permessage-deflate; client_no_context_takeover; server_max_window_bits=9"},
    {"13.4", OFFER "; server_max_window_bits=15",
     "permessage-deflate; client_no_context_takeover; server_max_window_bits=15"},
    {"13.5", OFFER "; server_no_context_takeover; server_max_window_bits=9",
     "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
     "server_max_window_bits=9"},
    {"13.6", OFFER "; server_no_context_takeover; server_max_window_bits=15",
     "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
     "server_max_window_bits=15"},
    {"13.7 three offers: the first is taken",
     OFFER "; server_no_context_takeover; server_max_window_bits=9, " OFFER
           "; server_no_context_takeover, " OFFER,
     "permessage-deflate; server_no_context_takeover; client_no_context_takeover; "
     "server_max_window_bits=9"},
    {"13.x nothing asked for: both keep their context", "permessage-deflate", "permessage-deflate"},
    {"13.x the client's window", "permessage-deflate; client_max_window_bits=10",
     "permessage-deflate; client_max_window_bits=10"},
    {"13.x behind others and a bad one",
     "x-webkit-deflate-frame, permessage-deflate; server_max_window_bits, permessage-deflate",
     "permessage-deflate"},
    {"13.x quoted", "permessage-deflate; server_max_window_bits=\"12\"",
     "permessage-deflate; server_max_window_bits=12"},
};

TEST(section_13_every_offer_has_its_answer_and_messages_cross_under_it_in_every_shape)
{
    static const struct ws_deflate_config open = {true, true, 15};
    for (size_t i = 0; i < BX_LEN(offers); i++) {
        struct ws_deflate_params p, back;
        char answer[WS_DEFLATE_ANSWER_SIZE];
        bool is_on = false;
        assert_why(ws_deflate_accept(bx_str(offers[i].offer), &open, &p, answer), offers[i].name);
        assert_str(bx_str(answer), offers[i].answer);
        assert_rc(ws_deflate_answer_check(bx_str(answer), &open, &back, &is_on), BX_OK);
        assert_why(is_on && memcmp(&p, &back, sizeof p) == 0, offers[i].name);
        for (size_t shape = 0; shape < BX_LEN(shapes); shape++) {
            meet(&p, false, JSON, shape, offers[i].name);
            meet(&p, true, JSON, shape, offers[i].name);
        }
    }
}

TEST(an_offer_that_breaks_the_grammar_is_declined)
{
    static const struct ws_deflate_config open = {true, true, 15};
    static const char *const bad[] = {
        "",
        "deflate",
        "permessage-deflate; server_max_window_bits",
        "permessage-deflate; server_max_window_bits=7",
        "permessage-deflate; server_max_window_bits=16",
        "permessage-deflate; server_max_window_bits=010",
        "permessage-deflate; client_max_window_bits=",
        "permessage-deflate; client_no_context_takeover=1",
        "permessage-deflate; client_no_context_takeover; client_no_context_takeover",
        "permessage-deflate; mux",
    };
    for (size_t i = 0; i < BX_LEN(bad); i++) {
        struct ws_deflate_params p;
        char answer[WS_DEFLATE_ANSWER_SIZE];
        assert_why(!ws_deflate_accept(bx_str(bad[i]), &open, &p, answer), bad[i]);
    }
}

TEST(a_window_of_256_bytes_is_never_compressed_into)
{
    struct ws_deflate *d =
        ws_deflate_new(&(struct ws_deflate_params){false, false, 8, 8}, false, 3);
    assert_false(ws_deflate_can_compress(d));
    ws_deflate_free(d);
}

static const struct {
    const char *name, *in;
    uint16_t code;
    const char *message;
} packed_rows[] = {
    {"7692 7.2.3.1 one block", "~T:\\f2\\48\\cd\\c9\\c9\\07\\00", 0, "Hello"},
    {"7692 7.2.3.1 in two frames", "-~T:\\f2\\48\\cd C:\\c9\\c9\\07\\00", 0, "Hello"},
    {"7692 7.2.3.3 stored block", "~T:\\00\\05\\00\\fa\\ff\\48\\65\\6c\\6c\\6f\\00", 0, "Hello"},
    {"7692 7.2.3.4 final block", "~T:\\f3\\48\\cd\\c9\\c9\\07\\00\\00", 0, "Hello"},
    {"7692 7.2.3.5 two blocks", "~T:\\f2\\48\\05\\00\\00\\00\\ff\\ff\\ca\\c9\\c9\\07\\00", 0,
     "Hello"},
    {"an empty message", "~T:\\00", 0, ""},
    {"uncompressed is still allowed", "T:plain", 0, "plain"},
    {"RSV1 on a continuation", "-~T:\\f2\\48 ~C:\\cd", 1002, NULL},
    {"RSV1 on a ping", "~P:x", 1002, NULL},
    {"RSV2 is still reserved", "^T:x", 1002, NULL},
    {"garbage", "~T:\\ff\\ff\\ff\\ff", 1007, NULL},
    {"cut inside a block", "~T:\\f2\\48\\cd", 1007, NULL},
    {"inflates to bytes that are no text", "~T:\\00\\01\\00\\fe\\ff\\ff\\00", 1007, NULL},
    {"inflates to any bytes for binary", "~B:\\00\\01\\00\\fe\\ff\\ff\\00", 0, "\xff"},
};

TEST(compressed_messages_at_the_level_of_bytes)
{
    static const struct ws_deflate_params p = {false, false, 15, 15};
    for (size_t i = 0; i < BX_LEN(packed_rows); i++) {
        for (size_t step = 1; step < 2000; step = step * 1000) {
            struct wst_end e;
            struct bx_buf in;
            bx_buf_init(&in, 0);
            wst_notation(packed_rows[i].in, true, &in);
            wst_end_init(&e, false, 1 << 16, ws_deflate_new(&p, false, 3));
            e.is_silent = true;
            wst_feed(&e, bx_buf_view(&in), step);
            assert_why(e.code == packed_rows[i].code, packed_rows[i].name);
            assert_why(e.messages == (packed_rows[i].message != NULL), packed_rows[i].name);
            if (packed_rows[i].message)
                assert_str(bx_buf_view(&e.last), packed_rows[i].message);
            bx_buf_done(&in);
            wst_end_done(&e);
        }
    }
}

TEST(a_compression_bomb_is_stopped_at_the_cap)
{
    static const struct ws_deflate_params p = {false, false, 15, 15};
    enum { CAP = 100000, BOMB = 50 << 20 };
    struct zpeer z;
    struct wst_end e;
    struct ws_proto_counts counts = {0};
    struct bx_buf packed, frame;
    char *zeros = bx_calloc(BOMB, 1);
    bx_buf_init(&packed, 0);
    bx_buf_init(&frame, 0);
    zpeer_init(&z, &p, true);
    zpeer_pack(&z, bx_str_n(zeros, BOMB), &packed);
    wst_frame(&frame, 0xc2, bx_buf_view(&packed), true);
    assert_true(packed.len < CAP);
    struct ws_deflate *d = ws_deflate_new(&p, false, 3);
    wst_end_init(&e, false, CAP, d);
    ws_proto_feed(&e.proto, frame.data, frame.len, &counts);
    assert_int_equal(e.code, 1009);
    assert_true(counts.is_bomb);
    assert_int_equal(e.messages, 0);
    assert_true(ws_deflate_scratch(d)->cap <= CAP + 1);
    wst_end_done(&e);
    zpeer_done(&z);
    bx_buf_done(&packed);
    bx_buf_done(&frame);
    free(zeros);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(section_12_every_material_crosses_in_every_shape),
        cmocka_unit_test(
            section_13_every_offer_has_its_answer_and_messages_cross_under_it_in_every_shape),
        cmocka_unit_test(an_offer_that_breaks_the_grammar_is_declined),
        cmocka_unit_test(a_window_of_256_bytes_is_never_compressed_into),
        cmocka_unit_test(compressed_messages_at_the_level_of_bytes),
        cmocka_unit_test(a_compression_bomb_is_stopped_at_the_cap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
