/* /whatsapp: the numbers. */
#ifndef WB_NUMBERS_H
#define WB_NUMBERS_H

#include "app/rest/request.h"

int wb_numbers_list(struct wb_request *rq);
int wb_numbers_get(struct wb_request *rq);
int wb_numbers_create(struct wb_request *rq);
int wb_numbers_update(struct wb_request *rq);
int wb_numbers_toggle(struct wb_request *rq);
int wb_numbers_delete(struct wb_request *rq);

extern const struct wb_schema wb_numbers_query, wb_numbers_answer, wb_number_answer, wb_number_body,
    wb_number_update_body, wb_number_changed;

/* {id,name,phoneNumber,phoneNumberFormatted,isActive} of sessions and sends */
extern const struct wb_schema wb_number_formatted_shape;

#endif
