/* The fetcher against our own HTTP server, both on one loop in this thread. */
#include "base/buf.h"
#include "base/mem.h"
#include "base/test.h"
#include "net/fetch/fetch.h"
#include "net/http/http_server.h"
#include "net/timer.h"
#include "net/tls.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BIG = 1 << 20, PARKED_MAX = 16 };

static struct net_loop *loop;
static struct http_server *server;
static struct net_tls_ctx *tls;
static struct net_fetcher *fetcher;
static uint16_t port;
static char ca_path[] = "/tmp/net_fetch_XXXXXX";
static int requests, failures_left;
static struct http_exchange *parked[PARKED_MAX];
static size_t parked_count, parked_peak;
static uint8_t big[BIG];

/* --- the server --- */

/* The client left: the server frees the exchange. */
static void on_park_aborted(struct http_exchange *x, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < parked_count; i++) {
        if (parked[i] == x) {
            parked[i] = parked[--parked_count];
            return;
        }
    }
}

static void on_request(struct http_exchange *x, void *arg)
{
    const struct http_request *r = http_exchange_request(x);
    (void)arg;
    requests++;
    if (bx_str_is(r->path, "/big")) {
        http_respond(x, 200, "application/octet-stream", bx_str_n(big, sizeof big));
    } else if (bx_str_is(r->path, "/flaky") && failures_left-- > 0) {
        http_respond(x, 503, "text/plain", BX_STR("later"));
    } else if (bx_str_is(r->path, "/moved")) {
        http_add_header(x, "Location", BX_STR("/big"));
        http_respond(x, 302, "text/plain", BX_STR("elsewhere"));
    } else if (bx_str_is(r->path, "/gone")) {
        http_respond(x, 404, "text/plain", BX_STR("no such file"));
    } else if (bx_str_is(r->path, "/secret")) {
        http_respond(x, 403, "text/plain", BX_STR("not for you"));
    } else if (bx_str_is(r->path, "/park")) {
        http_exchange_on_abort(x, on_park_aborted, NULL);
        parked[parked_count++] = x;
        parked_peak = parked_count > parked_peak ? parked_count : parked_peak;
    } else {
        struct bx_str origin = http_header_get(r, BX_STR("origin"));
        http_respond(x, 200, "text/plain", origin.len ? origin : BX_STR("hello"));
    }
}

static const struct http_handler handler = {.on_request = on_request};

static char *url_of(const char *scheme, const char *path)
{
    static char url[200];
    snprintf(url, sizeof url, "%s://127.0.0.1:%u%s", scheme, port, path);
    return url;
}

/* --- one fetch and its outcome --- */

struct outcome {
    int rc, calls;
    size_t len;
    char body[64];
};

static int open_fetches;

static void on_done(int rc, struct bx_str body, void *arg)
{
    struct outcome *o = arg;
    o->rc = rc;
    o->calls++;
    o->len = body.len;
    bx_str_copy(bx_str_slice(body, 0, sizeof o->body - 1), o->body, sizeof o->body);
    if (--open_fetches == 0)
        net_loop_stop(loop);
}

static void ask(const char *url, size_t max_bytes, struct outcome *o)
{
    *o = (struct outcome){0};
    open_fetches++;
    assert_rc(net_fetch_get(fetcher, url, max_bytes, on_done, o), BX_OK);
    assert_int_equal(o->calls, 0);
}

static struct outcome fetch(const char *url, size_t max_bytes)
{
    struct outcome o;
    ask(url, max_bytes, &o);
    net_loop_run(loop);
    assert_int_equal(o.calls, 1);
    return o;
}

static void open_with(struct net_fetcher_opts opts)
{
    opts.backoff_ms = opts.backoff_ms ? opts.backoff_ms : 5;
    char *origin = bx_strndup(url_of("http", ""), strlen(url_of("http", "")));
    opts.plain_origin = origin;
    assert_rc(net_fetcher_new(loop, &opts, &fetcher), BX_OK);
    free(origin);
}

static void on_closed(void *arg)
{
    *(bool *)arg = true;
    net_loop_stop(loop);
}

static void close_fetcher(void)
{
    bool is_closed = false;
    net_fetcher_close(fetcher, on_closed, &is_closed);
    while (!is_closed)
        net_loop_run(loop);
    fetcher = NULL;
}

/* --- tests --- */

TEST(a_file_arrives_whole_and_the_header_is_sent)
{
    open_with((struct net_fetcher_opts){.header = "Origin: https://example.test"});
    struct outcome o = fetch(url_of("http", "/hello"), 100);
    assert_rc(o.rc, BX_OK);
    assert_string_equal(o.body, "https://example.test");
    o = fetch(url_of("http", "/big"), BIG);
    assert_rc(o.rc, BX_OK);
    assert_int_equal(o.len, BIG);
    close_fetcher();
}

TEST(what_is_not_to_be_had_says_why_and_is_not_asked_for_twice)
{
    static const struct {
        const char *path;
        size_t max_bytes;
        int rc;
        const char *why;
    } rows[] = {
        {"/gone", 100, BX_E_NOT_FOUND, "404"},
        {"/secret", 100, BX_E_DENIED, "403"},
        {"/moved", 2 * BIG, BX_E_DENIED, "a redirect is not followed"},
        {"/big", BIG - 1, BX_E_TOO_BIG, "one byte above the cap"},
    };
    open_with((struct net_fetcher_opts){0});
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        int before = requests;
        struct outcome o = fetch(url_of("http", rows[i].path), rows[i].max_bytes);
        assert_why(o.rc == rows[i].rc, rows[i].why);
        assert_why(o.len == 0, rows[i].why);
        assert_why(requests == before + 1, rows[i].why);
    }
    close_fetcher();
}

TEST(only_https_and_the_origin_that_was_configured)
{
    static const char *const refused[] = {
        "http://127.0.0.1:1/x", "http://localhost/x", "ftp://127.0.0.1/x",
        "file:///etc/passwd",   "/etc/passwd",        "",
        "gopher://x/",
    };
    struct outcome o;
    open_with((struct net_fetcher_opts){0});
    for (size_t i = 0; i < BX_LEN(refused); i++)
        assert_why(net_fetch_get(fetcher, refused[i], 10, on_done, &o) == BX_E_INVALID, refused[i]);
    assert_rc(net_fetch_get(fetcher, url_of("http", "9/x"), 10, on_done, &o), BX_E_INVALID);
    close_fetcher();
}

TEST(a_server_that_fails_is_asked_again_and_given_up_in_the_end)
{
    open_with((struct net_fetcher_opts){.max_attempts = 3});
    failures_left = 2;
    assert_rc(fetch(url_of("http", "/flaky"), 100).rc, BX_OK);
    int before = requests;
    failures_left = 100;
    assert_rc(fetch(url_of("http", "/flaky"), 100).rc, BX_E_UNAVAILABLE);
    assert_int_equal(requests - before, 3);
    failures_left = 0;
    close_fetcher();
}

TEST(a_certificate_is_accepted_only_when_it_is_trusted)
{
    open_with((struct net_fetcher_opts){.ca_path = ca_path});
    assert_rc(fetch(url_of("https", "/hello"), 100).rc, BX_OK);
    close_fetcher();
    int before = requests;
    open_with((struct net_fetcher_opts){0});
    assert_rc(fetch(url_of("https", "/hello"), 100).rc, BX_E_AUTH);
    assert_int_equal(requests, before);
    close_fetcher();
}

static struct net_timer answer_timer;

static void on_answer(void *arg)
{
    (void)arg;
    if (parked_count == 0) {
        net_timer_start(loop, &answer_timer, 1);
        return;
    }
    struct http_exchange *x = parked[--parked_count];
    http_respond(x, 200, "text/plain", BX_STR("at last"));
    net_timer_start(loop, &answer_timer, 2);
}

TEST(no_more_run_at_once_than_allowed)
{
    struct outcome o[8];
    open_with((struct net_fetcher_opts){.max_running = 3});
    parked_peak = 0;
    for (size_t i = 0; i < BX_LEN(o); i++)
        ask(url_of("http", "/park"), 100, &o[i]);
    net_timer_init(&answer_timer, on_answer, NULL);
    net_timer_start(loop, &answer_timer, 20);
    net_loop_run(loop);
    net_timer_stop(&answer_timer);
    for (size_t i = 0; i < BX_LEN(o); i++)
        assert_rc(o[i].rc, BX_OK);
    assert_int_equal(parked_peak, 3);
    close_fetcher();
}

TEST(one_that_never_answers_times_out)
{
    open_with((struct net_fetcher_opts){.timeout_ms = 50, .max_attempts = 2});
    assert_rc(fetch(url_of("http", "/park"), 100).rc, BX_E_TIMEOUT);
    parked_count = 0;
    close_fetcher();
}

/* Until two stand at the server; one that failed sleeps, one waits. */
static void on_look(void *arg)
{
    (void)arg;
    if (parked_count == 2)
        net_loop_stop(loop);
    else
        net_timer_start(loop, &answer_timer, 1);
}

TEST(closing_gives_up_what_runs_waits_and_sleeps)
{
    struct outcome o[4];
    open_with((struct net_fetcher_opts){.max_running = 2, .backoff_ms = 60000});
    failures_left = 100;
    parked_count = 0;
    ask(url_of("http", "/flaky"), 100, &o[0]);
    for (size_t i = 1; i < BX_LEN(o); i++)
        ask(url_of("http", "/park"), 100, &o[i]);
    net_timer_init(&answer_timer, on_look, NULL);
    net_timer_start(loop, &answer_timer, 1);
    net_loop_run(loop);
    bool is_closed = false;
    net_fetcher_close(fetcher, on_closed, &is_closed);
    assert_int_equal(o[1].calls, 0);
    assert_rc(net_fetch_get(fetcher, url_of("http", "/hello"), 1, on_done, &o[0]), BX_E_INVALID);
    while (!is_closed)
        net_loop_run(loop);
    for (size_t i = 0; i < BX_LEN(o); i++) {
        assert_int_equal(o[i].calls, 1);
        assert_rc(o[i].rc, BX_E_CLOSED);
    }
    failures_left = 0;
}

/* --- frame --- */

static int write_ca(void)
{
    struct bx_buf pem;
    bx_buf_init(&pem, 0);
    int fd = mkstemp(ca_path);
    int rc = net_tls_server_pem(tls, &pem);
    bool is_written = fd >= 0 && write(fd, pem.data, pem.len) == (ssize_t)pem.len;
    close(fd);
    bx_buf_done(&pem);
    return is_written ? rc : BX_E_IO;
}

static int setup(void **state)
{
    (void)state;
    struct http_server_opts opts = {.max_connections = 100};
    if (net_loop_new(&loop) < 0 || net_tls_server_self_signed("localhost,127.0.0.1", &tls) < 0 ||
        http_server_new(loop, &opts, &handler, NULL, &server) < 0)
        return -1;
    struct net_listener_opts listener = {.host = "127.0.0.1", .tls_mode = NET_TLS_AUTO, .tls = tls};
    return http_server_listen(server, &listener, &port) < 0 || write_ca() < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    bool is_closed = false;
    http_server_free(server);
    net_loop_call_later(loop, on_closed, &is_closed);
    while (!is_closed)
        net_loop_run(loop);
    net_loop_free(loop);
    net_tls_unref(tls);
    unlink(ca_path);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_arrives_whole_and_the_header_is_sent),
        cmocka_unit_test(what_is_not_to_be_had_says_why_and_is_not_asked_for_twice),
        cmocka_unit_test(only_https_and_the_origin_that_was_configured),
        cmocka_unit_test(a_server_that_fails_is_asked_again_and_given_up_in_the_end),
        cmocka_unit_test(a_certificate_is_accepted_only_when_it_is_trusted),
        cmocka_unit_test(no_more_run_at_once_than_allowed),
        cmocka_unit_test(one_that_never_answers_times_out),
        cmocka_unit_test(closing_gives_up_what_runs_waits_and_sleeps),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
