/* Metrics: each room lists its counters and gauges in a static table and registers it once;
 * /metrics prints all tables as Prometheus text (exposition format 0.0.4). Values are plain
 * atomics: increments cost one instruction, any thread.
 */
#ifndef BX_METRICS_H
#define BX_METRICS_H

#include "base/buf.h"

#include <stdatomic.h>

enum bx_metric_kind { BX_COUNTER, BX_GAUGE };

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

/* A set of tables; the process has as many as it has servers. The rows are kept (static). */
struct bx_metrics {
    struct bx_metrics_table {
        struct bx_metric *rows;
        size_t count;
    } tables[16];
    size_t count;
};

void bx_metrics_register(struct bx_metrics *set, struct bx_metric *rows, size_t count);
int bx_metrics_print(struct bx_metrics *set, struct bx_buf *out);

#endif
