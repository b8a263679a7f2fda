/* Counters of the business, for /metrics. Added after the commit that makes them true. */
#ifndef WB_COUNTS_H
#define WB_COUNTS_H

#include "base/metrics.h"

enum wb_count {
    WB_COUNT_IN,         /* messages of customers that were stored; history is not counted */
    WB_COUNT_IN_FAILED,  /* … that could not be decrypted */
    WB_COUNT_OUT,        /* messages that WhatsApp accepted from here */
    WB_COUNT_OUT_FAILED, /* … that it refused */
    WB_COUNT_RECONNECTS, /* links that broke and are made again */
    WB_COUNT_DECRYPT,    /* messages that could not be decrypted */
    WB_COUNT_LINKED,     /* devices linked */
    WB_COUNTS
};

extern struct bx_metric wb_count_metrics[WB_COUNTS];

static inline void wb_count(enum wb_count what, int64_t n)
{
    bx_metric_add(&wb_count_metrics[what], n);
}

#endif
