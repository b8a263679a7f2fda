#include "app/inbox/inbox.h"

#include "app/channel/engine.h"
#include "app/core/counts.h"
#include "app/core/failures.h"
#include "app/inbox/inbox_store.h"
#include "app/numbers/line.h"
#include "app/numbers/link.h"
#include "app/numbers/outbox.h"
#include "base/log.h"

static int envelope_job(struct st_tx *tx, void *arg)
{
    struct wb_envelope *e = arg;
    const struct wa_event *events = NULL;
    int rc = e->ops->open(e, tx, &events);
    e->has_more = rc > 0;
    return rc < 0 || !events ? rc : wb_inbox_store(e, tx, events);
}

/* False: it is over. */
static bool submit_next_part(struct wb_envelope *e)
{
    if (e->rc < 0 || !e->has_more)
        return false;
    if (!e->ops->part_done || !e->ops->part_done(e)) {
        e->rc = BX_E_CLOSED;
        return false;
    }
    e->answers = 0;
    e->has_session = false;
    e->new_group = (struct bx_str){0};
    wb_inbox_submit(e);
    return true;
}

static void count(const struct wb_envelope *e)
{
    long long id = (long long)e->line->id;
    wb_count(WB_COUNT_IN, e->counted.in);
    wb_count(WB_COUNT_IN_FAILED, e->counted.undecrypted);
    wb_count(WB_COUNT_DECRYPT, e->counted.undecrypted);
    wb_count(WB_COUNT_OUT, e->counted.out);
    wb_count(WB_COUNT_OUT_FAILED, e->counted.refused);
    if (e->counted.undecrypted)
        wb_failure_note(WB_FAILURE_DECRYPT, "number=%lld", id);
    if (e->counted.refused)
        wb_failure_note(WB_FAILURE_SEND, "number=%lld code=%d", id, e->counted.refusal);
    if (e->counted.is_linked) {
        wb_count(WB_COUNT_LINKED, 1);
        bx_log(BX_LOG_INFO, "app", "number linked", "number=%lld platform=" BX_STR_FMT, id,
               BX_STR_ARG(e->session.platform));
    }
}

static void on_committed(void *arg)
{
    struct wb_envelope *e = arg;
    struct wb_line *line = e->line;
    if (e->rc >= 0) {
        wb_log_emit(&e->log);
        count(e);
        if (e->has_session)
            wb_link_took(line, &e->session);
        if (e->new_group.len)
            WB_ENGINE(line, refresh_group, e->new_group);
        for (unsigned i = 0; i < e->answers; i++)
            wb_outbox_on_answer(line);
    } else if (e->rc != BX_E_CLOSED) {
        wb_failure_note(WB_FAILURE_STORE, "what=envelope number=%lld rc=%s", (long long)line->id,
                        bx_err_name(e->rc));
    }
    bx_arena_done(&e->arena);
    if (submit_next_part(e))
        return;
    e->ops->finish(e, e->rc < 0 ? e->rc : BX_OK);
}

static void envelope_done(int rc, void *arg)
{
    struct wb_envelope *e = arg;
    e->rc = rc;
    net_inbox_post(e->line->app->loop, on_committed, e);
}

void wb_inbox_submit(struct wb_envelope *e)
{
    bx_arena_init(&e->arena, SIZE_MAX);
    wb_log_init(&e->log, e->line->app, &e->arena);
    /* A stop need not run it: what was not acknowledged comes again. */
    struct st_turn turn = {.owner = (uint64_t)e->line->id, .peer = e->turn, .is_droppable = true};
    int rc = st_writer_submit_turn(e->line->app->writer, &turn, envelope_job, e, envelope_done);
    if (rc < 0)
        envelope_done(rc, e);
}
