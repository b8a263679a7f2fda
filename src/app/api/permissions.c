#include "app/api/permissions.h"

#include "app/access/access.h"
#include "app/core/context.h"
#include "app/views/shapes.h"

#define END                                                                                        \
    {                                                                                              \
        .type = WB_END                                                                             \
    }

static const struct wb_schema permission_shape = {
    .name = "Permission",
    .fields = (const struct wb_field[]){
        {"id", WB_INT, MUST_OR_NULL, .help = "null: an ADMIN has it without a row."},
        {"userId", WB_INT, MUST},
        {"whatsappNumberId", WB_INT, MUST},
        {"whatsappNumber", WB_REF, MUST, .ref = &wb_number_brief_shape},
        {"createdAt", WB_TIME, MUST_OR_NULL},
        {"updatedAt", WB_TIME, MUST_OR_NULL},
        END}};

const struct wb_schema wb_permissions_answer = {
    .name = "PermissionList",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"data", WB_LIST, MUST, .ref = &permission_shape},
                                        {"pagination", WB_REF, MUST, .ref = &wb_page_shape},
                                        END}};

const struct wb_schema wb_permission_body = {
    .name = "PermissionCreate",
    .fields =
        (const struct wb_field[]){{"userId", WB_INT, MUST, 1, INT64_C(9007199254740991)},
                                  {"whatsappNumberId", WB_INT, MUST, 1, INT64_C(9007199254740991)},
                                  END}};

const struct wb_schema wb_permission_answer = {
    .name = "PermissionAnswer",
    .fields = (const struct wb_field[]){{"success", WB_TRUE, MUST},
                                        {"message", WB_STR, MUST},
                                        {"data", WB_REF, MUST, .ref = &permission_shape},
                                        END}};

static void permission_write(struct bx_json_writer *w, const struct st_permission *row)
{
    bx_json_object(w);
    if (row->id)
        bx_json_key_i64(w, "id", row->id);
    else
        bx_json_key_null(w, "id");
    bx_json_key_i64(w, "userId", row->user_id);
    bx_json_key_i64(w, "whatsappNumberId", row->number_id);
    bx_json_key(w, "whatsappNumber");
    wb_number_brief_write(w, row->number_id, row->number_name, row->number_phone,
                          row->number_is_active);
    wb_key_time_or_null(w, "createdAt", row->created_at);
    wb_key_time_or_null(w, "updatedAt", row->updated_at);
    bx_json_end(w);
}

static void list_open(struct wb_request *rq)
{
    wb_answer_data(rq, "Permissions retrieved successfully");
    bx_json_array(&rq->w);
}

static int list_end(struct wb_request *rq, struct wb_page page, int64_t total)
{
    bx_json_end(&rq->w);
    wb_page_write(&rq->w, page, total);
    return wb_answer_end(rq);
}

/* user_id 0: of everybody */
static int answer_rows(struct wb_request *rq, int64_t user_id, struct wb_page page)
{
    struct st_permission_query query = {.user_id = user_id,
                                        .api_key_id = rq->who.api_key_id,
                                        .limit = page.limit,
                                        .offset = page.offset};
    struct st_permission *rows;
    size_t count;
    int64_t total;
    int rc = st_permission_list(rq->conn, &query, &rq->arena, &rows, &count, &total);
    if (rc < 0)
        return rc;
    list_open(rq);
    for (size_t i = 0; i < count; i++)
        permission_write(&rq->w, &rows[i]);
    return list_end(rq, page, total);
}

/* An ADMIN has every number, without rows. */
static int answer_admin(struct wb_request *rq, int64_t user_id, struct wb_page page)
{
    struct st_number_query query = {.is_active = -1,
                                    .api_key_id = rq->who.api_key_id,
                                    .sort = ST_NUMBER_BY_ID,
                                    .limit = page.limit,
                                    .offset = page.offset};
    struct st_number *rows;
    size_t count;
    int64_t total;
    int rc = st_number_list(rq->conn, &query, &rq->arena, &rows, &count, &total);
    if (rc < 0)
        return rc;
    list_open(rq);
    for (size_t i = 0; i < count; i++) {
        struct st_permission p = {.user_id = user_id,
                                  .number_id = rows[i].id,
                                  .number_name = rows[i].name,
                                  .number_phone = rows[i].phone,
                                  .number_is_active = rows[i].is_active};
        permission_write(&rq->w, &p);
    }
    return list_end(rq, page, total);
}

static int answer_of(struct wb_request *rq, int64_t user_id)
{
    struct wb_page page = wb_query_page(rq, WB_LIMIT_MAX);
    struct st_user user;
    int rc = st_user_get(rq->conn, user_id, &rq->arena, &user);
    if (rc < 0)
        return wb_fail(rq, rc, "User not found");
    return user.role == ST_ROLE_ADMIN ? answer_admin(rq, user_id, page)
                                      : answer_rows(rq, user_id, page);
}

int wb_permissions_list(struct wb_request *rq)
{
    return answer_rows(rq, rq->who.role == ST_ROLE_ADMIN ? 0 : rq->who.user_id,
                       wb_query_page(rq, 10));
}

int wb_permissions_me(struct wb_request *rq)
{
    return answer_of(rq, rq->who.user_id);
}

int wb_permissions_of_user(struct wb_request *rq)
{
    if (rq->who.role != ST_ROLE_ADMIN && rq->ids[0] != rq->who.user_id)
        return wb_fail(rq, BX_E_DENIED, "Access denied. Administrator role required.");
    return answer_of(rq, rq->ids[0]);
}

/* --- changes (ADMIN) --- */

static void on_granted(struct wb_request *rq)
{
    const struct st_permission *p = rq->local;
    wb_access_grant(rq->app->access, p->user_id, p->number_id);
}

static void on_revoked(struct wb_request *rq)
{
    const struct st_permission *p = rq->local;
    wb_access_revoke(rq->app->access, p->user_id, p->number_id);
}

static int answer_changed(struct wb_request *rq, const char *message)
{
    const struct st_permission *p = rq->local;
    rq->audit_number_id = p->number_id;
    rq->audit_target = bx_arena_printf(&rq->arena, "user:%lld", (long long)p->user_id);
    wb_answer_data(rq, message);
    permission_write(&rq->w, p);
    return wb_answer_end(rq);
}

int wb_permissions_grant(struct wb_request *rq)
{
    int64_t user_id = wb_json_int(rq->body, "userId", 0);
    int64_t number_id = wb_json_int(rq->body, "whatsappNumberId", 0), id;
    struct st_user user;
    struct st_number number;
    int rc = st_user_get(rq->conn, user_id, &rq->arena, &user);
    if (rc < 0)
        return wb_fail(rq, rc, "User not found");
    rc = st_number_get(rq->conn, number_id, &rq->arena, &number);
    if (rc < 0)
        return wb_fail(rq, rc, "WhatsApp number not found");
    rc = st_permission_insert(rq->tx, user_id, number_id, &id);
    if (rc < 0)
        return wb_fail(rq, rc, "The user already has permission for this WhatsApp number");
    rq->local = BX_ARENA_NEW(&rq->arena, struct st_permission);
    rc = st_permission_get(rq->conn, id, &rq->arena, rq->local);
    rq->after = on_granted;
    return rc < 0 ? rc : answer_changed(rq, "Permission granted successfully");
}

int wb_permissions_revoke(struct wb_request *rq)
{
    rq->local = BX_ARENA_NEW(&rq->arena, struct st_permission);
    int rc = st_permission_get(rq->conn, rq->ids[0], &rq->arena, rq->local);
    if (rc == BX_OK)
        rc = st_permission_delete(rq->tx, rq->ids[0]);
    if (rc < 0)
        return wb_fail(rq, rc, "Permission not found");
    rq->after = on_revoked;
    return answer_changed(rq, "Permission revoked successfully");
}
