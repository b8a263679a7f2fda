/* The access rule of a route, in two steps: what the caller alone decides (loop), and what depends
 * on the thing that is named (lane). */
#ifndef WB_PERMISSION_CHECK_H
#define WB_PERMISSION_CHECK_H

#include "app/request.h"

/* Role and scope; a number in the path is checked here too. */
int wb_permission_of_caller(struct wb_request *rq);

/* Path parameters become ids; a chat's, session's or message's number is looked up and asked for.
 */
int wb_permission_check(struct wb_request *rq);

#endif
