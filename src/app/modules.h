/* A module lives as long as the application: realtime, the WhatsApp channel, the web page. */
#ifndef WB_MODULES_H
#define WB_MODULES_H

#include "app/core/context.h"

struct wb_module {
    const char *name;
    /* Loop thread, store open, before listening. A failure stops the start; `message` says why. */
    int (*start)(struct wb_app *app, struct bx_buf *message);
    /* Must call wb_module_stopped(app) once it is quiet, now or later. */
    void (*stop)(struct wb_app *app);
};

/* Started in this order, stopped in reverse. */
extern const struct wb_module wb_modules[];
extern const size_t wb_module_count;

#endif
