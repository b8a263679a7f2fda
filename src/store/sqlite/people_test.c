#include "store/fixture.h"
#include "store/sqlite/db.h"

#include "base/clock.h"

#define STR(s) bx_str(s)
static const struct bx_str none;

static int64_t user_add(struct fixture *f, const char *name, enum st_role role)
{
    char email[64];
    snprintf(email, sizeof email, "%s@example.org", name);
    struct st_user u = {.name = STR(name),
                        .username = STR(name),
                        .email = STR(email),
                        .password_hash = STR("$argon2id$"),
                        .role = role,
                        .is_active = true};
    int64_t id;
    const char *field;
    assert_rc(WRITE(f, st_user_insert(tx, &u, &id, &field)), BX_OK);
    return id;
}

static int64_t number_add(struct fixture *f, const char *phone)
{
    struct st_number n = {.name = STR("Shop"), .phone = STR(phone), .is_active = true};
    int64_t id;
    assert_rc(WRITE(f, st_number_insert(tx, &n, &id)), BX_OK);
    return id;
}

static void users_are_unique_by_name_and_email_in_any_case(void **state)
{
    struct fixture *f = *state;
    user_add(f, "ana", ST_ROLE_ADMIN);
    struct st_user u = {.name = STR("x"),
                        .username = STR("ANA"),
                        .email = STR("other@example.org"),
                        .password_hash = STR("h")};
    const char *field = NULL;
    int64_t id;
    assert_rc(WRITE(f, st_user_insert(tx, &u, &id, &field)), BX_E_EXISTS);
    assert_string_equal(field, "username");
    u.username = STR("bob");
    u.email = STR("Ana@Example.org");
    assert_rc(WRITE(f, st_user_insert(tx, &u, &id, &field)), BX_E_EXISTS);
    assert_string_equal(field, "email");
    struct st_user got;
    assert_rc(st_user_by_login(f->conn, STR("ANA@example.ORG"), &f->a, &got), BX_OK);
    assert_str(got.username, "ana");
    assert_rc(st_user_by_login(f->conn, STR("nobody"), &f->a, &got), BX_E_NOT_FOUND);
}

static void users_are_compared_by_what_people_take_for_the_same(void **state)
{
    struct fixture *f = *state;
    user_add(f, "jose", ST_ROLE_ADMIN);
    user_add(f, "coco", ST_ROLE_USER);
    user_add(f, "strasse", ST_ROLE_USER);
    static const char *const taken[] = {"José",   "ＪＯＳＥ", "jos\u200be",
                                        "straße", "сосо",     "Ｃoco"};
    struct st_user u = {
        .name = STR("x"), .email = STR("other@example.org"), .password_hash = STR("h")};
    struct st_user got;
    const char *field;
    int64_t id;
    for (size_t i = 0; i < BX_LEN(taken); i++) {
        field = "";
        u.username = bx_str(taken[i]);
        assert_why(WRITE(f, st_user_insert(tx, &u, &id, &field)) == BX_E_EXISTS, taken[i]);
        assert_string_equal(field, "username");
    }
    u.username = STR("burn"); /* two of ASCII that are alike are two */
    assert_rc(WRITE(f, st_user_insert(tx, &u, &id, &field)), BX_OK);
    u.username = STR("bum");
    u.email = STR("third@example.org");
    assert_rc(WRITE(f, st_user_insert(tx, &u, &id, &field)), BX_OK);
    assert_rc(st_user_by_login(f->conn, STR("JOSÉ"), &f->a, &got), BX_OK);
    assert_str(got.username, "jose");
    struct st_user_query q = {.search = STR("STRASSE"), .role = -1};
    struct st_user *rows;
    size_t count;
    int64_t total;
    assert_rc(st_user_list(f->conn, &q, &f->a, &rows, &count, &total), BX_OK);
    assert_int_equal(total, 1);
}

static void templates_and_numbers_are_found_without_accents(void **state)
{
    struct fixture *f = *state;
    struct st_template t = {.name = STR("Öffnungszeiten"),
                            .command = STR("/öffnung"),
                            .content = STR("東京 is closed"),
                            .is_active = true};
    struct st_template got, *rows;
    int64_t id, other, total;
    size_t count;
    assert_rc(WRITE(f, st_template_insert(tx, &t, &id)), BX_OK);
    t.command = STR("/OFFNUNG");
    assert_rc(WRITE(f, st_template_insert(tx, &t, &other)), BX_E_EXISTS);
    assert_rc(st_template_by_command(f->conn, STR("/Offnung"), &f->a, &got), BX_OK);
    assert_int_equal(got.id, id);
    static const char *const words[] = {"offnungs", "ÖFFNUNG", "東", "CLOSED"};
    for (size_t i = 0; i < BX_LEN(words); i++) {
        struct st_template_query q = {.search = bx_str(words[i]), .is_active = -1};
        assert_rc(st_template_list(f->conn, &q, &f->a, &rows, &count, &total), BX_OK);
        assert_why(total == 1, words[i]);
    }
    struct st_number n = {.name = STR("Kantor Ñandú"), .phone = STR("62811"), .is_active = true},
                     *numbers;
    assert_rc(WRITE(f, st_number_insert(tx, &n, &id)), BX_OK);
    struct st_number_query q = {.search = STR("nandu"), .is_active = -1};
    assert_rc(st_number_list(f->conn, &q, &f->a, &numbers, &count, &total), BX_OK);
    assert_int_equal(total, 1);
}

static void chats_are_found_by_name_in_any_writing(void **state)
{
    struct fixture *f = *state;
    static const struct {
        const char *name, *query;
    } table[] = {
        {"José Ñandú", "jose n"}, {"İlker", "ilker"},   {"ΜΑΡΊΑ Παπαδάκης", "μαρια παπαδακησ"},
        {"مُحَمَّد", "محمد"},         {"山田太郎", "田太"}, {"Łukasz", "lukasz"},
        {"100%_\\", "%_\\"}};
    struct st_number n = {.name = STR("Shop"), .phone = STR("62811"), .is_active = true};
    int64_t number, chat;
    assert_rc(WRITE(f, st_number_insert(tx, &n, &number)), BX_OK);
    for (size_t i = 0; i < BX_LEN(table); i++) {
        char jid[32];
        snprintf(jid, sizeof jid, "12036%zu@g.us", i);
        assert_rc(WRITE(f, st_chat_ensure_group(tx, number, bx_str(jid), bx_str(table[i].name),
                                                &chat, NULL)),
                  BX_OK);
        struct st_chat *rows;
        size_t count;
        assert_rc(st_chat_search(f->conn, number, bx_str(table[i].query), (struct bx_str){0}, 10,
                                 &f->a, &rows, &count),
                  BX_OK);
        assert_why(count == 1 && rows[0].id == chat, table[i].query);
    }
}

static void the_last_admin_stays(void **state)
{
    struct fixture *f = *state;
    int64_t ana = user_add(f, "ana", ST_ROLE_ADMIN), bob = user_add(f, "bob", ST_ROLE_USER);
    struct st_user u;
    const char *field;
    assert_rc(WRITE(f, st_user_delete(tx, ana)), BX_E_STATE);
    assert_rc(st_user_get(f->conn, ana, &f->a, &u), BX_OK);
    u.role = ST_ROLE_USER;
    assert_rc(WRITE(f, st_user_update(tx, &u, &field)), BX_E_STATE);
    u.role = ST_ROLE_ADMIN;
    u.is_active = false;
    assert_rc(WRITE(f, st_user_update(tx, &u, &field)), BX_E_STATE);
    assert_rc(st_user_get(f->conn, bob, &f->a, &u), BX_OK);
    u.role = ST_ROLE_ADMIN;
    assert_rc(WRITE(f, st_user_update(tx, &u, &field)), BX_OK);
    assert_rc(WRITE(f, st_user_delete(tx, ana)), BX_OK);
    assert_rc(WRITE(f, st_user_delete(tx, 99)), BX_E_NOT_FOUND);
}

static void users_are_listed_searched_and_sorted(void **state)
{
    struct fixture *f = *state;
    user_add(f, "ana", ST_ROLE_ADMIN);
    user_add(f, "100%", ST_ROLE_USER);
    user_add(f, "cid", ST_ROLE_USER);
    static const struct {
        const char *search;
        int role;
        size_t count;
        const char *first;
        const char *why;
    } rows[] = {{NULL, -1, 3, "cid", "all, by name, descending"},
                {NULL, ST_ROLE_ADMIN, 1, "ana", "one role"},
                {"%", -1, 1, "100%", "a percent sign is a character"},
                {"AN", -1, 1, "ana", "case"},
                {"zzz", -1, 0, "", "nothing"}};
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        struct st_user_query q = {.search = STR(rows[i].search),
                                  .role = rows[i].role,
                                  .sort = ST_USER_BY_NAME,
                                  .is_descending = true,
                                  .limit = -5,
                                  .offset = -1};
        q.limit = i == 0 ? 0 : 10;
        struct st_user *users;
        size_t n;
        int64_t total;
        assert_rc(st_user_list(f->conn, &q, &f->a, &users, &n, &total), BX_OK);
        assert_why(n == rows[i].count && total == (int64_t)n, rows[i].why);
        if (n)
            assert_why(bx_str_eq(users[0].name, STR(rows[i].first)), rows[i].why);
    }
}

static void tokens_are_revoked_one_by_one_and_together(void **state)
{
    struct fixture *f = *state;
    int64_t user = user_add(f, "ana", ST_ROLE_ADMIN);
    const char *const jtis[] = {"a", "b", "c"};
    for (size_t i = 0; i < 3; i++) {
        struct st_token t = {
            .jti = STR(jtis[i]), .user_id = user, .expires_at = 100 * (int64_t)i + 100};
        assert_rc(WRITE(f, st_token_insert(tx, &t)), BX_OK);
    }
    struct st_token got;
    assert_rc(WRITE(f, st_token_revoke(tx, STR("a"))), BX_OK);
    assert_rc(WRITE(f, st_token_revoke(tx, STR("a"))), BX_OK);
    assert_rc(WRITE(f, st_token_revoke(tx, STR("zz"))), BX_E_NOT_FOUND);
    assert_int_equal(WRITE(f, st_token_revoke_user(tx, user, STR("b"))), 1);
    assert_rc(st_token_get(f->conn, STR("c"), &f->a, &got), BX_OK);
    assert_true(got.revoked_at > 0);
    assert_rc(st_token_get(f->conn, STR("b"), &f->a, &got), BX_OK);
    assert_int_equal(got.revoked_at, 0);
    assert_int_equal(WRITE(f, st_token_revoke_user(tx, user, none)), 1);
    assert_int_equal(WRITE(f, st_token_purge(tx, 250, 100)), 2);
    struct st_token orphan = {.jti = STR("d"), .user_id = 77};
    assert_rc(WRITE(f, st_token_insert(tx, &orphan)), BX_E_INVALID);
}

static void an_api_key_is_found_by_its_hash(void **state)
{
    struct fixture *f = *state;
    int64_t numbers[] = {4, 2}, id;
    struct st_api_key k = {.name = STR("bot"),
                           .key_hash = STR("0123"),
                           .prefix = STR("wb_"),
                           .scopes = ST_SCOPE_READ | ST_SCOPE_SEND,
                           .number_ids = numbers,
                           .number_count = 2};
    assert_rc(WRITE(f, st_api_key_insert(tx, &k, &id)), BX_OK);
    assert_rc(WRITE(f, st_api_key_insert(tx, &k, &id)), BX_E_EXISTS);
    assert_rc(WRITE(f, st_api_key_touch(tx, id)), BX_OK);
    assert_rc(WRITE(f, st_api_key_revoke(tx, id)), BX_OK);
    struct st_api_key got, *list;
    size_t n;
    assert_rc(st_api_key_by_hash(f->conn, STR("0123"), &f->a, &got), BX_OK);
    assert_int_equal(got.scopes, 3);
    assert_int_equal(got.number_count, 2);
    assert_int_equal(got.number_ids[0], 2);
    assert_true(got.last_used_at > 0 && got.revoked_at > 0);
    assert_rc(st_api_key_list(f->conn, &f->a, &list, &n), BX_OK);
    assert_int_equal(n, 1);
    assert_null(list[0].key_hash.ptr);
    assert_rc(st_api_key_by_hash(f->conn, STR("9"), &f->a, &got), BX_E_NOT_FOUND);
}

static void permissions_are_granted_once_and_go_with_their_ends(void **state)
{
    struct fixture *f = *state;
    user_add(f, "root", ST_ROLE_ADMIN);
    int64_t user = user_add(f, "ana", ST_ROLE_USER), one = number_add(f, "1"),
            two = number_add(f, "2"), id;
    assert_rc(st_permission_check(f->conn, user, one), BX_E_DENIED);
    assert_rc(WRITE(f, st_permission_insert(tx, user, one, &id)), BX_OK);
    assert_rc(WRITE(f, st_permission_insert(tx, user, one, &id)), BX_E_EXISTS);
    assert_rc(WRITE(f, st_permission_insert(tx, user, 99, &id)), BX_E_INVALID);
    assert_rc(WRITE(f, st_permission_insert(tx, 99, one, &id)), BX_E_INVALID);
    assert_rc(WRITE(f, st_permission_insert(tx, user, two, &id)), BX_OK);
    assert_rc(st_permission_check(f->conn, user, one), BX_OK);
    struct st_permission got, *list;
    size_t n;
    int64_t total, *ids;
    assert_rc(st_permission_get(f->conn, id, &f->a, &got), BX_OK);
    assert_str(got.number_phone, "2");
    assert_rc(st_permission_list(f->conn, &(struct st_permission_query){.limit = 1, .offset = 1},
                                 &f->a, &list, &n, &total),
              BX_OK);
    assert_int_equal(n, 1);
    assert_int_equal(total, 2);
    assert_rc(st_permission_users(f->conn, one, &f->a, &ids, &n), BX_OK);
    assert_int_equal(n, 1);
    struct st_number_query q = {.is_active = -1, .permitted_to = user};
    struct st_number *numbers;
    assert_rc(st_number_list(f->conn, &q, &f->a, &numbers, &n, &total), BX_OK);
    assert_int_equal(total, 2);
    assert_rc(WRITE(f, st_permission_delete(tx, id)), BX_OK);
    assert_rc(st_permission_numbers(f->conn, user, &f->a, &ids, &n), BX_OK);
    assert_int_equal(n, 1);
    assert_int_equal(ids[0], one);
    assert_rc(WRITE(f, st_user_delete(tx, user)), BX_OK);
    assert_rc(st_permission_check(f->conn, user, one), BX_E_DENIED);
}

static void numbers_are_unique_by_phone_and_edited(void **state)
{
    struct fixture *f = *state;
    int64_t one = number_add(f, "1"), id, total;
    number_add(f, "2");
    struct st_number n = {.name = STR("Again"), .phone = STR("1")};
    assert_rc(WRITE(f, st_number_insert(tx, &n, &id)), BX_E_EXISTS);
    assert_rc(st_number_get(f->conn, one, &f->a, &n), BX_OK);
    assert_str(n.policy, "{}");
    n.phone = STR("2");
    assert_rc(WRITE(f, st_number_update(tx, &n)), BX_E_EXISTS);
    n.phone = STR("3");
    n.is_active = false;
    n.policy = STR("{\"typing\":true}");
    assert_rc(WRITE(f, st_number_update(tx, &n)), BX_OK);
    assert_rc(st_number_by_phone(f->conn, STR("3"), &f->a, &n), BX_OK);
    assert_str(n.policy, "{\"typing\":true}");
    struct st_number_query q = {.is_active = 1, .sort = ST_NUMBER_BY_PHONE};
    struct st_number *list;
    size_t count;
    assert_rc(st_number_list(f->conn, &q, &f->a, &list, &count, &total), BX_OK);
    assert_int_equal(count, 1);
}

static void a_number_has_one_session_and_its_secrets_can_be_wiped(void **state)
{
    struct fixture *f = *state;
    int64_t number = number_add(f, "1"), id, again, total;
    assert_rc(WRITE(f, st_session_ensure(tx, number, &id)), BX_OK);
    assert_rc(WRITE(f, st_session_ensure(tx, number, &again)), BX_OK);
    assert_int_equal(id, again);
    struct st_session s, *list;
    size_t n;
    assert_rc(st_session_get(f->conn, id, &f->a, &s), BX_OK);
    assert_int_equal(s.status, ST_LINK_PENDING);
    s.status = ST_LINK_CONNECTED;
    s.jid = STR("1:3@s.whatsapp.net");
    assert_rc(WRITE(f, st_session_update(tx, &s)), BX_OK);
    assert_rc(WRITE(f, st_session_credentials_set(tx, number, STR("sealed"))), BX_OK);
    assert_rc(WRITE(f, st_key_put(tx, number, ST_KEY_SESSION, STR("x"), STR("y"))), BX_OK);
    assert_rc(st_session_by_number(f->conn, number, &f->a, &s), BX_OK);
    assert_true(s.last_connected_at > 0 && s.has_credentials);
    struct bx_str blob;
    assert_rc(st_session_credentials_get(f->conn, number, &f->a, &blob), BX_OK);
    assert_str(blob, "sealed");
    assert_rc(WRITE(f, st_session_wipe(tx, number)), BX_OK);
    assert_rc(st_session_credentials_get(f->conn, number, &f->a, &blob), BX_E_NOT_FOUND);
    assert_rc(st_key_get(f->conn, number, ST_KEY_SESSION, STR("x"), &f->a, &blob), BX_E_NOT_FOUND);
    struct st_session_query q = {.status = ST_LINK_CONNECTED, .is_active = -1};
    assert_rc(st_session_list(f->conn, &q, &f->a, &list, &n, &total), BX_OK);
    assert_int_equal(n, 1);
    q.permitted_to = 42;
    assert_rc(st_session_list(f->conn, &q, &f->a, &list, &n, &total), BX_OK);
    assert_int_equal(n, 0);
    assert_rc(WRITE(f, st_session_delete(tx, id)), BX_OK);
    assert_rc(st_session_get(f->conn, id, &f->a, &s), BX_E_NOT_FOUND);
}

static void templates_have_unique_commands(void **state)
{
    struct fixture *f = *state;
    struct st_template t = {
        .name = STR("Hi"), .command = STR("/hi"), .content = STR("Hello"), .is_active = true};
    int64_t id, other, total;
    assert_rc(WRITE(f, st_template_insert(tx, &t, &id)), BX_OK);
    t.command = STR("/HI");
    assert_rc(WRITE(f, st_template_insert(tx, &t, &other)), BX_E_EXISTS);
    t.id = id;
    t.content = STR("Hello again");
    assert_rc(WRITE(f, st_template_update(tx, &t)), BX_OK);
    assert_rc(st_template_by_command(f->conn, STR("/hi"), &f->a, &t), BX_OK);
    assert_str(t.content, "Hello again");
    struct st_template *list;
    size_t n;
    struct st_template_query q = {.search = STR("again"), .is_active = 1};
    assert_rc(st_template_list(f->conn, &q, &f->a, &list, &n, &total), BX_OK);
    assert_int_equal(total, 1);
    assert_rc(WRITE(f, st_template_delete(tx, id)), BX_OK);
    assert_rc(st_template_get(f->conn, id, &f->a, &t), BX_E_NOT_FOUND);
}

static void audit_only_grows(void **state)
{
    struct fixture *f = *state;
    int64_t id;
    const char *const actions[] = {"login", "send.text", "send.image"};
    for (size_t i = 0; i < 3; i++) {
        struct st_audit e = {.user_id = (int64_t)i + 1, .number_id = 9, .action = STR(actions[i])};
        assert_rc(WRITE(f, st_audit_append(tx, &e, &id)), BX_OK);
    }
    static const struct {
        int64_t user, number, before;
        const char *prefix;
        size_t count;
    } rows[] = {{0, 0, 0, NULL, 3}, {2, 0, 0, NULL, 1},    {0, 9, 0, "send.", 2},
                {0, 0, 2, NULL, 1}, {0, 0, 0, "login", 1}, {0, 8, 0, NULL, 0}};
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        struct st_audit_query q = {.user_id = rows[i].user,
                                   .number_id = rows[i].number,
                                   .before_id = rows[i].before,
                                   .action_prefix = STR(rows[i].prefix)};
        struct st_audit *list;
        size_t n;
        assert_rc(st_audit_list(f->conn, &q, &f->a, &list, &n), BX_OK);
        assert_int_equal(n, rows[i].count);
    }
}

static size_t audit_count(struct fixture *f)
{
    struct st_audit_query all = {.limit = ST_LIMIT_MAX};
    struct st_audit *list;
    size_t n;
    assert_rc(st_audit_list(f->conn, &all, &f->a, &list, &n), BX_OK);
    return n;
}

static void audit_rows_go_by_age_from_the_front_and_in_no_other_way(void **state)
{
    struct fixture *f = *state;
    int64_t id, now = bx_wall_ms();
    struct st_audit e = {.action = STR("login")};
    assert_int_equal(WRITE(f, st_audit_trim(tx, now, 10)), 0);
    for (int i = 0; i < 5; i++)
        assert_rc(WRITE(f, st_audit_append(tx, &e, &id)), BX_OK);
    assert_rc(WRITE(f, st_db_run(st_tx_conn(tx), "DELETE FROM audit", Q0)), BX_E_STATE);
    assert_rc(WRITE(f, st_db_run(st_tx_conn(tx), "UPDATE audit SET at = 0", Q0)), BX_E_STATE);
    assert_int_equal(WRITE(f, st_audit_trim(tx, now - 1000, 10)), 0);
    assert_int_equal(audit_count(f), 5);
    int64_t later = bx_wall_ms() + 1000;
    assert_int_equal(WRITE(f, st_audit_trim(tx, later, 2)), 2);
    assert_int_equal(WRITE(f, st_audit_trim(tx, later, 2)), 2);
    assert_int_equal(WRITE(f, st_audit_trim(tx, later, 2)), 1);
    assert_int_equal(WRITE(f, st_audit_trim(tx, later, 2)), 0);
    assert_int_equal(audit_count(f), 0);
}

static void api_keys_that_ended_are_dropped_after_a_while(void **state)
{
    struct fixture *f = *state;
    const int64_t expiries[] = {0, 100, 0, 1000};
    struct st_api_key *list;
    size_t n;
    for (size_t i = 0; i < BX_LEN(expiries); i++) {
        char hash[33];
        int64_t id;
        snprintf(hash, sizeof hash, "%032zu", i);
        struct st_api_key k = {.name = STR("k"),
                               .key_hash = STR(hash),
                               .prefix = STR("wbk_"),
                               .expires_at = expiries[i]};
        assert_rc(WRITE(f, st_api_key_insert(tx, &k, &id)), BX_OK);
        if (i == 2) /* revoked now, which is far beyond 1000 */
            assert_rc(WRITE(f, st_api_key_revoke(tx, id)), BX_OK);
    }
    assert_int_equal(WRITE(f, st_api_key_purge(tx, 500, 10)), 1);
    assert_int_equal(WRITE(f, st_api_key_purge(tx, INT64_MAX, 1)), 1);
    assert_int_equal(WRITE(f, st_api_key_purge(tx, INT64_MAX, 10)), 1);
    assert_rc(st_api_key_list(f->conn, &f->a, &list, &n), BX_OK);
    assert_int_equal(n, 1);
    assert_int_equal(list[0].expires_at, 0);
}

static void an_idempotency_key_answers_once(void **state)
{
    struct fixture *f = *state;
    struct st_idempotency mine = {.principal = 1, .key = STR("k"), .request_hash = STR("h1")};
    struct st_idempotency got;
    assert_rc(WRITE(f, st_idempotency_claim(tx, &mine, &f->a, &got)), BX_OK);
    assert_rc(WRITE(f, st_idempotency_claim(tx, &mine, &f->a, &got)), BX_E_DUPLICATE);
    assert_null(got.response.ptr);
    struct st_idempotency answer = mine;
    answer.message_id = 5;
    answer.http_status = 200;
    answer.response = STR("{}");
    assert_rc(WRITE(f, st_idempotency_finish(tx, &answer)), BX_OK);
    assert_rc(WRITE(f, st_idempotency_claim(tx, &mine, &f->a, &got)), BX_E_DUPLICATE);
    assert_str(got.response, "{}");
    mine.request_hash = STR("h2");
    assert_rc(WRITE(f, st_idempotency_claim(tx, &mine, &f->a, &got)), BX_E_CONFLICT);
    mine.principal = -1;
    assert_rc(WRITE(f, st_idempotency_claim(tx, &mine, &f->a, &got)), BX_OK);
    assert_rc(WRITE(f, st_idempotency_release(tx, -1, STR("k"))), BX_OK);
    assert_int_equal(WRITE(f, st_idempotency_purge(tx, INT64_MAX, 10)), 1);
    assert_rc(st_idempotency_get(f->conn, 1, STR("k"), &f->a, &got), BX_E_NOT_FOUND);
}

static void keys_are_listed_by_prefix_and_renamed(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {"49.1", "49.2", "491.1", "50.1"};
    for (size_t i = 0; i < BX_LEN(names); i++)
        assert_rc(WRITE(f, st_key_put(tx, 1, ST_KEY_SESSION, STR(names[i]), STR(names[i]))), BX_OK);
    assert_rc(WRITE(f, st_key_put(tx, 1, ST_KEY_SESSION, STR("L.2"), STR("kept"))), BX_OK);
    assert_rc(WRITE(f, st_key_put(tx, 2, ST_KEY_SESSION, STR("49.9"), STR("other number"))), BX_OK);
    struct st_key *keys;
    size_t n;
    assert_rc(st_key_list(f->conn, 1, ST_KEY_SESSION, STR("49."), none, 10, &f->a, &keys, &n),
              BX_OK);
    assert_int_equal(n, 2);
    assert_rc(st_key_list(f->conn, 1, ST_KEY_SESSION, STR(""), STR("49.2"), 1, &f->a, &keys, &n),
              BX_OK);
    assert_str(keys[0].name, "491.1");
    assert_int_equal(
        WRITE(f, st_key_rename_prefix(tx, 1, ST_KEY_SESSION, STR("49."), STR("L."), false)), 1);
    struct bx_str value;
    assert_rc(st_key_get(f->conn, 1, ST_KEY_SESSION, STR("L.1"), &f->a, &value), BX_OK);
    assert_str(value, "49.1");
    assert_rc(st_key_get(f->conn, 1, ST_KEY_SESSION, STR("L.2"), &f->a, &value), BX_OK);
    assert_str(value, "kept");
    assert_rc(st_key_get(f->conn, 1, ST_KEY_SESSION, STR("49.2"), &f->a, &value), BX_E_NOT_FOUND);
    assert_int_equal(
        WRITE(f, st_key_rename_prefix(tx, 1, ST_KEY_SESSION, STR("50."), STR("L."), true)), 1);
    assert_rc(st_key_get(f->conn, 1, ST_KEY_SESSION, STR("L.1"), &f->a, &value), BX_OK);
    assert_str(value, "50.1");
    struct bx_str binary = bx_str_n("\xff\0\xff", 3);
    assert_rc(WRITE(f, st_key_put(tx, 1, ST_KEY_PREKEY, binary, binary)), BX_OK);
    assert_rc(
        st_key_list(f->conn, 1, ST_KEY_PREKEY, bx_str_n("\xff", 1), none, 10, &f->a, &keys, &n),
        BX_OK);
    assert_int_equal(n, 1);
    assert_true(bx_str_eq(keys[0].value, binary));
    int64_t count;
    assert_rc(st_key_count(f->conn, 1, ST_KEY_SESSION, &count), BX_OK);
    assert_int_equal(count, 3);
    assert_int_equal(WRITE(f, st_key_delete(tx, 1, ST_KEY_PREKEY, binary)), 1);
    assert_int_equal(WRITE(f, st_key_delete(tx, 1, ST_KEY_PREKEY, binary)), 0);
    assert_int_equal(WRITE(f, st_key_delete_older(tx, 1, ST_KEY_SESSION, INT64_MAX, 2)), 2);
    assert_int_equal(WRITE(f, st_key_delete_prefix(tx, 1, ST_KEY_SESSION, STR(""))), 1);
    assert_rc(st_key_get(f->conn, 2, ST_KEY_SESSION, STR("49.9"), &f->a, &value), BX_OK);
}

static void the_outbox_keeps_order_and_survives_a_lost_connection(void **state)
{
    struct fixture *f = *state;
    int64_t number = number_add(f, "1"), chat, id, messages[3];
    assert_rc(WRITE(f, st_chat_ensure_group(tx, number, STR("1@g.us"), none, &chat, NULL)), BX_OK);
    for (int i = 0; i < 3; i++) {
        char wa[8];
        snprintf(wa, sizeof wa, "O%d", i);
        struct st_message_new m = {.message = {.chat_id = chat,
                                               .wa_id = STR(wa),
                                               .is_from_me = true,
                                               .content = STR("x"),
                                               .timestamp = 1}};
        struct st_message_stored stored;
        assert_rc(WRITE(f, st_message_insert(tx, &m, &stored)), BX_OK);
        messages[i] = stored.id;
        assert_rc(WRITE(f, st_outbox_put(tx, stored.id, &id)), BX_OK);
    }
    assert_rc(WRITE(f, st_outbox_put(tx, messages[0], &id)), BX_E_EXISTS);
    assert_rc(WRITE(f, st_outbox_put(tx, 999, &id)), BX_E_INVALID);
    assert_rc(WRITE(f, st_outbox_attempt(tx, messages[0])), BX_OK);
    assert_int_equal(WRITE(f, st_outbox_requeue(tx, number)), 1);
    assert_rc(WRITE(f, st_outbox_retry(tx, messages[1], ST_OUTBOX_HELD, 77, STR("why"))), BX_OK);
    struct st_outbox *rows, row;
    size_t n;
    assert_rc(st_outbox_list(f->conn, number, 0, 10, &f->a, &rows, &n), BX_OK);
    assert_int_equal(n, 3);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(rows[i].message_id, messages[i]);
    assert_int_equal(rows[0].attempts, 1);
    assert_int_equal(rows[0].state, ST_OUTBOX_QUEUED);
    assert_rc(st_outbox_by_message(f->conn, messages[1], &f->a, &row), BX_OK);
    assert_int_equal(row.not_before, 77);
    assert_str(row.last_error, "why");
    int64_t *numbers;
    assert_rc(st_outbox_numbers(f->conn, &f->a, &numbers, &n), BX_OK);
    assert_int_equal(n, 1);
    assert_int_equal(WRITE(f, st_outbox_delete(tx, messages[0])), 1);
    assert_int_equal(WRITE(f, st_outbox_delete(tx, messages[0])), 0);
    assert_rc(WRITE(f, st_message_delete(tx, messages[1])), BX_OK); /* takes its row along */
    assert_rc(st_outbox_list(f->conn, number, 0, 10, &f->a, &rows, &n), BX_OK);
    assert_int_equal(n, 1);
}

static void settings_are_replaced(void **state)
{
    struct fixture *f = *state;
    struct bx_str value;
    assert_rc(st_setting_get(f->conn, STR("jwt"), &f->a, &value), BX_E_NOT_FOUND);
    assert_rc(WRITE(f, st_setting_set(tx, STR("jwt"), STR("one"))), BX_OK);
    assert_rc(WRITE(f, st_setting_set(tx, STR("jwt"), STR("two"))), BX_OK);
    assert_rc(st_setting_get(f->conn, STR("jwt"), &f->a, &value), BX_OK);
    assert_str(value, "two");
    assert_rc(WRITE(f, st_setting_delete(tx, STR("jwt"))), BX_OK);
}

static void contacts_are_found_listed_and_blocked(void **state)
{
    struct fixture *f = *state;
    int64_t number = number_add(f, "1");
    struct st_contact_found a, b;
    assert_rc(WRITE(f, st_contact_resolve(tx, number, none, none, &a)), BX_E_INVALID);
    assert_rc(WRITE(f, st_contact_resolve(tx, number, STR("49"), none, &a)), BX_OK);
    assert_rc(WRITE(f, st_contact_resolve(tx, number, STR("50"), none, &b)), BX_OK);
    assert_rc(WRITE(f, st_contact_block(tx, a.contact_id, true)), BX_OK);
    assert_rc(WRITE(f, st_contact_names_set(tx, a.contact_id, STR("Ana"), STR("ana!"), none)),
              BX_OK);
    assert_rc(WRITE(f, st_contact_names_set(tx, a.contact_id, STR(""), none, none)), BX_OK);
    struct st_contact who, *list;
    size_t n;
    assert_rc(st_contact_find(f->conn, number, STR("49"), none, &f->a, &who), BX_OK);
    assert_true(who.is_blocked);
    assert_null(who.name.ptr);
    assert_str(who.push_name, "ana!");
    assert_rc(st_contact_list(f->conn, number, a.contact_id, 10, &f->a, &list, &n), BX_OK);
    assert_int_equal(n, 1);
    assert_int_equal(list[0].id, b.contact_id);
}

#define T_(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T_(users_are_unique_by_name_and_email_in_any_case),
        T_(users_are_compared_by_what_people_take_for_the_same),
        T_(templates_and_numbers_are_found_without_accents),
        T_(chats_are_found_by_name_in_any_writing),
        T_(the_last_admin_stays),
        T_(users_are_listed_searched_and_sorted),
        T_(tokens_are_revoked_one_by_one_and_together),
        T_(an_api_key_is_found_by_its_hash),
        T_(permissions_are_granted_once_and_go_with_their_ends),
        T_(numbers_are_unique_by_phone_and_edited),
        T_(a_number_has_one_session_and_its_secrets_can_be_wiped),
        T_(templates_have_unique_commands),
        T_(audit_only_grows),
        T_(audit_rows_go_by_age_from_the_front_and_in_no_other_way),
        T_(api_keys_that_ended_are_dropped_after_a_while),
        T_(an_idempotency_key_answers_once),
        T_(keys_are_listed_by_prefix_and_renamed),
        T_(the_outbox_keeps_order_and_survives_a_lost_connection),
        T_(settings_are_replaced),
        T_(contacts_are_found_listed_and_blocked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
