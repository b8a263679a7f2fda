#include "net/process.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

struct seen {
    struct net_loop *loop;
    int count, rc, exit_code, signal;
    char output[256];
    size_t len;
};

static void on_end(const struct net_process_end *end, void *arg)
{
    struct seen *s = arg;
    s->count++;
    s->rc = end->rc;
    s->exit_code = end->exit_code;
    s->signal = end->signal;
    s->len = end->output.len;
    if (end->output.len && end->output.len < sizeof s->output)
        memcpy(s->output, end->output.ptr, end->output.len);
}

/* Runs a shell script whose descriptor 3 is the channel and 4 is `file`. */
static int start(struct seen *s, const char *script, struct bx_str input, uint32_t timeout_ms,
                 int file, struct net_process **out)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    const int fds[] = {NET_PROCESS_NULL, NET_PROCESS_NULL, 2, NET_PROCESS_CHANNEL,
                       file >= 0 ? file : NET_PROCESS_NULL};
    struct net_process_opts opts = {.program = "/bin/sh",
                                    .argv = argv,
                                    .fds = fds,
                                    .fd_count = BX_LEN(fds),
                                    .input = input,
                                    .max_output = 200,
                                    .timeout_ms = timeout_ms};
    *s = (struct seen){0};
    assert_rc(net_loop_new(&s->loop), BX_OK);
    return net_process_start(s->loop, &opts, on_end, s, out);
}

static void run(struct seen *s, const char *script, struct bx_str input, uint32_t timeout_ms,
                int file)
{
    struct net_process *p;
    assert_rc(start(s, script, input, timeout_ms, file, &p), BX_OK);
    assert_int_equal(s->count, 0);
    net_loop_run(s->loop);
    net_loop_free(s->loop);
    assert_int_equal(s->count, 1);
}

TEST(a_program_is_told_and_answers_over_its_channel)
{
    struct seen s;
    run(&s, "read line <&3; echo \"got $line\" >&3; exit 7", BX_STR("hello\n"), 20000, -1);
    assert_rc(s.rc, BX_OK);
    assert_int_equal(s.exit_code, 7);
    assert_str(bx_str_n(s.output, s.len), "got hello\n");
}

TEST(a_program_has_the_descriptors_it_was_given_and_no_others)
{
    struct seen s;
    int file = memfd_create("file", 0); /* not even one that would be inherited */
    int other = memfd_create("other", 0);
    assert_int_equal(write(file, "content", 7), 7);
    run(&s, "for f in /proc/self/fd/*; do echo ${f##*/}; done >&3; cat /dev/fd/4 >&3", BX_STR(""),
        20000, file);
    assert_true(s.len > 7);
    assert_memory_equal(s.output + s.len - 7, "content", 7);
    char digits[8];
    for (int fd = 16; fd < 256; fd++) { /* the shell itself may use a few above 4 */
        snprintf(digits, sizeof digits, "\n%d\n", fd);
        assert_null(strstr(s.output, digits));
    }
    close(file);
    close(other);
}

TEST(the_clock_ends_a_program_and_what_it_started)
{
    struct seen s;
    uint64_t began = bx_mono_ms();
    run(&s, "sleep 300 & sleep 300", BX_STR(""), 100, -1);
    assert_rc(s.rc, BX_E_TIMEOUT);
    assert_int_equal(s.signal, SIGKILL);
    assert_true(bx_mono_ms() - began < 60000);
}

TEST(the_clock_ends_one_whose_child_has_left_its_group_and_holds_the_channel)
{
    struct seen s;
    uint64_t began = bx_mono_ms();
    run(&s, "setsid sleep 5 2>/dev/null & exec sleep 20", BX_STR(""), 200, -1);
    assert_rc(s.rc, BX_E_TIMEOUT);
    assert_int_equal(s.signal, SIGKILL);
    assert_true(bx_mono_ms() - began < 4000);
}

TEST(an_answer_beyond_its_cap_ends_the_program)
{
    struct seen s;
    run(&s, "yes >&3", BX_STR(""), 60000, -1);
    assert_rc(s.rc, BX_E_TOO_BIG);
    assert_int_equal(s.len, 0);
}

TEST(a_signal_is_told_from_an_exit)
{
    struct seen s;
    run(&s, "kill -SEGV $$", BX_STR(""), 20000, -1);
    assert_rc(s.rc, BX_OK);
    assert_int_equal(s.exit_code, -1);
    assert_int_equal(s.signal, SIGSEGV);
}

TEST(a_program_that_is_not_there_is_not_started)
{
    struct seen s = {0};
    struct net_process *p;
    const char *argv[] = {"x", NULL};
    struct net_process_opts opts = {.program = "/nonexistent/x", .argv = argv};
    assert_rc(net_loop_new(&s.loop), BX_OK);
    assert_rc(net_process_start(s.loop, &opts, on_end, &s, &p), BX_E_NOT_FOUND);
    opts.program = "/etc/passwd";
    assert_rc(net_process_start(s.loop, &opts, on_end, &s, &p), BX_E_DENIED);
    net_loop_run(s.loop);
    net_loop_free(s.loop);
    assert_int_equal(s.count, 0);
}

TEST(a_cancelled_program_does_not_call_back)
{
    struct seen s;
    struct net_process *p;
    assert_rc(start(&s, "sleep 300", BX_STR(""), 60000, -1, &p), BX_OK);
    assert_true(net_process_pid(p) > 0);
    net_process_cancel(p);
    net_loop_run(s.loop);
    net_loop_free(s.loop);
    assert_int_equal(s.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_program_is_told_and_answers_over_its_channel),
        cmocka_unit_test(a_program_has_the_descriptors_it_was_given_and_no_others),
        cmocka_unit_test(the_clock_ends_a_program_and_what_it_started),
        cmocka_unit_test(the_clock_ends_one_whose_child_has_left_its_group_and_holds_the_channel),
        cmocka_unit_test(an_answer_beyond_its_cap_ends_the_program),
        cmocka_unit_test(a_signal_is_told_from_an_exit),
        cmocka_unit_test(a_program_that_is_not_there_is_not_started),
        cmocka_unit_test(a_cancelled_program_does_not_call_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
