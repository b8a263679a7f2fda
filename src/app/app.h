/* The application: wires loop, pool, store, HTTP and Socket.IO servers and owns them all. */
#ifndef WB_APP_H
#define WB_APP_H

#include "app/core/config.h"
#include "app/core/context.h"

/* Opens everything; `engine` (kept) speaks WhatsApp unless the settings switch it off. On failure
 * `message` has the sentence to print. wb_app_free in every case once
 * *out is set. `admin_password` (may be NULL) gets the password made at a first start, NUL inside
 * `size`, else "". */
int wb_app_start(const struct wb_config *config, const struct wb_engine_ops *engine,
                 char *admin_password, size_t size, struct wb_app **out, struct bx_buf *message);
/* Runs until a signal has ended it. */
void wb_app_run(struct wb_app *app);
void wb_app_free(struct wb_app *app);

/* Begins the graceful end. Loop thread. */
void wb_app_stop(struct wb_app *app);

#endif
