#include "base/mem.h"
#include "base/test.h"
#include "net/http/http_parse.h"

static const struct http_parse_limits limits = {1024, 200, 10};

#define H "Host: a\r\n"

static const struct {
    const char *text;
    enum http_refusal refusal; /* NONE: accepted */
    const char *why;
} rows[] = {
    {"GET / HTTP/1.1\r\n" H "\r\n", HTTP_REFUSAL_NONE, "the plain form"},
    {"\r\nGET / HTTP/1.1\r\n" H "\r\n", HTTP_REFUSAL_NONE, "one empty line in front"},
    {"GET / HTTP/1.0\r\n\r\n", HTTP_REFUSAL_NONE, "1.0 needs no Host"},
    {"OPTIONS * HTTP/1.1\r\n" H "\r\n", HTTP_REFUSAL_NONE, "asterisk form"},
    {"GET http://a/x HTTP/1.1\r\n" H "\r\n", HTTP_REFUSAL_NONE, "absolute form"},
    {"PURGE / HTTP/1.1\r\n" H "\r\n", HTTP_REFUSAL_NONE, "unknown method"},
    {"GET / HTTP/1.1\r\n" H "X:\ty \r\n\r\n", HTTP_REFUSAL_NONE, "optional white space"},
    {"GET / HTTP/1.1\r\n" H "X: \x80\xff\r\n\r\n", HTTP_REFUSAL_NONE, "obs-text in a value"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: Chunked\r\n\r\n", HTTP_REFUSAL_NONE, "any case"},
    {"GET * HTTP/1.1\r\n" H "\r\n", HTTP_REFUSAL_TARGET, "asterisk is for OPTIONS"},
    {"CONNECT a:1 HTTP/1.1\r\n" H "\r\n", HTTP_REFUSAL_TARGET, "authority form"},
    {"GET x HTTP/1.1\r\n" H "\r\n", HTTP_REFUSAL_TARGET, "relative target"},
    {"GET /#a HTTP/1.1\r\n" H "\r\n", HTTP_REFUSAL_TARGET, "fragment"},
    {"GET /\x80 HTTP/1.1\r\n" H "\r\n", HTTP_REFUSAL_TARGET, "raw byte above 126"},
    {"GET  / HTTP/1.1\r\n" H "\r\n", HTTP_REFUSAL_TARGET, "two spaces"},
    {"GET /\r\n", HTTP_REFUSAL_TARGET, "HTTP/0.9"},
    {" GET / HTTP/1.1\r\n" H "\r\n", HTTP_REFUSAL_METHOD, "space in front"},
    {"G@T / HTTP/1.1\r\n" H "\r\n", HTTP_REFUSAL_METHOD, "no token"},
    {"\x16\x03\x01", HTTP_REFUSAL_METHOD, "a TLS hello"},
    {"GET / HTTP/1.1 \r\n" H "\r\n", HTTP_REFUSAL_LINE_END, "space behind the version"},
    {"GET / HTTP/1.1\n" H "\r\n", HTTP_REFUSAL_LINE_END, "bare LF"},
    {"GET / HTTP/1.1\r\n" H "X: a\n\r\n", HTTP_REFUSAL_LINE_END, "bare LF in a header"},
    {"GET / HTTP/1.1\r\n" H "X: a\rb\r\n\r\n", HTTP_REFUSAL_LINE_END, "bare CR"},
    {"GET / http/1.1\r\n" H "\r\n", HTTP_REFUSAL_VERSION, "case of the version"},
    {"GET / HTTP/2.0\r\n" H "\r\n", HTTP_REFUSAL_VERSION_UNSUPPORTED, "HTTP/2 preface"},
    {"GET / HTTP/1.1\r\n" H "X : a\r\n\r\n", HTTP_REFUSAL_HEADER_NAME, "space before the colon"},
    {"GET / HTTP/1.1\r\n" H ": a\r\n\r\n", HTTP_REFUSAL_HEADER_NAME, "no name"},
    {"GET / HTTP/1.1\r\n" H " X: a\r\n\r\n", HTTP_REFUSAL_FOLDING, "obs-fold"},
    {"GET / HTTP/1.1\r\n" H "X: a\x01\r\n\r\n", HTTP_REFUSAL_HEADER_VALUE, "control character"},
    {"GET / HTTP/1.1\r\n\r\n", HTTP_REFUSAL_HOST, "no Host"},
    {"GET / HTTP/1.1\r\n" H H "\r\n", HTTP_REFUSAL_HOST, "Host twice"},
    {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", HTTP_REFUSAL_HOST, "Host with a path"},
    {"GET http://b/ HTTP/1.1\r\n" H "\r\n", HTTP_REFUSAL_HOST_MISMATCH, "two hosts"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
     HTTP_REFUSAL_CONTENT_LENGTH, "two lengths"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 1, 1\r\n\r\n", HTTP_REFUSAL_CONTENT_LENGTH, "list"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: +1\r\n\r\n", HTTP_REFUSAL_CONTENT_LENGTH, "sign"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 0x1\r\n\r\n", HTTP_REFUSAL_CONTENT_LENGTH, "hex"},
    {"POST / HTTP/1.1\r\n" H "Content-Length:\r\n\r\n", HTTP_REFUSAL_CONTENT_LENGTH, "empty"},
    {"POST / HTTP/1.1\r\n" H "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
     HTTP_REFUSAL_FRAMING, "CL.TE"},
    {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", HTTP_REFUSAL_FRAMING, "TE in 1.0"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: xchunked\r\n\r\n", HTTP_REFUSAL_CODING, "TE.TE"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: chunked, gzip\r\n\r\n", HTTP_REFUSAL_CODING,
     "chunked is not last"},
    {"POST / HTTP/1.1\r\n" H "Transfer-Encoding: gzip, chunked\r\n\r\n",
     HTTP_REFUSAL_CODING_UNSUPPORTED, "another coding"},
};

TEST(heads_are_judged_and_every_cut_of_a_good_one_waits)
{
    struct http_header headers[10];
    struct http_head h;
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        struct bx_str in = bx_str(rows[i].text);
        ssize_t n = http_parse_head(in, &limits, headers, &h);
        assert_why(h.refusal == rows[i].refusal, rows[i].why);
        assert_why(n == (rows[i].refusal ? BX_E_INVALID : (ssize_t)in.len), rows[i].why);
        for (size_t k = 0; k < in.len; k++) {
            ssize_t part = http_parse_head(bx_str_slice(in, 0, k), &limits, headers, &h);
            assert_why(part == BX_E_TRUNCATED || (rows[i].refusal && h.refusal == rows[i].refusal),
                       rows[i].why);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(heads_are_judged_and_every_cut_of_a_good_one_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
