#include "sio/packet.h"

#include "base/err.h"
#include "base/json_scan.h"
#include "base/json_write.h"
#include "base/mem.h"

bool sio_event_is_reserved(struct bx_str name)
{
    static const char *const names[] = {"connect",       "connect_error", "disconnect",
                                        "disconnecting", "newListener",   "removeListener"};
    for (size_t i = 0; i < BX_LEN(names); i++) {
        if (bx_str_eq(name, bx_str(names[i])))
            return true;
    }
    return false;
}

static size_t digits_at(struct bx_str text, size_t at)
{
    size_t n = 0;
    while (at + n < text.len && text.ptr[at + n] >= '0' && text.ptr[at + n] <= '9')
        n++;
    return n;
}

static int take_attachments(struct bx_str text, uint64_t max, size_t *at, uint64_t *out)
{
    size_t n = digits_at(text, *at);
    if (n == 0 || n > 10 || *at + n >= text.len || text.ptr[*at + n] != '-')
        return BX_E_INVALID;
    if (bx_str_u64(bx_str_slice(text, *at, *at + n), max, out) < 0)
        return BX_E_FULL; /* it is a number: a larger one */
    if (*out == 0)
        return BX_E_INVALID;
    *at += n + 1;
    return BX_OK;
}

static struct bx_str take_namespace(struct bx_str text, size_t *at)
{
    if (*at >= text.len || text.ptr[*at] != '/')
        return BX_STR("/");
    struct bx_str rest = bx_str_slice(text, *at, text.len);
    size_t comma = bx_str_find(rest, ',');
    *at += comma < rest.len ? comma + 1 : comma;
    return bx_str_slice(rest, 0, comma);
}

static bool take_id(struct bx_str text, size_t *at, struct bx_str *out)
{
    size_t n = digits_at(text, *at);
    if (n == 0)
        return false;
    struct bx_str id = bx_str_slice(text, *at, *at + n);
    while (id.len > 1 && id.ptr[0] == '0')
        id = bx_str_slice(id, 1, id.len);
    *out = id;
    *at += n;
    return true;
}

static bool event_has_name(struct bx_str data)
{
    struct bx_str cursor = bx_json_inside(data), name;
    if (!bx_json_next(&cursor, &name))
        return false;
    if (bx_json_type(name) == BX_JSON_NUMBER)
        return true;
    return bx_json_type(name) == BX_JSON_STRING && !sio_event_is_reserved(bx_json_inside(name));
}

static bool data_fits(const struct sio_packet *p)
{
    enum bx_json_type type = bx_json_type(p->data);
    switch (p->type) {
    case SIO_CONNECT:
        return p->data.len == 0 || type == BX_JSON_OBJECT;
    case SIO_DISCONNECT:
        return p->data.len == 0;
    case SIO_EVENT:
    case SIO_BINARY_EVENT:
        return p->data.len && type == BX_JSON_ARRAY && event_has_name(p->data);
    case SIO_ACK:
    case SIO_BINARY_ACK:
        return p->data.len && type == BX_JSON_ARRAY;
    case SIO_CONNECT_ERROR:
        return p->data.len && (type == BX_JSON_OBJECT || type == BX_JSON_STRING);
    }
    return false;
}

int sio_packet_decode(struct bx_str text, uint64_t max_attachments, struct sio_packet *out)
{
    struct sio_packet p = {0};
    size_t at = 1;
    if (text.len == 0 || text.ptr[0] < '0' || text.ptr[0] > '6')
        return BX_E_INVALID;
    p.type = (enum sio_type)(text.ptr[0] - '0');
    bool is_binary = p.type == SIO_BINARY_EVENT || p.type == SIO_BINARY_ACK;
    int rc = is_binary ? take_attachments(text, max_attachments, &at, &p.attachment_count) : BX_OK;
    if (rc < 0)
        return rc;
    p.nsp = take_namespace(text, &at);
    p.has_id = take_id(text, &at, &p.id);
    if (at < text.len &&
        bx_json_check(bx_str_slice(text, at, text.len), SIO_JSON_DEPTH, &p.data, NULL) < 0)
        return BX_E_INVALID;
    if (p.data.len == 0 && p.type == SIO_EVENT) { /* "2": an event without a name does nothing */
        *out = p;
        return BX_OK;
    }
    if (!data_fits(&p) || (is_binary && sio_placeholders_check(p.data, p.attachment_count) < 0))
        return BX_E_INVALID;
    *out = p;
    return BX_OK;
}

int sio_event_split(struct bx_str data, char *scratch, size_t size, struct bx_str *out_name,
                    struct bx_str *out_args)
{
    struct bx_str cursor = bx_json_inside(data), name;
    if (!bx_json_next(&cursor, &name))
        return BX_E_INVALID;
    if (bx_json_type(name) == BX_JSON_STRING) {
        struct bx_arena arena;
        struct bx_str decoded;
        bx_arena_init(&arena, 0);
        int rc = bx_json_string(name, &arena, &decoded);
        if (rc == BX_OK && decoded.ptr != name.ptr + 1) { /* it was a copy */
            rc = decoded.len < size ? BX_OK : BX_E_TOO_BIG;
            if (rc == BX_OK) {
                memcpy(scratch, decoded.ptr, decoded.len);
                decoded.ptr = scratch;
            }
        }
        bx_arena_done(&arena);
        if (rc < 0)
            return rc;
        name = decoded;
    }
    while (cursor.len && strchr(" \t\r\n,", cursor.ptr[0]))
        cursor = bx_str_slice(cursor, 1, cursor.len);
    while (cursor.len && strchr(" \t\r\n", cursor.ptr[cursor.len - 1]))
        cursor.len--;
    *out_name = name;
    *out_args = cursor;
    return BX_OK;
}

static int check_object(struct bx_str object, uint64_t count)
{
    struct bx_str flag, num;
    int64_t n;
    if (!bx_json_get(object, BX_STR("_placeholder"), &flag) || !bx_str_is(flag, "true"))
        return 0;
    if (!bx_json_get(object, BX_STR("num"), &num) || bx_json_int(num, &n) < 0 || n < 0 ||
        (uint64_t)n >= count)
        return BX_E_INVALID;
    return 1;
}

int sio_placeholders_check(struct bx_str data, uint64_t count)
{
    enum bx_json_type type = bx_json_type(data);
    struct bx_str cursor = bx_json_inside(data), key, item;
    if (type == BX_JSON_ARRAY) {
        while (bx_json_next(&cursor, &item)) {
            if (sio_placeholders_check(item, count) < 0)
                return BX_E_INVALID;
        }
    } else if (type == BX_JSON_OBJECT) {
        int is_placeholder = check_object(data, count);
        if (is_placeholder)
            return is_placeholder < 0 ? BX_E_INVALID : BX_OK;
        while (bx_json_next_member(&cursor, &key, &item)) {
            if (sio_placeholders_check(item, count) < 0)
                return BX_E_INVALID;
        }
    }
    return BX_OK;
}

int sio_packet_head(struct bx_buf *out, enum sio_type type, uint64_t attachment_count,
                    struct bx_str nsp, struct bx_str id)
{
    int rc = bx_buf_byte(out, (uint8_t)('0' + type));
    if (rc == BX_OK && attachment_count)
        rc = bx_buf_printf(out, "%llu-", (unsigned long long)attachment_count);
    if (rc == BX_OK && !bx_str_is(nsp, "/")) {
        rc = bx_buf_str(out, nsp);
        if (rc == BX_OK)
            rc = bx_buf_byte(out, ',');
    }
    return rc == BX_OK && id.len ? bx_buf_str(out, id) : rc;
}
