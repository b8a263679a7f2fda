#include "base/conf.h"
#include "base/mem.h"
#include "base/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct target {
    int64_t port, payload, wait;
    bool is_verbose;
    const char *host, *mode, *secret;
};

static const struct bx_conf_row rows[] = {
    {"PORT", BX_CONF_INT, offsetof(struct target, port), "5000", 0, 65535, NULL, "port", false},
    {"MAX_PAYLOAD", BX_CONF_BYTES, offsetof(struct target, payload), "1M", 1, 1 << 30, NULL, "size",
     false},
    {"WAIT", BX_CONF_MS, offsetof(struct target, wait), "30s", 0, 0, NULL, "time", false},
    {"VERBOSE", BX_CONF_BOOL, offsetof(struct target, is_verbose), NULL, 0, 0, NULL, "talk", false},
    {"HOST", BX_CONF_STR, offsetof(struct target, host), "127.0.0.1", 0, 0, NULL, "host", false},
    {"MODE", BX_CONF_ENUM, offsetof(struct target, mode), "a", 0, 0, "a|b", "mode", false},
    {"SECRET", BX_CONF_INT, offsetof(struct target, secret), "1", 0, 9, NULL, "secret", true},
};

static struct target t;
static struct bx_conf conf;
static struct bx_buf message;

static int setup(void **state)
{
    (void)state;
    memset(&t, 0, sizeof t);
    bx_conf_init(&conf, rows, BX_LEN(rows), &t);
    bx_buf_init(&message, 4096);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    bx_conf_done(&conf);
    bx_buf_done(&message);
    return 0;
}

TEST(defaults_come_from_the_table)
{
    assert_int_equal(t.port, 5000);
    assert_int_equal(t.payload, 1 << 20);
    assert_int_equal(t.wait, 30000);
    assert_false(t.is_verbose);
    assert_string_equal(t.host, "127.0.0.1");
}

TEST(flags_are_taken_out_of_the_arguments)
{
    char *argv[] = {(char *)"prog",          (char *)"--port=80", (char *)"run",
                    (char *)"--max-payload", (char *)"2k",        (char *)"--verbose"};
    int rest;
    assert_rc(bx_conf_load_args(&conf, 6, argv, &rest, &message), BX_OK);
    assert_int_equal(t.port, 80);
    assert_int_equal(t.payload, 2048);
    assert_true(t.is_verbose);
    assert_int_equal(rest, 1);
    assert_string_equal(argv[1], "run");
}

static const struct {
    const char *name, *value, *sentence;
} bad[] = {
    {"PORT", "99999", "PORT: \"99999\" is not within 0..65535"},
    {"PORT", "80x", "PORT: \"80x\" is not a whole number"},
    {"PORT", "", "PORT: \"\" is not a whole number"},
    {"MAX_PAYLOAD", "1q", "MAX_PAYLOAD: \"1q\" is not a size such as 512k or 1M"},
    {"WAIT", "soon", "WAIT: \"soon\" is not a duration such as 500ms, 30s or 2h"},
    {"VERBOSE", "maybe", "VERBOSE: \"maybe\" is neither true nor false"},
    {"MODE", "c", "MODE: \"c\" is not one of a|b"},
    {"SECRET", "hunter2", "SECRET: the value is not a whole number"},
    {"NOPE", "1", "NOPE: there is no such setting"},
};

TEST(a_bad_value_is_answered_with_a_sentence_and_changes_nothing)
{
    for (size_t i = 0; i < BX_LEN(bad); i++) {
        message.len = 0;
        assert_rc(bx_conf_set(&conf, bx_str(bad[i].name), bx_str(bad[i].value), &message),
                  BX_E_INVALID);
        assert_str(bx_buf_view(&message), bad[i].sentence);
    }
    assert_int_equal(t.port, 5000);
}

TEST(a_bad_line_of_a_file_is_named_by_its_number)
{
    char path[] = "/tmp/conf_test_XXXXXX", want[256];
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    const char text[] = "# comment\n\nexport HOST=\"0.0.0.0\"\r\nPORT=x\n";
    assert_int_equal(write(fd, text, sizeof text - 1), (ssize_t)sizeof text - 1);
    close(fd);
    assert_rc(bx_conf_load_file(&conf, path, &message), BX_E_INVALID);
    snprintf(want, sizeof want, "%s line 4: PORT: \"x\" is not a whole number", path);
    assert_str(bx_buf_view(&message), want);
    assert_string_equal(t.host, "0.0.0.0");
    unlink(path);
    assert_rc(bx_conf_load_file(&conf, path, &message), BX_E_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(defaults_come_from_the_table, setup, teardown),
        cmocka_unit_test_setup_teardown(flags_are_taken_out_of_the_arguments, setup, teardown),
        cmocka_unit_test_setup_teardown(a_bad_value_is_answered_with_a_sentence_and_changes_nothing,
                                        setup, teardown),
        cmocka_unit_test_setup_teardown(a_bad_line_of_a_file_is_named_by_its_number, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
