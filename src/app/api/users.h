/* /users: the people who work here (ADMIN). */
#ifndef WB_USERS_H
#define WB_USERS_H

#include "app/rest/request.h"

int wb_users_list(struct wb_request *rq);
int wb_users_get(struct wb_request *rq);
int wb_users_hash(struct wb_request *rq); /* prepare of both below */
int wb_users_create(struct wb_request *rq);
int wb_users_update(struct wb_request *rq);
int wb_users_delete(struct wb_request *rq);

extern const struct wb_schema wb_users_query, wb_users_answer, wb_user_body, wb_user_update_body,
    wb_user_answer, wb_user_changed;

#endif
