/* /chat-templates: canned answers, called by a command such as "/hello". */
#ifndef WB_TEMPLATES_H
#define WB_TEMPLATES_H

#include "app/rest/request.h"

int wb_templates_list(struct wb_request *rq);
int wb_templates_get(struct wb_request *rq);
int wb_templates_by_command(struct wb_request *rq);
int wb_templates_create(struct wb_request *rq);
int wb_templates_update(struct wb_request *rq);
int wb_templates_delete(struct wb_request *rq);

extern const struct wb_schema wb_templates_query, wb_templates_answer, wb_template_body,
    wb_template_update_body, wb_template_answer;

#endif
