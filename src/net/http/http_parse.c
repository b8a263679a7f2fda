#include "net/http/http_parse.h"

#include "base/mem.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { MAX_METHOD_BYTES = 32 };

static const struct http_refusal_info refusals[] = {
#define ROW(name, status, label, sentence) {status, label, sentence},
    HTTP_REFUSAL_TABLE(ROW)
#undef ROW
};

const struct http_refusal_info *http_refusal_info(enum http_refusal why)
{
    BX_ASSERT(why < HTTP_REFUSALS);
    return &refusals[why];
}

/* RFC 9110 section 5.6.2: tchar. */
__extension__ static const bool is_tchar[256] = {
    ['!'] = 1, ['#'] = 1, ['$'] = 1, ['%'] = 1,         ['&'] = 1,         ['\''] = 1,
    ['*'] = 1, ['+'] = 1, ['-'] = 1, ['.'] = 1,         ['^'] = 1,         ['_'] = 1,
    ['`'] = 1, ['|'] = 1, ['~'] = 1, ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1,
};

/* What may stand in Host (RFC 3986 reg-name, IP literal, port). */
__extension__ static const bool is_host_char[256] = {
    ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['-'] = 1, ['.'] = 1,  ['_'] = 1,
    ['~'] = 1,         ['!'] = 1,         ['$'] = 1,         ['&'] = 1, ['\''] = 1, ['('] = 1,
    [')'] = 1,         ['*'] = 1,         ['+'] = 1,         [';'] = 1, ['='] = 1,  ['%'] = 1,
    [':'] = 1,         ['['] = 1,         [']'] = 1,
};

bool http_is_token(struct bx_str s)
{
    for (size_t i = 0; i < s.len; i++)
        if (!is_tchar[(uint8_t)s.ptr[i]])
            return false;
    return s.len > 0;
}

struct scan {
    const char *p, *end;
    const struct http_parse_limits *limits;
    struct http_head *out;
    unsigned hosts, lengths, codings, expects;
    bool has_close, has_keep_alive, has_upgrade_token, has_upgrade, is_absolute;
    struct bx_str host, coding;
};

static int refuse(struct scan *s, enum http_refusal why)
{
    s->out->refusal = why;
    return BX_E_INVALID;
}

/* First byte that cannot be in a field value: a control character other than tab. */
static const char *value_end(const char *p, const char *end)
{
#ifdef __SSE2__
    const __m128i low = _mm_set1_epi8(0x1f), tab = _mm_set1_epi8('\t'), del = _mm_set1_epi8(0x7f);
    for (; end - p >= 16; p += 16) {
        __m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
        __m128i is_low = _mm_cmpeq_epi8(_mm_min_epu8(v, low), v);
        __m128i bad =
            _mm_or_si128(_mm_andnot_si128(_mm_cmpeq_epi8(v, tab), is_low), _mm_cmpeq_epi8(v, del));
        int mask = _mm_movemask_epi8(bad);
        if (mask)
            return p + __builtin_ctz((unsigned)mask);
    }
#endif
    while (p < end && ((uint8_t)*p >= 0x20 || *p == '\t') && *p != 0x7f)
        p++;
    return p;
}

/* CR LF at the scanning position. */
static int expect_crlf(struct scan *s)
{
    if (s->p == s->end)
        return BX_E_TRUNCATED;
    if (*s->p != '\r')
        return refuse(s, HTTP_REFUSAL_LINE_END);
    if (s->end - s->p < 2)
        return BX_E_TRUNCATED;
    if (s->p[1] != '\n')
        return refuse(s, HTTP_REFUSAL_LINE_END);
    s->p += 2;
    return BX_OK;
}

static const struct {
    struct bx_str name;
    enum http_method method;
} methods[] = {
    {{"GET", 3}, HTTP_GET},         {{"HEAD", 4}, HTTP_HEAD},   {{"POST", 4}, HTTP_POST},
    {{"PUT", 3}, HTTP_PUT},         {{"PATCH", 5}, HTTP_PATCH}, {{"DELETE", 6}, HTTP_DELETE},
    {{"OPTIONS", 7}, HTTP_OPTIONS},
};

static int scan_method(struct scan *s)
{
    const char *from = s->p;
    while (s->p < s->end && is_tchar[(uint8_t)*s->p])
        s->p++;
    if (s->p - from > MAX_METHOD_BYTES)
        return refuse(s, HTTP_REFUSAL_METHOD);
    if (s->p == s->end)
        return BX_E_TRUNCATED;
    if (s->p == from || *s->p != ' ')
        return refuse(s, HTTP_REFUSAL_METHOD);
    s->out->method_name = bx_str_n(from, (size_t)(s->p++ - from));
    s->out->method = HTTP_OTHER;
    for (size_t i = 0; i < BX_LEN(methods); i++)
        if (bx_str_eq(methods[i].name, s->out->method_name))
            s->out->method = methods[i].method;
    return BX_OK;
}

static bool is_host(struct bx_str host)
{
    for (size_t i = 0; i < host.len; i++)
        if (!is_host_char[(uint8_t)host.ptr[i]])
            return false;
    return true;
}

static size_t find_any(struct bx_str s, char a, char b)
{
    size_t at = 0;
    while (at < s.len && s.ptr[at] != a && s.ptr[at] != b)
        at++;
    return at;
}

/* absolute-form: scheme://authority/path?query of which the authority counts as Host. */
static int split_absolute(struct scan *s, struct bx_str rest, struct bx_str *out_path)
{
    size_t scheme = bx_str_ieq(bx_str_slice(rest, 0, 7), BX_STR("http://"))    ? 7
                    : bx_str_ieq(bx_str_slice(rest, 0, 8), BX_STR("https://")) ? 8
                                                                               : 0;
    if (!scheme)
        return refuse(s, HTTP_REFUSAL_TARGET);
    rest = bx_str_slice(rest, scheme, rest.len);
    size_t len = find_any(rest, '/', '?');
    s->out->authority = bx_str_slice(rest, 0, len);
    s->is_absolute = true;
    if (!len || !is_host(s->out->authority))
        return refuse(s, HTTP_REFUSAL_TARGET);
    *out_path = bx_str_slice(rest, len, rest.len);
    return BX_OK;
}

static int split_target(struct scan *s)
{
    struct bx_str path = s->out->target;
    if (!path.len)
        return refuse(s, HTTP_REFUSAL_TARGET);
    if (bx_str_is(path, "*")) {
        s->out->path = path;
        return s->out->method == HTTP_OPTIONS ? BX_OK : refuse(s, HTTP_REFUSAL_TARGET);
    }
    if (path.ptr[0] != '/') {
        int rc = split_absolute(s, path, &path);
        if (rc < 0)
            return rc;
    }
    size_t mark = bx_str_find(path, '?');
    s->out->path = bx_str_slice(path, 0, mark);
    s->out->query = mark < path.len ? bx_str_slice(path, mark + 1, path.len) : (struct bx_str){0};
    if (!s->out->path.len)
        s->out->path = BX_STR("/");
    return BX_OK;
}

/* Visible ASCII without '#': a fragment is never sent, and bytes above 126 must be
 * percent-encoded. */
static int scan_target(struct scan *s)
{
    const char *from = s->p;
    while (s->p<s->end && * s->p> ' ' && *s->p < 0x7f && *s->p != '#')
        s->p++;
    if ((size_t)(s->p - from) > s->limits->max_target_bytes)
        return refuse(s, HTTP_REFUSAL_TARGET_TOO_LONG);
    if (s->p == s->end)
        return BX_E_TRUNCATED;
    if (*s->p != ' ')
        return refuse(s, HTTP_REFUSAL_TARGET);
    s->out->target = bx_str_n(from, (size_t)(s->p++ - from));
    return split_target(s);
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int scan_version(struct scan *s)
{
    static const char want[] = "HTTP/";
    size_t have = (size_t)(s->end - s->p), fixed = sizeof want - 1;
    if (memcmp(s->p, want, have < fixed ? have : fixed) != 0)
        return refuse(s, HTTP_REFUSAL_VERSION);
    const char *v = s->p + fixed;
    if ((have > fixed && !is_digit(v[0])) || (have > fixed + 1 && v[1] != '.') ||
        (have > fixed + 2 && !is_digit(v[2])))
        return refuse(s, HTTP_REFUSAL_VERSION);
    if (have < fixed + 3)
        return BX_E_TRUNCATED;
    if (v[0] != '1' || v[2] > '1')
        return refuse(s, HTTP_REFUSAL_VERSION_UNSUPPORTED);
    s->out->is_http10 = v[2] == '0';
    s->p = v + 3;
    return expect_crlf(s);
}

/* --- the headers that decide about framing and the connection --- */

static int see_host(struct scan *s, struct bx_str value)
{
    s->host = value;
    return s->hosts++ || !is_host(value) ? refuse(s, HTTP_REFUSAL_HOST) : BX_OK;
}

static int see_content_length(struct scan *s, struct bx_str value)
{
    if (s->lengths++ || bx_str_u64(value, INT64_MAX, &s->out->content_length) < 0)
        return refuse(s, HTTP_REFUSAL_CONTENT_LENGTH);
    s->out->has_content_length = true;
    return BX_OK;
}

static int see_transfer_encoding(struct scan *s, struct bx_str value)
{
    s->coding = value;
    return s->codings++ ? refuse(s, HTTP_REFUSAL_CODING) : BX_OK;
}

static int see_connection(struct scan *s, struct bx_str value)
{
    struct bx_str option;
    while (bx_str_split(&value, ',', &option)) {
        option = bx_str_trim(option);
        s->has_close |= bx_str_ieq(option, BX_STR("close"));
        s->has_keep_alive |= bx_str_ieq(option, BX_STR("keep-alive"));
        s->has_upgrade_token |= bx_str_ieq(option, BX_STR("upgrade"));
    }
    return BX_OK;
}

static int see_upgrade(struct scan *s, struct bx_str value)
{
    s->has_upgrade |= value.len > 0;
    return BX_OK;
}

static int see_expect(struct scan *s, struct bx_str value)
{
    bool is_continue = !s->expects++ && bx_str_ieq(value, BX_STR("100-continue"));
    s->out->expect = is_continue ? HTTP_EXPECT_CONTINUE : HTTP_EXPECT_OTHER;
    return BX_OK;
}

static const struct {
    struct bx_str name;
    int (*see)(struct scan *s, struct bx_str value);
} watched[] = {
    {{"host", 4}, see_host},
    {{"connection", 10}, see_connection},
    {{"upgrade", 7}, see_upgrade},
    {{"content-length", 14}, see_content_length},
    {{"transfer-encoding", 17}, see_transfer_encoding},
    {{"expect", 6}, see_expect},
};

/* Lengths of watched names as bits: most headers are none of them. */
enum { WATCHED_LENGTHS = 1 << 4 | 1 << 6 | 1 << 7 | 1 << 10 | 1 << 14 | 1 << 17 };

static int see_header(struct scan *s, struct http_header h)
{
    if (h.name.len > 17 || !(WATCHED_LENGTHS >> h.name.len & 1))
        return BX_OK;
    for (size_t i = 0; i < BX_LEN(watched); i++)
        if (watched[i].name.len == h.name.len && bx_str_ieq(watched[i].name, h.name))
            return watched[i].see(s, h.value);
    return BX_OK;
}

static int scan_header(struct scan *s, struct http_header *out)
{
    const char *from = s->p;
    if (*from == ' ' || *from == '\t')
        return refuse(s, HTTP_REFUSAL_FOLDING);
    while (s->p < s->end && is_tchar[(uint8_t)*s->p])
        s->p++;
    if (s->p == s->end)
        return BX_E_TRUNCATED;
    if (s->p == from || *s->p != ':')
        return refuse(s, HTTP_REFUSAL_HEADER_NAME);
    out->name = bx_str_n(from, (size_t)(s->p++ - from));
    from = s->p;
    s->p = value_end(s->p, s->end);
    if (s->p == s->end)
        return BX_E_TRUNCATED;
    if (*s->p != '\r' && *s->p != '\n')
        return refuse(s, HTTP_REFUSAL_HEADER_VALUE);
    out->value = bx_str_trim(bx_str_n(from, (size_t)(s->p - from)));
    int rc = expect_crlf(s);
    return rc < 0 ? rc : see_header(s, *out);
}

static int scan_headers(struct scan *s, struct http_header *headers)
{
    const char *from = s->p;
    for (;;) {
        if (s->p == s->end)
            return BX_E_TRUNCATED;
        if (*s->p == '\r')
            break;
        if (s->out->header_count == s->limits->max_headers)
            return refuse(s, HTTP_REFUSAL_HEADER_COUNT);
        int rc = scan_header(s, &headers[s->out->header_count]);
        if (rc < 0)
            return rc;
        s->out->header_count++;
    }
    s->out->raw_head = bx_str_n(from, (size_t)(s->p - from));
    return expect_crlf(s);
}

/* RFC 9112 section 6.1: chunked must be the last coding and stand once; others are not known here.
 */
static int judge_coding(struct scan *s)
{
    struct bx_str rest = s->coding, coding, last = {0};
    unsigned count = 0, chunked = 0;
    if (s->lengths || s->out->is_http10)
        return refuse(s, HTTP_REFUSAL_FRAMING);
    while (bx_str_split(&rest, ',', &coding)) {
        last = bx_str_trim(coding);
        if (!http_is_token(last))
            return refuse(s, HTTP_REFUSAL_CODING);
        count++;
        chunked += bx_str_ieq(last, BX_STR("chunked"));
    }
    if (chunked != 1 || !bx_str_ieq(last, BX_STR("chunked")))
        return refuse(s, HTTP_REFUSAL_CODING);
    if (count > 1)
        return refuse(s, HTTP_REFUSAL_CODING_UNSUPPORTED);
    s->out->is_chunked = true;
    return BX_OK;
}

static int judge(struct scan *s)
{
    struct http_head *h = s->out;
    if (s->codings) {
        int rc = judge_coding(s);
        if (rc < 0)
            return rc;
    }
    if (!s->hosts && !h->is_http10)
        return refuse(s, HTTP_REFUSAL_HOST);
    if (s->is_absolute && s->hosts && !bx_str_ieq(s->host, h->authority))
        return refuse(s, HTTP_REFUSAL_HOST_MISMATCH);
    if (!s->is_absolute)
        h->authority = s->host;
    if (h->is_http10)
        h->expect = HTTP_EXPECT_NONE; /* RFC 9110 section 10.1.1 */
    h->is_keep_alive = !s->has_close && (!h->is_http10 || s->has_keep_alive);
    h->is_upgrade = s->has_upgrade_token && s->has_upgrade && !h->is_http10 && !h->is_chunked &&
                    !h->content_length;
    return BX_OK;
}

static int scan_head(struct scan *s, struct http_header *headers)
{
    int rc;
    if (s->p < s->end && *s->p == '\r' && (rc = expect_crlf(s)) < 0)
        return rc;
    if ((rc = scan_method(s)) < 0 || (rc = scan_target(s)) < 0 || (rc = scan_version(s)) < 0 ||
        (rc = scan_headers(s, headers)) < 0)
        return rc;
    return judge(s);
}

ssize_t http_parse_head(struct bx_str in, const struct http_parse_limits *limits,
                        struct http_header *headers, struct http_head *out)
{
    size_t seen = in.len < limits->max_bytes ? in.len : limits->max_bytes;
    struct scan s = {.p = in.ptr, .end = in.ptr + seen, .limits = limits, .out = out};
    *out = (struct http_head){0};
    int rc = seen ? scan_head(&s, headers) : BX_E_TRUNCATED;
    if (rc == BX_E_TRUNCATED && seen == limits->max_bytes)
        return refuse(&s, HTTP_REFUSAL_HEAD_TOO_LARGE);
    return rc < 0 ? rc : s.p - in.ptr;
}
