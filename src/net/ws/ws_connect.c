/* The client's way to an open connection: TCP (and TLS), request, answer. The state lives in an
 * object of its own that goes when the handshake is through. */
#include "base/base64.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "net/ws/ws_internal.h"

#include <stdlib.h>

enum { DEFAULT_TIMEOUT_MS = 20000, MAX_HEAD = 16 << 10 };

struct ws_client {
    struct net_loop *loop;
    struct net_timer timer; /* the whole handshake */
    void (*on_open)(struct ws_conn *ws, int rc, void *arg);
    struct ws_opts opts;
    struct ws_deflate_config config;
    struct ws_url url;
    char *extra_headers;
    char key[WS_KEY_SIZE];
    struct bx_buf head; /* of the answer */
    int rc;             /* why it failed */
    bool is_cancelled;
    bool is_connected; /* TCP stands: on_tcp_closed is owed */
};

static void client_free(struct ws_conn *ws)
{
    struct ws_client *c = ws->client;
    ws->client = NULL;
    net_timer_stop(&c->timer);
    ws_url_done(&c->url);
    free(c->extra_headers);
    bx_buf_done(&c->head);
    free(c);
}

/* The attempt is over; there is no socket any more. */
static void give_up(struct ws_conn *ws, int rc)
{
    struct ws_client *c = ws->client;
    struct net_loop *loop = c->loop;
    void (*on_open)(struct ws_conn *, int, void *) = c->is_cancelled ? NULL : c->on_open;
    client_free(ws);
    ws_conn_free_later(ws, loop);
    if (on_open) {
        ws_metric_add(WS_M_CONNECT_FAILURES, 1);
        on_open(ws, rc, ws->arg);
    }
}

/* Ends an attempt whose socket stands; give_up follows from on_handshake_closed. */
static void fail(struct ws_conn *ws, int rc)
{
    ws->client->rc = rc;
    net_timer_stop(&ws->client->timer);
    net_tcp_abort(ws->tcp, rc);
}

void ws_client_cancel(struct ws_conn *ws)
{
    struct ws_client *c = ws->client;
    if (c->is_cancelled)
        return;
    c->is_cancelled = true;
    net_tcp_abort(ws->tcp, BX_E_CLOSED);
    if (!c->is_connected)
        give_up(ws, BX_E_CLOSED);
}

static void open_now(struct ws_conn *ws, const struct ws_deflate_params *params, uint8_t *rest,
                     size_t rest_len)
{
    struct ws_client *c = ws->client;
    void (*on_open)(struct ws_conn *, int, void *) = c->on_open;
    ws_conn_open(ws, &c->opts, true, params);
    net_tcp_set_handler(ws->tcp, &ws_tcp_handler, ws);
    client_free(ws);
    on_open(ws, BX_OK, ws->arg);
    if (rest_len)
        ws_conn_feed(ws, rest, rest_len);
}

/* Offset behind the empty line, 0 while it is not there. */
static size_t head_end(const struct bx_buf *head)
{
    const uint8_t *at = head->len ? memmem(head->data, head->len, "\r\n\r\n", 4) : NULL;
    return at ? (size_t)(at - head->data) + 4 : 0;
}

static void on_handshake_data(struct net_tcp *tcp, uint8_t *data, size_t len, void *arg)
{
    struct ws_conn *ws = arg;
    struct ws_client *c = ws->client;
    struct ws_deflate_params params;
    bool is_deflate;
    (void)tcp;
    if (c->is_cancelled || c->rc < 0)
        return;
    size_t had = c->head.len, take = len < MAX_HEAD - had ? len : MAX_HEAD - had;
    int rc = bx_buf_append(&c->head, data, take);
    size_t end = rc < 0 ? 0 : head_end(&c->head);
    if (rc < 0 || (end == 0 && c->head.len == MAX_HEAD)) {
        fail(ws, rc < 0 ? rc : BX_E_TOO_BIG);
        return;
    }
    if (end == 0)
        return;
    rc = ws_answer_check(bx_str_n(c->head.data, end), c->key, c->extra_headers,
                         c->opts.is_deflate ? &c->config : NULL, &params, &is_deflate);
    if (rc < 0)
        fail(ws, rc);
    else
        open_now(ws, is_deflate ? &params : NULL, data + (end - had), len - (end - had));
}

static void on_handshake_closed(struct net_tcp *tcp, int rc, void *arg)
{
    struct ws_conn *ws = arg;
    (void)tcp;
    give_up(ws, ws->client->rc < 0 ? ws->client->rc : rc < 0 ? rc : BX_E_CLOSED);
}

static const struct net_tcp_handler handshake_handler = {.on_data = on_handshake_data,
                                                         .on_closed = on_handshake_closed};

static void on_connected(struct net_tcp *tcp, int rc, void *arg)
{
    struct ws_conn *ws = arg;
    struct ws_client *c = ws->client;
    struct bx_buf request;
    if (rc < 0) {
        give_up(ws, rc);
        return;
    }
    c->is_connected = true;
    bx_buf_init(&request, 0);
    ws_request_write(&c->url, c->key, c->extra_headers, c->opts.is_deflate ? &c->config : NULL,
                     &request);
    net_tcp_write(tcp, request.data, request.len);
    bx_buf_done(&request);
}

static void on_timeout(void *arg)
{
    struct ws_conn *ws = arg;
    if (ws->client->is_connected) {
        fail(ws, BX_E_TIMEOUT);
    } else {
        net_tcp_abort(ws->tcp, BX_E_TIMEOUT);
        give_up(ws, BX_E_TIMEOUT);
    }
}

static struct ws_client *client_new(struct net_loop *loop, const struct ws_connect_opts *opts,
                                    struct ws_conn *ws, struct ws_url url)
{
    uint8_t random[16];
    struct ws_client *c = BX_NEW(struct ws_client);
    c->loop = loop;
    c->opts = opts->ws;
    c->config = ws_deflate_config_of(&opts->ws);
    c->url = url;
    if (opts->extra_headers)
        c->extra_headers = bx_strndup(opts->extra_headers, strlen(opts->extra_headers));
    bx_random(random, sizeof random);
    bx_base64_encode(BX_BASE64_STD, random, sizeof random, c->key);
    bx_buf_init(&c->head, MAX_HEAD);
    net_timer_init(&c->timer, on_timeout, ws);
    return c;
}

int ws_connect(struct net_loop *loop, const struct ws_connect_opts *opts,
               const struct ws_handler *handler,
               void (*on_open)(struct ws_conn *ws, int rc, void *arg), void *arg,
               struct ws_conn **out)
{
    struct net_tls_ctx *own_tls = NULL;
    struct ws_url url;
    int rc = ws_url_parse(opts->url, &url);
    if (rc < 0)
        return rc;
    if (url.is_tls && !opts->tls && (rc = net_tls_client_new(NULL, false, &own_tls)) < 0) {
        ws_url_done(&url);
        return rc;
    }
    struct ws_conn *ws = ws_conn_new(&opts->ws, handler, arg);
    ws->client = client_new(loop, opts, ws, url);
    ws->client->on_open = on_open;
    uint32_t timeout_ms = opts->timeout_ms ? opts->timeout_ms : DEFAULT_TIMEOUT_MS;
    struct net_tcp_connect_opts to = {.host = ws->client->url.host,
                                      .port = ws->client->url.port,
                                      .tls = !url.is_tls ? NULL
                                             : opts->tls ? opts->tls
                                                         : own_tls,
                                      .timeout_ms = timeout_ms + 1000}; /* our timer is first */
    rc = net_tcp_connect(loop, &to, &handshake_handler, on_connected, ws, &ws->tcp);
    if (own_tls)
        net_tls_unref(own_tls);
    if (rc < 0) {
        client_free(ws);
        free(ws);
        return rc;
    }
    net_timer_start(loop, &ws->client->timer, timeout_ms);
    *out = ws;
    return BX_OK;
}
