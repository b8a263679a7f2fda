#include "base/err.h"
#include "base/json_scan.h"
#include "base/utf8.h"
#include "sio/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* What is accepted comes apart, and encodes to something that is accepted again. */
static void text(struct bx_str in)
{
    struct sio_packet p, again;
    char scratch[256];
    struct bx_str name, args;
    struct bx_buf out;
    if (!bx_utf8_is_valid(in) || sio_packet_decode(in, 10, &p) < 0)
        return;
    if ((p.type == SIO_EVENT || p.type == SIO_BINARY_EVENT) && p.data.len)
        BX_ASSERT(sio_event_split(p.data, scratch, sizeof scratch, &name, &args) != BX_E_INVALID);
    bx_buf_init(&out, 0);
    sio_packet_head(&out, p.type, p.attachment_count, p.nsp, p.id);
    bx_buf_str(&out, p.data);
    BX_ASSERT(sio_packet_decode(bx_buf_view(&out), 10, &again) == BX_OK);
    BX_ASSERT(again.type == p.type && bx_str_eq(again.nsp, p.nsp) && bx_str_eq(again.data, p.data));
    bx_buf_done(&out);
}

static void msgpack(const uint8_t *data, size_t size)
{
    struct sio_msgpack m;
    struct bx_str value;
    if (sio_msgpack_decode(data, size, 10, &m) < 0)
        return;
    BX_ASSERT(m.packet.data.len == 0 ||
              bx_json_check(m.packet.data, SIO_JSON_DEPTH, &value, NULL) == BX_OK);
    struct bx_buf out;
    struct sio_payload payload = {.attachments = m.attachments,
                                  .attachment_count = m.packet.attachment_count};
    bx_buf_init(&out, 0);
    BX_ASSERT(sio_msgpack_encode(&m.packet, &payload, &out) == BX_OK);
    bx_buf_done(&out);
    sio_msgpack_done(&m);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    text(bx_str_n(data, size));
    msgpack(data, size);
    return 0;
}
