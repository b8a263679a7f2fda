/* Housekeeping: what is due to go, goes. Every JANITOR_INTERVAL one round: expired logins, ended api
 * keys, old idempotency keys, audit rows and events beyond their retention, rows of deleted numbers;
 * and what memory holds of past callers. A round is a chain of short writer jobs, one at a time, so
 * that nobody waits for a large purge.
 */
#ifndef WB_JANITOR_H
#define WB_JANITOR_H

#include "app/core/context.h"

/* `janitor_rows_total` per kind, for /metrics. */
extern struct bx_metric wb_janitor_metrics[];
extern const size_t wb_janitor_metric_count;

struct wb_janitor;
struct wb_janitor *wb_janitor_start(struct wb_app *app);
/* No new jobs from now on; free after the writer has ended. NULL is allowed for both. */
void wb_janitor_stop(struct wb_janitor *j);
void wb_janitor_free(struct wb_janitor *j);

#endif
