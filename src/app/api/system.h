/* /health, /metrics, /api: about the server itself. */
#ifndef WB_SYSTEM_H
#define WB_SYSTEM_H

#include "app/rest/request.h"

/* Returns what wb_health asks the writer with (free). Loop. */
struct wb_probe *wb_probe_new(struct wb_app *app);
int wb_health(struct wb_request *rq);
int wb_metrics_get(struct wb_request *rq);
int wb_api_about(struct wb_request *rq);

extern const struct wb_schema wb_health_answer, wb_about_answer;

#endif
