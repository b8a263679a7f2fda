/* A blob store on a pipe, for the tests: one command a line in, one answer a line out.
 *
 *   put FILE             → ok HEX SIZE new|known
 *   get HEX FROM LEN FILE → ok SIZE         (FROM LEN: 0 0 for all of it)
 *   slow HEX FILE        → ok SIZE          (takes 64 KiB, pauses, goes on)
 *   fetch HEX FILE       → ok SIZE
 *   stat HEX             → ok SIZE
 *   delete HEX           → ok
 *   list MAX             → ok COUNT HEX…    (all pages of MAX)
 *   sweep                → ok COUNT
 *   rss                  → ok KIB           (largest so far)
 * A failure is "failed BX_E_…". Keys come from S3_ACCESS_KEY and S3_SECRET_KEY.
 *
 *   s3_peer WHERE SPOOL [part-bytes]
 */
#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "net/timer.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { TAKE_BYTES = 64 << 10 };

static struct net_loop *loop;
static struct bl_store *store;
static char line[8192];

static void next_command(void *arg);

static void answer(void)
{
    fflush(stdout);
    net_loop_call_later(loop, next_command, NULL);
}

static void failed(int rc)
{
    printf("failed %s\n", bx_err_name(rc));
    answer();
}

static void print_id(const struct bl_id *id)
{
    char hex[2 * BL_HASH_SIZE + 1];
    bx_hex_encode(id->sha256, BL_HASH_SIZE, hex);
    printf(" %s", hex);
}

/* --- commands --- */

static void on_stored(int rc, const struct bl_entry *entry, bool is_new, void *arg)
{
    (void)arg;
    if (rc < 0) {
        failed(rc);
        return;
    }
    printf("ok");
    print_id(&entry->id);
    printf(" %llu %s\n", (unsigned long long)entry->size, is_new ? "new" : "known");
    answer();
}

static void put(const char *path)
{
    struct bl_writer *w;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int rc = fd < 0 ? BX_E_NOT_FOUND : bl_writer_new(store, 1, UINT64_MAX, &w);
    if (rc >= 0) {
        bl_writer_copy(w, fd);
        bl_writer_finish(w, on_stored, NULL);
    } else {
        failed(rc);
    }
    if (fd >= 0)
        close(fd);
}

struct read {
    int fd;
    uint64_t size;
    bool is_slow, has_paused;
    struct bl_read *read;
    struct net_timer resume;
};

static void on_open(uint64_t size, int fd, void *arg)
{
    (void)size, (void)fd, (void)arg;
}

static void on_resume(void *arg)
{
    struct read *r = arg;
    bl_read_resume(r->read);
}

static int on_bytes(struct bx_str bytes, void *arg)
{
    struct read *r = arg;
    if (r->is_slow && !r->has_paused) {
        r->has_paused = true;
        net_timer_start(loop, &r->resume, 2);
        return BX_E_AGAIN;
    }
    r->has_paused = false;
    if (write(r->fd, bytes.ptr, bytes.len) != (ssize_t)bytes.len)
        return BX_E_IO;
    r->size += bytes.len;
    return BX_OK;
}

static void on_read_done(int rc, void *arg)
{
    struct read *r = arg;
    net_timer_stop(&r->resume);
    close(r->fd);
    if (rc < 0) {
        failed(rc);
    } else {
        printf("ok %llu\n", (unsigned long long)r->size);
        answer();
    }
    free(r);
}

static void get(const struct bl_id *id, uint64_t from, uint64_t len, const char *path, bool is_slow)
{
    static const struct bl_reader reader = {on_open, on_bytes, on_read_done};
    struct read *r = BX_NEW(struct read);
    r->is_slow = is_slow;
    r->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    net_timer_init(&r->resume, on_resume, r);
    int rc = r->fd < 0 ? BX_E_IO : bl_read(store, id, from, len, &reader, r, &r->read);
    if (rc < 0)
        failed(rc);
}

static void on_file(int rc, int fd, uint64_t size, void *arg)
{
    static char block[TAKE_BYTES];
    char *path = arg;
    if (rc < 0) {
        failed(rc);
        free(path);
        return;
    }
    int out = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    ssize_t n;
    for (off_t at = 0; out >= 0 && (n = pread(fd, block, sizeof block, at)) > 0; at += n) {
        if (write(out, block, (size_t)n) != n)
            break;
    }
    close(out);
    close(fd);
    free(path);
    printf("ok %llu\n", (unsigned long long)size);
    answer();
}

static void on_stat(int rc, const struct bl_entry *entry, void *arg)
{
    (void)arg;
    if (rc < 0) {
        failed(rc);
        return;
    }
    printf("ok %llu\n", (unsigned long long)entry->size);
    answer();
}

static void on_deleted(int rc, void *arg)
{
    (void)arg;
    if (rc < 0) {
        failed(rc);
        return;
    }
    printf("ok\n");
    answer();
}

struct listing {
    size_t max, total;
    struct bx_buf text;
};

static void on_list(int rc, const struct bl_entry *entries, size_t count, bool is_last, void *arg)
{
    struct listing *l = arg;
    for (size_t i = 0; i < count; i++) {
        char hex[2 * BL_HASH_SIZE + 1];
        bx_hex_encode(entries[i].id.sha256, BL_HASH_SIZE, hex);
        bx_buf_printf(&l->text, " %s", hex);
    }
    l->total += count;
    if (rc >= 0 && !is_last && count &&
        (rc = bl_list(store, &entries[count - 1].id, l->max, on_list, l)) >= 0)
        return;
    if (rc < 0)
        failed(rc);
    else {
        printf("ok %zu" BX_STR_FMT "\n", l->total, BX_STR_ARG(bx_buf_view(&l->text)));
        answer();
    }
    bx_buf_done(&l->text);
    free(l);
}

static void list(size_t max)
{
    struct listing *l = BX_NEW(struct listing);
    l->max = max;
    bx_buf_init(&l->text, 0);
    int rc = bl_list(store, NULL, max, on_list, l);
    if (rc < 0)
        failed(rc);
}

static void on_swept(int rc, uint64_t removed, void *arg)
{
    (void)rc, (void)arg;
    printf("ok %llu\n", (unsigned long long)removed);
    answer();
}

static void rss(void)
{
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("ok %ld\n", usage.ru_maxrss);
    answer();
}

static void on_closed(void *arg)
{
    (void)arg;
    net_loop_stop(loop);
}

/* The tests wait for one answer before the next command, so reading may block. */
static void next_command(void *arg)
{
    struct bl_id id = {{0}};
    struct bx_str words[5] = {{0}}, rest;
    uint64_t numbers[2] = {0};
    (void)arg;
    if (!fgets(line, sizeof line, stdin)) {
        bl_store_close(store, on_closed, NULL);
        return;
    }
    line[strcspn(line, "\n")] = 0;
    rest = bx_str(line);
    for (size_t i = 0; i < BX_LEN(words) && bx_str_split(&rest, ' ', &words[i]); i++)
        ((char *)(uintptr_t)words[i].ptr)[words[i].len] = 0;
    bx_hex_decode(words[1], id.sha256, BL_HASH_SIZE);
    bx_str_u64(words[2], UINT64_MAX, &numbers[0]);
    bx_str_u64(words[3], UINT64_MAX, &numbers[1]);
    int rc = BX_OK;
    if (bx_str_is(words[0], "put"))
        put(words[1].ptr);
    else if (bx_str_is(words[0], "get"))
        get(&id, numbers[0], numbers[1], words[4].ptr, false);
    else if (bx_str_is(words[0], "slow"))
        get(&id, 0, 0, words[2].ptr, true);
    else if (bx_str_is(words[0], "fetch"))
        rc = bl_fetch(store, &id, on_file, bx_strndup(words[2].ptr, words[2].len));
    else if (bx_str_is(words[0], "stat"))
        rc = bl_stat(store, &id, on_stat, NULL);
    else if (bx_str_is(words[0], "delete"))
        rc = bl_delete(store, &id, on_deleted, NULL);
    else if (bx_str_is(words[0], "list")) {
        uint64_t max = 0;
        bx_str_u64(words[1], 1000, &max);
        list((size_t)max);
    } else if (bx_str_is(words[0], "sweep"))
        rc = bl_sweep(store, 0, on_swept, NULL);
    else
        rss();
    if (rc < 0)
        failed(rc);
}

int main(int argc, char **argv)
{
    struct net_pool *pool;
    if (argc < 3)
        return 2;
    bx_log_setup(BX_LOG_DEBUG, BX_LOG_LOGFMT);
    struct bl_opts opts = {.where = argv[1],
                           .spool = argv[2],
                           .access_key = getenv("S3_ACCESS_KEY"),
                           .secret_key = getenv("S3_SECRET_KEY"),
                           .ca_path = getenv("S3_CA"),
                           .backoff_ms = 20,
                           .part_bytes = argc > 3 ? strtoull(argv[3], NULL, 10) : 0};
    if (net_loop_new(&loop) < 0 || net_pool_new(loop, 2, &pool) < 0)
        return 1;
    int rc = bl_store_open(loop, pool, &opts, &store);
    if (rc < 0) {
        printf("failed %s\n", bx_err_name(rc));
        return 1;
    }
    printf("ok %s\n", bl_store_kind(store));
    answer();
    net_loop_run(loop);
    net_pool_free(pool);
    net_loop_free(loop);
    return 0;
}
