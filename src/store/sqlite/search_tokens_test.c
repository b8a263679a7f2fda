/* What the search index holds of a message. */
#include "store/sqlite/search_tokens.h"

#include "base/mem.h"
#include "base/test.h"

#include <stdio.h>
#include <string.h>

static sqlite3 *index_open(void)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
    assert_int_equal(st_tokens_register(db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db,
                                  "CREATE VIRTUAL TABLE f USING fts5 (entry, detail = none, "
                                  "tokenize = 'message_entry');"
                                  "CREATE VIRTUAL TABLE v USING fts5vocab (f, row)",
                                  NULL, NULL, NULL),
                     SQLITE_OK);
    return db;
}

static int insert(sqlite3 *db, const char *entry)
{
    sqlite3_stmt *stmt;
    sqlite3_prepare_v2(db, "INSERT INTO f VALUES (?1)", -1, &stmt, NULL);
    sqlite3_bind_text(stmt, 1, entry, -1, SQLITE_STATIC);
    sqlite3_step(stmt);
    return sqlite3_finalize(stmt);
}

static void an_entry_becomes_its_scopes_and_each_word_twice(void **state)
{
    (void)state;
    static const struct {
        const char *entry, *terms; /* in order; '^' stands for \\1 */
    } table[] = {
        {"7 12 Hello, H\xc3\xa9llo world!",
         "^c12|^n7|^n7 hello|^n7 world|^shello|^sworld|hello|world|"},
        {"7 12 ", "^c12|^n7|"},
        {"7 12 abcd abcdef", "^c12|^n7|^n7 abcd|^n7 abcdef|^sabcde|abcd|abcdef|"},
        {"7 12 \xd0\xb4\xd0\xbe\xd0\xb1\xd1\x80\xd1\x8b\xd0\xb9", /* six characters of two bytes */
         "^c12|^n7|^n7 \xd0\xb4\xd0\xbe\xd0\xb1\xd1\x80\xd1\x8b\xd0\xb9|"
         "^s\xd0\xb4\xd0\xbe\xd0\xb1\xd1\x80\xd1\x8b|"
         "\xd0\xb4\xd0\xbe\xd0\xb1\xd1\x80\xd1\x8b\xd0\xb9|"},
        {"9223372036854775807 1 x", "^c1|^n9223372036854775807|^n9223372036854775807 x|x|"},
        {"7 12 n7 c12 7", "^c12|^n7|^n7 7|^n7 c12|^n7 n7|7|c12|n7|"},
        {"7 12 a\1n8 b", "^c12|^n7|^n7 a|^n7 b|^n7 n8|a|b|n8|"},
    };
    for (size_t i = 0; i < BX_LEN(table); i++) {
        sqlite3 *db = index_open();
        sqlite3_stmt *stmt;
        char terms[256] = "";
        assert_int_equal(insert(db, table[i].entry), SQLITE_OK);
        sqlite3_prepare_v2(db, "SELECT replace(group_concat(term || '|', ''), char(1), '^') FROM v",
                           -1, &stmt, NULL);
        assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
        snprintf(terms, sizeof terms, "%s", (const char *)sqlite3_column_text(stmt, 0));
        sqlite3_finalize(stmt);
        assert_string_equal(terms, table[i].terms);
        assert_int_equal(sqlite3_close(db), SQLITE_OK);
    }
}

static int count_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *stmt;
    sqlite3_prepare_v2(db, sql, -1, &stmt, NULL);
    assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
    int count = sqlite3_column_int(stmt, 0);
    sqlite3_finalize(stmt);
    return count;
}

static void one_entry_of_about_a_thousand_marks_its_words(void **state)
{
    (void)state;
    sqlite3 *db = index_open();
    char entry[64];
    assert_int_equal(sqlite3_exec(db, "BEGIN", NULL, NULL, NULL), SQLITE_OK);
    for (int i = 0; i < 20000; i++) {
        snprintf(entry, sizeof entry, "7 12 often order%d", i);
        assert_int_equal(insert(db, entry), SQLITE_OK);
    }
    assert_int_equal(sqlite3_exec(db, "COMMIT", NULL, NULL, NULL), SQLITE_OK);
    int marks = count_of(db, "SELECT doc FROM v WHERE term = 'often' || char(1)");
    assert_in_range(marks, 5, 60);
    assert_int_equal(
        count_of(db, "SELECT doc FROM v WHERE term = char(1) || 'n7 often' || char(1)"), marks);
    assert_int_equal(count_of(db, "SELECT count(*) FROM v WHERE term > 'order' AND term LIKE "
                                  "'order%' || char(1)"),
                     marks);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void what_is_no_entry_is_refused(void **state)
{
    (void)state;
    static const char *const bad[] = {"",
                                      "7",
                                      "7 12",
                                      " ",
                                      "hello",
                                      "hello 1 x",
                                      "1 x y",
                                      "1  2 x",
                                      "123456789012345678901 1 x",
                                      "1 123456789012345678901 x"};
    sqlite3 *db = index_open();
    for (size_t i = 0; i < BX_LEN(bad); i++)
        assert_int_not_equal(insert(db, bad[i]), SQLITE_OK);
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

static void a_query_is_one_term_as_it_stands(void **state)
{
    (void)state;
    static const struct {
        const char *match;
        int rows;
    } table[] = {
        {"\"hello\"", 2}, {"\"\1n7 hello\"", 1},  {"\"\1n7 hel\" *", 1},
        {"\"\1n7\"", 1},  {"\"\1c12\"", 1},       {"\"n7\"", 0},
        {"\"Hello\"", 0}, {"\"hello world\"", 0}, {"\"\1n\" *", 2},
    };
    sqlite3 *db = index_open();
    assert_int_equal(insert(db, "7 12 hello world"), SQLITE_OK);
    assert_int_equal(insert(db, "70 120 hello world"), SQLITE_OK);
    for (size_t i = 0; i < BX_LEN(table); i++) {
        sqlite3_stmt *stmt;
        sqlite3_prepare_v2(db, "SELECT count(*) FROM f WHERE f MATCH ?1", -1, &stmt, NULL);
        sqlite3_bind_text(stmt, 1, table[i].match, -1, SQLITE_STATIC);
        assert_int_equal(sqlite3_step(stmt), SQLITE_ROW);
        assert_int_equal(sqlite3_column_int(stmt, 0), table[i].rows);
        sqlite3_finalize(stmt);
    }
    assert_int_equal(sqlite3_close(db), SQLITE_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_becomes_its_scopes_and_each_word_twice),
        cmocka_unit_test(one_entry_of_about_a_thousand_marks_its_words),
        cmocka_unit_test(what_is_no_entry_is_refused),
        cmocka_unit_test(a_query_is_one_term_as_it_stands)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
