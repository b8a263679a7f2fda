#include "app/api/system.h"

#include "app/core/context.h"
#include "app/ops/scrape.h"
#include "app/views/shapes.h"
#include "base/clock.h"
#include "base/mem.h"

#define END                                                                                        \
    {                                                                                              \
        .type = WB_END                                                                             \
    }

const struct wb_schema wb_health_answer = {
    .name = "Health",
    .fields = (const struct wb_field[]){{"status", WB_STR, MUST},
                                        {"message", WB_STR, MUST},
                                        {"timestamp", WB_TIME, MUST},
                                        {"version", WB_STR, MUST},
                                        {"uptime", WB_INT, MUST, .help = "Seconds."},
                                        END}};

const struct wb_schema wb_about_answer = {
    .name = "About",
    .fields = (const struct wb_field[]){
        {"message", WB_STR, MUST}, {"version", WB_STR, MUST}, {"description", WB_STR, MUST}, END}};

/* A probe is a write of its own: that it is committed is the proof. One is under way at a time, and
 * who asks meanwhile waits for it, but not long: a writer that is late is not healthy. */
enum { PROBE_MS = 800 };

struct wb_probe {
    struct wb_app *app;
    struct wb_request *waiting; /* by next_probed */
    struct net_timer late;
    bool is_under_way;
    int rc;
};

static int probe_job(struct st_tx *tx, void *arg)
{
    (void)arg;
    return st_setting_set(tx, BX_STR("health.probe"), BX_STR("1"));
}

static int tell_health(struct wb_request *rq, int rc)
{
    if (rc == BX_E_TIMEOUT)
        return wb_fail(rq, BX_E_UNAVAILABLE,
                       "The store has not finished a write within %d ms; it is overloaded or its "
                       "disk hangs.",
                       PROBE_MS);
    if (rc == BX_E_CORRUPT)
        return wb_fail(rq, BX_E_UNAVAILABLE,
                       "The database is damaged. Stop the server and restore a backup "
                       "(waboxctl restore).");
    if (rc < 0)
        return rc;
    bx_json_object(&rq->w);
    bx_json_key_cstr(&rq->w, "status", "OK");
    bx_json_key_cstr(&rq->w, "message", "Server is running");
    bx_json_key_time(&rq->w, "timestamp", bx_wall_ms());
    bx_json_key_cstr(&rq->w, "version", WB_VERSION);
    bx_json_key_i64(&rq->w, "uptime", (int64_t)((bx_mono_ms() - rq->app->started_ms) / 1000));
    return wb_answer_end(rq);
}

static void answer_all(struct wb_probe *p, int rc)
{
    struct wb_request *rq = p->waiting, *next;
    p->waiting = NULL;
    net_timer_stop(&p->late);
    for (; rq; rq = next) {
        next = rq->next_probed;
        wb_request_answer(rq, tell_health(rq, rc));
    }
}

static void on_late(void *arg)
{
    answer_all(arg, BX_E_TIMEOUT);
}

static void on_probed(void *arg)
{
    struct wb_probe *p = arg;
    p->is_under_way = false;
    answer_all(p, p->rc);
}

static void probe_done(int rc, void *arg)
{
    struct wb_probe *p = arg;
    p->rc = rc;
    net_inbox_post(p->app->loop, on_probed, p);
}

struct wb_probe *wb_probe_new(struct wb_app *app)
{
    struct wb_probe *p = BX_NEW(struct wb_probe);
    p->app = app;
    net_timer_init(&p->late, on_late, p);
    return p;
}

int wb_health(struct wb_request *rq)
{
    struct wb_probe *p = rq->app->probe;
    int rc = st_store_file_check(rq->app->store);
    if (rc == BX_OK && !p->is_under_way) {
        rc = st_writer_submit(rq->app->writer, probe_job, p, probe_done);
        p->is_under_way = rc == BX_OK;
    }
    if (rc < 0)
        return tell_health(rq, rc);
    if (!p->waiting)
        net_timer_start(rq->app->loop, &p->late, PROBE_MS);
    rq->next_probed = p->waiting;
    p->waiting = rq;
    return WB_LATER;
}

int wb_metrics_get(struct wb_request *rq)
{
    rq->content_type_out = "text/plain; version=0.0.4; charset=utf-8";
    wb_scrape(rq->app, rq->conn);
    return bx_metrics_print(&rq->app->metrics, &rq->out);
}

int wb_api_about(struct wb_request *rq)
{
    bx_json_object(&rq->w);
    bx_json_key_cstr(&rq->w, "message", "WaBox API");
    bx_json_key_cstr(&rq->w, "version", WB_VERSION);
    bx_json_key_cstr(&rq->w, "description",
                     "Multi-number WhatsApp inbox: REST under /api/v1, Socket.IO under "
                     "/socket.io/, documentation under /api/docs");
    return wb_answer_end(rq);
}
