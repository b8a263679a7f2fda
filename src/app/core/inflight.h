/* How many answers are computed for one user at the same time. What is above the cap waits in the
 * order of asking, so that neither memory nor threads are one user's; beyond the waiting room it is
 * refused. Loop thread. */
#ifndef WB_INFLIGHT_H
#define WB_INFLIGHT_H

#include "base/list.h"

#include <stddef.h>
#include <stdint.h>

struct wb_inflight;
struct wb_inflight_user;

/* One answer. Embed it; zero before the first take. */
struct wb_ticket {
    struct bx_list node;
    struct wb_inflight_user *user; /* NULL: not taken */
    size_t bytes;                  /* memory that it holds while it waits; set before the take */
    bool is_waiting;
    /* Whether it may start, apart from the cap (its reader is slow). NULL: always. */
    bool (*may_start)(const struct wb_ticket *t);
    void (*start)(struct wb_ticket *t); /* called when it has waited */
};

struct wb_inflight *wb_inflight_new(size_t max_running, size_t max_waiting,
                                    size_t max_waiting_bytes);
void wb_inflight_free(struct wb_inflight *f); /* every ticket was given back */

/* BX_OK: start now. BX_E_AGAIN: t->start follows in a later call. BX_E_FULL: too many wait. */
int wb_inflight_take(struct wb_inflight *f, int64_t user_id, struct wb_ticket *t);
/* Gives back a ticket that was started (no effect on one that was not taken); others start. */
void wb_inflight_give(struct wb_inflight *f, struct wb_ticket *t);
/* Starts what may start now; to be called while some wait for their may_start. */
void wb_inflight_poke(struct wb_inflight *f);
size_t wb_inflight_waiting(const struct wb_inflight *f);

#endif
