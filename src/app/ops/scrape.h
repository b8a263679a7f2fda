/* What /metrics says that nobody counts as it happens: numbers by state, the outbox, the process. */
#ifndef WB_SCRAPE_H
#define WB_SCRAPE_H

#include "app/core/context.h"

/* At start, the store is open: registers the rows. */
void wb_scrape_register(struct wb_app *app);
/* On a lane: reads the values for the answer that follows. A store that cannot be read leaves its rows
 * as they were. */
void wb_scrape(struct wb_app *app, struct st_conn *conn);

#endif
