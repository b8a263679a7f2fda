/* Metrics: each module lists its counters and gauges in a static table and registers it once;
 * /metrics prints all tables as Prometheus text (exposition format 0.0.4). Values are plain
 * atomics: increments cost one instruction, any thread.
 */
#ifndef BX_METRICS_H
#define BX_METRICS_H

#include "base/buf.h"

#include <stdatomic.h>

/* Values of the _SECONDS kinds are kept in microseconds and printed in seconds, the base unit. */
enum bx_metric_kind { BX_COUNTER, BX_GAUGE, BX_COUNTER_SECONDS, BX_GAUGE_SECONDS };

struct bx_metric {
    const char *name; /* "sio_connections" */
    const char *help;
    enum bx_metric_kind kind;
    const char *labels; /* NULL or "reason=\"ping timeout\""; rows of one name stand together */
    _Atomic int64_t value;
};

static inline void bx_metric_add(struct bx_metric *m, int64_t n)
{
    atomic_fetch_add_explicit(&m->value, n, memory_order_relaxed);
}

static inline void bx_metric_set(struct bx_metric *m, int64_t v)
{
    atomic_store_explicit(&m->value, v, memory_order_relaxed);
}

static inline int64_t bx_metric_get(struct bx_metric *m)
{
    return atomic_load_explicit(&m->value, memory_order_relaxed);
}

/* A histogram of durations, from half a millisecond to ten seconds. Observed in microseconds,
 * printed in seconds. */
enum { BX_HISTOGRAM_BOUNDS = 14 };

struct bx_histogram {
    const char *name; /* "…_seconds" */
    const char *help;
    const char *labels; /* as above */
    /* Each bucket counts its own observations; the last one those above every bound. */
    _Atomic int64_t buckets[BX_HISTOGRAM_BOUNDS + 1];
    _Atomic int64_t sum_us;
};

/* Any thread. */
void bx_histogram_observe(struct bx_histogram *h, uint64_t us);

/* A set of tables; the process has as many as it has servers. The rows are kept (static). */
struct bx_metrics {
    struct bx_metrics_table {
        struct bx_metric *rows;
        size_t count;
    } tables[24];
    size_t count;
    struct bx_histogram *histograms[8];
    size_t histogram_count;
    /* Printed before every name that does not begin with it, except those of the process_ family.
     * NULL: none. */
    const char *prefix;
};

void bx_metrics_register(struct bx_metrics *set, struct bx_metric *rows, size_t count);
void bx_metrics_register_histogram(struct bx_metrics *set, struct bx_histogram *h);
int bx_metrics_print(struct bx_metrics *set, struct bx_buf *out);

#endif
