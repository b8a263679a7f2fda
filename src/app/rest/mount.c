#include "app/rest/mount.h"

#include "base/err.h"

void wb_app_mount(struct wb_app *app, struct wb_mount mount)
{
    BX_ASSERT(app->mount_count < WB_MOUNTS_MAX);
    app->mounts[app->mount_count++] = mount;
}
