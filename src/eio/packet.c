#include "eio/packet.h"

#include "base/base64.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "net/ws/ws_conn.h"

#include <stdlib.h>

enum { SEPARATOR = 0x1e };

struct eio_packet *eio_packet_new(enum eio_type type, bool is_binary, struct bx_str head,
                                  struct bx_str body)
{
    size_t len = head.len + body.len;
    struct eio_packet *p = bx_realloc(NULL, 1, sizeof *p + len);
    *p = (struct eio_packet){
        .refs = 1, .type = (uint8_t)type, .is_binary = is_binary, .is_compress = true, .len = len};
    if (head.len)
        memcpy(p->data, head.ptr, head.len);
    if (body.len)
        memcpy(p->data + head.len, body.ptr, body.len);
    return p;
}

struct eio_packet *eio_packet_ref(struct eio_packet *p)
{
    p->refs++;
    return p;
}

void eio_packet_unref(struct eio_packet *p)
{
    if (!p || --p->refs)
        return;
    bx_shared_unref(p->frame);
    free(p);
}

struct bx_shared *eio_packet_frame(struct eio_packet *p)
{
    if (!p->frame) {
        const char type = (char)p->type;
        struct bx_str head = bx_str_n(&type, p->is_binary ? 0 : 1);
        p->frame = ws_frame_shared(p->is_binary, head, bx_str_n(p->data, p->len));
    }
    return p->frame;
}

/* --- encoding --- */

static int append_base64(struct bx_buf *out, const struct eio_packet *p)
{
    int rc = bx_buf_reserve(out, BX_BASE64_SIZE(p->len));
    if (rc == BX_OK)
        out->len += bx_base64_encode(BX_BASE64_STD, p->data, p->len, (char *)out->data + out->len);
    return rc;
}

static int encode_v4(const struct eio_packet *p, bool is_first, struct bx_buf *out)
{
    int rc = is_first ? BX_OK : bx_buf_byte(out, SEPARATOR);
    if (rc < 0)
        return rc;
    rc = bx_buf_byte(out, p->is_binary ? 'b' : p->type);
    if (rc < 0)
        return rc;
    return p->is_binary ? append_base64(out, p) : bx_buf_append(out, p->data, p->len);
}

static int encode_v3_text(const struct eio_packet *p, struct bx_buf *out)
{
    if (p->is_binary) {
        size_t coded = (p->len + 2) / 3 * 4;
        int rc = bx_buf_printf(out, "%zu:b%c", coded + 2, p->type);
        return rc == BX_OK ? append_base64(out, p) : rc;
    }
    size_t units = bx_utf8_utf16_len(bx_str_n(p->data, p->len)) + 1;
    int rc = bx_buf_printf(out, "%zu:%c", units, p->type);
    return rc == BX_OK ? bx_buf_append(out, p->data, p->len) : rc;
}

/* 0 text or 1 binary, the length as one byte per decimal digit, 0xff, then type and data (the type
 * of a binary packet is a number, of a text packet a character). */
static int encode_v3_binary(const struct eio_packet *p, struct bx_buf *out)
{
    char digits[24];
    struct bx_buf number = {.data = NULL};
    bx_buf_init(&number, sizeof digits);
    int rc = bx_buf_printf(&number, "%zu", p->len + 1);
    for (size_t i = 0; i < number.len; i++)
        number.data[i] -= '0';
    if (rc == BX_OK)
        rc = bx_buf_byte(out, p->is_binary);
    if (rc == BX_OK)
        rc = bx_buf_append(out, number.data, number.len);
    if (rc == BX_OK)
        rc = bx_buf_byte(out, 0xff);
    if (rc == BX_OK)
        rc = bx_buf_byte(out, p->is_binary ? (uint8_t)(p->type - '0') : p->type);
    if (rc == BX_OK)
        rc = bx_buf_append(out, p->data, p->len);
    bx_buf_done(&number);
    return rc;
}

int eio_payload_encode(int protocol, bool is_binary_ok, struct eio_packet *const *packets,
                       size_t count, struct bx_buf *out, bool *out_is_binary)
{
    bool has_binary = false;
    for (size_t i = 0; i < count; i++)
        has_binary |= packets[i]->is_binary;
    *out_is_binary = protocol == 3 && has_binary && is_binary_ok;
    for (size_t i = 0; i < count; i++) {
        int rc = protocol == 4    ? encode_v4(packets[i], i == 0, out)
                 : *out_is_binary ? encode_v3_binary(packets[i], out)
                                  : encode_v3_text(packets[i], out);
        if (rc < 0)
            return rc;
    }
    return BX_OK;
}

/* --- decoding --- */

static bool is_type(char c)
{
    return c >= EIO_OPEN && c <= EIO_NOOP;
}

static int decode_base64(struct bx_str text, uint8_t type, struct bx_arena *arena,
                         struct eio_incoming *out)
{
    size_t len;
    uint8_t *bytes = bx_arena_try_alloc(arena, text.len / 4 * 3 + 4);
    if (!bytes || bx_base64_decode(text, bytes, &len) < 0)
        return BX_E_INVALID;
    *out = (struct eio_incoming){type, true, bytes, len};
    return 1;
}

static int decode_text(struct bx_str text, struct eio_incoming *out)
{
    if (text.len == 0 || !is_type(text.ptr[0]))
        return BX_E_INVALID;
    *out = (struct eio_incoming){(uint8_t)text.ptr[0], false, (uint8_t *)(uintptr_t)text.ptr + 1,
                                 text.len - 1};
    return 1;
}

static int next_v4(struct bx_str *rest, struct bx_arena *arena, struct eio_incoming *out)
{
    struct bx_str piece;
    if (!bx_str_split(rest, SEPARATOR, &piece))
        return 0;
    if (piece.len && piece.ptr[0] == 'b')
        return decode_base64(bx_str_slice(piece, 1, piece.len), EIO_MESSAGE, arena, out);
    return decode_text(piece, out);
}

static int next_v3_text(struct bx_str *rest, struct bx_arena *arena, struct eio_incoming *out)
{
    if (rest->len == 0)
        return 0;
    uint64_t units;
    size_t colon = bx_str_find(*rest, ':');
    if (colon == rest->len || colon > 10 ||
        bx_str_u64(bx_str_slice(*rest, 0, colon), UINT32_MAX, &units) < 0)
        return BX_E_INVALID;
    struct bx_str text = bx_str_slice(*rest, colon + 1, rest->len);
    size_t bytes = bx_utf8_bytes_of_utf16(text, units);
    if (units == 0 || bytes > text.len)
        return BX_E_INVALID;
    *rest = bx_str_slice(text, bytes, text.len);
    text = bx_str_slice(text, 0, bytes);
    if (text.len >= 2 && text.ptr[0] == 'b' && is_type(text.ptr[1]))
        return decode_base64(bx_str_slice(text, 2, text.len), (uint8_t)text.ptr[1], arena, out);
    return decode_text(text, out);
}

static int next_v3_binary(struct bx_str *rest, struct eio_incoming *out)
{
    uint64_t len = 0;
    if (rest->len == 0)
        return 0;
    bool is_binary = rest->ptr[0] == 1;
    size_t i = 1;
    for (; i < rest->len && (uint8_t)rest->ptr[i] != 0xff; i++) {
        if (rest->ptr[i] < 0 || rest->ptr[i] > 9 || i > 10)
            return BX_E_INVALID;
        len = len * 10 + (uint64_t)rest->ptr[i];
    }
    if (rest->ptr[0] < 0 || rest->ptr[0] > 1 || i < 2 || i >= rest->len || len == 0 ||
        len > rest->len - i - 1)
        return BX_E_INVALID;
    struct bx_str packet = bx_str_slice(*rest, i + 1, i + 1 + len);
    *rest = bx_str_slice(*rest, i + 1 + len, rest->len);
    if (!is_binary)
        return bx_utf8_is_valid(packet) ? decode_text(packet, out) : BX_E_INVALID;
    if (packet.ptr[0] < 0 || packet.ptr[0] > 6)
        return BX_E_INVALID;
    *out = (struct eio_incoming){(uint8_t)(packet.ptr[0] + '0'), true,
                                 (uint8_t *)(uintptr_t)packet.ptr + 1, packet.len - 1};
    return 1;
}

int eio_payload_next(int protocol, bool is_binary_body, struct bx_str *rest, struct bx_arena *arena,
                     struct eio_incoming *out)
{
    if (protocol == 4)
        return next_v4(rest, arena, out);
    return is_binary_body ? next_v3_binary(rest, out) : next_v3_text(rest, arena, out);
}
