/* /realtime, /numbers/{id}/events, and the document of the socket events. */
#ifndef WB_REALTIME_API_H
#define WB_REALTIME_API_H

#include "app/rest/request.h"

int wb_realtime_status(struct wb_request *rq);
int wb_realtime_test_broadcast(struct wb_request *rq);
int wb_number_events(struct wb_request *rq);
int wb_docs_asyncapi(struct wb_request *rq);

extern const struct wb_schema wb_realtime_status_answer, wb_test_broadcast_body,
    wb_test_broadcast_answer, wb_events_query, wb_events_answer;

#endif
