/* What we accept, libhttp-parser must understand the same way: a difference between two parsers of
 * one chain is request smuggling. (It accepts far more than we do; that is no difference of
 * meaning.)
 */
#include "net/http/http_oracle.h"

#include "base/buf.h"
#include "base/err.h"
#include "base/test.h"
#include "net/http/http_parse.h"

#include <stdlib.h>

enum { ROUNDS = 60000 };

static uint32_t seed = 20260;

static uint32_t dice(uint32_t sides)
{
    seed = seed * 1664525 + 1013904223;
    return (seed >> 8) % sides;
}

#define PICK(table) (table)[dice(BX_LEN(table))]

static const char *const methods[] = {"GET", "POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH"};
static const char *const targets[] = {
    "/",   "/a/b?c=d", "*",    "http://a/x", "/%2e%2e",        "/?",
    "//x", "x",        "/a b", "/\x7f",      "/~!$&'()*+,;=:@"};
static const char *const versions[] = {"HTTP/1.1", "HTTP/1.1", "HTTP/1.1", "HTTP/1.0",
                                       "HTTP/1.2", "HTTP/2.0", "http/1.1"};
static const char *const ends[] = {"\r\n", "\r\n", "\r\n", "\r\n", "\r\n",
                                   "\r\n", "\r\n", "\n",   "\r",   " \r\n"};
static const char *const headers_of[] = {"Host: a",
                                         "Host: a",
                                         "host:a",
                                         "Host: a:80",
                                         "Host: ",
                                         "X: y",
                                         "X:\t y \t",
                                         "X:",
                                         "X-Y_z!#: \"q\"",
                                         "Content-Length: 5",
                                         "Content-Length: 05",
                                         "Content-Length: 5, 5",
                                         "Content-Length: -1",
                                         "content-length:5 ",
                                         "Transfer-Encoding: chunked",
                                         "Transfer-Encoding:\tChunked",
                                         "Transfer-Encoding: chunked, chunked",
                                         "Transfer-Encoding: identity",
                                         "Connection: close",
                                         "Connection: keep-alive",
                                         "Connection: keep-alive, close",
                                         "Connection: Upgrade",
                                         "Upgrade: websocket",
                                         "Expect: 100-continue",
                                         " folded",
                                         "\tfolded",
                                         "No colon",
                                         "X : y",
                                         ": y",
                                         "X: \x80\xfe",
                                         "X: a\x01",
                                         "Cookie: a=b; c=d",
                                         "Content-Length: 18446744073709551616",
                                         "Content-Length: 5\r\nContent-Length: 5",
                                         "Transfer-Encoding : chunked",
                                         "X: \r"};

static void make_request(struct bx_buf *out)
{
    out->len = 0;
    bx_buf_printf(out, "%s %s %s%s", PICK(methods), PICK(targets), PICK(versions), PICK(ends));
    bool is_tame = dice(2);
    if (is_tame)
        bx_buf_printf(out, "Host: a\r\n");
    for (uint32_t i = dice(5); i > 0; i--)
        bx_buf_printf(out, "%s%s", PICK(headers_of), is_tame ? "\r\n" : PICK(ends));
    bx_buf_printf(out, "\r\n");
}

static void assert_same(struct bx_str text, const struct http_head *h,
                        const struct http_header *headers, const struct oracle *o)
{
    char *why = strndup(text.ptr, text.len);
    assert_why(o->is_accepted, why);
    assert_why(bx_str_eq(h->method_name, bx_str(o->method)), why);
    assert_why(bx_str_eq(h->target, bx_str(o->url)), why);
    assert_why(h->header_count == o->header_count, why);
    for (size_t i = 0; i < h->header_count; i++) {
        assert_why(bx_str_eq(headers[i].name, bx_str(o->headers[i].name)), why);
        assert_why(bx_str_eq(headers[i].value, bx_str_trim(bx_str(o->headers[i].value))), why);
    }
    assert_why(h->is_chunked == o->is_chunked, why);
    assert_why(h->has_content_length == (o->content_length != UINT64_MAX), why);
    assert_why(!h->has_content_length || h->content_length == o->content_length ||
                   o->content_length == 0,
               why);
    assert_why(!h->is_keep_alive || o->is_keep_alive || h->is_upgrade, why);
    free(why);
}

TEST(what_we_accept_another_parser_reads_alike)
{
    static const struct http_parse_limits limits = {4096, 1024, 20};
    static struct oracle oracle;
    struct http_header headers[20];
    struct http_head h;
    struct bx_buf text;
    size_t accepted = 0;
    bx_buf_init(&text, 0);
    for (size_t i = 0; i < ROUNDS; i++) {
        make_request(&text);
        struct bx_str in = bx_buf_view(&text);
        if (http_parse_head(in, &limits, headers, &h) < 0)
            continue;
        accepted++;
        oracle_parse(in.ptr, in.len, &oracle);
        assert_same(in, &h, headers, &oracle);
    }
    bx_buf_done(&text);
    assert_true(accepted > ROUNDS / 50); /* the generator has not gone stale */
}

/* --- chunked bodies --- */

static const struct {
    const char *wire, *body; /* body NULL: refused */
    const char *why;
} bodies[] = {
    {"0\r\n\r\n", "", "nothing"},
    {"5\r\nhello\r\n0\r\n\r\n", "hello", "one chunk"},
    {"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n", "abc", "two chunks"},
    {"A\r\n0123456789\r\n0\r\n\r\n", "0123456789", "upper-case hex"},
    {"a\r\n0123456789\r\n0\r\n\r\n", "0123456789", "lower-case hex"},
    {"00005\r\nhello\r\n0\r\n\r\n", "hello", "leading zeros"},
    {"5;x=y\r\nhello\r\n0\r\n\r\n", "hello", "an extension"},
    {"5\r\nhello\r\n0\r\nTrailer: x\r\n\r\n", "hello", "a trailer"},
    {"000\r\n\r\n", "", "zero written long"},
    {"5\r\nhel\r\n\r\n0\r\n\r\n", "hel\r\n", "CR LF inside a chunk are bytes"},
    {"5\nhello\r\n0\r\n\r\n", NULL, "bare LF behind the size"},
    {"5\r\nhello\n0\r\n\r\n", NULL, "bare LF behind the data"},
    {"5\r\nhelloX\r\n0\r\n\r\n", NULL, "more data than announced"},
    {"\r\nhello\r\n0\r\n\r\n", NULL, "no size"},
    {"-5\r\nhello\r\n0\r\n\r\n", NULL, "a sign"},
    {"+5\r\nhello\r\n0\r\n\r\n", NULL, "a plus"},
    {"0x5\r\nhello\r\n0\r\n\r\n", NULL, "0x"},
    {" 5\r\nhello\r\n0\r\n\r\n", NULL, "space in front"},
    {"5 \r\nhello\r\n0\r\n\r\n", NULL, "space behind"},
    {"g\r\nhello\r\n0\r\n\r\n", NULL, "not hex"},
    {"10000000000000000\r\nx", NULL, "2^64"},
    {"FFFFFFFFFFFFFFFFF\r\nx", NULL, "more than 64 bits"},
    {"5\r\nhello\r\n0\r\nBad Trailer\r\n\r\n", NULL, "a trailer without colon"},
    {"5;\x01\r\nhello\r\n0\r\n\r\n", NULL, "control character in an extension"},
    {"5\r\r\nhello\r\n0\r\n\r\n", NULL, "CR CR LF"},
};

/* Feeds the wire in pieces of `step` bytes; the body, or false. */
static bool dechunk(struct bx_str wire, size_t step, struct bx_buf *out)
{
    struct http_chunked d;
    http_chunked_init(&d);
    out->len = 0;
    for (size_t at = 0; at < wire.len; at += step) {
        struct bx_str piece = bx_str_slice(wire, at, at + step < wire.len ? at + step : wire.len),
                      data;
        int rc;
        while ((rc = http_chunked_next(&d, &piece, &data)) == HTTP_CHUNKED_DATA)
            bx_buf_str(out, data);
        if (rc == HTTP_CHUNKED_DONE)
            return true;
        if (rc < 0)
            return false;
    }
    return false;
}

TEST(chunked_bodies_are_the_same_at_every_cut_and_for_another_parser)
{
    static struct oracle oracle;
    struct bx_buf body, request;
    bx_buf_init(&body, 0);
    bx_buf_init(&request, 0);
    for (size_t i = 0; i < BX_LEN(bodies); i++) {
        struct bx_str wire = bx_str(bodies[i].wire);
        for (size_t step = 1; step <= wire.len; step++) {
            bool is_good = dechunk(wire, step, &body);
            assert_why(is_good == (bodies[i].body != NULL), bodies[i].why);
            assert_why(!is_good || bx_str_eq(bx_buf_view(&body), bx_str(bodies[i].body)),
                       bodies[i].why);
        }
        if (!bodies[i].body)
            continue;
        request.len = 0;
        bx_buf_printf(&request,
                      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n%s",
                      bodies[i].wire);
        oracle_parse((const char *)request.data, request.len, &oracle);
        assert_why(oracle.is_complete, bodies[i].why);
        assert_why(bx_str_eq(bx_str_n(oracle.body, oracle.body_len), bx_str(bodies[i].body)),
                   bodies[i].why);
    }
    bx_buf_done(&body);
    bx_buf_done(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_we_accept_another_parser_reads_alike),
        cmocka_unit_test(chunked_bodies_are_the_same_at_every_cut_and_for_another_parser),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
