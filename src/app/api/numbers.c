#include "app/api/numbers.h"

#include "app/access/access.h"
#include "app/channel/engine.h"
#include "app/core/config.h"
#include "app/numbers/line.h"
#include "app/numbers/link.h"
#include "app/realtime/realtime.h"
#include "app/views/shapes.h"
#include "base/mem.h"

#include <stdlib.h>

#define END                                                                                        \
    {                                                                                              \
        .type = WB_END                                                                             \
    }
#define MISSING "WhatsApp number not found"
#define SORTS "id|name|phoneNumber|isActive|createdAt"

const struct wb_schema wb_numbers_query = {
    .fields = (const struct wb_field[]){
        {"page", WB_INT, 0, .fallback = "1"},
        {"limit", WB_INT, 0, .fallback = "10"},
        {"search", WB_STR, 0, .help = "In name and number."},
        {"isActive", WB_BOOL, 0},
        {"sortBy", WB_ENUM, 0, .choices = SORTS, .fallback = "\"createdAt\""},
        {"sortOrder", WB_ENUM, 0, .choices = "asc|desc", .fallback = "\"desc\""},
        END}};

static const struct wb_schema policy_shape = {
    .name = "NumberPolicies",
    .fields = (const struct wb_field[]){
        {"sendReadReceipts", WB_BOOL, MUST, .help = "Customers see that a chat was read."},
        {"sendTyping", WB_BOOL, MUST, .help = "Customers see that an agent types."},
        {"minSendIntervalMs", WB_INT, MUST, .help = "Pause between two messages of ours."},
        {"keepDeleted", WB_BOOL, MUST,
         .help = "What is deleted for everyone stays in the audit, for an ADMIN."},
        END}};

static const struct wb_schema policy_body = {
    .name = "NumberPoliciesChange",
    .fields = (const struct wb_field[]){{"sendReadReceipts", WB_BOOL, 0},
                                        {"sendTyping", WB_BOOL, 0},
                                        {"minSendIntervalMs", WB_INT, 0, 0, 600000},
                                        {"keepDeleted", WB_BOOL, 0},
                                        END}};

static const struct wb_schema number_shape = {
    .name = "WhatsAppNumber",
    .fields = (const struct wb_field[]){{"id", WB_INT, MUST},
                                        {"name", WB_STR, MUST},
                                        {"phoneNumber", WB_STR, MUST, .help = "Digits."},
                                        {"isActive", WB_BOOL, MUST},
                                        {"createdAt", WB_TIME, MUST},
                                        {"updatedAt", WB_TIME, MUST},
                                        {"phoneNumberFormatted", WB_STR, MUST},
                                        {"policies", WB_REF, MUST, .ref = &policy_shape},
                                        END}};

const struct wb_schema wb_number_formatted_shape = {
    .name = "WhatsAppNumberFormatted",
    .fields = (const struct wb_field[]){{"id", WB_INT, MUST},
                                        {"name", WB_STR, MUST},
                                        {"phoneNumber", WB_STR, MUST},
                                        {"isActive", WB_BOOL, MUST},
                                        {"phoneNumberFormatted", WB_STR, MUST},
                                        END}};

static const struct wb_schema named_page = {
    .name = "NumbersPage",
    .fields = (const struct wb_field[]){{"currentPage", WB_INT, MUST},
                                        {"totalPages", WB_INT, MUST},
                                        {"totalNumbers", WB_INT, MUST},
                                        {"limit", WB_INT, MUST},
                                        {"hasNextPage", WB_BOOL, MUST},
                                        {"hasPrevPage", WB_BOOL, MUST},
                                        END}};

const struct wb_schema wb_numbers_answer = {
    .name = "WhatsAppNumberList",
    .fields = (const struct wb_field[]){{"whatsappNumbers", WB_LIST, MUST, .ref = &number_shape},
                                        {"pagination", WB_REF, MUST, .ref = &named_page},
                                        END}};

const struct wb_schema wb_number_answer = {
    .name = "WhatsAppNumberAnswer",
    .fields =
        (const struct wb_field[]){{"whatsappNumber", WB_REF, MUST, .ref = &number_shape}, END}};

const struct wb_schema wb_number_changed = {
    .name = "WhatsAppNumberChanged",
    .fields = (const struct wb_field[]){
        {"message", WB_STR, MUST}, {"whatsappNumber", WB_REF, MUST, .ref = &number_shape}, END}};

#define NUMBER_FIELDS(must)                                                                        \
    {"name", WB_STR, must, 1, 100},                                                                \
        {"phoneNumber", WB_STR, must, 1, 40, .help = "0812…, 62812…, +62 812-…"},                  \
        {"isActive", WB_BOOL, 0, .fallback = "true"},                                              \
        {"policies", WB_REF, 0, .ref = &policy_body}, END

const struct wb_schema wb_number_body = {.name = "WhatsAppNumberCreate",
                                         .fields = (const struct wb_field[]){NUMBER_FIELDS(MUST)}};
const struct wb_schema wb_number_update_body = {.name = "WhatsAppNumberUpdate",
                                                .is_partial = true,
                                                .fields =
                                                    (const struct wb_field[]){NUMBER_FIELDS(0)}};

static void number_write(struct wb_request *rq, const struct st_number *n)
{
    struct bx_json_writer *w = &rq->w;
    struct wb_policy policy = wb_policy_parse(n->policy);
    bx_json_object(w);
    bx_json_key_i64(w, "id", n->id);
    bx_json_key_str(w, "name", n->name);
    bx_json_key_str(w, "phoneNumber", n->phone);
    bx_json_key_bool(w, "isActive", n->is_active);
    bx_json_key_time(w, "createdAt", n->created_at);
    bx_json_key_time(w, "updatedAt", n->updated_at);
    bx_json_key_str(w, "phoneNumberFormatted", wb_phone_format(n->phone, &rq->arena));
    bx_json_key_raw(w, "policies", wb_policy_format(&policy, &rq->arena));
    bx_json_end(w);
}

/* With NUMBERS_VISIBLE=permitted a number that one may not use does not exist. */
static bool is_visible(struct wb_request *rq, int64_t id)
{
    return strcmp(rq->app->config->numbers_visible, "all") == 0 ||
           wb_access_may(rq->app->access, &rq->who, id);
}

int wb_numbers_list(struct wb_request *rq)
{
    struct wb_page p = wb_query_page(rq, 10);
    struct st_number_query query = {.search = wb_query_str(rq, "search"),
                                    .is_active = wb_query_bool(rq, "isActive"),
                                    .limit = p.limit,
                                    .offset = p.offset};
    if (strcmp(rq->app->config->numbers_visible, "all") != 0) {
        query.permitted_to = rq->who.role != ST_ROLE_ADMIN ? rq->who.user_id : 0;
        query.api_key_id = rq->who.api_key_id;
    }
    query.digits = wb_phone_part(query.search, rq->app->config->default_country_code, &rq->arena);
    int sort;
    int rc = wb_query_sort(rq, SORTS, ST_NUMBER_BY_CREATED, &sort, true, &query.is_descending);
    if (rc < 0)
        return rc;
    query.sort = (enum st_number_sort)sort;
    struct st_number *rows;
    size_t count;
    int64_t total;
    rc = st_number_list(rq->conn, &query, &rq->arena, &rows, &count, &total);
    if (rc < 0)
        return rc;
    bx_json_object(&rq->w);
    bx_json_key(&rq->w, "whatsappNumbers");
    bx_json_array(&rq->w);
    for (size_t i = 0; i < count; i++)
        number_write(rq, &rows[i]);
    bx_json_end(&rq->w);
    wb_named_page_write(&rq->w, p, total, "totalNumbers");
    return wb_answer_end(rq);
}

int wb_numbers_get(struct wb_request *rq)
{
    struct st_number row;
    int rc = is_visible(rq, rq->ids[0]) ? st_number_get(rq->conn, rq->ids[0], &rq->arena, &row)
                                        : BX_E_NOT_FOUND;
    if (rc < 0)
        return wb_fail(rq, rc, MISSING);
    bx_json_object(&rq->w);
    bx_json_key(&rq->w, "whatsappNumber");
    number_write(rq, &row);
    return wb_answer_end(rq);
}

/* --- changes (ADMIN) --- */

/* The loop's picture of the number follows the commit. */
struct news {
    struct wb_app *app;
    struct bx_arena arena;
    struct st_number row;
    bool is_gone;
};

static void on_news(void *arg)
{
    struct news *n = arg;
    struct wb_line *line = wb_line_put(n->app, &n->row);
    if (n->is_gone) {
        line->is_gone = true;
        WB_ENGINE(line, logout);
        wb_line_session(line, NULL);
    } else {
        wb_link_follow(line);
    }
    wb_realtime_number_changed(n->app, line);
    bx_arena_done(&n->arena);
    free(n);
}

static void tell(struct wb_request *rq, bool is_gone)
{
    const struct st_number *row = rq->local;
    struct news *n = BX_NEW(struct news);
    bx_arena_init(&n->arena, 0);
    n->app = rq->app;
    n->row = *row;
    n->row.name = bx_arena_str(&n->arena, row->name);
    n->row.phone = bx_arena_str(&n->arena, row->phone);
    n->row.policy = bx_arena_str(&n->arena, row->policy);
    n->is_gone = is_gone;
    net_inbox_post(rq->app->loop, on_news, n);
}

static void on_changed(struct wb_request *rq)
{
    tell(rq, false);
}

static void on_deleted(struct wb_request *rq)
{
    wb_access_number_gone(rq->app->access, rq->ids[0]);
    tell(rq, true);
}

static int take_policies(struct wb_request *rq, struct st_number *row)
{
    const json_t *change = json_object_get(rq->body, "policies");
    if (!json_is_object(change))
        return BX_OK;
    struct wb_policy p = wb_policy_parse(row->policy);
    p.sends_read_receipts = wb_json_bool(change, "sendReadReceipts", p.sends_read_receipts);
    p.sends_typing = wb_json_bool(change, "sendTyping", p.sends_typing);
    p.min_send_interval_ms = wb_json_int(change, "minSendIntervalMs", p.min_send_interval_ms);
    p.keeps_deleted = wb_json_bool(change, "keepDeleted", p.keeps_deleted);
    row->policy = wb_policy_format(&p, &rq->arena);
    return BX_OK;
}

static int take_fields(struct wb_request *rq, struct st_number *row)
{
    struct bx_str name = wb_json_str(rq->body, "name"),
                  phone = wb_json_str(rq->body, "phoneNumber");
    char digits[WB_PHONE_SIZE];
    if (name.ptr)
        row->name = bx_str_trim(name);
    if (phone.ptr) {
        if (wb_phone_parse(phone, rq->app->config->default_country_code, digits) < 0)
            return wb_fail_field(rq, "phoneNumber",
                                 "phoneNumber must be a phone number such as 081234567890 or "
                                 "+62 812-3456-7890");
        row->phone = bx_arena_str(&rq->arena, bx_str(digits));
    }
    row->is_active = wb_json_bool(rq->body, "isActive", row->is_active);
    return take_policies(rq, row);
}

static int fail_taken(struct wb_request *rq, int rc, struct bx_str phone)
{
    struct st_number other;
    if (rc == BX_E_EXISTS && st_number_by_phone(rq->conn, phone, &rq->arena, &other) == BX_OK) {
        struct bx_buf out;
        struct bx_json_writer w;
        bx_buf_init(&out, 0);
        bx_json_writer_init(&w, &out);
        bx_json_object(&w);
        bx_json_key(&w, "existingNumber");
        wb_number_brief_write(&w, other.id, other.name, other.phone, other.is_active);
        bx_json_key_str(&w, "normalizedInput", phone);
        bx_json_end(&w);
        rq->details = bx_arena_str(&rq->arena, bx_buf_view(&out));
        bx_buf_done(&out);
    }
    return wb_fail(rq, rc, "Phone number already exists");
}

static int answer_changed(struct wb_request *rq, const char *message, int64_t id)
{
    struct st_number *row = rq->local = BX_ARENA_NEW(&rq->arena, struct st_number);
    int rc = st_number_get(rq->conn, id, &rq->arena, row);
    if (rc < 0)
        return rc;
    rq->audit_number_id = id;
    rq->audit_target = bx_arena_printf(&rq->arena, "number:%lld", (long long)id);
    rq->after = on_changed;
    wb_answer_open_plain(rq, message);
    bx_json_key(&rq->w, "whatsappNumber");
    number_write(rq, row);
    return wb_answer_end(rq);
}

int wb_numbers_create(struct wb_request *rq)
{
    struct st_number row = {.is_active = true, .policy = BX_STR("{}")};
    int64_t id;
    if (!wb_access_may(rq->app->access, &rq->who, 0)) /* no number: only who may use all */
        return wb_fail(rq, BX_E_DENIED,
                       "This API key is bound to its numbers and cannot add another.");
    int rc = take_fields(rq, &row);
    if (rc < 0)
        return rc;
    rc = st_number_insert(rq->tx, &row, &id);
    return rc < 0 ? fail_taken(rq, rc, row.phone)
                  : answer_changed(rq, "WhatsApp number created successfully", id);
}

int wb_numbers_update(struct wb_request *rq)
{
    struct st_number row;
    int rc = st_number_get(rq->conn, rq->ids[0], &rq->arena, &row);
    if (rc < 0)
        return wb_fail(rq, rc, MISSING);
    rc = take_fields(rq, &row);
    if (rc < 0)
        return rc;
    rc = st_number_update(rq->tx, &row);
    return rc < 0 ? fail_taken(rq, rc, row.phone)
                  : answer_changed(rq, "WhatsApp number updated successfully", row.id);
}

int wb_numbers_toggle(struct wb_request *rq)
{
    struct st_number row;
    int rc = st_number_get(rq->conn, rq->ids[0], &rq->arena, &row);
    if (rc < 0)
        return wb_fail(rq, rc, MISSING);
    row.is_active = !row.is_active;
    rc = st_number_update(rq->tx, &row);
    return rc < 0 ? rc
                  : answer_changed(rq,
                                   row.is_active ? "WhatsApp number activated successfully"
                                                 : "WhatsApp number deactivated successfully",
                                   row.id);
}

int wb_numbers_delete(struct wb_request *rq)
{
    struct st_number *row = rq->local = BX_ARENA_NEW(&rq->arena, struct st_number);
    int rc = st_number_get(rq->conn, rq->ids[0], &rq->arena, row);
    if (rc == BX_OK)
        rc = st_number_delete(rq->tx, rq->ids[0]);
    if (rc < 0)
        return wb_fail(rq, rc, MISSING);
    rq->audit_number_id = row->id;
    rq->audit_target = bx_arena_printf(&rq->arena, "number:%lld", (long long)row->id);
    rq->after = on_deleted;
    wb_answer_open_plain(rq, "WhatsApp number deleted successfully");
    return wb_answer_end(rq);
}
