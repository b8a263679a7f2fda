/* What a message holds beside its text: location, contacts, poll with its votes, buttons, event with
 * its answers. */
#ifndef WB_DETAILS_H
#define WB_DETAILS_H

#include "app/core/schema.h"
#include "app/views/rows.h"

/* The members that apply, into the open object of the message. */
void wb_details_write(struct bx_json_writer *w, const struct wb_rows *r,
                      const struct st_message *m);

extern const struct wb_schema wb_shape_location, wb_shape_card, wb_shape_poll, wb_shape_button,
    wb_shape_event;

#endif
