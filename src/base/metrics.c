#include "base/metrics.h"

#include "base/err.h"
#include "base/mem.h"

#include <inttypes.h>
#include <stdio.h>

#define PROCESS_FAMILY BX_STR("process_")
enum { US_PER_SECOND = 1000000 };

/* Upper bounds, in microseconds. */
static const uint32_t bounds_us[BX_HISTOGRAM_BOUNDS] = {500,     1000,    2500,    5000,    10000,
                                                        25000,   50000,   100000,  250000,  500000,
                                                        1000000, 2500000, 5000000, 10000000};

void bx_metrics_register(struct bx_metrics *set, struct bx_metric *rows, size_t count)
{
    BX_ASSERT(set->count < BX_LEN(set->tables));
    set->tables[set->count++] = (struct bx_metrics_table){rows, count};
}

void bx_metrics_register_histogram(struct bx_metrics *set, struct bx_histogram *h)
{
    BX_ASSERT(set->histogram_count < BX_LEN(set->histograms));
    set->histograms[set->histogram_count++] = h;
}

void bx_histogram_observe(struct bx_histogram *h, uint64_t us)
{
    size_t i = 0;
    while (i < BX_HISTOGRAM_BOUNDS && us > bounds_us[i])
        i++;
    atomic_fetch_add_explicit(&h->buckets[i], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&h->sum_us, (int64_t)us, memory_order_relaxed);
}

/* --- names and values --- */

static const char *prefix_of(const struct bx_metrics *set, const char *name)
{
    bool is_bare = !set->prefix || bx_str_starts(bx_str(name), bx_str(set->prefix)) ||
                   bx_str_starts(bx_str(name), PROCESS_FAMILY);
    return is_bare ? "" : set->prefix;
}

static bool is_seconds(enum bx_metric_kind kind)
{
    return kind == BX_COUNTER_SECONDS || kind == BX_GAUGE_SECONDS;
}

static const char *type_of(enum bx_metric_kind kind)
{
    return kind == BX_COUNTER || kind == BX_COUNTER_SECONDS ? "counter" : "gauge";
}

/* Microseconds as seconds, without a trailing zero. */
static int print_seconds(struct bx_buf *out, int64_t us)
{
    uint64_t abs = us < 0 ? (uint64_t)-us : (uint64_t)us;
    char fraction[16];
    int len = snprintf(fraction, sizeof fraction, "%06" PRIu64, abs % US_PER_SECOND);
    while (len > 0 && fraction[len - 1] == '0')
        len--;
    return bx_buf_printf(out, "%s%" PRIu64 "%s%.*s", us < 0 ? "-" : "", abs / US_PER_SECOND,
                         len ? "." : "", len, fraction);
}

static int print_head(struct bx_metrics *set, struct bx_buf *out, const char *name,
                      const char *help, const char *type)
{
    const char *prefix = prefix_of(set, name);
    return bx_buf_printf(out, "# HELP %s%s %s\n# TYPE %s%s %s\n", prefix, name, help, prefix, name,
                         type);
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
    int rc = print_head(set, out, head->name, head->help, type_of(head->kind));
    for (size_t i = first; (m = row_at(set, i)) && rc == BX_OK; i++) {
        if (!is_same(m->name, head->name) || first_of(set, m, false, i) < i)
            continue;
        int64_t value = sum_of(set, m, i);
        rc = bx_buf_printf(out, "%s%s%s%s%s ", prefix_of(set, m->name), m->name,
                           m->labels ? "{" : "", m->labels ? m->labels : "", m->labels ? "}" : "");
        if (rc == BX_OK)
            rc = is_seconds(head->kind) ? print_seconds(out, value)
                                        : bx_buf_printf(out, "%" PRId64, value);
        if (rc == BX_OK)
            rc = bx_buf_byte(out, '\n');
    }
    return rc;
}

/* Counts are cumulative: each bucket holds everything up to its bound. */
static int print_histogram(struct bx_metrics *set, struct bx_buf *out, struct bx_histogram *h)
{
    const char *prefix = prefix_of(set, h->name), *labels = h->labels ? h->labels : "";
    const char *comma = h->labels ? "," : "", *open = h->labels ? "{" : "",
               *close = h->labels ? "}" : "";
    int64_t count = 0;
    int rc = print_head(set, out, h->name, h->help, "histogram");
    for (size_t i = 0; i <= BX_HISTOGRAM_BOUNDS && rc == BX_OK; i++) {
        count += atomic_load_explicit(&h->buckets[i], memory_order_relaxed);
        rc = bx_buf_printf(out, "%s%s_bucket{%s%sle=\"", prefix, h->name, labels, comma);
        if (rc == BX_OK)
            rc = i < BX_HISTOGRAM_BOUNDS ? print_seconds(out, bounds_us[i])
                                         : bx_buf_printf(out, "+Inf");
        if (rc == BX_OK)
            rc = bx_buf_printf(out, "\"} %" PRId64 "\n", count);
    }
    if (rc == BX_OK)
        rc = bx_buf_printf(out, "%s%s_sum%s%s%s ", prefix, h->name, open, labels, close);
    if (rc == BX_OK)
        rc = print_seconds(out, atomic_load_explicit(&h->sum_us, memory_order_relaxed));
    if (rc == BX_OK)
        rc = bx_buf_printf(out, "\n%s%s_count%s%s%s %" PRId64 "\n", prefix, h->name, open, labels,
                           close, count);
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
    for (size_t i = 0; i < set->histogram_count && rc == BX_OK; i++)
        rc = print_histogram(set, out, set->histograms[i]);
    return rc;
}
