#include "app/api/chats.h"

#include "app/core/config.h"
#include "app/core/context.h"
#include "app/core/phone.h"
#include "app/inbox/chat_read.h"
#include "app/rest/request_rows.h"
#include "app/views/event_shapes.h"
#include "app/views/pages.h"
#include "app/views/shapes.h"

#define END                                                                                        \
    {                                                                                              \
        .type = WB_END                                                                             \
    }

enum { OFFSET_MAX = 1000000000 };

#define LIMIT_OFFSET                                                                               \
    {"limit", WB_INT, 0, .fallback = "50"},                                                        \
    {                                                                                              \
        "offset", WB_INT, 0, .fallback = "0"                                                       \
    }

const struct wb_schema wb_chats_query = {
    .fields = (const struct wb_field[]){
        LIMIT_OFFSET,
        {"archived", WB_BOOL, 0, .help = "Also the archived ones, behind the others."},
        END}};

const struct wb_schema wb_chats_answer = {
    .name = "ChatList",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"data", WB_LIST, MUST, .ref = &wb_shape_chat},
                                        {"pagination", WB_REF, MUST, .ref = &wb_shape_pagination},
                                        END}};

const struct wb_schema wb_chats_search_query = {
    .fields = (const struct wb_field[]){
        {"q", WB_STR, 0, .help = "Part of a name, a number or a group subject."},
        {"limit", WB_INT, 0, .fallback = "50"},
        END}};

const struct wb_schema wb_chats_search_answer = {
    .name = "ChatSearch",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"data", WB_LIST, MUST, .ref = &wb_shape_chat},
                                        {"query", WB_STR, MUST},
                                        END}};

const struct wb_schema wb_history_query = {
    .fields = (const struct wb_field[]){
        LIMIT_OFFSET,
        {"order", WB_ENUM, 0, .choices = "asc|desc", .fallback = "\"asc\"",
         .help = "Inside the page; pages count from the newest."},
        {"before", WB_UUID, 0, .help = "Message id: the page before it."},
        {"after", WB_UUID, 0, .help = "Message id: the page after it."},
        END}};

const struct wb_schema wb_history_answer = {
    .name = "MessageList",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"data", WB_LIST, MUST, .ref = &wb_shape_message},
                                        {"pagination", WB_REF, MUST, .ref = &wb_shape_pagination},
                                        END}};

/* --- handlers --- */

int wb_chats_list(struct wb_request *rq)
{
    struct wb_rows rows;
    struct st_chat_query query = {.number_id = rq->ids[0],
                                  .archived = wb_query_bool(rq, "archived") == 1 ? ST_ARCHIVED_ANY
                                                                                 : ST_ARCHIVED_OUT,
                                  .limit = wb_query_int(rq, "limit", 1, WB_LIMIT_MAX, 50),
                                  .offset = wb_query_int(rq, "offset", 0, OFFSET_MAX, 0)};
    int64_t total = 0;
    int rc = wb_request_rows(rq, rq->ids[0], &rows);
    if (rc < 0)
        return wb_fail(rq, rc, "WhatsApp number not found");
    wb_answer_data(rq, "Chats retrieved successfully");
    rc = wb_chat_page_write(&rq->w, &rows, rq->conn, &query, &total);
    if (rc < 0)
        return rc;
    wb_offset_page_write(&rq->w, query.limit, query.offset, total);
    return wb_answer_end(rq);
}

int wb_chats_search(struct wb_request *rq)
{
    struct wb_rows rows;
    struct bx_str q = wb_query_str(rq, "q");
    struct st_chat *found = NULL;
    size_t count = 0;
    int rc = wb_request_rows(rq, rq->ids[0], &rows);
    if (rc < 0)
        return wb_fail(rq, rc, "WhatsApp number not found");
    if (q.len)
        rc = st_chat_search(rq->conn, rq->ids[0], q,
                            wb_phone_part(q, rq->app->config->default_country_code, &rq->arena),
                            wb_query_int(rq, "limit", 1, WB_LIMIT_MAX, 50), &rq->arena, &found,
                            &count);
    if (rc < 0)
        return rc;
    wb_answer_data(rq, "Chats found successfully");
    bx_json_array(&rq->w);
    for (size_t i = 0; i < count; i++)
        wb_chat_write(&rq->w, &rows, &found[i]);
    bx_json_end(&rq->w);
    bx_json_key_str(&rq->w, "query", q.ptr ? q : BX_STR(""));
    return wb_answer_end(rq);
}

/* A key of the query; BX_E_NOT_FOUND answers what an unknown message answers. */
static int message_key(struct wb_request *rq, const char *name, int64_t *out)
{
    struct bx_str text = wb_query_str(rq, name);
    *out = 0;
    if (!text.len || st_uuid_parse(rq->app->store, ST_UUID_MESSAGE, text, out) == BX_OK)
        return BX_OK;
    return wb_fail_field(rq, name, "%s must be the id of a message in this chat", name);
}

int wb_chats_messages(struct wb_request *rq)
{
    struct wb_rows rows;
    struct st_chat chat;
    struct st_history_query query = {.chat_id = rq->ids[0],
                                     .limit = wb_query_int(rq, "limit", 1, WB_LIMIT_MAX, 50),
                                     .offset = wb_query_int(rq, "offset", 0, OFFSET_MAX, 0)};
    int order;
    int rc = wb_query_choice(rq, "order", "asc|desc", &order);
    if (rc == BX_OK)
        rc = message_key(rq, "before", &query.before);
    if (rc == BX_OK)
        rc = message_key(rq, "after", &query.after);
    if (rc == BX_OK)
        rc = st_chat_get(rq->conn, rq->ids[0], &rq->arena, &chat);
    if (rc == BX_OK)
        rc = wb_request_rows(rq, rq->number_id, &rows);
    if (rc < 0)
        return rc;
    wb_answer_data(rq, "Messages retrieved successfully");
    rc = wb_history_page_write(&rq->w, &rows, rq->conn, &query, order != 1);
    if (rc == BX_E_NOT_FOUND) {
        rq->out.len = 0;
        return wb_fail_field(rq, "before", "before must be the id of a message in this chat");
    }
    if (rc < 0)
        return rc;
    wb_cut_page_write(&rq->w, query.limit, query.offset, chat.message_count,
                      st_page_is_cut(rq->conn));
    return wb_answer_end(rq);
}

/* --- reading (a change) --- */

struct reading {
    struct wb_log log;
    struct wb_receipts *receipts;
};

static void on_read(struct wb_request *rq)
{
    struct reading *r = rq->local;
    wb_log_publish(&r->log);
    wb_receipts_post(rq->app, r->receipts);
}

static void on_lost(struct wb_request *rq)
{
    wb_receipts_free(((struct reading *)rq->local)->receipts);
}

int wb_chats_read(struct wb_request *rq)
{
    struct reading *r = rq->local = BX_ARENA_NEW(&rq->arena, struct reading);
    struct wb_turn turn;
    rq->undo = on_lost;
    wb_log_init(&r->log, rq->app, &rq->arena);
    int rc = wb_turn_begin(&turn, rq->tx, rq->number_id, &r->log, &rq->arena);
    if (rc == BX_OK)
        rc = wb_chat_read_store(&turn, rq->ids[0], &r->receipts);
    wb_turn_done(&turn);
    if (rc < 0)
        return rc;
    rq->after = on_read;
    wb_answer_open(rq, "Chat marked as read");
    return wb_answer_end(rq);
}
