/* /api-keys: keys for programs. Shown once, stored as a hash; they act for the administrator who
 * made them, within their scopes and numbers.
 */
#ifndef WB_API_KEYS_H
#define WB_API_KEYS_H

#include "app/rest/request.h"

int wb_api_keys_list(struct wb_request *rq);
int wb_api_keys_get(struct wb_request *rq);
int wb_api_keys_create(struct wb_request *rq);
int wb_api_keys_delete(struct wb_request *rq);

extern const struct wb_schema wb_api_keys_answer, wb_api_key_body, wb_api_key_answer,
    wb_api_key_made;

#endif
