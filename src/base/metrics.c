#include "base/metrics.h"

#include "base/err.h"
#include "base/mem.h"

#include <inttypes.h>

void bx_metrics_register(struct bx_metrics *set, struct bx_metric *rows, size_t count)
{
    BX_ASSERT(set->count < BX_LEN(set->tables));
    set->tables[set->count++] = (struct bx_metrics_table){rows, count};
}

static int print_row(struct bx_buf *out, struct bx_metric *m, bool is_first_of_name)
{
    int rc = BX_OK;
    if (is_first_of_name)
        rc = bx_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", m->name, m->help, m->name,
                           m->kind == BX_COUNTER ? "counter" : "gauge");
    if (rc < 0)
        return rc;
    return m->labels
               ? bx_buf_printf(out, "%s{%s} %" PRId64 "\n", m->name, m->labels, bx_metric_get(m))
               : bx_buf_printf(out, "%s %" PRId64 "\n", m->name, bx_metric_get(m));
}

int bx_metrics_print(struct bx_metrics *set, struct bx_buf *out)
{
    for (size_t t = 0; t < set->count; t++) {
        const char *previous = "";
        for (size_t i = 0; i < set->tables[t].count; i++) {
            struct bx_metric *m = &set->tables[t].rows[i];
            int rc = print_row(out, m, strcmp(previous, m->name) != 0);
            if (rc < 0)
                return rc;
            previous = m->name;
        }
    }
    return BX_OK;
}
