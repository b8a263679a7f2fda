#include "blob/sigv4.h"

#include "base/mem.h"
#include "crypto/hash.h"

#include <ctype.h>
#include <stdlib.h>
#include <time.h>

enum { HEX_SIZE = 2 * CR_SHA256_SIZE + 1 };

void bl_amz_date(int64_t wall_ms, char out[BL_AMZ_DATE_SIZE])
{
    time_t s = (time_t)(wall_ms / 1000);
    struct tm tm;
    gmtime_r(&s, &tm);
    strftime(out, BL_AMZ_DATE_SIZE, "%Y%m%dT%H%M%SZ", &tm);
}

static bool is_unreserved(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_' || c == '~';
}

int bl_uri_encode(struct bx_buf *out, struct bx_str text, bool keeps_slash)
{
    int rc = BX_OK;
    for (size_t i = 0; i < text.len && rc >= 0; i++) {
        char c = text.ptr[i];
        if (is_unreserved(c) || (c == '/' && keeps_slash))
            rc = bx_buf_byte(out, (uint8_t)c);
        else
            rc = bx_buf_printf(out, "%%%02X", (uint8_t)c);
    }
    return rc;
}

/* --- sorted pairs --- */

struct encoded {
    struct bx_buf name, value;
};

static int compare_bytes(struct bx_str a, struct bx_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int order = n ? memcmp(a.ptr, b.ptr, n) : 0;
    return order ? order : (a.len > b.len) - (a.len < b.len);
}

static int compare_pairs(const void *a, const void *b)
{
    const struct encoded *x = a, *y = b;
    int order = compare_bytes(bx_buf_view(&x->name), bx_buf_view(&y->name));
    return order ? order : compare_bytes(bx_buf_view(&x->value), bx_buf_view(&y->value));
}

int bl_sigv4_query(struct bx_buf *out, const struct bl_pair *query, size_t count)
{
    struct encoded pairs[BL_SIGV4_PAIRS_MAX];
    int rc = BX_OK;
    if (count > BL_SIGV4_PAIRS_MAX)
        return BX_E_TOO_BIG;
    for (size_t i = 0; i < count; i++) {
        bx_buf_init(&pairs[i].name, 0);
        bx_buf_init(&pairs[i].value, 0);
        if (rc >= 0 && (rc = bl_uri_encode(&pairs[i].name, query[i].name, false)) >= 0)
            rc = bl_uri_encode(&pairs[i].value, query[i].value, false);
    }
    qsort(pairs, count, sizeof pairs[0], compare_pairs);
    for (size_t i = 0; i < count; i++) {
        if (rc >= 0)
            rc = bx_buf_printf(out, "%s" BX_STR_FMT "=" BX_STR_FMT, i ? "&" : "",
                               BX_STR_ARG(bx_buf_view(&pairs[i].name)),
                               BX_STR_ARG(bx_buf_view(&pairs[i].value)));
        bx_buf_done(&pairs[i].name);
        bx_buf_done(&pairs[i].value);
    }
    return rc;
}

static int compare_headers(const void *a, const void *b)
{
    const struct bl_pair *x = a, *y = b;
    char left[128], right[128];
    for (size_t i = 0; i < sizeof left; i++) {
        left[i] = i < x->name.len ? (char)tolower((unsigned char)x->name.ptr[i]) : 0;
        right[i] = i < y->name.len ? (char)tolower((unsigned char)y->name.ptr[i]) : 0;
    }
    return memcmp(left, right, sizeof left);
}

static int put_lower(struct bx_buf *out, struct bx_str name)
{
    int rc = BX_OK;
    for (size_t i = 0; i < name.len && rc >= 0; i++)
        rc = bx_buf_byte(out, (uint8_t)tolower((unsigned char)name.ptr[i]));
    return rc;
}

/* Without blanks around it, and with one where there were several. */
static int put_value(struct bx_buf *out, struct bx_str value)
{
    int rc = BX_OK;
    value = bx_str_trim(value);
    for (size_t i = 0; i < value.len && rc >= 0; i++) {
        if (value.ptr[i] != ' ' || value.ptr[i - 1] != ' ')
            rc = bx_buf_byte(out, (uint8_t)value.ptr[i]);
    }
    return rc;
}

/* "host:x\nx-amz-date:y\n" and "host;x-amz-date"; the values of one name are joined. */
static int put_headers(struct bx_buf *canonical, struct bx_buf *names,
                       const struct bl_sigv4_request *r)
{
    struct bl_pair sorted[BL_SIGV4_PAIRS_MAX];
    int rc = BX_OK;
    if (r->header_count > BL_SIGV4_PAIRS_MAX)
        return BX_E_TOO_BIG;
    for (size_t i = 0; i < r->header_count; i++) { /* few, and equal names keep their order */
        size_t at = i;
        for (; at && compare_headers(&sorted[at - 1], &r->headers[i]) > 0; at--)
            sorted[at] = sorted[at - 1];
        sorted[at] = r->headers[i];
    }
    for (size_t i = 0; i < r->header_count && rc >= 0; i++) {
        bool is_same = i && bx_str_ieq(sorted[i - 1].name, sorted[i].name);
        bool is_last = i + 1 == r->header_count || !bx_str_ieq(sorted[i + 1].name, sorted[i].name);
        if (!is_same) {
            if ((i && (rc = bx_buf_byte(names, ';')) < 0) ||
                (rc = put_lower(names, sorted[i].name)) < 0 ||
                (rc = put_lower(canonical, sorted[i].name)) < 0)
                break;
        }
        if ((rc = bx_buf_byte(canonical, is_same ? ',' : ':')) >= 0 &&
            (rc = put_value(canonical, sorted[i].value)) >= 0 && is_last)
            rc = bx_buf_byte(canonical, '\n');
    }
    return rc;
}

/* --- signing --- */

static int put_canonical(struct bx_buf *out, struct bx_buf *names, const struct bl_sigv4_request *r)
{
    int rc = bx_buf_printf(out, BX_STR_FMT "\n", BX_STR_ARG(r->method));
    if (rc < 0 || (rc = bl_uri_encode(out, r->path, true)) < 0 ||
        (rc = bx_buf_byte(out, '\n')) < 0 ||
        (rc = bl_sigv4_query(out, r->query, r->query_count)) < 0 ||
        (rc = bx_buf_byte(out, '\n')) < 0 || (rc = put_headers(out, names, r)) < 0)
        return rc;
    return bx_buf_printf(out, "\n" BX_STR_FMT "\n" BX_STR_FMT, BX_STR_ARG(bx_buf_view(names)),
                         BX_STR_ARG(r->payload_hash));
}

static void signing_key(const struct bl_sigv4_keys *keys, struct bx_str day,
                        uint8_t out[CR_SHA256_SIZE])
{
    struct bx_buf secret;
    struct bx_str steps[] = {day, keys->region, keys->service, BX_STR("aws4_request")};
    bx_buf_init(&secret, 0);
    bx_buf_lit(&secret, "AWS4");
    bx_buf_str(&secret, keys->secret_key);
    struct bx_str key = bx_buf_view(&secret);
    for (size_t i = 0; i < BX_LEN(steps); i++) {
        uint8_t next[CR_SHA256_SIZE];
        cr_hmac_sha256(key, steps[i], next);
        memcpy(out, next, sizeof next);
        key = bx_str_n(out, CR_SHA256_SIZE);
    }
    cr_wipe(secret.data, secret.len);
    bx_buf_done(&secret);
}

int bl_sigv4_sign(struct bx_buf *out, const struct bl_sigv4_keys *keys,
                  const struct bl_sigv4_request *r, const char *amz_date)
{
    struct bx_buf canonical, names, to_sign;
    uint8_t digest[CR_SHA256_SIZE], key[CR_SHA256_SIZE];
    char hash[HEX_SIZE], signature[HEX_SIZE];
    struct bx_str day = bx_str_n(amz_date, 8);
    bx_buf_init(&canonical, 0);
    bx_buf_init(&names, 0);
    bx_buf_init(&to_sign, 0);
    int rc = put_canonical(&canonical, &names, r);
    if (rc < 0)
        goto out;
    cr_sha256(bx_buf_view(&canonical), digest);
    bx_hex_encode(digest, sizeof digest, hash);
    rc = bx_buf_printf(
        &to_sign,
        "AWS4-HMAC-SHA256\n%s\n" BX_STR_FMT "/" BX_STR_FMT "/" BX_STR_FMT "/aws4_request\n%s",
        amz_date, BX_STR_ARG(day), BX_STR_ARG(keys->region), BX_STR_ARG(keys->service), hash);
    if (rc < 0)
        goto out;
    signing_key(keys, day, key);
    cr_hmac_sha256(bx_str_n(key, sizeof key), bx_buf_view(&to_sign), digest);
    cr_wipe(key, sizeof key);
    bx_hex_encode(digest, sizeof digest, signature);
    rc = bx_buf_printf(out,
                       "AWS4-HMAC-SHA256 Credential=" BX_STR_FMT "/" BX_STR_FMT "/" BX_STR_FMT
                       "/" BX_STR_FMT "/aws4_request, SignedHeaders=" BX_STR_FMT ", Signature=%s",
                       BX_STR_ARG(keys->access_key), BX_STR_ARG(day), BX_STR_ARG(keys->region),
                       BX_STR_ARG(keys->service), BX_STR_ARG(bx_buf_view(&names)), signature);
out:
    bx_buf_done(&canonical);
    bx_buf_done(&names);
    bx_buf_done(&to_sign);
    return rc;
}
