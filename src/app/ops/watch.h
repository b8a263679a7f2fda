/* Notices what another process (waboxctl) changed in users and logins, within two seconds. */
#ifndef WB_WATCH_H
#define WB_WATCH_H

#include "app/core/context.h"

struct wb_watch;
struct wb_watch *wb_watch_start(struct wb_app *app);
/* No more looks from now on; free after the pool has ended. */
void wb_watch_stop(struct wb_watch *w);
void wb_watch_free(struct wb_watch *w); /* NULL is allowed */

#endif
