/* socket.io-msgpack-parser 3 (notepack): a packet is one binary message, the map {type, data, nsp,
 * id?}. Inside libsio payloads are JSON text with attachments, so this translates between the two:
 * binary values become placeholders and back. Sans-I/O.
 */
#include "base/clock.h"
#include "base/err.h"
#include "base/json_scan.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "sio/internal.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { MAX_DEPTH = 64 };

/* --- encoding --- */

static void put_be(struct bx_buf *out, uint64_t v, unsigned bytes)
{
    for (unsigned i = bytes; i--;)
        bx_buf_byte(out, (uint8_t)(v >> (8 * i)));
}

static void put_uint(struct bx_buf *out, uint64_t v)
{
    if (v < 0x80) {
        bx_buf_byte(out, (uint8_t)v);
        return;
    }
    unsigned log2_bytes = v <= UINT8_MAX ? 0 : v <= UINT16_MAX ? 1 : v <= UINT32_MAX ? 2 : 3;
    bx_buf_byte(out, (uint8_t)(0xcc + log2_bytes));
    put_be(out, v, 1u << log2_bytes);
}

static void put_int(struct bx_buf *out, int64_t v)
{
    if (v >= 0) {
        put_uint(out, (uint64_t)v);
    } else if (v >= -32) {
        bx_buf_byte(out, (uint8_t)v);
    } else {
        unsigned log2_bytes = v >= INT8_MIN ? 0 : v >= INT16_MIN ? 1 : v >= INT32_MIN ? 2 : 3;
        bx_buf_byte(out, (uint8_t)(0xd0 + log2_bytes));
        put_be(out, (uint64_t)v, 1u << log2_bytes);
    }
}

/* fix: the short form's first byte and its exclusive limit; then the 8 (0: none), 16 and 32 bit
 * forms. */
static void put_header(struct bx_buf *out, size_t n, uint8_t fix, size_t fix_limit, uint8_t form8,
                       uint8_t form16)
{
    if (n < fix_limit) {
        bx_buf_byte(out, (uint8_t)(fix | n));
    } else if (form8 && n <= UINT8_MAX) {
        bx_buf_byte(out, form8);
        put_be(out, n, 1);
    } else if (n <= UINT16_MAX) {
        bx_buf_byte(out, form16);
        put_be(out, n, 2);
    } else {
        bx_buf_byte(out, (uint8_t)(form16 + 1));
        put_be(out, n, 4);
    }
}

static void put_str(struct bx_buf *out, struct bx_str s)
{
    put_header(out, s.len, 0xa0, 32, 0xd9, 0xda);
    bx_buf_str(out, s);
}

static void put_bin(struct bx_buf *out, struct bx_str s)
{
    put_header(out, s.len, 0, 0, 0xc4, 0xc5);
    bx_buf_str(out, s);
}

static void put_number(struct bx_buf *out, struct bx_str text)
{
    int64_t whole;
    char digits[64];
    if (bx_str_i64(text, &whole) == BX_OK) {
        put_int(out, whole);
        return;
    }
    double v = bx_str_copy(text, digits, sizeof digits) == BX_OK ? strtod(digits, NULL) : 0;
    uint64_t bits;
    memcpy(&bits, &v, sizeof bits);
    bx_buf_byte(out, 0xcb);
    put_be(out, bits, 8);
}

static size_t count_items(struct bx_str value)
{
    struct bx_str cursor = bx_json_inside(value), item;
    size_t n = 0;
    while (bx_json_next(&cursor, &item))
        n++;
    return n;
}

static bool placeholder(struct bx_str object, const struct sio_payload *payload, struct bx_str *out)
{
    struct bx_str flag, num;
    int64_t n;
    if (!payload->attachment_count || !bx_json_get(object, BX_STR("_placeholder"), &flag) ||
        !bx_str_is(flag, "true") || !bx_json_get(object, BX_STR("num"), &num) ||
        bx_json_int(num, &n) < 0 || n < 0 || (uint64_t)n >= payload->attachment_count)
        return false;
    *out = sio_in(payload->attachments[n]);
    return true;
}

static int put_json(struct bx_buf *out, struct bx_str value, const struct sio_payload *payload,
                    struct bx_arena *arena);

static int put_object(struct bx_buf *out, struct bx_str value, const struct sio_payload *payload,
                      struct bx_arena *arena)
{
    struct bx_str cursor = bx_json_inside(value), key, member, bytes;
    if (placeholder(value, payload, &bytes)) {
        put_bin(out, bytes);
        return BX_OK;
    }
    put_header(out, count_items(value) / 2, 0x80, 16, 0, 0xde);
    while (bx_json_next_member(&cursor, &key, &member)) {
        struct bx_str quoted = bx_str_n(key.ptr - 1, key.len + 2), text;
        if (bx_json_string(quoted, arena, &text) < 0)
            return BX_E_TOO_BIG;
        put_str(out, text);
        int rc = put_json(out, member, payload, arena);
        if (rc < 0)
            return rc;
    }
    return BX_OK;
}

static int put_json(struct bx_buf *out, struct bx_str value, const struct sio_payload *payload,
                    struct bx_arena *arena)
{
    struct bx_str cursor = bx_json_inside(value), item;
    switch (bx_json_type(value)) {
    case BX_JSON_NULL:
        return bx_buf_byte(out, 0xc0);
    case BX_JSON_BOOL:
        return bx_buf_byte(out, value.ptr[0] == 't' ? 0xc3 : 0xc2);
    case BX_JSON_NUMBER:
        put_number(out, value);
        return BX_OK;
    case BX_JSON_STRING:
        if (bx_json_string(value, arena, &item) < 0)
            return BX_E_TOO_BIG;
        put_str(out, item);
        return BX_OK;
    case BX_JSON_OBJECT:
        return put_object(out, value, payload, arena);
    case BX_JSON_ARRAY:
        put_header(out, count_items(value), 0x90, 16, 0, 0xdc);
        while (bx_json_next(&cursor, &item)) {
            int rc = put_json(out, item, payload, arena);
            if (rc < 0)
                return rc;
        }
        return BX_OK;
    }
    return BX_E_INVALID;
}

int sio_msgpack_encode(const struct sio_packet *p, const struct sio_payload *payload,
                       struct bx_buf *out)
{
    struct bx_arena arena;
    uint64_t id = 0;
    bool has_id = p->has_id && bx_str_u64(p->id, UINT64_MAX - 1, &id) == BX_OK;
    bool has_data = p->data.len > 0;
    int rc = BX_OK;
    bx_arena_init(&arena, p->data.len * 2 + 4096);
    put_header(out, 2u + has_id + has_data, 0x80, 16, 0, 0xde);
    put_str(out, BX_STR("type"));
    put_uint(out, (uint64_t)p->type);
    if (has_data) {
        put_str(out, BX_STR("data"));
        rc = put_json(out, p->data, payload, &arena);
    }
    put_str(out, BX_STR("nsp"));
    put_str(out, p->nsp);
    if (has_id) {
        put_str(out, BX_STR("id"));
        put_uint(out, id);
    }
    bx_arena_done(&arena);
    return rc;
}

/* --- decoding --- */

struct reader {
    const uint8_t *at, *end;
    struct bx_json_writer *w;
    struct sio_str *attachments;
    uint64_t count, max;
    unsigned depth_left;
};

static int take(struct reader *r, size_t n, const uint8_t **out)
{
    if ((size_t)(r->end - r->at) < n)
        return BX_E_TRUNCATED;
    *out = r->at;
    r->at += n;
    return BX_OK;
}

static int take_be(struct reader *r, unsigned bytes, uint64_t *out)
{
    const uint8_t *p;
    int rc = take(r, bytes, &p);
    if (rc < 0)
        return rc;
    *out = 0;
    for (unsigned i = 0; i < bytes; i++)
        *out = *out << 8 | p[i];
    return BX_OK;
}

static int read_value(struct reader *r);

static int read_text(struct reader *r, uint64_t len, struct bx_str *out)
{
    const uint8_t *p;
    int rc = len <= SIZE_MAX / 2 ? take(r, (size_t)len, &p) : BX_E_TRUNCATED;
    if (rc == BX_OK)
        *out = bx_str_n(p, (size_t)len);
    return rc;
}

static int read_binary(struct reader *r, uint64_t len)
{
    struct bx_str bytes;
    int rc = read_text(r, len, &bytes);
    if (rc < 0)
        return rc;
    if (r->count >= r->max)
        return BX_E_TOO_BIG;
    bx_json_object(r->w);
    bx_json_key_bool(r->w, "_placeholder", true);
    bx_json_key_i64(r->w, "num", (int64_t)r->count);
    bx_json_end(r->w);
    r->attachments[r->count++] = sio_out(bytes);
    return BX_OK;
}

/* notepack 2.2: type 0 of length 1 is undefined, of length 8 a Date in milliseconds, otherwise an
 * ArrayBuffer. */
static int read_ext(struct reader *r, uint64_t len, bool is_fixed)
{
    uint64_t type, ms;
    const uint8_t *p;
    int rc = take_be(r, 1, &type);
    if (rc < 0)
        return rc;
    if (type == 0 && is_fixed && len == 8) {
        rc = take_be(r, 8, &ms);
        if (rc == BX_OK)
            bx_json_time(r->w, (int64_t)ms);
        return rc;
    }
    if (type == 0 && !is_fixed)
        return read_binary(r, len);
    rc = len <= SIZE_MAX / 2 ? take(r, (size_t)len, &p) : BX_E_TRUNCATED;
    if (rc == BX_OK)
        bx_json_null(r->w);
    return rc;
}

static int read_key(struct reader *r, struct bx_str *out)
{
    uint64_t head, len;
    int rc = take_be(r, 1, &head);
    if (rc < 0)
        return rc;
    if ((head & 0xe0) == 0xa0)
        return read_text(r, head & 0x1f, out);
    if (head < 0xd9 || head > 0xdb)
        return BX_E_INVALID;
    rc = take_be(r, 1u << (head - 0xd9), &len);
    return rc < 0 ? rc : read_text(r, len, out);
}

static int read_container(struct reader *r, uint64_t count, bool is_map)
{
    if (r->depth_left == 0)
        return BX_E_TOO_DEEP;
    if (count > (uint64_t)(r->end - r->at))
        return BX_E_TRUNCATED; /* an item takes at least one byte */
    r->depth_left--;
    if (is_map)
        bx_json_object(r->w);
    else
        bx_json_array(r->w);
    int rc = BX_OK;
    for (uint64_t i = 0; i < count && rc == BX_OK; i++) {
        struct bx_str key;
        if (is_map) {
            rc = read_key(r, &key);
            if (rc < 0)
                break;
            bx_json_key_n(r->w, key);
        }
        rc = read_value(r);
    }
    r->depth_left++;
    if (rc == BX_OK)
        bx_json_end(r->w);
    return rc;
}

static int read_float(struct reader *r, unsigned bytes)
{
    uint64_t bits;
    double v;
    int rc = take_be(r, bytes, &bits);
    if (rc < 0)
        return rc;
    if (bytes == 4) {
        uint32_t low = (uint32_t)bits;
        float single;
        memcpy(&single, &low, sizeof single);
        v = (double)single;
    } else {
        memcpy(&v, &bits, sizeof v);
    }
    bx_json_double(r->w, v);
    return BX_OK;
}

static int read_integer(struct reader *r, unsigned bytes, bool is_signed)
{
    uint64_t v;
    int rc = take_be(r, bytes, &v);
    if (rc < 0)
        return rc;
    unsigned unused = 64 - 8 * bytes;
    if (is_signed)
        bx_json_i64(r->w, (int64_t)(v << unused) >> unused);
    else if (v <= INT64_MAX)
        bx_json_i64(r->w, (int64_t)v);
    else
        bx_json_double(r->w, (double)v);
    return BX_OK;
}

static int read_sized(struct reader *r, unsigned size_bytes,
                      int (*fn)(struct reader *r, uint64_t len, bool flag), bool flag)
{
    uint64_t len;
    int rc = take_be(r, size_bytes, &len);
    return rc < 0 ? rc : fn(r, len, flag);
}

static int write_text(struct reader *r, uint64_t len, bool flag)
{
    struct bx_str text;
    (void)flag;
    int rc = read_text(r, len, &text);
    if (rc == BX_OK)
        bx_json_str(r->w, text);
    return rc;
}

static int write_binary(struct reader *r, uint64_t len, bool flag)
{
    (void)flag;
    return read_binary(r, len);
}

static int read_value(struct reader *r)
{
    uint64_t head;
    int rc = take_be(r, 1, &head);
    if (rc < 0)
        return rc;
    if (head < 0x80 || head >= 0xe0) {
        bx_json_i64(r->w, (int8_t)head);
        return BX_OK;
    }
    if (head < 0xa0)
        return read_container(r, head & 15, head < 0x90);
    if (head < 0xc0)
        return write_text(r, head & 31, false);
    switch (head) {
    case 0xc0:
        bx_json_null(r->w);
        return BX_OK;
    case 0xc2:
    case 0xc3:
        bx_json_bool(r->w, head == 0xc3);
        return BX_OK;
    case 0xc4:
    case 0xc5:
    case 0xc6:
        return read_sized(r, 1u << (head - 0xc4), write_binary, false);
    case 0xc7:
    case 0xc8:
    case 0xc9:
        return read_sized(r, 1u << (head - 0xc7), read_ext, false);
    case 0xca:
    case 0xcb:
        return read_float(r, head == 0xca ? 4 : 8);
    case 0xcc:
    case 0xcd:
    case 0xce:
    case 0xcf:
        return read_integer(r, 1u << (head - 0xcc), false);
    case 0xd0:
    case 0xd1:
    case 0xd2:
    case 0xd3:
        return read_integer(r, 1u << (head - 0xd0), true);
    case 0xd4:
    case 0xd5:
    case 0xd6:
    case 0xd7:
    case 0xd8:
        return read_ext(r, (uint64_t)1 << (head - 0xd4), true);
    case 0xd9:
    case 0xda:
    case 0xdb:
        return read_sized(r, 1u << (head - 0xd9), write_text, false);
    case 0xdc:
    case 0xdd:
    case 0xde:
    case 0xdf:
        return read_sized(r, head & 1 ? 4 : 2, read_container, head >= 0xde);
    default:
        return BX_E_INVALID;
    }
}

static bool is_valid_shape(const struct sio_packet *p)
{
    struct bx_str cursor = bx_json_inside(p->data), name;
    enum bx_json_type type = bx_json_type(p->data);
    switch (p->type) {
    case SIO_CONNECT:
        return p->data.len == 0 || type == BX_JSON_OBJECT || type == BX_JSON_NULL;
    case SIO_DISCONNECT:
        return true;
    case SIO_EVENT:
        return p->data.len && type == BX_JSON_ARRAY && bx_json_next(&cursor, &name) &&
               (bx_json_type(name) == BX_JSON_STRING || bx_json_type(name) == BX_JSON_NUMBER) &&
               !sio_event_is_reserved(bx_json_inside(name));
    case SIO_ACK:
        return p->data.len && type == BX_JSON_ARRAY;
    case SIO_CONNECT_ERROR:
    case SIO_BINARY_EVENT:
    case SIO_BINARY_ACK:
        return false;
    }
    return false;
}

/* The whole message becomes one JSON object, whose members are then the packet's fields. */
static int fields_of(struct sio_msgpack *m)
{
    struct bx_str whole, value, text;
    struct bx_arena arena;
    int64_t type, id;
    bx_arena_init(&arena, m->json.len + 4096);
    int rc = bx_json_check(bx_buf_view(&m->json), SIO_JSON_DEPTH, &whole, NULL);
    if (rc == BX_OK && (!bx_json_get(whole, BX_STR("type"), &value) ||
                        bx_json_int(value, &type) < 0 || type < 0 || type > 4))
        rc = BX_E_INVALID;
    if (rc == BX_OK &&
        (!bx_json_get(whole, BX_STR("nsp"), &value) || bx_json_string(value, &arena, &text) < 0))
        rc = BX_E_INVALID;
    if (rc == BX_OK)
        rc = bx_buf_str(&m->strings, text);
    if (rc == BX_OK) {
        m->packet.type = (enum sio_type)type;
        m->packet.nsp = bx_buf_view(&m->strings);
        if (bx_json_get(whole, BX_STR("data"), &value))
            m->packet.data = bx_json_type(value) == BX_JSON_NULL ? BX_STR("") : value;
        if (bx_json_get(whole, BX_STR("id"), &value) && bx_json_int(value, &id) == BX_OK &&
            id >= 0) {
            m->packet.has_id = bx_str_copy(value, m->id, sizeof m->id) == BX_OK;
            m->packet.id = bx_str(m->id);
        }
        rc = is_valid_shape(&m->packet) ? BX_OK : BX_E_INVALID;
    }
    bx_arena_done(&arena);
    return rc;
}

int sio_msgpack_decode(const uint8_t *data, size_t len, uint64_t max_attachments,
                       struct sio_msgpack *out)
{
    struct bx_json_writer w;
    *out =
        (struct sio_msgpack){.attachments = bx_calloc(max_attachments + 1, sizeof(struct sio_str))};
    bx_buf_init(&out->json, len * 12 + 4096);
    bx_buf_init(&out->strings, len + 64);
    bx_json_writer_init(&w, &out->json);
    struct reader r = {.at = data,
                       .end = data + len,
                       .w = &w,
                       .attachments = out->attachments,
                       .max = max_attachments,
                       .depth_left = MAX_DEPTH - 2};
    int rc = read_value(&r);
    if (rc == BX_OK)
        rc = r.at == r.end ? bx_json_writer_rc(&w) : BX_E_INVALID;
    if (rc == BX_OK)
        rc = fields_of(out);
    out->packet.attachment_count = r.count;
    if (rc < 0)
        sio_msgpack_done(out);
    return rc;
}

void sio_msgpack_done(struct sio_msgpack *m)
{
    bx_buf_done(&m->json);
    bx_buf_done(&m->strings);
    free(m->attachments);
}
