#include "app/api/audit.h"

#include "app/views/shapes.h"

#define END                                                                                        \
    {                                                                                              \
        .type = WB_END                                                                             \
    }

const struct wb_schema wb_audit_query = {
    .fields = (const struct wb_field[]){
        {"limit", WB_INT, 0, .help = "1 to 1000; clamped.", .fallback = "50"},
        {"before", WB_INT, 0, .help = "Rows older than this id: nextBefore of the last page."},
        {"userId", WB_INT, 0},
        {"whatsappNumberId", WB_INT, 0},
        {"action", WB_STR, 0, .help = "An action or its beginning, as \"permission.\"."},
        {"from", WB_INT, 0, .help = "Milliseconds since 1970."},
        {"to", WB_INT, 0, .help = "Milliseconds since 1970, exclusive."},
        END}};

static const struct wb_schema row_shape = {
    .name = "AuditRow",
    .fields = (const struct wb_field[]){
        {"id", WB_INT, MUST},
        {"action", WB_STR, MUST},
        {"actor", WB_REF, MUST_OR_NULL, .ref = &wb_agent_shape},
        {"apiKeyId", WB_INT, MUST_OR_NULL},
        {"whatsappNumberId", WB_INT, MUST_OR_NULL},
        {"target", WB_STR, MUST_OR_NULL, .help = "\"user:7\", \"chat:<id>\", …"},
        {"ip", WB_STR, MUST_OR_NULL},
        {"details", WB_ANY, MUST_OR_NULL},
        {"createdAt", WB_TIME, MUST},
        END}};

static const struct wb_schema page_shape = {
    .name = "AuditPage",
    .fields = (const struct wb_field[]){
        {"limit", WB_INT, MUST}, {"nextBefore", WB_INT, MUST_OR_NULL}, END}};

const struct wb_schema wb_audit_answer = {
    .name = "AuditList",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"data", WB_LIST, MUST, .ref = &row_shape},
                                        {"pagination", WB_REF, MUST, .ref = &page_shape},
                                        END}};

static void key_id_or_null(struct bx_json_writer *w, const char *key, int64_t id)
{
    if (id)
        bx_json_key_i64(w, key, id);
    else
        bx_json_key_null(w, key);
}

static void row_write(struct bx_json_writer *w, const struct st_audit *row)
{
    bx_json_object(w);
    bx_json_key_i64(w, "id", row->id);
    bx_json_key_str(w, "action", row->action);
    bx_json_key(w, "actor");
    if (row->user_id) {
        bx_json_object(w);
        bx_json_key_i64(w, "id", row->user_id);
        bx_json_key_str(w, "name", row->user_name.ptr ? row->user_name : BX_STR("(deleted)"));
        bx_json_end(w);
    } else {
        bx_json_null(w);
    }
    key_id_or_null(w, "apiKeyId", row->api_key_id);
    key_id_or_null(w, "whatsappNumberId", row->number_id);
    wb_key_str_or_null(w, "target", row->target);
    wb_key_str_or_null(w, "ip", row->ip);
    if (row->details.ptr)
        bx_json_key_raw(w, "details", row->details);
    else
        bx_json_key_null(w, "details");
    bx_json_key_time(w, "createdAt", row->at);
    bx_json_end(w);
}

int wb_audit_list(struct wb_request *rq)
{
    struct bx_str action = wb_query_str(rq, "action");
    struct st_audit_query query = {
        .user_id = wb_query_int(rq, "userId", 0, INT64_MAX, 0),
        .number_id = wb_query_int(rq, "whatsappNumberId", 0, INT64_MAX, 0),
        .action_prefix = action.len ? action : (struct bx_str){0},
        .from = wb_query_int(rq, "from", 0, INT64_MAX, 0),
        .to = wb_query_int(rq, "to", 0, INT64_MAX, 0),
        .before_id = wb_query_int(rq, "before", 0, INT64_MAX, 0),
        .limit = wb_query_int(rq, "limit", 1, WB_LIMIT_MAX, 50),
    };
    struct st_audit *rows;
    size_t count;
    int rc = st_audit_list(rq->conn, &query, &rq->arena, &rows, &count);
    if (rc < 0)
        return rc;
    wb_answer_data(rq, "Audit log retrieved successfully");
    bx_json_array(&rq->w);
    for (size_t i = 0; i < count; i++)
        row_write(&rq->w, &rows[i]);
    bx_json_end(&rq->w);
    bx_json_key(&rq->w, "pagination");
    bx_json_object(&rq->w);
    bx_json_key_i64(&rq->w, "limit", query.limit);
    key_id_or_null(&rq->w, "nextBefore", count == (size_t)query.limit ? rows[count - 1].id : 0);
    bx_json_end(&rq->w);
    return wb_answer_end(rq);
}
