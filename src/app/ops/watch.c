#include "app/ops/watch.h"

#include "app/access/access.h"
#include "app/core/failures.h"
#include "app/ops/first_start.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdlib.h>

enum { LOOK_MS = 2000 };

struct wb_watch {
    struct wb_app *app;
    struct net_lane lane;
    struct net_timer timer;
    char mark[16];
    size_t mark_len;
    int64_t refused; /* connections and requests, at the last look */
    bool has_mark;   /* the first look only remembers */
};

static void look(void *arg, unsigned worker)
{
    struct wb_watch *w = arg;
    struct bx_arena arena;
    struct bx_str mark = {0};
    bx_arena_init(&arena, 4096);
    int rc = st_setting_get(w->app->readers[worker], BX_STR(WB_ACCESS_MARK), &arena, &mark);
    bool is_readable = (rc == BX_OK || rc == BX_E_NOT_FOUND) && mark.len <= sizeof w->mark;
    bool is_same =
        mark.len == w->mark_len && memcmp(mark.ptr ? mark.ptr : "", w->mark, mark.len) == 0;
    if (is_readable && w->has_mark && !is_same) {
        rc = wb_access_reload(w->app->access, w->app->readers[worker]);
        bx_log(rc < 0 ? BX_LOG_ERROR : BX_LOG_INFO, "app",
               "users reloaded after a change by another process", "rc=%s", bx_err_name(rc));
    }
    if (is_readable && !is_same && (rc == BX_OK || rc == BX_E_NOT_FOUND)) { /* else look again */
        memcpy(w->mark, mark.ptr ? mark.ptr : "", mark.len);
        w->mark_len = mark.len;
    }
    w->has_mark = w->has_mark || is_readable;
    bx_arena_done(&arena);
}

static void on_timer(void *arg)
{
    struct wb_watch *w = arg;
    int64_t refused = http_refused_total();
    if (refused > w->refused)
        wb_failure_add(WB_FAILURE_CONNECTION, refused - w->refused);
    w->refused = refused;
    wb_failures_tick();
    if (net_lane_depth(&w->lane) == 0)
        net_lane_submit(&w->lane, look, NULL, w);
    net_timer_start_slack(w->app->loop, &w->timer, LOOK_MS, 100);
}

struct wb_watch *wb_watch_start(struct wb_app *app)
{
    struct wb_watch *w = BX_NEW(struct wb_watch);
    w->app = app;
    net_lane_init(&w->lane, app->pool, 1);
    net_timer_init(&w->timer, on_timer, w);
    net_timer_start(app->loop, &w->timer, 0);
    return w;
}

void wb_watch_stop(struct wb_watch *w)
{
    net_timer_stop(&w->timer);
}

void wb_watch_free(struct wb_watch *w)
{
    free(w);
}
