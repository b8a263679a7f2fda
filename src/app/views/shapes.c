#include "app/views/shapes.h"

#include "app/views/error_code.h"

#define END                                                                                        \
    {                                                                                              \
        .type = WB_END                                                                             \
    }

const struct wb_schema wb_error_shape = {
    .name = "Error",
    .help = "What every failed call answers.",
    .fields = (const struct wb_field[]){
        {"success", WB_FALSE, MUST},
        {"error", WB_STR, MUST, .help = "Reason phrase of the status."},
        {"code", WB_REF, 0, .ref = &wb_error_code_shape,
         .help = "Always, except where the HTTP request itself was refused."},
        {"message", WB_STR, MUST, .help = "One sentence a person can act on."},
        {"details", WB_ANY, 0, .help = "Field, line and column, allowed values, …"},
        END}};

const struct wb_schema wb_done_shape = {
    .name = "Done",
    .fields =
        (const struct wb_field[]){{"success", WB_TRUE, MUST}, {"message", WB_STR, MUST}, END}};

const struct wb_schema wb_plain_done_shape = {
    .name = "DoneMessage", .fields = (const struct wb_field[]){{"message", WB_STR, MUST}, END}};

const struct wb_schema wb_page_shape = {
    .name = "Page",
    .fields = (const struct wb_field[]){{"currentPage", WB_INT, MUST},
                                        {"totalPages", WB_INT, MUST},
                                        {"totalItems", WB_INT, MUST},
                                        {"itemsPerPage", WB_INT, MUST},
                                        END}};

const struct wb_schema wb_user_shape = {
    .name = "User",
    .fields = (const struct wb_field[]){{"id", WB_INT, MUST},
                                        {"name", WB_STR, MUST},
                                        {"username", WB_STR, MUST},
                                        {"email", WB_STR, MUST},
                                        {"role", WB_ENUM, MUST, .choices = "ADMIN|USER"},
                                        {"isActive", WB_BOOL, MUST},
                                        {"createdAt", WB_TIME, MUST},
                                        {"updatedAt", WB_TIME, MUST},
                                        END}};

const struct wb_schema wb_agent_shape = {
    .name = "Agent",
    .fields = (const struct wb_field[]){{"id", WB_INT, MUST}, {"name", WB_STR, MUST}, END}};

const struct wb_schema wb_number_brief_shape = {
    .name = "WhatsAppNumberBrief",
    .fields = (const struct wb_field[]){{"id", WB_INT, MUST},
                                        {"name", WB_STR, MUST},
                                        {"phoneNumber", WB_STR, MUST, .help = "Digits."},
                                        {"isActive", WB_BOOL, MUST},
                                        END}};

const struct wb_schema wb_page_query = {
    .fields = (const struct wb_field[]){
        {"page", WB_INT, 0, .help = "From 1; clamped.", .fallback = "1"},
        {"limit", WB_INT, 0, .help = "Rows of a page, 1 to 1000; clamped."},
        END}};

void wb_page_write(struct bx_json_writer *w, struct wb_page page, int64_t total)
{
    bx_json_key(w, "pagination");
    bx_json_object(w);
    bx_json_key_i64(w, "currentPage", page.page);
    bx_json_key_i64(w, "totalPages", wb_pages(total, page.limit));
    bx_json_key_i64(w, "totalItems", total);
    bx_json_key_i64(w, "itemsPerPage", page.limit);
    bx_json_end(w);
}

void wb_named_page_write(struct bx_json_writer *w, struct wb_page page, int64_t total,
                         const char *total_key)
{
    int64_t pages = wb_pages(total, page.limit);
    bx_json_key(w, "pagination");
    bx_json_object(w);
    bx_json_key_i64(w, "currentPage", page.page);
    bx_json_key_i64(w, "totalPages", pages);
    bx_json_key_i64(w, total_key, total);
    bx_json_key_i64(w, "limit", page.limit);
    bx_json_key_bool(w, "hasNextPage", page.page < pages);
    bx_json_key_bool(w, "hasPrevPage", page.page > 1);
    bx_json_end(w);
}

const char *wb_role_name(enum st_role role)
{
    return role == ST_ROLE_ADMIN ? "ADMIN" : "USER";
}

enum st_role wb_role_of(struct bx_str name)
{
    return bx_str_is(name, "ADMIN") ? ST_ROLE_ADMIN : ST_ROLE_USER;
}

void wb_user_write(struct bx_json_writer *w, const struct st_user *user)
{
    bx_json_object(w);
    bx_json_key_i64(w, "id", user->id);
    bx_json_key_str(w, "name", user->name);
    bx_json_key_str(w, "username", user->username);
    bx_json_key_str(w, "email", user->email);
    bx_json_key_cstr(w, "role", wb_role_name(user->role));
    bx_json_key_bool(w, "isActive", user->is_active);
    bx_json_key_time(w, "createdAt", user->created_at);
    bx_json_key_time(w, "updatedAt", user->updated_at);
    bx_json_end(w);
}

void wb_number_brief_write(struct bx_json_writer *w, int64_t id, struct bx_str name,
                           struct bx_str phone, bool is_active)
{
    bx_json_object(w);
    bx_json_key_i64(w, "id", id);
    bx_json_key_str(w, "name", name);
    bx_json_key_str(w, "phoneNumber", phone);
    bx_json_key_bool(w, "isActive", is_active);
    bx_json_end(w);
}
