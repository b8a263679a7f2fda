#include "app/api/audit.h"

#include "app/core/context.h"
#include "app/core/phone.h"
#include "app/views/shapes.h"
#include "base/mem.h"

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
        {"apiKeyName", WB_STR, MUST_OR_NULL, .help = "null too when the key was deleted."},
        {"whatsappNumberId", WB_INT, MUST_OR_NULL},
        {"whatsappNumberName", WB_STR, MUST_OR_NULL},
        {"target", WB_STR, MUST_OR_NULL, .help = "\"user:7\", \"chat:<id>\", …"},
        {"targetName", WB_STR, MUST_OR_NULL, .help = "What it is called now."},
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

/* --- what a target is called; ptr NULL when it is gone or has no name --- */

static struct bx_str user_name(struct wb_request *rq, int64_t id)
{
    struct st_user row;
    return st_user_get(rq->conn, id, &rq->arena, &row) == BX_OK ? row.name : (struct bx_str){0};
}

static struct bx_str number_name(struct wb_request *rq, int64_t id)
{
    struct st_number row;
    return st_number_get(rq->conn, id, &rq->arena, &row) == BX_OK ? row.name : (struct bx_str){0};
}

static struct bx_str template_name(struct wb_request *rq, int64_t id)
{
    struct st_template row;
    return st_template_get(rq->conn, id, &rq->arena, &row) == BX_OK ? row.name : (struct bx_str){0};
}

static struct bx_str chat_name(struct wb_request *rq, int64_t id)
{
    struct st_chat row;
    if (st_chat_get(rq->conn, id, &rq->arena, &row) < 0)
        return (struct bx_str){0};
    return row.name.len ? row.name : wb_phone_format(row.number, &rq->arena);
}

static const struct {
    const char *prefix;
    struct bx_str (*name)(struct wb_request *rq, int64_t id);
    bool is_uuid;
} kinds[] = {{"user:", user_name, false},
             {"number:", number_name, false},
             {"template:", template_name, false},
             {"chat:", chat_name, true}};

static struct bx_str target_name(struct wb_request *rq, struct bx_str target)
{
    for (size_t i = 0; target.ptr && i < BX_LEN(kinds); i++) {
        struct bx_str prefix = bx_str(kinds[i].prefix);
        if (!bx_str_starts(target, prefix))
            continue;
        struct bx_str rest = bx_str_slice(target, prefix.len, target.len);
        int64_t id;
        uint64_t number;
        int rc = kinds[i].is_uuid ? st_uuid_parse(rq->app->store, ST_UUID_CHAT, rest, &id)
                                  : bx_str_u64(rest, INT64_MAX, &number);
        if (rc < 0)
            break;
        return kinds[i].name(rq, kinds[i].is_uuid ? id : (int64_t)number);
    }
    return (struct bx_str){0};
}

static void row_write(struct wb_request *rq, const struct st_audit *row)
{
    struct bx_json_writer *w = &rq->w;
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
    wb_key_str_or_null(w, "apiKeyName", row->api_key_name);
    key_id_or_null(w, "whatsappNumberId", row->number_id);
    wb_key_str_or_null(w, "whatsappNumberName", row->number_name);
    wb_key_str_or_null(w, "target", row->target);
    wb_key_str_or_null(w, "targetName", target_name(rq, row->target));
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
        row_write(rq, &rows[i]);
    bx_json_end(&rq->w);
    bool has_more = count && (count == (size_t)query.limit || st_page_is_cut(rq->conn));
    bx_json_key(&rq->w, "pagination");
    bx_json_object(&rq->w);
    bx_json_key_i64(&rq->w, "limit", query.limit);
    key_id_or_null(&rq->w, "nextBefore", has_more ? rows[count - 1].id : 0);
    bx_json_end(&rq->w);
    return wb_answer_end(rq);
}
