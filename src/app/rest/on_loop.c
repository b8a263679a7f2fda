#include "app/rest/on_loop.h"

#include "app/core/context.h"
#include "base/mem.h"

#include <stdlib.h>

struct visit {
    struct wb_request *rq;
    int (*fn)(struct wb_request *rq);
};

static void on_visit(void *arg)
{
    struct visit v = *(struct visit *)arg;
    free(arg);
    int rc = v.fn(v.rq);
    if (rc != WB_LATER)
        wb_request_answer(v.rq, rc);
}

void wb_on_loop(struct wb_request *rq, int (*fn)(struct wb_request *rq))
{
    struct visit *v = BX_NEW(struct visit);
    *v = (struct visit){rq, fn};
    net_inbox_post(rq->app->loop, on_visit, v);
}
