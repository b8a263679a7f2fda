#include "base/str.h"

#include "base/err.h"

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

bool bx_str_ieq(struct bx_str a, struct bx_str b)
{
    if (a.len != b.len)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        if (lower(a.ptr[i]) != lower(b.ptr[i]))
            return false;
    }
    return true;
}

bool bx_str_starts(struct bx_str s, struct bx_str prefix)
{
    return s.len >= prefix.len && (prefix.len == 0 || memcmp(s.ptr, prefix.ptr, prefix.len) == 0);
}

bool bx_str_ends(struct bx_str s, struct bx_str suffix)
{
    return s.len >= suffix.len &&
           (suffix.len == 0 || memcmp(s.ptr + s.len - suffix.len, suffix.ptr, suffix.len) == 0);
}

size_t bx_str_find(struct bx_str s, char c)
{
    const char *hit = s.len ? memchr(s.ptr, c, s.len) : NULL;
    return hit ? (size_t)(hit - s.ptr) : s.len;
}

struct bx_str bx_str_slice(struct bx_str s, size_t from, size_t to)
{
    if (to > s.len)
        to = s.len;
    if (from > to)
        from = to;
    return (struct bx_str){s.ptr + from, to - from};
}

struct bx_str bx_str_trim(struct bx_str s)
{
    while (s.len && (s.ptr[0] == ' ' || s.ptr[0] == '\t')) {
        s.ptr++;
        s.len--;
    }
    while (s.len && (s.ptr[s.len - 1] == ' ' || s.ptr[s.len - 1] == '\t'))
        s.len--;
    return s;
}

bool bx_str_split(struct bx_str *rest, char sep, struct bx_str *out_piece)
{
    if (!rest->ptr)
        return false;
    size_t at = bx_str_find(*rest, sep);
    *out_piece = bx_str_slice(*rest, 0, at);
    if (at == rest->len)
        *rest = (struct bx_str){NULL, 0};
    else
        *rest = bx_str_slice(*rest, at + 1, rest->len);
    return true;
}

int bx_str_u64(struct bx_str s, uint64_t max, uint64_t *out)
{
    uint64_t value = 0;
    if (s.len == 0)
        return BX_E_INVALID;
    for (size_t i = 0; i < s.len; i++) {
        unsigned digit = (unsigned char)s.ptr[i] - (unsigned)'0';
        if (digit > 9)
            return BX_E_INVALID;
        if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
            __builtin_add_overflow(value, (uint64_t)digit, &value) || value > max)
            return BX_E_TOO_BIG;
    }
    *out = value;
    return BX_OK;
}

int bx_str_i64(struct bx_str s, int64_t *out)
{
    bool is_negative = s.len && s.ptr[0] == '-';
    uint64_t value;
    int rc = bx_str_u64(bx_str_slice(s, is_negative, s.len), (uint64_t)INT64_MAX, &value);
    if (rc < 0)
        return rc;
    *out = is_negative ? -(int64_t)value : (int64_t)value;
    return BX_OK;
}

int bx_str_copy(struct bx_str s, char *buf, size_t buf_size)
{
    if (s.len >= buf_size)
        return BX_E_TOO_BIG;
    if (s.len)
        memcpy(buf, s.ptr, s.len);
    buf[s.len] = '\0';
    return BX_OK;
}

void bx_hex_encode(const void *bytes, size_t len, char *out)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *in = bytes;
    for (size_t i = 0; i < len; i++) {
        out[2 * i] = digits[in[i] >> 4];
        out[2 * i + 1] = digits[in[i] & 15];
    }
    out[2 * len] = '\0';
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = lower(c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int bx_hex_decode(struct bx_str s, uint8_t *out, size_t out_len)
{
    if (s.len != 2 * out_len)
        return BX_E_INVALID;
    for (size_t i = 0; i < s.len; i++) {
        if (hex_value(s.ptr[i]) < 0)
            return BX_E_INVALID;
    }
    for (size_t i = 0; i < out_len; i++)
        out[i] = (uint8_t)(hex_value(s.ptr[2 * i]) << 4 | hex_value(s.ptr[2 * i + 1]));
    return BX_OK;
}
