/* The wheel: level 0 has a slot per millisecond for the next 256; a timer further away waits in a
 * coarser level and moves down when its slot comes up (at most WHEEL_LEVELS moves in its life). One
 * uv timer fires for the next occupied slot of level 0, or for the next cascade while a higher
 * level holds something.
 */
#include "net/timer.h"

#include "net/internal.h"

enum {
    L0_SLOTS = 1 << WHEEL_L0_BITS,
    L0_MASK = L0_SLOTS - 1,
    SLOTS = 1 << WHEEL_BITS,
    MASK = SLOTS - 1,
};

static unsigned level_shift(unsigned level)
{
    return WHEEL_L0_BITS + level * WHEEL_BITS;
}

static void on_wheel_timer(uv_timer_t *handle);

void net_wheel_init(struct net_loop *loop)
{
    struct net_wheel *w = &loop->wheel;
    loop->wheel_timer.data = loop;
    uv_timer_init(&loop->uv, &loop->wheel_timer);
    w->wake_at = UINT64_MAX;
    for (size_t i = 0; i < L0_SLOTS; i++)
        bx_list_init(&w->level0[i]);
    for (size_t level = 0; level < WHEEL_LEVELS; level++) {
        for (size_t i = 0; i < SLOTS; i++)
            bx_list_init(&w->levels[level][i]);
    }
}

/* Puts a timer into the slot that its distance asks for. A due time in the past means the next
 * millisecond. */
static void place(struct net_wheel *w, struct net_timer *t)
{
    uint64_t due = t->due_ms > w->now ? t->due_ms : w->now + 1;
    uint64_t distance = due - w->now;
    t->is_high = distance >= L0_SLOTS;
    if (!t->is_high) {
        bx_list_push_back(&w->level0[due & L0_MASK], &t->node);
        w->used0[(due & L0_MASK) / 64] |= (uint64_t)1 << (due % 64);
        return;
    }
    unsigned level = 0;
    while (level + 1 < WHEEL_LEVELS && distance >> level_shift(level + 1))
        level++;
    uint64_t reach = (uint64_t)1 << level_shift(WHEEL_LEVELS);
    if (distance >= reach)
        due = w->now + reach - 1; /* re-placed when it comes down */
    bx_list_push_back(&w->levels[level][due >> level_shift(level) & MASK], &t->node);
    w->high++;
}

static void cascade(struct net_wheel *w)
{
    for (unsigned level = 0; level < WHEEL_LEVELS; level++) {
        size_t slot = w->now >> level_shift(level) & MASK;
        struct bx_list *list = &w->levels[level][slot], batch;
        if (!bx_list_is_empty(list)) {
            batch = *list;
            batch.next->prev = batch.prev->next = &batch;
            bx_list_init(list);
            struct bx_list *node;
            while ((node = bx_list_pop_front(&batch))) {
                w->high--;
                struct net_timer *t = BX_CONTAINER_OF(node, struct net_timer, node);
                if (t->due_ms == w->now) { /* due in this very tick */
                    t->is_high = false;
                    bx_list_push_back(&w->level0[w->now & L0_MASK], node);
                    w->used0[(w->now & L0_MASK) / 64] |= (uint64_t)1 << (w->now % 64);
                } else {
                    place(w, t);
                }
            }
        }
        if (slot != 0)
            break;
    }
}

/* The first occupied level-0 slot in (now, until), or until. */
static uint64_t next_used(const struct net_wheel *w, uint64_t until)
{
    uint64_t ms = w->now + 1;
    while (ms < until) {
        uint64_t bits = w->used0[(ms & L0_MASK) / 64] >> (ms % 64);
        if (bits) {
            uint64_t hit = ms + (uint64_t)__builtin_ctzll(bits);
            return hit < until ? hit : until;
        }
        ms += 64 - ms % 64;
    }
    return until;
}

static uint64_t next_wake(const struct net_wheel *w)
{
    if (w->active == 0)
        return UINT64_MAX;
    uint64_t boundary = (w->now | L0_MASK) + 1;
    uint64_t wake = next_used(w, boundary);
    if (wake < boundary || w->high)
        return wake;
    return next_used(w, w->now + L0_SLOTS + 1);
}

static void schedule(struct net_loop *loop, uint64_t wake_at)
{
    struct net_wheel *w = &loop->wheel;
    if (wake_at == w->wake_at)
        return;
    w->wake_at = wake_at;
    uint64_t now = uv_now(&loop->uv);
    if (wake_at == UINT64_MAX)
        uv_timer_stop(&loop->wheel_timer);
    else
        uv_timer_start(&loop->wheel_timer, on_wheel_timer, wake_at > now ? wake_at - now : 0, 0);
}

static void expire(struct net_loop *loop, size_t slot)
{
    struct net_wheel *w = &loop->wheel;
    struct bx_list due, *node;
    w->used0[slot / 64] &= ~((uint64_t)1 << (slot % 64));
    if (bx_list_is_empty(&w->level0[slot]))
        return;
    due = w->level0[slot];
    due.next->prev = due.prev->next = &due;
    bx_list_init(&w->level0[slot]);
    while ((node = bx_list_pop_front(&due))) {
        struct net_timer *t = BX_CONTAINER_OF(node, struct net_timer, node);
        w->active--;
        t->fn(t->arg);
    }
}

static void on_wheel_timer(uv_timer_t *handle)
{
    struct net_loop *loop = handle->data;
    struct net_wheel *w = &loop->wheel;
    uint64_t target = uv_now(&loop->uv);
    w->wake_at = UINT64_MAX;
    while (w->now < target) {
        uint64_t boundary = (w->now | L0_MASK) + 1;
        uint64_t limit = boundary < target ? boundary : target;
        w->now = next_used(w, limit);
        if ((w->now & L0_MASK) == 0)
            cascade(w);
        expire(loop, w->now & L0_MASK);
    }
    schedule(loop, next_wake(w));
}

void net_timer_init(struct net_timer *t, void (*fn)(void *arg), void *arg)
{
    bx_list_init(&t->node);
    t->fn = fn;
    t->arg = arg;
    t->loop = NULL;
    t->due_ms = 0;
    t->is_high = false;
}

void net_timer_start(struct net_loop *loop, struct net_timer *t, uint64_t delay_ms)
{
    net_timer_start_slack(loop, t, delay_ms, 1);
}

void net_timer_stop(struct net_timer *t)
{
    if (!net_timer_is_active(t))
        return;
    struct net_wheel *w = &t->loop->wheel;
    bx_list_remove(&t->node);
    w->high -= t->is_high;
    if (--w->active == 0)
        schedule(t->loop, UINT64_MAX);
}

void net_timer_start_slack(struct net_loop *loop, struct net_timer *t, uint64_t delay_ms,
                           uint64_t slack_ms)
{
    struct net_wheel *w = &loop->wheel;
    uint64_t now = uv_now(&loop->uv);
    net_timer_stop(t);
    if (w->active == 0)
        w->now = now;
    t->loop = loop;
    uint64_t due = now + (delay_ms < UINT32_MAX ? delay_ms : UINT32_MAX);
    if (slack_ms > 1)
        due = (due + slack_ms - 1) / slack_ms * slack_ms;
    t->due_ms = (due > w->now ? due : w->now + 1) & INT64_MAX;
    place(w, t);
    w->active++;
    uint64_t boundary = (w->now | L0_MASK) + 1;
    uint64_t wake = t->due_ms < boundary ? t->due_ms : w->high ? boundary : t->due_ms;
    if (wake < w->wake_at)
        schedule(loop, wake);
}
