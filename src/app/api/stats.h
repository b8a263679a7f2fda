/* /stats: messages per hour and how fast they were answered, over the numbers that one may see. */
#ifndef WB_STATS_H
#define WB_STATS_H

#include "app/rest/request.h"

int wb_stats_hours(struct wb_request *rq);

extern const struct wb_schema wb_stats_query, wb_stats_answer;

#endif
