/* Answers of many that are waited for: of clients (sio_broadcast_ack) and of other servers
 * (sio_server_side_emit_ack). */
#include "base/err.h"
#include "base/mem.h"
#include "sio/internal.h"

#include <sio/adapter.h>
#include <stdlib.h>

enum { DEFAULT_MS = 5000 };

void sio_collector_unref(struct sio_collector *c)
{
    if (c->users || !c->is_done || c->is_asking)
        return;
    for (size_t i = 0; i < c->count; i++)
        free((void *)(uintptr_t)c->answers[i].ptr);
    free(c->answers);
    free(c);
}

static void collector_finish(struct sio_collector *c, int rc)
{
    struct sio_responses responses = {c->answers, c->count, c->expected};
    if (c->is_done)
        return;
    c->is_done = true;
    net_timer_stop(&c->timer);
    c->on_done(rc, &responses, c->arg);
}

void sio_collector_check(struct sio_collector *c)
{
    if (!c->is_asking && !c->servers_due && c->count >= c->expected)
        collector_finish(c, BX_OK);
}

/* Nobody to ask, or all answered at once: still not before the asking call has returned. */
static void collector_check_later(void *arg)
{
    struct sio_collector *c = arg;
    c->is_asking = false;
    sio_collector_check(c);
    sio_collector_unref(c);
}

static void on_collect_timeout(void *arg)
{
    struct sio_collector *c = arg;
    collector_finish(c, BX_E_TIMEOUT);
    sio_collector_unref(c);
}

void sio_collector_add(struct sio_collector *c, struct sio_str answer)
{
    if (c->is_done)
        return;
    if (c->count == c->cap) {
        c->cap = c->cap ? c->cap * 2 : 16;
        c->answers = bx_realloc(c->answers, c->cap, sizeof c->answers[0]);
    }
    c->answers[c->count++] = (struct sio_str){bx_strndup(answer.ptr, answer.len), answer.len};
}

uint32_t sio_collector_ms(uint32_t timeout_ms)
{
    return timeout_ms ? timeout_ms : DEFAULT_MS;
}

struct sio_collector *
sio_collector_new(struct sio_server *server, uint32_t timeout_ms,
                  void (*on_done)(int rc, const struct sio_responses *responses, void *arg),
                  void *arg)
{
    struct sio_collector *c = BX_NEW(struct sio_collector);
    c->server = server;
    c->on_done = on_done;
    c->arg = arg;
    c->is_asking = true;
    net_timer_init(&c->timer, on_collect_timeout, c);
    net_timer_start(server->loop, &c->timer, sio_collector_ms(timeout_ms));
    return c;
}

void sio_collector_asked(struct sio_collector *c)
{
    net_loop_call_later(c->server->loop, collector_check_later, c);
}

void sio_adapter_expect(void *collector, size_t clients)
{
    struct sio_collector *c = collector;
    if (c->is_done)
        return;
    c->expected += clients;
    c->servers_due--; /* wraps while broadcast_ack has not returned its number yet: it adds up */
    sio_collector_check(c);
}

void sio_adapter_answer(void *collector, struct sio_str first_argument_json)
{
    struct sio_collector *c = collector;
    sio_collector_add(c, first_argument_json);
    sio_collector_check(c);
}

void sio_adapter_release(void *collector)
{
    struct sio_collector *c = collector;
    c->users--;
    sio_collector_unref(c);
}
