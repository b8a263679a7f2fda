#include "wa/wire/frame.h"

#include "base/err.h"

enum { HEADER = 3, ROUTING_HEADER = 7, KEEP_BYTES = 1024 };

void wa_frame_reader_init(struct wa_frame_reader *r, bool is_server, size_t max_frame)
{
    *r = (struct wa_frame_reader){.max_frame = max_frame ? max_frame : WA_FRAME_MAX,
                                  .state =
                                      is_server ? WA_FRAME_EXPECT_INTRO : WA_FRAME_EXPECT_FRAME};
    bx_buf_init(&r->buf, 0);
}

void wa_frame_reader_done(struct wa_frame_reader *r)
{
    bx_buf_done(&r->buf);
}

int wa_frame_feed(struct wa_frame_reader *r, struct bx_str bytes)
{
    bx_buf_consume(&r->buf, r->taken);
    r->taken = 0;
    if (r->buf.len == 0)
        bx_buf_clear(&r->buf, KEEP_BYTES);
    return bx_buf_str(&r->buf, bytes);
}

static size_t be24(const char *at)
{
    const uint8_t *b = (const void *)at;
    return (size_t)b[0] << 16 | (size_t)b[1] << 8 | b[2];
}

/* Bytes of a routing header in front, 0 when there is none, BX_E_AGAIN, BX_E_TOO_BIG. */
static int routing_size(struct bx_str left)
{
    static const char magic[] = {'E', 'D', 0, 1};
    size_t known = left.len < sizeof magic ? left.len : sizeof magic;
    if (known && memcmp(left.ptr, magic, known) != 0)
        return 0;
    if (left.len < ROUTING_HEADER)
        return BX_E_AGAIN;
    size_t len = be24(left.ptr + 4);
    if (len > WA_ROUTING_MAX)
        return BX_E_TOO_BIG;
    return left.len < ROUTING_HEADER + len ? BX_E_AGAIN : (int)(ROUTING_HEADER + len);
}

/* 1 when the intro is complete, 0 when it is not. */
static int take_intro(struct wa_frame_reader *r)
{
    struct bx_str left = bx_str_slice(bx_buf_view(&r->buf), r->taken, r->buf.len);
    int routing = routing_size(left);
    if (routing < 0)
        return routing == BX_E_AGAIN ? 0 : routing;
    left = bx_str_slice(left, (size_t)routing, left.len);
    size_t known = left.len < 3 ? left.len : 3;
    if (known && memcmp(left.ptr, "WA\x06", known) != 0)
        return BX_E_INVALID;
    if (left.len < WA_INTRO_SIZE)
        return 0;
    if (left.ptr[3] != WA_DICT_2 && left.ptr[3] != WA_DICT_3)
        return BX_E_INVALID;
    memcpy(r->intro, left.ptr, WA_INTRO_SIZE);
    r->taken += (size_t)routing + WA_INTRO_SIZE;
    r->state = WA_FRAME_EXPECT_FRAME;
    return 1;
}

int wa_frame_next(struct wa_frame_reader *r, struct bx_str *out_payload)
{
    if (r->state == WA_FRAME_EXPECT_INTRO) {
        int rc = take_intro(r);
        if (rc <= 0)
            return rc;
    }
    struct bx_str left = bx_str_slice(bx_buf_view(&r->buf), r->taken, r->buf.len);
    if (left.len < HEADER)
        return 0;
    size_t len = be24(left.ptr);
    if (len > r->max_frame)
        return BX_E_TOO_BIG;
    if (left.len - HEADER < len)
        return 0;
    *out_payload = bx_str_slice(left, HEADER, HEADER + len);
    r->taken += HEADER + len;
    return 1;
}

enum wa_dict wa_frame_dict(const struct wa_frame_reader *r)
{
    return r->intro[3] == WA_DICT_2 ? WA_DICT_2 : WA_DICT_3;
}

void wa_intro(enum wa_dict dict, uint8_t out[WA_INTRO_SIZE])
{
    memcpy(out, (const uint8_t[]){'W', 'A', 6, (uint8_t)dict}, WA_INTRO_SIZE);
}

static int append_be24(size_t len, struct bx_buf *out)
{
    uint8_t header[HEADER] = {(uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len};
    return bx_buf_append(out, header, sizeof header);
}

int wa_intro_append(enum wa_dict dict, struct bx_str routing, struct bx_buf *out)
{
    uint8_t intro[WA_INTRO_SIZE];
    int rc = BX_OK;
    if (routing.len > WA_ROUTING_MAX)
        return BX_E_TOO_BIG;
    if (routing.len &&
        ((rc = bx_buf_append(out, "ED\0\1", 4)) < 0 || (rc = append_be24(routing.len, out)) < 0 ||
         (rc = bx_buf_str(out, routing)) < 0))
        return rc;
    wa_intro(dict, intro);
    return bx_buf_append(out, intro, sizeof intro);
}

int wa_frame_append(struct bx_str payload, struct bx_buf *out)
{
    if (payload.len > WA_FRAME_MAX)
        return BX_E_TOO_BIG;
    int rc = bx_buf_reserve(out, HEADER + payload.len);
    if (rc < 0 || (rc = append_be24(payload.len, out)) < 0)
        return rc;
    return bx_buf_str(out, payload);
}
