/* Something beside REST that answers requests under an address of its own: Socket.IO, the web page. */
#ifndef WB_MOUNT_H
#define WB_MOUNT_H

#include "app/core/context.h"

/* At start, from a module. Mounts are asked in the order of mounting, before REST. `mount` is copied. */
void wb_app_mount(struct wb_app *app, struct wb_mount mount);

#endif
