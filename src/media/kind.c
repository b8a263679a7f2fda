#include "media/kind.h"

#include "base/err.h"
#include "base/mem.h"

static const struct md_format_info formats[] = {
#define MD_FORMAT_ROW(name, mimetype, extension, kind, demuxer)                                    \
    {#name, mimetype, extension, kind, demuxer},
    MD_FORMATS(MD_FORMAT_ROW)
#undef MD_FORMAT_ROW
};

static const char *const kind_names[MD_KIND_COUNT] = {
    [MD_KIND_DOCUMENT] = "document", [MD_KIND_IMAGE] = "image",     [MD_KIND_VIDEO] = "video",
    [MD_KIND_GIF] = "gif",           [MD_KIND_PTV] = "ptv",         [MD_KIND_AUDIO] = "audio",
    [MD_KIND_VOICE] = "voice",       [MD_KIND_STICKER] = "sticker",
};

#define BYTES(literal)                                                                             \
    {                                                                                              \
        "" literal, sizeof(literal) - 1                                                            \
    }

/* Fixed bytes at a fixed place, and for containers a second mark. */
static const struct {
    size_t at;
    struct bx_str magic;
    size_t mark_at;
    struct bx_str mark;
    enum md_format format;
} signatures[] = {
    {0, BYTES("\xff\xd8\xff"), 0, BYTES(""), MD_JPEG},
    {0, BYTES("\x89PNG\r\n\x1a\n"), 0, BYTES(""), MD_PNG},
    {0, BYTES("RIFF"), 8, BYTES("WEBP"), MD_WEBP},
    {0, BYTES("RIFF"), 8, BYTES("WAVE"), MD_WAV},
    {0, BYTES("RIFF"), 8, BYTES("AVI "), MD_AVI},
    {0, BYTES("GIF87a"), 0, BYTES(""), MD_GIF},
    {0, BYTES("GIF89a"), 0, BYTES(""), MD_GIF},
    {0, BYTES("BM"), 6, BYTES("\0\0\0\0"), MD_BMP},
    {0, BYTES("II*\0"), 0, BYTES(""), MD_TIFF},
    {0, BYTES("MM\0*"), 0, BYTES(""), MD_TIFF},
    {0, BYTES("\x1a\x45\xdf\xa3"), 0, BYTES(""), MD_WEBM},
    {0, BYTES("OggS"), 28, BYTES("OpusHead"), MD_OPUS},
    {0, BYTES("OggS"), 0, BYTES(""), MD_OGG},
    {0, BYTES("ID3"), 0, BYTES(""), MD_MP3},
    {0, BYTES("#!AMR\n"), 0, BYTES(""), MD_AMR},
    {0, BYTES("fLaC"), 0, BYTES(""), MD_FLAC},
    {0, BYTES("%PDF-"), 0, BYTES(""), MD_PDF},
    {0, BYTES("PK\x03\x04"), 0, BYTES(""), MD_ZIP},
    {4, BYTES("ftyp"), 8, BYTES("qt  "), MD_QUICKTIME},
    {4, BYTES("ftyp"), 8, BYTES("M4A "), MD_M4A},
    {4, BYTES("ftyp"), 8, BYTES("M4B "), MD_M4A},
    {4, BYTES("ftyp"), 8, BYTES("3g"), MD_THREEGP},
    {4, BYTES("ftyp"), 8, BYTES("avif"), MD_AVIF},
    {4, BYTES("ftyp"), 8, BYTES("avis"), MD_AVIF},
    {4, BYTES("ftyp"), 8, BYTES("hei"), MD_HEIC},
    {4, BYTES("ftyp"), 8, BYTES("hev"), MD_HEIC},
    {4, BYTES("ftyp"), 8, BYTES("mif1"), MD_HEIC},
    {4, BYTES("ftyp"), 0, BYTES(""), MD_MP4},
};

static bool has_at(struct bx_str file, size_t at, struct bx_str bytes)
{
    return at <= file.len && bytes.len <= file.len - at &&
           (bytes.len == 0 || memcmp(file.ptr + at, bytes.ptr, bytes.len) == 0);
}

/* An MPEG audio frame header: layer III, or ADTS AAC, with no reserved field. */
static enum md_format sniff_mpeg(struct bx_str file)
{
    if (file.len < 4)
        return MD_UNKNOWN;
    uint8_t b[4];
    memcpy(b, file.ptr, sizeof b);
    if (b[0] != 0xff)
        return MD_UNKNOWN;
    if ((b[1] & 0xf6) == 0xf0 && (b[2] >> 2 & 15) < 13)
        return MD_AAC;
    bool is_layer3 = (b[1] & 0xe6) == 0xe2 && (b[1] & 0x18) != 0x08;
    bool is_valid = (b[2] >> 4) != 15 && (b[2] >> 4) != 0 && (b[2] >> 2 & 3) != 3;
    return is_layer3 && is_valid ? MD_MP3 : MD_UNKNOWN;
}

static bool contains_word(struct bx_str text, struct bx_str word)
{
    for (size_t i = 0; i + word.len <= text.len; i++) {
        if (bx_str_ieq(bx_str_n(text.ptr + i, word.len), word))
            return true;
    }
    return false;
}

/* Markup is told apart so that nobody ever takes it for a picture or a harmless text. */
static enum md_format sniff_markup(struct bx_str file)
{
    if (has_at(file, 0, BX_STR("\xef\xbb\xbf")))
        file = bx_str_slice(file, 3, file.len);
    while (file.len && memchr(" \t\r\n\f", file.ptr[0], 5))
        file = bx_str_slice(file, 1, file.len);
    if (!file.len || file.ptr[0] != '<')
        return MD_UNKNOWN;
    if (contains_word(file, BX_STR("<svg")))
        return MD_SVG;
    if (contains_word(file, BX_STR("<!doctype html")) || contains_word(file, BX_STR("<html")) ||
        contains_word(file, BX_STR("<script")) || contains_word(file, BX_STR("<body")))
        return MD_HTML;
    return has_at(file, 0, BX_STR("<?xml")) ? MD_XML : MD_UNKNOWN;
}

enum md_format md_sniff(const void *bytes, size_t len)
{
    struct bx_str file = {bytes, len < MD_SNIFF_BYTES ? len : MD_SNIFF_BYTES};
    for (size_t i = 0; i < BX_LEN(signatures); i++) {
        if (has_at(file, signatures[i].at, signatures[i].magic) &&
            has_at(file, signatures[i].mark_at, signatures[i].mark))
            return signatures[i].format;
    }
    enum md_format found = sniff_mpeg(file);
    return found != MD_UNKNOWN ? found : sniff_markup(file);
}

const struct md_format_info *md_format_info(enum md_format format)
{
    return &formats[(unsigned)format < MD_FORMAT_COUNT ? format : MD_UNKNOWN];
}

const char *md_kind_name(enum md_kind kind)
{
    return kind_names[(unsigned)kind < MD_KIND_COUNT ? kind : MD_KIND_DOCUMENT];
}

int md_kind_parse(struct bx_str name, enum md_kind *out)
{
    for (unsigned i = 0; i < MD_KIND_COUNT; i++) {
        if (bx_str_eq(name, bx_str(kind_names[i]))) {
            *out = (enum md_kind)i;
            return BX_OK;
        }
    }
    return BX_E_INVALID;
}
