#include "base/err.h"
#include "wa/proto/link.pb-c.h"
#include "wa/proto/message.pb-c.h"
#include "wa/proto/pb.h"
#include "wa/proto/sync.pb-c.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const ProtobufCMessageDescriptor *const types[] = {
    &wap__message__descriptor,          &wap__handshake_message__descriptor,
    &wap__cert_chain__descriptor,       &wap__client_payload__descriptor,
    &wap__history_sync__descriptor,     &wap__syncd_patch__descriptor,
    &wap__sync_action_data__descriptor, &wap__adv_signed_device_identity_hmac__descriptor,
};

/* What unpacks packs again, and that unpacks. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    const ProtobufCMessageDescriptor *type = types[data[0] % (sizeof types / sizeof types[0])];
    struct bx_arena arena;
    ProtobufCMessage *m;
    bx_arena_init(&arena, 1 << 20);
    if (wa_pb_unpack(type, bx_str_n(data + 1, size - 1), &arena, &m) == BX_OK) {
        struct bx_str packed = wa_pb_pack(m, &arena);
        int rc = wa_pb_unpack(type, packed, &arena, &m);
        BX_ASSERT(rc == BX_OK || rc == BX_E_TOO_BIG);
    }
    bx_arena_done(&arena);
    return 0;
}
