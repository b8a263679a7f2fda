#include "store/fixture.h"

#define STR(s) bx_str(s)
static const struct bx_str none;
static const char blob_a[] = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
                  blob_b[] = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

struct scene {
    struct fixture *f;
    int64_t number, chat;
};

static struct scene scene_of(void **state, const char *phone)
{
    struct scene s = {.f = *state};
    struct st_number n = {.name = STR(phone), .phone = STR(phone), .is_active = true};
    assert_rc(WRITE(s.f, st_number_insert(tx, &n, &s.number)), BX_OK);
    assert_rc(WRITE(s.f, st_chat_ensure_group(tx, s.number, STR("1@g.us"), none, &s.chat, NULL)),
              BX_OK);
    return s;
}

static int64_t say(struct scene *s, const char *wa_id, const struct st_media *media)
{
    struct st_message_new m = {.message = {.chat_id = s->chat,
                                           .wa_id = STR(wa_id),
                                           .is_from_me = true,
                                           .type = ST_TYPE_IMAGE,
                                           .content = STR("[Image]"),
                                           .status = ST_SENT,
                                           .timestamp = 1},
                               .media = media};
    struct st_message_stored stored;
    assert_rc(WRITE(s->f, st_message_insert(tx, &m, &stored)), BX_OK);
    return stored.id;
}

static size_t unused(struct scene *s, const char **out)
{
    struct st_blob *rows;
    size_t count;
    assert_rc(st_blob_unused(s->f->conn, 10, &s->f->a, &rows, &count), BX_OK);
    if (count)
        *out = bx_arena_strndup(&s->f->a, rows[0].id.ptr, rows[0].id.len);
    return count;
}

static void a_blob_is_unused_when_the_last_row_that_names_it_goes(void **state)
{
    struct scene s = scene_of(state, "62811");
    const char *id = NULL;
    struct st_media m = {
        .state = ST_MEDIA_READY, .file_blob = STR(blob_a), .thumb_blob = STR(blob_b)};
    int64_t first = say(&s, "A", &m), second = say(&s, "B", &m);
    assert_int_equal(unused(&s, &id), 0);
    assert_rc(WRITE(s.f, st_message_revoke(tx, first, STR("deleted"), 5)), 1);
    assert_int_equal(unused(&s, &id), 0);
    m.message_id = second;
    m.thumb_blob = none;
    assert_rc(WRITE(s.f, st_media_put(tx, &m)), BX_OK);
    assert_int_equal(unused(&s, &id), 1);
    assert_string_equal(id, blob_b);
    assert_rc(WRITE(s.f, st_blob_forget(tx, STR(blob_a))), 0);
    assert_rc(WRITE(s.f, st_blob_forget(tx, STR(blob_b))), 1);
    assert_int_equal(unused(&s, &id), 0);
}

static void numbers_take_turns_and_what_is_not_due_waits(void **state)
{
    struct scene busy = scene_of(state, "62811"), quiet = scene_of(state, "62812");
    struct st_media *rows, due = {.next_at = 10}, late = {.next_at = 900}, asked = {.next_at = 0};
    size_t count;
    int64_t next;
    assert_rc(st_media_next(busy.f->conn, &next), BX_OK);
    assert_int_equal(next, 0);
    int64_t first = say(&busy, "A", &due);
    say(&busy, "B", &due);
    say(&busy, "C", &due);
    say(&busy, "D", &late);
    say(&busy, "E", &asked);
    due.next_at = 20;
    int64_t other = say(&quiet, "A", &due);
    assert_rc(st_media_due(busy.f->conn, 100, 2, 10, &busy.f->a, &rows, &count), BX_OK);
    assert_int_equal(count, 3);
    assert_int_equal(rows[0].message_id, first);
    assert_int_equal(rows[1].message_id, other);
    assert_int_equal(rows[1].number_id, quiet.number);
    assert_rc(st_media_next(busy.f->conn, &next), BX_OK);
    assert_int_equal(next, 10);
}

static void what_a_crash_left_downloading_waits_again(void **state)
{
    struct scene s = scene_of(state, "62811");
    struct st_media m = {.next_at = 10}, got;
    m.message_id = say(&s, "A", &m);
    m.state = ST_MEDIA_DOWNLOADING;
    m.attempts = 3;
    assert_rc(WRITE(s.f, st_media_state(tx, &m)), BX_OK);
    assert_rc(WRITE(s.f, st_media_resume(tx)), 1);
    assert_rc(st_media_get(s.f->conn, m.message_id, &s.f->a, &got), BX_OK);
    assert_int_equal(got.state, ST_MEDIA_WAITING);
    assert_int_equal(got.attempts, 3);
    assert_true(got.next_at > 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_blob_is_unused_when_the_last_row_that_names_it_goes,
                                        fixture_setup, fixture_teardown),
        cmocka_unit_test_setup_teardown(numbers_take_turns_and_what_is_not_due_waits, fixture_setup,
                                        fixture_teardown),
        cmocka_unit_test_setup_teardown(what_a_crash_left_downloading_waits_again, fixture_setup,
                                        fixture_teardown)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
