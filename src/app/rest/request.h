/* One REST request, as a handler sees it. A handler is plain synchronous C that reads top to
 * bottom:
 *
 *   int wb_templates_get(struct wb_request *rq)
 *   {
 *       struct st_template row;
 *       int rc = st_template_get(rq->conn, rq->ids[0], &rq->arena, &row);
 *       if (rc < 0)
 *           return wb_fail(rq, rc, "Chat template not found");
 *       wb_answer_data(rq, "Chat template retrieved successfully");
 *       wb_template_write(&rq->w, &row);
 *       return wb_answer_end(rq);
 *   }
 *
 * Where it runs is said by its route: on the loop (memory only), on a lane with the worker's
 * reader, or inside a transaction of the writer. Before it runs, caller, rate, scope, permission,
 * path parameters and body have been checked by the row of the table. It returns BX_OK with the
 * answer in `w`, a negative BX_E_* with wb_fail, or WB_LATER.
 */
#ifndef WB_REQUEST_H
#define WB_REQUEST_H

#include "app/access/credentials.h"
#include "app/core/inflight.h"
#include "app/core/json_keys.h"
#include "app/core/schema.h"
#include "base/log.h"
#include "base/shared.h"
#include "net/http/http_server.h"
#include "store/store.h"

struct wb_app;
struct wb_route;

enum {
    WB_LATER = 1, /* the answer follows with wb_request_answer */
    WB_PARAMS_MAX = 3
};

struct wb_request {
    struct wb_app *app;
    const struct wb_route *route;
    struct bx_arena arena;
    struct wb_principal who; /* user_id 0 on public routes without a login */

    /* input; texts live in the arena */
    struct bx_str path, query, body_text;
    struct bx_str texts[WB_PARAMS_MAX]; /* path parameters as sent, decoded */
    int64_t ids[WB_PARAMS_MAX];         /* the same as row ids; 0 for texts */
    json_t *body;                       /* checked object; NULL without a body */
    int64_t number_id;                  /* that the permission was checked for; 0: none */
    struct bx_str user_agent, host, idempotency_key, content_type, credentials, origin;
    bool is_api_key; /* credentials are a key, not a token */
    bool is_tls;
    char ip[WB_IP_SIZE];
    char id[20]; /* X-Request-Id */
    uint64_t started_ns;

    struct wb_request *next_probed; /* of those that wait for the store's health */

    /* the store: conn always on a lane and in a transaction, tx only there */
    struct st_conn *conn;
    struct st_tx *tx;
    struct wb_ticket ticket; /* of a read */
    void *local;             /* from prepare to handler, in the arena */

    /* answer */
    int status; /* 0: the route's on success, the error table's on failure */
    struct bx_buf out;
    struct bx_json_writer w;
    const char *content_type_out; /* NULL: application/json */
    struct bx_str message;        /* of a failure */
    struct bx_str details;        /* of a failure: JSON object, ptr NULL: none */
    int64_t retry_after_ms;
    struct bx_str location;     /* redirect; ptr NULL: none */
    struct bx_shared *body_out; /* the body instead of `out`; see kept.h */
    uint64_t chat_mark;

    /* Runs after the commit, on any thread, before the answer leaves: tell the caches. */
    void (*after)(struct wb_request *rq);
    /* Instead of it when nothing was committed, though the handler may have succeeded: release. */
    void (*undo)(struct wb_request *rq);

    /* of the audit row (route->audit): set what is known */
    struct bx_str audit_target, audit_details;
    int64_t audit_number_id, audit_user_id; /* user: default who */
    bool is_replay;                         /* nothing was done again: no row */

    /* private to dispatch.c */
    struct http_exchange *x; /* loop thread; NULL once the client left */
    int rc;
    unsigned stage;
};

/* --- failures: return wb_fail(...). Sentences for a person; never SQL, paths or secrets. --- */

int wb_fail(struct wb_request *rq, int rc, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* With a status that the error table does not have for rc (422). */
int wb_fail_status(struct wb_request *rq, int status, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* 400 that names the field in details.field. */
int wb_fail_field(struct wb_request *rq, const char *field, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* --- answers --- */

/* {"success":true,"message":…  and the object stays open for more keys. */
void wb_answer_open(struct wb_request *rq, const char *message);
/* {"message":…  for the rows whose body has no `success`. */
void wb_answer_open_plain(struct wb_request *rq, const char *message);
/* {"success":true,"message":…,"data":  now write one value. */
void wb_answer_data(struct wb_request *rq, const char *message);
/* Closes the object; BX_OK or the writer's failure. */
int wb_answer_end(struct wb_request *rq);

/* Gives the answer of a request that returned WB_LATER; any thread, exactly once. rc as a handler
 * returns it. */
void wb_request_answer(struct wb_request *rq, int rc);

/* --- query --- */

/* Decoded value; ptr NULL when absent or broken. */
struct bx_str wb_query_str(struct wb_request *rq, const char *name);
/* Clamped: anything that is no number gives the fallback, too small min, too large max. */
int64_t wb_query_int(struct wb_request *rq, const char *name, int64_t min, int64_t max,
                     int64_t fallback);
/* 0, 1, or -1 when absent or neither. */
int wb_query_bool(struct wb_request *rq, const char *name);
/* Index into choices "a|b|c" without regard to case, or -1 when absent; BX_E_INVALID fails the
 * request naming the choices. */
int wb_query_choice(struct wb_request *rq, const char *name, const char *choices, int *out);

/* page and limit of the classic lists; never fails. */
struct wb_page wb_query_page(struct wb_request *rq, int64_t default_limit);

enum { WB_LIMIT_MAX = 1000, WB_PAGE_MAX = 1000000 };

/* sortBy (a choice, see above) and sortOrder (asc, desc; else the default). */
int wb_query_sort(struct wb_request *rq, const char *choices, int fallback, int *out_index,
                  bool default_descending, bool *out_is_descending);

#endif
