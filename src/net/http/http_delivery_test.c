/* Answers arrive whole: every size x keep-alive or close x plain or TLS x fast or slow reader. All
 * connections are open at the same time, one thread each; the loop runs in the test's thread. */
#include "base/mem.h"
#include "base/test.h"
#include "net/http/http_server.h"
#include "net/loop.h"

#include <arpa/inet.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    SLOW_STEPS = 15,
    SLOW_PAUSE_MS = 450, /* in all longer than a closing connection waits for a peer at rest */
};

static const size_t sizes[] = {0,         1,         1000,    16 << 10, (64 << 10) + 1,
                               256 << 10, (1 << 20), 3 << 20, 5 << 20,  12 << 20};

struct row {
    size_t size;
    bool is_tls, is_close, is_slow, is_shared;
    int fd;
    SSL *ssl;
    const char *fault;
};

static struct net_loop *loop;
static struct http_server *servers[2]; /* plain, TLS */
static uint16_t ports[2];
static SSL_CTX *client_ctx;
static _Atomic size_t running;

static uint8_t byte_at(size_t i)
{
    return (uint8_t)(i * 31 + (i >> 8) + (i >> 16));
}

static void on_request(struct http_exchange *x, void *arg)
{
    const struct http_request *r = http_exchange_request(x);
    size_t size = strtoul(r->query.ptr, NULL, 10);
    bool is_shared = bx_str_is(r->path, "/shared");
    struct bx_shared *body = bx_shared_new(size);
    (void)arg;
    for (size_t i = 0; i < size; i++)
        body->data[i] = byte_at(i);
    if (is_shared) {
        http_respond_shared(x, 200, "application/octet-stream", body);
        return;
    }
    http_respond(x, 200, "application/octet-stream", bx_shared_view(body));
    bx_shared_unref(body);
}

static const struct http_handler handler = {.on_request = on_request};

/* --- the client --- */

static void pause_ms(long ms)
{
    struct timespec t = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&t, NULL);
}

static bool dial(struct row *row)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(ports[row->is_tls])};
    struct timeval limit = {.tv_sec = 30};
    int small = 16 << 10;
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    row->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    setsockopt(row->fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (row->is_slow)
        setsockopt(row->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    if (connect(row->fd, (struct sockaddr *)&a, sizeof a) < 0)
        return false;
    if (!row->is_tls)
        return true;
    row->ssl = SSL_new(client_ctx);
    SSL_set_fd(row->ssl, row->fd);
    return SSL_connect(row->ssl) == 1;
}

static int get(struct row *row, uint8_t *out, size_t size)
{
    int max = size > (16 << 10) ? 16 << 10 : (int)size;
    return row->ssl ? SSL_read(row->ssl, out, max) : (int)recv(row->fd, out, (size_t)max, 0);
}

static bool ask(struct row *row, size_t size, bool is_close)
{
    char text[256];
    int n = snprintf(text, sizeof text, "GET /%s?%zu HTTP/1.1\r\nHost: a\r\n%s\r\n",
                     row->is_shared ? "shared" : "copied", size,
                     is_close ? "Connection: close\r\n" : "");
    return (row->ssl ? SSL_write(row->ssl, text, n) : send(row->fd, text, (size_t)n, 0)) == n;
}

static bool head(struct row *row)
{
    char text[1024];
    for (size_t n = 0; n < sizeof text - 1; n++) {
        if (get(row, (uint8_t *)text + n, 1) != 1)
            return false;
        text[n + 1] = '\0';
        if (n >= 3 && !strcmp(text + n - 3, "\r\n\r\n"))
            return true;
    }
    return false;
}

static bool body(struct row *row, size_t size)
{
    uint8_t data[16 << 10];
    size_t step = size / SLOW_STEPS + 1, next = step;
    for (size_t have = 0; have < size;) {
        int n = get(row, data, size - have);
        if (n <= 0)
            return false;
        for (int i = 0; i < n; i++)
            if (data[i] != byte_at(have + (size_t)i))
                return false;
        have += (size_t)n;
        for (; row->is_slow && have >= next; next += step)
            pause_ms(SLOW_PAUSE_MS);
    }
    return true;
}

/* TLS says that this was all; a bare FIN could be somebody cutting the answer. */
static bool is_end(struct row *row)
{
    uint8_t byte;
    return get(row, &byte, 1) == 0 &&
           (!row->ssl || (SSL_get_shutdown(row->ssl) & SSL_RECEIVED_SHUTDOWN));
}

static const char *play(struct row *row)
{
    if (!dial(row))
        return "no connection";
    if (!ask(row, row->size, row->is_close) || !head(row))
        return "no head";
    if (!body(row, row->size))
        return "the body is cut";
    if (!row->is_close && (!ask(row, 5, true) || !head(row) || !body(row, 5)))
        return "the connection was not kept";
    return is_end(row) ? NULL : "no orderly end";
}

static void close_servers(void *arg)
{
    (void)arg;
    for (size_t i = 0; i < BX_LEN(servers); i++)
        http_server_free(servers[i]);
}

static void *client_main(void *arg)
{
    struct row *row = arg;
    row->fault = play(row);
    SSL_free(row->ssl);
    close(row->fd);
    if (--running == 0)
        net_inbox_post(loop, close_servers, NULL);
    return NULL;
}

/* --- the table --- */

static size_t fill(struct row *rows)
{
    size_t n = 0;
    for (size_t i = 0; i < BX_LEN(sizes); i++)
        for (unsigned bits = 0; bits < 16; bits++)
            rows[n++] = (struct row){.size = sizes[i],
                                     .is_tls = bits & 1,
                                     .is_close = bits & 2,
                                     .is_slow = bits & 4,
                                     .is_shared = bits & 8};
    return n;
}

static void serve(struct net_tls_ctx *tls, size_t i)
{
    struct net_listener_opts l = {
        .host = "127.0.0.1", .tls_mode = tls ? NET_TLS_ON : NET_TLS_OFF, .tls = tls};
    assert_rc(http_server_new(loop, &(struct http_server_opts){0}, &handler, NULL, &servers[i]),
              BX_OK);
    assert_rc(http_server_listen(servers[i], &l, &ports[i]), BX_OK);
}

TEST(answers_arrive_whole_whatever_their_size_the_reader_and_the_transport)
{
    struct row rows[BX_LEN(sizes) * 16];
    pthread_t threads[BX_LEN(rows)];
    struct net_tls_ctx *tls;
    size_t n = fill(rows), faults = 0;
    assert_rc(net_loop_new(&loop), BX_OK);
    assert_rc(net_tls_server_self_signed("localhost", &tls), BX_OK);
    client_ctx = SSL_CTX_new(TLS_client_method());
    serve(NULL, 0);
    serve(tls, 1);
    running = n;
    for (size_t i = 0; i < n; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, client_main, &rows[i]), 0);
    net_loop_run(loop);
    for (size_t i = 0; i < n; i++) {
        pthread_join(threads[i], NULL);
        if (!rows[i].fault)
            continue;
        faults++;
        print_error("%zu bytes, %s, %s, %s reader, %s: %s\n", rows[i].size,
                    rows[i].is_tls ? "TLS" : "plain", rows[i].is_close ? "close" : "keep-alive",
                    rows[i].is_slow ? "slow" : "fast", rows[i].is_shared ? "shared" : "copied",
                    rows[i].fault);
    }
    SSL_CTX_free(client_ctx);
    net_tls_unref(tls);
    net_loop_free(loop);
    assert_int_equal(faults, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_arrive_whole_whatever_their_size_the_reader_and_the_transport),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
