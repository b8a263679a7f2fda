/* For the tests of this room: a network without sockets. Every stanza that would be written to a
 * connection is kept in fixture_sent instead (the linker wraps sim_conn_send). Included by one file
 * per program. */
#ifndef SIM_FIXTURE_H
#define SIM_FIXTURE_H

#include "base/test.h"
#include "sim/fixture.h"
#include "sim/network/accounts.h"
#include "sim/network/queue.h"

#include <stdlib.h>

enum { FIXTURE_SENT_MAX = 64 };

static struct {
    struct bx_arena arena;
    struct {
        struct sim_conn *to;
        struct wa_node *node;
    } rows[FIXTURE_SENT_MAX];
    size_t count;
} fixture_sent;

static struct net_loop *fixture_loop;
static struct sim *fixture_sim;

void __wrap_sim_conn_send(struct sim_conn *c, const struct wa_node *n);

void __wrap_sim_conn_send(struct sim_conn *c, const struct wa_node *n)
{
    assert_true(fixture_sent.count < FIXTURE_SENT_MAX);
    fixture_sent.rows[fixture_sent.count].to = c;
    fixture_sent.rows[fixture_sent.count++].node = wa_node_copy(&fixture_sent.arena, n);
}

static inline int fixture_up(void **state)
{
    const struct sim_opts opts = {.host = "127.0.0.1", .seed = 1};
    uint16_t port;
    (void)state;
    bx_arena_init(&fixture_sent.arena, 0);
    fixture_sent.count = 0;
    int rc = net_loop_new(&fixture_loop);
    return rc ? rc : sim_new(fixture_loop, &opts, &fixture_sim, &port);
}

static inline void fixture_stop(void *arg)
{
    (void)arg;
    net_loop_stop(fixture_loop);
}

/* Lets timers fire for a while. */
static inline void fixture_run(uint64_t ms)
{
    struct net_timer timer;
    net_timer_init(&timer, fixture_stop, NULL);
    net_timer_start(fixture_loop, &timer, ms);
    net_loop_run(fixture_loop);
    net_timer_stop(&timer);
}

static inline void fixture_disconnect(struct sim_device *d)
{
    struct sim_conn *c = d->conn;
    d->conn = NULL;
    sim_queue_unwrite(d);
    free(c);
}

static inline int fixture_down(void **state)
{
    (void)state;
    BX_LIST_EACH(&fixture_sim->account_list, node)
    {
        BX_LIST_EACH(&BX_CONTAINER_OF(node, struct sim_account, node)->devices, dn)
        {
            fixture_disconnect(BX_CONTAINER_OF(dn, struct sim_device, node));
        }
    }
    sim_close(fixture_sim, fixture_stop, NULL);
    net_loop_run(fixture_loop);
    sim_free(fixture_sim);
    net_loop_free(fixture_loop);
    bx_arena_done(&fixture_sent.arena);
    return 0;
}

static inline void fixture_connect(struct sim_device *d)
{
    d->conn = BX_NEW(struct sim_conn);
    d->conn->sim = fixture_sim;
    d->conn->device = d;
    d->conn->state = SIM_CONN_OPEN;
    d->conn->is_active = true;
}

/* A linked device of that phone; connected when said so. */
static inline struct sim_device *fixture_device(const char *phone, bool is_connected)
{
    struct sim_account *a = sim_account_get(fixture_sim, bx_str(phone), BX_STR(""));
    struct sim_device *d = sim_device_new(a, a->next_device++);
    if (is_connected)
        fixture_connect(d);
    return d;
}

static inline void fixture_forget(void)
{
    fixture_sent.count = 0;
}

/* Written to that device with that tag; *out_last (may be NULL) the last of them. */
static inline size_t fixture_count(const struct sim_device *d, const char *tag,
                                   struct wa_node **out_last)
{
    size_t n = 0;
    for (size_t i = 0; i < fixture_sent.count; i++) {
        if (fixture_sent.rows[i].to == d->conn &&
            bx_str_eq(fixture_sent.rows[i].node->tag, bx_str(tag))) {
            n++;
            if (out_last)
                *out_last = fixture_sent.rows[i].node;
        }
    }
    return n;
}

#endif
