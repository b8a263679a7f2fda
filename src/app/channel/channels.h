/* The part that owns lines, engine and outbox: what makes numbers live. */
#ifndef WB_WHATSAPP_H
#define WB_WHATSAPP_H

#include "app/core/context.h"

/* Lines come first: realtime and REST look at them. */
int wb_lines_start(struct wb_app *app, struct bx_buf *message);
void wb_lines_stop(struct wb_app *app);

int wb_whatsapp_start(struct wb_app *app, struct bx_buf *message);
void wb_whatsapp_stop(struct wb_app *app);

#endif
