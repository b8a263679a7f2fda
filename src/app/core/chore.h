/* What the janitor does now and then: each module registers its own chore. Loop thread. */
#ifndef WB_CHORE_H
#define WB_CHORE_H

#include "app/core/context.h"

struct wb_chore {
    const char *name;
    /* Short: memory only. Called once per round of the janitor (JANITOR_INTERVAL). */
    void (*run)(struct wb_chore *chore);
    struct wb_chore *next; /* private */
};

/* At start. Keeps the chore; embed it. */
void wb_chore_add(struct wb_app *app, struct wb_chore *chore);
/* Runs all of them. For the janitor. */
void wb_chores_run(struct wb_app *app);

#endif
