#include "net/ws/ws_deflate.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdlib.h>
#include <zlib.h>

enum { MEM_LEVEL = 8, WINDOW_MIN = 9, WINDOW_MAX = 15, SCRATCH_KEEP = 64 << 10, TAIL = 4 };

/* What connections without context takeover share on one thread; goes with the last of them. */
struct shared_streams {
    unsigned users;
    z_stream *deflate[WINDOW_MAX + 1]; /* by window bits */
    z_stream *inflate;
    struct bx_buf packed, inflated;
};

static _Thread_local struct shared_streams shared;

struct ws_deflate {
    z_stream *deflate, *inflate; /* own streams: takeover only, from the first message on */
    uint8_t out_bits, level;
    bool is_out_takeover, is_in_takeover;
};

struct ws_deflate *ws_deflate_new(const struct ws_deflate_params *params, bool is_client, int level)
{
    struct ws_deflate *d = BX_NEW(struct ws_deflate);
    d->out_bits = is_client ? params->client_window_bits : params->server_window_bits;
    d->is_out_takeover = is_client ? params->is_client_takeover : params->is_server_takeover;
    d->is_in_takeover = is_client ? params->is_server_takeover : params->is_client_takeover;
    d->level = (uint8_t)level;
    if (shared.users++ == 0) {
        bx_buf_init(&shared.packed, 0);
        bx_buf_init(&shared.inflated, 0);
    }
    return d;
}

static void stream_free(z_stream *s, int (*end)(z_stream *))
{
    if (s)
        end(s);
    free(s);
}

static void shared_free(void)
{
    for (size_t i = 0; i < BX_LEN(shared.deflate); i++)
        stream_free(shared.deflate[i], deflateEnd);
    stream_free(shared.inflate, inflateEnd);
    bx_buf_done(&shared.packed);
    bx_buf_done(&shared.inflated);
    shared = (struct shared_streams){0};
}

void ws_deflate_free(struct ws_deflate *d)
{
    if (!d)
        return;
    stream_free(d->deflate, deflateEnd);
    stream_free(d->inflate, inflateEnd);
    free(d);
    if (--shared.users == 0)
        shared_free();
}

bool ws_deflate_can_compress(const struct ws_deflate *d)
{
    return d->out_bits >= WINDOW_MIN;
}

unsigned ws_deflate_streams(const struct ws_deflate *d)
{
    return (d->deflate != NULL) + (d->inflate != NULL);
}

struct bx_buf *ws_deflate_scratch(struct ws_deflate *d)
{
    (void)d;
    return &shared.inflated;
}

/* --- out --- */

static z_stream *deflate_stream(struct ws_deflate *d)
{
    z_stream **slot = d->is_out_takeover ? &d->deflate : &shared.deflate[d->out_bits];
    if (!*slot) {
        *slot = BX_NEW(z_stream);
        int rc =
            deflateInit2(*slot, d->level, Z_DEFLATED, -d->out_bits, MEM_LEVEL, Z_DEFAULT_STRATEGY);
        BX_ASSERT(rc == Z_OK && "deflateInit2");
    } else if (!d->is_out_takeover) {
        deflateReset(*slot);
        deflateParams(*slot, d->level, Z_DEFAULT_STRATEGY);
    }
    return *slot;
}

static int deflate_piece(z_stream *s, struct bx_str in, int flush, struct bx_buf *out)
{
    BX_ASSERT(in.len <= UINT32_MAX);
    s->next_in = (z_const Bytef *)(uintptr_t)in.ptr;
    s->avail_in = (uInt)in.len;
    do {
        int rc = bx_buf_reserve(out, in.len / 2 + 256);
        if (rc < 0)
            return rc;
        size_t room = out->cap - out->len;
        s->next_out = out->data + out->len;
        s->avail_out = (uInt)(room < UINT32_MAX ? room : UINT32_MAX);
        uInt before = s->avail_out;
        deflate(s, flush);
        out->len += before - s->avail_out;
    } while (s->avail_out == 0);
    return BX_OK;
}

int ws_deflate_compress(struct ws_deflate *d, struct bx_str head, struct bx_str body,
                        struct bx_str *out)
{
    size_t len = head.len + body.len;
    if (!ws_deflate_can_compress(d) || len == 0 || len >= UINT32_MAX / 2)
        return BX_E_UNSUPPORTED;
    z_stream *s = deflate_stream(d);
    bx_buf_clear(&shared.packed, SCRATCH_KEEP);
    int rc = deflate_piece(s, head, Z_NO_FLUSH, &shared.packed);
    if (rc == BX_OK)
        rc = deflate_piece(s, body, Z_SYNC_FLUSH, &shared.packed);
    BX_ASSERT(rc == BX_OK && shared.packed.len > TAIL);
    size_t packed_len = shared.packed.len - TAIL; /* 00 00 ff ff is implied (7.2.1) */
    if (packed_len >= len && !d->is_out_takeover)
        return BX_E_UNSUPPORTED;
    *out = bx_str_n(shared.packed.data, packed_len);
    return BX_OK;
}

/* --- in --- */

static z_stream *inflate_stream(struct ws_deflate *d)
{
    z_stream **slot = d->is_in_takeover ? &d->inflate : &shared.inflate;
    if (!*slot) {
        *slot = BX_NEW(z_stream);
        int rc = inflateInit2(*slot, -WINDOW_MAX); /* reads every smaller window too */
        BX_ASSERT(rc == Z_OK && "inflateInit2");
    } else if (!d->is_in_takeover) {
        inflateReset(*slot);
    }
    return *slot;
}

/* Room for the next piece: at most one byte beyond the cap, which shows that it was passed. */
static int room_for_more(struct bx_buf *out, size_t max_bytes, size_t hint)
{
    size_t left = max_bytes + 1 - out->len, want = hint < left ? hint : left;
    return out->cap > out->len ? BX_OK : bx_buf_reserve(out, want ? want : 1);
}

/* Feeds one piece until it is eaten. *out_is_ended says whether a final block ended exactly at its
 * end. */
static int inflate_piece(z_stream *s, struct bx_str in, size_t max_bytes, struct bx_buf *out,
                         bool *out_is_ended)
{
    *out_is_ended = false;
    s->next_in = (z_const Bytef *)(uintptr_t)in.ptr;
    s->avail_in = (uInt)in.len;
    for (;;) {
        int rc = room_for_more(out, max_bytes, 4 * in.len + 256);
        if (rc < 0)
            return rc;
        size_t left = max_bytes + 1 - out->len, room = out->cap - out->len;
        uInt offered = (uInt)(room < left ? room : left);
        s->next_out = out->data + out->len;
        s->avail_out = offered;
        int z = inflate(s, Z_SYNC_FLUSH);
        out->len += offered - s->avail_out;
        if (out->len > max_bytes)
            return BX_E_TOO_BIG;
        if (z == Z_STREAM_END) { /* BFINAL inside a message (7.2.3.4): what follows starts anew */
            inflateReset(s);
            *out_is_ended = s->avail_in == 0;
            if (*out_is_ended)
                return BX_OK;
        } else if (z == Z_MEM_ERROR) {
            return BX_E_NOMEM;
        } else if (z != Z_OK && z != Z_BUF_ERROR) {
            return BX_E_INVALID;
        } else if (s->avail_out) {
            return s->avail_in ? BX_E_INVALID : BX_OK;
        }
    }
}

int ws_deflate_inflate(struct ws_deflate *d, struct bx_str in, size_t max_bytes, struct bx_buf *out)
{
    enum { AT_BLOCK_END = 128 }; /* of data_type, see zlib.h */
    bool is_ended;
    BX_ASSERT(max_bytes < UINT32_MAX / 2 && in.len < UINT32_MAX);
    bx_buf_clear(out, SCRATCH_KEEP);
    out->max_bytes = max_bytes + 1;
    z_stream *s = inflate_stream(d);
    int rc = inflate_piece(s, in, max_bytes, out, &is_ended);
    if (rc < 0 || is_ended)
        return rc;
    rc = inflate_piece(s, bx_str_n("\0\0\xff\xff", TAIL), max_bytes, out, &is_ended);
    if (rc == BX_OK && !is_ended && !(s->data_type & AT_BLOCK_END))
        rc = BX_E_INVALID; /* the message ended inside a block */
    return rc;
}
