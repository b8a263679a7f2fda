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

int wa_pb_unpack(const ProtobufCMessageDescriptor *type, struct bx_str bytes,
                 struct bx_arena *arena, ProtobufCMessage **out)
{
    int rc = bytes.len ? check_shape(type, bytes, 0) : BX_OK;
    if (rc < 0)
        return rc;
    struct allocator a = {.arena = arena};
    ProtobufCAllocator glue = {.alloc = arena_alloc, .free = arena_free, .allocator_data = &a};
    ProtobufCMessage *m =
        protobuf_c_message_unpack(type, &glue, bytes.len, (const uint8_t *)bytes.ptr);
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
