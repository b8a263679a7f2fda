/* Every way a search may take (the index, the newest rows, first these and then the index) finds
 * what a plain look at every message finds, page by page. */
#include "store/fixture.h"
#include "store/sqlite/search_vocabulary.h"

#include <ctype.h>
#include <sqlite3.h>

enum { MESSAGES = 4000, NUMBERS = 40, PAGE = 7 };

struct row {
    int64_t id, number_id, chat_id;
    char text[96];
};

static struct row rows[MESSAGES];
static int64_t numbers[NUMBERS], chats[NUMBERS], contacts[NUMBERS];

/* "often" is everywhere but in the newest 1,500, where each message has a word of its own that
 * begins with "item"; "rarely" is in one of 500; "seldom" in one of 15, so that it is frequent
 * in the store and still does not fill a page out of the newest rows of most chats. */
static void text_of(int i, char *out, size_t size)
{
    int n = snprintf(out, size, "message %s item%d", i < MESSAGES - 1500 ? "often" : "late", i);
    if (i % 500 == 3)
        n += snprintf(out + n, size - (size_t)n, " Rarely");
    if (i % 15 == 4)
        n += snprintf(out + n, size - (size_t)n, " séldom");
    if (i % 2)
        snprintf(out + n, size - (size_t)n, " odd");
}

static int fill(struct st_tx *tx)
{
    int rc = BX_OK;
    for (int i = 0; rc == BX_OK && i < NUMBERS; i++) {
        char phone[16];
        struct st_contact_found found;
        snprintf(phone, sizeof phone, "6281%04d", i);
        struct st_number n = {.name = bx_str("Shop"), .phone = bx_str(phone), .is_active = true};
        rc = st_number_insert(tx, &n, &numbers[i]);
        if (rc == BX_OK)
            rc = st_contact_resolve(tx, numbers[i], bx_str("4917"), (struct bx_str){0}, &found);
        if (rc == BX_OK)
            rc = st_chat_ensure(tx, contacts[i] = found.contact_id, &chats[i], NULL);
    }
    for (int i = 0; rc == BX_OK && i < MESSAGES; i++) {
        int at = i % 3 ? i % NUMBERS : 0; /* one chat has a third of all */
        char wa_id[16];
        text_of(i, rows[i].text, sizeof rows[i].text);
        snprintf(wa_id, sizeof wa_id, "W%d", i);
        struct st_message_new m = {.message = {.chat_id = chats[at],
                                               .wa_id = bx_str(wa_id),
                                               .sender_id = contacts[at],
                                               .content = bx_str(rows[i].text),
                                               .timestamp = i}};
        struct st_message_stored stored;
        rc = st_message_insert(tx, &m, &stored);
        rows[i].id = stored.id;
        rows[i].number_id = numbers[at];
        rows[i].chat_id = chats[at];
    }
    return rc;
}

/* ---- the plain look ---- */

static bool has_word(const char *text, const char *word, bool is_start)
{
    size_t len = strlen(word);
    for (const char *p = text; (p = strcasestr(p, word)); p++)
        if ((p == text || p[-1] == ' ') && (is_start || p[len] == ' ' || p[len] == 0))
            return true;
    return false;
}

static bool is_wanted(const struct row *r, const struct st_search_query *q, const char *words[],
                      size_t count)
{
    bool is_in = !q->number_ids;
    for (size_t i = 0; q->number_ids && i < q->number_count; i++)
        is_in |= q->number_ids[i] == r->number_id;
    if (!is_in || (q->chat_id && q->chat_id != r->chat_id))
        return false;
    for (size_t i = 0; i < count; i++)
        if (!has_word(r->text, words[i], q->is_prefix && i == count - 1))
            return false;
    return true;
}

/* ---- */

/* FTS5's own table is read for it: this is what tells when it is not what it was. */
static void pages_are_counted(struct fixture *f)
{
    static const struct {
        const char *start;
        int64_t min, max;
    } table[] = {{"item", 10, 40}, {"item12", 0, 2}, {"item3999", 0, 0}, {"zz", 0, 0}};
    for (size_t i = 0; i < BX_LEN(table); i++) {
        int64_t pages;
        assert_rc(st_vocabulary_pages(f->conn, bx_str(table[i].start), &pages), BX_OK);
        assert_why(pages >= table[i].min && pages <= table[i].max, table[i].start);
    }
}

static void pages_compare(struct fixture *f, struct st_search_query q, const char *words[],
                          size_t count, const char *why)
{
    int expected = MESSAGES;
    q.limit = PAGE;
    for (int pages = 0; pages < 120; pages++) {
        struct st_search_hit *hits;
        size_t n;
        assert_rc(st_search(f->conn, &q, &f->a, &hits, &n), BX_OK);
        for (size_t i = 0; i < n; i++) {
            do
                expected--;
            while (expected >= 0 && !is_wanted(&rows[expected], &q, words, count));
            assert_why(expected >= 0, why);
            assert_why(hits[i].message.id == rows[expected].id, why);
            assert_why(hits[i].chat.id == rows[expected].chat_id, why);
            assert_why(memchr(hits[i].snippet.ptr, 2, hits[i].snippet.len) != NULL, why);
        }
        if (n < PAGE) {
            do
                expected--;
            while (expected >= 0 && !is_wanted(&rows[expected], &q, words, count));
            assert_why(expected < 0, why);
            return;
        }
        q.before_id = hits[n - 1].message.id;
        bx_arena_reset(&f->a);
    }
}

static void every_way_finds_what_a_plain_look_finds(void **state)
{
    struct fixture *f = *state;
    assert_rc(WRITE(f, fill(tx)), BX_OK);
    pages_are_counted(f);
    static const struct {
        const char *text, *words[5]; /* the words as the messages have them */
        size_t count;
        const char *why;
    } asked[] = {
        {"often", {"often"}, 1, "frequent, but not in the newest rows"},
        {"oft", {"often"}, 1, "the start of such a word"},
        {"item", {"item"}, 1, "a start of very many words"},
        {"item12", {"item12"}, 1, "a start of many words"},
        {"item3999", {"item3999"}, 1, "a start that is the only word"},
        {"rarely", {"rarely"}, 1, "a rare word"},
        {"seldom", {"séldom"}, 1, "a word with an accent"},
        {"odd seldom", {"odd", "séldom"}, 2, "two frequent words"},
        {"often item1", {"often", "item1"}, 2, "a frequent word and a wide start"},
        {"odd \"late\" OR it", {"odd", "late", "or"}, 3, "with a word that no message has"},
        {"message odd often seldom item1",
         {"message", "odd", "often", "séldom", "item1"},
         5,
         "more words than are worth a list in each of many numbers"},
        {"odd message odd", {"odd", "message"}, 2, "a word typed twice is no start"},
        {"nowhere", {"nowhere"}, 1, "no such word"},
        {"zz", {"zz"}, 1, "nothing begins so"},
    };
    for (size_t i = 0; i < BX_LEN(asked); i++) {
        const char **words = (const char **)asked[i].words;
        struct st_search_query q = {.text = bx_str(asked[i].text)};
        for (int is_prefix = 0; is_prefix < 2; is_prefix++) {
            q.is_prefix = is_prefix;
            if (!is_prefix && !has_word(asked[i].text, words[asked[i].count - 1], false) &&
                strcmp(asked[i].text, "seldom") != 0 && asked[i].count < 3)
                continue;
            struct st_search_query one = q, few = q, many = q, most = q, busy = q, quiet = q;
            one.number_ids = few.number_ids = many.number_ids = most.number_ids = numbers;
            one.number_count = 1;
            few.number_count = 5;
            many.number_count = 30;
            most.number_count = NUMBERS - 1;
            busy.chat_id = chats[0];
            quiet.chat_id = chats[7];
            pages_compare(f, q, words, asked[i].count, asked[i].why);
            pages_compare(f, one, words, asked[i].count, asked[i].why);
            pages_compare(f, few, words, asked[i].count, asked[i].why);
            pages_compare(f, many, words, asked[i].count, asked[i].why);
            pages_compare(f, most, words, asked[i].count, asked[i].why);
            pages_compare(f, busy, words, asked[i].count, asked[i].why);
            pages_compare(f, quiet, words, asked[i].count, asked[i].why);
        }
    }
}

static void a_snippet_shows_what_stands_around_the_words(void **state)
{
    static const struct {
        const char *content, *words, *snippet;
    } table[] = {
        {"short and whole", "and", "short \2and\3 whole"},
        {"one two three four five six seven eight nine ten eleven twelve thirteen", "one",
         "\2one\3 two three four five six seven eight nine ten eleven twelve…"},
        {"a b c d e f g h i j k l m n o p the Word at its end", "word end",
         "…o p the \2Word\3 at its \2end\3"},
        {"x, (Übung) — y", "ubung", "x, (\2Übung\3) — y"},
        {"lead lead lead lead lead lead lead lead lead lead lead lead lead hit tail a b c d e f g "
         "h i",
         "hit", "…lead lead lead \2hit\3 tail a b c d e f g…"},
        {"Harga Rp 1.250.000 saja", "1250000",
         "Harga Rp \2"
         "1.250.000\3 saja"},
        {"明日は東京都です", "東京都", "明日は\2東京都\3です"},
        {"ok 👨‍👩‍👧 ya", "👨‍👩‍👧", "ok \2👨‍👩‍👧\3 ya"},
    };
    struct fixture *f = *state;
    struct st_contact_found found;
    int64_t number, chat;
    struct st_number n = {.name = bx_str("Shop"), .phone = bx_str("62811"), .is_active = true};
    assert_rc(WRITE(f, st_number_insert(tx, &n, &number)), BX_OK);
    assert_rc(WRITE(f, st_contact_resolve(tx, number, bx_str("4917"), (struct bx_str){0}, &found)),
              BX_OK);
    assert_rc(WRITE(f, st_chat_ensure(tx, found.contact_id, &chat, NULL)), BX_OK);
    for (size_t i = 0; i < BX_LEN(table); i++) {
        char wa_id[8];
        snprintf(wa_id, sizeof wa_id, "S%zu", i);
        struct st_message_new m = {.message = {.chat_id = chat,
                                               .wa_id = bx_str(wa_id),
                                               .sender_id = found.contact_id,
                                               .content = bx_str(table[i].content)}};
        struct st_message_stored stored;
        assert_rc(WRITE(f, st_message_insert(tx, &m, &stored)), BX_OK);
        struct st_search_query q = {.text = bx_str(table[i].words), .limit = 1};
        struct st_search_hit *hits;
        size_t count;
        assert_rc(st_search(f->conn, &q, &f->a, &hits, &count), BX_OK);
        assert_int_equal(count, 1);
        assert_why(bx_str_eq(hits[0].snippet, bx_str(table[i].snippet)), table[i].content);
    }
}

#define T_(name) cmocka_unit_test_setup_teardown(name, fixture_setup, fixture_teardown)

static int64_t chat_make(struct fixture *f, int64_t *out_contact)
{
    struct st_contact_found found;
    int64_t number, chat;
    struct st_number n = {.name = bx_str("Shop"), .phone = bx_str("62811"), .is_active = true};
    assert_rc(WRITE(f, st_number_insert(tx, &n, &number)), BX_OK);
    assert_rc(WRITE(f, st_contact_resolve(tx, number, bx_str("4917"), (struct bx_str){0}, &found)),
              BX_OK);
    assert_rc(WRITE(f, st_chat_ensure(tx, found.contact_id, &chat, NULL)), BX_OK);
    *out_contact = found.contact_id;
    return chat;
}

static int64_t message_add(struct fixture *f, int64_t chat, int64_t contact, int i,
                           const char *content)
{
    char wa_id[16];
    snprintf(wa_id, sizeof wa_id, "M%d", i);
    struct st_message_new m = {.message = {.chat_id = chat,
                                           .wa_id = bx_str(wa_id),
                                           .sender_id = contact,
                                           .content = bx_str(content)}};
    struct st_message_stored stored;
    assert_rc(WRITE(f, st_message_insert(tx, &m, &stored)), BX_OK);
    return stored.id;
}

static size_t found_count(struct fixture *f, const char *text, bool is_prefix)
{
    struct st_search_query q = {.text = bx_str(text), .is_prefix = is_prefix};
    struct st_search_hit *hits;
    size_t count;
    assert_rc(st_search(f->conn, &q, &f->a, &hits, &count), BX_OK);
    return count;
}

/* In every writing, however the words are typed and wherever they stand. */
static void words_are_found_in_every_writing(void **state)
{
    static const char *const texts[] = {
        "Selamat pagi, José Ñandú",
        "İSTANBUL'da görüşürüz",
        "Die STRASSE ist gesperrt",
        "Ὁ Ὀδυσσεὺς γύρισε στην Ἰθάκη",
        "مُحَمَّد في الرِّيَاض",
        "שָׁלוֹם עולם",
        "हिन्दी में लिखिए",
        "พรุ่งนี้ไปทำงานที่กรุงเทพ",
        "明日は東京都で会議があります",
        "서울에서 만나요",
        "ຂ້ອຍຢູ່ວຽງຈັນ",
        "ខ្ញុំនៅភ្នំពេញ",
        "ကျွန်တော်ရန်ကုန်မှာနေတယ်",
        "Mantap 👍🏽 sekali",
        "Keluarga 👨‍👩‍👧‍👦 kami",
        "Harga Rp1.250.000,-",
        "Hubungi 0812-3456 7890 ya",
        "ＳＡＬＥ ５０％",
        "so\u00adft\u200bware \u200fupdate",
        "tanggal 2024-05-17",
    };
    static const struct {
        const char *query;
        size_t count, starts; /* as words, as what may be the start of one */
    } asked[] = {
        {"jose nandu", 1, 1},
        {"JOSÉ", 1, 1},
        {"istanbul", 1, 1},
        {"straße", 1, 1},
        {"οδυσσευς", 1, 1},
        {"ΟΔΥΣΣΕΥΣ", 1, 1},
        {"محمد", 1, 1},
        {"الرياض", 1, 1},
        {"שלום", 1, 1},
        {"हिन्दी", 1, 1},
        {"हिन्", 0, 1},
        {"กรุงเทพ", 1, 1},
        {"ทำงาน", 1, 1},
        {"东京", 0, 0},
        {"東京", 1, 1},
        {"京都", 1, 1},
        {"会", 1, 1},
        {"会議", 1, 1},
        {"京会", 0, 0},
        {"서울", 1, 1},
        {"만나", 1, 1},
        {"ວຽງຈັນ", 1, 1},
        {"ភ្នំពេញ", 1, 1},
        {"ရန်ကုန်", 1, 1},
        {"👍", 1, 1},
        {"👍🏿", 1, 1},
        {"👨‍👩‍👧‍👦", 1, 1},
        {"👨", 0, 1},
        {"1250000", 1, 1},
        {"1,250,000", 1, 1},
        {"081234567890", 1, 1},
        {"0812-3456-7890", 1, 1},
        {"0812 3456 7890", 1, 1},
        {"08123456", 1, 1},
        {"0812-34", 0, 1},
        {"sale 50", 1, 1},
        {"software", 1, 1},
        {"2024-05", 1, 1},
        {"05-17", 1, 1},
        {"17/05", 0, 0},
        {"2024", 1, 1},
        {"güncelleme", 0, 0},
    };
    struct fixture *f = *state;
    int64_t contact, chat = chat_make(f, &contact);
    for (size_t i = 0; i < BX_LEN(texts); i++)
        message_add(f, chat, contact, (int)i, texts[i]);
    for (size_t i = 0; i < BX_LEN(asked); i++) {
        assert_why(found_count(f, asked[i].query, false) == asked[i].count, asked[i].query);
        assert_why(found_count(f, asked[i].query, true) == asked[i].starts, asked[i].query);
    }
}

static int run_setting(struct fixture *f, const char *sql)
{
    sqlite3 *db;
    assert_int_equal(sqlite3_open(f->path, &db), SQLITE_OK);
    int rc = sqlite3_exec(db, sql, NULL, NULL, NULL);
    sqlite3_close(db);
    return rc;
}

static int rebuild(struct st_tx *tx, void *arg)
{
    return st_search_rebuild(tx, *(int64_t *)arg);
}

/* The server stops in the middle, messages change and go meanwhile, and in the end the index is
 * what it would have been. */
static void an_index_of_older_words_is_filled_while_the_server_works(void **state)
{
    enum { ALL = 20050, STEP = 20 };
    struct fixture *f = *state;
    int64_t contact, chat = chat_make(f, &contact), done, total, step = STEP;
    int64_t first = message_add(f, chat, contact, 0, "erster"), second, third;
    second = message_add(f, chat, contact, 1, "zweiter");
    third = message_add(f, chat, contact, 2, "dritter");
    char sql[2048];
    snprintf(
        sql, sizeof sql,
        "WITH RECURSIVE n (i) AS (VALUES (4) UNION ALL SELECT i + 1 FROM n WHERE i < %d) "
        "INSERT INTO messages (id, number_id, chat_id, wa_id, is_from_me, sender_id, "
        "participant_id, type, content, caption, file_name, flags, status, is_unread, is_starred, "
        "has_media, timestamp, quoted_wa_id, quoted_content, quoted_sender_id, sent_by, client_id, "
        "stored_at, sent_at, delivered_at, read_at, failed_at, error, edited_at, revoked_at, "
        "mentions) SELECT i, number_id, chat_id, 'X' || i, is_from_me, sender_id, "
        "participant_id, type, 'wort' || i, caption, file_name, flags, status, is_unread, "
        "is_starred, has_media, timestamp, quoted_wa_id, quoted_content, quoted_sender_id, "
        "sent_by, client_id, stored_at, sent_at, delivered_at, read_at, failed_at, error, "
        "edited_at, revoked_at, mentions FROM n, messages WHERE id = 3",
        ALL);
    fixture_stop(f);
    assert_int_equal(run_setting(f, sql), SQLITE_OK);
    assert_int_equal(run_setting(f, "DELETE FROM settings WHERE name = 'search.version'"),
                     SQLITE_OK);
    fixture_start(f, NULL);
    assert_rc(st_search_progress(f->conn, &done, &total), BX_OK);
    assert_int_equal(total, ALL);
    assert_int_equal(done, 20000);
    assert_int_equal(found_count(f, "wort20050", false), 1);
    assert_int_equal(found_count(f, "erster", false), 0);
    assert_int_equal(message_add(f, chat, contact, 3, "neuer") > ALL, true);
    assert_int_equal(st_writer_call(f->writer, rebuild, &step), 1);
    assert_int_equal(WRITE(f, st_message_edit(tx, second, BX_STR("anderer"), 5)), 1);
    fixture_stop(f);
    fixture_start(f, NULL); /* goes on where it was */
    assert_rc(st_search_progress(f->conn, &done, &total), BX_OK);
    assert_int_equal(done, 20020);
    while (st_writer_call(f->writer, rebuild, &step) == 1)
        ;
    assert_rc(st_search_progress(f->conn, &done, &total), BX_OK);
    assert_int_equal(done, total);
    static const struct {
        const char *word;
        size_t count;
    } after[] = {{"erster", 1},  {"zweiter", 0}, {"anderer", 1},
                 {"dritter", 1}, {"neuer", 1},   {"wort4", 1}};
    for (size_t i = 0; i < BX_LEN(after); i++)
        assert_why(found_count(f, after[i].word, false) == after[i].count, after[i].word);
    (void)first;
    (void)third;
    struct bx_buf report;
    bx_buf_init(&report, 0);
    st_check(f->conn, false, &report);
    assert_null(report.len ? memmem(report.data, report.len, "search index", 12) : NULL);
    bx_buf_done(&report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T_(every_way_finds_what_a_plain_look_finds),
        T_(a_snippet_shows_what_stands_around_the_words), T_(words_are_found_in_every_writing),
        T_(an_index_of_older_words_is_filled_while_the_server_works)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
