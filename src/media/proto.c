#include "media/proto.h"

#include "base/mem.h"

enum field_type { FIELD_U32, FIELD_U64, FIELD_BOOL, FIELD_RC, FIELD_BYTES, FIELD_WAVEFORM };

/* A row of a message: how a member of the struct is written and what it may be. */
struct field {
    uint8_t tag;
    enum field_type type;
    size_t offset;
    uint64_t min, max; /* of a number; max: of a length */
};

#define R(tag, type, member, min, max)                                                             \
    {                                                                                              \
        tag, type, offsetof(struct md_request, member), min, max                                   \
    }
static const struct field request_fields[] = {
    R(1, FIELD_U32, op, MD_PROBE, MD_OP_COUNT - 1),
    R(2, FIELD_U32, kind, 0, MD_KIND_COUNT - 1),
    R(3, FIELD_U32, thumb_px, 0, 480),
    R(4, FIELD_U32, preview_px, 0, 480),
    R(5, FIELD_U32, max_px, 0, 16384),
    R(6, FIELD_U64, max_bytes, 0, UINT64_MAX),
    R(7, FIELD_U64, max_out, 0, UINT64_MAX),
};
#undef R

#define R(tag, type, member, min, max)                                                             \
    {                                                                                              \
        tag, type, offsetof(struct md_result, member), min, max                                    \
    }
static const struct field result_fields[] = {
    R(1, FIELD_RC, rc, 0, 255),
    R(2, FIELD_U32, note, 0, MD_NOTE_COUNT - 1),
    R(3, FIELD_U32, format, 0, MD_FORMAT_COUNT - 1),
    R(4, FIELD_U32, kind, 0, MD_KIND_COUNT - 1),
    R(5, FIELD_U32, width, 0, 1 << 24),
    R(6, FIELD_U32, height, 0, 1 << 24),
    R(7, FIELD_U64, duration_ms, 0, (uint64_t)1000 * 86400 * 365),
    R(8, FIELD_U32, pages, 0, 1000000),
    R(9, FIELD_BOOL, is_animated, 0, 1),
    R(10, FIELD_BOOL, has_audio, 0, 1),
    R(11, FIELD_BOOL, is_unchanged, 0, 1),
    R(12, FIELD_U64, out_bytes, 0, INT64_MAX),
    R(13, FIELD_WAVEFORM, waveform, MD_WAVEFORM, MD_WAVEFORM),
    R(14, FIELD_U32, thumb_format, 0, MD_FORMAT_COUNT - 1),
    R(15, FIELD_U32, thumb_width, 0, 480),
    R(16, FIELD_U32, thumb_height, 0, 480),
    R(17, FIELD_BYTES, thumb, 0, MD_THUMB_MAX),
    R(18, FIELD_BYTES, preview, 0, MD_PREVIEW_MAX),
    R(19, FIELD_U32, layers, 0, MD_LAYER_ALL),
    R(20, FIELD_U32, proof, 0, 255),
    R(21, FIELD_BOOL, has_waveform, 0, 1),
};
#undef R

static const char *const note_texts[] = {
#define MD_NOTE_TEXT(name, sentence) sentence,
    MD_NOTES(MD_NOTE_TEXT)
#undef MD_NOTE_TEXT
};

const char *md_note_text(enum md_note note)
{
    return note_texts[(unsigned)note < MD_NOTE_COUNT ? note : MD_NOTE_NONE];
}

/* --- writing --- */

static int put_u32(struct bx_buf *out, uint32_t n)
{
    uint8_t bytes[4] = {(uint8_t)(n >> 24), (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
    return bx_buf_append(out, bytes, sizeof bytes);
}

static uint64_t number_of(const struct field *f, const void *at)
{
    switch (f->type) {
    case FIELD_U32:
        return *(const uint32_t *)at;
    case FIELD_U64:
        return *(const uint64_t *)at;
    case FIELD_BOOL:
        return *(const bool *)at;
    case FIELD_RC: {
        int rc = *(const int *)at;
        return rc < 0 ? (uint64_t)-rc : 0;
    }
    case FIELD_BYTES:
    case FIELD_WAVEFORM:
        break;
    }
    return 0;
}

static int put_field(struct bx_buf *out, const struct field *f, const void *base)
{
    const void *at = (const char *)base + f->offset;
    int rc = bx_buf_byte(out, f->tag);
    if (rc < 0)
        return rc;
    if (f->type == FIELD_BYTES || f->type == FIELD_WAVEFORM) {
        struct bx_str bytes =
            f->type == FIELD_BYTES ? *(const struct bx_str *)at : bx_str_n(at, MD_WAVEFORM);
        if (bytes.len > f->max)
            return BX_E_TOO_BIG;
        return (rc = put_u32(out, (uint32_t)bytes.len)) < 0 ? rc : bx_buf_str(out, bytes);
    }
    uint64_t n = number_of(f, at);
    if ((rc = put_u32(out, 8)) < 0 || (rc = put_u32(out, (uint32_t)(n >> 32))) < 0)
        return rc;
    return put_u32(out, (uint32_t)n);
}

static int put_message(struct bx_buf *out, const struct field *fields, size_t count,
                       const void *base, size_t max)
{
    size_t start = out->len;
    int rc = bx_buf_lit(out, "WBM1\0\0\0\0");
    for (size_t i = 0; i < count && rc >= 0; i++)
        rc = put_field(out, &fields[i], base);
    if (rc >= 0 && out->len - start > max)
        rc = BX_E_TOO_BIG;
    if (rc < 0) {
        out->len = start;
        return rc;
    }
    uint32_t len = (uint32_t)(out->len - start - MD_HEADER_SIZE);
    for (unsigned i = 0; i < 4; i++)
        out->data[start + 4 + i] = (uint8_t)(len >> (24 - 8 * i));
    return BX_OK;
}

int md_request_write(struct bx_buf *out, const struct md_request *request)
{
    return put_message(out, request_fields, BX_LEN(request_fields), request, MD_REQUEST_MAX);
}

int md_result_write(struct bx_buf *out, const struct md_result *result)
{
    return put_message(out, result_fields, BX_LEN(result_fields), result, MD_RESULT_MAX);
}

/* --- reading --- */

static uint64_t get_number(const char *bytes, size_t len)
{
    uint64_t n = 0;
    for (size_t i = 0; i < len; i++)
        n = n << 8 | (uint8_t)bytes[i];
    return n;
}

int md_message_size(struct bx_str bytes, size_t max, size_t *out_size)
{
    size_t known = bytes.len < 4 ? bytes.len : 4;
    if (known && memcmp(bytes.ptr, "WBM1", known) != 0)
        return BX_E_INVALID;
    if (bytes.len < MD_HEADER_SIZE)
        return BX_E_AGAIN;
    uint64_t size = get_number(bytes.ptr + 4, 4) + MD_HEADER_SIZE;
    if (size > max)
        return BX_E_TOO_BIG;
    *out_size = (size_t)size;
    return BX_OK;
}

static int take_bytes(const struct field *f, struct bx_str value, void *at)
{
    if (value.len < f->min || value.len > f->max)
        return BX_E_INVALID;
    if (f->type == FIELD_BYTES) {
        *(struct bx_str *)at = value;
        return BX_OK;
    }
    for (size_t i = 0; i < value.len; i++) {
        if ((uint8_t)value.ptr[i] > 100)
            return BX_E_INVALID;
    }
    memcpy(at, value.ptr, value.len);
    return BX_OK;
}

static int take_field(const struct field *f, struct bx_str value, void *base)
{
    void *at = (char *)base + f->offset;
    if (f->type == FIELD_BYTES || f->type == FIELD_WAVEFORM)
        return take_bytes(f, value, at);
    if (value.len != 8)
        return BX_E_INVALID;
    uint64_t n = get_number(value.ptr, 8);
    if (n < f->min || n > f->max)
        return BX_E_INVALID;
    if (f->type == FIELD_U64)
        *(uint64_t *)at = n;
    else if (f->type == FIELD_BOOL)
        *(bool *)at = n != 0;
    else if (f->type == FIELD_RC)
        *(int *)at = -(int)n;
    else
        *(uint32_t *)at = (uint32_t)n;
    return BX_OK;
}

static const struct field *field_of(const struct field *fields, size_t count, uint8_t tag)
{
    for (size_t i = 0; i < count; i++) {
        if (fields[i].tag == tag)
            return &fields[i];
    }
    return NULL;
}

static int get_message(struct bx_str message, size_t max, const struct field *fields, size_t count,
                       void *base)
{
    size_t size;
    int rc = md_message_size(message, max, &size);
    if (rc < 0)
        return rc == BX_E_AGAIN ? BX_E_TRUNCATED : rc;
    if (size != message.len)
        return message.len < size ? BX_E_TRUNCATED : BX_E_INVALID;
    struct bx_str rest = bx_str_slice(message, MD_HEADER_SIZE, message.len);
    while (rest.len) {
        if (rest.len < 5)
            return BX_E_INVALID;
        uint64_t len = get_number(rest.ptr + 1, 4);
        if (len > rest.len - 5)
            return BX_E_INVALID;
        const struct field *f = field_of(fields, count, (uint8_t)rest.ptr[0]);
        if (f && (rc = take_field(f, bx_str_n(rest.ptr + 5, (size_t)len), base)) < 0)
            return rc;
        rest = bx_str_slice(rest, 5 + (size_t)len, rest.len);
    }
    return BX_OK;
}

int md_request_read(struct bx_str message, struct md_request *out)
{
    struct md_request r = {0};
    int rc = get_message(message, MD_REQUEST_MAX, request_fields, BX_LEN(request_fields), &r);
    if (rc < 0)
        return rc;
    if (r.op == 0)
        return BX_E_INVALID;
    *out = r;
    return BX_OK;
}

int md_result_read(struct bx_str message, struct md_result *out)
{
    struct md_result r = {0};
    int rc = get_message(message, MD_RESULT_MAX, result_fields, BX_LEN(result_fields), &r);
    if (rc < 0)
        return rc;
    *out = r;
    return BX_OK;
}
