#include "base/json_scan.h"

#include "base/err.h"
#include "base/utf8.h"

struct scan {
    const char *at, *end;
    unsigned depth_left;
};

static int fail(const struct scan *s)
{
    return s->at >= s->end ? BX_E_TRUNCATED : BX_E_INVALID;
}

static void skip_space(struct scan *s)
{
    while (s->at < s->end && (*s->at == ' ' || *s->at == '\n' || *s->at == '\r' || *s->at == '\t'))
        s->at++;
}

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

static int scan_escape(struct scan *s)
{
    s->at++; /* the backslash */
    if (s->at >= s->end)
        return BX_E_TRUNCATED;
    char c = *s->at;
    if (c == 'u') {
        s->at++;
        for (int i = 0; i < 4; i++, s->at++) {
            if (s->at >= s->end || !is_hex(*s->at))
                return fail(s);
        }
        return BX_OK;
    }
    if (!memchr("\"\\/bfnrt", c, 8))
        return BX_E_INVALID;
    s->at++;
    return BX_OK;
}

/* Eight bytes at a time: non-zero when one of them is a quote, a backslash or below space. */
static inline uint64_t special_bytes(uint64_t w)
{
    const uint64_t ones = 0x0101010101010101u, high = 0x8080808080808080u;
    uint64_t quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');
    uint64_t below = (w - ones * 0x20) & ~w;
    return (((quote - ones) & ~quote) | ((slash - ones) & ~slash) | below) & high;
}

static int scan_string(struct scan *s)
{
    if (s->at >= s->end || *s->at != '"')
        return fail(s);
    s->at++;
    for (;;) {
        uint64_t word;
        while (s->end - s->at >= 8) {
            memcpy(&word, s->at, 8);
            if (special_bytes(word))
                break;
            s->at += 8;
        }
        while (s->at < s->end && *s->at != '"' && *s->at != '\\' && (unsigned char)*s->at >= 0x20)
            s->at++;
        if (s->at >= s->end)
            return BX_E_TRUNCATED;
        if (*s->at == '"') {
            s->at++;
            return BX_OK;
        }
        if (*s->at != '\\')
            return BX_E_INVALID;
        int rc = scan_escape(s);
        if (rc < 0)
            return rc;
    }
}

static bool scan_digits(struct scan *s)
{
    const char *from = s->at;
    while (s->at < s->end && *s->at >= '0' && *s->at <= '9')
        s->at++;
    return s->at > from;
}

static int scan_number(struct scan *s)
{
    if (*s->at == '-')
        s->at++;
    if (s->at < s->end && *s->at == '0')
        s->at++;
    else if (!scan_digits(s))
        return fail(s);
    if (s->at < s->end && *s->at == '.') {
        s->at++;
        if (!scan_digits(s))
            return fail(s);
    }
    if (s->at < s->end && (*s->at == 'e' || *s->at == 'E')) {
        s->at++;
        if (s->at < s->end && (*s->at == '+' || *s->at == '-'))
            s->at++;
        if (!scan_digits(s))
            return fail(s);
    }
    return BX_OK;
}

static int scan_word(struct scan *s, const char *word, size_t len)
{
    for (size_t i = 0; i < len; i++, s->at++) {
        if (s->at >= s->end || *s->at != word[i])
            return fail(s);
    }
    return BX_OK;
}

static int scan_value(struct scan *s);

static int scan_key(struct scan *s)
{
    int rc = scan_string(s);
    if (rc < 0)
        return rc;
    skip_space(s);
    if (s->at >= s->end || *s->at != ':')
        return fail(s);
    s->at++;
    return BX_OK;
}

static int scan_container(struct scan *s, char close)
{
    if (s->depth_left == 0)
        return BX_E_TOO_DEEP;
    s->depth_left--;
    s->at++;
    skip_space(s);
    if (s->at < s->end && *s->at == close) {
        s->at++;
        s->depth_left++;
        return BX_OK;
    }
    for (;;) {
        int rc = BX_OK;
        if (close == '}') {
            skip_space(s);
            rc = scan_key(s);
        }
        if (rc == BX_OK)
            rc = scan_value(s);
        if (rc < 0)
            return rc;
        skip_space(s);
        if (s->at >= s->end)
            return BX_E_TRUNCATED;
        char c = *s->at;
        if (c != ',' && c != close)
            return BX_E_INVALID;
        s->at++;
        if (c == close) {
            s->depth_left++;
            return BX_OK;
        }
    }
}

static int scan_value(struct scan *s)
{
    skip_space(s);
    if (s->at >= s->end)
        return BX_E_TRUNCATED;
    switch (*s->at) {
    case '"':
        return scan_string(s);
    case '[':
        return scan_container(s, ']');
    case '{':
        return scan_container(s, '}');
    case 't':
        return scan_word(s, "true", 4);
    case 'f':
        return scan_word(s, "false", 5);
    case 'n':
        return scan_word(s, "null", 4);
    default:
        return *s->at == '-' || (*s->at >= '0' && *s->at <= '9') ? scan_number(s) : BX_E_INVALID;
    }
}

int bx_json_scan(struct bx_str *rest, unsigned max_depth, struct bx_str *out_value)
{
    struct scan s = {rest->ptr, rest->ptr + rest->len, max_depth};
    skip_space(&s);
    const char *from = s.at;
    int rc = scan_value(&s);
    if (rc < 0)
        return rc;
    *out_value = bx_str_n(from, (size_t)(s.at - from));
    *rest = bx_str_n(s.at, (size_t)(s.end - s.at));
    return BX_OK;
}

int bx_json_check(struct bx_str text, unsigned max_depth, struct bx_str *out_value,
                  size_t *out_error_at)
{
    struct scan s = {text.ptr, text.ptr + text.len, max_depth};
    skip_space(&s);
    const char *from = s.at;
    int rc = scan_value(&s);
    const char *value_end = s.at;
    if (rc == BX_OK) {
        skip_space(&s);
        rc = s.at == s.end ? BX_OK : BX_E_INVALID;
    }
    if (rc < 0) {
        if (out_error_at)
            *out_error_at = (size_t)(s.at - text.ptr);
        return rc;
    }
    *out_value = bx_str_n(from, (size_t)(value_end - from));
    return BX_OK;
}

void bx_json_position(struct bx_str text, size_t offset, unsigned *out_line, unsigned *out_column)
{
    unsigned line = 1, column = 1;
    for (size_t i = 0; i < offset && i < text.len; i++) {
        column++;
        if (text.ptr[i] == '\n') {
            line++;
            column = 1;
        }
    }
    *out_line = line;
    *out_column = column;
}

enum bx_json_type bx_json_type(struct bx_str value)
{
    switch (value.len ? value.ptr[0] : 'n') {
    case '"':
        return BX_JSON_STRING;
    case '[':
        return BX_JSON_ARRAY;
    case '{':
        return BX_JSON_OBJECT;
    case 't':
    case 'f':
        return BX_JSON_BOOL;
    case 'n':
        return BX_JSON_NULL;
    default:
        return BX_JSON_NUMBER;
    }
}

struct bx_str bx_json_inside(struct bx_str value)
{
    return value.len >= 2 ? bx_str_n(value.ptr + 1, value.len - 2) : bx_str_n(value.ptr, 0);
}

static void skip_separators(struct bx_str *cursor)
{
    while (cursor->len && memchr(" \n\r\t,:", cursor->ptr[0], 6))
        *cursor = bx_str_slice(*cursor, 1, cursor->len);
}

bool bx_json_next(struct bx_str *cursor, struct bx_str *out_element)
{
    skip_separators(cursor);
    return cursor->len && bx_json_scan(cursor, BX_JSON_MAX_DEPTH * 16, out_element) == BX_OK;
}

bool bx_json_next_member(struct bx_str *cursor, struct bx_str *out_key, struct bx_str *out_value)
{
    struct bx_str key;
    if (!bx_json_next(cursor, &key))
        return false;
    *out_key = bx_json_inside(key);
    return bx_json_next(cursor, out_value);
}

static unsigned hex4(const char *p)
{
    unsigned v = 0;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        v = v << 4 | (unsigned)(c <= '9' ? c - '0' : (c | 32) - 'a' + 10);
    }
    return v;
}

/* Decodes one escape at *at (behind the backslash) into out; returns bytes written. */
static size_t unescape(const char **at, const char *end, char out[4])
{
    char c = *(*at)++;
    if (c != 'u') {
        static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
        const char *hit = strchr(from, c);
        out[0] = hit && c ? to[hit - from] : c;
        return 1;
    }
    unsigned cp = hex4(*at);
    *at += 4;
    if (cp >= 0xd800 && cp < 0xdc00 && end - *at >= 6 && (*at)[0] == '\\' && (*at)[1] == 'u') {
        unsigned low = hex4(*at + 2);
        if (low >= 0xdc00 && low < 0xe000) {
            *at += 6;
            return bx_utf8_encode(0x10000 + ((cp - 0xd800) << 10) + (low - 0xdc00), out);
        }
    }
    return bx_utf8_encode(cp >= 0xd800 && cp < 0xe000 ? 0xfffd : cp, out);
}

static size_t decode(struct bx_str raw, char *out)
{
    const char *at = raw.ptr, *end = raw.ptr + raw.len;
    size_t len = 0;
    while (at < end) {
        if (*at != '\\') {
            out[len++] = *at++;
            continue;
        }
        at++;
        char bytes[4];
        size_t n = unescape(&at, end, bytes);
        memcpy(out + len, bytes, n);
        len += n;
    }
    return len;
}

/* Escapes never grow when decoded, so a key longer than 6 times the wanted one cannot match. */
static bool key_is(struct bx_str raw, struct bx_str key)
{
    if (!memchr(raw.ptr, '\\', raw.len))
        return bx_str_eq(raw, key);
    char text[256];
    return raw.len <= sizeof text && bx_str_eq(bx_str_n(text, decode(raw, text)), key);
}

bool bx_json_get(struct bx_str object, struct bx_str key, struct bx_str *out_value)
{
    if (bx_json_type(object) != BX_JSON_OBJECT)
        return false;
    struct bx_str cursor = bx_json_inside(object), name, value;
    bool is_found = false;
    while (bx_json_next_member(&cursor, &name, &value)) {
        if (key_is(name, key)) {
            *out_value = value;
            is_found = true;
        }
    }
    return is_found;
}

int bx_json_string(struct bx_str value, struct bx_arena *arena, struct bx_str *out)
{
    if (bx_json_type(value) != BX_JSON_STRING)
        return BX_E_INVALID;
    struct bx_str raw = bx_json_inside(value);
    if (raw.len == 0 || !memchr(raw.ptr, '\\', raw.len)) {
        *out = raw;
        return BX_OK;
    }
    char *text = bx_arena_try_alloc(arena, raw.len + 1);
    if (!text)
        return BX_E_TOO_BIG;
    *out = bx_str_n(text, decode(raw, text));
    return BX_OK;
}

int bx_json_int(struct bx_str value, int64_t *out)
{
    const int64_t limit = (int64_t)1 << 53;
    int64_t number;
    if (bx_json_type(value) != BX_JSON_NUMBER || bx_str_i64(value, &number) < 0 || number > limit ||
        number < -limit)
        return BX_E_INVALID;
    *out = number;
    return BX_OK;
}
