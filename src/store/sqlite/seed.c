/* Rows for load tests. Chats are dealt to numbers evenly and messages to chats unevenly: every
 * chat gets one, then a few chats of each number get most, as in life. Messages are written in
 * order of time, so that the file is laid out as a year of work would have left it.
 */
#include "store/sqlite/db.h"

#include <inttypes.h>
#include <stdio.h>

enum { ROWS_PER_COMMIT = 50000, DAY_MS = 86400000 };

struct seed {
    const struct st_seed_options *o;
    struct st_tx tx;
    uint64_t state;
    int64_t first_number, first_chat, first_contact;
    int64_t done, total, in_commit;
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

static int step(struct seed *s)
{
    s->done++;
    if (++s->in_commit < ROWS_PER_COMMIT)
        return BX_OK;
    s->in_commit = 0;
    int rc = st_tx_commit(&s->tx);
    if (rc == BX_OK)
        rc = st_tx_begin(&s->tx);
    if (s->o->on_progress)
        s->o->on_progress(s->done, s->total, s->o->arg);
    return rc;
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

/* One in eight messages goes anywhere, the others to the busiest fiftieth of the chats. */
static int64_t chat_of_message(struct seed *s, int64_t i)
{
    if (i < s->o->chats)
        return i;
    uint64_t r = next_random(s);
    int64_t busy = s->o->chats / 50 > 0 ? s->o->chats / 50 : 1;
    return (int64_t)(r >> 8) % (r % 8 == 0 ? s->o->chats : busy) & INT64_MAX;
}

static int seed_message(struct seed *s, int64_t i)
{
    char text[512], wa_id[24];
    int64_t chat = chat_of_message(s, i);
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
        .counts_unread = next_random(s) % 20 == 0,
    };
    struct st_message_stored stored;
    int rc = st_message_insert(&s->tx, &new, &stored);
    if (rc == BX_OK && !s->o->has_search)
        st_search_truncate(&s->tx, 0);
    return rc;
}

static int seed_messages(struct seed *s)
{
    int rc = s->o->chats > 0 ? BX_OK : BX_E_INVALID;
    for (int64_t i = 0; rc == BX_OK && i < s->o->messages; i++) {
        rc = seed_message(s, i);
        if (rc == BX_OK)
            rc = step(s);
    }
    return rc;
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

int st_seed(struct st_store *store, const struct st_seed_options *options)
{
    if (options->numbers < 1 || options->chats < 0 || options->messages < 0)
        return BX_E_INVALID;
    struct seed s = {.o = options,
                     .state = options->seed,
                     .total = options->numbers + options->chats + options->messages};
    int rc = st_tx_open(store, &s.tx);
    if (rc != BX_OK)
        return rc;
    rc = st_db_run(s.tx.conn, "PRAGMA synchronous = OFF", Q0);
    if (rc >= 0)
        rc = st_tx_begin(&s.tx);
    if (rc == BX_OK)
        rc = seed_all(&s);
    if (rc == BX_OK)
        rc = st_tx_commit(&s.tx);
    else
        st_tx_rollback(&s.tx);
    /* Statistics for the planner, and all of it on disk. */
    if (rc == BX_OK)
        rc = st_db_run(s.tx.conn, "PRAGMA synchronous = FULL", Q0);
    if (rc >= 0)
        rc = st_db_run(s.tx.conn, "PRAGMA wal_checkpoint(TRUNCATE)", Q0);
    st_tx_close(&s.tx);
    return rc < 0 ? rc : BX_OK;
}
