/* For handlers whose answer is in the loop's memory: the rest runs there. */
#ifndef WB_ON_LOOP_H
#define WB_ON_LOOP_H

#include "app/rest/request.h"

/* fn(rq) runs on the loop; what it returns answers the request, WB_LATER answers later. Return
 * WB_LATER from the handler. On the writer call it from rq->after. */
void wb_on_loop(struct wb_request *rq, int (*fn)(struct wb_request *rq));

#endif
