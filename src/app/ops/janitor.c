#include "app/ops/janitor.h"

#include "app/access/access.h"
#include "app/core/chore.h"
#include "app/core/config.h"
#include "app/core/limit.h"

#include "app/numbers/line.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "wa/keystore.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdlib.h>

#define DAY_MS INT64_C(86400000)
#define WAITS_MS (30 * DAY_MS) /* a change for its message */
enum { BITE_ROWS = 1000, NUMBERS_PER_JOB = 64, SEARCH_PAGES = 64 };

struct wb_janitor {
    struct wb_app *app;
    struct net_timer timer;
    struct net_lane lane; /* for giving memory back */
    int64_t *numbers;     /* whose logs this round looks at */
    size_t number_count, number_pos;
    size_t chore;
    int64_t clock_ms;                  /* what rows are too old for; see clock_advance */
    uint64_t advanced_at;              /* monotonic, ms */
    bool is_running;                   /* a round is under way */
    bool has_more;                     /* of the job: the chore is not done yet */
    int rc;                            /* of the job */
    int64_t search_done, search_total; /* of the index that is filled anew */
    uint64_t told_ms;                  /* when its progress was logged */
};

/* --- on the writer thread: each removes a bite and returns how many rows; has_more when it was full --- */

static int tokens(struct st_tx *tx, struct wb_janitor *j)
{
    /* a day longer, so that its owner still hears "expired" */
    return st_token_purge(tx, j->clock_ms - DAY_MS, BITE_ROWS);
}

static int api_keys(struct st_tx *tx, struct wb_janitor *j)
{
    return st_api_key_purge(tx, j->clock_ms - j->app->config->audit_retention_ms, BITE_ROWS);
}

static int idempotency_keys(struct st_tx *tx, struct wb_janitor *j)
{
    return st_idempotency_purge(tx, j->clock_ms - j->app->config->idempotency_retention_ms,
                                BITE_ROWS);
}

static int audit(struct st_tx *tx, struct wb_janitor *j)
{
    return st_audit_trim(tx, j->clock_ms - j->app->config->audit_retention_ms, BITE_ROWS);
}

static int deleted_numbers(struct st_tx *tx, struct wb_janitor *j)
{
    (void)j;
    return st_number_purge(tx, BITE_ROWS);
}

/* The logs of the numbers, and sealed changes that wait for a message that does not come. */
static int events(struct st_tx *tx, struct wb_janitor *j)
{
    const struct wb_config *c = j->app->config;
    int total = 0;
    for (int looked = 0; j->number_pos < j->number_count && looked < NUMBERS_PER_JOB; looked++) {
        int rc = st_event_trim(tx, j->numbers[j->number_pos], c->event_retention_count,
                               j->clock_ms - c->event_retention_ms, BITE_ROWS - total);
        if (rc < 0 && rc != BX_E_NOT_FOUND) /* deleted meanwhile */
            return rc;
        total += rc > 0 ? rc : 0;
        rc = st_key_delete_older(tx, j->numbers[j->number_pos], WA_KEY_SEALED,
                                 j->clock_ms - WAITS_MS, BITE_ROWS);
        if (rc < 0)
            return rc;
        if (total >= BITE_ROWS)
            break;
        j->number_pos++;
    }
    j->has_more = j->number_pos < j->number_count;
    return total;
}

/* Of messages that do not come: older than the history, or invented. */
static int waiting_changes(struct st_tx *tx, struct wb_janitor *j)
{
    return st_change_trim(tx, j->clock_ms - WAITS_MS, BITE_ROWS);
}

static int search_index(struct st_tx *tx, struct wb_janitor *j)
{
    int rc = st_search_tidy(tx, SEARCH_PAGES);
    j->has_more = rc > 0 && st_writer_waiting(j->app->writer) == 0; /* people first */
    return rc;
}

/* Last, because it goes on until the index has everything: after an update that cuts words anew. */
static int search_rebuild(struct st_tx *tx, struct wb_janitor *j)
{
    int rc = st_search_rebuild(tx, BITE_ROWS);
    j->has_more = rc > 0;
    if (rc >= 0)
        st_search_progress(st_tx_conn(tx), &j->search_done, &j->search_total);
    return rc > 0 ? BITE_ROWS : rc;
}

static const struct {
    const char *name;
    int (*run)(struct st_tx *tx, struct wb_janitor *j);
} chores[] = {
    {"tokens", tokens},
    {"api keys", api_keys},
    {"idempotency keys", idempotency_keys},
    {"audit", audit},
    {"events", events},
    {"deleted numbers", deleted_numbers},
    {"waiting changes", waiting_changes},
    {"search index", search_index},
    {"search rebuild", search_rebuild},
};

#define ROWS(kind)                                                                                 \
    {                                                                                              \
        "wabox_janitor_rows_total", "rows removed for their age or number", BX_COUNTER,            \
            "kind=\"" kind "\"", 0                                                                 \
    }
struct bx_metric wb_janitor_metrics[] = {
    ROWS("token"),
    ROWS("api_key"),
    ROWS("idempotency"),
    ROWS("audit"),
    ROWS("event"),
    ROWS("deleted_number"),
    ROWS("waiting_change"),
    {"wabox_janitor_search_bites_total", "pieces of the search index joined", BX_COUNTER, NULL, 0},
    {"wabox_search_rebuilt_messages_total", "messages added to a search index that is filled anew",
     BX_COUNTER, NULL, 0}};
const size_t wb_janitor_metric_count = BX_LEN(wb_janitor_metrics);
_Static_assert(BX_LEN(wb_janitor_metrics) == BX_LEN(chores), "a metric per chore, in their order");

static int job(struct st_tx *tx, void *arg)
{
    struct wb_janitor *j = arg;
    j->has_more = false;
    int rc = chores[j->chore].run(tx, j);
    j->has_more = j->has_more || rc >= BITE_ROWS;
    return rc;
}

static void next(void *arg);

static void on_job(int rc, void *arg)
{
    struct wb_janitor *j = arg;
    j->rc = rc;
    net_inbox_post(j->app->loop, next, j);
}

/* --- on the loop --- */

static void submit(struct wb_janitor *j)
{
    if (st_writer_submit(j->app->writer, job, j, on_job) < 0)
        j->is_running = false; /* busy or ending: the next round does it */
}

/* At the beginning, every ten seconds, at the end. */
static void rebuild_tell(struct wb_janitor *j)
{
    enum { TELL_EACH_MS = 10000 };
    uint64_t now = bx_mono_ms();
    bool is_end = j->search_done >= j->search_total;
    if (j->rc <= 0 && !j->told_ms)
        return;
    if (j->told_ms && !is_end && now - j->told_ms < TELL_EACH_MS)
        return;
    bx_log(BX_LOG_INFO, "store",
           is_end ? "search index rebuilt" : "rebuilding the search index; older messages follow",
           "done=%lld total=%lld", (long long)j->search_done, (long long)j->search_total);
    j->told_ms = is_end ? 0 : now;
}

static void next(void *arg)
{
    struct wb_janitor *j = arg;
    if (j->app->is_stopping) {
        j->is_running = false;
        return;
    }
    if (j->rc >= 0) {
        bx_metric_add(&wb_janitor_metrics[j->chore], j->rc);
    } else {
        bx_log(BX_LOG_WARN, "app", "housekeeping failed", "chore=%s rc=%s", chores[j->chore].name,
               bx_err_name(j->rc));
        j->has_more = false;
    }
    if (chores[j->chore].run == search_rebuild)
        rebuild_tell(j);
    if (!j->has_more)
        j->chore++;
    if (j->chore < BX_LEN(chores))
        submit(j);
    else
        j->is_running = false;
}

/* The clock of deletion. The wall clock may jump, and what was deleted by a wrong one is gone: so
 * it starts a day behind the newest row of the audit at most, and then follows the wall clock by a
 * day for each hour that passes. Too late is only late. */
static void clock_advance(struct wb_janitor *j)
{
    enum { CATCH_UP = 24 };
    uint64_t now = bx_mono_ms();
    int64_t wall = bx_wall_ms();
    j->clock_ms += (int64_t)(now - j->advanced_at) * CATCH_UP;
    if (j->clock_ms > wall)
        j->clock_ms = wall;
    j->advanced_at = now;
}

static void clock_start(struct wb_janitor *j)
{
    struct bx_arena arena;
    struct st_audit_query newest = {.limit = 1};
    struct st_audit *rows;
    size_t count = 0;
    bx_arena_init(&arena, 0);
    bool is_known = st_audit_list(j->app->readers[0], &newest, &arena, &rows, &count) == BX_OK;
    j->clock_ms = is_known && count ? rows[0].at + DAY_MS : is_known ? bx_wall_ms() : 0;
    j->advanced_at = bx_mono_ms();
    bx_arena_done(&arena);
    clock_advance(j);
}

static void begin(struct wb_janitor *j)
{
    clock_advance(j);
    struct wb_line *line;
    j->chore = j->number_pos = j->number_count = 0;
    for (size_t pos = 0; wb_line_next(j->app, &pos, &line);)
        j->number_count += !line->is_gone;
    j->numbers = bx_realloc(j->numbers, j->number_count + 1, sizeof *j->numbers);
    size_t n = 0;
    for (size_t pos = 0; wb_line_next(j->app, &pos, &line);) {
        if (!line->is_gone)
            j->numbers[n++] = line->id;
    }
    j->is_running = true;
    submit(j);
}

/* After a rush (a hundred numbers linked) the heap is large and mostly free. */
static void give_memory_back(void *arg, unsigned worker)
{
    (void)arg;
    (void)worker;
#ifdef __GLIBC__
    malloc_trim(1 << 20);
#endif
}

static void on_timer(void *arg)
{
    struct wb_janitor *j = arg;
    struct wb_app *app = j->app;
    uint64_t now = net_loop_now_ms(app->loop);
    wb_limits_sweep(app->user_limits, now);
    wb_limits_sweep(app->ip_limits, now);
    wb_throttle_sweep(app->throttle, bx_mono_ms());
    wb_access_sweep(app->access, bx_wall_ms());
    wb_chores_run(app);
    if (!j->is_running)
        begin(j);
    if (net_lane_depth(&j->lane) == 0)
        net_lane_submit(&j->lane, give_memory_back, NULL, j);
    net_timer_start_slack(app->loop, &j->timer, (uint64_t)app->config->janitor_interval_ms, 1000);
}

struct wb_janitor *wb_janitor_start(struct wb_app *app)
{
    struct wb_janitor *j = BX_NEW(struct wb_janitor);
    j->app = app;
    clock_start(j);
    net_lane_init(&j->lane, app->pool, 1);
    net_timer_init(&j->timer, on_timer, j);
    enum { FIRST_MS = 5000 }; /* soon: an index may wait to be filled */
    int64_t first =
        app->config->janitor_interval_ms < FIRST_MS ? app->config->janitor_interval_ms : FIRST_MS;
    net_timer_start(app->loop, &j->timer, (uint64_t)first);
    return j;
}

void wb_janitor_stop(struct wb_janitor *j)
{
    if (j)
        net_timer_stop(&j->timer);
}

void wb_janitor_free(struct wb_janitor *j)
{
    if (!j)
        return;
    free(j->numbers);
    free(j);
}
