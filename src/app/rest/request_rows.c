#include "app/rest/request_rows.h"

#include "app/core/config.h"
#include "app/core/context.h"

int wb_request_rows(struct wb_request *rq, int64_t number_id, struct wb_rows *out)
{
    int rc = wb_rows_of(rq->conn, number_id, false, &rq->arena, out);
    if (rc < 0)
        return rc;
    out->viewer_id = rq->who.user_id;
    if (!rq->app->config->public_url && rq->host.len)
        out->base_url = bx_arena_printf(&rq->arena, "%s://%.*s", rq->is_tls ? "https" : "http",
                                        BX_STR_ARG(rq->host));
    return BX_OK;
}
