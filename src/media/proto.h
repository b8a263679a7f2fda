/* The messages between waboxd and wabox-media, sans-I/O. One request goes in, one result comes
 * back:
 *
 *   message = "WBM1" | length of the rest, u32 | field*        field = tag, u8 | length, u32 |
 * value
 *
 * Numbers are big endian. Unknown tags are skipped, so that the two programs may be of different
 * versions. Both sides have a cap; the reader believes nothing: an enum out of range, a length that
 * lies or a field that is too long makes the whole message invalid. The helper sends no texts, only
 * numbers out of tables, so a file that takes the helper over cannot put words into the server's
 * mouth.
 */
#ifndef MD_PROTO_H
#define MD_PROTO_H

#include "base/buf.h"
#include "media/kind.h"

enum {
    MD_REQUEST_MAX = 4096,
    MD_THUMB_MAX = 96 << 10,
    MD_PREVIEW_MAX = 8 << 10,
    MD_RESULT_MAX = 128 << 10,
    MD_WAVEFORM = 64,
    MD_HEADER_SIZE = 8
};

enum md_op {
    MD_PROBE = 1, /* says what the file is; writes nothing */
    MD_PREPARE,   /* writes what is to be sent as `kind` into the output, then says what that is */
    MD_PROVE,     /* tests: tries what the sandbox forbids and reports it in md_result.proof */
    MD_OP_COUNT
};

struct md_request {
    enum md_op op;
    enum md_kind kind;   /* MD_PREPARE: send as this. MD_PROBE: ignored */
    uint32_t thumb_px;   /* longest side of the thumbnail, at most 480; 0: none */
    uint32_t preview_px; /* longest side of the small JPEG inside the message; 0: none */
    uint32_t max_px;     /* longest side of a picture that is sent */
    uint64_t max_bytes;  /* of a picture that is sent */
    uint64_t max_out;    /* bytes of the output file, whatever the kind */
};

/* What a person is told when something is missing. X(NAME, sentence) */
#define MD_NOTES(X)                                                                                \
    X(NONE, "")                                                                                    \
    X(NEEDS_FFMPEG, "Install ffmpeg on the server to convert or preview this kind of file.")       \
    X(NEEDS_POPPLER, "Install poppler-utils on the server to preview PDF files.")                  \
    X(NOT_A_PICTURE, "This file is not a picture; send it as a document.")                         \
    X(NOT_AUDIO, "This file is not a recording; send it as a document.")                           \
    X(NOT_A_VIDEO, "This file is not a video; send it as a document.")                             \
    X(TOO_LARGE, "The picture has more pixels, frames or bytes than this server decodes.")         \
    X(DAMAGED, "The file is damaged.")                                                             \
    X(CONVERSION_FAILED, "The file could not be converted; send it as a document.")                \
    X(CRASHED, "The decoder failed on this file.")                                                 \
    X(TIMED_OUT, "Decoding this file took too long.")

enum md_note {
#define MD_NOTE_ENUM(name, sentence) MD_NOTE_##name,
    MD_NOTES(MD_NOTE_ENUM)
#undef MD_NOTE_ENUM
        MD_NOTE_COUNT
};

/* Never NULL; "" for MD_NOTE_NONE. */
const char *md_note_text(enum md_note note);

/* Layers of the sandbox that are in force (md_result.layers). */
enum {
    MD_LAYER_RLIMITS = 1,
    MD_LAYER_NO_NEW_PRIVS = 2,
    MD_LAYER_SECCOMP = 4,
    MD_LAYER_LANDLOCK = 8,
    MD_LAYER_NAMESPACES = 16,
    MD_LAYER_ALL = 31
};

/* What MD_PROVE found to be possible (md_result.proof); 0 is what it must be. */
enum {
    MD_CAN_OPEN = 1,
    MD_CAN_SOCKET = 2,
    MD_CAN_EXECVE = 4,
    MD_CAN_FORK = 8,
    MD_CAN_CREATE = 16,
    MD_CAN_KILL = 32,
    MD_CAN_PTRACE = 64,
    MD_CAN_MAP_CODE = 128
};

struct md_result {
    int rc;                 /* BX_OK, or why there is no (prepared) file; see md_run */
    enum md_note note;      /* also with BX_OK: "no thumbnail, because ffmpeg is missing" */
    enum md_format format;  /* of the input (MD_PROBE) or of what is sent (MD_PREPARE) */
    enum md_kind kind;      /* what it is, or is sent as */
    uint32_t width, height; /* as shown, with the orientation applied; 0: unknown */
    uint64_t duration_ms;   /* 0: unknown or none */
    uint32_t pages;         /* 0: unknown or none */
    bool is_animated, has_audio;
    bool is_unchanged;  /* MD_PREPARE: send the input itself; nothing was written */
    uint64_t out_bytes; /* MD_PREPARE: size of the output */
    bool has_waveform;
    uint8_t waveform[MD_WAVEFORM]; /* 0..100 */
    enum md_format thumb_format;   /* MD_JPEG or MD_WEBP */
    uint32_t thumb_width, thumb_height;
    struct bx_str thumb;   /* borrowed from the message; empty: none */
    struct bx_str preview; /* JPEG */
    uint32_t layers, proof;
};

/* Append one message. BX_E_TOO_BIG: beyond the cap. */
int md_request_write(struct bx_buf *out, const struct md_request *request);
int md_result_write(struct bx_buf *out, const struct md_result *result);

/* Size of the first message in `bytes`. BX_E_AGAIN: more bytes are needed to say; BX_E_INVALID: not
 * one of ours; BX_E_TOO_BIG: announces more than max. */
int md_message_size(struct bx_str bytes, size_t max, size_t *out_size);

/* One whole message, nothing behind it. BX_E_INVALID, BX_E_TRUNCATED, BX_E_TOO_BIG. Pictures in the
 * result are borrowed from `message`. */
int md_request_read(struct bx_str message, struct md_request *out);
int md_result_read(struct bx_str message, struct md_result *out);

#endif
