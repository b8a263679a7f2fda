/* Every way a session ends, in every state of an upgrade, with every timer due afterwards: what is
 * freed must not be called. The server runs in the test's own loop, turn by turn, so that the
 * client's steps and the server's interleave; a run under AddressSanitizer is the judge of memory,
 * the counts below are the judge of callbacks. */
#include "base/clock.h"
#include "base/mem.h"
#include "base/test.h"
#include "eio/eio.h"
#include "net/internal.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_PAYLOAD = 4096, SEND_QUEUE = 64 << 10, PATIENCE_MS = 10000, MANY = 40 };

static struct net_loop *loop;
static struct http_server *http;
static struct eio_server *eio;
static uint16_t port;
static int opened, closed;

/* --- the server --- */

static void on_open(struct eio_session *s, void *arg)
{
    (void)s, (void)arg;
    opened++;
}

static void overflow(struct eio_session *s)
{
    static char text[SEND_QUEUE];
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 3; i++) {
        struct eio_packet *p =
            eio_packet_new(EIO_MESSAGE, false, bx_str_n(text, sizeof text), BX_STR(""));
        eio_session_send(s, p);
        eio_packet_unref(p);
    }
}

/* More packets than one polling answer may hold, numbered. */
static void speak_at_length(struct eio_session *s)
{
    for (int i = 0; i < MANY; i++) {
        char text[16];
        int n = snprintf(text, sizeof text, "<%d>", i);
        struct eio_packet *p =
            eio_packet_new(EIO_MESSAGE, false, bx_str_n(text, (size_t)n), BX_STR(""));
        eio_session_send(s, p);
        eio_packet_unref(p);
    }
}

static void on_message(struct eio_session *s, bool is_binary, uint8_t *data, size_t len, void *arg)
{
    struct bx_str text = bx_str_n(data, len);
    (void)is_binary, (void)arg;
    if (bx_str_is(text, "kick"))
        eio_session_close(s, NULL);
    else if (bx_str_is(text, "overflow"))
        overflow(s);
    else if (bx_str_is(text, "at length"))
        speak_at_length(s);
}

static void on_close(struct eio_session *s, const char *reason, void *arg)
{
    (void)reason, (void)arg;
    overflow(s); /* what an application says to a closed session goes nowhere */
    closed++;
}

static const struct eio_handler handler = {
    .on_open = on_open, .on_message = on_message, .on_close = on_close};

static void on_head(struct http_exchange *x, size_t *out_max_body, void *arg)
{
    (void)arg;
    eio_server_on_head(eio, x, out_max_body);
}

static void on_request(struct http_exchange *x, void *arg)
{
    (void)arg;
    eio_server_on_request(eio, x);
}

static void on_too_large(struct http_exchange *x, void *arg)
{
    (void)arg;
    eio_server_on_too_large(eio, x);
}

static const struct http_handler http_handler = {
    .on_head = on_head, .on_request = on_request, .on_too_large = on_too_large};

static void server_open(const struct eio_opts *opts)
{
    struct net_listener_opts l = {.host = "127.0.0.1"};
    opened = closed = 0;
    assert_rc(net_loop_new(&loop), BX_OK);
    assert_rc(eio_server_new(loop, opts, &handler, NULL, &eio), BX_OK);
    assert_rc(http_server_new(loop, &(struct http_server_opts){0}, &http_handler, NULL, &http),
              BX_OK);
    assert_rc(http_server_listen(http, &l, &port), BX_OK);
}

static void stop(void *arg)
{
    net_loop_stop(arg);
}

/* Runs the loop for some turns. */
static void pump(uint64_t ms)
{
    struct net_timer timer;
    net_timer_init(&timer, stop, loop);
    net_timer_start(loop, &timer, ms);
    net_loop_run(loop);
    net_timer_stop(&timer);
}

static void server_close(void)
{
    eio_server_stop(eio);
    eio_server_each(eio, eio_session_abandon, NULL);
    assert_int_equal(eio_server_count(eio), 0);
    eio_server_free(eio); /* connections that finish their closing handshake outlive it */
    http_server_free(http);
    net_loop_run(loop); /* until nothing is left */
    net_loop_free(loop);
    assert_int_equal(opened, closed);
}

/* --- the client --- */

struct client {
    char sid[EIO_SID_LEN + 1];
    int get, post, ws; /* -1: not open */
};

static int dial(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port)};
    a.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    return fd;
}

static void hang_up(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

/* Waits until `text` has come, or the connection has ended. */
static bool hear(int fd, const char *text, char *reply, size_t size)
{
    uint64_t until = bx_mono_ms() + PATIENCE_MS;
    size_t len = 0;
    reply[0] = '\0';
    while (bx_mono_ms() < until && len + 1 < size) {
        ssize_t n = recv(fd, reply + len, size - 1 - len, MSG_DONTWAIT);
        if (n == 0)
            break;
        len += n > 0 ? (size_t)n : 0;
        for (size_t i = 0; i < len; i++) /* frames hold NULs */
            reply[i] = reply[i] ? reply[i] : ' ';
        reply[len] = '\0';
        if (strstr(reply, text))
            return true;
        pump(1);
    }
    return false;
}

static void say(int fd, const void *data, size_t len)
{
    if (fd >= 0 && send(fd, data, len, MSG_NOSIGNAL) < 0)
        return; /* the server has closed it already */
}

static void request(int fd, const struct client *c, const char *method, const char *headers,
                    const char *body)
{
    char text[8192];
    int n = snprintf(text, sizeof text,
                     "%s /?EIO=4&transport=polling&sid=%s HTTP/1.1\r\nHost: a\r\n%s\r\n%s", method,
                     c->sid, headers, body);
    say(fd, text, (size_t)n);
}

static void post(struct client *c, const char *body, size_t promised)
{
    char headers[64];
    hang_up(&c->post);
    c->post = dial();
    snprintf(headers, sizeof headers, "Content-Length: %zu\r\n", promised);
    request(c->post, c, "POST", headers, body);
}

static void get(struct client *c)
{
    hang_up(&c->get);
    c->get = dial();
    request(c->get, c, "GET", "", "");
}

/* A masked text frame, mask 0. */
static void frame(struct client *c, const char *text)
{
    uint8_t out[128] = {0x81, (uint8_t)(0x80 | strlen(text))};
    memcpy(out + 6, text, strlen(text));
    say(c->ws, out, 6 + strlen(text));
}

static void handshake(struct client *c)
{
    static const char hello[] = "GET /?EIO=4&transport=polling HTTP/1.1\r\nHost: a\r\n\r\n";
    char reply[1024];
    *c = (struct client){.get = dial(), .post = -1, .ws = -1};
    say(c->get, hello, sizeof hello - 1);
    assert_true(hear(c->get, "maxPayload", reply, sizeof reply));
    memcpy(c->sid, strstr(reply, "\"sid\":\"") + 7, EIO_SID_LEN);
    hang_up(&c->get);
}

static void upgrade(struct client *c)
{
    char text[512], reply[1024];
    int n = snprintf(text, sizeof text,
                     "GET /?EIO=4&transport=websocket&sid=%s HTTP/1.1\r\nHost: a\r\n"
                     "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                     "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n",
                     c->sid);
    c->ws = dial();
    say(c->ws, text, (size_t)n);
    hear(c->ws, "\r\n\r\n", reply, sizeof reply);
}

static void probe(struct client *c)
{
    char reply[256];
    upgrade(c);
    frame(c, "2probe");
    hear(c->ws, "3probe", reply, sizeof reply);
}

/* --- states of an upgrade --- */

static void enter_polling(struct client *c)
{
    (void)c;
}

static void enter_opened_get(struct client *c)
{
    get(c);
    upgrade(c);
}

static void enter_probed_get(struct client *c)
{
    probe(c);
    get(c);
}

static void enter_probed_post(struct client *c)
{
    probe(c);
    post(c, "4half", 20);
    pump(2);
}

static void enter_upgraded(struct client *c)
{
    probe(c);
    frame(c, "5");
    pump(2);
}

static const struct {
    const char *why;
    void (*enter)(struct client *c);
} states[] = {
    {"polling, nothing waits", enter_polling},
    {"polling, a GET waits", get},
    {"the WebSocket is open and has not probed", upgrade},
    {"the same, and a GET waits", enter_opened_get},
    {"probed", probe},
    {"probed, and a GET waits", enter_probed_get},
    {"probed, and a POST is being read", enter_probed_post},
    {"upgraded", enter_upgraded},
};

/* --- ways to end --- */

static void close_one(struct eio_session *s, void *arg)
{
    const struct client *c = arg;
    if (bx_str_eq(eio_session_sid(s), bx_str(c->sid)))
        eio_session_close(s, "server shutting down");
}

static void fail_one(struct eio_session *s, void *arg)
{
    const struct client *c = arg;
    if (bx_str_eq(eio_session_sid(s), bx_str(c->sid)))
        eio_session_fail(s, "parse error");
}

static void abandon_one(struct eio_session *s, void *arg)
{
    const struct client *c = arg;
    if (bx_str_eq(eio_session_sid(s), bx_str(c->sid)))
        eio_session_abandon(s, NULL);
}

static void end_closed(struct client *c)
{
    eio_server_each(eio, close_one, c);
}

static void end_failed(struct client *c)
{
    eio_server_each(eio, fail_one, c);
}

static void end_abandoned(struct client *c)
{
    eio_server_each(eio, abandon_one, c);
}

static void end_closed_and_fetched(struct client *c)
{
    eio_server_each(eio, close_one, c);
    pump(2);
    get(c);
}

static void end_closed_and_left(struct client *c)
{
    eio_server_each(eio, close_one, c);
    post(c, "1", 1);
}

static void end_closed_and_ws_gone(struct client *c)
{
    eio_server_each(eio, close_one, c);
    hang_up(&c->ws);
}

static void end_closed_and_probing(struct client *c)
{
    eio_server_each(eio, close_one, c);
    frame(c, "2probe");
    frame(c, "5");
}

static void end_kicked(struct client *c)
{
    post(c, "4kick", 5);
    frame(c, "4kick");
}

static void end_overflowing(struct client *c)
{
    post(c, "4overflow", 9);
    frame(c, "4overflow");
}

static void end_left(struct client *c)
{
    post(c, "1", 1);
    frame(c, "1");
}

static void end_parse_error(struct client *c)
{
    post(c, "9nonsense", 9);
    frame(c, "9nonsense");
}

static void end_two_gets(struct client *c)
{
    int first = c->get;
    c->get = -1;
    get(c);
    hang_up(&first);
    request(c->get, c, "GET", "", "");
}

static void end_two_posts(struct client *c)
{
    int first;
    post(c, "4half", 20);
    pump(2);
    first = c->post;
    c->post = -1;
    post(c, "4half", 20);
    pump(2);
    hang_up(&first);
}

static void end_get_gone(struct client *c)
{
    hang_up(&c->get);
}

static void end_post_gone(struct client *c)
{
    hang_up(&c->post);
}

static void end_post_too_large(struct client *c)
{
    post(c, "4", MAX_PAYLOAD + 1);
}

static void end_ws_gone(struct client *c)
{
    hang_up(&c->ws);
}

static void end_second_upgrade(struct client *c)
{
    int first = c->ws;
    upgrade(c);
    hang_up(&first);
}

static void end_silent(struct client *c)
{
    (void)c;
}

static const struct {
    const char *why;
    void (*end)(struct client *c);
} ends[] = {
    {"closed by the server", end_closed},
    {"failed by the server", end_failed},
    {"abandoned by the server", end_abandoned},
    {"closed by the server and fetched", end_closed_and_fetched},
    {"closed by the server, then by the client", end_closed_and_left},
    {"closed by the server, then the WebSocket breaks", end_closed_and_ws_gone},
    {"closed by the server while the client goes on probing", end_closed_and_probing},
    {"closed inside of its own message", end_kicked},
    {"more is queued than may be", end_overflowing},
    {"closed by the client", end_left},
    {"a packet that is none", end_parse_error},
    {"two GETs at a time", end_two_gets},
    {"two POSTs at a time", end_two_posts},
    {"the GET's connection breaks", end_get_gone},
    {"the POST's connection breaks", end_post_gone},
    {"a POST that is too large", end_post_too_large},
    {"the WebSocket's connection breaks", end_ws_gone},
    {"a second upgrade", end_second_upgrade},
    {"the client falls silent", end_silent},
};

/* --- timers: which of them come due behind the end --- */

enum { SOON = 150, LATER = 60000 };

static const struct {
    const char *why;
    uint32_t ping_interval_ms, ping_timeout_ms, upgrade_timeout_ms, close_timeout_ms;
} timers[] = {
    {"heartbeat", SOON, SOON, LATER, LATER},
    {"upgrade", LATER, LATER, SOON, LATER},
    {"close", LATER, LATER, LATER, SOON},
    {"all", SOON, SOON, SOON, SOON},
};

static struct eio_opts opts_of(size_t t)
{
    return (struct eio_opts){
        .allow_polling = true,
        .allow_websocket = true,
        .allow_upgrades = true,
        .ping_interval_ms = timers[t].ping_interval_ms,
        .ping_timeout_ms = timers[t].ping_timeout_ms,
        .upgrade_timeout_ms = timers[t].upgrade_timeout_ms,
        .close_timeout_ms = timers[t].close_timeout_ms,
        .max_payload_bytes = MAX_PAYLOAD,
        .max_send_queue_bytes = SEND_QUEUE,
    };
}

static void walk(size_t t)
{
    struct client clients[BX_LEN(ends)];
    for (size_t s = 0; s < BX_LEN(states); s++) {
        struct eio_opts opts = opts_of(t);
        server_open(&opts);
        for (size_t e = 0; e < BX_LEN(ends); e++) {
            handshake(&clients[e]);
            states[s].enter(&clients[e]);
            ends[e].end(&clients[e]);
        }
        pump(3 * SOON); /* everything that was set to be soon has come due, the noops too */
        uint64_t until = bx_mono_ms() + PATIENCE_MS;
        while (timers[t].ping_interval_ms == SOON && timers[t].close_timeout_ms == SOON &&
               eio_server_count(eio) && bx_mono_ms() < until)
            pump(SOON);
        if (timers[t].ping_interval_ms == SOON && timers[t].close_timeout_ms == SOON)
            assert_why(eio_server_count(eio) == 0, states[s].why);
        for (size_t e = 0; e < BX_LEN(ends); e++) {
            hang_up(&clients[e].get);
            hang_up(&clients[e].post);
            hang_up(&clients[e].ws);
        }
        assert_int_equal(opened, BX_LEN(ends));
        server_close();
    }
}

TEST(no_heartbeat_comes_after_the_end)
{
    walk(0);
}

TEST(no_upgrade_timeout_comes_after_the_end)
{
    walk(1);
}

TEST(no_close_timeout_comes_after_the_end)
{
    walk(2);
}

TEST(sessions_end_by_themselves_whatever_they_waited_for)
{
    walk(3);
}

/* Other clients refuse a payload of more than 16 packets. Gives how many came, in their order. */
static int fetch_some(struct client *c, int next)
{
    char reply[4096], last[16];
    int count = 0;
    get(c);
    snprintf(last, sizeof last, "<%d>", next);
    assert_true(hear(c->get, last, reply, sizeof reply));
    for (const char *at = strstr(reply, "4<"); at; at = strstr(at + 1, "4<")) {
        assert_int_equal(atoi(at + 2), next + count);
        count++;
    }
    return count;
}

TEST(an_answer_holds_sixteen_packets_and_the_rest_comes_with_the_next_get)
{
    struct eio_opts opts = opts_of(1);
    struct client c;
    server_open(&opts);
    handshake(&c);
    post(&c, "4at length", 10);
    pump(20);
    assert_int_equal(fetch_some(&c, 0), 16);
    assert_int_equal(fetch_some(&c, 16), 16);
    assert_int_equal(fetch_some(&c, 32), MANY - 32);
    hang_up(&c.get);
    hang_up(&c.post);
    server_close();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_holds_sixteen_packets_and_the_rest_comes_with_the_next_get),
        cmocka_unit_test(no_heartbeat_comes_after_the_end),
        cmocka_unit_test(no_upgrade_timeout_comes_after_the_end),
        cmocka_unit_test(no_close_timeout_comes_after_the_end),
        cmocka_unit_test(sessions_end_by_themselves_whatever_they_waited_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
