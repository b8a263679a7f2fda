#include "base/err.h"
#include "wa/wire/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct outcome {
    size_t frames, bytes;
    int rc;
};

static struct outcome run(struct bx_str in, size_t step, bool is_server)
{
    struct outcome o = {0};
    struct wa_frame_reader r;
    struct bx_str payload;
    wa_frame_reader_init(&r, is_server, 2048);
    for (size_t at = 0; at < in.len && o.rc >= 0; at += step) {
        BX_ASSERT(wa_frame_feed(&r, bx_str_slice(in, at, at + step)) == BX_OK);
        while ((o.rc = wa_frame_next(&r, &payload)) > 0) {
            o.frames++;
            o.bytes += payload.len;
        }
    }
    wa_frame_reader_done(&r);
    return o;
}

/* However the bytes are cut, the frames are the same. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2)
        return 0;
    bool is_server = data[0] & 1;
    struct bx_str in = bx_str_n(data + 2, size - 2);
    struct outcome whole = run(in, in.len + 1, is_server);
    struct outcome cut = run(in, 1 + data[1] % 16, is_server);
    BX_ASSERT(whole.frames == cut.frames && whole.bytes == cut.bytes && whole.rc == cut.rc);
    return 0;
}
