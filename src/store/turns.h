/* Turns: which of the waiting jobs runs next. Fair queueing by time on two levels: owners (numbers)
 * share the writer, and within one the peers (contacts). Who has used little time goes before who
 * has used much, so one who submits many or dear jobs waits for himself only. Jobs of the same
 * owner and peer run in the order in which they came.
 *
 * Not thread safe: the writer's lock guards it. */
#ifndef ST_TURNS_H
#define ST_TURNS_H

#include "base/map.h"
#include "store/store.h"

struct st_turn_job {
    st_job_fn *run;
    st_done_fn *on_done;
    void *arg;
    uint64_t queued_ns;
    int rc;
    bool is_droppable;
    struct st_turn_job *next;
};

/* An owner, a peer of one, or the root. */
struct st_turn_node {
    uint64_t id;
    uint64_t used_ns; /* time used, moved on to the parent's now_ns when it comes back */
    uint64_t now_ns;  /* of the child that ran last */
    uint64_t order;   /* among equals the one that came first */
    size_t waiting;   /* jobs, with all below */
    bool is_queued, is_running;
    struct st_turn_node *parent;
    struct st_turn_node **heap; /* children that have jobs */
    size_t heap_count, heap_cap;
    struct bx_map children;
    struct st_turn_job *first, **last; /* of a peer */
};

struct st_turns {
    struct st_turn_node root;
    struct st_turn_node *running; /* the peer of the job taken last */
    uint64_t orders;
};

void st_turns_init(struct st_turns *turns);
/* Jobs that wait are dropped without a call. */
void st_turns_done(struct st_turns *turns);

/* Takes the job until st_turns_take. */
void st_turns_put(struct st_turns *turns, uint64_t owner, uint64_t peer, struct st_turn_job *job);
/* Returns the next job, NULL when none waits. st_turns_charge before the next take. */
struct st_turn_job *st_turns_take(struct st_turns *turns);
/* The job taken has used so much time. */
void st_turns_charge(struct st_turns *turns, uint64_t ns);

static inline size_t st_turns_waiting(const struct st_turns *turns)
{
    return turns->root.waiting;
}
/* Jobs of one owner. */
size_t st_turns_of(const struct st_turns *turns, uint64_t owner);
/* Owners that have jobs waiting. */
static inline size_t st_turns_owners(const struct st_turns *turns)
{
    return turns->root.heap_count;
}

#endif
