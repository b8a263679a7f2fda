#include "base/mem.h"
#include "base/metrics.h"
#include "base/test.h"

TEST(tables_print_as_prometheus_text)
{
    static struct bx_metric rows[] = {
        {"a_total", "Things.", BX_COUNTER, "kind=\"x\"", 0},
        {"a_total", "Things.", BX_COUNTER, "kind=\"y\"", 0},
        {"b", "Level.", BX_GAUGE, NULL, 0},
    };
    struct bx_metrics set = {0};
    struct bx_buf out;
    bx_buf_init(&out, 0);
    bx_metrics_register(&set, rows, BX_LEN(rows));
    bx_metric_add(&rows[1], 2);
    bx_metric_set(&rows[2], -3);
    assert_rc(bx_metrics_print(&set, &out), BX_OK);
    assert_str(bx_buf_view(&out),
               "# HELP a_total Things.\n# TYPE a_total counter\na_total{kind=\"x\"} 0\n"
               "a_total{kind=\"y\"} 2\n# HELP b Level.\n# TYPE b gauge\nb -3\n");
    bx_buf_done(&out);
}

TEST(the_same_series_of_two_tables_is_one_line_with_the_sum)
{
    static struct bx_metric first[] = {{"a_total", "Things.", BX_COUNTER, NULL, 2},
                                       {"b", "Level.", BX_GAUGE, NULL, 1}};
    static struct bx_metric second[] = {{"a_total", "Things.", BX_COUNTER, NULL, 3},
                                        {"a_total", "Things.", BX_COUNTER, "k=\"v\"", 1}};
    struct bx_metrics set = {0};
    struct bx_buf out;
    bx_buf_init(&out, 0);
    bx_metrics_register(&set, first, BX_LEN(first));
    bx_metrics_register(&set, second, BX_LEN(second));
    assert_rc(bx_metrics_print(&set, &out), BX_OK);
    assert_str(bx_buf_view(&out),
               "# HELP a_total Things.\n# TYPE a_total counter\na_total 5\na_total{k=\"v\"} 1\n"
               "# HELP b Level.\n# TYPE b gauge\nb 1\n");
    bx_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_print_as_prometheus_text),
        cmocka_unit_test(the_same_series_of_two_tables_is_one_line_with_the_sum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
