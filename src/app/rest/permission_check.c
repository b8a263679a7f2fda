#include "app/rest/permission_check.h"

#include "app/access/access.h"
#include "app/core/context.h"
#include "app/rest/route.h"
#include "base/mem.h"

static int number_of_chat(struct wb_request *rq, int64_t id, int64_t *out)
{
    struct st_chat row;
    int rc = st_chat_get(rq->conn, id, &rq->arena, &row);
    if (rc == BX_OK)
        *out = row.number_id;
    return rc;
}

static int number_of_session(struct wb_request *rq, int64_t id, int64_t *out)
{
    struct st_session row;
    int rc = st_session_get(rq->conn, id, &rq->arena, &row);
    if (rc == BX_OK)
        *out = row.number_id;
    return rc;
}

static int number_of_message(struct wb_request *rq, int64_t id, int64_t *out)
{
    struct st_message row;
    int rc = st_message_get(rq->conn, id, &rq->arena, &row);
    if (rc == BX_OK)
        *out = row.number_id;
    return rc;
}

static int number_of_contact(struct wb_request *rq, int64_t id, int64_t *out)
{
    struct st_contact row;
    int rc = st_contact_get(rq->conn, id, &rq->arena, &row);
    if (rc == BX_OK)
        *out = row.number_id;
    return rc;
}

/* One text for "does not exist" and "not yours". */
static const struct {
    int (*number_of)(struct wb_request *rq, int64_t id, int64_t *out);
    const char *missing;
} things[] = {
    [WB_OF_CHAT] = {number_of_chat, "Chat not found or unauthorized"},
    [WB_ADMIN_OF_SESSION] = {number_of_session, "Session not found or unauthorized"},
    [WB_OF_SESSION] = {number_of_session, "Session not found or unauthorized"},
    [WB_OF_MESSAGE] = {number_of_message, "Message not found or unauthorized"},
    [WB_OF_CONTACT] = {number_of_contact, "Contact not found or unauthorized"},
};

static const char *const missing_words[] = {
    [WB_PARAM_ID] = "The id in the address must be a positive whole number.",
    [WB_PARAM_SESSION] = "Session not found or unauthorized",
    [WB_PARAM_CHAT] = "Chat not found or unauthorized",
    [WB_PARAM_MESSAGE] = "Message not found or unauthorized",
    [WB_PARAM_TEXT] = "The address is malformed.",
};

static int parse_param(struct wb_request *rq, size_t i, enum wb_param_kind kind)
{
    static const enum st_uuid_kind uuids[] = {[WB_PARAM_SESSION] = ST_UUID_SESSION,
                                              [WB_PARAM_CHAT] = ST_UUID_CHAT,
                                              [WB_PARAM_MESSAGE] = ST_UUID_MESSAGE};
    struct bx_str text = rq->texts[i];
    uint64_t id;
    int rc;
    switch (kind) {
    case WB_PARAM_TEXT:
        rc = http_url_decode(&rq->arena, text, false, &rq->texts[i]);
        return rc < 0 ? wb_fail(rq, BX_E_INVALID, "%s", missing_words[kind]) : BX_OK;
    case WB_PARAM_ID:
        rc = bx_str_u64(text, INT64_MAX, &id);
        if (rc < 0 || id == 0)
            return wb_fail_field(rq, "id", "%s", missing_words[kind]);
        rq->ids[i] = (int64_t)id;
        return BX_OK;
    case WB_PARAM_SESSION:
    case WB_PARAM_CHAT:
    case WB_PARAM_MESSAGE:
        rc = st_uuid_parse(rq->app->store, uuids[kind], text, &rq->ids[i]);
        return rc < 0 ? wb_fail(rq, BX_E_NOT_FOUND, "%s", missing_words[kind]) : BX_OK;
    }
    return BX_E_INTERNAL;
}

static int parse_params(struct wb_request *rq)
{
    struct bx_str rest = bx_str(rq->route->path), piece;
    for (size_t i = 0; bx_str_split(&rest, '/', &piece);) {
        if (piece.len < 2 || piece.ptr[0] != '{')
            continue;
        int rc = parse_param(rq, i++, wb_param_kind(bx_str_slice(piece, 1, piece.len - 1)));
        if (rc < 0)
            return rc;
    }
    return BX_OK;
}

static int ask_for_number(struct wb_request *rq, int64_t number_id)
{
    if (!wb_access_may(rq->app->access, &rq->who, number_id))
        return BX_E_DENIED;
    rq->number_id = number_id;
    return BX_OK;
}

int wb_permission_of_caller(struct wb_request *rq)
{
    const struct wb_route *route = rq->route;
    if (route->access == WB_PUBLIC)
        return parse_params(rq);
    if (rq->who.api_key_id && (route->scope & rq->who.scopes) != route->scope)
        return wb_fail(rq, BX_E_DENIED, "This API key does not have the scope for this call.");
    if (wb_route_is_admins(route) && rq->who.role != ST_ROLE_ADMIN)
        return wb_fail(rq, BX_E_DENIED, "Access denied. Administrator role required.");
    int rc = parse_params(rq);
    bool names_number = route->access == WB_OF_NUMBER || route->access == WB_ADMIN_OF_NUMBER;
    if (rc == BX_OK && names_number && ask_for_number(rq, rq->ids[0]) < 0)
        rc = wb_fail(rq, BX_E_DENIED, "Unauthorized access to WhatsApp number");
    return rc;
}

int wb_permission_check(struct wb_request *rq)
{
    enum wb_access_rule rule = rq->route->access;
    if ((size_t)rule >= BX_LEN(things) || !things[rule].number_of)
        return BX_OK;
    int64_t number_id = 0;
    int rc = things[rule].number_of(rq, rq->ids[0], &number_id);
    if (rc == BX_OK && ask_for_number(rq, number_id) < 0)
        rc = BX_E_NOT_FOUND;
    return rc < 0 ? wb_fail(rq, rc, "%s", things[rule].missing) : BX_OK;
}

/* What a key that is bound to numbers may see of all of them. */
static size_t keep_permitted(struct wb_request *rq, int64_t *ids, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (wb_access_may(rq->app->access, &rq->who, ids[i]))
            ids[kept++] = ids[i];
    }
    return kept;
}

static int every_number(struct wb_request *rq, int64_t **out, size_t *out_count)
{
    struct st_number_query page = {.is_active = -1, .limit = ST_LIMIT_MAX};
    struct st_number *rows;
    int64_t total = 0;
    *out_count = 0;
    do {
        size_t count;
        int rc = st_number_list(rq->conn, &page, &rq->arena, &rows, &count, &total);
        if (rc < 0)
            return rc;
        if (page.offset == 0)
            *out = bx_arena_alloc(&rq->arena, ((size_t)total + 1) * sizeof **out);
        for (size_t i = 0; i < count && *out_count < (size_t)total; i++)
            (*out)[(*out_count)++] = rows[i].id;
        page.offset += page.limit;
    } while (page.offset < total);
    return BX_OK;
}

int wb_permission_numbers(struct wb_request *rq, const int64_t **out, size_t *out_count)
{
    int64_t asked = wb_query_int(rq, "whatsappNumberId", 0, INT64_MAX, 0);
    int64_t *ids = bx_arena_alloc(&rq->arena, sizeof *ids);
    size_t count = 1;
    *ids = asked;
    if (asked && !wb_access_may(rq->app->access, &rq->who, asked))
        return wb_fail(rq, BX_E_DENIED, "Unauthorized access to WhatsApp number");
    bool is_admin = rq->who.role == ST_ROLE_ADMIN;
    if (!asked && is_admin && !rq->who.api_key_id) {
        *out = NULL;
        *out_count = 0;
        return BX_OK;
    }
    if (!asked && is_admin) {
        int rc = every_number(rq, &ids, &count);
        if (rc < 0)
            return rc;
    } else if (!asked) {
        count = wb_access_numbers(rq->app->access, rq->who.user_id, &rq->arena, &ids);
    }
    *out_count = asked ? 1 : keep_permitted(rq, ids, count);
    *out = ids;
    return BX_OK;
}
