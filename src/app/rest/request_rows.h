/* Rows as an answer of REST has them. */
#ifndef WB_REQUEST_ROWS_H
#define WB_REQUEST_ROWS_H

#include "app/rest/request.h"
#include "app/views/rows.h"

/* As wb_rows_of; links to files are the caller's and begin with PUBLIC_URL, else the request's Host. */
int wb_request_rows(struct wb_request *rq, int64_t number_id, struct wb_rows *out);

#endif
