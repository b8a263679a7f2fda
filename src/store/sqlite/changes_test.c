#include "store/fixture.h"

#define STR(s) bx_str(s)
static const struct bx_str none;

/* A group of one number, with three members. */
struct scene {
    struct fixture *f;
    int64_t number, group, members[3];
};

static int64_t contact_add(struct scene *s, const char *phone)
{
    struct st_contact_found found;
    assert_rc(WRITE(s->f, st_contact_resolve(tx, s->number, STR(phone), none, &found)), BX_OK);
    return found.contact_id;
}

static struct scene scene_of(void **state)
{
    struct scene s = {.f = *state};
    struct st_number n = {.name = STR("Shop"), .phone = STR("62811"), .is_active = true};
    assert_rc(WRITE(s.f, st_number_insert(tx, &n, &s.number)), BX_OK);
    assert_rc(WRITE(s.f, st_chat_ensure_group(tx, s.number, STR("1@g.us"), none, &s.group, NULL)),
              BX_OK);
    struct st_member members[3] = {0};
    for (int i = 0; i < 3; i++) {
        s.members[i] = contact_add(&s, (const char *[]){"62811", "62812", "62813"}[i]);
        members[i].contact_id = s.members[i];
    }
    assert_rc(WRITE(s.f, st_member_set(tx, s.group, members, 3)), BX_OK);
    return s;
}

static int64_t say(struct scene *s, const char *wa_id, int64_t sender, int64_t at)
{
    struct st_message_new m = {.message = {.chat_id = s->group,
                                           .wa_id = STR(wa_id),
                                           .is_from_me = sender == 0,
                                           .sender_id = sender,
                                           .content = STR("hello"),
                                           .status = ST_SENT,
                                           .timestamp = at}};
    struct st_message_stored stored;
    assert_rc(WRITE(s->f, st_message_insert(tx, &m, &stored)), BX_OK);
    return stored.id;
}

static void the_audience_of_a_message_are_the_members_when_it_was_sent(void **state)
{
    struct scene s = scene_of(state);
    int64_t first = say(&s, "A", 0, 1), *audience;
    size_t count;
    assert_rc(WRITE(s.f, st_audience_set(tx, first)), BX_OK);
    int64_t late = contact_add(&s, "62814");
    assert_rc(WRITE(s.f, st_member_put(tx, s.group, late, ST_MEMBER)), BX_OK);
    assert_rc(WRITE(s.f, st_member_delete(tx, s.group, s.members[2])), BX_OK);
    int64_t second = say(&s, "B", 0, 2);
    assert_rc(WRITE(s.f, st_audience_set(tx, second)), BX_OK);
    assert_rc(WRITE(s.f, st_audience_set(tx, first)), BX_OK); /* the first call holds */
    assert_rc(st_audience_list(s.f->conn, first, &s.f->a, &audience, &count), BX_OK);
    assert_int_equal(count, 3);
    for (int i = 0; i < 3; i++)
        assert_int_equal(audience[i], s.members[i]);
    assert_rc(st_audience_list(s.f->conn, second, &s.f->a, &audience, &count), BX_OK);
    assert_int_equal(count, 3);
    assert_int_equal(audience[2], late);
}

static void a_change_waits_for_its_message_in_the_order_of_arrival(void **state)
{
    struct scene s = scene_of(state);
    struct st_change *rows;
    size_t count;
    int64_t waiting;
    assert_rc(WRITE(s.f, st_change_keep(tx, s.group, STR("A"), STR("one"))), BX_OK);
    assert_rc(WRITE(s.f, st_change_keep(tx, s.group, STR("B"), STR("other"))), BX_OK);
    assert_rc(WRITE(s.f, st_change_keep(tx, s.group, STR("A"), STR("two"))), BX_OK);
    say(&s, "A", s.members[1], 1);
    assert_rc(WRITE(s.f, st_change_take(tx, s.group, none, &s.f->a, &rows, &count)), BX_OK);
    assert_int_equal(count, 2);
    assert_str(rows[0].change, "one");
    assert_str(rows[1].change, "two");
    assert_rc(WRITE(s.f, st_change_take(tx, s.group, STR("A"), &s.f->a, &rows, &count)), BX_OK);
    assert_int_equal(count, 0);
    assert_rc(st_change_count(s.f->conn, &waiting), BX_OK);
    assert_int_equal(waiting, 1);
}

static void when_too_many_wait_the_oldest_that_no_one_wrote_goes(void **state)
{
    struct scene s = scene_of(state);
    struct st_change *rows;
    size_t count;
    const struct bx_str edit = STR("{\"kind\":\"edit\"}"), revoke = STR("{\"kind\":\"revoke\"}"),
                        vote = STR("{\"kind\":\"vote\"}"),
                        first = STR("{\"kind\":\"vote\",\"n\":1}");
    assert_rc(WRITE(s.f, st_change_keep(tx, s.group, STR("C"), revoke)), BX_OK);
    assert_rc(WRITE(s.f, st_change_keep(tx, s.group, STR("C"), first)), BX_OK);
    assert_rc(WRITE(s.f, st_change_keep(tx, s.group, STR("C"), vote)), BX_OK);
    for (int i = 3; i < ST_CHANGES_MAX + 2; i++)
        assert_rc(WRITE(s.f, st_change_keep(tx, s.group, STR("C"), edit)), BX_OK);
    assert_rc(WRITE(s.f, st_change_keep(tx, s.group, STR("C"), edit)), BX_E_FULL);
    assert_rc(WRITE(s.f, st_change_keep(tx, s.group, STR("C"), vote)), BX_E_FULL);
    assert_int_equal(WRITE(s.f, st_change_trim(tx, 0, 10)), 0);
    assert_int_equal(WRITE(s.f, st_change_trim(tx, INT64_MAX, 10)), 10);
    assert_rc(WRITE(s.f, st_change_take(tx, s.group, STR("C"), &s.f->a, &rows, &count)), BX_OK);
    assert_int_equal(count, ST_CHANGES_MAX - 10);
    for (size_t i = 0; i < count; i++)
        assert_str(rows[i].change, "{\"kind\":\"edit\"}");
}

static void of_two_edits_in_one_second_the_later_stays_and_a_replay_changes_nothing(void **state)
{
    struct scene s = scene_of(state);
    int64_t id = say(&s, "A", s.members[1], 1);
    assert_int_equal(WRITE(s.f, st_message_edit(tx, id, STR("second"), 5000)), 1);
    assert_int_equal(WRITE(s.f, st_message_edit(tx, id, STR("third"), 5000)), 1);
    assert_int_equal(WRITE(s.f, st_message_edit(tx, id, STR("third"), 5000)), 0);
    assert_int_equal(WRITE(s.f, st_message_edit(tx, id, STR("late"), 4000)), 0);
    struct st_message m;
    assert_rc(st_message_get(s.f->conn, id, &s.f->a, &m), BX_OK);
    assert_str(m.content, "third");
}

static void a_vote_is_the_newest_of_its_voter_and_can_be_taken_back(void **state)
{
    struct scene s = scene_of(state);
    struct st_response *rows, r = {.message_id = say(&s, "A", 0, 1),
                                   .contact_id = s.members[1],
                                   .choice = STR("x y"),
                                   .responded_at = 10};
    size_t count;
    assert_int_equal(WRITE(s.f, st_response_set(tx, &r)), 1);
    r.responded_at = 5;
    r.choice = STR("z");
    assert_int_equal(WRITE(s.f, st_response_set(tx, &r)), 0);
    assert_rc(st_response_list(s.f->conn, r.message_id, &s.f->a, &rows, &count), BX_OK);
    assert_int_equal(count, 1);
    assert_str(rows[0].choice, "x y");
    r.responded_at = 10;
    r.choice = STR("");
    assert_int_equal(WRITE(s.f, st_response_set(tx, &r)), 1);
    assert_rc(st_response_list(s.f->conn, r.message_id, &s.f->a, &rows, &count), BX_OK);
    assert_int_equal(count, 0);
}

static void two_writings_of_a_number_are_one_contact(void **state)
{
    struct scene s = scene_of(state);
    int64_t typed = contact_add(&s, "551187650001"), account = contact_add(&s, "5511987650001");
    int64_t chat;
    struct st_contact_found found;
    struct st_chat row;
    assert_rc(WRITE(s.f, st_chat_ensure(tx, typed, &chat, NULL)), BX_OK);
    assert_rc(WRITE(s.f, st_contact_alias(tx, s.number, STR("551187650001"), STR("5511987650001"),
                                          &found)),
              BX_OK);
    assert_int_equal(found.contact_id, account);
    assert_int_equal(found.chat_id, chat);
    assert_rc(st_chat_get(s.f->conn, chat, &s.f->a, &row), BX_OK);
    assert_str(row.number, "5511987650001");
    assert_int_equal(contact_add(&s, "551187650001"), account);
    struct st_contact who;
    assert_rc(st_contact_get(s.f->conn, account, &s.f->a, &who), BX_OK);
    assert_str(who.phone, "5511987650001");
}

static void a_timer_that_was_set_earlier_does_not_return(void **state)
{
    struct scene s = scene_of(state);
    struct st_chat chat;
    assert_int_equal(WRITE(s.f, st_chat_timer_set(tx, s.group, 86400, 2000)), 1);
    assert_int_equal(WRITE(s.f, st_chat_timer_set(tx, s.group, 604800, 1000)), 0);
    assert_int_equal(WRITE(s.f, st_chat_timer_set(tx, s.group, 86400, 4000)), 0); /* again, later */
    assert_int_equal(WRITE(s.f, st_chat_timer_set(tx, s.group, 0, 3000)), 0);
    assert_rc(st_chat_get(s.f->conn, s.group, &s.f->a, &chat), BX_OK);
    assert_int_equal(chat.ephemeral_s, 86400);
}

static int setup(void **state)
{
    static struct fixture f;
    fixture_init(&f);
    fixture_start(&f, NULL);
    *state = &f;
    return 0;
}

static int teardown(void **state)
{
    fixture_done(*state);
    return 0;
}

int main(void)
{
#define T_(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T_(the_audience_of_a_message_are_the_members_when_it_was_sent),
        T_(a_change_waits_for_its_message_in_the_order_of_arrival),
        T_(of_two_edits_in_one_second_the_later_stays_and_a_replay_changes_nothing),
        T_(a_vote_is_the_newest_of_its_voter_and_can_be_taken_back),
        T_(two_writings_of_a_number_are_one_contact),
        T_(when_too_many_wait_the_oldest_that_no_one_wrote_goes),
        T_(a_timer_that_was_set_earlier_does_not_return),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
