#include "app/core/inflight.h"

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"

#include <stdlib.h>

struct wb_inflight_user {
    int64_t id;
    size_t running, waiting, waiting_bytes;
    bool is_starting; /* start_some is on the stack */
    struct bx_list queue;
};

struct wb_inflight {
    struct bx_map users; /* by id; only those who have tickets */
    size_t max_running, max_waiting, max_waiting_bytes, waiting;
};

struct wb_inflight *wb_inflight_new(size_t max_running, size_t max_waiting,
                                    size_t max_waiting_bytes)
{
    struct wb_inflight *f = BX_NEW(struct wb_inflight);
    f->max_running = max_running;
    f->max_waiting = max_waiting;
    f->max_waiting_bytes = max_waiting_bytes;
    bx_map_init(&f->users);
    return f;
}

void wb_inflight_free(struct wb_inflight *f)
{
    size_t pos = 0;
    void *user;
    while (f && bx_map_next(&f->users, &pos, &user))
        free(user);
    if (f)
        bx_map_done(&f->users);
    free(f);
}

static struct bx_str key_of(const struct wb_inflight_user *u)
{
    return bx_str_n((const char *)&u->id, sizeof u->id);
}

static struct wb_inflight_user *user_get(struct wb_inflight *f, int64_t id)
{
    struct wb_inflight_user *u = bx_map_get(&f->users, bx_str_n((const char *)&id, sizeof id));
    if (!u) {
        u = BX_NEW(struct wb_inflight_user);
        u->id = id;
        bx_list_init(&u->queue);
        bx_map_put(&f->users, key_of(u), u);
    }
    return u;
}

static void user_maybe_free(struct wb_inflight *f, struct wb_inflight_user *u)
{
    if (u->running || u->waiting || u->is_starting)
        return;
    bx_map_del(&f->users, key_of(u));
    free(u);
}

static bool may_start(const struct wb_ticket *t)
{
    return !t->may_start || t->may_start(t);
}

static void unqueue(struct wb_inflight *f, struct wb_ticket *t)
{
    bx_list_remove(&t->node);
    t->is_waiting = false;
    t->user->waiting--;
    t->user->waiting_bytes -= t->bytes;
    f->waiting--;
}

/* One slow reader does not hold up the tickets behind its own. */
static struct wb_ticket *next_startable(struct wb_inflight_user *u)
{
    BX_LIST_EACH(&u->queue, node)
    {
        struct wb_ticket *t = BX_CONTAINER_OF(node, struct wb_ticket, node);
        if (may_start(t))
            return t;
    }
    return NULL;
}

static void start_some(struct wb_inflight *f, struct wb_inflight_user *u)
{
    struct wb_ticket *t;
    if (u->is_starting)
        return;
    u->is_starting = true; /* a start that fails at once gives its ticket back in here */
    while (u->waiting && u->running < f->max_running && (t = next_startable(u))) {
        unqueue(f, t);
        u->running++;
        t->start(t);
    }
    u->is_starting = false;
}

int wb_inflight_take(struct wb_inflight *f, int64_t user_id, struct wb_ticket *t)
{
    struct wb_inflight_user *u = user_get(f, user_id);
    if (u->running < f->max_running && may_start(t)) {
        t->user = u;
        u->running++;
        return BX_OK;
    }
    if (u->waiting >= f->max_waiting || t->bytes > f->max_waiting_bytes - u->waiting_bytes) {
        user_maybe_free(f, u);
        return BX_E_FULL;
    }
    t->user = u;
    t->is_waiting = true;
    u->waiting++;
    u->waiting_bytes += t->bytes;
    f->waiting++;
    bx_list_push_back(&u->queue, &t->node);
    return BX_E_AGAIN;
}

void wb_inflight_give(struct wb_inflight *f, struct wb_ticket *t)
{
    struct wb_inflight_user *u = t->user;
    if (!u)
        return;
    t->user = NULL;
    u->running--;
    start_some(f, u);
    user_maybe_free(f, u);
}

void wb_inflight_poke(struct wb_inflight *f)
{
    size_t count = 0, pos = 0;
    struct wb_inflight_user **users = bx_calloc(f->users.count + 1, sizeof(void *));
    void *value;
    while (bx_map_next(&f->users, &pos, &value)) {
        users[count] = value;
        users[count++]->is_starting = true; /* none is freed before its turn */
    }
    for (size_t i = 0; i < count; i++) {
        users[i]->is_starting = false;
        start_some(f, users[i]);
        user_maybe_free(f, users[i]);
    }
    free(users);
}

size_t wb_inflight_waiting(const struct wb_inflight *f)
{
    return f->waiting;
}
