/* The server over real sockets: the loop runs in the test's thread, the client is a thread with
 * blocking sockets that plays a script and then asks the server to close. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/test.h"
#include "net/http/http_internal.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { REPLY_MAX = 4 << 20 };

static struct net_loop *loop;
static struct http_server *server;
static uint16_t port;
static int aborts, closed;
static struct http_exchange *parked;

static void on_abort(struct http_exchange *x, void *arg)
{
    (void)x;
    (void)arg;
    aborts++;
}

static void on_later(void *arg)
{
    http_respond(arg, 200, "text/plain", BX_STR("later"));
}

static void on_upgraded_data(struct net_tcp *c, uint8_t *data, size_t len, void *arg)
{
    (void)arg;
    net_tcp_write(c, data, len);
    net_tcp_close(c);
}

static void on_upgraded_closed(struct net_tcp *c, int rc, void *arg)
{
    (void)c;
    (void)rc;
    (void)arg;
}

static const struct net_tcp_handler upgraded = {.on_data = on_upgraded_data,
                                                .on_closed = on_upgraded_closed};

static void upgrade(struct http_exchange *x)
{
    struct bx_str rest;
    struct net_tcp *tcp = http_exchange_upgrade(x, &rest);
    net_tcp_set_handler(tcp, &upgraded, NULL);
    net_tcp_write(tcp, "HTTP/1.1 101 Switching Protocols\r\n\r\n", 36);
    net_tcp_write(tcp, rest.ptr, rest.len);
}

static void on_upgrade_later(void *arg)
{
    struct http_exchange *x = arg;
    assert_str(http_exchange_request(x)->path, "/up-later");
    assert_str(http_header_get(http_exchange_request(x), BX_STR("upgrade")), "echo");
    upgrade(x);
}

static void on_request(struct http_exchange *x, void *arg)
{
    const struct http_request *r = http_exchange_request(x);
    (void)arg;
    if (bx_str_is(r->path, "/later")) {
        net_inbox_post(loop, on_later, x);
    } else if (bx_str_is(r->path, "/park")) {
        http_exchange_on_abort(x, on_abort, NULL);
    } else if (bx_str_is(r->path, "/orphan")) {
        parked = x;
    } else if (bx_str_is(r->path, "/up")) {
        upgrade(x);
    } else if (bx_str_is(r->path, "/up-later")) {
        net_inbox_post(loop, on_upgrade_later, x);
    } else if (bx_str_is(r->path, "/big")) {
        struct bx_shared *big = bx_shared_new(2 << 20);
        memset(big->data, 'b', big->len);
        http_respond_shared(x, 200, "application/octet-stream", big);
    } else if (bx_str_is(r->path, "/text")) {
        static char text[5000];
        memset(text, 't', sizeof text);
        http_respond(x, 200, "text/plain", bx_str_n(text, sizeof text));
    } else if (bx_str_is(r->path, "/none")) {
        http_respond(x, 204, NULL, (struct bx_str){0});
    } else {
        struct bx_str s =
            bx_arena_printf(http_exchange_arena(x), "%.*s %.*s [%.*s]", BX_STR_ARG(r->method_name),
                            BX_STR_ARG(r->target), BX_STR_ARG(r->body));
        http_add_header(x, "X-Peer", bx_str(r->peer));
        http_respond(x, 200, "text/plain", s);
    }
}

static void on_head(struct http_exchange *x, size_t *out_max_body, void *arg)
{
    (void)arg;
    if (bx_str_is(http_exchange_request(x)->path, "/early"))
        http_respond_error(x, 403, BX_STR("No."));
    else if (bx_str_is(http_exchange_request(x)->path, "/bodyless"))
        *out_max_body = 0;
}

static const struct http_handler handler = {.on_head = on_head, .on_request = on_request};

/* --- the client --- */

static int dial(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct timeval limit = {.tv_sec = 10};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    BX_ASSERT(connect(fd, (struct sockaddr *)&a, sizeof a) == 0);
    return fd;
}

static void say(int fd, const char *text)
{
    BX_ASSERT(send(fd, text, strlen(text), MSG_NOSIGNAL) == (ssize_t)strlen(text));
}

/* Everything up to the end, or up to `until` (may be NULL). */
static char *hear(int fd, const char *until)
{
    static char reply[REPLY_MAX];
    size_t len = 0;
    for (ssize_t n; len < sizeof reply - 1; len += (size_t)n) {
        reply[len] = '\0';
        if (until && strstr(reply, until))
            break;
        n = recv(fd, reply + len, sizeof reply - 1 - len, 0);
        if (n <= 0)
            break;
    }
    reply[len] = '\0';
    return reply;
}

static size_t count_of(const char *text, const char *what)
{
    size_t n = 0;
    for (; (text = strstr(text, what)); text += strlen(what))
        n++;
    return n;
}

static void expect(const char *reply, const char *part)
{
    if (!strstr(reply, part)) {
        fprintf(stderr, "expected \"%s\" in: %.600s\n", part, reply);
        abort();
    }
}

static void expect_not(const char *reply, const char *part)
{
    BX_ASSERT(!strstr(reply, part));
}

/* One connection: request in, whole reply out. */
static char *ask(const char *request)
{
    int fd = dial();
    say(fd, request);
    char *reply = hear(fd, NULL);
    close(fd);
    return reply;
}

static void on_server_closed(void *arg)
{
    (void)arg;
    closed++;
    http_server_free(server);
}

static void do_close(void *arg)
{
    (void)arg;
    if (parked)
        http_respond(parked, 200, "text/plain", BX_STR("to nobody"));
    parked = NULL;
    http_server_close(server, on_server_closed, NULL);
}

static void *client_main(void *arg)
{
    void (*script)(void);
    memcpy(&script, arg, sizeof script);
    script();
    net_inbox_post(loop, do_close, NULL);
    return NULL;
}

static struct http_server_opts opts;
static struct net_tls_ctx *tls;

static void play(void (*script)(void))
{
    struct net_listener_opts l = {
        .host = "127.0.0.1", .tls_mode = tls ? NET_TLS_ON : NET_TLS_OFF, .tls = tls};
    pthread_t thread;
    aborts = closed = 0;
    assert_rc(net_loop_new(&loop), BX_OK);
    assert_rc(http_server_new(loop, &opts, &handler, NULL, &server), BX_OK);
    assert_rc(http_server_listen(server, &l, &port), BX_OK);
    assert_int_equal(pthread_create(&thread, NULL, client_main, &script), 0);
    net_loop_run(loop);
    pthread_join(thread, NULL);
    net_loop_free(loop);
    assert_int_equal(closed, 1);
    opts = (struct http_server_opts){0};
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define LAST(path) "GET " path " HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"

static void script_answers(void)
{
    char *r = ask(LAST("/a?b=1"));
    expect(r, "HTTP/1.1 200 OK\r\nDate: ");
    expect(r, "Content-Length: 13\r\n");
    expect(r, "Connection: close\r\n");
    expect(r, "X-Peer: 127.0.0.1\r\n");
    expect(r, "\r\n\r\nGET /a?b=1 []");
    expect(ask("GET / HTTP/1.0\r\n\r\n"), "Connection: close");
    r = ask("HEAD /big HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    expect(r, "Content-Length: 2097152\r\n");
    BX_ASSERT(!strcmp(r + strlen(r) - 4, "\r\n\r\n"));
    r = ask(LAST("/big"));
    BX_ASSERT(strlen(strstr(r, "\r\n\r\n")) == (2 << 20) + 4);
    r = ask(LAST("/none"));
    expect(r, "204 No Content");
    expect_not(r, "Content-Length");
    int fd = dial();
    say(fd, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    expect(hear(fd, "[]"), "Connection: keep-alive\r\n");
    say(fd, GET("/later"));
    expect(hear(fd, "later"), "200 OK");
    say(fd, LAST("/two"));
    expect(hear(fd, NULL), "GET /two []");
    close(fd);
}

TEST(answers_keep_alive_head_and_large_bodies)
{
    play(script_answers);
}

static void script_bodies(void)
{
    expect(
        ask("POST /l HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello"),
        "POST /l [hello]");
    static const char chunked[] =
        "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n"
        "Connection: close\r\n\r\n3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: v\r\n\r\n";
    expect(ask(chunked), "POST /c [abcde]");
    int fd = dial(); /* byte by byte */
    for (size_t i = 0; chunked[i]; i++)
        send(fd, chunked + i, 1, MSG_NOSIGNAL);
    expect(hear(fd, NULL), "POST /c [abcde]");
    close(fd);
    fd = dial();
    say(fd, "POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n");
    expect(hear(fd, "\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    say(fd, "ok");
    expect(hear(fd, "]"), "POST /e [ok]");
    close(fd);
    char *r = ask("POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 2000000\r\nExpect: "
                  "100-continue\r\n\r\n");
    expect(r, "413 Payload Too Large");
    expect(r, "{\"success\":false,\"error\":\"Payload Too Large\",\"message\":\"The request body");
    expect_not(r, "100 Continue");
    expect(ask("POST /e HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nExpect: magic\r\n\r\n"),
           "417 Expectation");
    expect(ask("POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"), "403 Forbidden");
    expect(ask("POST /bodyless HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx"), "413 ");
    expect(ask("POST /x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
           "400 Bad");
}

TEST(bodies_by_length_and_chunks_with_expectations)
{
    play(script_bodies);
}

static void script_pipeline(void)
{
    enum { N = 1000 };
    static char all[N * 64];
    size_t len = 0;
    for (int i = 0; i < N; i++)
        len +=
            (size_t)snprintf(all + len, sizeof all - len, "GET /%s%d HTTP/1.1\r\nHost: a\r\n\r\n",
                             i % 100 == 7 ? "later?" : "n", i);
    int fd = dial();
    say(fd, all);
    say(fd, LAST("/end"));
    char *r = hear(fd, NULL);
    close(fd);
    BX_ASSERT(count_of(r, "HTTP/1.1 200 OK") == N + 1);
    const char *at = r;
    for (int i = 0; i < N; i++) {
        char want[32];
        snprintf(want, sizeof want, "GET /n%d []", i);
        at = strstr(at, i % 100 == 7 ? "later" : want);
        BX_ASSERT(at);
    }
    fd = dial(); /* the client half-closes behind its requests */
    say(fd, all);
    shutdown(fd, SHUT_WR);
    r = hear(fd, NULL);
    BX_ASSERT(count_of(r, "HTTP/1.1 200 OK") >= 7);
    close(fd);
}

TEST(a_thousand_pipelined_requests_are_answered_in_order)
{
    play(script_pipeline);
}

static void script_slow(void)
{
    uint64_t from = bx_mono_ms();
    expect(ask("GET / HTTP/1.1\r\nHost:"), "408 Request Timeout");
    BX_ASSERT(bx_mono_ms() - from >= 100);
    expect(ask("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab"), "408 Request Timeout");
    BX_ASSERT(ask("")[0] == '\0'); /* idle */
    int fd = dial();
    say(fd, GET("/x"));
    expect(hear(fd, "[]"), "200 OK");
    BX_ASSERT(hear(fd, NULL)[0] == '\0');
    close(fd);
}

TEST(slow_clients_time_out_in_head_body_and_idle)
{
    opts = (struct http_server_opts){
        .header_timeout_ms = 100, .body_timeout_ms = 100, .idle_timeout_ms = 150};
    play(script_slow);
}

static void script_abort(void)
{
    int fd = dial();
    say(fd, GET("/park"));
    usleep(30000);
    close(fd);
    fd = dial();
    say(fd, GET("/orphan"));
    usleep(30000);
    close(fd);
    usleep(30000);
    expect(ask(LAST("/still")), "GET /still []");
}

TEST(a_client_that_leaves_aborts_its_request)
{
    play(script_abort);
    assert_int_equal(aborts, 1);
}

static void script_limits(void)
{
    static char big[20000];
    int n = snprintf(big, sizeof big, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    memset(big + n, 'x', sizeof big - (size_t)n - 1);
    expect(ask(big), "431 Request Header");
    memcpy(big, "GET /", 5);
    memset(big + 5, 'x', 9000);
    memcpy(big + 9005, " HTTP/1.1\r\n\r\n", 14);
    expect(ask(big), "414 URI Too Long");
    n = snprintf(big, sizeof big, "GET / HTTP/1.1\r\nHost: a\r\n");
    for (int i = 0; i < 101; i++)
        n += snprintf(big + n, sizeof big - (size_t)n, "A%d: b\r\n", i);
    snprintf(big + n, sizeof big - (size_t)n, "\r\n");
    expect(ask(big), "431 Request Header");
    usleep(50000); /* the connections above are gone by then */
    int a = dial(), b = dial();
    say(a, GET("/a"));
    hear(a, "[]");
    say(b, GET("/b"));
    hear(b, "[]");
    char *r = ask(GET("/c"));
    expect(r, "503 Service Unavailable");
    expect(r, "too many connections");
    close(a);
    close(b);
}

TEST(limits_have_their_answers)
{
    opts.max_connections_per_ip = 2;
    play(script_limits);
    opts.max_connections = 2;
    play(script_limits);
}

static void script_upgrade(void)
{
    static const char *const paths[] = {"/up", "/up-later"};
    for (size_t i = 0; i < BX_LEN(paths); i++) {
        char request[200];
        snprintf(request, sizeof request,
                 "GET %s HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\n"
                 "Upgrade: echo\r\n\r\nrest.",
                 paths[i]);
        int fd = dial();
        say(fd, request);
        expect(hear(fd, "rest."), "HTTP/1.1 101 Switching Protocols\r\n\r\nrest.");
        say(fd, "more");
        BX_ASSERT(!strcmp(hear(fd, NULL), "more"));
        close(fd);
    }
}

TEST(an_upgrade_hands_the_connection_over_with_the_rest)
{
    play(script_upgrade);
}

static void script_gzip(void)
{
    char *r = ask("GET /text HTTP/1.1\r\nHost: a\r\nAccept-Encoding: br, gzip;q=0.5\r\nConnection: "
                  "close\r\n\r\n");
    expect(r, "Content-Encoding: gzip\r\n");
    expect(r, "Vary: Accept-Encoding\r\n");
    r = ask(
        "GET /text HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip;q=0\r\nConnection: close\r\n\r\n");
    expect_not(r, "Content-Encoding");
    expect(r, "Content-Length: 5000\r\n");
    expect_not(
        ask("GET /a HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"),
        "Vary");
}

TEST(long_text_is_compressed_when_accepted)
{
    opts.gzip_min_bytes = 1024;
    play(script_gzip);
}

static void script_tls(void)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    SSL *ssl = SSL_new(ctx);
    int fd = dial();
    char reply[2000];
    SSL_set_fd(ssl, fd);
    BX_ASSERT(SSL_connect(ssl) == 1);
    BX_ASSERT(SSL_write(ssl, GET("/tls"), sizeof GET("/tls") - 1) > 0);
    int n = SSL_read(ssl, reply, sizeof reply - 1);
    BX_ASSERT(n > 0);
    reply[n] = '\0';
    expect(reply, "GET /tls []");
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    close(fd);
}

TEST(serves_over_tls)
{
    assert_rc(net_tls_server_self_signed("localhost", &tls), BX_OK);
    play(script_tls);
    net_tls_unref(tls);
    tls = NULL;
}

static void script_close(void)
{
    int idle = dial(), busy = dial();
    say(idle, GET("/a"));
    hear(idle, "[]");
    say(busy, GET("/orphan"));
    usleep(30000);
    net_inbox_post(loop, do_close, NULL);
    BX_ASSERT(hear(idle, NULL)[0] == '\0');
    char *r = hear(busy, NULL);
    expect(r, "to nobody");
    close(idle);
    close(busy);
}

static void *close_main(void *arg)
{
    (void)arg;
    script_close();
    return NULL;
}

TEST(closing_lets_running_requests_finish)
{
    struct net_listener_opts l = {.host = "127.0.0.1"};
    pthread_t thread;
    closed = 0;
    assert_rc(net_loop_new(&loop), BX_OK);
    assert_rc(http_server_new(loop, NULL, &handler, NULL, &server), BX_OK);
    assert_rc(http_server_listen(server, &l, &port), BX_OK);
    assert_int_equal(pthread_create(&thread, NULL, close_main, NULL), 0);
    net_loop_run(loop);
    pthread_join(thread, NULL);
    net_loop_free(loop);
    assert_int_equal(closed, 1);
}

TEST(metrics_count_classes_and_refusals)
{
    static struct bx_metrics set;
    struct bx_buf out;
    bx_buf_init(&out, 0);
    http_metrics_register(&set);
    assert_rc(bx_metrics_print(&set, &out), BX_OK);
    assert_rc(bx_buf_byte(&out, 0), BX_OK);
    const char *text = (const char *)out.data;
    assert_non_null(strstr(text, "http_connections 0\n"));
    assert_non_null(strstr(text, "http_refused_total{reason=\"head timeout\"} 1\n"));
    assert_non_null(strstr(text, "http_requests_total{class=\"1xx\"} 2\n"));
    bx_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_keep_alive_head_and_large_bodies),
        cmocka_unit_test(bodies_by_length_and_chunks_with_expectations),
        cmocka_unit_test(a_thousand_pipelined_requests_are_answered_in_order),
        cmocka_unit_test(slow_clients_time_out_in_head_body_and_idle),
        cmocka_unit_test(a_client_that_leaves_aborts_its_request),
        cmocka_unit_test(limits_have_their_answers),
        cmocka_unit_test(an_upgrade_hands_the_connection_over_with_the_rest),
        cmocka_unit_test(long_text_is_compressed_when_accepted),
        cmocka_unit_test(serves_over_tls),
        cmocka_unit_test(closing_lets_running_requests_finish),
        cmocka_unit_test(metrics_count_classes_and_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
