/* What WhatsApp makes after this program was made. New wrappers look like the old ones: a message
 * whose field 1 is a Message. They are opened; everything else stays what it is, an unknown kind. */
#include "wa/features/content.h"

#include "wa/proto/pb.h"

/* The bytes of a length-prefixed field, without the prefix. */
static bool field_bytes(const ProtobufCMessageUnknownField *f, struct bx_str *out)
{
    size_t at = 0;
    if (f->wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED)
        return false;
    while (at < f->len && at < 5 && (f->data[at] & 0x80))
        at++;
    if (at >= f->len)
        return false;
    *out = bx_str_n(f->data + at + 1, f->len - at - 1);
    return out->len > 0;
}

Wap__Message *wa_content_open_unknown(const Wap__Message *m, struct bx_arena *a)
{
    for (size_t i = 0; i < m->base.n_unknown_fields; i++) {
        struct bx_str bytes;
        Wap__FutureProof *wrapper;
        if (!field_bytes(&m->base.unknown_fields[i], &bytes) ||
            WA_PB_UNPACK(future_proof, bytes, a, &wrapper) < 0 || !wrapper->message)
            continue;
        bool once, edit;
        Wap__Message *inner = wa_content_unwrap(wrapper->message, &once, &edit);
        if (!wa_content_is_known(inner))
            continue;
        if (!inner->message_context_info)
            inner->message_context_info = m->message_context_info;
        return inner;
    }
    return NULL;
}
