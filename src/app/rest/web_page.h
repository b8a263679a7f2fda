/* The inbox page under /, embedded into the program. A part (parts.c). */
#ifndef WB_WEB_PAGE_H
#define WB_WEB_PAGE_H

#include "app/core/context.h"

int wb_web_page_start(struct wb_app *app, struct bx_buf *message);
void wb_web_page_stop(struct wb_app *app);

#endif
