#include "app/demo.h"

#include "base/clock.h"

int wb_demo_fill(struct st_store *store)
{
    struct st_conn *conn;
    struct st_stats stats;
    int rc = st_conn_open(store, &conn);
    if (rc < 0)
        return rc;
    rc = st_stats(conn, &stats);
    st_conn_close(conn);
    if (rc < 0 || stats.numbers > 0)
        return rc;
    struct st_seed_options options = {.numbers = 3,
                                      .chats = 60,
                                      .messages = 2000,
                                      .seed = 1,
                                      .now = bx_wall_ms(),
                                      .has_search = true};
    return st_seed(store, &options);
}
