/* The directory backend through the interface that everybody uses. */
#include "blob/blob.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/test.h"
#include "crypto/hash.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

struct bench {
    struct net_loop *loop;
    struct net_pool *pool;
    struct bl_store *store;
    char folder[64], where[80];
    /* what the last call said */
    int rc, fd;
    bool is_new, is_last;
    struct bl_entry entry;
    struct bl_entry entries[BL_LIST_MAX];
    size_t count;
    uint64_t size, removed;
    /* hooks */
    uint64_t allowed, asked, stored_owner, stored_new;
    unsigned deleted, grow_calls;
};

static int on_grow(uint64_t owner, uint64_t bytes, void *arg)
{
    struct bench *b = arg;
    (void)owner;
    b->grow_calls++;
    b->asked = bytes;
    return bytes <= b->allowed ? BX_OK : BX_E_FULL;
}

static void on_stored_hook(uint64_t owner, const struct bl_entry *entry, bool is_new, void *arg)
{
    struct bench *b = arg;
    b->stored_owner = owner;
    b->stored_new += is_new ? entry->size : 0;
}

static void on_deleted_hook(const struct bl_id *id, void *arg)
{
    struct bench *b = arg;
    (void)id;
    b->deleted++;
}

static void bench_open(struct bench *b)
{
    *b = (struct bench){.allowed = UINT64_MAX};
    snprintf(b->folder, sizeof b->folder, "/tmp/blob-test-XXXXXX");
    assert_non_null(mkdtemp(b->folder));
    snprintf(b->where, sizeof b->where, "dir:%s/blobs", b->folder);
    assert_rc(net_loop_new(&b->loop), BX_OK);
    assert_rc(net_pool_new(b->loop, 2, &b->pool), BX_OK);
    struct bl_opts opts = {.where = b->where,
                           .hooks = {on_grow, on_stored_hook, on_deleted_hook, b}};
    assert_rc(bl_store_open(b->loop, b->pool, &opts, &b->store), BX_OK);
    assert_string_equal(bl_store_kind(b->store), "dir");
}

static void on_closed(void *arg)
{
    struct bench *b = arg;
    net_loop_stop(b->loop);
}

static void bench_close(struct bench *b)
{
    char command[128];
    bl_store_close(b->store, on_closed, b);
    net_loop_run(b->loop);
    net_pool_free(b->pool);
    net_loop_free(b->loop);
    snprintf(command, sizeof command, "rm -rf %s", b->folder);
    assert_int_equal(system(command), 0);
}

static void on_stored(int rc, const struct bl_entry *entry, bool is_new, void *arg)
{
    struct bench *b = arg;
    b->rc = rc;
    b->is_new = is_new;
    if (entry)
        b->entry = *entry;
    net_loop_stop(b->loop);
}

static void on_stat(int rc, const struct bl_entry *entry, void *arg)
{
    on_stored(rc, entry, false, arg);
}

static void on_deleted(int rc, void *arg)
{
    struct bench *b = arg;
    b->rc = rc;
    net_loop_stop(b->loop);
}

static void on_file(int rc, int fd, uint64_t size, void *arg)
{
    struct bench *b = arg;
    b->rc = rc;
    b->fd = fd;
    b->size = size;
    net_loop_stop(b->loop);
}

static void on_list(int rc, const struct bl_entry *entries, size_t count, bool is_last, void *arg)
{
    struct bench *b = arg;
    b->rc = rc;
    b->count = count;
    b->is_last = is_last;
    memcpy(b->entries, entries, count * sizeof *entries);
    net_loop_stop(b->loop);
}

static void on_swept(int rc, uint64_t removed, void *arg)
{
    struct bench *b = arg;
    b->rc = rc;
    b->removed = removed;
    net_loop_stop(b->loop);
}

static int put(struct bench *b, struct bx_str bytes)
{
    struct bl_writer *w;
    assert_rc(bl_writer_new(b->store, 7, 10 << 20, &w), BX_OK);
    bl_writer_write(w, bytes.ptr, bytes.len);
    b->rc = 1;
    bl_writer_finish(w, on_stored, b);
    assert_int_equal(b->rc, 1); /* not before the call returned */
    net_loop_run(b->loop);
    return b->rc;
}

static struct bl_id id_of(struct bx_str bytes)
{
    struct bl_id id;
    cr_sha256(bytes, id.sha256);
    return id;
}

static unsigned files_in(struct bench *b, const char *folder)
{
    char path[256];
    unsigned count = 0;
    snprintf(path, sizeof path, "%s/blobs/%s", b->folder, folder);
    DIR *d = opendir(path);
    while (d && readdir(d))
        count++;
    if (d)
        closedir(d);
    return count >= 2 ? count - 2 : 0;
}

TEST(what_is_written_is_found_by_its_hash)
{
    struct bench b;
    struct stat st;
    char path[256], text[16];
    bench_open(&b);
    struct bl_id id = id_of(BX_STR("hello"));
    assert_rc(put(&b, BX_STR("hello")), BX_OK);
    assert_true(b.is_new);
    assert_memory_equal(b.entry.id.sha256, id.sha256, BL_HASH_SIZE);
    assert_int_equal(b.entry.size, 5);
    snprintf(path, sizeof path, "%s/blobs/2c/%s", b.folder,
             "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0600);

    assert_rc(bl_fetch(b.store, &id, on_file, &b), BX_OK);
    net_loop_run(b.loop);
    assert_rc(b.rc, BX_OK);
    assert_int_equal(b.size, 5);
    assert_int_equal(pread(b.fd, text, sizeof text, 0), 5);
    assert_memory_equal(text, "hello", 5);
    close(b.fd);
    assert_int_equal(files_in(&b, "tmp"), 0);
    bench_close(&b);
}

TEST(the_same_content_is_kept_once_and_gets_a_new_age)
{
    struct bench b;
    struct stat st;
    char path[256];
    bench_open(&b);
    put(&b, BX_STR("hello"));
    snprintf(path, sizeof path, "%s/blobs/2c/%s", b.folder,
             "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    const struct timespec old[2] = {{1000, 0}, {1000, 0}};
    assert_int_equal(utimensat(AT_FDCWD, path, old, 0), 0);
    assert_rc(put(&b, BX_STR("hello")), BX_OK);
    assert_false(b.is_new);
    assert_int_equal(stat(path, &st), 0);
    assert_true(st.st_mtime > 1000);
    assert_int_equal(b.stored_new, 5);
    assert_int_equal(b.stored_owner, 7);
    assert_int_equal(files_in(&b, "2c"), 1);
    assert_int_equal(files_in(&b, "tmp"), 0);
    bench_close(&b);
}

TEST(a_blob_that_was_cut_is_replaced_when_it_is_stored_again)
{
    struct bench b;
    char path[256];
    bench_open(&b);
    put(&b, BX_STR("hello"));
    snprintf(path, sizeof path, "%s/blobs/2c/%s", b.folder,
             "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824");
    assert_int_equal(truncate(path, 2), 0);
    assert_rc(put(&b, BX_STR("hello")), BX_OK);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 5);
    bench_close(&b);
}

TEST(limits_and_quotas_end_a_writer_and_leave_nothing)
{
    static char block[1 << 16];
    struct bench b;
    struct bl_writer *w;
    bench_open(&b);
    assert_rc(bl_writer_new(b.store, 7, 100, &w), BX_OK);
    assert_rc(bl_writer_write(w, block, 101), BX_E_TOO_BIG);
    assert_rc(bl_writer_write(w, block, 1), BX_E_TOO_BIG); /* goes on failing */
    bl_writer_finish(w, on_stored, &b);
    net_loop_run(b.loop);
    assert_rc(b.rc, BX_E_TOO_BIG);

    b.allowed = 2 << 20;
    b.grow_calls = 0;
    assert_rc(bl_writer_new(b.store, 7, 100 << 20, &w), BX_OK);
    int rc = BX_OK;
    for (unsigned i = 0; i < 100 && rc >= 0; i++)
        rc = bl_writer_write(w, block, sizeof block);
    assert_rc(rc, BX_E_FULL);
    assert_int_equal(bl_writer_size(w), 2 << 20);
    assert_int_equal(b.grow_calls, 3); /* once a MiB */
    bl_writer_drop(w);
    assert_int_equal(files_in(&b, "tmp"), 0);
    bench_close(&b);
}

struct seen {
    struct bench *bench;
    int fd, rc;
    uint64_t size;
};

static void on_open(uint64_t size, int fd, void *arg)
{
    struct seen *s = arg;
    s->fd = fd;
    s->size = size;
}

static int on_bytes(struct bx_str bytes, void *arg)
{
    (void)bytes, (void)arg;
    fail_msg("a directory hands out descriptors");
    return BX_E_INTERNAL;
}

static void on_read_done(int rc, void *arg)
{
    struct seen *s = arg;
    s->rc = rc;
    net_loop_stop(s->bench->loop);
}

TEST(a_read_gives_a_descriptor_or_says_why_not)
{
    static const struct bl_reader reader = {on_open, on_bytes, on_read_done};
    struct bench b;
    bench_open(&b);
    put(&b, BX_STR("hello"));
    struct bl_id id = id_of(BX_STR("hello")), other = id_of(BX_STR("other"));
    static const struct {
        bool is_other;
        uint64_t offset;
        int rc;
    } rows[] = {
        {false, 0, BX_OK}, {false, 4, BX_OK}, {false, 5, BX_E_INVALID}, {true, 0, BX_E_NOT_FOUND}};
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        struct seen s = {.bench = &b, .fd = -1};
        assert_rc(
            bl_read(b.store, rows[i].is_other ? &other : &id, rows[i].offset, 0, &reader, &s, NULL),
            BX_OK);
        net_loop_run(b.loop);
        assert_rc(s.rc, rows[i].rc);
        assert_int_equal(s.fd >= 0, rows[i].rc >= 0);
        if (s.fd >= 0) {
            assert_int_equal(s.size, 5);
            close(s.fd);
        }
    }
    struct bl_read *r;
    struct seen s = {.bench = &b, .fd = -1, .rc = 1};
    assert_rc(bl_read(b.store, &id, 0, 0, &reader, &s, &r), BX_OK);
    bl_read_cancel(r);
    bench_close(&b); /* waits for the job */
    assert_int_equal(s.rc, 1);
}

TEST(a_blob_that_is_deleted_is_gone_and_deleting_again_is_fine)
{
    struct bench b;
    bench_open(&b);
    put(&b, BX_STR("hello"));
    struct bl_id id = id_of(BX_STR("hello"));
    for (unsigned i = 0; i < 2; i++) {
        assert_rc(bl_delete(b.store, &id, on_deleted, &b), BX_OK);
        net_loop_run(b.loop);
        assert_rc(b.rc, BX_OK);
    }
    assert_int_equal(b.deleted, 2);
    assert_rc(bl_stat(b.store, &id, on_stat, &b), BX_OK);
    net_loop_run(b.loop);
    assert_rc(b.rc, BX_E_NOT_FOUND);
    bench_close(&b);
}

TEST(a_listing_in_pages_has_everything_once_in_order)
{
    struct bench b;
    bench_open(&b);
    enum { FILES = 700 };
    for (int i = 0; i < FILES; i++) {
        char text[16];
        int n = snprintf(text, sizeof text, "file %d", i);
        assert_rc(put(&b, bx_str_n(text, (size_t)n)), BX_OK);
    }
    static const size_t pages[] = {1000, 1, 7};
    for (size_t p = 0; p < BX_LEN(pages); p++) {
        struct bl_id last;
        size_t total = 0, calls = 0;
        do {
            assert_rc(bl_list(b.store, total ? &last : NULL, pages[p], on_list, &b), BX_OK);
            net_loop_run(b.loop);
            assert_rc(b.rc, BX_OK);
            for (size_t i = 0; i < b.count; i++) {
                assert_true(total == 0 ||
                            memcmp(last.sha256, b.entries[i].id.sha256, BL_HASH_SIZE) < 0);
                assert_true(b.entries[i].size >= 6 && b.entries[i].modified_s > 0);
                last = b.entries[i].id;
                total++;
            }
        } while (!b.is_last && ++calls <= FILES);
        assert_int_equal(total, FILES);
    }
    bench_close(&b);
}

TEST(what_a_crash_left_is_swept_by_age)
{
    struct bench b;
    struct bl_writer *w;
    bench_open(&b);
    assert_rc(bl_writer_new(b.store, 1, 100, &w), BX_OK);
    assert_int_equal(files_in(&b, "tmp"), 1);
    assert_rc(bl_sweep(b.store, 3600, on_swept, &b), BX_OK);
    net_loop_run(b.loop);
    assert_int_equal(b.removed, 0); /* it is still being written */
    assert_rc(bl_sweep(b.store, 0, on_swept, &b), BX_OK);
    net_loop_run(b.loop);
    assert_int_equal(b.removed, 1);
    bl_writer_drop(w);
    bench_close(&b);
}

TEST(an_address_that_cannot_be_used_is_refused)
{
    static const char *const rows[] = {"",        "dir:",  "dir:/proc/nothing/here",
                                       "ftp://x", "s3://", "s3://bucket?endpoint=ftp://x"};
    struct net_loop *loop;
    struct bl_store *store;
    assert_rc(net_loop_new(&loop), BX_OK);
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        struct bl_opts opts = {
            .where = rows[i], .spool = "/tmp", .access_key = "a", .secret_key = "b"};
        assert_why(bl_store_open(loop, NULL, &opts, &store) < 0, rows[i]);
    }
    net_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_found_by_its_hash),
        cmocka_unit_test(the_same_content_is_kept_once_and_gets_a_new_age),
        cmocka_unit_test(a_blob_that_was_cut_is_replaced_when_it_is_stored_again),
        cmocka_unit_test(limits_and_quotas_end_a_writer_and_leave_nothing),
        cmocka_unit_test(a_read_gives_a_descriptor_or_says_why_not),
        cmocka_unit_test(a_blob_that_is_deleted_is_gone_and_deleting_again_is_fine),
        cmocka_unit_test(a_listing_in_pages_has_everything_once_in_order),
        cmocka_unit_test(what_a_crash_left_is_swept_by_age),
        cmocka_unit_test(an_address_that_cannot_be_used_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
