/* Rows for load tests. Chats are dealt to numbers evenly and messages to chats unevenly: every
 * chat gets one, then a few chats of each number get most, as in life. Messages are written in
 * order of time, so that the file is laid out as a year of work would have left it.
 *
 * Ten million messages must not take an hour: the rows go in first; what st_message_insert keeps up
 * to date with each of them (the chats' counters and previews, the hours) is counted in memory and
 * written once, and the indexes of the table are built at the end, sorted.
 */
#include "store/sqlite/db.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum { ROWS_PER_COMMIT = 50000, DAY_MS = 86400000, HOUR_MS = 3600000, INDEXES_MAX = 8 };

/* What a chat will say when all is written. */
struct seed_chat {
    int64_t last_id, last_at, waiting_since;
    int32_t count, unread;
    bool last_is_from_me;
};

/* A number's hour that is being counted; hour 0: none. */
struct seed_hour {
    int64_t hour, received, sent, responses, response_ms, response_max_ms;
};

struct seed {
    const struct st_seed_options *o;
    struct st_tx tx;
    uint64_t state;
    int64_t first_number, first_chat, first_contact;
    int64_t last_indexed; /* message id up to which the search index is filled */
    int64_t done, total, in_commit;
    struct seed_chat *chats;
    struct seed_hour *hours; /* one per number */
    char *indexes[INDEXES_MAX];
    size_t index_count;
};

/* splitmix64 */
static uint64_t next_random(struct seed *s)
{
    uint64_t z = s->state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static const char *const words[] = {
    "order",    "meeting", "tomorrow", "please",   "invoice", "delivery", "thanks",   "address",
    "payment",  "ready",   "photo",    "document", "price",   "stock",    "morning",  "terima",
    "kasih",    "pesanan", "besok",    "alamat",   "kirim",   "harga",    "barang",   "siap",
    "call",     "later",   "office",   "question", "answer",  "ticket",   "customer", "support",
    "red",      "blue",    "large",    "small",    "urgent",  "today",    "week",     "month",
    "contract", "sample",  "refund",   "branch",   "driver",  "parcel",   "arrived",  "waiting",
};

static struct bx_str sentence(struct seed *s, char *buf, size_t size)
{
    size_t n = 0, count = 3 + next_random(s) % 12;
    for (size_t i = 0; i < count; i++)
        n += (size_t)snprintf(buf + n, size - n, "%s%s", i ? " " : "",
                              words[next_random(s) % BX_LEN(words)]);
    /* A word that is rare, so that searches of every kind find their match. */
    n += (size_t)snprintf(buf + n, size - n, " ref%" PRIu64, next_random(s) % 100000);
    return (struct bx_str){buf, n};
}

/* The entries of a commit's messages, in order: one large segment. */
static int search_fill(struct seed *s)
{
    if (!s->o->has_search)
        return BX_OK;
    int rc = st_db_run(s->tx.conn,
                       "INSERT INTO message_fts (rowid, entry) SELECT entry_id, entry FROM "
                       "message_search WHERE id > ?1 ORDER BY id DESC",
                       Q(I(s->last_indexed)));
    if (rc >= 0)
        rc = st_db_i64(s->tx.conn, &s->last_indexed, "SELECT coalesce(max(id), 0) FROM messages",
                       Q0);
    return rc < 0 ? rc : BX_OK;
}

static int commit(struct seed *s)
{
    int rc = search_fill(s);
    if (rc == BX_OK)
        rc = st_tx_commit(&s->tx);
    if (rc != BX_OK)
        return rc;
    st_tx_checkpoint(&s->tx);
    if (s->o->on_progress)
        s->o->on_progress(s->done, s->total, s->o->arg);
    return st_tx_begin(&s->tx);
}

static int step(struct seed *s)
{
    s->done++;
    if (++s->in_commit < ROWS_PER_COMMIT)
        return BX_OK;
    s->in_commit = 0;
    return commit(s);
}

static int seed_numbers(struct seed *s)
{
    int rc = BX_OK;
    for (int64_t i = 0; rc == BX_OK && i < s->o->numbers; i++) {
        char name[32], phone[32];
        snprintf(name, sizeof name, "Branch %" PRId64, i + 1);
        snprintf(phone, sizeof phone, "62811%07" PRId64, i);
        struct st_number number = {.name = bx_str(name), .phone = bx_str(phone), .is_active = true};
        int64_t id;
        rc = st_number_insert(&s->tx, &number, &id);
        if (i == 0)
            s->first_number = id;
        if (rc == BX_OK)
            rc = step(s);
    }
    return rc;
}

static int64_t number_of_chat(const struct seed *s, int64_t chat)
{
    return s->first_number + chat % s->o->numbers;
}

static int seed_chats(struct seed *s)
{
    int rc = BX_OK;
    for (int64_t i = 0; rc >= 0 && i < s->o->chats; i++) {
        char name[32], phone[32];
        snprintf(name, sizeof name, "Contact %" PRId64, i + 1);
        snprintf(phone, sizeof phone, "62812%08" PRId64, i);
        int64_t contact, chat;
        rc = st_db_insert(
            s->tx.conn, &contact,
            "INSERT INTO contacts (number_id, phone, push_name, created_at, "
            "updated_at) VALUES (?1, ?2, ?3, ?4, ?4)",
            Q(I(number_of_chat(s, i)), T(bx_str(phone)), T(bx_str(name)), I(s->o->now)));
        if (rc == BX_OK)
            rc = st_chat_ensure(&s->tx, contact, &chat, NULL);
        if (rc != BX_OK)
            return rc;
        if (i == 0) {
            s->first_contact = contact;
            s->first_chat = chat;
        }
        rc = step(s);
    }
    return rc;
}

/* One in eight messages goes anywhere, the others to the busiest fiftieth of the chats. With a long
 * chat wanted: its share to the first chat, the others anywhere. */
static int64_t chat_of_message(struct seed *s, int64_t i)
{
    if (i < s->o->chats)
        return i;
    uint64_t r = next_random(s);
    if (s->o->long_chat) {
        bool is_long =
            (int64_t)(next_random(s) >> 8) % (s->o->messages - s->o->chats) < s->o->long_chat;
        return is_long ? 0 : (int64_t)(r >> 8) % s->o->chats;
    }
    int64_t busy = s->o->chats / 50 > 0 ? s->o->chats / 50 : 1;
    return (int64_t)(r >> 8) % (r % 8 == 0 ? s->o->chats : busy) & INT64_MAX;
}

static int hour_flush(struct seed *s, int64_t number_index)
{
    struct seed_hour *h = &s->hours[number_index];
    if (!h->hour)
        return BX_OK;
    int rc = st_db_run(s->tx.conn, "INSERT INTO number_hours VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                       Q(I(s->first_number + number_index), I(h->hour), I(h->received), I(h->sent),
                         I(h->responses), I(h->response_ms), I(h->response_max_ms)));
    *h = (struct seed_hour){0};
    return rc < 0 ? rc : BX_OK;
}

/* As hour_count of messages.c has it; time only grows here, so an hour ends when the next begins.
 */
static int hour_add(struct seed *s, struct seed_chat *chat, int64_t number_index,
                    const struct st_message_new *new)
{
    const struct st_message *m = &new->message;
    struct seed_hour *h = &s->hours[number_index];
    int64_t hour = m->timestamp - m->timestamp % HOUR_MS;
    int rc = h->hour == hour ? BX_OK : hour_flush(s, number_index);
    h->hour = hour;
    h->received += !m->is_from_me;
    h->sent += m->is_from_me;
    if (m->is_from_me && chat->waiting_since > 0) {
        int64_t ms = m->timestamp - chat->waiting_since;
        h->responses++;
        h->response_ms += ms;
        if (ms > h->response_max_ms)
            h->response_max_ms = ms;
        chat->waiting_since = 0;
    } else if (!m->is_from_me && new->counts_unread && chat->waiting_since == 0) {
        chat->waiting_since = m->timestamp;
    }
    return rc;
}

static int row_insert(struct seed *s, const struct st_message_new *new, int64_t number_id,
                      int64_t *out_id)
{
    const struct st_message *m = &new->message;
    return st_db_insert(
        s->tx.conn, out_id,
        "INSERT INTO messages (number_id, chat_id, wa_id, is_from_me, sender_id, participant_id, "
        "type, content, flags, status, is_unread, is_starred, has_media, timestamp, "
        "quoted_sender_id, sent_by, stored_at, sent_at, delivered_at, read_at, failed_at) VALUES "
        "(?1, ?2, ?3, ?4, ?5, 0, 0, ?6, 0, ?7, ?8, 0, 0, ?9, 0, 0, ?9, 0, 0, 0, 0)",
        Q(I(number_id), I(m->chat_id), T(m->wa_id), I(m->is_from_me), I(m->sender_id),
          T(m->content), I(m->status), I(new->counts_unread), I(m->timestamp)));
}

static int seed_message(struct seed *s, int64_t i)
{
    char text[512], wa_id[24];
    int64_t chat = chat_of_message(s, i), id;
    snprintf(wa_id, sizeof wa_id, "3EB0%016" PRIX64, next_random(s));
    bool is_from_me = next_random(s) % 2 == 0;
    int64_t year = (int64_t)365 * DAY_MS;
    struct st_message_new new = {
        .message = {.chat_id = s->first_chat + chat,
                    .wa_id = bx_str(wa_id),
                    .is_from_me = is_from_me,
                    .sender_id = is_from_me ? 0 : s->first_contact + chat,
                    .content = sentence(s, text, sizeof text),
                    .status = is_from_me ? ST_READ : ST_DELIVERED,
                    .timestamp = s->o->now - year +
                                 (int64_t)((double)year * (double)i / (double)s->o->messages)},
        .counts_unread = next_random(s) % 20 == 0 && !is_from_me,
    };
    struct seed_chat *c = &s->chats[chat];
    int rc = row_insert(s, &new, number_of_chat(s, chat), &id);
    if (rc == BX_OK)
        rc = hour_add(s, c, chat % s->o->numbers, &new);
    c->last_id = id;
    c->last_at = new.message.timestamp;
    c->last_is_from_me = is_from_me;
    c->unread += new.counts_unread;
    c->count++;
    return rc;
}

/* The rows of the chats, from what was counted. */
static int chats_finish(struct seed *s)
{
    int rc = BX_OK;
    for (int64_t i = 0; rc >= 0 && i < s->o->chats; i++) {
        const struct seed_chat *c = &s->chats[i];
        if (c->count)
            rc = st_db_run(s->tx.conn,
                           "UPDATE chats SET message_count = ?2, unread_count = ?3, "
                           "last_message_id = ?4, last_message_at = ?5, last_is_from_me = ?6, "
                           "waiting_since = ?7, last_message = (SELECT content FROM messages "
                           "WHERE id = ?4) WHERE id = ?1",
                           Q(I(s->first_chat + i), I(c->count), I(c->unread), I(c->last_id),
                             I(c->last_at), I(c->last_is_from_me), I(c->waiting_since)));
        if (i % ROWS_PER_COMMIT == ROWS_PER_COMMIT - 1 && rc >= 0)
            rc = commit(s);
    }
    return rc < 0 ? rc : BX_OK;
}

static void index_read(struct st_cur *c, struct bx_arena *a, void *out)
{
    *(struct bx_str *)out = st_col_str(c, a);
}

static int exec(struct seed *s, const char *sql)
{
    int rc = sqlite3_exec(s->tx.conn->db, sql, NULL, NULL, NULL);
    return rc == SQLITE_OK ? BX_OK : st_db_error(s->tx.conn->db, rc);
}

/* Takes the indexes of the messages away; what they were is kept in s->indexes. */
static int indexes_drop(struct seed *s)
{
    struct bx_arena a;
    struct bx_str *sqls, *names;
    size_t count, name_count;
    bx_arena_init(&a, 0);
    int rc = st_db_list(s->tx.conn, &a, index_read, sizeof *sqls, &sqls, &count,
                        "SELECT sql FROM sqlite_schema WHERE tbl_name = 'messages' AND type = "
                        "'index' ORDER BY name",
                        Q0);
    if (rc == BX_OK)
        rc = st_db_list(s->tx.conn, &a, index_read, sizeof *names, &names, &name_count,
                        "SELECT 'DROP INDEX ' || name FROM sqlite_schema WHERE tbl_name = "
                        "'messages' AND type = 'index' ORDER BY name",
                        Q0);
    BX_ASSERT(rc != BX_OK || (count <= INDEXES_MAX && name_count == count));
    for (size_t i = 0; rc == BX_OK && i < count; i++) {
        s->indexes[s->index_count++] = bx_strndup(sqls[i].ptr, sqls[i].len);
        rc = exec(s, bx_arena_strndup(&a, names[i].ptr, names[i].len));
    }
    bx_arena_done(&a);
    return rc;
}

static int indexes_build(struct seed *s)
{
    int rc = BX_OK;
    for (size_t i = 0; rc == BX_OK && i < s->index_count; i++) {
        rc = exec(s, s->indexes[i]);
        if (rc == BX_OK)
            rc = commit(s);
    }
    return rc;
}

static int seed_messages(struct seed *s)
{
    int rc = s->o->chats > 0 ? indexes_drop(s) : BX_E_INVALID;
    if (rc == BX_OK)
        rc = st_db_i64(s->tx.conn, &s->last_indexed, "SELECT coalesce(max(id), 0) FROM messages",
                       Q0);
    for (int64_t i = 0; rc == BX_OK && i < s->o->messages; i++) {
        rc = seed_message(s, i);
        if (rc == BX_OK)
            rc = step(s);
    }
    for (int64_t i = 0; rc == BX_OK && i < s->o->numbers; i++)
        rc = hour_flush(s, i);
    if (rc == BX_OK)
        rc = chats_finish(s);
    return rc == BX_OK ? indexes_build(s) : rc;
}

static int seed_all(struct seed *s)
{
    int rc = seed_numbers(s);
    if (rc == BX_OK)
        rc = seed_chats(s);
    if (rc == BX_OK && s->o->messages > 0)
        rc = seed_messages(s);
    return rc;
}

/* As the server's housekeeping leaves it after a quiet minute. */
static int search_tidy(struct st_tx *tx)
{
    int rc = 1;
    while (rc > 0) {
        int began = st_tx_begin(tx);
        rc = began < 0 ? began : st_search_tidy(tx, 1024);
        int ended = rc < 0 ? rc : st_tx_commit(tx);
        rc = ended < 0 ? ended : rc;
    }
    return rc;
}

static int seed_run(struct seed *s)
{
    /* Nothing waits for these commits; what the log holds is on disk when the last one is. */
    int rc = st_db_run(s->tx.conn, "PRAGMA synchronous = OFF", Q0);
    if (rc >= 0)
        rc = st_tx_begin(&s->tx);
    if (rc == BX_OK)
        rc = seed_all(s);
    if (rc == BX_OK)
        rc = commit(s);
    if (rc == BX_OK)
        rc = st_tx_commit(&s->tx);
    else
        st_tx_rollback(&s->tx);
    if (rc == BX_OK)
        rc = search_tidy(&s->tx);
    if (rc == BX_OK)
        rc = st_db_run(s->tx.conn, "PRAGMA synchronous = FULL", Q0);
    if (rc >= 0)
        rc = st_db_run(s->tx.conn, "PRAGMA wal_checkpoint(TRUNCATE)", Q0);
    return rc < 0 ? rc : BX_OK;
}

int st_seed(struct st_store *store, const struct st_seed_options *options)
{
    if (options->numbers < 1 || options->chats < 0 || options->messages < 0 ||
        options->long_chat < 0 || options->long_chat > options->messages)
        return BX_E_INVALID;
    struct seed s = {.o = options,
                     .state = options->seed,
                     .total = options->numbers + options->chats + options->messages};
    int rc = st_tx_open(store, &s.tx);
    if (rc != BX_OK)
        return rc;
    s.chats = bx_calloc((size_t)options->chats + 1, sizeof *s.chats);
    s.hours = bx_calloc((size_t)options->numbers, sizeof *s.hours);
    rc = seed_run(&s);
    st_tx_close(&s.tx);
    for (size_t i = 0; i < s.index_count; i++)
        free(s.indexes[i]);
    free(s.hours);
    free(s.chats);
    return rc;
}
