/* Files as RFC 9110 has them: conditional requests (13) and one range (14). */
#include "net/http/http_internal.h"

#include "base/err.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

bool http_etag_matches(struct bx_str header, struct bx_str etag)
{
    struct bx_str one;
    while (header.ptr && bx_str_split(&header, ',', &one)) {
        one = bx_str_trim(one);
        if (bx_str_starts(one, BX_STR("W/")))
            one = bx_str_slice(one, 2, one.len);
        if (bx_str_eq(one, etag) || bx_str_is(one, "*"))
            return true;
    }
    return false;
}

/* Digits only; values beyond 2^63 count as "very far". False: empty, or something else. */
static bool position_parse(struct bx_str s, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        *out = *out > INT64_MAX / 10 ? INT64_MAX : *out * 10 + (uint64_t)(s.ptr[i] - '0');
    }
    return s.len > 0;
}

int http_range_parse(struct bx_str header, uint64_t size, uint64_t *out_first, uint64_t *out_length)
{
    struct bx_str unit = BX_STR("bytes=");
    if (header.len < unit.len || !bx_str_ieq(bx_str_slice(header, 0, unit.len), unit))
        return BX_E_NOT_FOUND;
    struct bx_str range = bx_str_trim(bx_str_slice(header, unit.len, header.len));
    size_t dash = bx_str_find(range, '-');
    uint64_t first, last;
    if (dash == range.len || bx_str_find(range, ',') < range.len)
        return BX_E_NOT_FOUND;
    bool has_first = position_parse(bx_str_slice(range, 0, dash), &first);
    bool has_last = position_parse(bx_str_slice(range, dash + 1, range.len), &last);
    if ((dash > 0) != has_first || (dash + 1 < range.len) != has_last || (!has_first && !has_last))
        return BX_E_NOT_FOUND;
    if (!has_first) { /* the last so many bytes */
        if (last == 0 || size == 0)
            return BX_E_INVALID;
        first = last < size ? size - last : 0;
        last = size - 1;
    } else if (has_last && last < first) {
        return BX_E_NOT_FOUND;
    } else if (first >= size) {
        return BX_E_INVALID;
    } else if (!has_last || last >= size) {
        last = size - 1;
    }
    *out_first = first;
    *out_length = last - first + 1;
    return BX_OK;
}

/* The range that is to be answered; BX_E_NOT_FOUND: the whole file. */
static int wanted_range(const struct http_request *r, const struct http_file *f,
                        uint64_t *out_first, uint64_t *out_length)
{
    struct bx_str range = http_header_get(r, BX_STR("range"));
    struct bx_str condition = http_header_get(r, BX_STR("if-range"));
    if (!range.ptr || r->method != HTTP_GET)
        return BX_E_NOT_FOUND;
    if (condition.ptr && !bx_str_eq(bx_str_trim(condition), f->etag))
        return BX_E_NOT_FOUND;
    return http_range_parse(range, f->size, out_first, out_length);
}

static void add_content_range(struct http_exchange *x, const struct http_file *f, uint64_t first,
                              uint64_t length)
{
    char text[80];
    int n = length ? snprintf(text, sizeof text, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first,
                              first + length - 1, f->size)
                   : snprintf(text, sizeof text, "bytes */%" PRIu64, f->size);
    http_add_header(x, "Content-Range", bx_str_n(text, (size_t)n));
}

void http_serve_file(struct http_exchange *x, const struct http_file *f)
{
    const struct http_request *r = http_exchange_request(x);
    uint64_t first = 0, length = f->size;
    http_add_header(x, "ETag", f->etag);
    http_add_header(x, "Accept-Ranges", BX_STR("bytes"));
    if (http_etag_matches(http_header_get(r, BX_STR("if-none-match")), f->etag)) {
        close(f->fd);
        http_respond(x, 304, NULL, BX_STR(""));
        return;
    }
    int rc = wanted_range(r, f, &first, &length);
    if (rc == BX_E_INVALID) {
        close(f->fd);
        add_content_range(x, f, 0, 0);
        http_respond_error(x, 416, BX_STR("The range is outside of the file."));
        return;
    }
    if (rc == BX_OK)
        add_content_range(x, f, first, length);
    http_respond_file(x, rc == BX_OK ? 206 : 200, f->content_type, f->fd, first, length);
}
