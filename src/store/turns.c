#include "store/turns.h"

#include "base/mem.h"

#include <stdlib.h>

static struct bx_str key_of(const uint64_t *id)
{
    return bx_str_n(id, sizeof *id);
}

/* --- the heap of children that have jobs: least time first --- */

static bool is_before(const struct st_turn_node *a, const struct st_turn_node *b)
{
    return a->used_ns != b->used_ns ? a->used_ns < b->used_ns : a->order < b->order;
}

static void swap(struct st_turn_node **heap, size_t a, size_t b)
{
    struct st_turn_node *node = heap[a];
    heap[a] = heap[b];
    heap[b] = node;
}

static void heap_put(struct st_turn_node *parent, struct st_turn_node *child)
{
    if (parent->heap_count == parent->heap_cap) {
        parent->heap_cap = parent->heap_cap ? 2 * parent->heap_cap : 4;
        parent->heap = bx_realloc(parent->heap, parent->heap_cap, sizeof(struct st_turn_node *));
    }
    struct st_turn_node **heap = parent->heap;
    size_t at = parent->heap_count++;
    heap[at] = child;
    for (; at > 0 && is_before(heap[at], heap[(at - 1) / 2]); at = (at - 1) / 2)
        swap(heap, at, (at - 1) / 2);
}

static struct st_turn_node *heap_take(struct st_turn_node *parent)
{
    struct st_turn_node **heap = parent->heap, *first = heap[0];
    size_t count = --parent->heap_count;
    heap[0] = heap[count];
    for (size_t at = 0, least; (least = 2 * at + 1) < count; at = least) {
        if (least + 1 < count && is_before(heap[least + 1], heap[least]))
            least++;
        if (!is_before(heap[least], heap[at]))
            break;
        swap(heap, at, least);
    }
    return first;
}

/* --- nodes --- */

static void node_init(struct st_turn_node *node, struct st_turn_node *parent, uint64_t id)
{
    *node = (struct st_turn_node){.id = id, .parent = parent, .last = &node->first};
    bx_map_init(&node->children);
}

static void node_done(struct st_turn_node *node)
{
    void *child;
    for (size_t pos = 0; bx_map_next(&node->children, &pos, &child);) {
        node_done(child);
        free(child);
    }
    for (struct st_turn_job *job = node->first, *next; job; job = next) {
        next = job->next;
        free(job);
    }
    bx_map_done(&node->children);
    free(node->heap);
}

static struct st_turn_node *child_of(struct st_turn_node *parent, uint64_t id)
{
    struct st_turn_node *child = bx_map_get(&parent->children, key_of(&id));
    if (child)
        return child;
    child = BX_NEW(struct st_turn_node);
    node_init(child, parent, id);
    child->used_ns = parent->now_ns;
    bx_map_put(&parent->children, key_of(&child->id), child);
    return child;
}

/* Those without jobs whose time the others have reached have nothing left to be remembered. They
 * are looked for when there are twice as many as have jobs. */
static void forget_idle(struct st_turn_node *parent)
{
    enum { ENOUGH = 64 };
    if (parent->children.count < ENOUGH || parent->children.count < 2 * parent->heap_count)
        return;
    size_t count = 0;
    void *child;
    struct st_turn_node **idle = bx_calloc(parent->children.count, sizeof(struct st_turn_node *));
    for (size_t pos = 0; bx_map_next(&parent->children, &pos, &child);) {
        struct st_turn_node *node = child;
        if (!node->waiting && !node->is_running && node->used_ns <= parent->now_ns)
            idle[count++] = node;
    }
    for (size_t i = 0; i < count; i++) {
        bx_map_del(&parent->children, key_of(&idle[i]->id));
        node_done(idle[i]);
        free(idle[i]);
    }
    free(idle);
}

/* Has jobs and does not run: stands in its parent's heap. */
static void queue(struct st_turns *turns, struct st_turn_node *node)
{
    struct st_turn_node *parent = node->parent;
    if (!parent || node->is_queued || node->is_running || !node->waiting)
        return;
    if (node->used_ns < parent->now_ns)
        node->used_ns = parent->now_ns;
    node->order = turns->orders++;
    node->is_queued = true;
    heap_put(parent, node);
}

/* --- turns --- */

void st_turns_init(struct st_turns *turns)
{
    *turns = (struct st_turns){0};
    node_init(&turns->root, NULL, 0);
}

void st_turns_done(struct st_turns *turns)
{
    node_done(&turns->root);
}

void st_turns_put(struct st_turns *turns, uint64_t owner, uint64_t peer, struct st_turn_job *job)
{
    struct st_turn_node *of_owner = child_of(&turns->root, owner);
    struct st_turn_node *of_peer = child_of(of_owner, peer);
    job->next = NULL;
    *of_peer->last = job;
    of_peer->last = &job->next;
    for (struct st_turn_node *node = of_peer; node; node = node->parent) {
        node->waiting++;
        queue(turns, node);
    }
}

static struct st_turn_node *descend(struct st_turn_node *parent)
{
    struct st_turn_node *child = heap_take(parent);
    child->is_queued = false;
    child->is_running = true;
    child->waiting--;
    parent->now_ns = child->used_ns;
    return child;
}

struct st_turn_job *st_turns_take(struct st_turns *turns)
{
    BX_ASSERT(!turns->running);
    if (!turns->root.waiting)
        return NULL;
    turns->root.waiting--;
    struct st_turn_node *peer = descend(descend(&turns->root));
    struct st_turn_job *job = peer->first;
    peer->first = job->next;
    if (!peer->first)
        peer->last = &peer->first;
    turns->running = peer;
    return job;
}

void st_turns_charge(struct st_turns *turns, uint64_t ns)
{
    struct st_turn_node *peer = turns->running;
    if (!peer)
        return;
    turns->running = NULL;
    for (struct st_turn_node *node = peer, *parent; (parent = node->parent); node = parent) {
        node->used_ns += ns;
        node->is_running = false;
        queue(turns, node);
    }
    struct st_turn_node *owner = peer->parent;
    forget_idle(owner);
    forget_idle(&turns->root);
}

size_t st_turns_of(const struct st_turns *turns, uint64_t owner)
{
    const struct st_turn_node *node = bx_map_get(&turns->root.children, key_of(&owner));
    return node ? node->waiting : 0;
}
