#include "base/json_scan.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/test.h"

#include <stdlib.h>
#include <unistd.h>

/* Runs one log call with standard error in a pipe. */
static size_t capture(char *out, size_t size, enum bx_log_format format, const char *value)
{
    int fds[2], saved = dup(STDERR_FILENO);
    assert_int_equal(pipe(fds), 0);
    dup2(fds[1], STDERR_FILENO);
    bx_log_setup(BX_LOG_INFO, format);
    bx_log(BX_LOG_DEBUG, "app", "not shown", NULL);
    bx_log(BX_LOG_WARN, "app", "session lost", "number=%d reason=%s id=%d", 7, value, 9);
    dup2(saved, STDERR_FILENO);
    close(saved);
    close(fds[1]);
    ssize_t n = read(fds[0], out, size);
    close(fds[0]);
    assert_true(n > 0);
    return (size_t)n;
}

TEST(logfmt_quotes_what_needs_quotes)
{
    char line[512];
    size_t n = capture(line, sizeof line, BX_LOG_LOGFMT, "no \"route\"");
    assert_str(bx_str_slice(bx_str_n(line, n), 24, n),
               " warn  app: session lost number=7 reason=\"no \\\"route\\\"\" id=9\n");
}

TEST(json_lines_are_json)
{
    char line[512];
    struct bx_str value, reason;
    size_t n = capture(line, sizeof line, BX_LOG_JSON, "two words\n");
    assert_rc(bx_json_check(bx_str_n(line, n), 2, &value, NULL), BX_OK);
    assert_true(bx_json_get(value, bx_str("reason"), &reason));
    assert_str(reason, "\"two words\\n\"");
}

TEST(a_value_makes_no_pair_and_no_line_of_its_own)
{
    static const char *const values[] = {"x admin=true y=2", "one\ntwo level=error",
                                         ("a\x1f"
                                          "admin=true")};
    for (size_t i = 0; i < BX_LEN(values); i++) {
        char line[512];
        struct bx_str value, ignored;
        size_t n = capture(line, sizeof line, BX_LOG_JSON, values[i]);
        assert_rc(bx_json_check(bx_str_n(line, n), 2, &value, NULL), BX_OK);
        assert_false(bx_json_get(value, bx_str("admin"), &ignored));
        assert_int_equal(bx_str_find(bx_str_n(line, n), '\n'), n - 1);
    }
}

TEST(levels_have_names)
{
    enum bx_log_level level;
    assert_rc(bx_log_level_parse(bx_str("warn"), &level), BX_OK);
    assert_int_equal(level, BX_LOG_WARN);
    assert_rc(bx_log_level_parse(bx_str("loud"), &level), BX_E_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(logfmt_quotes_what_needs_quotes),
        cmocka_unit_test(json_lines_are_json),
        cmocka_unit_test(a_value_makes_no_pair_and_no_line_of_its_own),
        cmocka_unit_test(levels_have_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
