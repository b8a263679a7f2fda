/* The access rule of a route, in two steps: what the caller alone decides (loop), and what depends
 * on the thing that is named (lane). */
#ifndef WB_PERMISSION_CHECK_H
#define WB_PERMISSION_CHECK_H

#include "app/rest/request.h"

/* Role and scope; a number in the path is checked here too. */
int wb_permission_of_caller(struct wb_request *rq);

/* Path parameters become ids; a chat's, session's or message's number is looked up and asked for.
 */
int wb_permission_check(struct wb_request *rq);

/* For calls over many numbers: the one of the query parameter whatsappNumberId (403 when it is not
 * the caller's to see), else every number that the caller may see. *out NULL: all there are. */
int wb_permission_numbers(struct wb_request *rq, const int64_t **out, size_t *out_count);

#endif
