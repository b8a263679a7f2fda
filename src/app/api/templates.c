#include "app/api/templates.h"

#include "app/views/shapes.h"
#include "base/fold.h"

#define END                                                                                        \
    {                                                                                              \
        .type = WB_END                                                                             \
    }
#define TAKEN "Command already exists, must be unique"
#define MISSING "Chat template not found"

const struct wb_schema wb_templates_query = {
    .fields = (const struct wb_field[]){
        {"page", WB_INT, 0, .fallback = "1"},
        {"limit", WB_INT, 0, .fallback = "10"},
        {"search", WB_STR, 0, .alias = "q", .help = "In name, command, content."},
        {"command", WB_STR, 0, .help = "Exactly this command."},
        {"isActive", WB_BOOL, 0},
        END}};

static const struct wb_schema template_shape = {
    .name = "ChatTemplate",
    .fields = (const struct wb_field[]){{"id", WB_INT, MUST},
                                        {"name", WB_STR, MUST},
                                        {"commands", WB_STR, MUST, .help = "With the leading /."},
                                        {"content", WB_STR, MUST},
                                        {"isActive", WB_BOOL, MUST},
                                        {"createdAt", WB_TIME, MUST},
                                        {"updatedAt", WB_TIME, MUST},
                                        END}};

const struct wb_schema wb_templates_answer = {
    .name = "ChatTemplateList",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"data", WB_LIST, MUST, .ref = &template_shape},
                                        {"pagination", WB_REF, MUST, .ref = &wb_page_shape},
                                        END}};

#define TEMPLATE_FIELDS(must)                                                                      \
    {"name", WB_STR, must, 1, 200},                                                                \
        {"commands", WB_STR, must, 1, 64, .help = "As /hello; a missing / is added."},             \
        {"content", WB_STR, must, 1, 65536}, {"isActive", WB_BOOL, 0, .fallback = "true"}, END

const struct wb_schema wb_template_body = {
    .name = "ChatTemplateCreate", .fields = (const struct wb_field[]){TEMPLATE_FIELDS(MUST)}};

const struct wb_schema wb_template_update_body = {
    .name = "ChatTemplateUpdate",
    .is_partial = true,
    .fields = (const struct wb_field[]){TEMPLATE_FIELDS(0)}};

const struct wb_schema wb_template_answer = {
    .name = "ChatTemplateAnswer",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"data", WB_REF, MUST, .ref = &template_shape},
                                        END}};

static void template_write(struct bx_json_writer *w, const struct st_template *row)
{
    bx_json_object(w);
    bx_json_key_i64(w, "id", row->id);
    bx_json_key_str(w, "name", row->name);
    bx_json_key_str(w, "commands", row->command);
    bx_json_key_str(w, "content", row->content);
    bx_json_key_bool(w, "isActive", row->is_active);
    bx_json_key_time(w, "createdAt", row->created_at);
    bx_json_key_time(w, "updatedAt", row->updated_at);
    bx_json_end(w);
}

static int answer_one(struct wb_request *rq, const char *message, const struct st_template *row)
{
    wb_answer_data(rq, message);
    template_write(&rq->w, row);
    return wb_answer_end(rq);
}

static struct bx_str with_slash(struct wb_request *rq, struct bx_str command)
{
    command = bx_str_trim(command);
    return bx_str_starts(command, BX_STR("/"))
               ? command
               : bx_arena_printf(&rq->arena, "/%.*s", BX_STR_ARG(command));
}

int wb_templates_list(struct wb_request *rq)
{
    struct wb_page p = wb_query_page(rq, 10);
    struct bx_str search = wb_query_str(rq, "search"), command = wb_query_str(rq, "command");
    struct st_template_query query = {
        .search = search.len ? search : wb_query_str(rq, "q"),
        .is_active = wb_query_bool(rq, "isActive"),
        .limit = p.limit,
        .offset = p.offset,
    };
    if (command.len)
        query.command = with_slash(rq, command);
    struct st_template *rows;
    size_t count;
    int64_t total;
    int rc = st_template_list(rq->conn, &query, &rq->arena, &rows, &count, &total);
    if (rc < 0)
        return rc;
    wb_answer_data(rq, "Chat templates retrieved successfully");
    bx_json_array(&rq->w);
    for (size_t i = 0; i < count; i++)
        template_write(&rq->w, &rows[i]);
    bx_json_end(&rq->w);
    wb_page_write(&rq->w, p, total);
    return wb_answer_end(rq);
}

int wb_templates_get(struct wb_request *rq)
{
    struct st_template row;
    int rc = st_template_get(rq->conn, rq->ids[0], &rq->arena, &row);
    if (rc < 0)
        return wb_fail(rq, rc, MISSING);
    return answer_one(rq, "Chat template retrieved successfully", &row);
}

int wb_templates_by_command(struct wb_request *rq)
{
    struct st_template row;
    int rc = st_template_by_command(rq->conn, with_slash(rq, rq->texts[0]), &rq->arena, &row);
    if (rc < 0)
        return wb_fail(rq, rc, MISSING);
    return answer_one(rq, "Chat template retrieved successfully", &row);
}

/* --- changes (ADMIN) --- */

static int take_fields(struct wb_request *rq, struct st_template *row)
{
    struct bx_str name = wb_json_str(rq->body, "name"), command = wb_json_str(rq->body, "commands"),
                  content = wb_json_str(rq->body, "content");
    if (name.ptr)
        row->name = bx_str_trim(name);
    if (content.ptr)
        row->content = content;
    row->is_active = wb_json_bool(rq->body, "isActive", row->is_active);
    if (!command.ptr)
        return BX_OK;
    row->command = with_slash(rq, command);
    struct bx_str folded = bx_fold_str(row->command, &rq->arena);
    if (folded.len < 2 || bx_str_find(folded, ' ') != folded.len)
        return wb_fail_field(rq, "commands", "commands must be one word such as /hello");
    return BX_OK;
}

static int answer_changed(struct wb_request *rq, const char *message, int64_t id)
{
    struct st_template row;
    int rc = st_template_get(rq->conn, id, &rq->arena, &row);
    if (rc < 0)
        return rc;
    rq->audit_target = bx_arena_printf(&rq->arena, "template:%lld", (long long)id);
    return answer_one(rq, message, &row);
}

int wb_templates_create(struct wb_request *rq)
{
    struct st_template row = {.is_active = true};
    int64_t id;
    int rc = take_fields(rq, &row);
    if (rc < 0)
        return rc;
    rc = st_template_insert(rq->tx, &row, &id);
    if (rc < 0)
        return wb_fail(rq, rc, TAKEN);
    return answer_changed(rq, "Chat template created successfully", id);
}

int wb_templates_update(struct wb_request *rq)
{
    struct st_template row;
    int rc = st_template_get(rq->conn, rq->ids[0], &rq->arena, &row);
    if (rc < 0)
        return wb_fail(rq, rc, MISSING);
    rc = take_fields(rq, &row);
    if (rc < 0)
        return rc;
    rc = st_template_update(rq->tx, &row);
    if (rc < 0)
        return wb_fail(rq, rc, TAKEN);
    return answer_changed(rq, "Chat template updated successfully", row.id);
}

int wb_templates_delete(struct wb_request *rq)
{
    int rc = st_template_delete(rq->tx, rq->ids[0]);
    if (rc < 0)
        return wb_fail(rq, rc, MISSING);
    rq->audit_target = bx_arena_printf(&rq->arena, "template:%lld", (long long)rq->ids[0]);
    wb_answer_open(rq, "Chat template deleted successfully");
    return wb_answer_end(rq);
}
