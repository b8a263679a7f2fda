/* What a row of the REST tables (api/) says, and what is made of the rows: dispatch, access checks, OpenAPI,
 * API.md, the Postman collection and the permission-matrix test.
 *
 * To add a route: write the handler, declare it and its schemas in the header of its resource, add a
 * row to the table in api/.
 */
#ifndef WB_ROUTE_H
#define WB_ROUTE_H

#include "app/rest/request.h"

/* Who may call. The numbered rules find the number first; a caller without permission on it, and
 * one who names something that does not exist, get the same answer. */
enum wb_access_rule {
    WB_PUBLIC,
    WB_USER, /* anybody who is logged in */
    WB_ADMIN,
    WB_ADMIN_OF_NUMBER,  /* an ADMIN; of api keys that are bound to numbers those of this one */
    WB_ADMIN_OF_SESSION, /* … of this session's number */
    WB_OF_NUMBER,        /* path parameter 0 is a number id */
    WB_OF_CHAT,          /* … a chat's UUID */
    WB_OF_SESSION,       /* … a session's UUID */
    WB_OF_MESSAGE,       /* … a message's UUID */
    WB_OF_CONTACT,       /* … a contact's id */
    WB_ACCESS_RULES
};

/* Where the handler runs. */
enum wb_where {
    WB_ON_LOOP,  /* memory only, microseconds */
    WB_ON_LANE,  /* with the worker's reader */
    WB_ON_WRITER /* in a transaction; `prepare`, if any, before it on a lane */
};

/* What a call costs the caller's bucket. */
enum wb_rate { WB_RATE_NORMAL, WB_RATE_FREE, WB_RATE_HEAVY };

enum wb_route_flag {
    WB_WAITS = 1 << 14, /* its answer waits for something outside: it is not slow */
    WB_HASHES = 1,      /* prepare hashes a password: its lane is one of few */
    WB_ALIAS = 2,       /* another address of the same thing; "deprecated" in documents */
    WB_NO_PREFIX = 4,   /* the path stands as it is, not under /api/v1 */
    WB_BODY_OPTIONAL = 8,
    WB_CONFLICTS = 16,    /* answers 409 */
    WB_IDEMPOTENT = 32,   /* takes Idempotency-Key; answers 422 */
    WB_NOT_JSON = 64,     /* the success body is not JSON */
    WB_UNAVAILABLE = 128, /* answers 503 as a statement (health) */
    WB_KEPT = 256 /* the same for everybody who may see the number, until a chat or contact of it
                     changes */
};

typedef int wb_handler_fn(struct wb_request *rq);

struct wb_route {
    enum http_method method;
    const char *path; /* "/users/{id}"; {…Id} of session, chat and message are UUIDs, {cmd} a text,
                         others row ids: see wb_param_kind */
    const char *tag, *summary;
    wb_handler_fn *handler;
    wb_handler_fn *prepare; /* on a lane, before the transaction; a failure ends the request */
    enum wb_access_rule access;
    unsigned scope; /* what an api key needs */
    enum wb_where where;
    enum wb_rate rate;
    unsigned flags;
    const struct wb_schema *body, *query, *answer;
    int status;        /* of success; 0: 200 */
    const char *audit; /* action; a row is written with the change, in its transaction */
};

/* Every route of a server; app->routes. The rows belong to api/, which no file here names. */
struct wb_route_list {
    const struct wb_route *rows;
    size_t count;
};

static inline bool wb_route_is_admins(const struct wb_route *r)
{
    return r->access == WB_ADMIN || r->access == WB_ADMIN_OF_NUMBER ||
           r->access == WB_ADMIN_OF_SESSION;
}

enum wb_param_kind {
    WB_PARAM_ID,
    WB_PARAM_SESSION,
    WB_PARAM_CHAT,
    WB_PARAM_MESSAGE,
    WB_PARAM_TEXT
};
enum wb_param_kind wb_param_kind(struct bx_str name);

/* Full path template of a row, "/api/v1/users/{id}". */
struct bx_str wb_route_path(const struct wb_route *route, struct bx_arena *arena);
const char *wb_method_name(enum http_method method);

/* Finds the row; texts of the parameters are slices of `path`, not decoded. BX_E_NOT_FOUND; or
 * BX_E_UNSUPPORTED when the path is there with other methods (*out_allow gets bits 1 << method). */
int wb_route_find(const struct wb_route_list *routes, enum http_method method, struct bx_str path,
                  const struct wb_route **out, struct bx_str params[WB_PARAMS_MAX],
                  unsigned *out_allow);

#endif
