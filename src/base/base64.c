#include "base/base64.h"

#include "base/err.h"

static const char digits_std[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char digits_url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

size_t bx_base64_encode(enum bx_base64_alphabet alphabet, const void *ptr, size_t len, char *out)
{
    bool is_url = alphabet == BX_BASE64_URL || alphabet == BX_BASE64_URL_NOPAD;
    bool has_pad = alphabet == BX_BASE64_URL || alphabet == BX_BASE64_STD;
    const char *digits = is_url ? digits_url : digits_std;
    const uint8_t *in = ptr;
    char *at = out;
    size_t i = 0;
    for (; i + 3 <= len; i += 3) {
        uint32_t v = (uint32_t)in[i] << 16 | (uint32_t)in[i + 1] << 8 | in[i + 2];
        *at++ = digits[v >> 18];
        *at++ = digits[v >> 12 & 63];
        *at++ = digits[v >> 6 & 63];
        *at++ = digits[v & 63];
    }
    size_t left = len - i;
    if (left) {
        uint32_t v = (uint32_t)in[i] << 16 | (left == 2 ? (uint32_t)in[i + 1] << 8 : 0);
        *at++ = digits[v >> 18];
        *at++ = digits[v >> 12 & 63];
        if (left == 2)
            *at++ = digits[v >> 6 & 63];
        for (size_t pad = left; has_pad && pad < 3; pad++)
            *at++ = '=';
    }
    *at = '\0';
    return (size_t)(at - out);
}

/* 0..63, or 64 for anything else */
static uint8_t digit_value(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (uint8_t)(c - 'A');
    if (c >= 'a' && c <= 'z')
        return (uint8_t)(c - 'a' + 26);
    if (c >= '0' && c <= '9')
        return (uint8_t)(c - '0' + 52);
    if (c == '+' || c == '-')
        return 62;
    if (c == '/' || c == '_')
        return 63;
    return 64;
}

int bx_base64_decode(struct bx_str s, uint8_t *out, size_t *out_len)
{
    size_t n = s.len, pads = 0;
    while (n && pads < 2 && s.ptr[n - 1] == '=') {
        n--;
        pads++;
    }
    if (n % 4 == 1 || (pads && (n + pads) % 4 != 0))
        return BX_E_INVALID;
    uint32_t bits = 0;
    unsigned have = 0;
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        uint8_t v = digit_value(s.ptr[i]);
        if (v == 64)
            return BX_E_INVALID;
        bits = bits << 6 | v;
        have += 6;
        if (have >= 8) {
            have -= 8;
            out[len++] = (uint8_t)(bits >> have);
        }
    }
    *out_len = len;
    return BX_OK;
}
