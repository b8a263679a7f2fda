/* Intrusive doubly linked list with a sentinel. A node that is in no list points at itself. */
#ifndef BX_LIST_H
#define BX_LIST_H

#include "base/mem.h"

#include <stdbool.h>

struct bx_list {
    struct bx_list *next, *prev;
};

static inline void bx_list_init(struct bx_list *l)
{
    l->next = l->prev = l;
}

static inline bool bx_list_is_empty(const struct bx_list *l)
{
    return l->next == l;
}

static inline void bx_list_insert_before(struct bx_list *at, struct bx_list *node)
{
    node->prev = at->prev;
    node->next = at;
    at->prev->next = node;
    at->prev = node;
}

#define bx_list_push_back(list, node) bx_list_insert_before((list), (node))
#define bx_list_push_front(list, node) bx_list_insert_before((list)->next, (node))

/* Safe on a node that is in no list. */
static inline void bx_list_remove(struct bx_list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    bx_list_init(node);
}

static inline struct bx_list *bx_list_pop_front(struct bx_list *l)
{
    struct bx_list *node = l->next;
    if (node == l)
        return NULL;
    bx_list_remove(node);
    return node;
}

/* The current node may be removed inside the loop; other nodes may not. */
#define BX_LIST_EACH(list, node)                                                                   \
    for (struct bx_list *node = (list)->next, *node##_next = node->next; node != (list);           \
         node = node##_next, node##_next = node->next)

#endif
