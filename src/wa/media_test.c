/* Files, places, cards and polls in messages, against protobufs that unmodified Baileys built. */
#include "wa/media.h"

#include "base/mem.h"
#include "wa/internal.h"
#include "wa/proto/pb.h"
#include "wa/vectors.h"

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

static const json_t *media(const char *topic)
{
    static json_t *all;
    if (!all)
        all = json_load_file(WA_MEDIA_VECTORS, 0, NULL);
    assert_non_null(all);
    return vector_get(all, topic);
}

static struct bx_str message(const char *kind)
{
    size_t i;
    json_t *row;
    json_array_foreach(media("messages"), i, row)
    {
        if (strcmp(vector_text(row, "kind"), kind) == 0)
            return vector_hex(row, "hex", bx_arena_alloc(&arena, 8192), 8192);
    }
    fail_msg("no vector %s", kind);
    return BX_STR("");
}

static const struct {
    const char *vector;
    enum wa_file_kind kind;
    const char *mimetype, *caption, *name;
    uint64_t size;
    uint32_t width, height, seconds;
    bool is_view_once;
} files[] = {
    {"image", WA_FILE_IMAGE, "image/jpeg", "hi", NULL, 1397, 64, 48, 0, false},
    {"imageViewOnce", WA_FILE_IMAGE, "image/jpeg", NULL, NULL, 1397, 64, 48, 0, true},
    {"video", WA_FILE_VIDEO, "video/mp4", NULL, NULL, 7897, 64, 48, 1, false},
    {"gif", WA_FILE_GIF, "video/mp4", NULL, NULL, 7897, 0, 0, 0, false},
    {"ptv", WA_FILE_PTV, "video/mp4", NULL, NULL, 7897, 0, 0, 0, false},
    {"audio", WA_FILE_AUDIO, "audio/mpeg", NULL, NULL, 3647, 0, 0, 1, false},
    {"ptt", WA_FILE_VOICE, "audio/ogg; codecs=opus", NULL, NULL, 3647, 0, 0, 1, false},
    {"document", WA_FILE_DOCUMENT, "application/pdf", NULL, "doc.pdf", 193, 0, 0, 0, false},
    {"documentCaption", WA_FILE_DOCUMENT, "application/pdf", "see", "doc.pdf", 193, 0, 0, 0, false},
    {"sticker", WA_FILE_STICKER, "image/webp", NULL, NULL, 4272, 512, 512, 0, false},
};

static bool is_text(struct bx_str got, const char *want)
{
    return want ? bx_str_eq(got, bx_str(want)) : got.len == 0;
}

TEST(every_file_that_baileys_sends_is_read)
{
    for (size_t i = 0; i < BX_LEN(files); i++) {
        struct wa_file f;
        assert_rc(wa_file_of(message(files[i].vector), &arena, &f), BX_OK);
        assert_why(f.kind == files[i].kind, files[i].vector);
        assert_why(is_text(f.mimetype, files[i].mimetype), files[i].vector);
        assert_why(is_text(f.caption, files[i].caption), files[i].vector);
        assert_why(is_text(f.file_name, files[i].name), files[i].vector);
        assert_why(f.size == files[i].size, files[i].vector);
        assert_why(!files[i].width || (f.width == files[i].width && f.height == files[i].height),
                   files[i].vector);
        assert_why(!files[i].seconds || f.seconds == files[i].seconds, files[i].vector);
        assert_why(f.is_view_once == files[i].is_view_once, files[i].vector);
        assert_why(f.has_media_key && f.has_sha256 && f.has_enc_sha256, files[i].vector);
        assert_why(f.direct_path.len && f.key_at_ms > 0, files[i].vector);
    }
    struct wa_file f;
    assert_rc(wa_file_of(message("location"), &arena, &f), BX_E_NOT_FOUND);
    assert_rc(wa_file_of(BX_STR("\xff\xff\xff"), &arena, &f), BX_E_INVALID);
}

TEST(what_is_built_reads_back_the_same)
{
    for (size_t i = 0; i < BX_LEN(files); i++) {
        struct wa_file f, back;
        struct wa_outgoing out = {
            .to = BX_STR("1@s.whatsapp.net"),
            .quoted = {.id = BX_STR("Q1"), .sender = BX_STR("2@s.whatsapp.net")},
            .ephemeral_s = 86400};
        assert_rc(wa_file_of(message(files[i].vector), &arena, &f), BX_OK);
        f.sidecar = f.kind == WA_FILE_VIDEO ? BX_STR("0123456789") : f.sidecar;
        struct bx_str raw = wa_build_file(&f, &out, &arena);
        assert_rc(wa_file_of(raw, &arena, &back), BX_OK);
        assert_why(back.kind == f.kind && back.size == f.size, files[i].vector);
        assert_why(bx_str_eq(back.caption, f.caption), files[i].vector);
        assert_why(bx_str_eq(back.file_name, f.file_name), files[i].vector);
        assert_why(bx_str_eq(back.direct_path, f.direct_path), files[i].vector);
        assert_why(bx_str_eq(back.thumbnail, f.thumbnail), files[i].vector);
        assert_why(bx_str_eq(back.waveform, f.waveform), files[i].vector);
        assert_why(bx_str_eq(back.sidecar, f.sidecar), files[i].vector);
        assert_why(memcmp(back.media_key, f.media_key, 32) == 0, files[i].vector);
        assert_why(memcmp(back.enc_sha256, f.enc_sha256, 32) == 0, files[i].vector);
        assert_why(back.key_at_ms == f.key_at_ms, files[i].vector);
        assert_why(back.is_view_once == f.is_view_once, files[i].vector);
        Wap__Message *m;
        assert_rc(WA_PB_UNPACK(message, raw, &arena, &m), BX_OK);
        assert_int_equal(m->message_context_info->message_secret.len, 32);
        assert_why(!!m->document_with_caption == (f.kind == WA_FILE_DOCUMENT && f.caption.len),
                   files[i].vector);
    }
}

TEST(a_forward_keeps_the_file_and_counts_how_often)
{
    struct wa_file f, back;
    struct wa_outgoing out = {.to = BX_STR("1@s.whatsapp.net")};
    struct bx_str raw = message("image"), again;
    assert_rc(wa_file_of(raw, &arena, &f), BX_OK);
    for (uint32_t score = 1; score < 4; score++) {
        assert_rc(wa_build_forward(raw, &out, &arena, &again), BX_OK);
        assert_rc(wa_file_of(again, &arena, &back), BX_OK);
        assert_memory_equal(back.media_key, f.media_key, 32);
        Wap__Message *m;
        assert_rc(WA_PB_UNPACK(message, again, &arena, &m), BX_OK);
        assert_true(m->image->context_info->is_forwarded);
        assert_int_equal(m->image->context_info->forwarding_score, score);
        raw = again;
    }
    assert_rc(wa_build_forward(message("imageViewOnce"), &out, &arena, &again), BX_E_INVALID);
    assert_rc(wa_build_forward(message("react"), &out, &arena, &again), BX_E_INVALID);
}

TEST(places_cards_and_polls_are_built)
{
    struct wa_outgoing out = {.to = BX_STR("1@s.whatsapp.net")};
    struct wa_place place = {-6.2, 106.8, BX_STR("Monas"), BX_STR("Jakarta")};
    Wap__Message *m;
    assert_rc(WA_PB_UNPACK(message, wa_build_location(&place, &out, &arena), &arena, &m), BX_OK);
    assert_string_equal(m->location->name, "Monas");
    assert_true(m->location->latitude == -6.2 && m->location->longitude == 106.8);
    struct wa_vcard cards[2] = {{BX_STR("Budi, the \"one\""),
                                 wa_vcard_make(BX_STR("Budi; A,B\nC"), BX_STR("628123"), &arena)},
                                {BX_STR("Siti"), BX_STR("BEGIN:VCARD")}};
    assert_rc(WA_PB_UNPACK(message, wa_build_contacts(cards, 1, &out, &arena), &arena, &m), BX_OK);
    assert_non_null(strstr(m->contact->vcard, "FN:Budi\\; A\\,B\\nC\n"));
    assert_non_null(strstr(m->contact->vcard, "waid=628123:+628123"));
    assert_rc(WA_PB_UNPACK(message, wa_build_contacts(cards, 2, &out, &arena), &arena, &m), BX_OK);
    assert_int_equal(m->contacts_array->n_contacts, 2);
    struct bx_str options[] = {BX_STR("Nasi"), BX_STR("Mie")};
    struct wa_poll poll = {BX_STR("Makan?"), options, 2, 1};
    uint8_t secret[32] = {9};
    assert_rc(WA_PB_UNPACK(message, wa_build_poll(&poll, secret, &out, &arena), &arena, &m), BX_OK);
    assert_int_equal(m->poll_creation_v3->n_options, 2);
    assert_int_equal(m->message_context_info->message_secret.data[0], 9);
    poll.selectable = 0;
    assert_rc(WA_PB_UNPACK(message, wa_build_poll(&poll, secret, &out, &arena), &arena, &m), BX_OK);
    assert_non_null(m->poll_creation);
}

TEST(addresses_are_those_of_baileys)
{
    size_t i;
    json_t *row;
    json_array_foreach(media("files"), i, row)
    {
        enum wa_file_kind kind;
        struct bx_str type = bx_str(vector_text(row, "type"));
        uint8_t hash[32];
        if (bx_str_is(type, "ptt"))
            type = BX_STR("voice");
        if (wa_file_kind_parse(type, &kind) < 0)
            continue; /* link thumbnails: Baileys uses another path */
        vector_hex(row, "fileEncSha256", hash, 32);
        struct bx_str url = wa_upload_url(BX_STR(""), BX_STR("AUTH+tok/en="), kind, hash, &arena);
        assert_str(url, vector_text(vector_get(row, "upload"), "url"));
    }
    struct wa_file f = {.kind = WA_FILE_IMAGE, .has_enc_sha256 = true};
    struct bx_str url, path;
    static const char *const bad[] = {"",       "v/x",  "//evil/x", "/v/ x", "/v/x\r\nHost: a",
                                      "/v/x#y", "/\\x", "/a@b"};
    for (i = 0; i < BX_LEN(bad); i++) {
        f.direct_path = bx_str(bad[i]);
        assert_why(wa_file_url(BX_STR("https://h"), &f, &arena, &url) == BX_E_INVALID, bad[i]);
    }
    f.direct_path = BX_STR("/v/t62/x?ccb=1");
    assert_rc(wa_file_url(BX_STR("https://h"), &f, &arena, &url), BX_OK);
    assert_true(bx_str_starts(url, BX_STR("https://h/v/t62/x?ccb=1&hash=")));
    assert_rc(wa_upload_answer(BX_STR("{\"url\":\"https://h/v/x\",\"direct_path\":\"/v/x\"}"),
                               &arena, &path, &url),
              BX_OK);
    assert_str(path, "/v/x");
    static const char *const answers[] = {
        "", "{}", "[]", "{\"direct_path\":7}", "{\"direct_path\":\"x\"}", "not json"};
    for (i = 0; i < BX_LEN(answers); i++)
        assert_why(wa_upload_answer(bx_str(answers[i]), &arena, &path, &url) == BX_E_INVALID,
                   answers[i]);
}

TEST(the_phones_answer_about_a_lost_file_opens)
{
    const json_t *v = media("mediaRetry"), *n = vector_get(v, "notification");
    uint8_t key[32], iv[12], sealed[256];
    struct bx_str id = bx_str(vector_text(v, "msgId")), path;
    vector_hex(v, "mediaKey", key, 32);
    struct bx_str i = vector_hex(n, "iv", iv, 12),
                  s = vector_hex(n, "enc_p", sealed, sizeof sealed);
    assert_rc(wa_media_retry_open(key, id, i, s, &arena, &path), BX_OK);
    assert_str(path, "/v/t62.7118-24/new?ccb=11-4&oh=01_y");
    assert_rc(wa_media_retry_open(key, BX_STR("OTHER"), i, s, &arena, &path), BX_E_CRYPTO);
    assert_rc(wa_media_retry_open(key, id, BX_STR("short"), s, &arena, &path), BX_E_CRYPTO);
    for (size_t cut = 0; cut < s.len; cut++)
        assert_rc(wa_media_retry_open(key, id, i, bx_str_slice(s, 0, cut), &arena, &path),
                  BX_E_CRYPTO);
    sealed[3] ^= 1;
    assert_rc(wa_media_retry_open(key, id, i, s, &arena, &path), BX_E_CRYPTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_file_that_baileys_sends_is_read),
        cmocka_unit_test(what_is_built_reads_back_the_same),
        cmocka_unit_test(a_forward_keeps_the_file_and_counts_how_often),
        cmocka_unit_test(places_cards_and_polls_are_built),
        cmocka_unit_test(addresses_are_those_of_baileys),
        cmocka_unit_test(the_phones_answer_about_a_lost_file_opens),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
