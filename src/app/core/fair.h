/* A queue in front of few workers that nobody can fill for the others. Jobs belong to a group (a user,
 * or an address that has not logged in) and in it to a member (the account that is tried). Groups get
 * turns one after the other, the members of a group as well, each of one job: who sends a thousand
 * jobs waits for himself. One thread.
 */
#ifndef WB_FAIR_H
#define WB_FAIR_H

#include "base/str.h"

struct wb_fair;

/* `slots` jobs run at the same time; a group may have max_per_group waiting, all together max. */
struct wb_fair *wb_fair_new(unsigned slots, size_t max_per_group, size_t max);
/* Jobs that still wait are forgotten. */
void wb_fair_free(struct wb_fair *f);

/* Keys count by their first 63 bytes and are copied; `job` is kept until wb_fair_next returns it.
 * BX_E_RATE_LIMITED: the group has enough waiting. BX_E_FULL: everybody together has. */
int wb_fair_submit(struct wb_fair *f, struct bx_str group, struct bx_str member, void *job);
/* The job whose turn it is, once a worker is free for it; NULL: nothing to start now. */
void *wb_fair_next(struct wb_fair *f);
/* A job that wb_fair_next returned has ended: its worker is free. */
void wb_fair_done(struct wb_fair *f);
size_t wb_fair_waiting(const struct wb_fair *f);

#endif
