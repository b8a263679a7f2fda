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

TEST(a_prefix_stands_before_every_name_but_once_and_not_before_those_of_the_process)
{
    static struct bx_metric rows[] = {
        {"http_things_total", "Things.", BX_COUNTER, NULL, 1},
        {"wabox_b", "Level.", BX_GAUGE, NULL, 2},
        {"process_open_fds", "Open file descriptors.", BX_GAUGE, NULL, 3},
    };
    struct bx_metrics set = {.prefix = "wabox_"};
    struct bx_buf out;
    bx_buf_init(&out, 0);
    bx_metrics_register(&set, rows, BX_LEN(rows));
    assert_rc(bx_metrics_print(&set, &out), BX_OK);
    assert_str(bx_buf_view(&out),
               "# HELP wabox_http_things_total Things.\n# TYPE wabox_http_things_total counter\n"
               "wabox_http_things_total 1\n# HELP wabox_b Level.\n# TYPE wabox_b gauge\nwabox_b 2\n"
               "# HELP process_open_fds Open file descriptors.\n# TYPE process_open_fds gauge\n"
               "process_open_fds 3\n");
    bx_buf_done(&out);
}

TEST(durations_are_printed_in_seconds)
{
    static struct bx_metric rows[] = {
        {"busy_seconds_total", "Time.", BX_COUNTER_SECONDS, NULL, 1250000},
        {"age_seconds", "Age.", BX_GAUGE_SECONDS, NULL, -1},
        {"up_seconds", "Up.", BX_GAUGE_SECONDS, NULL, 7000000},
    };
    struct bx_metrics set = {0};
    struct bx_buf out;
    bx_buf_init(&out, 0);
    bx_metrics_register(&set, rows, BX_LEN(rows));
    assert_rc(bx_metrics_print(&set, &out), BX_OK);
    assert_str(
        bx_buf_view(&out),
        "# HELP busy_seconds_total Time.\n# TYPE busy_seconds_total counter\n"
        "busy_seconds_total 1.25\n# HELP age_seconds Age.\n# TYPE age_seconds gauge\n"
        "age_seconds -0.000001\n# HELP up_seconds Up.\n# TYPE up_seconds gauge\nup_seconds 7\n");
    bx_buf_done(&out);
}

TEST(buckets_of_a_histogram_are_cumulative_and_a_bound_belongs_to_its_bucket)
{
    static struct bx_histogram h = {.name = "wait_seconds", .help = "Waits.", .labels = "of=\"x\""};
    struct bx_metrics set = {.prefix = "wabox_"};
    struct bx_buf out;
    bx_buf_init(&out, 0);
    bx_metrics_register_histogram(&set, &h);
    bx_histogram_observe(&h, 500);
    bx_histogram_observe(&h, 501);
    bx_histogram_observe(&h, 20000000);
    assert_rc(bx_metrics_print(&set, &out), BX_OK);
    struct bx_str text = bx_buf_view(&out);
    const char *lines[] = {"wabox_wait_seconds_bucket{of=\"x\",le=\"0.0005\"} 1\n",
                           "wabox_wait_seconds_bucket{of=\"x\",le=\"0.001\"} 2\n",
                           "wabox_wait_seconds_bucket{of=\"x\",le=\"10\"} 2\n",
                           "wabox_wait_seconds_bucket{of=\"x\",le=\"+Inf\"} 3\n",
                           "wabox_wait_seconds_sum{of=\"x\"} 20.001001\n",
                           "wabox_wait_seconds_count{of=\"x\"} 3\n"};
    bx_buf_byte(&out, '\0');
    for (size_t i = 0; i < BX_LEN(lines); i++)
        assert_non_null(strstr(text.ptr, lines[i]));
    bx_buf_done(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables_print_as_prometheus_text),
        cmocka_unit_test(the_same_series_of_two_tables_is_one_line_with_the_sum),
        cmocka_unit_test(
            a_prefix_stands_before_every_name_but_once_and_not_before_those_of_the_process),
        cmocka_unit_test(durations_are_printed_in_seconds),
        cmocka_unit_test(buckets_of_a_histogram_are_cumulative_and_a_bound_belongs_to_its_bucket),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
