#include "app/api/users.h"

#include "app/access/access.h"
#include "app/core/context.h"
#include "app/views/shapes.h"
#include "base/fold.h"
#include "base/lookalike.h"
#include "crypto/password.h"

#define END                                                                                        \
    {                                                                                              \
        .type = WB_END                                                                             \
    }
#define SORTS "id|name|username|email|role|createdAt|updatedAt"

const struct wb_schema wb_users_query = {
    .fields = (const struct wb_field[]){
        {"page", WB_INT, 0, .help = "From 1; clamped.", .fallback = "1"},
        {"limit", WB_INT, 0, .help = "1 to 1000; clamped.", .fallback = "10"},
        {"search", WB_STR, 0, .help = "In name, username, e-mail."},
        {"role", WB_ENUM, 0, .choices = "USER|ADMIN"},
        {"sortBy", WB_ENUM, 0, .choices = SORTS, .fallback = "\"createdAt\""},
        {"sortOrder", WB_ENUM, 0, .choices = "asc|desc", .fallback = "\"desc\""},
        END}};

static const struct wb_schema page = {.name = "UserPage",
                                      .fields =
                                          (const struct wb_field[]){{"currentPage", WB_INT, MUST},
                                                                    {"totalPages", WB_INT, MUST},
                                                                    {"totalUsers", WB_INT, MUST},
                                                                    {"limit", WB_INT, MUST},
                                                                    {"hasNextPage", WB_BOOL, MUST},
                                                                    {"hasPrevPage", WB_BOOL, MUST},
                                                                    END}};

const struct wb_schema wb_users_answer = {
    .name = "UserList",
    .fields = (const struct wb_field[]){{"users", WB_LIST, MUST, .ref = &wb_user_shape},
                                        {"pagination", WB_REF, MUST, .ref = &page},
                                        END}};

#define USER_FIELDS(must)                                                                          \
    {"name", WB_STR, must, 1, 120}, {"username", WB_STR, must, 1, 64}, {"email", WB_EMAIL, must},  \
        {"password", WB_STR, must | WB_SECRET | WB_BLANK_OK, WB_PASSWORD_MIN, WB_PASSWORD_MAX},    \
        {"role", WB_ENUM, 0, .choices = "USER|ADMIN", .fallback = "\"USER\""},                     \
        {"isActive", WB_BOOL, 0, .fallback = "true"}, END

const struct wb_schema wb_user_body = {.name = "UserCreate",
                                       .fields = (const struct wb_field[]){USER_FIELDS(MUST)}};

const struct wb_schema wb_user_update_body = {
    .name = "UserUpdate", .is_partial = true, .fields = (const struct wb_field[]){USER_FIELDS(0)}};

const struct wb_schema wb_user_answer = {
    .name = "UserAnswer",
    .fields = (const struct wb_field[]){{"user", WB_REF, MUST, .ref = &wb_user_shape}, END}};

const struct wb_schema wb_user_changed = {
    .name = "UserChanged",
    .fields = (const struct wb_field[]){
        {"message", WB_STR, MUST}, {"user", WB_REF, MUST, .ref = &wb_user_shape}, END}};

int wb_users_list(struct wb_request *rq)
{
    struct wb_page p = wb_query_page(rq, 10);
    struct st_user_query query = {
        .search = wb_query_str(rq, "search"), .limit = p.limit, .offset = p.offset};
    int sort;
    int rc = wb_query_sort(rq, SORTS, ST_USER_BY_CREATED, &sort, true, &query.is_descending);
    if (rc == BX_OK)
        rc = wb_query_choice(rq, "role", "USER|ADMIN", &query.role);
    if (rc < 0)
        return rc;
    query.sort = (enum st_user_sort)sort;
    struct st_user *rows;
    size_t count;
    int64_t total;
    rc = st_user_list(rq->conn, &query, &rq->arena, &rows, &count, &total);
    if (rc < 0)
        return rc;
    bx_json_object(&rq->w);
    bx_json_key(&rq->w, "users");
    bx_json_array(&rq->w);
    for (size_t i = 0; i < count; i++)
        wb_user_write(&rq->w, &rows[i]);
    bx_json_end(&rq->w);
    wb_named_page_write(&rq->w, p, total, "totalUsers");
    return wb_answer_end(rq);
}

int wb_users_get(struct wb_request *rq)
{
    struct st_user user;
    int rc = st_user_get(rq->conn, rq->ids[0], &rq->arena, &user);
    if (rc < 0)
        return wb_fail(rq, rc, "User not found");
    bx_json_object(&rq->w);
    bx_json_key(&rq->w, "user");
    wb_user_write(&rq->w, &user);
    return wb_answer_end(rq);
}

/* --- changes --- */

struct change {
    struct st_user row;
    bool has_new_password, ends_logins;
    char hash[CR_PASSWORD_TEXT_SIZE];
};

/* What people could not tell from another's name, or not type, is none. */
static const char *username_fault(struct wb_request *rq, struct bx_str username)
{
    static const char *const faults[] = {
        [BX_NAME_INVISIBLE] = "username must not have invisible characters; type it anew",
        [BX_NAME_MIXED] = "username must not mix letters of different scripts, because it could be "
                          "taken for another's; use one script"};
    struct bx_str folded = bx_fold_str(username, &rq->arena);
    if (bx_str_find(folded, ' ') != folded.len || bx_str_find(folded, '@') != folded.len)
        return "username must not have spaces or @";
    return faults[bx_name_check(username)];
}

int wb_users_hash(struct wb_request *rq)
{
    struct change *c = rq->local = BX_ARENA_NEW(&rq->arena, struct change);
    struct bx_str username = wb_json_str(rq->body, "username");
    const char *fault = username.ptr ? username_fault(rq, username) : NULL;
    if (fault)
        return wb_fail_field(rq, "username", "%s", fault);
    struct bx_str password = wb_json_str(rq->body, "password");
    if (!password.ptr)
        return BX_OK;
    c->has_new_password = true;
    return cr_password_hash(password, CR_PASSWORD_COST, c->hash);
}

static void take_fields(struct wb_request *rq, struct change *c)
{
    struct bx_str name = wb_json_str(rq->body, "name"), email = wb_json_str(rq->body, "email"),
                  username = wb_json_str(rq->body, "username"),
                  role = wb_json_str(rq->body, "role");
    if (name.ptr)
        c->row.name = bx_str_trim(name);
    if (username.ptr)
        c->row.username = username;
    if (email.ptr)
        c->row.email = email;
    if (role.ptr)
        c->row.role = wb_role_of(role);
    if (c->has_new_password)
        c->row.password_hash = bx_str(c->hash);
    c->row.is_active = wb_json_bool(rq->body, "isActive", c->row.is_active);
}

static int fail_taken(struct wb_request *rq, const char *field)
{
    return wb_fail(rq, BX_E_EXISTS, "%s already exists",
                   strcmp(field, "email") == 0 ? "Email" : "Username");
}

static int answer_changed(struct wb_request *rq, const char *message, const struct st_user *user)
{
    rq->audit_target = bx_arena_printf(&rq->arena, "user:%lld", (long long)user->id);
    wb_answer_open_plain(rq, message);
    bx_json_key(&rq->w, "user");
    wb_user_write(&rq->w, user);
    return wb_answer_end(rq);
}

static void on_changed(struct wb_request *rq)
{
    const struct change *c = rq->local;
    if (c->ends_logins)
        wb_access_logout_all(rq->app->access, c->row.id,
                             c->row.id == rq->who.user_id ? bx_str(rq->who.jti) : BX_STR(""));
    wb_access_user_put(rq->app->access, &c->row);
}

int wb_users_create(struct wb_request *rq)
{
    struct change *c = rq->local;
    c->row = (struct st_user){.is_active = true};
    take_fields(rq, c);
    const char *field = "";
    int rc = st_user_insert(rq->tx, &c->row, &c->row.id, &field);
    if (rc < 0)
        return rc == BX_E_EXISTS ? fail_taken(rq, field) : rc;
    c->row.created_at = c->row.updated_at = st_tx_now(rq->tx);
    rq->after = on_changed;
    return answer_changed(rq, "User created successfully", &c->row);
}

int wb_users_update(struct wb_request *rq)
{
    struct change *c = rq->local;
    int rc = st_user_get(rq->conn, rq->ids[0], &rq->arena, &c->row);
    if (rc < 0)
        return wb_fail(rq, rc, "User not found");
    take_fields(rq, c);
    const char *field = "";
    rc = st_user_update(rq->tx, &c->row, &field);
    if (rc == BX_E_EXISTS)
        return fail_taken(rq, field);
    if (rc == BX_E_STATE)
        return wb_fail(rq, rc, "The last administrator cannot be demoted or deactivated");
    if (rc < 0)
        return rc;
    c->ends_logins = c->has_new_password || !c->row.is_active;
    if (c->ends_logins)
        rc = st_token_revoke_user(rq->tx, c->row.id,
                                  c->row.id == rq->who.user_id ? bx_str(rq->who.jti)
                                                               : (struct bx_str){0});
    if (rc < 0)
        return rc;
    c->row.updated_at = st_tx_now(rq->tx);
    rq->after = on_changed;
    return answer_changed(rq, "User updated successfully", &c->row);
}

static void on_deleted(struct wb_request *rq)
{
    wb_access_logout_all(rq->app->access, rq->ids[0], BX_STR(""));
    wb_access_user_gone(rq->app->access, rq->ids[0]);
}

int wb_users_delete(struct wb_request *rq)
{
    if (rq->ids[0] == rq->who.user_id)
        return wb_fail(rq, BX_E_INVALID, "You cannot delete your own account");
    int rc = st_user_delete(rq->tx, rq->ids[0]);
    if (rc == BX_E_STATE)
        return wb_fail(rq, rc, "The last administrator cannot be removed");
    if (rc < 0)
        return wb_fail(rq, rc, "User not found");
    rq->after = on_deleted;
    rq->audit_target = bx_arena_printf(&rq->arena, "user:%lld", (long long)rq->ids[0]);
    wb_answer_open_plain(rq, "User deleted successfully");
    return wb_answer_end(rq);
}
