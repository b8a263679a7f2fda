/* Unpacking and packing of protobuf messages with our memory rules: memory comes from an arena
 * (so nobody frees a message), nesting and size are bounded.
 *
 *     Wap__Message *m;
 *     rc = WA_PB_UNPACK(message, plaintext, &arena, &m);
 *
 * Text fields are NUL-terminated copies as a peer sent them, a NUL inside as 0xff: repair them
 * (bx_utf8_repair_str, wa_clean_text) before you store them.
 */
#ifndef WA_PB_H
#define WA_PB_H

#include "base/arena.h"
#include "base/buf.h"

#include <protobuf-c/protobuf-c.h>

enum { WA_PB_MAX_DEPTH = 32 };

/* BX_E_INVALID (no such message), BX_E_TOO_DEEP, BX_E_TOO_BIG (the arena's cap). */
int wa_pb_unpack(const ProtobufCMessageDescriptor *type, struct bx_str bytes,
                 struct bx_arena *arena, ProtobufCMessage **out);

/* name as in wap__<name>__descriptor: message, cert_chain, adv_device_identity ... */
#define WA_PB_UNPACK(name, bytes, arena, out)                                                      \
    wa_pb_unpack(&wap__##name##__descriptor, (bytes), (arena), (ProtobufCMessage **)(void *)(out))

/* Packed bytes in the arena. */
struct bx_str wa_pb_pack(const void *message, struct bx_arena *arena);
/* Appended to a buffer; BX_E_TOO_BIG, BX_E_NOMEM. */
int wa_pb_append(const void *message, struct bx_buf *out);

/* Between slices and fields. */
static inline ProtobufCBinaryData wa_pb_bytes(struct bx_str s)
{
    return (ProtobufCBinaryData){.len = s.len, .data = (uint8_t *)(uintptr_t)s.ptr};
}
static inline struct bx_str wa_pb_str(ProtobufCBinaryData b)
{
    return bx_str_n(b.data, b.len);
}
/* A text field (char *, NUL-terminated, in the arena); NULL for an absent slice. */
static inline char *wa_pb_text(struct bx_arena *arena, struct bx_str s)
{
    return s.ptr ? bx_arena_strndup(arena, s.ptr, s.len) : NULL;
}

#define WA_PB_SET(m, field, v) ((m)->has_##field = 1, (m)->field = (v))
#define WA_PB_SET_BYTES(m, field, s) WA_PB_SET(m, field, wa_pb_bytes(s))

/* A message in the arena, initialised: Wap__Message *m = WA_PB_NEW(arena, Wap__Message, message);
 */
#define WA_PB_NEW(arena, type, name) ((type *)wa_pb_new((arena), &wap__##name##__descriptor))
void *wa_pb_new(struct bx_arena *arena, const ProtobufCMessageDescriptor *type);

#endif
