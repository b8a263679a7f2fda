/* HTTP long-polling: one GET waits for packets, POSTs bring them. Packets of one loop turn leave in
 * one answer, as far as clients take that many. */
#include "base/err.h"
#include "base/json_write.h"
#include "base/mem.h"
#include "base/utf8.h"
#include "eio/internal.h"

#include <stdlib.h>

/* python-engineio refuses a payload of more packets. */
enum { MAX_PACKETS = 16 };

static void flush(void *arg);

static void on_close_timeout(void *arg)
{
    struct eio_session *s = arg;
    eio_session_end(s, "transport close");
}

void eio_polling_start(struct eio_session *s)
{
    struct eio_polling *p = BX_NEW(struct eio_polling);
    p->session = s;
    net_flush_hook_init(&p->flush, flush, p);
    net_timer_init(&p->upgrade_timer, NULL, p);
    net_timer_init(&p->noop_timer, NULL, p);
    net_timer_init(&p->close_timer, on_close_timeout, s);
    s->polling = p;
}

/* --- answers --- */

static void add_common_headers(struct http_exchange *x)
{
    struct bx_str agent = http_header_get(http_exchange_request(x), BX_STR("user-agent"));
    bool is_ie = agent.ptr && (memmem(agent.ptr, agent.len, ";MSIE", 5) ||
                               memmem(agent.ptr, agent.len, "Trident/", 8));
    if (is_ie)
        http_add_header(x, "X-XSS-Protection", BX_STR("0"));
    http_add_header(x, "Cache-Control", BX_STR("no-store"));
}

/* ___eio[N]("…"); with the line separators escaped that JavaScript strings once could not hold. */
static int wrap_jsonp(const char *number, struct bx_buf *payload)
{
    struct bx_buf js, escaped;
    bx_buf_init(&js, 0);
    bx_buf_init(&escaped, 0);
    int rc = bx_json_escape(&escaped, bx_buf_view(payload));
    if (rc == BX_OK)
        rc = bx_buf_printf(&js, "___eio[%s](", number);
    for (size_t i = 0; i < escaped.len && rc == BX_OK; i++) {
        const uint8_t *c = escaped.data + i;
        if (escaped.len - i >= 3 && c[0] == 0xe2 && c[1] == 0x80 &&
            (c[2] == 0xa8 || c[2] == 0xa9)) {
            rc = bx_buf_printf(&js, "\\u20%02x", c[2] - 0x80);
            i += 2;
        } else {
            rc = bx_buf_byte(&js, *c);
        }
    }
    if (rc == BX_OK)
        rc = bx_buf_lit(&js, ");");
    bx_buf_done(payload);
    bx_buf_done(&escaped);
    *payload = js;
    return rc;
}

/* Answers an exchange with packets. */
static void answer(struct eio_session *s, struct http_exchange *x,
                   struct eio_packet *const *packets, size_t count)
{
    struct eio_polling *p = s->polling;
    struct bx_buf payload;
    bool is_binary;
    const char *type = "text/plain; charset=UTF-8";
    bx_buf_init(&payload, 0);
    int rc = eio_payload_encode(s->protocol, !s->is_b64 && !p->jsonp[0], packets, count, &payload,
                                &is_binary);
    if (rc == BX_OK && p->jsonp[0]) {
        rc = wrap_jsonp(p->jsonp, &payload);
        type = "text/javascript; charset=UTF-8";
    } else if (is_binary) {
        type = "application/octet-stream";
    }
    add_common_headers(x);
    http_respond(x, rc == BX_OK ? 200 : 503, type, bx_buf_view(&payload));
    bx_buf_done(&payload);
}

static void answer_one(struct eio_session *s, struct http_exchange *x, enum eio_type type)
{
    struct eio_packet *p = eio_packet_new(type, false, BX_STR(""), BX_STR(""));
    p->is_compress = false;
    answer(s, x, &p, 1);
    eio_packet_unref(p);
}

static size_t queue_cost(const struct eio_packet *packet)
{
    return packet->len + 32;
}

static void queue_clear(struct eio_polling *p)
{
    for (size_t i = 0; i < p->queue_count; i++)
        eio_packet_unref(p->queue[i]);
    free(p->queue);
    p->queue = NULL;
    p->queue_count = p->queue_cap = p->queue_bytes = 0;
}

/* Takes the first packets off the queue. */
static void queue_shift(struct eio_polling *p, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        p->queue_bytes -= queue_cost(p->queue[i]);
        eio_packet_unref(p->queue[i]);
    }
    p->queue_count -= count;
    memmove(p->queue, p->queue + count, p->queue_count * sizeof p->queue[0]);
    if (!p->queue_count)
        queue_clear(p);
}

/* How many packets the next answer carries. The close packet travels alone: clients act on it
 * before they look at what came in the same payload. */
static size_t answer_count(const struct eio_polling *p)
{
    bool is_closing = p->session->state == EIO_STATE_CLOSING && p->queue_count > 1;
    size_t count = is_closing ? p->queue_count - 1 : p->queue_count;
    return count < MAX_PACKETS ? count : MAX_PACKETS;
}

/* End of the turn: what is queued goes out with the GET that waits, the rest with the next one. */
static void flush(void *arg)
{
    struct eio_polling *p = arg;
    struct eio_session *s = p->session;
    if (!p->get || p->queue_count == 0)
        return;
    struct http_exchange *x = p->get;
    size_t count = answer_count(p);
    p->get = NULL;
    answer(s, x, p->queue, count);
    queue_shift(p, count);
    if (s->state == EIO_STATE_CLOSING && p->queue_count == 0)
        eio_session_end(s, "transport close");
}

void eio_polling_noop(struct eio_polling *p)
{
    struct http_exchange *x = p->get;
    if (!x || p->queue_count)
        return; /* what is queued answers it in this very turn */
    p->get = NULL;
    answer_one(p->session, x, EIO_NOOP);
}

void eio_polling_free(struct eio_session *s)
{
    struct eio_polling *p = s->polling;
    struct http_exchange *x = p->get;
    p->get = NULL;
    if (x && p->queue_count) /* what was said before the end still counts */
        answer(s, x, p->queue, answer_count(p));
    else if (x) /* an upgraded session lives on: noop; otherwise it is over */
        answer_one(s, x, s->state == EIO_STATE_OPEN ? EIO_NOOP : EIO_CLOSE);
    s->polling = NULL;
    if (p->post)
        http_exchange_set_arg(p->post, NULL);
    net_flush_hook_disarm(&p->flush);
    net_timer_stop(&p->close_timer);
    eio_websocket_cancel_upgrade(p);
    queue_clear(p);
    net_loop_free_later(s->server->loop, p);
}

static void enqueue(struct eio_session *s, struct eio_packet *packet)
{
    struct eio_polling *p = s->polling;
    if (p->queue_count == p->queue_cap) {
        p->queue_cap = p->queue_cap ? p->queue_cap * 2 : 4;
        p->queue = bx_realloc(p->queue, p->queue_cap, sizeof p->queue[0]);
    }
    p->queue[p->queue_count++] = eio_packet_ref(packet);
    p->queue_bytes += queue_cost(packet);
    net_flush_hook_arm(s->server->loop, &p->flush);
}

void eio_polling_send(struct eio_session *s, struct eio_packet *packet)
{
    enqueue(s, packet);
    eio_session_check_queue(s, s->polling->queue_bytes); /* may end the session */
}

/* The close packet goes behind what is queued; without a GET to carry it the session is dropped
 * after a while. */
void eio_polling_close(struct eio_session *s)
{
    struct eio_polling *p = s->polling;
    struct eio_packet *packet = eio_packet_new(EIO_CLOSE, false, BX_STR(""), BX_STR(""));
    enqueue(s, packet); /* the limit must not end a session that is just closing */
    eio_packet_unref(packet);
    eio_websocket_cancel_upgrade(p);
    net_timer_start(s->server->loop, &p->close_timer, s->server->opts.close_timeout_ms);
}

/* --- GET --- */

static void on_get_abort(struct http_exchange *x, void *arg)
{
    struct eio_session *s = arg;
    if (!s->polling || s->polling->get != x)
        return;
    s->polling->get = NULL;
    eio_session_end(s, "transport error");
}

/* Scripts of other origins can read a JSONP answer: only clients of protocol 3 get one, where the
 * host allows them. Protocol 4 has no JSONP. */
static void take_jsonp(struct eio_session *s, struct http_exchange *x)
{
    struct eio_polling *p = s->polling;
    struct bx_str j;
    p->jsonp[0] = '\0';
    if (s->protocol != 3 || !eio_query_get(x, BX_STR("j"), &j))
        return;
    size_t n = 0;
    for (size_t i = 0; i < j.len && n + 1 < sizeof p->jsonp; i++) {
        if (j.ptr[i] >= '0' && j.ptr[i] <= '9')
            p->jsonp[n++] = j.ptr[i];
    }
    p->jsonp[n] = '\0';
}

static void refuse(struct http_exchange *x, int status)
{
    http_respond(x, status, "text/plain; charset=UTF-8", BX_STR(""));
}

void eio_polling_on_get(struct eio_session *s, struct http_exchange *x)
{
    struct eio_polling *p = s->polling;
    if (p->get) { /* one GET at a time */
        refuse(x, 400);
        eio_session_end(s, "transport error");
        return;
    }
    p->get = x;
    take_jsonp(s, x);
    http_exchange_on_abort(x, on_get_abort, s);
    net_flush_hook_arm(s->server->loop, &p->flush);
}

/* --- POST --- */

static void on_post_abort(struct http_exchange *x, void *arg)
{
    struct eio_session *s = arg;
    if (http_exchange_arg(x) != s || !s->polling || s->polling->post != x)
        return;
    s->polling->post = NULL;
    eio_session_end(s, "transport error");
}

void eio_polling_on_post_head(struct eio_session *s, struct http_exchange *x)
{
    struct eio_polling *p = s->polling;
    if (p->post) {                         /* one POST at a time */
        eio_server_add_cors(s->server, x); /* the head of a request is before cors_apply */
        refuse(x, 400);
        eio_session_end(s, "transport error");
        return;
    }
    p->post = x;
    http_exchange_set_arg(x, s);
    http_exchange_on_abort(x, on_post_abort, s);
}

/* The body is larger than maxPayload: that request fails, the session goes on. */
void eio_polling_on_post_too_large(struct eio_session *s, struct http_exchange *x)
{
    if (s->polling->post == x) {
        s->polling->post = NULL;
        http_exchange_set_arg(x, NULL);
    }
    refuse(x, 413);
}

/* JSONP posts a form: d=<payload> with "\n" doubled. */
static int form_payload(struct bx_str body, struct bx_arena *arena, struct bx_str *out)
{
    struct bx_str raw, text;
    if (!http_query_get(body, BX_STR("d"), &raw) || http_url_decode(arena, raw, true, &text) < 0)
        return BX_E_INVALID;
    char *plain = bx_arena_try_alloc(arena, text.len + 1);
    if (!plain)
        return BX_E_TOO_BIG;
    size_t n = 0;
    for (size_t i = 0; i < text.len; i++) {
        bool is_newline = text.ptr[i] == '\\' && i + 1 < text.len && text.ptr[i + 1] == 'n' &&
                          (i == 0 || text.ptr[i - 1] != '\\');
        bool is_doubled = text.ptr[i] == '\\' && i + 2 < text.len && text.ptr[i + 1] == '\\' &&
                          text.ptr[i + 2] == 'n';
        if (is_newline) {
            plain[n++] = '\n';
            i++;
        } else if (is_doubled) {
            plain[n++] = '\\';
            i++;
        } else {
            plain[n++] = text.ptr[i];
        }
    }
    *out = bx_str_n(plain, n);
    return BX_OK;
}

static void deliver(struct eio_session *s, bool is_binary, struct bx_str body,
                    struct bx_arena *arena)
{
    struct eio_incoming in;
    int rc = BX_E_INVALID;
    bool is_v3 = s->protocol == 3;
    if (body.len)
        rc = is_binary || bx_utf8_is_valid(body) ? 1 : BX_E_INVALID;
    while (rc > 0 && s->state != EIO_STATE_CLOSED && s->polling) {
        rc = eio_payload_next(is_v3 ? 3 : 4, is_binary, &body, arena, &in);
        if (rc > 0)
            eio_session_on_packet(s, &in);
    }
    if (rc < 0 && s->state == EIO_STATE_OPEN)
        eio_session_fail(s, "parse error");
}

void eio_polling_on_post(struct eio_session *s, struct http_exchange *x)
{
    const struct http_request *r = http_exchange_request(x);
    struct bx_str type = http_header_get(r, BX_STR("content-type"));
    bool is_binary = bx_str_is(type, "application/octet-stream");
    if (s->polling->post == x) {
        s->polling->post = NULL;
        http_exchange_set_arg(x, NULL);
    }
    if (is_binary && s->protocol == 4) {
        refuse(x, 400);
        eio_session_end(s, "transport error");
        return;
    }
    struct bx_arena arena;
    struct bx_str body = r->body, j;
    int rc = BX_OK;
    bx_arena_init(&arena, r->body.len * 4 + 4096);
    if (eio_query_get(x, BX_STR("j"), &j))
        rc = form_payload(r->body, &arena, &body);
    /* the body is copied: answering frees the exchange, and handlers may send and close meanwhile
     */
    body =
        rc == BX_OK ? bx_str_n(bx_arena_strndup(&arena, body.ptr, body.len), body.len) : BX_STR("");
    add_common_headers(x);
    http_respond(x, 200, "text/html", BX_STR("ok"));
    deliver(s, is_binary, body, &arena);
    bx_arena_done(&arena);
}
