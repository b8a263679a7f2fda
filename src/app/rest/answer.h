/* What leaves: status, headers that every answer has, and the error body of the contract. Loop
 * thread. */
#ifndef WB_ANSWER_H
#define WB_ANSWER_H

#include "app/rest/request.h"

/* Answers an exchange that has no wb_request: not found, refused early. */
void wb_answer_error(struct http_exchange *x, int status, const char *message);

/* Answers rq->x from rq (rc as its handler gave it), if the client is still there. Returns the
 * status. */
int wb_answer_send(struct wb_request *rq, int rc);

#endif
