/* What a file is, judged by its first bytes alone: a table of signatures, nothing is decoded. So
 * the server may call it on any peer's file; everything that looks further runs in wabox-media.
 */
#ifndef MD_KIND_H
#define MD_KIND_H

#include "base/str.h"

/* What a file is sent as (contract.md section 6, `kind`). */
enum md_kind {
    MD_KIND_DOCUMENT,
    MD_KIND_IMAGE,
    MD_KIND_VIDEO,
    MD_KIND_GIF,
    MD_KIND_PTV,
    MD_KIND_AUDIO,
    MD_KIND_VOICE,
    MD_KIND_STICKER,
    MD_KIND_COUNT
};

/* X(NAME, mimetype, extension, kind when the sender names none, ffmpeg's demuxer or "") */
#define MD_FORMATS(X)                                                                              \
    X(UNKNOWN, "application/octet-stream", "bin", MD_KIND_DOCUMENT, "")                            \
    X(JPEG, "image/jpeg", "jpg", MD_KIND_IMAGE, "")                                                \
    X(PNG, "image/png", "png", MD_KIND_IMAGE, "")                                                  \
    X(WEBP, "image/webp", "webp", MD_KIND_IMAGE, "")                                               \
    X(GIF, "image/gif", "gif", MD_KIND_GIF, "gif")                                                 \
    X(BMP, "image/bmp", "bmp", MD_KIND_IMAGE, "bmp_pipe")                                          \
    X(TIFF, "image/tiff", "tiff", MD_KIND_IMAGE, "tiff_pipe")                                      \
    X(HEIC, "image/heic", "heic", MD_KIND_DOCUMENT, "")                                            \
    X(AVIF, "image/avif", "avif", MD_KIND_DOCUMENT, "")                                            \
    X(MP4, "video/mp4", "mp4", MD_KIND_VIDEO, "mov")                                               \
    X(THREEGP, "video/3gpp", "3gp", MD_KIND_VIDEO, "mov")                                          \
    X(QUICKTIME, "video/quicktime", "mov", MD_KIND_VIDEO, "mov")                                   \
    X(WEBM, "video/webm", "webm", MD_KIND_VIDEO, "matroska")                                       \
    X(AVI, "video/x-msvideo", "avi", MD_KIND_VIDEO, "avi")                                         \
    X(OPUS, "audio/ogg; codecs=opus", "ogg", MD_KIND_AUDIO, "ogg")                                 \
    X(OGG, "audio/ogg", "ogg", MD_KIND_AUDIO, "ogg")                                               \
    X(MP3, "audio/mpeg", "mp3", MD_KIND_AUDIO, "mp3")                                              \
    X(M4A, "audio/mp4", "m4a", MD_KIND_AUDIO, "mov")                                               \
    X(AAC, "audio/aac", "aac", MD_KIND_AUDIO, "aac")                                               \
    X(AMR, "audio/amr", "amr", MD_KIND_AUDIO, "amr")                                               \
    X(WAV, "audio/wav", "wav", MD_KIND_AUDIO, "wav")                                               \
    X(FLAC, "audio/flac", "flac", MD_KIND_AUDIO, "flac")                                           \
    X(PDF, "application/pdf", "pdf", MD_KIND_DOCUMENT, "")                                         \
    X(ZIP, "application/zip", "zip", MD_KIND_DOCUMENT, "")                                         \
    X(SVG, "image/svg+xml", "svg", MD_KIND_DOCUMENT, "")                                           \
    X(HTML, "text/html", "html", MD_KIND_DOCUMENT, "")                                             \
    X(XML, "application/xml", "xml", MD_KIND_DOCUMENT, "")

enum md_format {
#define MD_FORMAT_ENUM(name, mimetype, extension, kind, demuxer) MD_##name,
    MD_FORMATS(MD_FORMAT_ENUM)
#undef MD_FORMAT_ENUM
        MD_FORMAT_COUNT
};

struct md_format_info {
    const char *name; /* "JPEG" */
    const char *mimetype;
    const char *extension; /* without dot */
    enum md_kind kind;
    const char *demuxer;
};

enum { MD_SNIFF_BYTES = 512 }; /* more of a file is not looked at */

/* Of the first `len` bytes of a file (all of it, if it is shorter than MD_SNIFF_BYTES). */
enum md_format md_sniff(const void *bytes, size_t len);

/* Never NULL: an unknown number has the row of MD_UNKNOWN. The row is static. */
const struct md_format_info *md_format_info(enum md_format format);

/* "image", "voice", …; BX_E_INVALID for a word that is no kind. */
const char *md_kind_name(enum md_kind kind);
int md_kind_parse(struct bx_str name, enum md_kind *out);

#endif
