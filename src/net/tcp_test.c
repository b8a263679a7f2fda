#include "base/mem.h"
#include "base/test.h"
#include "net/listener.h"
#include "net/timer.h"

#include <stdlib.h>

enum { BIG = 8 << 20 };

static struct net_loop *loop;
static struct net_listener *listener;
static struct net_tls_ctx *server_tls, *client_tls;

/* One client and one server connection; each side counts and checks what it gets. */
struct side {
    struct net_tcp *tcp;
    size_t received, expected;
    uint8_t next;
    int closed_rc, closed, drained;
    bool is_wrong, close_when_done;
    void (*on_ready)(struct side *s);
};

static struct side client, server;

static void on_data(struct net_tcp *c, uint8_t *data, size_t len, void *arg)
{
    struct side *s = arg;
    (void)c;
    for (size_t i = 0; i < len; i++)
        s->is_wrong |= data[i] != s->next++;
    s->received += len;
    if (s->received == s->expected && s->close_when_done)
        net_tcp_close(s->tcp);
}

static void on_drain(struct net_tcp *c, void *arg)
{
    struct side *s = arg;
    (void)c;
    s->drained++;
}

static void on_closed(struct net_tcp *c, int rc, void *arg)
{
    struct side *s = arg;
    (void)c;
    s->closed++;
    s->closed_rc = rc;
    s->tcp = NULL;
    if (client.closed && server.closed)
        net_listener_close(listener);
}

static const struct net_tcp_handler handler = {
    .on_data = on_data, .on_drain = on_drain, .on_closed = on_closed};

static void on_accept(struct net_listener *l, int fd, struct net_tls_ctx *tls, const char *peer,
                      void *arg)
{
    (void)l;
    (void)arg;
    assert_string_equal(peer, "127.0.0.1");
    assert_rc(net_tcp_adopt(loop, fd, tls, &handler, &server, &server.tcp), BX_OK);
    if (server.on_ready)
        server.on_ready(&server);
}

static int connect_rc;

static void on_connected(struct net_tcp *c, int rc, void *arg)
{
    struct side *s = arg;
    (void)c;
    connect_rc = rc;
    if (rc < 0) {
        s->tcp = NULL;
        net_listener_close(listener);
    } else if (s->on_ready) {
        s->on_ready(s);
    }
}

static void start(enum net_tls_mode mode, struct net_tls_ctx *tls_of_client, const char *host)
{
    struct net_listener_opts opts = {.host = "127.0.0.1", .tls_mode = mode, .tls = server_tls};
    assert_rc(net_listener_new(loop, &opts, on_accept, NULL, &listener), BX_OK);
    struct net_tcp_connect_opts to = {
        .host = host, .port = net_listener_port(listener), .tls = tls_of_client};
    assert_rc(net_tcp_connect(loop, &to, &handler, on_connected, &client, &client.tcp), BX_OK);
}

static uint8_t *pattern(size_t len)
{
    uint8_t *bytes = bx_realloc(NULL, len, 1);
    for (size_t i = 0; i < len; i++)
        bytes[i] = (uint8_t)i;
    return bytes;
}

static void write_big(struct side *s)
{
    uint8_t *bytes = pattern(BIG);
    net_tcp_write(s->tcp, bytes, BIG);
    free(bytes);
}

static void write_pieces(struct side *s)
{
    uint8_t *bytes = pattern(BIG);
    for (size_t at = 0; at < BIG;) {
        size_t n = at % 3000 + 1 < BIG - at ? at % 3000 + 1 : BIG - at;
        net_tcp_write(s->tcp, bytes + at, n);
        at += n;
    }
    free(bytes);
}

static void run_transfer(enum net_tls_mode mode, struct net_tls_ctx *tls,
                         void (*write)(struct side *s))
{
    server.expected = client.expected = BIG;
    server.close_when_done = true;
    server.on_ready = write;
    client.on_ready = write_big;
    start(mode, tls, "127.0.0.1");
    net_loop_run(loop);
    assert_rc(connect_rc, BX_OK);
    assert_int_equal(server.received, BIG);
    assert_int_equal(client.received, BIG);
    assert_false(server.is_wrong || client.is_wrong);
    assert_int_equal(server.closed, 1);
    assert_int_equal(client.closed, 1);
    assert_rc(server.closed_rc, BX_OK);
    assert_rc(client.closed_rc, BX_E_CLOSED);
    assert_true(server.drained > 0 || client.drained > 0);
}

TEST(eight_megabytes_arrive_whole_both_ways)
{
    run_transfer(NET_TLS_OFF, NULL, write_big);
}

TEST(small_pieces_keep_their_order_when_the_peer_is_slow)
{
    run_transfer(NET_TLS_OFF, NULL, write_pieces);
}

TEST(tls_carries_the_same)
{
    run_transfer(NET_TLS_ON, client_tls, write_pieces);
}

TEST(an_auto_port_takes_tls)
{
    run_transfer(NET_TLS_AUTO, client_tls, write_big);
}

static void write_hello(struct side *s)
{
    net_tcp_write(s->tcp, "\0\1\2\3", 4);
}

TEST(an_auto_port_takes_plain)
{
    client.on_ready = write_hello;
    server.expected = 4;
    server.close_when_done = true;
    start(NET_TLS_AUTO, NULL, "127.0.0.1");
    net_loop_run(loop);
    assert_int_equal(server.received, 4);
}

TEST(a_name_that_does_not_match_the_certificate_is_refused)
{
    struct net_tls_ctx *strict;
    assert_rc(net_tls_client_new(NULL, false, &strict), BX_OK);
    start(NET_TLS_ON, strict, "127.0.0.1");
    net_loop_run(loop);
    assert_rc(connect_rc, BX_E_AUTH);
    net_tls_unref(strict);
}

static void close_early(void *arg)
{
    net_listener_close(arg);
}

TEST(connecting_to_a_closed_port_says_so)
{
    struct net_listener_opts opts = {.host = "127.0.0.1"};
    assert_rc(net_listener_new(loop, &opts, on_accept, NULL, &listener), BX_OK);
    uint16_t port = net_listener_port(listener);
    assert_rc(net_listener_new(loop, &(struct net_listener_opts){.host = "127.0.0.1", .port = port},
                               on_accept, NULL, &listener),
              BX_E_EXISTS);
    close_early(listener);
    assert_rc(net_listener_new(loop, &opts, on_accept, NULL, &listener), BX_OK);
    struct net_tcp_connect_opts to = {.host = "127.0.0.1", .port = port};
    assert_rc(net_tcp_connect(loop, &to, &handler, on_connected, &client, &client.tcp), BX_OK);
    net_loop_run(loop);
    assert_rc(connect_rc, BX_E_CLOSED);
}

static void close_client(struct side *s)
{
    net_tcp_abort(s->tcp, BX_E_TIMEOUT);
    net_tcp_abort(s->tcp, BX_E_IO);
    net_tcp_write(s->tcp, "x", 1);
}

TEST(abort_reports_its_reason_once)
{
    client.on_ready = close_client;
    start(NET_TLS_OFF, NULL, "127.0.0.1");
    net_loop_run(loop);
    assert_int_equal(client.closed, 1);
    assert_rc(client.closed_rc, BX_E_TIMEOUT);
}

static void fan_out(struct side *s)
{
    uint8_t *bytes = pattern(1 << 20);
    struct bx_shared *shared = bx_shared_copy(bytes, 1 << 20);
    for (int i = 0; i < BIG >> 20; i++) {
        net_fanout_begin(loop, shared);
        net_fanout_add(loop, s->tcp);
        net_fanout_end(loop);
    }
    bx_shared_unref(shared);
    free(bytes);
}

static void run_fan_out(void)
{
    client.expected = BIG;
    client.close_when_done = true;
    server.on_ready = fan_out;
    start(NET_TLS_OFF, NULL, "127.0.0.1");
    net_loop_run(loop);
    assert_int_equal(client.received, BIG);
    assert_false(client.is_wrong);
}

TEST(fan_out_falls_back_to_the_queue_when_the_socket_is_full)
{
    run_fan_out();
}

TEST(fan_out_through_io_uring_does_the_same)
{
    if (net_loop_use_uring(loop) < 0) {
        skip();
        return;
    }
    run_fan_out();
}

/* --- the limit of all --- */

static struct net_timer wake;

static void resume_client(void *arg)
{
    (void)arg;
    if (client.tcp)
        net_tcp_resume(client.tcp);
}

/* The server writes far more than a socket takes before the client reads its first byte. */
static void be_slow(struct side *s)
{
    net_tcp_pause(s->tcp);
    net_timer_start(loop, &wake, 300);
}

static void run_slow_reader(size_t limit)
{
    net_loop_limit_output(loop, limit);
    net_timer_init(&wake, resume_client, NULL);
    client.expected = BIG;
    client.close_when_done = true;
    client.on_ready = be_slow;
    server.on_ready = write_big;
    start(NET_TLS_OFF, NULL, "127.0.0.1");
    net_loop_run(loop);
    net_timer_stop(&wake);
    assert_false(client.is_wrong);
    assert_int_equal(server.closed, 1);
}

TEST(output_beyond_the_limit_of_all_cuts_who_does_not_read)
{
    run_slow_reader(64 << 10);
    assert_rc(server.closed_rc, BX_E_FULL);
    assert_true(client.received < BIG);
}

TEST(output_within_the_limit_of_all_waits_for_its_reader)
{
    run_slow_reader(BIG);
    assert_rc(server.closed_rc, BX_E_CLOSED);
    assert_int_equal(client.received, BIG);
}

static int setup(void **state)
{
    (void)state;
    client = server = (struct side){0};
    connect_rc = 1;
    return net_loop_new(&loop) < 0 ||
           net_tls_server_self_signed("localhost,127.0.0.1", &server_tls) < 0 ||
           net_tls_client_new(NULL, true, &client_tls) < 0;
}

static int teardown(void **state)
{
    (void)state;
    net_tls_unref(server_tls);
    net_tls_unref(client_tls);
    net_loop_free(loop);
    return 0;
}

#define TCP_TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TCP_TEST(eight_megabytes_arrive_whole_both_ways),
        TCP_TEST(small_pieces_keep_their_order_when_the_peer_is_slow),
        TCP_TEST(tls_carries_the_same),
        TCP_TEST(an_auto_port_takes_tls),
        TCP_TEST(an_auto_port_takes_plain),
        TCP_TEST(a_name_that_does_not_match_the_certificate_is_refused),
        TCP_TEST(connecting_to_a_closed_port_says_so),
        TCP_TEST(abort_reports_its_reason_once),
        TCP_TEST(fan_out_falls_back_to_the_queue_when_the_socket_is_full),
        TCP_TEST(fan_out_through_io_uring_does_the_same),
        TCP_TEST(output_beyond_the_limit_of_all_cuts_who_does_not_read),
        TCP_TEST(output_within_the_limit_of_all_waits_for_its_reader),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
