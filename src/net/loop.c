#include "net/loop.h"

#include "base/clock.h"
#include "base/err.h"
#include "base/mem.h"
#include "net/internal.h"

#include <stdlib.h>

void net_calls_push(struct net_calls *calls, void (*fn)(void *arg), void *arg)
{
    if (calls->count == calls->cap) {
        calls->cap = calls->cap ? calls->cap * 2 : 16;
        calls->items = bx_realloc(calls->items, calls->cap, sizeof *calls->items);
    }
    calls->items[calls->count++] = (struct net_call){fn, arg};
}

/* Runs what is there; what the calls add comes into the next round. */
static void calls_run(struct net_calls *calls)
{
    struct net_calls batch = *calls;
    *calls = (struct net_calls){0};
    for (size_t i = 0; i < batch.count; i++)
        batch.items[i].fn(batch.items[i].arg);
    if (calls->items) {
        free(batch.items);
    } else {
        batch.count = 0;
        *calls = batch;
    }
}

static void flush_hooks_run(struct net_loop *loop)
{
    struct bx_list *node;
    while ((node = bx_list_pop_front(&loop->flush_hooks))) {
        struct net_flush_hook *hook = BX_CONTAINER_OF(node, struct net_flush_hook, node);
        hook->fn(hook->arg);
    }
}

/* Those that are due; what they start anew is for a later turn. */
static void holds_run(struct net_loop *loop)
{
    uint64_t now = bx_mono_ns();
    BX_LIST_EACH(&loop->holds, node)
    {
        struct net_hold *hold = BX_CONTAINER_OF(node, struct net_hold, node);
        if (hold->until_ns > now)
            continue;
        bx_list_remove(node);
        hold->fn(hold->arg);
    }
    if (bx_list_is_empty(&loop->holds))
        uv_idle_stop(&loop->awake);
}

static void on_awake(uv_idle_t *handle)
{
    (void)handle;
}

static void dirty_flush(struct net_loop *loop)
{
    struct bx_list *node;
    while ((node = bx_list_pop_front(&loop->dirty)))
        net_tcp_flush(BX_CONTAINER_OF(node, struct net_tcp, dirty));
}

void net_loop_end_turn(struct net_loop *loop)
{
    if (uv_is_active((uv_handle_t *)&loop->awake))
        holds_run(loop);
    do {
        flush_hooks_run(loop);
        dirty_flush(loop);
        if (loop->max_own_bytes && loop->own_bytes > loop->max_own_bytes)
            net_out_shed(loop);
        if (loop->later.count)
            calls_run(&loop->later);
    } while (loop->later.count || !bx_list_is_empty(&loop->dirty) ||
             !bx_list_is_empty(&loop->flush_hooks));
    net_slab_recycle(loop);
}

static void on_after_poll(uv_check_t *handle)
{
    net_loop_end_turn(handle->data);
}

static void on_before_poll(uv_prepare_t *handle)
{
    net_loop_end_turn(handle->data);
}

bool net_loop_run_posted(struct net_loop *loop)
{
    pthread_mutex_lock(&loop->inbox_lock);
    struct net_calls batch = loop->inbox;
    loop->inbox = (struct net_calls){0};
    pthread_mutex_unlock(&loop->inbox_lock);
    for (size_t i = 0; i < batch.count; i++)
        batch.items[i].fn(batch.items[i].arg);
    free(batch.items);
    return batch.count > 0;
}

static void on_wakeup(uv_async_t *handle)
{
    net_loop_run_posted(handle->data);
}

void net_inbox_post(struct net_loop *loop, void (*fn)(void *arg), void *arg)
{
    pthread_mutex_lock(&loop->inbox_lock);
    bool was_empty = loop->inbox.count == 0;
    net_calls_push(&loop->inbox, fn, arg);
    pthread_mutex_unlock(&loop->inbox_lock);
    if (was_empty)
        uv_async_send(&loop->wakeup);
}

static void unref(void *handle)
{
    uv_unref(handle);
}

int net_loop_new(struct net_loop **out)
{
    struct net_loop *loop = BX_NEW(struct net_loop);
    int rc = uv_loop_init(&loop->uv);
    if (rc < 0) {
        free(loop);
        return bx_err_from_errno(-rc);
    }
    bx_list_init(&loop->flush_hooks);
    bx_list_init(&loop->holds);
    bx_list_init(&loop->dirty);
    bx_list_init(&loop->blocked);
    bx_list_init(&loop->signals);
    pthread_mutex_init(&loop->inbox_lock, NULL);
    loop->after_poll.data = loop->before_poll.data = loop->wakeup.data = loop;
    uv_check_init(&loop->uv, &loop->after_poll);
    uv_check_start(&loop->after_poll, on_after_poll);
    uv_prepare_init(&loop->uv, &loop->before_poll);
    uv_prepare_start(&loop->before_poll, on_before_poll);
    uv_idle_init(&loop->uv, &loop->awake);
    BX_ASSERT(uv_async_init(&loop->uv, &loop->wakeup, on_wakeup) == 0);
    unref(&loop->after_poll);
    unref(&loop->before_poll);
    unref(&loop->wakeup);
    unref(&loop->awake);
    net_wheel_init(loop);
    loop->rx = bx_realloc(NULL, NET_RX_BYTES, 1);
    *out = loop;
    return BX_OK;
}

void net_loop_run(struct net_loop *loop)
{
    uv_run(&loop->uv, UV_RUN_DEFAULT);
    net_loop_end_turn(loop);
}

void net_loop_stop(struct net_loop *loop)
{
    uv_stop(&loop->uv);
}

uint64_t net_loop_now_ms(const struct net_loop *loop)
{
    return uv_now(&loop->uv);
}

struct loop_signal {
    uv_signal_t handle;
    struct bx_list node;
    void (*fn)(int signum, void *arg);
    void *arg;
};

static void on_signal(uv_signal_t *handle, int signum)
{
    struct loop_signal *s = handle->data;
    s->fn(signum, s->arg);
}

int net_loop_on_signal(struct net_loop *loop, int signum, void (*fn)(int signum, void *arg),
                       void *arg)
{
    struct loop_signal *s = BX_NEW(struct loop_signal);
    s->fn = fn;
    s->arg = arg;
    s->handle.data = s;
    BX_ASSERT(uv_signal_init(&loop->uv, &s->handle) == 0);
    bx_list_push_back(&loop->signals, &s->node);
    unref(&s->handle);
    int rc = uv_signal_start(&s->handle, on_signal, signum);
    return rc < 0 ? bx_err_from_errno(-rc) : BX_OK;
}

static void signal_closed(uv_handle_t *handle)
{
    free(handle->data);
}

/* Connections whose owners have let go (closing handshakes, lingering) end with the loop. */
static void abort_left_over(uv_handle_t *handle, void *arg)
{
    (void)arg;
    struct net_tcp *c = handle->type == UV_POLL && !uv_is_closing(handle) ? handle->data : NULL;
    if (c && c->magic == NET_TCP_MAGIC)
        net_tcp_abort(c, BX_E_CLOSED);
}

void net_loop_free(struct net_loop *loop)
{
    net_loop_end_turn(loop);
    uv_walk(&loop->uv, abort_left_over, NULL);
    net_loop_end_turn(loop);
    BX_LIST_EACH(&loop->signals, node)
    {
        struct loop_signal *s = BX_CONTAINER_OF(node, struct loop_signal, node);
        bx_list_remove(node);
        uv_close((uv_handle_t *)&s->handle, signal_closed);
    }
    uv_close((uv_handle_t *)&loop->after_poll, NULL);
    uv_close((uv_handle_t *)&loop->before_poll, NULL);
    uv_close((uv_handle_t *)&loop->wakeup, NULL);
    uv_close((uv_handle_t *)&loop->awake, NULL);
    uv_close((uv_handle_t *)&loop->wheel_timer, NULL);
    while (uv_run(&loop->uv, UV_RUN_NOWAIT))
        net_loop_end_turn(loop);
    BX_ASSERT(uv_loop_close(&loop->uv) == 0 && "something still lives on the loop");
    for (struct net_out_segment *s = loop->free_segments, *next; s; s = next) {
        next = s->next;
        free(s);
    }
    if (loop->uring)
        net_uring_free(loop->uring);
    bx_shared_unref(loop->slab);
    pthread_mutex_destroy(&loop->inbox_lock);
    free(loop->inbox.items);
    free(loop->later.items);
    free(loop->rx);
    free(loop->tls_rx);
    free(loop);
}

void net_flush_hook_init(struct net_flush_hook *hook, void (*fn)(void *arg), void *arg)
{
    bx_list_init(&hook->node);
    hook->fn = fn;
    hook->arg = arg;
}

void net_flush_hook_arm(struct net_loop *loop, struct net_flush_hook *hook)
{
    if (bx_list_is_empty(&hook->node))
        bx_list_push_back(&loop->flush_hooks, &hook->node);
}

void net_flush_hook_disarm(struct net_flush_hook *hook)
{
    bx_list_remove(&hook->node);
}

void net_hold_init(struct net_hold *hold, void (*fn)(void *arg), void *arg)
{
    *hold = (struct net_hold){.fn = fn, .arg = arg};
    bx_list_init(&hold->node);
}

void net_hold_start(struct net_loop *loop, struct net_hold *hold, uint64_t until_ns)
{
    hold->until_ns = until_ns;
    if (bx_list_is_empty(&hold->node))
        bx_list_push_back(&loop->holds, &hold->node);
    uv_idle_start(&loop->awake, on_awake);
}

void net_hold_stop(struct net_hold *hold)
{
    bx_list_remove(&hold->node);
}

void net_loop_free_later(struct net_loop *loop, void *ptr)
{
    net_calls_push(&loop->later, free, ptr);
}

void net_loop_call_later(struct net_loop *loop, void (*fn)(void *ptr), void *ptr)
{
    net_calls_push(&loop->later, fn, ptr);
}
