/* Handlers of /auth. */
#ifndef WB_AUTH_H
#define WB_AUTH_H

#include "app/rest/request.h"

int wb_auth_login_check(struct wb_request *rq); /* lane of hashers */
int wb_auth_login(struct wb_request *rq);
int wb_auth_me(struct wb_request *rq);
int wb_auth_me_update_check(struct wb_request *rq);
int wb_auth_me_update(struct wb_request *rq);
int wb_auth_logout(struct wb_request *rq);

extern const struct wb_schema wb_login_body, wb_login_answer, wb_me_answer, wb_me_body,
    wb_me_updated, wb_done_answer;

#endif
