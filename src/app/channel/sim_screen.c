#include "app/channel/sim_screen.h"
#include "app/numbers/line.h"

#include "base/mem.h"
#include "net/tcp.h"
#include "net/ws/ws_handshake.h"

#include <stdlib.h>

enum { TIMEOUT_MS = 3000, REQUEST_MAX = 4096 };

struct show {
    struct bx_buf request;
};

static void show_free(struct show *s)
{
    bx_buf_done(&s->request);
    free(s);
}

/* Any answer will do. */
static void on_data(struct net_tcp *c, uint8_t *data, size_t len, void *arg)
{
    (void)data, (void)len, (void)arg;
    net_tcp_close(c);
}

static void on_closed(struct net_tcp *c, int rc, void *arg)
{
    (void)c, (void)rc;
    show_free(arg);
}

static const struct net_tcp_handler handler = {.on_data = on_data, .on_closed = on_closed};

static void on_connected(struct net_tcp *c, int rc, void *arg)
{
    struct show *s = arg;
    if (rc < 0)
        show_free(s);
    else
        net_tcp_write(c, s->request.data, s->request.len);
}

static void url_encode(struct bx_buf *out, struct bx_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = (uint8_t)text.ptr[i];
        bool is_plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        bx_buf_printf(out, is_plain ? "%c" : "%%%02X", c);
    }
}

void wb_sim_screen_show(struct wb_line *line, const char *url, struct bx_str qr)
{
    struct ws_url at;
    if (ws_url_parse(url, &at) < 0)
        return;
    struct show *s = BX_NEW(struct show);
    struct bx_buf *r = &s->request;
    bx_buf_init(r, REQUEST_MAX);
    bx_buf_printf(r, "POST /admin/mock-phone/show-qr?phone=%s&pushName=", line->phone);
    url_encode(r, bx_str(line->name));
    bx_buf_printf(r,
                  " HTTP/1.1\r\nHost: %s\r\nContent-Type: text/plain\r\nContent-Length: %zu\r\n"
                  "Connection: close\r\n\r\n%.*s",
                  at.authority, qr.len, BX_STR_ARG(qr));
    struct net_tcp *tcp;
    struct net_tcp_connect_opts to = {.host = at.host, .port = at.port, .timeout_ms = TIMEOUT_MS};
    if (net_tcp_connect(line->app->loop, &to, &handler, on_connected, s, &tcp) < 0)
        show_free(s);
    ws_url_done(&at);
}
