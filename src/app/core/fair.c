#include "app/core/fair.h"

#include "base/err.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

#include <stdlib.h>

struct key {
    char text[64];
    uint8_t len;
};

struct item {
    struct bx_list node;
    void *job;
};

struct member {
    struct bx_list node; /* in the group's turns */
    struct key key;
    struct bx_list items;
};

struct group {
    struct bx_list node; /* in the queue's turns */
    struct key key;
    struct bx_list members;
    size_t waiting;
};

struct wb_fair {
    struct bx_map groups;
    struct bx_list turns;
    unsigned slots, running;
    size_t max_per_group, max, waiting;
};

struct wb_fair *wb_fair_new(unsigned slots, size_t max_per_group, size_t max)
{
    struct wb_fair *f = BX_NEW(struct wb_fair);
    *f = (struct wb_fair){.slots = slots, .max_per_group = max_per_group, .max = max};
    bx_map_init(&f->groups);
    bx_list_init(&f->turns);
    return f;
}

void wb_fair_free(struct wb_fair *f)
{
    if (!f)
        return;
    f->running = 0;
    while (wb_fair_next(f))
        f->running = 0;
    bx_map_done(&f->groups);
    free(f);
}

static struct bx_str view(const struct key *key)
{
    return bx_str_n(key->text, key->len);
}

static void key_set(struct key *key, struct bx_str text)
{
    text = bx_str_slice(text, 0, sizeof key->text - 1);
    if (text.len)
        memcpy(key->text, text.ptr, text.len);
    key->len = (uint8_t)text.len;
}

static struct group *group_of(struct wb_fair *f, struct bx_str text)
{
    struct key key;
    key_set(&key, text);
    struct group *g = bx_map_get(&f->groups, view(&key));
    if (g)
        return g;
    g = BX_NEW(struct group);
    g->key = key;
    bx_list_init(&g->members);
    bx_map_put(&f->groups, view(&g->key), g);
    bx_list_push_back(&f->turns, &g->node);
    return g;
}

/* At most max_per_group of them. */
static struct member *member_of(struct group *g, struct bx_str text)
{
    struct key key;
    key_set(&key, text);
    BX_LIST_EACH(&g->members, node)
    {
        struct member *m = BX_CONTAINER_OF(node, struct member, node);
        if (bx_str_eq(view(&m->key), view(&key)))
            return m;
    }
    struct member *m = BX_NEW(struct member);
    m->key = key;
    bx_list_init(&m->items);
    bx_list_push_back(&g->members, &m->node);
    return m;
}

int wb_fair_submit(struct wb_fair *f, struct bx_str group, struct bx_str member, void *job)
{
    if (f->waiting >= f->max)
        return BX_E_FULL;
    struct group *g = group_of(f, group); /* one that is new has room */
    if (g->waiting >= f->max_per_group)
        return BX_E_RATE_LIMITED;
    struct item *item = BX_NEW(struct item);
    item->job = job;
    bx_list_push_back(&member_of(g, member)->items, &item->node);
    g->waiting++;
    f->waiting++;
    return BX_OK;
}

static void *group_take(struct group *g)
{
    struct member *m = BX_CONTAINER_OF(bx_list_pop_front(&g->members), struct member, node);
    struct item *item = BX_CONTAINER_OF(bx_list_pop_front(&m->items), struct item, node);
    void *job = item->job;
    free(item);
    g->waiting--;
    if (bx_list_is_empty(&m->items))
        free(m);
    else
        bx_list_push_back(&g->members, &m->node);
    return job;
}

void *wb_fair_next(struct wb_fair *f)
{
    if (f->running >= f->slots || f->waiting == 0)
        return NULL;
    struct group *g = BX_CONTAINER_OF(bx_list_pop_front(&f->turns), struct group, node);
    void *job = group_take(g);
    f->waiting--;
    f->running++;
    if (g->waiting) {
        bx_list_push_back(&f->turns, &g->node);
    } else {
        bx_map_del(&f->groups, view(&g->key));
        free(g);
    }
    return job;
}

void wb_fair_done(struct wb_fair *f)
{
    BX_ASSERT(f->running > 0);
    f->running--;
}

size_t wb_fair_waiting(const struct wb_fair *f)
{
    return f->waiting;
}
