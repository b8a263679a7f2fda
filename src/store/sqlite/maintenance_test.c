#include "store/fixture.h"

#include "store/sqlite/db.h"
#include "store/sqlite/migrate.h"

#include <fcntl.h>

#define STR(s) bx_str(s)

static void run_sql(const char *path, const char *sql)
{
    sqlite3 *db;
    char *error = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    if (sqlite3_exec(db, sql, NULL, NULL, &error) != SQLITE_OK)
        fail_msg("%s: %s", sql, error);
    sqlite3_close(db);
}

static void set_version(const char *path, int version)
{
    char sql[64];
    snprintf(sql, sizeof sql, "PRAGMA user_version = %d", version);
    run_sql(path, sql);
}

static int open_rc(struct fixture *f, char *text, size_t size)
{
    struct st_options o = {.path = f->path};
    struct bx_buf message;
    bx_buf_init(&message, 0);
    struct st_store *store;
    int rc = st_store_open(&o, &store, &message);
    if (rc == BX_OK)
        st_store_close(store);
    snprintf(text, size, "%.*s", (int)message.len, message.data ? (char *)message.data : "");
    bx_buf_done(&message);
    return rc;
}

static void a_newer_schema_is_refused_and_left_alone(void **state)
{
    struct fixture *f = *state;
    char text[400];
    fixture_stop(f);
    run_sql(f->path, "PRAGMA user_version = 9999");
    assert_rc(open_rc(f, text, sizeof text), BX_E_VERSION);
    assert_non_null(strstr(text, "9999"));
    assert_non_null(strstr(text, "newer WaBox"));
    set_version(f->path, st_migration_count);
    assert_rc(open_rc(f, text, sizeof text), BX_OK);
}

static void foreign_and_broken_files_are_refused(void **state)
{
    struct fixture *f = *state;
    char text[400];
    fixture_stop(f);
    unlink(f->path);
    run_sql(f->path, "CREATE TABLE somebody_else (x)");
    assert_rc(open_rc(f, text, sizeof text), BX_E_CORRUPT);
    assert_non_null(strstr(text, "another program"));
    unlink(f->path);
    FILE *file = fopen(f->path, "w");
    for (int i = 0; i < 2000; i++)
        fputs("this is not a database ", file);
    fclose(file);
    assert_rc(open_rc(f, text, sizeof text), BX_E_CORRUPT);
    assert_true(strlen(text) > 0);
}

static void migrations_run_in_order_and_all_or_nothing(void **state)
{
    struct fixture *f = *state;
    fixture_stop(f);
    unlink(f->path);
    static const struct st_migration good[] = {{1, "one", "CREATE TABLE a (x)"},
                                               {2, "two", "INSERT INTO a VALUES (2)"}};
    static const struct st_migration bad[] = {{1, "one", ""},
                                              {2, "two", ""},
                                              {3, "three", "INSERT INTO a VALUES (3)"},
                                              {4, "four", "INSERT INTO missing VALUES (1)"}};
    sqlite3 *db;
    struct bx_buf message;
    bx_buf_init(&message, 0);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_rc(st_migrate(db, good, 1, &message), BX_OK);
    assert_int_equal(st_migrate_check(db, 2, &message), 1);
    assert_rc(st_migrate(db, good, 2, &message), BX_OK);
    assert_rc(st_migrate(db, good, 2, &message), BX_OK);
    assert_true(st_migrate(db, bad, 4, &message) < 0);
    assert_non_null(memmem(message.data, message.len, "0004_four", 9));
    assert_int_equal(st_migrate_check(db, 4, &message), 2); /* still where it was */
    sqlite3_stmt *stmt;
    sqlite3_prepare_v2(db, "SELECT count(*) FROM a", -1, &stmt, NULL);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    assert_int_equal(sqlite3_column_int(stmt, 0), 1);
    sqlite3_finalize(stmt);
    sqlite3_close(db);
    bx_buf_done(&message);
}

static int64_t seed(struct fixture *f, int64_t messages)
{
    struct st_seed_options o = {.numbers = 5,
                                .chats = 50,
                                .messages = messages,
                                .seed = 1,
                                .now = INT64_C(1760000000000),
                                .has_search = true};
    st_writer_stop(f->writer);
    f->writer = NULL;
    assert_rc(st_seed(f->store, &o), BX_OK);
    assert_rc(st_writer_start(f->store, NULL, &f->writer), BX_OK);
    return messages;
}

static void seeded_rows_pass_the_check(void **state)
{
    struct fixture *f = *state;
    seed(f, 2000);
    struct st_stats stats;
    assert_rc(st_stats(f->conn, &stats), BX_OK);
    assert_int_equal(stats.numbers, 5);
    assert_int_equal(stats.chats, 50);
    assert_int_equal(stats.messages, 2000);
    assert_true(stats.file_bytes > 100000);
    struct bx_buf report;
    bx_buf_init(&report, 0);
    assert_int_equal(st_check(f->conn, false, &report), 0);
    bx_buf_done(&report);
}

static void the_check_finds_what_was_broken_and_repair_mends_it(void **state)
{
    static const struct {
        const char *sql, *says;
    } rows[] = {
        {"UPDATE chats SET unread_count = unread_count + 1 WHERE id = 3", "unread_count"},
        {"UPDATE chats SET message_count = 0 WHERE id = 4", "message_count"},
        {"UPDATE number_state SET chat_count = 99 WHERE number_id = 2", "chat counters"},
        {"UPDATE messages SET content = 'other words' WHERE id = 7", "search index"},
    };
    struct fixture *f = *state;
    seed(f, 300);
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        struct bx_buf report;
        bx_buf_init(&report, 0);
        run_sql(f->path, rows[i].sql);
        assert_why(st_check(f->conn, false, &report) == 1, rows[i].says);
        assert_why(memmem(report.data, report.len, rows[i].says, strlen(rows[i].says)) != NULL,
                   rows[i].says);
        assert_rc(WRITE(f, st_repair(tx)), BX_OK);
        assert_why(st_check(f->conn, false, &report) == 0, rows[i].says);
        bx_buf_done(&report);
    }
}

static void a_backup_made_under_load_restores(void **state)
{
    struct fixture *f = *state;
    char copy[128], text[400];
    seed(f, 3000);
    snprintf(copy, sizeof copy, "%s/copy.db", f->dir);
    struct held h;
    struct st_tx *pending = held_begin(f, &h); /* a write is under way */
    assert_rc(st_setting_set(pending, STR("after"), STR("1")), BX_OK);
    assert_rc(st_backup(f->conn, copy), BX_OK);
    assert_rc(held_end(&h, BX_OK), BX_OK);
    assert_rc(st_backup(f->conn, copy), BX_E_EXISTS);
    assert_rc(WRITE(f, st_chat_clear(tx, 1)), BX_OK);
    fixture_stop(f);
    struct bx_buf message;
    bx_buf_init(&message, 0);
    assert_rc(st_restore(copy, f->path, &message), BX_OK);
    fixture_start(f, NULL);
    struct st_stats stats;
    assert_rc(st_stats(f->conn, &stats), BX_OK);
    assert_int_equal(stats.messages, 3000);
    struct bx_str value;
    assert_rc(st_setting_get(f->conn, STR("after"), &f->a, &value), BX_E_NOT_FOUND);
    struct bx_buf report;
    bx_buf_init(&report, 0);
    assert_int_equal(st_check(f->conn, false, &report), 0);
    bx_buf_done(&report);
    fixture_stop(f);
    /* A newer or a damaged backup touches nothing. */
    run_sql(copy, "PRAGMA user_version = 77");
    assert_rc(st_restore(copy, f->path, &message), BX_E_VERSION);
    set_version(copy, st_migration_count);
    int fd = open(copy, O_WRONLY);
    char junk[4096];
    memset(junk, 0x5a, sizeof junk);
    for (int page = 3; page < 40; page++)
        assert_int_equal(pwrite(fd, junk, sizeof junk, page * 4096), sizeof junk);
    close(fd);
    assert_rc(st_restore(copy, f->path, &message), BX_E_CORRUPT);
    assert_rc(open_rc(f, text, sizeof text), BX_OK);
    assert_rc(st_restore("/nonexistent/x.db", f->path, &message), BX_E_IO);
    bx_buf_done(&message);
}

static void a_read_sees_one_moment(void **state)
{
    struct fixture *f = *state;
    struct st_stats before, after;
    assert_rc(st_read_begin(f->conn) < 0 ? -1 : BX_OK, BX_OK);
    assert_rc(st_stats(f->conn, &before), BX_OK);
    struct st_number n = {.name = STR("x"), .phone = STR("1")};
    int64_t id;
    assert_rc(WRITE(f, st_number_insert(tx, &n, &id)), BX_OK);
    assert_rc(st_stats(f->conn, &after), BX_OK);
    assert_int_equal(before.numbers, after.numbers);
    st_read_end(f->conn);
    assert_rc(st_stats(f->conn, &after), BX_OK);
    assert_int_equal(before.numbers + 1, after.numbers);
}

static void public_ids_survive_a_restart(void **state)
{
    struct fixture *f = *state;
    char text[ST_UUID_SIZE];
    st_uuid_format(f->store, ST_UUID_CHAT, 42, text);
    fixture_stop(f);
    fixture_start(f, NULL);
    int64_t id;
    assert_rc(st_uuid_parse(f->store, ST_UUID_CHAT, bx_str(text), &id), BX_OK);
    assert_int_equal(id, 42);
}

#define T_(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

static void on_upgrade(int from, int to, void *arg)
{
    assert_int_equal(from, 1);
    assert_int_equal(to, st_migration_count);
    ++*(int *)arg;
}

/* Opens it; what is said of an upgrade is said once. */
static int upgrades_told(const char *path)
{
    int told = 0;
    struct st_options o = {.path = path, .on_upgrade = on_upgrade, .arg = &told};
    struct bx_buf message;
    struct st_store *store;
    bx_buf_init(&message, 0);
    assert_rc(st_store_open(&o, &store, &message), BX_OK);
    st_store_close(store);
    bx_buf_done(&message);
    return told;
}

static void rows_of_the_first_schema_come_through_the_migrations(void **state)
{
    struct fixture *f = *state;
    sqlite3 *db;
    struct bx_buf message;
    bx_buf_init(&message, 0);
    fixture_stop(f);
    snprintf(f->path, sizeof f->path, "%s/first.db", f->dir);
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    assert_rc(st_migrate(db, st_migrations, 1, &message), BX_OK);
    sqlite3_close(db);
    run_sql(f->path, "INSERT INTO numbers VALUES (1, 'Shop', '62811', 1, '', 1, 1, 0);"
                     "INSERT INTO number_state (number_id, last_seq) VALUES (1, 3);"
                     "INSERT INTO events VALUES (1, 3, 9, 0, 'c', '{}'), (1, 2, 8, 0, 'b', '{}');"
                     "INSERT INTO chats (id, number_id, jid, is_group, number, last_message_at, "
                     "created_at, updated_at) VALUES (2, 1, 'g@g.us', 1, '', 1, 1, 1);"
                     "INSERT INTO messages VALUES (3, 1, 2, 'W', 0, 0, 0, 0, 'From before', NULL, "
                     "NULL, 0, 0, 0, 0, 0, 1, NULL, NULL, 0, 0, NULL, 1, 0, 0, 0, 0, NULL, 0, 0, "
                     "NULL);");
    run_sql(f->path,
            "INSERT INTO users VALUES (1, 'J', 'jose', 'a@x.org', 'h', 1, 1, 1, 1), (2, 'J', "
            "'jos\u00e9', 'b@x.org', 'h', 0, 1, 1, 1);"
            "INSERT INTO templates VALUES (1, 'T', '/\u00e9', 'x', 1, 1, 1), (2, 'T', '/e', "
            "'y', 1, 1, 1);");
    assert_int_equal(upgrades_told(f->path), 1);
    assert_int_equal(upgrades_told(f->path), 0);
    fixture_start(f, NULL);
    struct st_search_query q = {.text = BX_STR("before"), .chat_id = 2};
    struct st_search_hit *hits;
    size_t found;
    assert_rc(st_search(f->conn, &q, &f->a, &hits, &found), BX_OK);
    assert_int_equal(found, 1);
    struct st_user user; /* two that fold to the same both stay */
    assert_rc(st_user_by_login(f->conn, BX_STR("jos\u00e9"), &f->a, &user), BX_OK);
    assert_int_equal(user.id, 2);
    assert_rc(st_user_by_login(f->conn, BX_STR("jose"), &f->a, &user), BX_OK);
    assert_int_equal(user.id, 1);
    struct st_template template;
    assert_rc(st_template_by_command(f->conn, BX_STR("/e"), &f->a, &template), BX_OK);
    assert_int_equal(template.id, 2);
    struct st_event *events;
    size_t count;
    assert_rc(st_event_list(f->conn, 1, 0, 10, &f->a, &events, &count), BX_OK);
    assert_int_equal(count, 2);
    assert_int_equal(events[0].seq, 2);
    assert_int_equal(events[1].at, 9);
    int64_t seq, oldest, last;
    assert_rc(WRITE(f, st_event_append(tx, 1, BX_STR("d"), 0, BX_STR("{}"), &seq)), BX_OK);
    assert_int_equal(seq, 4);
    assert_rc(st_event_range(f->conn, 1, &oldest, &last), BX_OK);
    assert_int_equal(oldest, 2);
    assert_int_equal(last, 4);
    bx_buf_done(&message);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T_(a_newer_schema_is_refused_and_left_alone),
        T_(foreign_and_broken_files_are_refused),
        T_(migrations_run_in_order_and_all_or_nothing),
        T_(rows_of_the_first_schema_come_through_the_migrations),
        T_(seeded_rows_pass_the_check),
        T_(the_check_finds_what_was_broken_and_repair_mends_it),
        T_(a_backup_made_under_load_restores),
        T_(a_read_sees_one_moment),
        T_(public_ids_survive_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
