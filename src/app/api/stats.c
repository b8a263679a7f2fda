#include "app/api/stats.h"

#include "app/core/context.h"
#include "app/rest/permission_check.h"
#include "app/views/shapes.h"
#include "base/clock.h"

#define END                                                                                        \
    {                                                                                              \
        .type = WB_END                                                                             \
    }
#define HOUR_MS INT64_C(3600000)
#define DAY_MS (24 * HOUR_MS)
enum { DEFAULT_DAYS = 1, DAYS_MAX = 92 };

const struct wb_schema wb_stats_query = {
    .fields = (const struct wb_field[]){
        {"whatsappNumberId", WB_INT, 0, .help = "Only this number; absent: all that one may see."},
        {"from", WB_INT, 0, .help = "Milliseconds since 1970; default: a day before `to`."},
        {"to", WB_INT, 0,
         .help = "Milliseconds since 1970, exclusive; default: now. At most 92 days."},
        {"perNumber", WB_BOOL, 0, .help = "A row per number and hour, else one per hour.",
         .fallback = "false"},
        END}};

static const struct wb_schema hour_shape = {
    .name = "StatsHour",
    .fields = (const struct wb_field[]){
        {"hour", WB_TIME, MUST, .help = "Its beginning."},
        {"whatsappNumberId", WB_INT, MUST_OR_NULL, .help = "null in a sum over numbers."},
        {"received", WB_INT, MUST},
        {"sent", WB_INT, MUST},
        {"responses", WB_INT, MUST, .help = "Customers who were answered."},
        {"averageResponseMs", WB_INT, MUST_OR_NULL},
        {"maxResponseMs", WB_INT, MUST_OR_NULL},
        END}};

const struct wb_schema wb_stats_answer = {
    .name = "Stats",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"data", WB_LIST, MUST, .ref = &hour_shape,
                                         .help = "Ascending; hours without a message have no row."},
                                        {"from", WB_TIME, MUST},
                                        {"to", WB_TIME, MUST},
                                        END}};

static void key_ms(struct bx_json_writer *w, const char *key, bool has, int64_t ms)
{
    if (has)
        bx_json_key_i64(w, key, ms);
    else
        bx_json_key_null(w, key);
}

static void hour_write(struct bx_json_writer *w, const struct st_hour *h)
{
    bool has = h->responses > 0;
    bx_json_object(w);
    bx_json_key_time(w, "hour", h->hour);
    if (h->number_id)
        bx_json_key_i64(w, "whatsappNumberId", h->number_id);
    else
        bx_json_key_null(w, "whatsappNumberId");
    bx_json_key_i64(w, "received", h->received);
    bx_json_key_i64(w, "sent", h->sent);
    bx_json_key_i64(w, "responses", h->responses);
    key_ms(w, "averageResponseMs", has, has ? h->response_ms / h->responses : 0);
    key_ms(w, "maxResponseMs", has, h->response_max_ms);
    bx_json_end(w);
}

/* Whole hours, clamped so that one call reads some thousands of rows at most. */
static void interval(struct wb_request *rq, int64_t *from, int64_t *to)
{
    const int64_t latest = INT64_C(253402300799999); /* 9999, the last year of ISO 8601 */
    int64_t end = wb_query_int(rq, "to", 1, latest, bx_wall_ms());
    int64_t begin = wb_query_int(rq, "from", 0, latest, end - DEFAULT_DAYS * DAY_MS);
    if (begin < end - DAYS_MAX * DAY_MS)
        begin = end - DAYS_MAX * DAY_MS;
    begin = begin < 0 ? 0 : begin < end ? begin : end;
    *from = begin - begin % HOUR_MS;
    *to = end;
}

int wb_stats_hours(struct wb_request *rq)
{
    struct st_hour_query query = {.is_sum = wb_query_bool(rq, "perNumber") != 1};
    struct st_hour *rows;
    size_t count;
    interval(rq, &query.from, &query.to);
    int rc = wb_permission_numbers(rq, &query.number_ids, &query.number_count);
    if (rc == BX_OK)
        rc = st_hour_list(rq->conn, &query, &rq->arena, &rows, &count);
    if (rc < 0)
        return rc;
    wb_answer_data(rq, "Statistics retrieved successfully");
    bx_json_array(&rq->w);
    for (size_t i = 0; i < count; i++)
        hour_write(&rq->w, &rows[i]);
    bx_json_end(&rq->w);
    bx_json_key_time(&rq->w, "from", query.from);
    bx_json_key_time(&rq->w, "to", query.to);
    return wb_answer_end(rq);
}
