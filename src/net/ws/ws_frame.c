#include "net/ws/ws_frame.h"

#include "base/err.h"

enum { FIN = 0x80, RSV1 = 0x40, RSV23 = 0x30, MASKED = 0x80 };

/* 16 bytes at a time; the compiler makes SSE2, NEON or plain words of it. */
typedef uint8_t vec16 __attribute__((vector_size(16)));

static bool is_first_byte_valid(uint8_t b, unsigned flags)
{
    uint8_t opcode = b & 15;
    bool is_data = opcode <= WS_BINARY;
    if ((b & RSV23) || !(is_data || (opcode >= WS_CLOSE && opcode <= WS_PONG)))
        return false;
    if ((b & RSV1) && !((flags & WS_HEAD_DEFLATE) && (opcode == WS_TEXT || opcode == WS_BINARY)))
        return false;
    return is_data || (b & FIN);
}

static bool is_second_byte_valid(uint8_t b, uint8_t opcode, unsigned flags)
{
    if (!(b & MASKED) != !(flags & WS_HEAD_MASKED))
        return false;
    return !ws_is_control(opcode) || (b & 127) <= WS_CONTROL_MAX;
}

static uint64_t big_endian(const uint8_t *p, size_t count)
{
    uint64_t value = 0;
    for (size_t i = 0; i < count; i++)
        value = value << 8 | p[i];
    return value;
}

int ws_head_parse(const uint8_t *p, size_t n, unsigned flags, struct ws_head *out)
{
    if (n >= 1 && !is_first_byte_valid(p[0], flags))
        return BX_E_INVALID;
    if (n < 2)
        return 0;
    if (!is_second_byte_valid(p[1], p[0] & 15, flags))
        return BX_E_INVALID;
    uint64_t len = p[1] & 127;
    size_t len_bytes = len == 126 ? 2 : len == 127 ? 8 : 0;
    size_t mask_at = 2 + len_bytes, size = mask_at + (p[1] & MASKED ? 4 : 0);
    if (n < mask_at)
        return len == 127 && n > 2 && (p[2] & 0x80) ? BX_E_INVALID : 0;
    if (len_bytes) {
        len = big_endian(p + 2, len_bytes);
        if (len <= (len_bytes == 2 ? 125u : 65535u) || len >> 63)
            return BX_E_INVALID;
    }
    if (n < size)
        return 0;
    *out = (struct ws_head){.len = len,
                            .opcode = p[0] & 15,
                            .size = (uint8_t)size,
                            .is_fin = p[0] & FIN,
                            .is_compressed = p[0] & RSV1,
                            .is_masked = p[1] & MASKED};
    if (out->is_masked)
        memcpy(out->mask, p + mask_at, 4);
    return (int)size;
}

size_t ws_head_size(uint64_t len, bool is_masked)
{
    return 2u + (len > 65535 ? 8u : len > 125 ? 2u : 0u) + (is_masked ? 4u : 0u);
}

size_t ws_head_encode(uint8_t *out, bool is_compressed, bool is_fin, uint8_t opcode, uint64_t len,
                      const uint8_t *mask)
{
    size_t len_bytes = len > 65535 ? 8 : len > 125 ? 2 : 0;
    out[0] = (uint8_t)((is_fin ? FIN : 0) | (is_compressed ? RSV1 : 0) | opcode);
    out[1] = (uint8_t)((mask ? MASKED : 0) | (len_bytes == 8 ? 127 : len_bytes ? 126 : len));
    for (size_t i = 0; i < len_bytes; i++)
        out[2 + i] = (uint8_t)(len >> 8 * (len_bytes - 1 - i));
    if (mask)
        memcpy(out + 2 + len_bytes, mask, 4);
    return 2 + len_bytes + (mask ? 4 : 0);
}

void ws_mask_copy(uint8_t *dst, const void *src, size_t len, const uint8_t mask[4], size_t offset)
{
    const uint8_t *from = src;
    uint8_t pattern[16];
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = mask[(offset + i) & 3];
    vec16 key, block;
    memcpy(&key, pattern, sizeof key);
    size_t i = 0;
    for (; len - i >= sizeof block; i += sizeof block) {
        memcpy(&block, from + i, sizeof block);
        block ^= key;
        memcpy(dst + i, &block, sizeof block);
    }
    for (; i < len; i++)
        dst[i] = from[i] ^ pattern[i & 15];
}

void ws_mask(uint8_t *ptr, size_t len, const uint8_t mask[4], size_t offset)
{
    ws_mask_copy(ptr, ptr, len, mask, offset);
}

size_t ws_control_encode(uint8_t *out, uint8_t opcode, struct bx_str payload, const uint8_t *mask)
{
    size_t len = payload.len < WS_CONTROL_MAX ? payload.len : WS_CONTROL_MAX;
    size_t size = ws_head_encode(out, false, true, opcode, len, mask);
    if (mask)
        ws_mask_copy(out + size, payload.ptr, len, mask, 0);
    else if (len)
        memcpy(out + size, payload.ptr, len);
    return size + len;
}

bool ws_close_code_is_valid(unsigned code)
{
    bool is_reserved = code == 1004 || code == 1005 || code == 1006;
    return (code >= 1000 && code <= 1014 && !is_reserved) || (code >= 3000 && code <= 4999);
}
