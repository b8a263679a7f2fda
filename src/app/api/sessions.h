/* /sessions: linking numbers. */
#ifndef WB_SESSIONS_H
#define WB_SESSIONS_H

#include "app/numbers/line.h"
#include "app/rest/request.h"

int wb_sessions_list(struct wb_request *rq);
int wb_sessions_link(struct wb_request *rq);
int wb_sessions_get(struct wb_request *rq);
int wb_sessions_qr(struct wb_request *rq);
int wb_sessions_set_status(struct wb_request *rq);
int wb_sessions_logout(struct wb_request *rq);
int wb_sessions_erase(struct wb_request *rq);

extern const struct wb_schema wb_sessions_query, wb_sessions_answer, wb_session_answer_shape,
    wb_session_qr_answer, wb_session_status_body, wb_session_link_query;

#endif
