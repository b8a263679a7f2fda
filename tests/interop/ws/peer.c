/* A WebSocket echo in either role, for interop.test.mjs with npm's ws on the other side.
 *
 *   ws_peer serve   [option=value ...]    prints "ready PORT TLSPORT"
 *   ws_peer connect URL [option=value ...] prints "open" or "failed RC"
 *
 * Both echo each message. Each end of a connection is a line "closed CODE REASON". A text "close
 * CODE REASON" closes instead of being echoed.
 */
#include "base/err.h"
#include "base/mem.h"
#include "net/loop.h"
#include "net/tls.h"
#include "net/ws/ws_conn.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

static struct net_loop *loop;
static struct ws_opts opts = {.max_message_bytes = 32 << 20, .deflate_threshold = 1};
static bool is_client;

static void say(const char *what, long number, struct bx_str text)
{
    printf("%s %ld %.*s\n", what, number, (int)text.len, text.len ? text.ptr : "");
    fflush(stdout);
}

static void on_message(struct ws_conn *ws, bool is_binary, uint8_t *data, size_t len, void *arg)
{
    struct bx_str text = bx_str_n(data, len), word, code;
    uint64_t number;
    (void)arg;
    if (is_binary || !bx_str_starts(text, BX_STR("close "))) {
        ws_send(ws, is_binary, data, len, true);
        return;
    }
    bx_str_split(&text, ' ', &word);
    bx_str_split(&text, ' ', &code);
    if (bx_str_u64(code, UINT16_MAX, &number) == BX_OK)
        ws_close(ws, (uint16_t)number, text);
}

static void on_close(struct ws_conn *ws, uint16_t code, struct bx_str reason, void *arg)
{
    (void)ws, (void)arg;
    say("closed", code, reason);
    if (is_client)
        net_loop_stop(loop);
}

static const struct ws_handler handler = {.on_message = on_message, .on_close = on_close};

static void on_request(struct http_exchange *x, void *arg)
{
    (void)arg;
    if (ws_handshake_check(http_exchange_request(x)) < 0)
        http_respond(x, 400, "text/plain", BX_STR("not a WebSocket handshake"));
    else
        ws_accept(x, &opts, BX_STR(""), true, &handler, NULL);
}

static const struct http_handler http = {.on_request = on_request};

static void on_signal(int signum, void *arg)
{
    (void)signum, (void)arg;
    net_loop_stop(loop);
}

static void on_open(struct ws_conn *ws, int rc, void *arg)
{
    (void)ws, (void)arg;
    say(rc < 0 ? "failed" : "open", rc, BX_STR(""));
    if (rc < 0)
        net_loop_stop(loop);
}

static void parse(int argc, char **argv, int from)
{
    struct {
        const char *name;
        bool *flag;
    } flags[] = {{"deflate", &opts.is_deflate},
                 {"server-takeover", &opts.is_server_takeover},
                 {"client-takeover", &opts.is_client_takeover}};
    for (int i = from; i < argc; i++) {
        for (size_t k = 0; k < BX_LEN(flags); k++) {
            if (strcmp(argv[i], flags[k].name) == 0)
                *flags[k].flag = true;
        }
        if (bx_str_starts(bx_str(argv[i]), BX_STR("window=")))
            opts.deflate_window_bits = (uint8_t)strtoul(argv[i] + 7, NULL, 10);
        if (bx_str_starts(bx_str(argv[i]), BX_STR("max=")))
            opts.max_message_bytes = strtoul(argv[i] + 4, NULL, 10);
    }
}

static int serve(void)
{
    struct http_server *server;
    struct net_tls_ctx *tls;
    uint16_t port, tls_port;
    if (http_server_new(loop, &(struct http_server_opts){0}, &http, NULL, &server) < 0 ||
        net_tls_server_self_signed("localhost,127.0.0.1", &tls) < 0)
        return 1;
    struct net_listener_opts plain = {.host = "127.0.0.1"};
    struct net_listener_opts secure = {.host = "127.0.0.1", .tls_mode = NET_TLS_AUTO, .tls = tls};
    if (http_server_listen(server, &plain, &port) < 0 ||
        http_server_listen(server, &secure, &tls_port) < 0)
        return 1;
    printf("ready %u %u\n", port, tls_port);
    fflush(stdout);
    net_loop_run(loop);
    http_server_free(server);
    net_tls_unref(tls);
    return 0;
}

static int connect_to(const char *url)
{
    struct net_tls_ctx *tls;
    struct ws_conn *ws;
    is_client = true;
    if (net_tls_client_new(NULL, true, &tls) < 0)
        return 1;
    struct ws_connect_opts to = {.url = url, .tls = tls, .timeout_ms = 5000, .ws = opts};
    int rc = ws_connect(loop, &to, &handler, on_open, NULL, &ws);
    if (rc < 0)
        say("failed", rc, BX_STR(""));
    else
        net_loop_run(loop);
    net_tls_unref(tls);
    return 0;
}

int main(int argc, char **argv)
{
    bool is_server = argc > 1 && strcmp(argv[1], "serve") == 0;
    if (!is_server && argc < 3)
        return 2;
    parse(argc, argv, is_server ? 2 : 3);
    if (net_loop_new(&loop) < 0)
        return 1;
    net_loop_on_signal(loop, SIGTERM, on_signal, NULL);
    int rc = is_server ? serve() : connect_to(argv[2]);
    net_loop_free(loop);
    return rc;
}
