/* Figures of src/store: store_bench DIR [small messages] [large messages] [--full]
 *
 * Fills a small and a large store (10 and 1000 numbers), measures the same queries on both and
 * prints the ratio, then the rate of inbound messages through the writer: each one a message, the
 * chat's counters, two events and its search entry, in group commits. Beside wall time stands the
 * CPU time per message, which a busy machine does not change much, and the same texts inserted
 * into one bare SQLite table in commits as large: the ceiling of any store on SQLite.
 */
#include "base/clock.h"
#include "base/mem.h"
#include "store/store.h"

#include <inttypes.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { SAMPLES = 2000, WARM_UP = 4000, RARE_WORDS = 256 };

struct bench {
    char path[512];
    struct st_store *store;
    struct st_conn *conn;
    int64_t numbers, chats, messages;
    struct bx_arena a;
    uint64_t state;
    char rare[RARE_WORDS][24]; /* that occur */
};

static _Noreturn void die(const char *what, int rc)
{
    fprintf(stderr, "%s: %s\n", what, bx_err_name(rc));
    exit(1);
}

static uint64_t next_random(struct bench *b)
{
    b->state = b->state * 6364136223846793005u + 1442695040888963407u;
    return b->state >> 33;
}

static void on_progress(int64_t done, int64_t total, void *arg)
{
    (void)arg;
    if (isatty(2))
        fprintf(stderr, "\r%" PRId64 " of %" PRId64, done, total);
}

static void bench_open(struct bench *b, const char *dir, const char *name, int64_t numbers,
                       int64_t messages, enum st_sync sync)
{
    *b = (struct bench){.numbers = numbers, .chats = messages / 10, .messages = messages};
    snprintf(b->path, sizeof b->path, "%s/%s-%" PRId64 ".db", dir, name, messages);
    bx_arena_init(&b->a, 0);
    bool is_there = access(b->path, F_OK) == 0;
    struct st_options o = {.path = b->path, .sync = sync};
    struct bx_buf message;
    bx_buf_init(&message, 0);
    uint64_t begin = bx_mono_ns();
    int rc = st_store_open(&o, &b->store, &message);
    if (rc != BX_OK)
        die("open", rc);
    printf("open %s: %.1f ms\n", name, (double)(bx_mono_ns() - begin) / 1e6);
    if (!is_there) {
        struct st_seed_options seed = {.numbers = numbers,
                                       .chats = b->chats,
                                       .messages = messages,
                                       .seed = 7,
                                       .now = INT64_C(1760000000000),
                                       .has_search = true,
                                       .on_progress = on_progress};
        begin = bx_mono_ns();
        rc = st_seed(b->store, &seed);
        if (rc != BX_OK)
            die("seed", rc);
        double seconds = (double)(bx_mono_ns() - begin) / 1e9;
        printf("seed %s: %" PRId64 " messages, %.1f s, %.0f rows/s\n", name, messages, seconds,
               (double)(messages + b->chats) / seconds);
    }
    if ((rc = st_conn_open(b->store, &b->conn)) != BX_OK)
        die("conn", rc);
    bx_buf_done(&message);
}

/* ---- queries ---- */

static int64_t number_any(struct bench *b)
{
    return 1 + (int64_t)(next_random(b) % (uint64_t)b->numbers);
}

static int chat_list(struct bench *b)
{
    struct st_chat_query q = {.number_id = number_any(b)};
    struct st_chat *rows;
    size_t n;
    return st_chat_list(b->conn, &q, &b->a, &rows, &n);
}

/* Of a chat that has at least a page. */
static int history(struct bench *b)
{
    int64_t busy = b->chats / 50 > 0 ? b->chats / 50 : 1;
    struct st_history_query q = {.chat_id = 1 + (int64_t)(next_random(b) % (uint64_t)busy)};
    struct st_message *rows;
    size_t n;
    return st_message_history(b->conn, &q, &b->a, &rows, &n);
}

static int search_words(struct bench *b, const char *words, bool is_scoped, int64_t limit)
{
    int64_t number = number_any(b);
    struct st_search_query q = {.text = bx_str(words),
                                .number_ids = is_scoped ? &number : NULL,
                                .number_count = is_scoped,
                                .limit = limit};
    struct st_search_hit *rows;
    size_t n;
    return st_search(b->conn, &q, &b->a, &rows, &n);
}

static int search_common(struct bench *b)
{
    return search_words(b, "invoice", true, 20);
}

static int search_two(struct bench *b)
{
    return search_words(b, "invoice delivery", false, 20);
}

/* As many hits as there are: one in 10,000 messages, about ten in a million. */
static int search_rare(struct bench *b)
{
    return search_words(b, b->rare[next_random(b) % RARE_WORDS], false, 20);
}

static int search_rare_newest(struct bench *b)
{
    return search_words(b, b->rare[next_random(b) % RARE_WORDS], false, 1);
}

/* The last word of messages anywhere in the store. */
static void rare_words_find(struct bench *b)
{
    for (int i = 0; i < RARE_WORDS; i++) {
        struct st_message m;
        int64_t id = 1 + (int64_t)(next_random(b) % (uint64_t)b->messages);
        int rc = st_message_get(b->conn, id, &b->a, &m);
        if (rc != BX_OK)
            die("rare word", rc);
        size_t from = m.content.len;
        while (from > 0 && m.content.ptr[from - 1] != ' ')
            from--;
        snprintf(b->rare[i], sizeof b->rare[i], BX_STR_FMT,
                 BX_STR_ARG(bx_str_slice(m.content, from, m.content.len)));
        bx_arena_reset(&b->a);
    }
}

static int message_get(struct bench *b)
{
    struct st_message m;
    return st_message_get(b->conn, 1 + (int64_t)(next_random(b) % (uint64_t)b->messages), &b->a,
                          &m);
}

static const struct {
    const char *name;
    int (*run)(struct bench *b);
} queries[] = {
    {"chat list, 50 rows", chat_list},
    {"history page, 50 rows", history},
    {"search in a number, frequent word", search_common},
    {"search everywhere, two words", search_two},
    {"search everywhere, rare word, newest hit", search_rare_newest},
    {"search everywhere, rare word, all hits", search_rare},
    {"message by id", message_get},
};

static int by_value(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return x < y ? -1 : x > y;
}

struct latency {
    double p50, p99;
};

static struct latency measure(struct bench *b, int (*run)(struct bench *b))
{
    static double us[SAMPLES];
    for (int i = -WARM_UP; i < SAMPLES; i++) {
        uint64_t begin = bx_mono_ns();
        int rc = run(b);
        if (rc != BX_OK)
            die("query", rc);
        if (i >= 0)
            us[i] = (double)(bx_mono_ns() - begin) / 1e3;
        bx_arena_reset(&b->a);
    }
    qsort(us, SAMPLES, sizeof *us, by_value);
    return (struct latency){us[SAMPLES / 2], us[SAMPLES * 99 / 100]};
}

/* ---- inbound messages ---- */

struct inbound {
    struct bench *b;
    _Atomic int64_t done;
    _Atomic int64_t failed;
    uint64_t serial;
};

struct inbound_job {
    struct inbound *in;
    int64_t number, chat;
    char wa_id[32], text[96];
};

static int inbound_run(struct st_tx *tx, void *arg)
{
    struct inbound_job *j = arg;
    static const char event[] =
        "{\"whatsappNumberId\":7,\"chatId\":\"0f0e0d0c-0b0a-8908-8706-050403020100\",\"message\":{"
        "\"id\":\"0f0e0d0c-0b0a-8908-8706-050403020101\",\"messageId\":\"3EB0C767D82B0A1F6E21\","
        "\"fromJid\":\"628123456789@s.whatsapp.net\",\"fromNumber\":\"+628123456789\",\"fromName\":"
        "\"Contact\",\"content\":\"please confirm the delivery address for tomorrow\",\"type\":"
        "\"TEXT\",\"isFromMe\":false,\"status\":\"DELIVERED\"}}";
    struct st_message_new m = {.message = {.chat_id = j->chat,
                                           .wa_id = bx_str(j->wa_id),
                                           .content = bx_str(j->text),
                                           .status = ST_DELIVERED,
                                           .timestamp = st_tx_now(tx)},
                               .counts_unread = true};
    struct st_message_stored stored;
    int64_t seq;
    int rc = st_message_insert(tx, &m, &stored);
    if (rc == BX_OK)
        rc = st_event_append(tx, j->number, BX_STR("message:new"), j->chat, bx_str(event), &seq);
    if (rc == BX_OK)
        rc = st_event_append(tx, j->number, BX_STR("chat:updated"), j->chat, bx_str(event), &seq);
    return rc;
}

static void inbound_done(int rc, void *arg)
{
    struct inbound_job *j = arg;
    j->in->failed += rc < 0;
    j->in->done++;
    free(j);
}

static double cpu_seconds(void)
{
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* A group as large as the writer's own takes when jobs queue up. */
enum { CEILING_GROUP = 2800 };

static void run_sql(sqlite3 *db, const char *sql)
{
    if (sqlite3_exec(db, sql, NULL, NULL, NULL) != SQLITE_OK) {
        fprintf(stderr, "%s: %s\n", sql, sqlite3_errmsg(db));
        exit(1);
    }
}

/* One table, no index: text and two payloads of a message per row. */
static void ceiling_measure(const char *dir, int64_t count)
{
    char path[512], payload[900];
    snprintf(path, sizeof path, "%s/ceiling.db", dir);
    memset(payload, 'x', sizeof payload);
    unlink(path);
    sqlite3 *db;
    sqlite3_stmt *insert;
    if (sqlite3_open(path, &db) != SQLITE_OK)
        die("ceiling", BX_E_IO);
    run_sql(db, "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = "
                "16384; CREATE TABLE t (id INTEGER PRIMARY KEY, chat INTEGER, text TEXT)");
    sqlite3_prepare_v2(db, "INSERT INTO t (chat, text) VALUES (?1, ?2)", -1, &insert, NULL);
    double cpu = cpu_seconds();
    uint64_t begin = bx_mono_ns();
    for (int64_t i = 0; i < count; i++) {
        if (i % CEILING_GROUP == 0)
            run_sql(db, "BEGIN IMMEDIATE");
        sqlite3_bind_int64(insert, 1, i);
        sqlite3_bind_text(insert, 2, payload, sizeof payload, SQLITE_STATIC);
        sqlite3_step(insert);
        sqlite3_reset(insert);
        if (i % CEILING_GROUP == CEILING_GROUP - 1 || i == count - 1)
            run_sql(db, "COMMIT");
    }
    double seconds = (double)(bx_mono_ns() - begin) / 1e9;
    printf("| bare table | %.0f rows/s | %.1f us CPU each | %d per commit | |\n",
           (double)count / seconds, (cpu_seconds() - cpu) * 1e6 / (double)count, CEILING_GROUP);
    sqlite3_finalize(insert);
    sqlite3_close(db);
    unlink(path);
}

/* `active`: how many chats get the messages. */
static void inbound_measure(struct bench *b, int64_t count, int64_t active, const char *name)
{
    struct inbound in = {.b = b};
    double cpu = cpu_seconds();
    struct st_writer *writer;
    int rc = st_writer_start(b->store, &(struct st_writer_options){.max_queue = 8192}, &writer);
    if (rc != BX_OK)
        die("writer", rc);
    int64_t commits = bx_metric_get(&st_metrics[2]);
    uint64_t begin = bx_mono_ns();
    for (int64_t i = 0; i < count; i++) {
        struct inbound_job *j = BX_NEW(struct inbound_job);
        j->in = &in;
        j->chat = 1 + (int64_t)(next_random(b) % (uint64_t)active);
        j->number = 1 + (j->chat - 1) % b->numbers;
        snprintf(j->wa_id, sizeof j->wa_id, "3EBX%016" PRIX64,
                 (uint64_t)bx_mono_ns() + (uint64_t)i);
        snprintf(j->text, sizeof j->text, "please confirm the delivery of order %" PRIu64,
                 next_random(b) % 100000);
        while ((rc = st_writer_submit(writer, inbound_run, j, inbound_done)) == BX_E_FULL)
            usleep(500);
    }
    st_writer_stop(writer);
    double seconds = (double)(bx_mono_ns() - begin) / 1e9;
    commits = bx_metric_get(&st_metrics[2]) - commits;
    printf("| inbound into %s, %" PRId64
           " active chats | %.0f messages/s | %.1f us CPU each | %.0f "
           "per commit | %" PRId64 " failed |\n",
           name, active, (double)in.done / seconds, (cpu_seconds() - cpu) * 1e6 / (double)in.done,
           (double)in.done / (double)commits, (int64_t)in.failed);
}

static void bench_close(struct bench *b)
{
    struct st_stats stats;
    if (st_stats(b->conn, &stats) == BX_OK)
        printf("%s: %.0f MB file, %.0f bytes per message\n", b->path,
               (double)stats.file_bytes / 1e6, (double)stats.file_bytes / (double)stats.messages);
    bx_arena_done(&b->a);
    st_conn_close(b->conn);
    st_store_close(b->store);
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        fprintf(stderr, "usage: %s DIR [small] [large]\n", argv[0]);
        return 2;
    }
    struct bench small, large;
    setvbuf(stdout, NULL, _IOLBF, 0);
    bench_open(&small, argv[1], "small", 10, argc > 2 ? strtoll(argv[2], NULL, 10) : 10000,
               ST_SYNC_FULL);
    bench_open(&large, argv[1], "large", 1000, argc > 3 ? strtoll(argv[3], NULL, 10) : 1000000,
               ST_SYNC_FULL);
    rare_words_find(&small);
    rare_words_find(&large);
    printf("| query | small p50 us | p99 | large p50 us | p99 | p50 ratio | p99 ratio |\n"
           "|---|---|---|---|---|---|---|\n");
    for (size_t i = 0; i < BX_LEN(queries); i++) {
        struct latency s = measure(&small, queries[i].run), l = measure(&large, queries[i].run);
        printf("| %s | %.0f | %.0f | %.0f | %.0f | %.2f | %.2f |\n", queries[i].name, s.p50, s.p99,
               l.p50, l.p99, l.p50 / s.p50, l.p99 / s.p99);
    }
    for (int round = 0; round < 3; round++) {
        ceiling_measure(argv[1], 100000);
        inbound_measure(&small, 50000, small.chats, "small");
        inbound_measure(&large, 50000, large.chats < 10000 ? large.chats : 10000, "large");
        inbound_measure(&large, 50000, large.chats, "large");
    }
    bench_close(&small);
    bench_close(&large);
    return 0;
}
