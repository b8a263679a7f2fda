/* What `waboxd --demo` adds: two numbers, an agent for each, templates; and numbers that show their
 * QR codes to the phones of the simulator until somebody scans them. */
#ifndef WB_DEMO_H
#define WB_DEMO_H

#include "app/core/context.h"

/* Fills a database that has no number yet. Before the numbers are loaded. */
int wb_demo_fill(struct st_writer *writer);

/* A part (parts.c); does nothing outside of the demo, or without a simulator. */
int wb_demo_start(struct wb_app *app, struct bx_buf *message);
void wb_demo_stop(struct wb_app *app);

#endif
