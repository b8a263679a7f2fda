/* /wapermission: which user may use which WhatsApp number. */
#ifndef WB_PERMISSIONS_H
#define WB_PERMISSIONS_H

#include "app/rest/request.h"

int wb_permissions_list(struct wb_request *rq);
int wb_permissions_me(struct wb_request *rq);
int wb_permissions_of_user(struct wb_request *rq);
int wb_permissions_grant(struct wb_request *rq);
int wb_permissions_revoke(struct wb_request *rq);

extern const struct wb_schema wb_permissions_answer, wb_permission_body, wb_permission_answer;

#endif
