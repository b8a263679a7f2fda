#include "app/api/system.h"

#include "app/core/context.h"
#include "app/views/shapes.h"
#include "app/ops/scrape.h"
#include "base/clock.h"

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

/* Runs in a transaction of its own: that it gets here and commits is the proof. When the store
 * cannot be written, the error table answers 503 with the reason. */
int wb_health(struct wb_request *rq)
{
    int rc = st_setting_set(rq->tx, BX_STR("health.probe"), BX_STR("1"));
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
