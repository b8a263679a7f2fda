#include "app/core/stop.h"

#include "net/loop.h"

void wb_stop_done_one(struct wb_app *app)
{
    if (!app->is_stopping || app->waiting == 0 || --app->waiting > 0)
        return;
    net_timer_stop(&app->stop_timer);
    net_loop_stop(app->loop);
}

void wb_module_stopped(struct wb_app *app)
{
    wb_stop_done_one(app);
}
