/* The graceful stop: it ends once everything that it waits for is quiet, or when the grace period
 * expires (app.c). Loop thread. */
#ifndef WB_STOP_H
#define WB_STOP_H

#include "app/core/context.h"

/* A module has nothing running any more. Exactly once per module, after its stop was called. */
void wb_module_stopped(struct wb_app *app);

/* Takes one thing off the list of what the stop waits for. No effect unless the stop has begun. */
void wb_stop_done_one(struct wb_app *app);

#endif
