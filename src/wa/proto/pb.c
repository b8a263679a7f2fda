#include "wa/proto/pb.h"

#include "base/err.h"

/* protobuf-c recurses once per nesting level without a bound, so the shape is walked first: only
 * tags and lengths, following the descriptor into submessages. */
struct walk {
    const uint8_t *at, *end;
};

static int read_varint(struct walk *w, uint64_t *out)
{
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        if (w->at == w->end)
            return BX_E_INVALID;
        uint8_t byte = *w->at++;
        value |= (uint64_t)(byte & 127) << shift;
        if (!(byte & 128)) {
            *out = value;
            return BX_OK;
        }
    }
    return BX_E_INVALID;
}

static int skip(struct walk *w, uint64_t n)
{
    if ((uint64_t)(w->end - w->at) < n)
        return BX_E_INVALID;
    w->at += n;
    return BX_OK;
}

static int check_shape(const ProtobufCMessageDescriptor *type, struct bx_str bytes, unsigned depth);

static int check_field(const ProtobufCMessageDescriptor *type, struct walk *w, unsigned depth)
{
    uint64_t tag, value;
    int rc = read_varint(w, &tag);
    if (rc < 0)
        return rc;
    if (tag >> 3 == 0) /* protobuf-c takes it when it is written in two bytes */
        return BX_E_INVALID;
    switch (tag & 7) {
    case 0:
        return read_varint(w, &value);
    case 1:
        return skip(w, 8);
    case 5:
        return skip(w, 4);
    case 2:
        break;
    default:
        return BX_E_INVALID;
    }
    const uint8_t *start;
    if ((rc = read_varint(w, &value)) < 0 || (start = w->at, rc = skip(w, value)) < 0)
        return rc;
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));
    if (!field || field->type != PROTOBUF_C_TYPE_MESSAGE)
        return BX_OK;
    return check_shape(field->descriptor, bx_str_n(start, (size_t)value), depth + 1);
}

static int check_shape(const ProtobufCMessageDescriptor *type, struct bx_str bytes, unsigned depth)
{
    struct walk w = {(const uint8_t *)bytes.ptr, (const uint8_t *)bytes.ptr + bytes.len};
    if (depth >= WA_PB_MAX_DEPTH)
        return BX_E_TOO_DEEP;
    while (w.at < w.end) {
        int rc = check_field(type, &w, depth);
        if (rc < 0)
            return rc;
    }
    return BX_OK;
}

struct allocator {
    struct bx_arena *arena;
    bool is_full;
};

static void *arena_alloc(void *data, size_t size)
{
    struct allocator *a = data;
    void *ptr = bx_arena_try_alloc(a->arena, size ? size : 1);
    a->is_full |= !ptr;
    return ptr;
}

static void arena_free(void *data, void *ptr)
{
    (void)data;
    (void)ptr;
}

/* protobuf-c gives texts as C strings, which end at a NUL inside. 0xff is in no UTF-8 text: whoever
 * repairs the text makes U+FFFD of it, and what stands behind is kept. */
static void nuls_mark(const ProtobufCMessageDescriptor *type, uint8_t *bytes, size_t len)
{
    struct walk w = {bytes, bytes + len};
    uint64_t tag, value;
    while (w.at < w.end && read_varint(&w, &tag) == BX_OK) {
        unsigned wire = tag & 7;
        if (wire != 2) {
            if ((wire == 0 ? read_varint(&w, &value) : skip(&w, wire == 1 ? 8 : 4)) < 0)
                return;
            continue;
        }
        if (read_varint(&w, &value) < 0)
            return;
        uint8_t *start = bytes + (w.at - bytes);
        if (skip(&w, value) < 0)
            return;
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field(type, (unsigned)(tag >> 3));
        if (field && field->type == PROTOBUF_C_TYPE_MESSAGE)
            nuls_mark(field->descriptor, start, (size_t)value);
        else if (field && field->type == PROTOBUF_C_TYPE_STRING)
            for (uint8_t *p = start; (p = memchr(p, 0, (size_t)(w.at - p)));)
                *p = 0xff;
    }
}

/* The bytes, or a copy of them without NULs in texts. NULL: too big for the arena. */
static const uint8_t *without_nuls(const ProtobufCMessageDescriptor *type, struct bx_str bytes,
                                   struct bx_arena *arena)
{
    if (bytes.len == 0 || !memchr(bytes.ptr, 0, bytes.len))
        return (const uint8_t *)bytes.ptr;
    char *copy = bx_arena_try_strndup(arena, bytes.ptr, bytes.len);
    if (copy)
        nuls_mark(type, (uint8_t *)copy, bytes.len);
    return (const uint8_t *)copy;
}

int wa_pb_unpack(const ProtobufCMessageDescriptor *type, struct bx_str bytes,
                 struct bx_arena *arena, ProtobufCMessage **out)
{
    int rc = bytes.len ? check_shape(type, bytes, 0) : BX_OK;
    if (rc < 0)
        return rc;
    const uint8_t *clean = without_nuls(type, bytes, arena);
    if (bytes.len && !clean)
        return BX_E_TOO_BIG;
    struct allocator a = {.arena = arena};
    ProtobufCAllocator glue = {.alloc = arena_alloc, .free = arena_free, .allocator_data = &a};
    ProtobufCMessage *m = protobuf_c_message_unpack(type, &glue, bytes.len, clean);
    if (!m)
        return a.is_full ? BX_E_TOO_BIG : BX_E_INVALID;
    *out = m;
    return BX_OK;
}

struct bx_str wa_pb_pack(const void *message, struct bx_arena *arena)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t *bytes = bx_arena_alloc(arena, len + 1);
    return bx_str_n(bytes, protobuf_c_message_pack(message, bytes));
}

int wa_pb_append(const void *message, struct bx_buf *out)
{
    size_t len = protobuf_c_message_get_packed_size(message);
    int rc = bx_buf_reserve(out, len);
    if (rc < 0)
        return rc;
    out->len += protobuf_c_message_pack(message, out->data + out->len);
    return BX_OK;
}

void *wa_pb_new(struct bx_arena *arena, const ProtobufCMessageDescriptor *type)
{
    ProtobufCMessage *m = bx_arena_alloc(arena, type->sizeof_message);
    type->message_init(m);
    return m;
}
