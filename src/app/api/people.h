/* /contacts and /groups: who is behind a chat. */
#ifndef WB_PEOPLE_H
#define WB_PEOPLE_H

#include "app/rest/request.h"

int wb_contacts_get(struct wb_request *rq);
int wb_groups_get(struct wb_request *rq);

extern const struct wb_schema wb_contact_answer, wb_group_answer;

#endif
