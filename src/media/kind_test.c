#include "media/kind.h"

#include "base/mem.h"
#include "base/test.h"

#define FILE_OF(literal) literal, sizeof(literal) - 1

TEST(a_file_is_known_by_its_first_bytes)
{
    static const struct {
        const char *bytes;
        size_t len;
        enum md_format format;
        const char *why;
    } rows[] = {
        {FILE_OF("\xff\xd8\xff\xe0...."), MD_JPEG, "JPEG"},
        {FILE_OF("\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), MD_PNG, "PNG"},
        {FILE_OF("RIFF\1\0\0\0WEBPVP8 "), MD_WEBP, "WebP"},
        {FILE_OF("RIFF\1\0\0\0WAVEfmt "), MD_WAV, "WAV"},
        {FILE_OF("RIFF\1\0\0\0JUNKfmt "), MD_UNKNOWN, "RIFF of another kind"},
        {FILE_OF("GIF89a"), MD_GIF, "GIF"},
        {FILE_OF("GIF88a"), MD_UNKNOWN, "a version that does not exist"},
        {FILE_OF("\0\0\0\x20"
                 "ftypisom"),
         MD_MP4, "MP4"},
        {FILE_OF("\0\0\0\x20"
                 "ftypqt  "),
         MD_QUICKTIME, "QuickTime"},
        {FILE_OF("\0\0\0\x20"
                 "ftyp3gp4"),
         MD_THREEGP, "3GP"},
        {FILE_OF("\0\0\0\x20"
                 "ftypM4A "),
         MD_M4A, "M4A"},
        {FILE_OF("\0\0\0\x20"
                 "ftypheic"),
         MD_HEIC, "HEIC"},
        {FILE_OF("OggS\0\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0OpusHead"), MD_OPUS, "Opus"},
        {FILE_OF("OggS\0\2"), MD_OGG, "Ogg without a codec in sight"},
        {FILE_OF("ID3\4"), MD_MP3, "MP3 with tags"},
        {FILE_OF("\xff\xfb\x90\x64"), MD_MP3, "a frame of MP3"},
        {FILE_OF("\xff\xf1\x50\x80"), MD_AAC, "a frame of AAC"},
        {FILE_OF("\xff\xfb\xf0\x64"), MD_UNKNOWN, "a bitrate that does not exist"},
        {FILE_OF("%PDF-1.7"), MD_PDF, "PDF"},
        {FILE_OF("<svg onload=alert(1)>"), MD_SVG, "SVG"},
        {FILE_OF("<?xml version='1.0'?><!-- x --><SVG>"), MD_SVG, "SVG behind a declaration"},
        {FILE_OF("\xef\xbb\xbf \r\n<!DOCTYPE html><p>"), MD_HTML, "HTML behind a mark and blanks"},
        {FILE_OF("<script>1</script>"), MD_HTML, "a script"},
        {FILE_OF("<?xml version='1.0'?><a/>"), MD_XML, "XML"},
        {FILE_OF("hello"), MD_UNKNOWN, "a text"},
        {"", 0, MD_UNKNOWN, "nothing"},
    };
    for (size_t i = 0; i < BX_LEN(rows); i++)
        assert_why(md_sniff(rows[i].bytes, rows[i].len) == rows[i].format, rows[i].why);
}

TEST(markup_is_never_a_picture)
{
    static const enum md_format markup[] = {MD_SVG, MD_HTML, MD_XML};
    for (size_t i = 0; i < BX_LEN(markup); i++)
        assert_int_equal(md_format_info(markup[i])->kind, MD_KIND_DOCUMENT);
}

TEST(kinds_have_the_names_of_the_contract)
{
    static const char *const names[] = {"document", "image", "video", "gif",
                                        "ptv",      "audio", "voice", "sticker"};
    for (unsigned i = 0; i < MD_KIND_COUNT; i++) {
        enum md_kind kind = MD_KIND_COUNT;
        assert_rc(md_kind_parse(bx_str(names[i]), &kind), BX_OK);
        assert_int_equal(kind, i);
        assert_string_equal(md_kind_name(kind), names[i]);
    }
    enum md_kind kind;
    assert_rc(md_kind_parse(BX_STR("picture"), &kind), BX_E_INVALID);
    assert_string_equal(md_format_info((enum md_format)999)->mimetype, "application/octet-stream");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_is_known_by_its_first_bytes),
        cmocka_unit_test(markup_is_never_a_picture),
        cmocka_unit_test(kinds_have_the_names_of_the_contract),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
