/* Helpers on requests: headers, queries, escapes, cookies, forms, Accept-Encoding, reason phrases.
 */
#include "net/http/http_server.h"

#include "base/err.h"
#include "base/mem.h"

struct bx_str http_header_get(const struct http_request *r, struct bx_str name)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (r->headers[i].name.len == name.len && bx_str_ieq(r->headers[i].name, name))
            return r->headers[i].value;
    return (struct bx_str){0};
}

bool http_query_get(struct bx_str query, struct bx_str name, struct bx_str *out_raw)
{
    struct bx_str pair;
    while (bx_str_split(&query, '&', &pair)) {
        size_t eq = bx_str_find(pair, '=');
        if (!bx_str_eq(bx_str_slice(pair, 0, eq), name))
            continue;
        *out_raw = bx_str_slice(pair, eq + 1, pair.len);
        return true;
    }
    return false;
}

int http_url_decode(struct bx_arena *arena, struct bx_str raw, bool is_form, struct bx_str *out)
{
    size_t n = 0;
    if (memchr(raw.len ? raw.ptr : "", '\0', raw.len))
        return BX_E_INVALID;
    if (bx_str_find(raw, '%') == raw.len && (!is_form || bx_str_find(raw, '+') == raw.len)) {
        *out = raw;
        return BX_OK;
    }
    char *text = bx_arena_try_strndup(arena, raw.ptr, raw.len);
    if (!text)
        return BX_E_TOO_BIG;
    for (size_t i = 0; i < raw.len; i++) {
        uint8_t c = (uint8_t)raw.ptr[i];
        if (c == '%') {
            if (raw.len - i < 3 || bx_hex_decode(bx_str_slice(raw, i + 1, i + 3), &c, 1) < 0 || !c)
                return BX_E_INVALID;
            i += 2;
        } else if (c == '+' && is_form) {
            c = ' ';
        }
        text[n++] = (char)c;
    }
    text[n] = '\0';
    *out = bx_str_n(text, n);
    return BX_OK;
}

int http_form_get(struct bx_arena *arena, struct bx_str form, struct bx_str name,
                  struct bx_str *out)
{
    struct bx_str pair, key;
    while (bx_str_split(&form, '&', &pair)) {
        size_t eq = bx_str_find(pair, '=');
        int rc = http_url_decode(arena, bx_str_slice(pair, 0, eq), true, &key);
        if (rc < 0)
            return rc;
        if (bx_str_eq(key, name))
            return http_url_decode(arena, bx_str_slice(pair, eq + 1, pair.len), true, out);
    }
    return BX_E_NOT_FOUND;
}

static bool cookie_in(struct bx_str line, struct bx_str name, struct bx_str *out_value)
{
    struct bx_str pair;
    while (bx_str_split(&line, ';', &pair)) {
        size_t eq = bx_str_find(pair, '=');
        if (eq == pair.len || !bx_str_eq(bx_str_trim(bx_str_slice(pair, 0, eq)), name))
            continue;
        struct bx_str value = bx_str_trim(bx_str_slice(pair, eq + 1, pair.len));
        if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
            value = bx_str_slice(value, 1, value.len - 1);
        *out_value = value;
        return true;
    }
    return false;
}

bool http_cookie_get(const struct http_request *r, struct bx_str name, struct bx_str *out_value)
{
    for (size_t i = 0; i < r->header_count; i++)
        if (bx_str_ieq(r->headers[i].name, BX_STR("cookie")) &&
            cookie_in(r->headers[i].value, name, out_value))
            return true;
    return false;
}

/* "q=0", "q=0.0", ... refuse; anything else, no q included, accepts. */
static bool has_weight(struct bx_str params)
{
    struct bx_str param;
    while (bx_str_split(&params, ';', &param)) {
        param = bx_str_trim(param);
        if (param.len < 3 || (param.ptr[0] | 0x20) != 'q' || param.ptr[1] != '=')
            continue;
        for (size_t i = 2; i < param.len; i++)
            if (param.ptr[i] != '0' && param.ptr[i] != '.')
                return true;
        return false;
    }
    return true;
}

bool http_accepts_gzip(const struct http_request *r)
{
    struct bx_str line = http_header_get(r, BX_STR("accept-encoding")), item;
    bool star = false;
    while (bx_str_split(&line, ',', &item)) {
        size_t semi = bx_str_find(item, ';');
        struct bx_str coding = bx_str_trim(bx_str_slice(item, 0, semi));
        bool is_wanted = has_weight(bx_str_slice(item, semi + 1, item.len));
        if (bx_str_ieq(coding, BX_STR("gzip")) || bx_str_ieq(coding, BX_STR("x-gzip")))
            return is_wanted;
        if (bx_str_is(coding, "*"))
            star = is_wanted;
    }
    return star;
}

static const struct {
    int status;
    const char *reason;
} reasons[] = {
    {100, "Continue"},
    {101, "Switching Protocols"},
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {206, "Partial Content"},
    {301, "Moved Permanently"},
    {302, "Found"},
    {303, "See Other"},
    {304, "Not Modified"},
    {307, "Temporary Redirect"},
    {308, "Permanent Redirect"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {406, "Not Acceptable"},
    {408, "Request Timeout"},
    {409, "Conflict"},
    {410, "Gone"},
    {411, "Length Required"},
    {412, "Precondition Failed"},
    {413, "Payload Too Large"},
    {414, "URI Too Long"},
    {415, "Unsupported Media Type"},
    {416, "Range Not Satisfiable"},
    {417, "Expectation Failed"},
    {422, "Unprocessable Entity"},
    {425, "Too Early"},
    {426, "Upgrade Required"},
    {428, "Precondition Required"},
    {429, "Too Many Requests"},
    {431, "Request Header Fields Too Large"},
    {500, "Internal Server Error"},
    {501, "Not Implemented"},
    {502, "Bad Gateway"},
    {503, "Service Unavailable"},
    {504, "Gateway Timeout"},
    {505, "HTTP Version Not Supported"},
};

const char *http_reason(int status)
{
    for (size_t i = 0; i < BX_LEN(reasons); i++)
        if (reasons[i].status == status)
            return reasons[i].reason;
    return "Unknown";
}
