/* kill -9 at random points: nothing acknowledged is missing, nothing is half there. A child writes
 * and reports each acknowledged number through a pipe; the parent kills it and reads the file. */
#include "store/fixture.h"

#include "base/clock.h"

#include <signal.h>
#include <sys/wait.h>

#define STR(s) bx_str(s)

enum { ROUNDS = 20 };

struct child_job {
    int64_t number, chat, value;
    int pipe;
};

/* One message, its event, and every seventh time the chat is read: all or nothing. */
static int child_run(struct st_tx *tx, void *arg)
{
    struct child_job *j = arg;
    char wa[32];
    snprintf(wa, sizeof wa, "V%lld", (long long)j->value);
    struct st_message_new m = {.message = {.chat_id = j->chat,
                                           .wa_id = STR(wa),
                                           .content = STR(wa),
                                           .timestamp = j->value},
                               .counts_unread = true};
    struct st_message_stored stored;
    int64_t seq;
    int rc = st_message_insert(tx, &m, &stored);
    if (rc == BX_OK && j->value % 7 == 0)
        rc = st_chat_read(tx, j->chat, 0, NULL, NULL, NULL);
    if (rc >= 0)
        rc = st_event_append(tx, j->number, STR("message:new"), j->chat, STR("{}"), &seq);
    return rc < 0 ? rc : j->value % 11 == 0 ? BX_E_STATE : BX_OK;
}

static void child_done(int rc, void *arg)
{
    struct child_job *j = arg;
    if (rc == BX_OK && write(j->pipe, &j->value, sizeof j->value) != sizeof j->value)
        _exit(3);
    free(j);
}

static void child_main(const char *path, int pipe, int64_t number, int64_t chat, int64_t from)
{
    struct st_options o = {.path = path};
    struct bx_buf message;
    bx_buf_init(&message, 0);
    struct st_store *store;
    struct st_writer *writer;
    if (st_store_open(&o, &store, &message) != BX_OK ||
        st_writer_start(store, &(struct st_writer_options){.max_queue = 64}, &writer) != BX_OK)
        _exit(2);
    for (int64_t value = from;; value++) {
        struct child_job *j = malloc(sizeof *j);
        *j = (struct child_job){number, chat, value, pipe};
        while (st_writer_submit(writer, child_run, j, child_done) == BX_E_FULL)
            usleep(200);
    }
}

static int64_t verify(struct fixture *f, int64_t number, int64_t chat, const int64_t *acknowledged,
                      size_t count)
{
    struct bx_buf report;
    bx_buf_init(&report, 0);
    int rc = st_check(f->conn, false, &report);
    if (rc != 0)
        fail_msg("check: %d %.*s", rc, (int)report.len, (char *)report.data);
    bx_buf_done(&report);
    for (size_t i = 0; i < count; i++) {
        char wa[32];
        snprintf(wa, sizeof wa, "V%lld", (long long)acknowledged[i]);
        struct st_message m;
        assert_why(st_message_find(f->conn, chat, STR(wa), false, 0, &f->a, &m) == BX_OK, wa);
    }
    struct st_chat row;
    int64_t oldest, last;
    assert_rc(st_chat_get(f->conn, chat, &f->a, &row), BX_OK);
    assert_rc(st_event_range(f->conn, number, &oldest, &last), BX_OK);
    assert_int_equal(row.message_count, last); /* one event for each message, and no more */
    return last;
}

static void kill_after(pid_t child, int fd, int64_t *acknowledged, size_t *count, unsigned limit_us,
                       size_t cap)
{
    uint64_t end = bx_mono_ns() + limit_us * (uint64_t)1000;
    bool is_killed = false;
    for (;;) {
        int64_t value;
        ssize_t n = read(fd, &value, sizeof value);
        if (n != sizeof value)
            break;
        if (*count < cap)
            acknowledged[(*count)++] = value;
        if (!is_killed && bx_mono_ns() > end) {
            kill(child, SIGKILL);
            is_killed = true;
        }
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFSIGNALED(status));
}

static void nothing_acknowledged_is_lost_by_kill_9(void **state)
{
    (void)state;
    enum { CAP = 400000 };
    struct fixture f;
    fixture_init(&f);
    fixture_start(&f, NULL);
    struct st_number n = {.name = STR("Shop"), .phone = STR("1"), .is_active = true};
    int64_t number, chat;
    assert_rc(WRITE(&f, st_number_insert(tx, &n, &number)), BX_OK);
    assert_rc(WRITE(&f, st_chat_ensure_group(tx, number, STR("1@g.us"), STR("G"), &chat, NULL)),
              BX_OK);
    fixture_stop(&f);
    int64_t *acknowledged = calloc(CAP, sizeof *acknowledged);
    int64_t from = 1, total = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int fds[2];
        size_t count = 0;
        assert_int_equal(pipe(fds), 0);
        pid_t child = fork();
        if (child == 0) {
            close(fds[0]);
            child_main(f.path, fds[1], number, chat, from);
            _exit(1);
        }
        close(fds[1]);
        kill_after(child, fds[0], acknowledged, &count, (unsigned)bx_random_below(60000), CAP);
        close(fds[0]);
        assert_true(count > 0);
        from = acknowledged[count - 1] + 1000000;
        fixture_start(&f, NULL);
        verify(&f, number, chat, acknowledged, count);
        total += (int64_t)count;
        fixture_stop(&f);
    }
    print_message("%d rounds, %lld acknowledged jobs\n", ROUNDS, (long long)total);
    free(acknowledged);
    fixture_done(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_acknowledged_is_lost_by_kill_9)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
