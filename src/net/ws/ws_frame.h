/* WebSocket framing (RFC 6455 section 5), sans-I/O: headers, masks, close codes. */
#ifndef WS_FRAME_H
#define WS_FRAME_H

#include "base/str.h"

enum ws_opcode {
    WS_CONTINUATION = 0,
    WS_TEXT = 1,
    WS_BINARY = 2,
    WS_CLOSE = 8,
    WS_PING = 9,
    WS_PONG = 10,
};

enum {
    WS_HEAD_MAX = 14,     /* two bytes, 64-bit length, mask */
    WS_CONTROL_MAX = 125, /* payload of close, ping and pong */
    WS_CONTROL_FRAME_MAX = 2 + 4 + WS_CONTROL_MAX,
};

struct ws_head {
    uint64_t len;
    uint8_t opcode;
    uint8_t size; /* of the header itself */
    bool is_fin, is_compressed, is_masked;
    uint8_t mask[4];
};

static inline bool ws_is_control(uint8_t opcode)
{
    return opcode >= WS_CLOSE;
}

enum ws_head_flags {
    WS_HEAD_MASKED = 1,  /* the peer is a client: frames must be masked; else they must not be */
    WS_HEAD_DEFLATE = 2, /* permessage-deflate was negotiated: RSV1 may be set on a first frame */
};

/* Parses a header from the front of [ptr, len). Returns its size, 0 when more bytes are needed,
 * BX_E_INVALID as soon as the bytes break a rule (answer 1002): reserved bits or opcodes,
 * fragmented or long control frames, lengths not in their shortest form or with the top bit, wrong
 * masking. Whether a continuation is due is the caller's rule. */
int ws_head_parse(const uint8_t *ptr, size_t len, unsigned flags, struct ws_head *out);

/* Writes a header into out (WS_HEAD_MAX bytes); mask NULL: server role. Returns its size. */
size_t ws_head_encode(uint8_t *out, bool is_compressed, bool is_fin, uint8_t opcode, uint64_t len,
                      const uint8_t *mask);
/* Size such a header will have. */
size_t ws_head_size(uint64_t len, bool is_masked);

/* XORs [ptr, len) with the mask in place, as bytes offset.. of the payload. Applying it twice
 * changes nothing. */
void ws_mask(uint8_t *ptr, size_t len, const uint8_t mask[4], size_t offset);
/* The same into dst, which is src or does not overlap it. */
void ws_mask_copy(uint8_t *dst, const void *src, size_t len, const uint8_t mask[4], size_t offset);

/* A whole control frame into out (WS_CONTROL_FRAME_MAX bytes); payload is cut to WS_CONTROL_MAX.
 * Returns its size. */
size_t ws_control_encode(uint8_t *out, uint8_t opcode, struct bx_str payload, const uint8_t *mask);

/* May stand in a close frame (RFC 6455 section 7.4 and the IANA registry: 1012 to 1014 too). */
bool ws_close_code_is_valid(unsigned code);

#endif
