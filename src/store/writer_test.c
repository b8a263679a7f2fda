#include "store/fixture.h"
#include "store/sqlite/db.h"

#include <stdatomic.h>

#define STR(s) bx_str(s)

static int64_t number_add(struct fixture *f, const char *phone)
{
    struct st_number n = {.name = STR("Shop"), .phone = STR(phone), .is_active = true};
    int64_t id;
    assert_rc(WRITE(f, st_number_insert(tx, &n, &id)), BX_OK);
    return id;
}

/* A job that appends an event and may fail afterwards. */
struct event_job {
    int64_t number, seq;
    bool must_fail;
    _Atomic int done_count;
    int rc;
    _Atomic int *all_done;
};

static int event_run(struct st_tx *tx, void *arg)
{
    struct event_job *j = arg;
    int rc = st_event_append(tx, j->number, STR("x"), 0, STR("{}"), &j->seq);
    return rc == BX_OK && j->must_fail ? BX_E_STATE : rc;
}

static void event_done(int rc, void *arg)
{
    struct event_job *j = arg;
    j->rc = rc;
    j->done_count++;
    if (j->all_done)
        (*j->all_done)++;
}

static void wait_for(_Atomic int *count, int want)
{
    for (int i = 0; i < 20000 && *count < want; i++)
        usleep(1000);
    assert_int_equal(*count, want);
}

static void jobs_that_wait_share_a_commit(void **state)
{
    struct fixture *f = *state;
    enum { COUNT = 200 };
    static struct event_job jobs[COUNT];
    _Atomic int done = 0;
    int64_t number = number_add(f, "1");
    int64_t before = bx_metric_get(&st_metrics[2]);
    struct held h;
    held_begin(f, &h); /* the writer is busy while the others gather */
    for (int i = 0; i < COUNT; i++) {
        jobs[i] = (struct event_job){.number = number, .all_done = &done};
        assert_rc(st_writer_submit(f->writer, event_run, &jobs[i], event_done), BX_OK);
    }
    assert_int_equal(done, 0);
    assert_rc(held_end(&h, BX_OK), BX_OK);
    wait_for(&done, COUNT);
    assert_string_equal(st_metrics[2].name, "st_commits_total");
    assert_true(bx_metric_get(&st_metrics[2]) - before < COUNT / 4);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(jobs[i].done_count, 1);
        assert_int_equal(jobs[i].seq, i + 1); /* in the order of submission */
    }
}

static void a_failing_job_undoes_only_itself_and_leaves_no_hole(void **state)
{
    struct fixture *f = *state;
    enum { COUNT = 100 };
    static struct event_job jobs[COUNT];
    _Atomic int done = 0;
    int64_t number = number_add(f, "1");
    struct held h;
    held_begin(f, &h);
    for (int i = 0; i < COUNT; i++) {
        jobs[i] = (struct event_job){.number = number, .must_fail = i % 3 == 0, .all_done = &done};
        assert_rc(st_writer_submit(f->writer, event_run, &jobs[i], event_done), BX_OK);
    }
    held_end(&h, BX_OK);
    wait_for(&done, COUNT);
    int64_t want = 0;
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(jobs[i].rc, i % 3 == 0 ? BX_E_STATE : BX_OK);
        if (i % 3)
            assert_int_equal(jobs[i].seq, ++want);
    }
    int64_t oldest, last;
    assert_rc(st_event_range(f->conn, number, &oldest, &last), BX_OK);
    assert_int_equal(oldest, 1);
    assert_int_equal(last, want);
    struct st_event *events;
    size_t n;
    assert_rc(st_event_list(f->conn, number, 0, 1000, &f->a, &events, &n), BX_OK);
    assert_int_equal(n, want);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(events[i].seq, i + 1);
}

static void what_a_failed_job_wrote_is_not_searched(void **state)
{
    struct fixture *f = *state;
    int64_t number = number_add(f, "1"), chat;
    assert_rc(WRITE(f, st_chat_ensure_group(tx, number, STR("1@g.us"), STR("G"), &chat, NULL)),
              BX_OK);
    struct st_message_new m = {.message = {.chat_id = chat,
                                           .wa_id = STR("A"),
                                           .is_from_me = true,
                                           .content = STR("ephemeral words"),
                                           .timestamp = 1}};
    struct st_message_stored stored;
    struct held h;
    assert_rc(st_message_insert(held_begin(f, &h), &m, &stored), BX_OK);
    assert_rc(held_end(&h, BX_E_STATE), BX_E_STATE);
    struct st_search_query q = {.text = STR("ephemeral")};
    struct st_search_hit *hits;
    size_t n;
    assert_rc(st_search(f->conn, &q, &f->a, &hits, &n), BX_OK);
    assert_int_equal(n, 0);
    struct bx_buf report;
    bx_buf_init(&report, 0);
    assert_int_equal(st_check(f->conn, false, &report), 0);
    bx_buf_done(&report);
}

struct producer {
    struct fixture *f;
    int64_t number;
    pthread_t thread;
    uint64_t seed;
    int64_t accepted;
};

static void *produce(void *arg)
{
    struct producer *p = arg;
    for (int i = 0; i < 300; i++) {
        struct event_job j = {.number = p->number, .must_fail = (p->seed + (uint64_t)i) % 5 == 0};
        if (st_writer_call(p->f->writer, event_run, &j) == BX_OK)
            p->accepted++;
    }
    return NULL;
}

static void seq_counts_without_holes_under_many_threads(void **state)
{
    struct fixture *f = *state;
    enum { THREADS = 4 };
    struct producer p[THREADS];
    int64_t number = number_add(f, "1"), accepted = 0;
    for (int i = 0; i < THREADS; i++) {
        p[i] = (struct producer){.f = f, .number = number, .seed = (uint64_t)i};
        assert_int_equal(pthread_create(&p[i].thread, NULL, produce, &p[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        pthread_join(p[i].thread, NULL);
        accepted += p[i].accepted;
    }
    int64_t seen = 0;
    struct st_event *events;
    size_t n;
    do {
        bx_arena_reset(&f->a);
        assert_rc(st_event_list(f->conn, number, seen, 100, &f->a, &events, &n), BX_OK);
        for (size_t i = 0; i < n; i++)
            assert_int_equal(events[i].seq, ++seen);
    } while (n > 0);
    assert_int_equal(seen, accepted);
}

static void a_full_queue_says_so_and_stop_runs_what_was_accepted(void **state)
{
    struct fixture *f = *state;
    int64_t number = number_add(f, "1");
    st_writer_stop(f->writer);
    struct st_writer_options o = {.max_queue = 3, .linger_us = 100};
    assert_rc(st_writer_start(f->store, &o, &f->writer), BX_OK);
    static struct event_job jobs[4];
    _Atomic int done = 0;
    struct held h;
    held_begin(f, &h);
    for (int i = 0; i < 4; i++) {
        jobs[i] = (struct event_job){.number = number, .all_done = &done};
        assert_rc(st_writer_submit(f->writer, event_run, &jobs[i], event_done),
                  i < 3 ? BX_OK : BX_E_FULL);
    }
    held_end(&h, BX_OK);
    st_writer_stop(f->writer);
    f->writer = NULL;
    assert_int_equal(done, 3);
    assert_int_equal(jobs[3].done_count, 0);
}

static void drained_is_when_every_job_and_its_end_have_run(void **state)
{
    struct fixture *f = *state;
    int64_t number = number_add(f, "1");
    static struct event_job jobs[50], late;
    _Atomic int done = 0;
    st_writer_drain(f->writer); /* nothing to wait for */
    for (size_t i = 0; i < BX_LEN(jobs); i++) {
        jobs[i] = (struct event_job){.number = number, .all_done = &done};
        assert_rc(st_writer_submit(f->writer, event_run, &jobs[i], event_done), BX_OK);
    }
    st_writer_drain(f->writer);
    assert_int_equal(done, BX_LEN(jobs));
    late = (struct event_job){.number = number, .all_done = &done};
    assert_rc(st_writer_submit(f->writer, event_run, &late, event_done), BX_OK);
    st_writer_drain(f->writer);
    assert_int_equal(done, BX_LEN(jobs) + 1);
}

static void events_are_trimmed_from_the_front(void **state)
{
    struct fixture *f = *state;
    int64_t number = number_add(f, "1"), seq, oldest, last;
    for (int i = 0; i < 10; i++)
        assert_rc(WRITE(f, st_event_append(tx, number, STR("x"), 0, STR("{}"), &seq)), BX_OK);
    assert_int_equal(WRITE(f, st_event_trim(tx, number, 4, 0, 2)), 2);
    assert_int_equal(WRITE(f, st_event_trim(tx, number, 4, 0, 100)), 4);
    assert_int_equal(WRITE(f, st_event_trim(tx, number, 4, 0, 100)), 0);
    assert_rc(st_event_range(f->conn, number, &oldest, &last), BX_OK);
    assert_int_equal(oldest, 7);
    assert_int_equal(last, 10);
    assert_int_equal(WRITE(f, st_event_trim(tx, number, 0, INT64_MAX, 100)), 4);
    assert_rc(st_event_range(f->conn, number, &oldest, &last), BX_OK);
    assert_int_equal(oldest, 11);
    assert_rc(WRITE(f, st_event_append(tx, number, STR("x"), 0, STR("{}"), &seq)), BX_OK);
    assert_int_equal(seq, 11);
}

/* ---- disk full, read-only ---- */

static int fill(struct fixture *f, int64_t chat, int64_t *acknowledged)
{
    static char block[20000];
    memset(block, 'x', sizeof block);
    int rc = BX_OK;
    for (int i = 0; rc == BX_OK && i < 2000; i++) {
        char wa[16];
        snprintf(wa, sizeof wa, "W%d", i);
        struct st_message_new m = {.message = {.chat_id = chat,
                                               .wa_id = STR(wa),
                                               .is_from_me = true,
                                               .content = STR("text"),
                                               .timestamp = i},
                                   .raw = bx_str_n(block, sizeof block)};
        struct st_message_stored stored;
        rc = WRITE(f, st_message_insert(tx, &m, &stored));
        *acknowledged += rc == BX_OK;
    }
    return rc;
}

static void a_full_disk_is_reported_and_survived(void **state)
{
    (void)state;
    struct fixture f;
    fixture_init(&f);
    fixture_start(&f, &(struct st_options){.max_bytes = 2 << 20});
    int64_t number = number_add(&f, "1"), chat, acknowledged = 0;
    assert_rc(WRITE(&f, st_chat_ensure_group(tx, number, STR("1@g.us"), STR("G"), &chat, NULL)),
              BX_OK);
    assert_rc(fill(&f, chat, &acknowledged), BX_E_DISK_FULL);
    assert_true(acknowledged > 10);
    struct st_chat row;
    assert_rc(st_chat_get(f.conn, chat, &f.a, &row), BX_OK);
    assert_int_equal(row.message_count, acknowledged);
    /* Room again: the same store goes on. */
    assert_rc(WRITE(&f, st_chat_clear(tx, chat)), BX_OK);
    int64_t seq;
    assert_rc(WRITE(&f, st_event_append(tx, number, STR("x"), 0, STR("{}"), &seq)), BX_OK);
    assert_rc(st_writer_health(f.writer), BX_OK);
    struct bx_buf report;
    bx_buf_init(&report, 0);
    assert_int_equal(st_check(f.conn, false, &report), 0);
    bx_buf_done(&report);
    fixture_done(&f);
}

static void a_read_only_store_reads_and_says_why_it_does_not_write(void **state)
{
    struct fixture *f = *state;
    number_add(f, "1");
    fixture_stop(f);
    struct st_options o = {.is_read_only = true};
    o.path = f->path;
    struct bx_buf message;
    bx_buf_init(&message, 0);
    assert_rc(st_store_open(&o, &f->store, &message), BX_OK);
    assert_rc(st_conn_open(f->store, &f->conn), BX_OK);
    struct st_number n;
    assert_rc(st_number_by_phone(f->conn, STR("1"), &f->a, &n), BX_OK);
    st_conn_close(f->conn);
    st_store_close(f->store);
    f->store = NULL;
    bx_buf_done(&message);
}

/* The writer's own connection loses the right to write (as on a disk remounted read-only); the test
 * turns the switch while the writer is idle. */
static int connection_find(struct st_tx *tx, void *arg)
{
    *(sqlite3 **)arg = tx->conn->db;
    return BX_OK;
}

static void a_disk_that_turned_read_only_is_reported_and_survived(void **state)
{
    struct fixture *f = *state;
    int64_t number = number_add(f, "1"), seq;
    sqlite3 *db;
    assert_rc(st_writer_call(f->writer, connection_find, &db), BX_OK);
    assert_int_equal(sqlite3_exec(db, "PRAGMA query_only = 1", NULL, NULL, NULL), SQLITE_OK);
    struct event_job job = {.number = number};
    assert_rc(st_writer_call(f->writer, event_run, &job), BX_E_READ_ONLY);
    assert_rc(st_writer_health(f->writer), BX_E_READ_ONLY);
    assert_int_equal(sqlite3_exec(db, "PRAGMA query_only = 0", NULL, NULL, NULL), SQLITE_OK);
    assert_rc(WRITE(f, st_event_append(tx, number, STR("x"), 0, STR("{}"), &seq)), BX_OK);
    assert_int_equal(seq, 1);
    assert_rc(st_writer_health(f->writer), BX_OK);
}

/* --- turns --- */

struct turn_job {
    char name;
    unsigned busy_us;
    char *order;
    _Atomic int *done;
    int rc;
};

static int turn_run(struct st_tx *tx, void *arg)
{
    struct turn_job *j = arg;
    (void)tx;
    j->order[strlen(j->order)] = j->name;
    usleep(j->busy_us);
    return BX_OK;
}

static void turn_done(int rc, void *arg)
{
    struct turn_job *j = arg;
    j->rc = rc;
    (*j->done)++;
}

static void turn_submit(struct fixture *f, struct turn_job *j, uint64_t owner, uint64_t peer)
{
    struct st_turn turn = {.owner = owner, .peer = peer, .is_droppable = true};
    assert_rc(st_writer_submit_turn(f->writer, &turn, turn_run, j, turn_done), BX_OK);
}

static void a_number_with_a_long_backlog_does_not_hold_up_another(void **state)
{
    struct fixture *f = *state;
    enum { COUNT = 300 };
    static struct turn_job jobs[COUNT + 1];
    static char order[COUNT + 2];
    _Atomic int done = 0;
    struct held h;
    held_begin(f, &h);
    for (int i = 0; i < COUNT; i++) {
        jobs[i] = (struct turn_job){'a', 300, order, &done, 0};
        turn_submit(f, &jobs[i], 1, 1);
    }
    jobs[COUNT] = (struct turn_job){'b', 0, order, &done, 0};
    turn_submit(f, &jobs[COUNT], 2, 1);
    assert_rc(held_end(&h, BX_OK), BX_OK);
    wait_for(&done, COUNT + 1);
    assert_true(strchr(order, 'b') - order <= 2);
}

static void a_stop_with_a_long_backlog_ends_soon_and_answers_every_job(void **state)
{
    struct fixture *f = *state;
    enum { COUNT = 3000 };
    static struct turn_job jobs[COUNT];
    static char order[COUNT + 1];
    _Atomic int done = 0;
    for (int i = 0; i < COUNT; i++) {
        jobs[i] = (struct turn_job){'a', 20000, order, &done, 0};
        turn_submit(f, &jobs[i], 1, 1);
    }
    struct event_job kept = {.number = 0};
    st_writer_drop_after(f->writer, 100);
    assert_rc(st_writer_submit(f->writer, event_run, &kept, event_done), BX_OK);
    st_writer_stop(f->writer); /* all of them would take a minute */
    f->writer = NULL;
    assert_int_equal(done, COUNT);
    assert_int_equal(kept.done_count, 1);
    assert_int_equal(jobs[COUNT - 1].rc, BX_E_CLOSED);
    assert_true(strlen(order) < COUNT / 2);
}

static void one_owner_fills_a_quarter_of_the_queue_at_most(void **state)
{
    struct fixture *f = *state;
    fixture_stop(f);
    struct st_writer_options o = {.max_queue = 40};
    fixture_start(f, NULL);
    st_writer_stop(f->writer);
    assert_rc(st_writer_start(f->store, &o, &f->writer), BX_OK);
    static struct turn_job jobs[40];
    static char order[64];
    _Atomic int done = 0;
    struct held h;
    held_begin(f, &h);
    int taken = 0, rc = BX_OK;
    for (; taken < 40 && rc == BX_OK; taken += rc == BX_OK) {
        jobs[taken] = (struct turn_job){'a', 0, order, &done, 0};
        rc = st_writer_submit_turn(f->writer, &(struct st_turn){.owner = 7}, turn_run, &jobs[taken],
                                   turn_done);
    }
    assert_rc(rc, BX_E_FULL);
    assert_int_equal(taken, 10);
    struct turn_job other = {'b', 0, order, &done, 0};
    turn_submit(f, &other, 8, 0);
    assert_rc(held_end(&h, BX_OK), BX_OK);
    wait_for(&done, 11);
}

#define T_(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T_(jobs_that_wait_share_a_commit),
        T_(a_failing_job_undoes_only_itself_and_leaves_no_hole),
        T_(what_a_failed_job_wrote_is_not_searched),
        T_(seq_counts_without_holes_under_many_threads),
        T_(a_full_queue_says_so_and_stop_runs_what_was_accepted),
        T_(drained_is_when_every_job_and_its_end_have_run),
        T_(a_number_with_a_long_backlog_does_not_hold_up_another),
        T_(a_stop_with_a_long_backlog_ends_soon_and_answers_every_job),
        T_(one_owner_fills_a_quarter_of_the_queue_at_most),
        T_(events_are_trimmed_from_the_front),
        cmocka_unit_test(a_full_disk_is_reported_and_survived),
        T_(a_read_only_store_reads_and_says_why_it_does_not_write),
        T_(a_disk_that_turned_read_only_is_reported_and_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
