#include "app/api/realtime_api.h"

#include "app/access/access.h"
#include "app/events/eventlog.h"
#include "app/numbers/line.h"
#include "app/realtime/asyncapi.h"
#include "app/realtime/realtime.h"
#include "app/rest/on_loop.h"
#include "app/views/event_shapes.h"
#include "app/views/rows.h"
#include "app/views/shapes.h"
#include "base/clock.h"
#include "base/mem.h"

#define END                                                                                        \
    {                                                                                              \
        .type = WB_END                                                                             \
    }

static const struct wb_schema status_shape = {
    .name = "RealtimeStatus",
    .fields = (const struct wb_field[]){
        {"socketService", WB_STR, MUST},
        {"connectedUsers", WB_INT, MUST, .help = "Sockets that are connected now."},
        {"features", WB_LIST, MUST, .item = WB_STR},
        END}};

const struct wb_schema wb_realtime_status_answer = {
    .name = "RealtimeStatusAnswer",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"data", WB_REF, MUST, .ref = &status_shape},
                                        END}};

const struct wb_schema wb_test_broadcast_body = {
    .name = "TestBroadcast",
    .fields =
        (const struct wb_field[]){{"whatsappNumberId", WB_INT, MUST, 1, INT64_C(9007199254740991)},
                                  {"message", WB_STR, MUST, 1, 1000},
                                  {"type", WB_STR, 0, 1, 50, .fallback = "\"test\""},
                                  END}};

static const struct wb_schema broadcast_shape = {
    .name = "TestBroadcastDone",
    .fields = (const struct wb_field[]){{"whatsappNumberId", WB_INT, MUST},
                                        {"message", WB_STR, MUST},
                                        {"type", WB_STR, MUST},
                                        {"broadcasted", WB_TRUE, MUST},
                                        END}};

const struct wb_schema wb_test_broadcast_answer = {
    .name = "TestBroadcastAnswer",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"data", WB_REF, MUST, .ref = &broadcast_shape},
                                        END}};

const struct wb_schema wb_events_query = {
    .fields = (const struct wb_field[]){
        {"after", WB_INT, 0, .help = "seq: events after it.", .fallback = "0"},
        {"limit", WB_INT, 0, .fallback = "100"},
        END}};

static const struct wb_schema event_shape = {
    .name = "LoggedEvent",
    .fields = (const struct wb_field[]){{"seq", WB_INT, MUST},
                                        {"event", WB_STR, MUST},
                                        {"data", WB_ANY, MUST, .help = "As the socket sends it."},
                                        {"createdAt", WB_TIME, MUST},
                                        END}};

static const struct wb_schema range_shape = {
    .name = "EventRange",
    .fields = (const struct wb_field[]){
        {"after", WB_INT, MUST},
        {"limit", WB_INT, MUST},
        {"oldestSeq", WB_INT, MUST},
        {"lastSeq", WB_INT, MUST},
        {"epoch", WB_STR, MUST, .help = "Names the log; another one after a restored backup."},
        {"hasMore", WB_BOOL, MUST},
        END}};

const struct wb_schema wb_events_answer = {
    .name = "EventLog",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"data", WB_LIST, MUST, .ref = &event_shape},
                                        {"pagination", WB_REF, MUST, .ref = &range_shape},
                                        END}};

int wb_realtime_status(struct wb_request *rq)
{
    static const char *const features[] = {"chat-list",      "chat-history",    "message-updates",
                                           "message-status", "presence",        "qr-code",
                                           "resume",         "acknowledgements"};
    struct bx_json_writer *w = &rq->w;
    wb_answer_data(rq, "Real-time service is active");
    bx_json_object(w);
    bx_json_key_cstr(w, "socketService", "active");
    bx_json_key_i64(w, "connectedUsers", (int64_t)wb_realtime_count(rq->app));
    bx_json_key(w, "features");
    bx_json_array(w);
    for (size_t i = 0; i < BX_LEN(features); i++)
        bx_json_cstr(w, features[i]);
    bx_json_end(w);
    bx_json_end(w);
    return wb_answer_end(rq);
}

static struct bx_str upper(struct wb_request *rq, struct bx_str s)
{
    char *text = bx_arena_strndup(&rq->arena, s.ptr, s.len);
    for (char *c = text; *c; c++) {
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - 0x20);
    }
    return bx_str_n(text, s.len);
}

/* Not a change of state, so not in the log and without a seq. */
static void broadcast(struct wb_request *rq, struct wb_line *line, struct bx_str message,
                      struct bx_str type)
{
    struct bx_buf out;
    struct bx_json_writer w;
    bx_buf_init(&out, 0);
    bx_json_writer_init(&w, &out);
    bx_json_object(&w);
    bx_json_key_i64(&w, "whatsappNumberId", line->id);
    bx_json_key_str(&w, "status", upper(rq, type));
    wb_key_time_or_null(&w, "lastConnected", line->link.row.last_connected_at);
    bx_json_key_str(&w, "phoneNumber", bx_arena_printf(&rq->arena, "+%s", line->phone));
    bx_json_key_str(&w, "message", message);
    bx_json_key_time(&w, "timestamp", bx_wall_ms());
    bx_json_key_bool(&w, "isTest", true);
    bx_json_end(&w);
    wb_realtime_announce(rq->app, line, "whatsapp:status", bx_buf_view(&out));
    bx_buf_done(&out);
}

static int do_broadcast(struct wb_request *rq)
{
    int64_t id = wb_json_int(rq->body, "whatsappNumberId", 0);
    struct bx_str message = wb_json_str(rq->body, "message"), type = wb_json_str(rq->body, "type");
    struct wb_line *line = wb_line_find(rq->app, id);
    if (!type.len)
        type = BX_STR("test");
    if (!line || line->is_gone || !wb_access_may(rq->app->access, &rq->who, id))
        return wb_fail(rq, BX_E_NOT_FOUND, "WhatsApp number not found");
    broadcast(rq, line, message, type);
    wb_answer_data(rq, "Test message broadcasted successfully");
    bx_json_object(&rq->w);
    bx_json_key_i64(&rq->w, "whatsappNumberId", id);
    bx_json_key_str(&rq->w, "message", message);
    bx_json_key_str(&rq->w, "type", type);
    bx_json_key_bool(&rq->w, "broadcasted", true);
    bx_json_end(&rq->w);
    return wb_answer_end(rq);
}

int wb_realtime_test_broadcast(struct wb_request *rq)
{
    wb_on_loop(rq, do_broadcast);
    return WB_LATER;
}

int wb_number_events(struct wb_request *rq)
{
    int64_t after = wb_query_int(rq, "after", 0, INT64_MAX - 1, 0);
    int64_t limit = wb_query_int(rq, "limit", 1, WB_LIMIT_MAX, 100);
    int64_t oldest, last, seen = after;
    struct st_event *rows;
    size_t count;
    int rc = st_event_range(rq->conn, rq->ids[0], &oldest, &last);
    if (rc == BX_OK)
        rc = st_event_list(rq->conn, rq->ids[0], after, limit, &rq->arena, &rows, &count);
    if (rc < 0)
        return wb_fail(rq, rc, "WhatsApp number not found");
    bool may_link = wb_may_link(&rq->who);
    wb_answer_data(rq, "Events retrieved successfully");
    bx_json_array(&rq->w);
    for (size_t i = 0; i < count; i++) {
        seen = rows[i].seq;
        /* A QR links a device: others see that there was one, not what it says. */
        if (!may_link && bx_str_is(rows[i].type, "whatsapp:qr"))
            rows[i].payload =
                bx_arena_printf(&rq->arena, "{\"whatsappNumberId\":%lld}", (long long)rq->ids[0]);
        bx_json_object(&rq->w);
        bx_json_key_i64(&rq->w, "seq", rows[i].seq);
        bx_json_key_str(&rq->w, "event", rows[i].type);
        bx_json_key_raw(&rq->w, "data",
                        wb_log_with_seq(rq->app, rows[i].payload, rows[i].seq, &rq->arena));
        bx_json_key_time(&rq->w, "createdAt", rows[i].at);
        bx_json_end(&rq->w);
    }
    bx_json_end(&rq->w);
    bx_json_key(&rq->w, "pagination");
    bx_json_object(&rq->w);
    bx_json_key_i64(&rq->w, "after", after);
    bx_json_key_i64(&rq->w, "limit", limit);
    bx_json_key_i64(&rq->w, "oldestSeq", oldest);
    bx_json_key_i64(&rq->w, "lastSeq", last);
    bx_json_key_cstr(&rq->w, "epoch", st_log_epoch(rq->app->store));
    bx_json_key_bool(&rq->w, "hasMore", count > 0 && seen < last);
    bx_json_end(&rq->w);
    return wb_answer_end(rq);
}

int wb_docs_asyncapi(struct wb_request *rq)
{
    return wb_asyncapi_write(&rq->out);
}
