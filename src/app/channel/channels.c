#include "app/channel/channels.h"

#include "app/channel/engine.h"
#include "app/core/config.h"
#include "app/core/stop.h"
#include "app/events/eventlog.h"
#include "app/numbers/line.h"
#include "app/numbers/link.h"
#include "app/numbers/outbox.h"
#include "base/mem.h"

#include <stdlib.h>

/* --- lines --- */

/* The process before us may have been killed: no link that its rows call open is open now. The log
 * says so before anybody is served. */
struct reset {
    struct wb_app *app;
    struct bx_arena arena;
    struct wb_log log;
};

static int reset_one(struct reset *r, struct st_tx *tx, struct st_session *s)
{
    struct st_session none = wb_link_none(s->number_id);
    s->status = s->jid.len ? ST_LINK_RECONNECTING : none.status;
    s->reason = s->jid.len ? (struct bx_str){0} : none.reason;
    s->error_message = s->jid.len ? (struct bx_str){0} : none.error_message;
    int rc = st_session_update(tx, s);
    return rc < 0 ? rc : wb_link_log(&r->log, tx, s, &r->arena);
}

static int reset_job(struct st_tx *tx, void *arg)
{
    struct reset *r = arg;
    struct st_session_query query = {.status = -1, .is_active = -1, .is_unlimited = true};
    struct st_session *rows;
    size_t count;
    int64_t total;
    int rc = st_session_list(st_tx_conn(tx), &query, &r->arena, &rows, &count, &total);
    for (size_t i = 0; rc >= 0 && i < count; i++) {
        /* PENDING of an unlinked device: linking had begun and nothing goes on with it. */
        bool was_starting =
            rows[i].status == ST_LINK_PENDING && !rows[i].jid.len && !rows[i].reason.len;
        if (rows[i].status == ST_LINK_CONNECTED || rows[i].status == ST_LINK_PAIRING ||
            was_starting)
            rc = reset_one(r, tx, &rows[i]);
    }
    return rc;
}

static void on_new_line(struct wb_line *line)
{
    wb_link_init(line);
    wb_outbox_init(line);
}

int wb_lines_start(struct wb_app *app, struct bx_buf *message)
{
    struct reset r = {.app = app};
    bx_arena_init(&r.arena, SIZE_MAX);
    wb_log_init(&r.log, app, &r.arena);
    int rc = st_writer_call(app->writer, reset_job, &r);
    bx_arena_done(&r.arena);
    if (rc >= 0)
        rc = wb_lines_load(app, app->readers[0], on_new_line);
    if (rc < 0)
        bx_buf_printf(message, "The numbers cannot be read: %s", bx_err_info(rc)->sentence);
    net_lane_init(&app->link_lane, app->pool, 0);
    return rc < 0 ? rc : BX_OK;
}

void wb_lines_stop(struct wb_app *app)
{
    wb_module_stopped(app);
}

/* --- the engine --- */

int wb_whatsapp_start(struct wb_app *app, struct bx_buf *message)
{
    bool is_off = strcmp(app->config->whatsapp, "off") == 0;
    struct wb_engine *engine = app->engine = BX_NEW(struct wb_engine);
    engine->ops = is_off || !app->engine_ops ? &wb_engine_off : app->engine_ops;
    int rc = engine->ops->open(app, app->channel_events, &engine->self, message);
    if (rc == BX_OK)
        wb_link_start_all(app);
    return rc;
}

static void on_closed(void *arg)
{
    wb_module_stopped(arg);
}

void wb_whatsapp_stop(struct wb_app *app)
{
    wb_link_stop_waiting(app);
    app->engine->ops->close(app->engine->self, on_closed, app);
}
