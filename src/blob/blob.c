#include "base/clock.h"
#include "base/err.h"
#include "blob/internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { GROW_BYTES = 1 << 20, COPY_BYTES = 64 << 10 };

void bl_name(const struct bl_id *id, char out[BL_NAME_SIZE])
{
    bx_hex_encode(id->sha256, BL_HASH_SIZE, out);
}

int bl_name_parse(struct bx_str name, struct bl_id *out)
{
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] >= 'A' && name.ptr[i] <= 'F')
            return BX_E_INVALID; /* one name for one blob */
    }
    return bx_hex_decode(name, out->sha256, BL_HASH_SIZE);
}

int bl_folder(int parent, const char *path)
{
    if (mkdirat(parent, path, 0700) < 0 && errno != EEXIST)
        return bx_err_from_errno(errno);
    int fd = openat(parent, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd >= 0 ? fd : bx_err_from_errno(errno);
}

/* --- stores --- */

int bl_store_open(struct net_loop *loop, struct net_pool *pool, const struct bl_opts *opts,
                  struct bl_store **out)
{
    struct bx_str where = bx_str(opts->where);
    if (bx_str_starts(where, BX_STR("dir:")))
        return bl_dir_open(loop, pool, opts, bx_str_slice(where, 4, where.len), out);
    if (bx_str_starts(where, BX_STR("s3://")))
        return bl_s3_open(loop, pool, opts, bx_str_slice(where, 5, where.len), out);
    return BX_E_INVALID;
}

void bl_store_close(struct bl_store *s, void (*on_closed)(void *arg), void *arg)
{
    s->is_closing = true;
    s->on_closed = on_closed;
    s->closed_arg = arg;
    s->backend->close(s);
}

void bl_store_closed(struct bl_store *s)
{
    if (s->temp_fd >= 0)
        close(s->temp_fd);
    if (s->on_closed)
        s->on_closed(s->closed_arg);
    net_loop_free_later(s->loop, s);
}

const char *bl_store_kind(const struct bl_store *s)
{
    return s->backend->kind;
}

/* --- the writer --- */

int bl_writer_new(struct bl_store *s, uint64_t owner, uint64_t max_bytes, struct bl_writer **out)
{
    uint8_t random[16];
    struct bl_writer *w = BX_NEW(struct bl_writer);
    w->store = s;
    w->owner = owner;
    w->max_bytes = max_bytes;
    bx_random(random, sizeof random);
    bx_hex_encode(random, sizeof random, w->name);
    w->fd = openat(s->temp_fd, w->name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (w->fd < 0) {
        int rc = bx_err_from_errno(errno);
        free(w);
        return rc;
    }
    w->digest = cr_digest_new(CR_DIGEST_SHA256);
    if (s->part_bytes)
        w->part_digest = cr_digest_new(CR_DIGEST_SHA256);
    *out = w;
    return BX_OK;
}

static void part_end(struct bl_writer *w)
{
    if (w->part_count == w->part_cap) {
        w->part_cap = w->part_cap ? w->part_cap * 2 : 4;
        w->part_hashes = bx_realloc(w->part_hashes, w->part_cap, sizeof w->part_hashes[0]);
    }
    cr_digest_final(w->part_digest, w->part_hashes[w->part_count++]);
    w->part_size = 0;
}

/* S3 signs every part with its own hash; it is known without reading the file again. */
static void hash(struct bl_writer *w, const uint8_t *bytes, size_t len)
{
    cr_digest_update(w->digest, bytes, len);
    while (w->part_digest && len) {
        uint64_t left = w->store->part_bytes - w->part_size;
        size_t n = len < left ? len : (size_t)left;
        cr_digest_update(w->part_digest, bytes, n);
        w->part_size += n;
        bytes += n;
        len -= n;
        if (w->part_size == w->store->part_bytes)
            part_end(w);
    }
}

static int may_grow(struct bl_writer *w, size_t len)
{
    const struct bl_hooks *h = &w->store->hooks;
    if (len > w->max_bytes - w->size)
        return BX_E_TOO_BIG;
    if (!h->may_grow || w->size + len <= w->allowed)
        return BX_OK;
    uint64_t wanted = w->size + len + GROW_BYTES - 1;
    wanted -= wanted % GROW_BYTES;
    wanted = wanted < w->max_bytes ? wanted : w->max_bytes;
    int rc = h->may_grow(w->owner, wanted, h->arg);
    if (rc >= 0)
        w->allowed = wanted;
    return rc;
}

int bl_writer_write(struct bl_writer *w, const void *bytes, size_t len)
{
    if (w->rc >= 0)
        w->rc = may_grow(w, len);
    for (size_t done = 0; done < len && w->rc >= 0;) {
        ssize_t n = pwrite(w->fd, (const char *)bytes + done, len - done, (off_t)(w->size + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            w->rc = bx_err_from_errno(n < 0 ? errno : ENOSPC);
        else
            done += (size_t)n;
    }
    if (w->rc < 0)
        return w->rc;
    hash(w, bytes, len);
    w->size += len;
    return BX_OK;
}

int bl_writer_copy(struct bl_writer *w, int fd)
{
    uint8_t *block = bx_calloc(1, COPY_BYTES);
    off_t at = 0;
    int rc = BX_OK;
    while (rc >= 0) {
        ssize_t n = pread(fd, block, COPY_BYTES, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            rc = n < 0 ? BX_E_IO : BX_OK;
            break;
        }
        rc = bl_writer_write(w, block, (size_t)n);
        at += n;
    }
    free(block);
    return rc;
}

uint64_t bl_writer_size(const struct bl_writer *w)
{
    return w->size;
}

int bl_writer_fd(const struct bl_writer *w)
{
    return w->fd;
}

static void writer_free(struct bl_writer *w)
{
    if (w->name[0])
        unlinkat(w->store->temp_fd, w->name, 0);
    close(w->fd);
    cr_digest_free(w->digest);
    if (w->part_digest)
        cr_digest_free(w->part_digest);
    free(w->part_hashes);
    free(w);
}

void bl_writer_drop(struct bl_writer *w)
{
    writer_free(w);
}

void bl_writer_end(struct bl_writer *w, int rc)
{
    const struct bl_hooks *h = &w->store->hooks;
    if (rc >= 0 && h->on_stored)
        h->on_stored(w->owner, &w->entry, w->is_new, h->arg);
    w->on_stored(rc, rc >= 0 ? &w->entry : NULL, rc >= 0 && w->is_new, w->arg);
    writer_free(w);
}

void bl_writer_failed(void *arg)
{
    struct bl_writer *w = arg;
    bl_writer_end(w, w->rc < 0 ? w->rc : BX_E_CLOSED);
}

void bl_writer_finish(struct bl_writer *w, bl_stored_fn *on_stored, void *arg)
{
    w->on_stored = on_stored;
    w->arg = arg;
    w->entry.size = w->size;
    w->entry.modified_s = bx_wall_ms() / 1000;
    cr_digest_final(w->digest, w->entry.id.sha256);
    if (w->part_digest && w->part_size)
        part_end(w);
    if (w->rc < 0 || w->store->is_closing)
        net_inbox_post(w->store->loop, bl_writer_failed, w);
    else
        w->store->backend->finish(w);
}

/* --- the rest goes to the backend --- */

int bl_read(struct bl_store *s, const struct bl_id *id, uint64_t offset, uint64_t len,
            const struct bl_reader *reader, void *arg, struct bl_read **out)
{
    if (s->is_closing)
        return BX_E_CLOSED;
    struct bl_read *r = BX_NEW(struct bl_read);
    *r = (struct bl_read){
        .store = s, .id = *id, .offset = offset, .len = len, .reader = reader, .arg = arg};
    int rc = s->backend->read(r);
    if (rc < 0)
        free(r);
    else if (out)
        *out = r;
    return rc;
}

void bl_read_resume(struct bl_read *r)
{
    r->store->backend->read_resume(r);
}

void bl_read_cancel(struct bl_read *r)
{
    r->is_cancelled = true;
    r->store->backend->read_cancel(r);
}

int bl_fetch(struct bl_store *s, const struct bl_id *id, bl_file_fn *on_file, void *arg)
{
    return s->is_closing ? BX_E_CLOSED : s->backend->fetch(s, id, on_file, arg);
}

int bl_stat(struct bl_store *s, const struct bl_id *id, bl_stat_fn *on_stat, void *arg)
{
    return s->is_closing ? BX_E_CLOSED : s->backend->stat(s, id, on_stat, arg);
}

int bl_delete(struct bl_store *s, const struct bl_id *id, bl_deleted_fn *on_deleted, void *arg)
{
    return s->is_closing ? BX_E_CLOSED : s->backend->remove(s, id, on_deleted, arg);
}

int bl_list(struct bl_store *s, const struct bl_id *after, size_t max, bl_list_fn *on_list,
            void *arg)
{
    max = max && max < BL_LIST_MAX ? max : BL_LIST_MAX;
    return s->is_closing ? BX_E_CLOSED : s->backend->list(s, after, max, on_list, arg);
}

int bl_sweep(struct bl_store *s, uint32_t min_age_s, bl_swept_fn *on_swept, void *arg)
{
    return s->is_closing ? BX_E_CLOSED : s->backend->sweep(s, min_age_s, on_swept, arg);
}

int64_t bl_sweep_temp(int temp_fd, uint32_t min_age_s)
{
    int fd = openat(temp_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    int64_t count = 0, newest = bx_wall_ms() / 1000 - min_age_s;
    const struct dirent *entry;
    if (!folder) {
        if (fd >= 0)
            close(fd);
        return BX_E_IO;
    }
    while ((entry = readdir(folder))) {
        struct stat st;
        if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
            st.st_mtime <= newest && unlinkat(fd, entry->d_name, 0) == 0)
            count++;
    }
    closedir(folder);
    return count;
}
