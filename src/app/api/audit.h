/* /audit: who did what when. Rows are written by dispatch.c, with the change they tell of. */
#ifndef WB_AUDIT_H
#define WB_AUDIT_H

#include "app/rest/request.h"

int wb_audit_list(struct wb_request *rq);

extern const struct wb_schema wb_audit_query, wb_audit_answer;

#endif
