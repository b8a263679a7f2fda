#include "app/realtime/backpressure.h"

#include "base/mem.h"

#include <stdlib.h>

enum {
    SOCKET_UNSENT_MAX = 256 << 10, /* no page is computed above it */
    SOCKET_STUCK = 1 << 20,        /* nothing is answered above it */
    USER_UNSENT_MAX = 8 << 20,     /* of all sockets of a user */
    USER_RUNNING_MAX = 2,
    USER_WAITING_MAX = 1024,
    USER_WAITING_BYTES = 2 << 20,
    LOOK_EVERY_MS = 20, /* while some wait for their readers */
};

struct wb_user_sockets {
    int64_t id;
    struct bx_list agents;
    uint64_t counted_ms;
    size_t unsent; /* at counted_ms */
};

static void on_look(void *arg)
{
    struct wb_realtime *rt = arg;
    wb_inflight_poke(rt->answers);
    if (wb_inflight_waiting(rt->answers))
        net_timer_start(rt->app->loop, &rt->look, LOOK_EVERY_MS);
}

void wb_backpressure_open(struct wb_realtime *rt)
{
    bx_map_init(&rt->users);
    net_timer_init(&rt->look, on_look, rt);
    rt->answers = wb_inflight_new(USER_RUNNING_MAX, USER_WAITING_MAX, USER_WAITING_BYTES);
}

void wb_backpressure_close(struct wb_realtime *rt)
{
    net_timer_stop(&rt->look);
    wb_inflight_poke(rt->answers);
    wb_inflight_free(rt->answers);
    bx_map_done(&rt->users);
}

/* --- the sockets of a user --- */

static struct bx_str key_of(const int64_t *id)
{
    return bx_str_n((const char *)id, sizeof *id);
}

/* An api key counts for itself. */
static int64_t account_of(const struct wb_agent *a)
{
    return a->who.api_key_id ? -a->who.api_key_id : a->who.user_id;
}

void wb_backpressure_join(struct wb_agent *a)
{
    int64_t id = account_of(a);
    struct wb_user_sockets *u = bx_map_get(&a->rt->users, key_of(&id));
    if (!u) {
        u = BX_NEW(struct wb_user_sockets);
        u->id = id;
        bx_list_init(&u->agents);
        bx_map_put(&a->rt->users, key_of(&u->id), u);
    }
    a->user = u;
    bx_list_push_back(&u->agents, &a->of_user);
}

void wb_backpressure_leave(struct wb_agent *a)
{
    struct wb_user_sockets *u = a->user;
    if (!u)
        return;
    a->user = NULL;
    bx_list_remove(&a->of_user);
    if (bx_list_is_empty(&u->agents)) {
        bx_map_del(&a->rt->users, key_of(&u->id));
        free(u);
    }
}

/* Counted once per turn of the loop: a user may have thousands of sockets. */
static size_t unsent_of_user(struct wb_user_sockets *u, uint64_t now_ms)
{
    if (u->counted_ms == now_ms)
        return u->unsent;
    u->counted_ms = now_ms;
    u->unsent = 0;
    BX_LIST_EACH(&u->agents, node)
    u->unsent += sio_socket_unsent(BX_CONTAINER_OF(node, struct wb_agent, of_user)->socket);
    return u->unsent;
}

bool wb_reader_is_slow(struct sio_socket *socket)
{
    if (!sio_socket_is_connected(socket))
        return false;
    struct wb_agent *a = wb_agent_of(socket);
    if (a->is_abusive)
        return false; /* is cut as soon as what it asked for has been answered */
    return sio_socket_unsent(socket) > SOCKET_UNSENT_MAX ||
           (a->user &&
            unsent_of_user(a->user, net_loop_now_ms(a->rt->app->loop)) > USER_UNSENT_MAX);
}

bool wb_reader_is_stuck(const struct sio_socket *socket)
{
    return sio_socket_unsent(socket) > SOCKET_STUCK;
}

/* --- turns --- */

int wb_answer_take(struct wb_agent *a, struct wb_ticket *t)
{
    struct wb_realtime *rt = a->rt;
    int rc = wb_inflight_take(rt->answers, account_of(a), t);
    if (rc == BX_E_AGAIN && !net_timer_is_active(&rt->look))
        net_timer_start(rt->app->loop, &rt->look, LOOK_EVERY_MS);
    return rc;
}

void wb_answer_give(struct wb_realtime *rt, struct wb_ticket *t)
{
    wb_inflight_give(rt->answers, t);
}
