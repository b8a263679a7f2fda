#include "media/proto.h"

#include "base/mem.h"
#include "base/test.h"

static struct md_result sample(void)
{
    struct md_result r = {.rc = BX_E_TOO_BIG,
                          .note = MD_NOTE_TOO_LARGE,
                          .format = MD_WEBP,
                          .kind = MD_KIND_STICKER,
                          .width = 512,
                          .height = 511,
                          .duration_ms = 12345678901,
                          .pages = 7,
                          .is_animated = true,
                          .is_unchanged = true,
                          .out_bytes = 5000000000,
                          .has_waveform = true,
                          .thumb_format = MD_JPEG,
                          .thumb = BX_STR("thumb"),
                          .preview = BX_STR("preview"),
                          .layers = MD_LAYER_ALL};
    for (unsigned i = 0; i < MD_WAVEFORM; i++)
        r.waveform[i] = (uint8_t)(i % 101);
    return r;
}

TEST(a_result_arrives_as_it_was_sent)
{
    struct bx_buf b;
    struct md_result sent = sample(), got;
    size_t size;
    bx_buf_init(&b, MD_RESULT_MAX);
    assert_rc(md_result_write(&b, &sent), BX_OK);
    assert_rc(md_message_size(bx_buf_view(&b), MD_RESULT_MAX, &size), BX_OK);
    assert_int_equal(size, b.len);
    assert_rc(md_result_read(bx_buf_view(&b), &got), BX_OK);
    assert_int_equal(got.rc, sent.rc);
    assert_int_equal(got.out_bytes, sent.out_bytes);
    assert_int_equal(got.duration_ms, sent.duration_ms);
    assert_true(got.is_animated && got.is_unchanged && got.has_waveform && !got.has_audio);
    assert_memory_equal(got.waveform, sent.waveform, MD_WAVEFORM);
    assert_str(got.thumb, "thumb");
    assert_str(got.preview, "preview");
    bx_buf_done(&b);
}

TEST(a_message_that_is_cut_is_not_a_message)
{
    struct bx_buf b;
    struct md_result sent = sample(), got;
    bx_buf_init(&b, MD_RESULT_MAX);
    md_result_write(&b, &sent);
    for (size_t len = 0; len < b.len; len++)
        assert_rc(md_result_read(bx_str_n(b.data, len), &got), BX_E_TRUNCATED);
    bx_buf_done(&b);
}

TEST(what_lies_is_refused)
{
    static const struct {
        size_t at; /* behind the header */
        uint8_t byte;
        const char *why;
    } rows[] = {
        {4, 9, "a number that is not eight bytes long"},
        {1, 1, "a field longer than the message"},
        {14 + 12 - 1, 200, "a note that does not exist"},
    };
    struct md_result sent = sample(), got;
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        struct bx_buf b;
        bx_buf_init(&b, MD_RESULT_MAX);
        md_result_write(&b, &sent);
        b.data[MD_HEADER_SIZE + rows[i].at] = rows[i].byte;
        assert_why(md_result_read(bx_buf_view(&b), &got) == BX_E_INVALID, rows[i].why);
        bx_buf_done(&b);
    }
    size_t size;
    assert_rc(md_message_size(BX_STR("WBM1\xff\xff\xff\xff"), MD_RESULT_MAX, &size), BX_E_TOO_BIG);
    assert_rc(md_message_size(BX_STR("HTTP"), MD_RESULT_MAX, &size), BX_E_INVALID);
    assert_rc(md_message_size(BX_STR("WBM"), MD_RESULT_MAX, &size), BX_E_AGAIN);
}

TEST(a_field_of_a_newer_version_is_skipped)
{
    struct bx_buf b;
    struct md_request sent = {.op = MD_PREPARE, .kind = MD_KIND_VOICE, .max_out = 1 << 20}, got;
    bx_buf_init(&b, MD_REQUEST_MAX);
    md_request_write(&b, &sent);
    bx_buf_append(&b, "\xc8\0\0\0\3abc", 8);
    b.data[7] = (uint8_t)(b.data[7] + 8);
    assert_rc(md_request_read(bx_buf_view(&b), &got), BX_OK);
    assert_int_equal(got.kind, MD_KIND_VOICE);
    assert_int_equal(got.max_out, 1 << 20);
    bx_buf_done(&b);
}

TEST(a_picture_beyond_its_cap_is_not_sent)
{
    static char large[MD_THUMB_MAX + 1];
    struct bx_buf b;
    struct md_result r = {.thumb = bx_str_n(large, sizeof large)};
    bx_buf_init(&b, MD_RESULT_MAX);
    assert_rc(md_result_write(&b, &r), BX_E_TOO_BIG);
    assert_int_equal(b.len, 0);
    bx_buf_done(&b);
}

TEST(a_request_without_an_operation_is_none)
{
    struct md_request got;
    assert_rc(md_request_read(BX_STR("WBM1\0\0\0\0"), &got), BX_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_result_arrives_as_it_was_sent),
        cmocka_unit_test(a_message_that_is_cut_is_not_a_message),
        cmocka_unit_test(what_lies_is_refused),
        cmocka_unit_test(a_field_of_a_newer_version_is_skipped),
        cmocka_unit_test(a_picture_beyond_its_cap_is_not_sent),
        cmocka_unit_test(a_request_without_an_operation_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
