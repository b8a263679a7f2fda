#include "store/fixture.h"

#define STR(s) bx_str(s)
static const struct bx_str none;

/* One number with one contact's chat. */
struct scene {
    struct fixture *f;
    int64_t number, contact, chat;
};

static int64_t number_add(struct fixture *f, const char *phone)
{
    struct st_number n = {.name = STR("Shop"), .phone = STR(phone), .is_active = true};
    int64_t id;
    assert_rc(WRITE(f, st_number_insert(tx, &n, &id)), BX_OK);
    return id;
}

static struct scene scene_of(void **state)
{
    struct scene s = {.f = *state};
    struct st_contact_found found;
    s.number = number_add(s.f, "62811");
    assert_rc(WRITE(s.f, st_contact_resolve(tx, s.number, STR("4917"), none, &found)), BX_OK);
    s.contact = found.contact_id;
    assert_rc(WRITE(s.f, st_chat_ensure(tx, s.contact, &s.chat, NULL)), BX_OK);
    return s;
}

static struct st_message_new text(const struct scene *s, const char *wa_id, const char *content,
                                  int64_t at)
{
    return (struct st_message_new){.message = {.chat_id = s->chat,
                                               .wa_id = STR(wa_id),
                                               .sender_id = s->contact,
                                               .content = STR(content),
                                               .status = ST_DELIVERED,
                                               .timestamp = at},
                                   .counts_unread = true};
}

static struct st_message_stored put(const struct scene *s, struct st_message_new m)
{
    struct st_message_stored stored;
    assert_rc(WRITE(s->f, st_message_insert(tx, &m, &stored)), BX_OK);
    return stored;
}

static struct st_chat chat_of(const struct scene *s)
{
    struct st_chat chat;
    assert_rc(st_chat_get(s->f->conn, s->chat, &s->f->a, &chat), BX_OK);
    return chat;
}

static void check_clean(struct fixture *f)
{
    struct bx_buf report;
    bx_buf_init(&report, 0);
    int rc = st_check(f->conn, false, &report);
    if (rc != 0)
        fail_msg("check: %d %.*s", rc, (int)report.len, (char *)report.data);
    bx_buf_done(&report);
}

static size_t search_count(struct fixture *f, const char *words, int64_t chat)
{
    struct st_search_query q = {.text = STR(words), .chat_id = chat};
    struct st_search_hit *hits;
    size_t count;
    assert_rc(st_search(f->conn, &q, &f->a, &hits, &count), BX_OK);
    return count;
}

static void a_message_moves_preview_and_counters_once(void **state)
{
    struct scene s = scene_of(state);
    struct st_message_stored first = put(&s, text(&s, "A1", "hello", 1000));
    assert_true(first.is_new);
    struct st_message_stored again = put(&s, text(&s, "A1", "hello", 1000));
    assert_false(again.is_new);
    assert_int_equal(again.id, first.id);
    put(&s, text(&s, "A2", "late one", 500));
    struct st_chat chat = chat_of(&s);
    assert_str(chat.last_message, "hello");
    assert_int_equal(chat.last_message_at, 1000);
    assert_int_equal(chat.unread_count, 2);
    assert_int_equal(chat.message_count, 2);
    struct st_message_new mine = text(&s, "A1", "same id, ours", 2000);
    mine.message.is_from_me = true;
    assert_true(put(&s, mine).is_new);
    assert_int_equal(chat_of(&s).unread_count, 2);
    check_clean(s.f);
}

static void a_row_comes_back_as_it_was_written(void **state)
{
    struct scene s = scene_of(state);
    struct st_media media = {.mime = STR("image/png"), .media_key = STR("k"), .size_bytes = 9};
    struct st_message_new m = text(&s, "M1", "a caption", 10);
    m.message.type = ST_TYPE_IMAGE;
    m.message.caption = STR("a caption");
    m.message.file_name = STR("pic.png");
    m.message.quoted_wa_id = STR("Q");
    m.message.mentions = STR("[]");
    m.message.client_id = STR("c1");
    m.raw = bx_str_n("\0\1\2", 3);
    m.media = &media;
    int64_t id = put(&s, m).id;
    struct st_message got;
    assert_rc(st_message_get(s.f->conn, id, &s.f->a, &got), BX_OK);
    assert_str(got.wa_id, "M1");
    assert_str(got.file_name, "pic.png");
    assert_str(got.quoted_wa_id, "Q");
    assert_str(got.client_id, "c1");
    assert_str(got.sender_phone, "4917");
    assert_null(got.quoted_content.ptr);
    assert_true(got.has_media && got.is_unread && got.type == ST_TYPE_IMAGE);
    struct bx_str raw;
    assert_rc(st_message_raw(s.f->conn, id, &s.f->a, &raw), BX_OK);
    assert_true(bx_str_eq(raw, m.raw));
    struct st_media back;
    assert_rc(st_media_get(s.f->conn, id, &s.f->a, &back), BX_OK);
    assert_str(back.mime, "image/png");
    assert_rc(st_message_find(s.f->conn, s.chat, STR("M1"), false, 0, &s.f->a, &got), BX_OK);
    assert_rc(st_message_find(s.f->conn, s.chat, STR("M1"), true, 0, &s.f->a, &got),
              BX_E_NOT_FOUND);
    assert_rc(st_message_by_wa_id(s.f->conn, s.chat, STR("M1"), &s.f->a, &got), BX_OK);
    check_clean(s.f);
}

static void a_status_only_moves_forward(void **state)
{
    static const struct {
        enum st_status to;
        int moved;
        enum st_status is;
        const char *why;
    } rows[] = {
        {ST_FAILED, 1, ST_FAILED, "pending may fail"},
        {ST_SENT, 1, ST_SENT, "a late acknowledgement proves the failure wrong"},
        {ST_FAILED, 0, ST_SENT, "sent cannot fail"},
        {ST_READ, 1, ST_READ, "delivered may be skipped"},
        {ST_DELIVERED, 0, ST_READ, "no way back"},
        {ST_READ, 0, ST_READ, "the same again moves nothing"},
    };
    struct scene s = scene_of(state);
    struct st_message_new m = text(&s, "S1", "x", 1);
    m.message.is_from_me = true;
    m.message.status = ST_PENDING;
    int64_t id = put(&s, m).id;
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        int rc = WRITE(s.f, st_message_status(tx, id, rows[i].to, 100 + (int64_t)i, STR("e")));
        assert_why(rc == rows[i].moved, rows[i].why);
        struct st_message got;
        assert_rc(st_message_get(s.f->conn, id, &s.f->a, &got), BX_OK);
        assert_why(got.status == rows[i].is, rows[i].why);
    }
    struct st_message got;
    assert_rc(st_message_get(s.f->conn, id, &s.f->a, &got), BX_OK);
    assert_int_equal(got.failed_at, 100);
    assert_int_equal(got.sent_at, 101);
    assert_int_equal(got.delivered_at, 103);
    assert_int_equal(got.read_at, 103);
    assert_rc(WRITE(s.f, st_message_status(tx, 999, ST_READ, 1, none)), BX_E_NOT_FOUND);
}

static void read_up_to_moves_all_of_ours_before(void **state)
{
    struct scene s = scene_of(state);
    int64_t id[3];
    for (int i = 0; i < 3; i++) {
        char wa[8];
        snprintf(wa, sizeof wa, "U%d", i);
        struct st_message_new m = text(&s, wa, "x", 10 + i);
        m.message.is_from_me = true;
        m.message.status = ST_SENT;
        id[i] = put(&s, m).id;
    }
    int64_t *moved;
    size_t count;
    assert_rc(
        WRITE(s.f, st_message_status_upto(tx, s.chat, id[1], ST_READ, 50, &s.f->a, &moved, &count)),
        BX_OK);
    assert_int_equal(count, 2);
    assert_int_equal(moved[0], id[0]);
    assert_int_equal(moved[1], id[1]);
}

static void reading_clears_what_it_says(void **state)
{
    struct scene s = scene_of(state);
    int64_t ids[5];
    for (int i = 0; i < 5; i++) {
        char wa[8];
        snprintf(wa, sizeof wa, "R%d", i);
        ids[i] = put(&s, text(&s, wa, "x", 100 + i)).id;
    }
    struct st_read_message *was;
    size_t count;
    assert_int_equal(WRITE(s.f, st_chat_read(tx, s.chat, ids[2], &s.f->a, &was, &count)), 3);
    assert_int_equal(count, 3);
    assert_str(was[0].wa_id, "R0");
    assert_str(was[2].wa_id, "R2");
    assert_int_equal(chat_of(&s).unread_count, 2);
    assert_int_equal(WRITE(s.f, st_chat_read(tx, s.chat, 0, NULL, NULL, NULL)), 2);
    assert_int_equal(chat_of(&s).unread_count, 0);
    int64_t total;
    assert_rc(st_chat_unread_total(s.f->conn, s.number, &total), BX_OK);
    assert_int_equal(total, 0);
    check_clean(s.f);
}

static void history_pages_meet_without_gap_or_double(void **state)
{
    struct scene s = scene_of(state);
    enum { COUNT = 57 };
    for (int i = 0; i < COUNT; i++) {
        char wa[8];
        snprintf(wa, sizeof wa, "H%d", i);
        put(&s, text(&s, wa, wa, 1000 + i / 4)); /* four share a time */
    }
    int64_t before = 0, seen = 0, last_at = INT64_MAX, last_id = INT64_MAX;
    for (;;) {
        struct st_history_query q = {.chat_id = s.chat, .before = before, .limit = 10};
        struct st_message *m;
        size_t n;
        assert_rc(st_message_history(s.f->conn, &q, &s.f->a, &m, &n), BX_OK);
        if (n == 0)
            break;
        for (size_t i = 0; i < n; i++) {
            assert_true(m[i].timestamp < last_at ||
                        (m[i].timestamp == last_at && m[i].id < last_id));
            last_at = m[i].timestamp;
            last_id = m[i].id;
        }
        seen += (int64_t)n;
        before = m[n - 1].id;
        /* New rows on top do not shift the pages. */
        char wa[16];
        snprintf(wa, sizeof wa, "N%d", (int)seen);
        put(&s, text(&s, wa, "new", 5000));
    }
    assert_int_equal(seen, COUNT);
}

static void history_goes_both_ways_and_around(void **state)
{
    struct scene s = scene_of(state);
    int64_t id[9];
    for (int i = 0; i < 9; i++) {
        char wa[8];
        snprintf(wa, sizeof wa, "B%d", i);
        id[i] = put(&s, text(&s, wa, wa, 10 * i + 10)).id;
    }
    static const struct {
        int before, after, around; /* index + 1; after -1: from the oldest */
        int64_t limit, offset;
        int want[9];
        size_t count;
        const char *why;
    } rows[] = {
        {0, 0, 0, 3, 0, {8, 7, 6}, 3, "newest first"},
        {0, 0, 0, 3, 3, {5, 4, 3}, 3, "offset skips the newest"},
        {4, 0, 0, 5, 0, {2, 1, 0}, 3, "older than the key"},
        {0, 7, 0, 5, 0, {7, 8}, 2, "newer than the key, ascending"},
        {0, -1, 0, 2, 0, {0, 1}, 2, "from the oldest"},
        {0, 0, 5, 4, 0, {2, 3, 4, 5}, 4, "around the key"},
        {0, 0, 1, 4, 0, {0, 1}, 2, "around the first"},
        {0, 0, 0, 3, 99, {0}, 0, "beyond the end"},
    };
    for (size_t r = 0; r < BX_LEN(rows); r++) {
        struct st_history_query q = {.chat_id = s.chat,
                                     .before = rows[r].before ? id[rows[r].before - 1] : 0,
                                     .after =
                                         rows[r].after > 0 ? id[rows[r].after - 1] : rows[r].after,
                                     .around = rows[r].around ? id[rows[r].around - 1] : 0,
                                     .limit = rows[r].limit,
                                     .offset = rows[r].offset};
        struct st_message *m;
        size_t n;
        assert_rc(st_message_history(s.f->conn, &q, &s.f->a, &m, &n), BX_OK);
        assert_why(n == rows[r].count, rows[r].why);
        for (size_t i = 0; i < n; i++)
            assert_why(m[i].id == id[rows[r].want[i]], rows[r].why);
    }
    struct st_history_query foreign = {.chat_id = s.chat, .before = 12345};
    struct st_message *m;
    size_t n;
    assert_rc(st_message_history(s.f->conn, &foreign, &s.f->a, &m, &n), BX_E_NOT_FOUND);
}

static void edits_and_revokes_reach_preview_and_search(void **state)
{
    struct scene s = scene_of(state);
    int64_t id = put(&s, text(&s, "E1", "apples and pears", 10)).id;
    assert_int_equal(search_count(s.f, "apples", 0), 1);
    assert_int_equal(WRITE(s.f, st_message_edit(tx, id, STR("plums"), 20)), 1);
    assert_int_equal(WRITE(s.f, st_message_edit(tx, id, STR("stale"), 15)), 0);
    assert_str(chat_of(&s).last_message, "plums");
    assert_int_equal(search_count(s.f, "apples", 0), 0);
    assert_int_equal(search_count(s.f, "plums", s.chat), 1);
    assert_int_equal(WRITE(s.f, st_message_revoke(tx, id, STR("deleted"), 30)), 1);
    assert_int_equal(WRITE(s.f, st_message_revoke(tx, id, STR("deleted"), 31)), 0);
    assert_int_equal(WRITE(s.f, st_message_edit(tx, id, STR("ghost"), 40)), 0);
    assert_int_equal(search_count(s.f, "plums", 0), 0);
    assert_str(chat_of(&s).last_message, "deleted");
    check_clean(s.f);
}

static void changes_inside_one_transaction_leave_a_true_index(void **state)
{
    struct scene s = scene_of(state);
    struct held h;
    struct st_tx *tx = held_begin(s.f, &h);
    struct st_message_new a = text(&s, "T1", "first", 1), b = text(&s, "T2", "second", 2);
    struct st_message_stored sa, sb;
    assert_rc(st_message_insert(tx, &a, &sa), BX_OK);
    assert_rc(st_message_insert(tx, &b, &sb), BX_OK);
    assert_int_equal(st_message_edit(tx, sa.id, STR("changed"), 9), 1);
    assert_rc(st_message_delete(tx, sb.id), BX_OK);
    assert_rc(held_end(&h, BX_OK), BX_OK);
    assert_int_equal(search_count(s.f, "first", 0), 0);
    assert_int_equal(search_count(s.f, "changed", 0), 1);
    assert_int_equal(search_count(s.f, "second", 0), 0);
    assert_str(chat_of(&s).last_message, "changed");
    check_clean(s.f);
}

static void a_placeholder_is_filled_once(void **state)
{
    struct scene s = scene_of(state);
    struct st_message_new m = text(&s, "P1", "[Waiting]", 10);
    m.message.flags = ST_MESSAGE_PLACEHOLDER;
    int64_t id = put(&s, m).id;
    struct st_message_new full = text(&s, "P1", "secret plan", 10);
    assert_rc(WRITE(s.f, st_message_fill(tx, id, &full)), BX_OK);
    assert_rc(WRITE(s.f, st_message_fill(tx, id, &full)), BX_E_STATE);
    assert_str(chat_of(&s).last_message, "secret plan");
    assert_int_equal(chat_of(&s).unread_count, 1);
    assert_int_equal(search_count(s.f, "secret", 0), 1);
    check_clean(s.f);
}

static void deleting_messages_winds_the_chat_back(void **state)
{
    struct scene s = scene_of(state);
    put(&s, text(&s, "D1", "one", 10));
    int64_t second = put(&s, text(&s, "D2", "two", 20)).id;
    assert_rc(WRITE(s.f, st_message_delete(tx, second)), BX_OK);
    struct st_chat chat = chat_of(&s);
    assert_str(chat.last_message, "one");
    assert_int_equal(chat.unread_count, 1);
    assert_int_equal(chat.message_count, 1);
    assert_rc(WRITE(s.f, st_chat_clear(tx, s.chat)), BX_OK);
    assert_null(chat_of(&s).last_message.ptr);
    assert_rc(WRITE(s.f, st_chat_delete(tx, s.chat)), BX_OK);
    assert_rc(st_chat_get(s.f->conn, s.chat, &s.f->a, &chat), BX_E_NOT_FOUND);
    check_clean(s.f);
}

static void reactions_and_receipts_keep_the_newest(void **state)
{
    struct scene s = scene_of(state);
    int64_t id = put(&s, text(&s, "X1", "x", 10)).id;
    assert_int_equal(WRITE(s.f, st_reaction_set(tx, id, s.contact, STR("👍"), 100)), 1);
    assert_int_equal(WRITE(s.f, st_reaction_set(tx, id, s.contact, STR("👎"), 90)), 0);
    struct st_reaction *r;
    size_t n;
    assert_rc(st_reaction_list(s.f->conn, &id, 1, &s.f->a, &r, &n), BX_OK);
    assert_int_equal(n, 1);
    assert_str(r[0].emoji, "👍");
    assert_int_equal(WRITE(s.f, st_reaction_set(tx, id, s.contact, STR(""), 110)), 1);
    assert_rc(st_reaction_list(s.f->conn, &id, 1, &s.f->a, &r, &n), BX_OK);
    assert_int_equal(n, 0);
    struct st_receipt one = {.message_id = id, .contact_id = s.contact, .delivered_at = 5};
    struct st_receipt two = {.message_id = id, .contact_id = s.contact, .read_at = 9};
    assert_rc(WRITE(s.f, st_receipt_put(tx, &one)), BX_OK);
    assert_rc(WRITE(s.f, st_receipt_put(tx, &two)), BX_OK);
    struct st_receipt *got;
    assert_rc(st_receipt_list(s.f->conn, id, &s.f->a, &got, &n), BX_OK);
    assert_int_equal(n, 1);
    assert_int_equal(got[0].delivered_at, 5);
    assert_int_equal(got[0].read_at, 9);
    assert_rc(WRITE(s.f, st_message_star(tx, id, true)), BX_OK);
    struct st_message *starred;
    assert_rc(st_message_starred(s.f->conn, s.number, 0, 10, &s.f->a, &starred, &n), BX_OK);
    assert_int_equal(n, 1);
}

static void search_finds_words_in_text_caption_and_file_name(void **state)
{
    struct scene s = scene_of(state);
    put(&s, text(&s, "F1", "Überraschung im Büro", 10));
    struct st_message_new doc = text(&s, "F2", "[Document]", 20);
    doc.message.type = ST_TYPE_DOCUMENT;
    doc.message.caption = STR("the signed contract");
    doc.message.file_name = STR("invoice-2025.pdf");
    put(&s, doc);
    static const struct {
        const char *words;
        bool is_prefix;
        size_t hits;
        const char *why;
    } rows[] = {
        {"buro", false, 1, "accents do not matter"},
        {"BÜRO", false, 1, "case does not matter"},
        {"invoice", false, 1, "file name"},
        {"signed CONTRACT", false, 1, "caption, two words"},
        {"signed büro", false, 0, "both words in one message"},
        {"contr", false, 0, "whole words"},
        {"contr", true, 1, "or a start"},
        {"document", false, 0, "a label is not text"},
        {"\"' OR * NEAR( : ^ {", false, 0, "syntax is only characters"},
        {"body : x", false, 0, "nor do columns leak"},
        {"", false, 0, "nothing finds nothing"},
        {"n1", false, 0, "scope words are not text"},
    };
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        struct st_search_query q = {.text = STR(rows[i].words), .is_prefix = rows[i].is_prefix};
        struct st_search_hit *hits;
        size_t n;
        assert_why(st_search(s.f->conn, &q, &s.f->a, &hits, &n) == BX_OK, rows[i].why);
        assert_why(n == rows[i].hits, rows[i].why);
    }
    struct st_search_query q = {.text = STR("contract")};
    struct st_search_hit *hits;
    size_t n;
    assert_rc(st_search(s.f->conn, &q, &s.f->a, &hits, &n), BX_OK);
    assert_non_null(memmem(hits[0].snippet.ptr, hits[0].snippet.len, "\2contract\3", 10));
    assert_int_equal(hits[0].chat.id, s.chat);
}

static void search_stays_inside_numbers_and_chats(void **state)
{
    struct scene s = scene_of(state);
    struct scene other = {.f = s.f, .number = number_add(s.f, "62822")};
    struct st_contact_found found;
    assert_rc(WRITE(s.f, st_contact_resolve(tx, other.number, STR("4918"), none, &found)), BX_OK);
    other.contact = found.contact_id;
    assert_rc(WRITE(s.f, st_chat_ensure(tx, other.contact, &other.chat, NULL)), BX_OK);
    int64_t ids[4];
    for (int i = 0; i < 4; i++) {
        char wa[8];
        snprintf(wa, sizeof wa, "K%d", i);
        ids[i] = put(i < 2 ? &s : &other, text(i < 2 ? &s : &other, wa, "common word", i)).id;
    }
    struct st_search_hit *hits;
    size_t n;
    struct st_search_query all = {.text = STR("common")};
    assert_rc(st_search(s.f->conn, &all, &s.f->a, &hits, &n), BX_OK);
    assert_int_equal(n, 4);
    assert_int_equal(hits[0].message.id, ids[3]);
    struct st_search_query page = {.text = STR("common"), .before_id = ids[2], .limit = 1};
    assert_rc(st_search(s.f->conn, &page, &s.f->a, &hits, &n), BX_OK);
    assert_int_equal(n, 1);
    assert_int_equal(hits[0].message.id, ids[1]);
    int64_t only[] = {other.number};
    struct st_search_query one = {.text = STR("common"), .number_ids = only, .number_count = 1};
    assert_rc(st_search(s.f->conn, &one, &s.f->a, &hits, &n), BX_OK);
    assert_int_equal(n, 2);
    assert_int_equal(hits[1].message.number_id, other.number);
    struct st_search_query nobody = {.text = STR("common"), .number_ids = only};
    assert_rc(st_search(s.f->conn, &nobody, &s.f->a, &hits, &n), BX_OK);
    assert_int_equal(n, 0);
    assert_int_equal(search_count(s.f, "common", s.chat), 2);
}

static void phone_and_lid_become_one_chat(void **state)
{
    struct scene s = scene_of(state);
    struct st_contact_found by_lid;
    assert_rc(WRITE(s.f, st_contact_resolve(tx, s.number, none, STR("777"), &by_lid)), BX_OK);
    assert_true(by_lid.is_new);
    struct scene lid = {.f = s.f, .number = s.number, .contact = by_lid.contact_id};
    assert_rc(WRITE(s.f, st_chat_ensure(tx, lid.contact, &lid.chat, NULL)), BX_OK);
    put(&s, text(&s, "L1", "under phone", 10));
    put(&s, text(&s, "L2", "both have it", 20));
    put(&lid, text(&lid, "L2", "both have it", 20));
    put(&lid, text(&lid, "L3", "under lid", 30));
    struct bx_str empty = {0};
    assert_rc(WRITE(s.f, st_contact_names_set(tx, lid.contact, empty, STR("Ana"), empty)), BX_OK);
    struct st_contact_found both;
    assert_rc(WRITE(s.f, st_contact_resolve(tx, s.number, STR("4917"), STR("777"), &both)), BX_OK);
    assert_true(both.is_merged);
    assert_int_equal(both.contact_id, s.contact);
    assert_int_equal(both.chat_id, s.chat);
    assert_int_equal(both.merged_chat_id, lid.chat);
    struct st_chat chat = chat_of(&s);
    assert_int_equal(chat.message_count, 3);
    assert_int_equal(chat.unread_count, 3);
    assert_str(chat.last_message, "under lid");
    assert_str(chat.jid, "4917@s.whatsapp.net");
    assert_rc(st_chat_get(s.f->conn, lid.chat, &s.f->a, &chat), BX_OK);
    assert_int_equal(chat.id, s.chat);
    assert_rc(st_chat_by_jid(s.f->conn, s.number, STR("777@lid"), &s.f->a, &chat), BX_OK);
    assert_int_equal(chat.id, s.chat);
    assert_int_equal(search_count(s.f, "lid", s.chat), 1);
    /* A message to the old id lands in the joined chat and is known there. */
    assert_false(put(&lid, text(&lid, "L1", "again", 10)).is_new);
    check_clean(s.f);
    assert_rc(WRITE(s.f, st_contact_resolve(tx, s.number, STR("4917"), STR("777"), &both)), BX_OK);
    assert_false(both.is_merged || both.is_new);
}

static void a_group_message_is_known_by_its_sender_too(void **state)
{
    struct scene s = scene_of(state);
    int64_t group;
    bool is_new;
    assert_rc(WRITE(s.f, st_chat_ensure_group(tx, s.number, STR("123-4@g.us"), STR("Team"), &group,
                                              &is_new)),
              BX_OK);
    assert_true(is_new);
    struct st_contact_found other;
    assert_rc(WRITE(s.f, st_contact_resolve(tx, s.number, none, STR("888"), &other)), BX_OK);
    struct scene g = s;
    g.chat = group;
    assert_true(put(&g, text(&g, "G1", "from one", 1)).is_new);
    g.contact = other.contact_id;
    assert_true(put(&g, text(&g, "G1", "from the other", 2)).is_new);
    assert_false(put(&g, text(&g, "G1", "from the other", 2)).is_new);
    struct st_member members[] = {{.contact_id = s.contact, .role = ST_MEMBER_ADMIN},
                                  {.contact_id = other.contact_id}};
    assert_rc(WRITE(s.f, st_member_set(tx, group, members, 2)), BX_OK);
    struct st_member *got;
    size_t n;
    assert_rc(st_member_list(s.f->conn, group, &s.f->a, &got, &n), BX_OK);
    assert_int_equal(n, 2);
    assert_int_equal(got[0].role, ST_MEMBER_ADMIN);
    /* The two senders turn out to be one: the double goes. */
    struct st_contact_found both;
    assert_rc(WRITE(s.f, st_contact_resolve(tx, s.number, STR("4917"), STR("888"), &both)), BX_OK);
    struct st_chat chat;
    assert_rc(st_chat_get(s.f->conn, group, &s.f->a, &chat), BX_OK);
    assert_int_equal(chat.message_count, 1);
    assert_int_equal(chat.unread_count, 1);
    assert_rc(st_member_list(s.f->conn, group, &s.f->a, &got, &n), BX_OK);
    assert_int_equal(n, 1);
    check_clean(s.f);
}

static void the_chat_list_is_pinned_first_then_newest(void **state)
{
    struct scene s = scene_of(state);
    int64_t chats[6];
    for (int i = 0; i < 6; i++) {
        char phone[16], wa[8];
        snprintf(phone, sizeof phone, "49200%d", i);
        snprintf(wa, sizeof wa, "C%d", i);
        struct st_contact_found found;
        assert_rc(WRITE(s.f, st_contact_resolve(tx, s.number, STR(phone), none, &found)), BX_OK);
        assert_rc(WRITE(s.f, st_chat_ensure(tx, found.contact_id, &chats[i], NULL)), BX_OK);
        struct scene c = {s.f, s.number, found.contact_id, chats[i]};
        struct st_message_new m = text(&c, wa, "x", 100);
        m.counts_unread = i % 2 == 0;
        put(&c, m); /* all at one time: the id decides */
    }
    assert_rc(WRITE(s.f, st_chat_delete(tx, s.chat)), BX_OK);
    assert_rc(WRITE(s.f, st_chat_pin(tx, chats[1], true)), BX_OK);
    assert_rc(WRITE(s.f, st_chat_archive(tx, chats[4], true)), BX_OK);
    static const int want[] = {1, 5, 3, 2, 0};
    struct st_chat_key after = {0};
    for (size_t i = 0; i < BX_LEN(want); i++) {
        struct st_chat_query q = {.number_id = s.number, .after = after, .limit = 1};
        struct st_chat *list;
        size_t n;
        assert_rc(st_chat_list(s.f->conn, &q, &s.f->a, &list, &n), BX_OK);
        assert_int_equal(n, 1);
        assert_int_equal(list[0].id, chats[want[i]]);
        after = (struct st_chat_key){list[0].is_pinned, list[0].last_message_at, list[0].id};
    }
    static const struct {
        enum st_archived archived;
        bool unread_only;
        enum st_chat_kind kind;
        int64_t total;
    } counts[] = {{ST_ARCHIVED_OUT, false, ST_CHAT_ANY, 5}, {ST_ARCHIVED_ONLY, false, 0, 1},
                  {ST_ARCHIVED_ANY, false, ST_CHAT_ANY, 6}, {ST_ARCHIVED_OUT, true, 0, 2},
                  {ST_ARCHIVED_ANY, true, ST_CHAT_ANY, 3},  {ST_ARCHIVED_ANY, 0, ST_CHAT_GROUP, 0},
                  {ST_ARCHIVED_ANY, 0, ST_CHAT_DIRECT, 6}};
    for (size_t i = 0; i < BX_LEN(counts); i++) {
        struct st_chat_query q = {.number_id = s.number,
                                  .archived = counts[i].archived,
                                  .unread_only = counts[i].unread_only,
                                  .kind = counts[i].kind};
        struct st_chat *list;
        size_t n;
        int64_t total;
        assert_rc(st_chat_list(s.f->conn, &q, &s.f->a, &list, &n), BX_OK);
        assert_rc(st_chat_count(s.f->conn, &q, &total), BX_OK);
        assert_int_equal(n, counts[i].total);
        assert_int_equal(total, counts[i].total);
    }
    struct st_chat *found;
    size_t n;
    assert_rc(st_chat_search(s.f->conn, s.number, STR("492003"), (struct bx_str){0}, 10, &s.f->a,
                             &found, &n),
              BX_OK);
    assert_int_equal(n, 1);
    assert_rc(
        st_chat_search(s.f->conn, s.number, STR("%"), (struct bx_str){0}, 10, &s.f->a, &found, &n),
        BX_OK);
    assert_int_equal(n, 0);
    assert_rc(st_chat_search(s.f->conn, s.number, STR("049-2003"), STR("492003"), 10, &s.f->a,
                             &found, &n),
              BX_OK);
    assert_int_equal(n, 1);
    check_clean(s.f);
}

static void a_deleted_number_is_gone_at_once_and_its_rows_in_pieces(void **state)
{
    struct scene s = scene_of(state);
    for (int i = 0; i < 25; i++) {
        char wa[8];
        snprintf(wa, sizeof wa, "Z%d", i);
        put(&s, text(&s, wa, "gone soon", i));
    }
    int64_t seq;
    assert_rc(WRITE(s.f, st_event_append(tx, s.number, STR("x"), 0, STR("{}"), &seq)), BX_OK);
    assert_rc(WRITE(s.f, st_key_put(tx, s.number, ST_KEY_SESSION, STR("a"), STR("b"))), BX_OK);
    struct st_api_key key = {.name = STR("bound"),
                             .key_hash = STR("hash"),
                             .prefix = STR("wbk_"),
                             .number_ids = &s.number,
                             .number_count = 1};
    assert_rc(WRITE(s.f, st_api_key_insert(tx, &key, &key.id)), BX_OK);
    assert_rc(WRITE(s.f, st_number_delete(tx, s.number)), BX_OK);
    struct st_chat chat;
    assert_rc(st_chat_get(s.f->conn, s.chat, &s.f->a, &chat), BX_E_NOT_FOUND);
    assert_int_equal(search_count(s.f, "gone", 0), 0);
    number_add(s.f, "62811"); /* the phone is free again */
    int rounds = 0;
    while (WRITE(s.f, st_number_purge(tx, 10)) > 0)
        rounds++;
    assert_true(rounds >= 3);
    struct st_stats stats;
    assert_rc(st_stats(s.f->conn, &stats), BX_OK);
    assert_int_equal(stats.messages + stats.chats + stats.contacts + stats.events + stats.keys, 0);
    assert_rc(st_api_key_by_hash(s.f->conn, STR("hash"), &s.f->a, &key), BX_OK);
    assert_int_equal(key.number_count, 1); /* none would mean every number */
    check_clean(s.f);
}

#define T_(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

static struct st_hour hour_of(const struct scene *s, int64_t number, int64_t hour)
{
    struct st_hour_query q = {
        .number_ids = &number, .number_count = 1, .from = hour, .to = hour + 1};
    struct st_hour *rows;
    size_t count;
    assert_rc(st_hour_list(s->f->conn, &q, &s->f->a, &rows, &count), BX_OK);
    assert_int_equal(count, 1);
    return rows[0];
}

enum { AN_HOUR = 3600000 };

static void a_response_is_timed_from_the_oldest_message_it_answers(void **state)
{
    struct scene s = scene_of(state);
    put(&s, text(&s, "A", "hello", AN_HOUR + 1000));
    put(&s, text(&s, "B", "anyone?", AN_HOUR + 5000));
    struct st_message_new reply = text(&s, "C", "yes", AN_HOUR + 9000);
    reply.message.is_from_me = true;
    put(&s, reply);
    put(&s, reply); /* a duplicate counts nothing */
    reply.message.wa_id = STR("D");
    reply.message.timestamp = 2 * AN_HOUR;
    put(&s, reply); /* nobody waited */
    struct st_message_new old = text(&s, "E", "from a history sync", AN_HOUR + 2000);
    old.counts_unread = false;
    put(&s, old);
    struct st_hour h = hour_of(&s, s.number, AN_HOUR);
    assert_int_equal(h.received, 3);
    assert_int_equal(h.sent, 1);
    assert_int_equal(h.responses, 1);
    assert_int_equal(h.response_ms, 8000);
    assert_int_equal(h.response_max_ms, 8000);
    h = hour_of(&s, s.number, 2 * AN_HOUR);
    assert_int_equal(h.received, 0);
    assert_int_equal(h.sent, 1);
    assert_int_equal(h.responses, 0);
}

static void hours_are_listed_by_number_or_summed(void **state)
{
    struct scene s = scene_of(state), other = s;
    struct st_contact_found found;
    other.number = number_add(s.f, "62812");
    assert_rc(WRITE(s.f, st_contact_resolve(tx, other.number, STR("4918"), none, &found)), BX_OK);
    other.contact = found.contact_id;
    assert_rc(WRITE(s.f, st_chat_ensure(tx, other.contact, &other.chat, NULL)), BX_OK);
    put(&s, text(&s, "A", "one", AN_HOUR));
    put(&other, text(&other, "B", "two", AN_HOUR + 1));
    put(&other, text(&other, "C", "three", 3 * AN_HOUR - 1));
    struct st_hour_query q = {0};
    struct st_hour *rows;
    size_t count;
    assert_rc(st_hour_list(s.f->conn, &q, &s.f->a, &rows, &count), BX_OK);
    assert_int_equal(count, 3);
    assert_int_equal(rows[0].number_id, s.number);
    assert_int_equal(rows[1].number_id, other.number);
    assert_int_equal(rows[2].hour, 2 * AN_HOUR);
    q.is_sum = true;
    assert_rc(st_hour_list(s.f->conn, &q, &s.f->a, &rows, &count), BX_OK);
    assert_int_equal(count, 2);
    assert_int_equal(rows[0].received, 2);
    q.number_ids = &other.number; /* and none of them */
    assert_rc(st_hour_list(s.f->conn, &q, &s.f->a, &rows, &count), BX_OK);
    assert_int_equal(count, 0);
    assert_rc(WRITE(s.f, st_number_delete(tx, other.number)), BX_OK);
    q.number_ids = NULL;
    assert_rc(st_hour_list(s.f->conn, &q, &s.f->a, &rows, &count), BX_OK);
    assert_int_equal(count, 1);
}

static void reading_up_to_a_message_leaves_the_newer_unread(void **state)
{
    struct scene s = scene_of(state);
    char id[8];
    int64_t ids[6];
    for (int i = 0; i < 6; i++) {
        snprintf(id, sizeof id, "M%d", i);
        struct st_message_new m = text(&s, id, "hi", 1000 + i);
        m.counts_unread = i != 2; /* a read one among them */
        ids[i] = put(&s, m).id;
    }
    struct st_read_message *read;
    size_t count;
    assert_rc(WRITE(s.f, st_chat_read(tx, s.chat, ids[3], &s.f->a, &read, &count)), 3);
    assert_int_equal(count, 3);
    assert_int_equal(read[0].id, ids[0]);
    assert_int_equal(read[2].id, ids[3]);
    assert_int_equal(chat_of(&s).unread_count, 2);
    assert_rc(WRITE(s.f, st_message_delete(tx, ids[5])), BX_OK);
    assert_int_equal(chat_of(&s).unread_count, 1);
    assert_int_equal(chat_of(&s).message_count, 5);
    check_clean(s.f);
    assert_rc(WRITE(s.f, st_chat_read(tx, s.chat, 0, NULL, NULL, NULL)), 1);
    check_clean(s.f);
}

/* One change each; says whether the mark of the number moved. */
static bool is_marked_by(const struct scene *s, int64_t number,
                         int (*change)(struct st_tx *, void *), void *arg, int expected)
{
    uint64_t before = st_chat_mark(s->f->store, number);
    assert_rc(st_writer_call(s->f->writer, change, arg), expected);
    return st_chat_mark(s->f->store, number) != before;
}

struct marked {
    int64_t chat, contact, number, other, message;
};

static int pin(struct st_tx *tx, void *arg)
{
    return st_chat_pin(tx, ((struct marked *)arg)->chat, true);
}

static int read_all(struct st_tx *tx, void *arg)
{
    return st_chat_read(tx, ((struct marked *)arg)->chat, 0, NULL, NULL, NULL) < 0 ? BX_E_IO
                                                                                   : BX_OK;
}

static int edit(struct st_tx *tx, void *arg)
{
    return st_message_edit(tx, ((struct marked *)arg)->message, STR("plums"), 2000) == 1 ? BX_OK
                                                                                         : BX_E_IO;
}

static int star(struct st_tx *tx, void *arg)
{
    return st_message_star(tx, ((struct marked *)arg)->message, true);
}

static int rename_contact(struct st_tx *tx, void *arg)
{
    struct marked *m = arg;
    return st_contact_names_set(tx, m->contact, STR("Ani"), none, none);
}

static int number_drop(struct st_tx *tx, void *arg)
{
    return st_number_delete(tx, ((struct marked *)arg)->number);
}

static void what_a_chat_list_shows_moves_its_mark(void **state)
{
    struct scene s = scene_of(state);
    struct marked m = {.chat = s.chat,
                       .contact = s.contact,
                       .number = s.number,
                       .other = number_add(s.f, "62822")};
    uint64_t before = st_chat_mark(s.f->store, s.number), other = st_chat_mark(s.f->store, m.other);
    m.message = put(&s, text(&s, "A1", "apples", 1000)).id;
    assert_true(st_chat_mark(s.f->store, s.number) != before);
    assert_true(is_marked_by(&s, s.number, read_all, &m, BX_OK));
    assert_true(is_marked_by(&s, s.number, edit, &m, BX_OK));
    assert_true(is_marked_by(&s, s.number, pin, &m, BX_OK));
    assert_true(is_marked_by(&s, s.number, rename_contact, &m, BX_OK));
    assert_false(is_marked_by(&s, s.number, star, &m, BX_OK)); /* no list shows it */
    assert_int_equal(st_chat_mark(s.f->store, m.other), other);
    assert_true(is_marked_by(&s, s.number, number_drop, &m, BX_OK));
}

static void the_search_index_is_joined_and_finds_the_same(void **state)
{
    struct scene s = scene_of(state);
    char wa_id[8];
    for (int i = 0; i < 60; i++) { /* a commit each, so a segment each */
        snprintf(wa_id, sizeof wa_id, "J%d", i);
        put(&s, text(&s, wa_id, i % 3 ? "pears" : "apples", 1000 + i));
    }
    assert_int_equal(search_count(s.f, "apples", s.chat), 20);
    int rounds = 0;
    while (WRITE(s.f, st_search_tidy(tx, 1)) == 1)
        assert_true(++rounds < 1000);
    assert_true(rounds > 0);
    assert_int_equal(WRITE(s.f, st_search_tidy(tx, 1)), 0);
    assert_int_equal(search_count(s.f, "apples", s.chat), 20);
    assert_int_equal(search_count(s.f, "pears", s.chat), 40);
    check_clean(s.f);
}

static void a_page_of_long_texts_ends_early_and_says_so(void **state)
{
    struct fixture *f = *state;
    enum { COUNT = 12, LONG = 400000 };
    struct st_number n = {.name = bx_str("Shop"), .phone = bx_str("77"), .is_active = true};
    int64_t number, chat, before = 0;
    assert_rc(WRITE(f, st_number_insert(tx, &n, &number)), BX_OK);
    assert_rc(
        WRITE(f, st_chat_ensure_group(tx, number, bx_str("7@g.us"), bx_str("G"), &chat, NULL)),
        BX_OK);
    char *text = calloc(1, LONG);
    memset(text, 'x', LONG);
    for (int i = 0; i < COUNT; i++) {
        char id[8];
        snprintf(id, sizeof id, "L%d", i);
        struct st_message_new m = {.message = {.chat_id = chat,
                                               .wa_id = bx_str(id),
                                               .is_from_me = true,
                                               .content = bx_str_n(text, LONG),
                                               .timestamp = 1000 + i}};
        struct st_message_stored stored;
        assert_rc(WRITE(f, st_message_insert(tx, &m, &stored)), BX_OK);
    }
    free(text);
    int pages = 0, rows_seen = 0;
    for (bool has_more = true; has_more; pages++) {
        struct st_history_query q = {.chat_id = chat, .before = before, .limit = 1000};
        struct st_message *rows;
        size_t count;
        assert_rc(st_message_history(f->conn, &q, &f->a, &rows, &count), BX_OK);
        assert_in_range(count, 1, 3);
        has_more = st_page_is_cut(f->conn);
        rows_seen += (int)count;
        before = rows[count - 1].id;
    }
    assert_int_equal(rows_seen, COUNT);
    assert_int_equal(pages, COUNT / 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T_(a_message_moves_preview_and_counters_once),
        T_(a_response_is_timed_from_the_oldest_message_it_answers),
        T_(hours_are_listed_by_number_or_summed),
        T_(reading_up_to_a_message_leaves_the_newer_unread),
        T_(a_row_comes_back_as_it_was_written),
        T_(a_status_only_moves_forward),
        T_(read_up_to_moves_all_of_ours_before),
        T_(reading_clears_what_it_says),
        T_(history_pages_meet_without_gap_or_double),
        T_(history_goes_both_ways_and_around),
        T_(edits_and_revokes_reach_preview_and_search),
        T_(changes_inside_one_transaction_leave_a_true_index),
        T_(a_placeholder_is_filled_once),
        T_(deleting_messages_winds_the_chat_back),
        T_(reactions_and_receipts_keep_the_newest),
        T_(search_finds_words_in_text_caption_and_file_name),
        T_(search_stays_inside_numbers_and_chats),
        T_(phone_and_lid_become_one_chat),
        T_(a_group_message_is_known_by_its_sender_too),
        T_(the_chat_list_is_pinned_first_then_newest),
        T_(what_a_chat_list_shows_moves_its_mark),
        T_(the_search_index_is_joined_and_finds_the_same),
        T_(a_deleted_number_is_gone_at_once_and_its_rows_in_pieces),
        T_(a_page_of_long_texts_ends_early_and_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
