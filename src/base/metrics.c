#include "base/metrics.h"

#include "base/err.h"
#include "base/mem.h"

#include <inttypes.h>

void bx_metrics_register(struct bx_metrics *set, struct bx_metric *rows, size_t count)
{
    BX_ASSERT(set->count < BX_LEN(set->tables));
    set->tables[set->count++] = (struct bx_metrics_table){rows, count};
}

/* All rows of the set as one sequence. */
static struct bx_metric *row_at(struct bx_metrics *set, size_t i)
{
    for (size_t t = 0; t < set->count; t++) {
        if (i < set->tables[t].count)
            return &set->tables[t].rows[i];
        i -= set->tables[t].count;
    }
    return NULL;
}

static bool is_same(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* The first row before `end` of that name and, unless any_labels, those labels; end when there is
 * none. */
static size_t first_of(struct bx_metrics *set, const struct bx_metric *like, bool any_labels,
                       size_t end)
{
    for (size_t i = 0; i < end; i++) {
        struct bx_metric *m = row_at(set, i);
        if (is_same(m->name, like->name) && (any_labels || is_same(m->labels, like->labels)))
            return i;
    }
    return end;
}

/* Rows of one name and labels in several tables (two servers in one process) are one series: their
 * sum. */
static int64_t sum_of(struct bx_metrics *set, const struct bx_metric *like, size_t from)
{
    int64_t sum = 0;
    struct bx_metric *m;
    for (size_t i = from; (m = row_at(set, i)); i++) {
        if (is_same(m->name, like->name) && is_same(m->labels, like->labels))
            sum += bx_metric_get(m);
    }
    return sum;
}

/* The format wants all lines of one name together. */
static int print_family(struct bx_metrics *set, struct bx_buf *out, size_t first)
{
    struct bx_metric *head = row_at(set, first), *m;
    int rc = bx_buf_printf(out, "# HELP %s %s\n# TYPE %s %s\n", head->name, head->help, head->name,
                           head->kind == BX_COUNTER ? "counter" : "gauge");
    for (size_t i = first; (m = row_at(set, i)) && rc == BX_OK; i++) {
        if (!is_same(m->name, head->name) || first_of(set, m, false, i) < i)
            continue;
        const char *labels = m->labels ? m->labels : "";
        rc = bx_buf_printf(out, "%s%s%s%s %" PRId64 "\n", m->name, m->labels ? "{" : "", labels,
                           m->labels ? "}" : "", sum_of(set, m, i));
    }
    return rc;
}

int bx_metrics_print(struct bx_metrics *set, struct bx_buf *out)
{
    struct bx_metric *m;
    int rc = BX_OK;
    for (size_t i = 0; (m = row_at(set, i)) && rc == BX_OK; i++) {
        if (first_of(set, m, true, i) == i)
            rc = print_family(set, out, i);
    }
    return rc;
}
