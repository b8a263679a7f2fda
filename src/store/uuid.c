/* Synthetic-IV style: tag = PRF(kind, id) cut to 58 bits, body = id ^ PRF'(kind, tag). Opening
 * recomputes the tag. 58 + 64 bits are exactly what version and variant leave of a UUID. The PRF is
 * SipHash-2-4, the place of each bit: 48 tag bits, version 8, 10 tag bits and 2 body bits around
 * the variant, 62 body bits.
 */
#include "store/uuid.h"

static inline uint64_t rotl(uint64_t x, int b)
{
    return x << b | x >> (64 - b);
}

static void sip_rounds(uint64_t v[4], int count)
{
    while (count-- > 0) {
        v[0] += v[1];
        v[1] = rotl(v[1], 13) ^ v[0];
        v[0] = rotl(v[0], 32);
        v[2] += v[3];
        v[3] = rotl(v[3], 16) ^ v[2];
        v[0] += v[3];
        v[3] = rotl(v[3], 21) ^ v[0];
        v[2] += v[1];
        v[1] = rotl(v[1], 17) ^ v[2];
        v[2] = rotl(v[2], 32);
    }
}

/* SipHash-2-4 of two 64-bit words. */
static uint64_t prf(const uint64_t key[2], uint64_t a, uint64_t b)
{
    uint64_t v[4] = {key[0] ^ 0x736f6d6570736575u, key[1] ^ 0x646f72616e646f6du,
                     key[0] ^ 0x6c7967656e657261u, key[1] ^ 0x7465646279746573u};
    const uint64_t words[3] = {a, b, (uint64_t)16 << 56};
    for (size_t i = 0; i < 3; i++) {
        v[3] ^= words[i];
        sip_rounds(v, 2);
        v[0] ^= words[i];
    }
    v[2] ^= 0xff;
    sip_rounds(v, 4);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

enum { TAG_BITS = 58 };

static uint64_t tag_of(const struct st_uuid_key *key, unsigned kind, uint64_t id)
{
    return prf(key->tag, kind, id) >> (64 - TAG_BITS);
}

static void put_hex(char *out, uint64_t bits, int digits)
{
    static const char hex[] = "0123456789abcdef";
    for (int i = digits - 1; i >= 0; i--, bits >>= 4)
        out[i] = hex[bits & 15];
}

void st_uuid_seal(const struct st_uuid_key *key, unsigned kind, int64_t id, char out[ST_UUID_SIZE])
{
    uint64_t tag = tag_of(key, kind, (uint64_t)id);
    uint64_t body = (uint64_t)id ^ prf(key->mask, kind, tag);
    put_hex(out, tag >> 26, 8);
    out[8] = '-';
    put_hex(out + 9, tag >> 10 & 0xffff, 4);
    out[13] = '-';
    put_hex(out + 14, 0x8000u | (tag & 0x3ff) << 2 | body >> 62, 4);
    out[18] = '-';
    put_hex(out + 19, 0x8000u | (body >> 48 & 0x3fff), 4);
    out[23] = '-';
    put_hex(out + 24, body & 0xffffffffffffu, 12);
    out[36] = 0;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The 128 bits of the text form. */
static int parse_bits(struct bx_str text, uint64_t *hi, uint64_t *lo)
{
    if (text.len != ST_UUID_SIZE - 1)
        return BX_E_NOT_FOUND;
    uint64_t bits[2] = {0, 0};
    int digits = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool is_dash = i == 8 || i == 13 || i == 18 || i == 23;
        int value = hex_value(text.ptr[i]);
        if (is_dash ? text.ptr[i] != '-' : value < 0)
            return BX_E_NOT_FOUND;
        if (!is_dash) {
            bits[digits / 16] = bits[digits / 16] << 4 | (uint64_t)value;
            digits++;
        }
    }
    *hi = bits[0];
    *lo = bits[1];
    return BX_OK;
}

int st_uuid_open(const struct st_uuid_key *key, unsigned kind, struct bx_str text, int64_t *out_id)
{
    uint64_t hi, lo;
    if (parse_bits(text, &hi, &lo) != BX_OK)
        return BX_E_NOT_FOUND;
    if ((hi >> 12 & 15) != 8 || lo >> 62 != 2)
        return BX_E_NOT_FOUND;
    uint64_t tag = hi >> 16 << 10 | (hi >> 2 & 0x3ff);
    uint64_t body = (hi & 3) << 62 | (lo & 0x3fffffffffffffffu);
    uint64_t id = body ^ prf(key->mask, kind, tag);
    if (tag_of(key, kind, id) != tag || id == 0 || id > INT64_MAX)
        return BX_E_NOT_FOUND;
    *out_id = (int64_t)id;
    return BX_OK;
}
