/* Shapes that several rooms share, with the functions that write them. */
#ifndef WB_SHAPES_H
#define WB_SHAPES_H

#include "app/core/json_keys.h"
#include "app/core/schema.h"
#include "store/store.h"

/* Flags of answer fields, short because tables are read in columns. */
#define MUST WB_REQUIRED
#define MUST_OR_NULL (WB_REQUIRED | WB_NULLABLE)

/* One rule wherever a password is chosen; in characters. */
enum { WB_PASSWORD_MIN = 8, WB_PASSWORD_MAX = 1024 };

extern const struct wb_schema wb_error_shape, wb_done_shape, wb_plain_done_shape, wb_page_shape,
    wb_user_shape, wb_agent_shape, wb_number_brief_shape, wb_page_query;

/* {currentPage,totalPages,totalItems,itemsPerPage} under "pagination" */
void wb_page_write(struct bx_json_writer *w, struct wb_page page, int64_t total);
/* The classic lists name their total ("totalUsers", "totalNumbers"). */
void wb_named_page_write(struct bx_json_writer *w, struct wb_page page, int64_t total,
                         const char *total_key);

void wb_user_write(struct bx_json_writer *w, const struct st_user *user);
/* {id,name,phoneNumber,isActive} */
void wb_number_brief_write(struct bx_json_writer *w, int64_t id, struct bx_str name,
                           struct bx_str phone, bool is_active);

const char *wb_role_name(enum st_role role);
enum st_role wb_role_of(struct bx_str name);

#endif
