/* Blobs in a directory: DIR/ab/abcdef…, on their way in DIR/tmp. A file appears under its name only
 * after its bytes are synced, and is announced only after its folder is: a crash at any moment
 * leaves a temporary file or a whole blob.
 *
 * Calls run on the pool, on one of a few lanes chosen by the blob's name: what concerns one blob
 * keeps its order, and a slow disk syncs several at a time. */
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

enum { LANES = 4, QUEUE_MAX = 4096, SHARDS = 256 };

struct dir_store {
    struct bl_store base;
    int root_fd;
    struct net_lane lanes[LANES];
    unsigned jobs;
};

enum dir_op { DIR_FINISH, DIR_READ, DIR_FETCH, DIR_STAT, DIR_REMOVE, DIR_LIST, DIR_SWEEP };

struct dir_job {
    struct dir_store *store;
    enum dir_op op;
    struct bl_id id;
    struct bl_writer *writer;
    struct bl_read *read;
    union {
        bl_file_fn *on_file;
        bl_stat_fn *on_stat;
        bl_deleted_fn *on_deleted;
        bl_list_fn *on_list;
        bl_swept_fn *on_swept;
    };
    void *arg;
    /* DIR_LIST, DIR_SWEEP */
    bool has_after, is_last;
    size_t max, count;
    uint32_t min_age_s;
    struct bl_entry *entries;
    int64_t removed;
    /* results */
    int rc, fd;
    struct bl_entry entry;
};

enum { PATH_SIZE = BL_NAME_SIZE + 3 };

static void path_of(const struct bl_id *id, char out[PATH_SIZE])
{
    char name[BL_NAME_SIZE];
    bl_name(id, name);
    snprintf(out, PATH_SIZE, "%.2s/%s", name, name);
}

/* --- on the pool --- */

static int sync_folder(int parent, const char *name)
{
    int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return bx_err_from_errno(errno);
    int rc = fsync(fd) < 0 ? BX_E_IO : BX_OK;
    close(fd);
    return rc;
}

/* The shard of a blob; a new one is synced into its parent. */
static int make_shard(struct dir_store *d, const char *shard)
{
    if (mkdirat(d->root_fd, shard, 0700) == 0)
        return sync_folder(d->root_fd, ".");
    return errno == EEXIST ? BX_OK : bx_err_from_errno(errno);
}

static int work_finish(struct dir_job *j)
{
    struct bl_writer *w = j->writer;
    struct dir_store *d = j->store;
    char path[PATH_SIZE], shard[3];
    struct stat st;
    path_of(&w->entry.id, path);
    snprintf(shard, sizeof shard, "%.2s", path);
    if (fstatat(d->root_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(st.st_mode) &&
        (uint64_t)st.st_size == w->size) {
        /* Known already: its age starts anew, so that no sweep takes it before its new row is
         * there. */
        return utimensat(d->root_fd, path, NULL, 0) == 0 ? BX_OK : bx_err_from_errno(errno);
    }
    if (fsync(w->fd) < 0)
        return bx_err_from_errno(errno);
    int rc = make_shard(d, shard);
    if (rc < 0)
        return rc;
    if (renameat(d->base.temp_fd, w->name, d->root_fd, path) < 0)
        return bx_err_from_errno(errno);
    w->name[0] = 0;
    w->is_new = true;
    return sync_folder(d->root_fd, shard);
}

static int work_open(struct dir_job *j)
{
    char path[PATH_SIZE];
    struct stat st;
    path_of(&j->id, path);
    int fd = openat(j->store->root_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? BX_E_NOT_FOUND : bx_err_from_errno(errno);
    if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return BX_E_CORRUPT;
    }
    j->entry = (struct bl_entry){j->id, (uint64_t)st.st_size, st.st_mtime};
    j->fd = fd;
    return BX_OK;
}

static int work_stat(struct dir_job *j)
{
    int rc = work_open(j);
    if (rc >= 0)
        close(j->fd);
    return rc;
}

static int work_remove(struct dir_job *j)
{
    char path[PATH_SIZE];
    path_of(&j->id, path);
    if (unlinkat(j->store->root_fd, path, 0) == 0)
        return BX_OK;
    return errno == ENOENT ? BX_OK : bx_err_from_errno(errno);
}

static int compare_entries(const void *a, const void *b)
{
    return memcmp(a, b, BL_HASH_SIZE); /* the id is the first member */
}

/* The smallest `max` entries behind `after` in one shard, kept sorted as they come. */
static void add_entry(struct dir_job *j, size_t from, const struct bl_entry *e)
{
    if (j->has_after && compare_entries(e, &j->id) <= 0)
        return;
    size_t at = j->count;
    if (at == j->max) {
        j->is_last = false;
        if (compare_entries(e, &j->entries[at - 1]) >= 0 || at == from)
            return;
        at--;
    } else {
        j->count++;
    }
    while (at > from && compare_entries(e, &j->entries[at - 1]) < 0) {
        j->entries[at] = j->entries[at - 1];
        at--;
    }
    j->entries[at] = *e;
}

static void list_shard(struct dir_job *j, unsigned shard)
{
    char name[3];
    struct dirent *entry;
    size_t from = j->count;
    snprintf(name, sizeof name, "%02x", shard);
    int fd = openat(j->store->root_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *folder = fd >= 0 ? fdopendir(fd) : NULL;
    if (!folder) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while ((entry = readdir(folder))) {
        struct bl_entry e;
        struct stat st;
        if (bl_name_parse(bx_str(entry->d_name), &e.id) < 0 || e.id.sha256[0] != shard ||
            fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 || !S_ISREG(st.st_mode))
            continue;
        e.size = (uint64_t)st.st_size;
        e.modified_s = st.st_mtime;
        add_entry(j, from, &e);
    }
    closedir(folder);
}

static int work_list(struct dir_job *j)
{
    j->entries = bx_calloc(j->max, sizeof j->entries[0]);
    j->is_last = true;
    unsigned first = j->has_after ? j->id.sha256[0] : 0;
    for (unsigned shard = first; shard < SHARDS && j->is_last; shard++)
        list_shard(j, shard);
    return BX_OK;
}

static int work_sweep(struct dir_job *j)
{
    j->removed = bl_sweep_temp(j->store->base.temp_fd, j->min_age_s);
    return j->removed < 0 ? (int)j->removed : BX_OK;
}

static int (*const works[])(struct dir_job *) = {
    [DIR_FINISH] = work_finish, [DIR_READ] = work_open,     [DIR_FETCH] = work_open,
    [DIR_STAT] = work_stat,     [DIR_REMOVE] = work_remove, [DIR_LIST] = work_list,
    [DIR_SWEEP] = work_sweep,
};

static void run(void *arg, unsigned worker)
{
    struct dir_job *j = arg;
    (void)worker;
    j->rc = works[j->op](j);
}

/* --- on the loop --- */

static void tell_read(struct dir_job *j)
{
    struct bl_read *r = j->read;
    int rc = j->rc;
    if (rc >= 0 && (r->is_cancelled || (r->offset && r->offset >= j->entry.size))) {
        close(j->fd);
        rc = BX_E_INVALID;
    } else if (rc >= 0) {
        r->reader->on_open(j->entry.size, j->fd, r->arg);
    }
    if (!r->is_cancelled)
        r->reader->on_done(rc, r->arg);
    free(r);
}

static void tell(struct dir_job *j)
{
    const struct bl_hooks *h = &j->store->base.hooks;
    switch (j->op) {
    case DIR_FINISH:
        bl_writer_end(j->writer, j->rc);
        break;
    case DIR_READ:
        tell_read(j);
        break;
    case DIR_FETCH:
        j->on_file(j->rc, j->rc >= 0 ? j->fd : -1, j->entry.size, j->arg);
        break;
    case DIR_STAT:
        j->on_stat(j->rc, j->rc >= 0 ? &j->entry : NULL, j->arg);
        break;
    case DIR_REMOVE:
        if (j->rc >= 0 && h->on_deleted)
            h->on_deleted(&j->id, h->arg);
        j->on_deleted(j->rc, j->arg);
        break;
    case DIR_LIST:
        j->on_list(j->rc, j->entries, j->count, j->is_last, j->arg);
        break;
    case DIR_SWEEP:
        j->on_swept(j->rc, j->rc >= 0 ? (uint64_t)j->removed : 0, j->arg);
        break;
    }
}

static void maybe_closed(struct dir_store *d)
{
    if (!d->base.is_closing || d->jobs)
        return;
    close(d->root_fd);
    bl_store_closed(&d->base);
}

static void on_done(void *arg)
{
    struct dir_job *j = arg;
    struct dir_store *d = j->store;
    tell(j);
    free(j->entries);
    free(j);
    d->jobs--;
    maybe_closed(d);
}

static int submit(struct dir_store *d, const struct dir_job *job)
{
    struct dir_job *j = bx_calloc(1, sizeof *j);
    *j = *job;
    j->store = d;
    j->fd = -1;
    int rc = net_lane_submit(&d->lanes[j->id.sha256[BL_HASH_SIZE - 1] % LANES], run, on_done, j);
    if (rc < 0)
        free(j);
    else
        d->jobs++;
    return rc;
}

static void on_refused_writer(void *arg)
{
    bl_writer_end(arg, BX_E_FULL);
}

static void dir_finish(struct bl_writer *w)
{
    struct dir_job job = {.op = DIR_FINISH, .id = w->entry.id, .writer = w};
    if (submit((struct dir_store *)w->store, &job) < 0)
        net_inbox_post(w->store->loop, on_refused_writer, w);
}

static int dir_read(struct bl_read *r)
{
    struct dir_job job = {.op = DIR_READ, .id = r->id, .read = r};
    return submit((struct dir_store *)r->store, &job);
}

/* A descriptor was handed over: there is nothing to pause, and a cancelled read ends by itself. */
static void dir_read_ignore(struct bl_read *r)
{
    (void)r;
}

static int dir_fetch(struct bl_store *s, const struct bl_id *id, bl_file_fn *on_file, void *arg)
{
    struct dir_job job = {.op = DIR_FETCH, .id = *id, .on_file = on_file, .arg = arg};
    return submit((struct dir_store *)s, &job);
}

static int dir_stat(struct bl_store *s, const struct bl_id *id, bl_stat_fn *on_stat, void *arg)
{
    struct dir_job job = {.op = DIR_STAT, .id = *id, .on_stat = on_stat, .arg = arg};
    return submit((struct dir_store *)s, &job);
}

static int dir_remove(struct bl_store *s, const struct bl_id *id, bl_deleted_fn *on_deleted,
                      void *arg)
{
    struct dir_job job = {.op = DIR_REMOVE, .id = *id, .on_deleted = on_deleted, .arg = arg};
    return submit((struct dir_store *)s, &job);
}

static int dir_list(struct bl_store *s, const struct bl_id *after, size_t max, bl_list_fn *on_list,
                    void *arg)
{
    struct dir_job job = {
        .op = DIR_LIST, .has_after = after != NULL, .max = max, .on_list = on_list, .arg = arg};
    if (after)
        job.id = *after;
    return submit((struct dir_store *)s, &job);
}

static int dir_sweep(struct bl_store *s, uint32_t min_age_s, bl_swept_fn *on_swept, void *arg)
{
    struct dir_job job = {
        .op = DIR_SWEEP, .min_age_s = min_age_s, .on_swept = on_swept, .arg = arg};
    return submit((struct dir_store *)s, &job);
}

static void on_close(void *arg)
{
    maybe_closed(arg);
}

static void dir_close(struct bl_store *s)
{
    struct dir_store *d = (struct dir_store *)s;
    if (d->jobs == 0) /* otherwise the last one ends it */
        net_inbox_post(s->loop, on_close, s);
}

static const struct bl_backend backend = {
    .kind = "dir",
    .close = dir_close,
    .finish = dir_finish,
    .read = dir_read,
    .read_resume = dir_read_ignore,
    .read_cancel = dir_read_ignore,
    .fetch = dir_fetch,
    .stat = dir_stat,
    .remove = dir_remove,
    .list = dir_list,
    .sweep = dir_sweep,
};

int bl_dir_open(struct net_loop *loop, struct net_pool *pool, const struct bl_opts *opts,
                struct bx_str path, struct bl_store **out)
{
    char *folder = bx_strndup(path.ptr, path.len);
    int root = path.len ? bl_folder(AT_FDCWD, folder) : BX_E_INVALID;
    free(folder);
    if (root < 0)
        return root;
    int temp = bl_folder(root, "tmp");
    if (temp < 0) {
        close(root);
        return temp;
    }
    struct dir_store *d = BX_NEW(struct dir_store);
    d->base = (struct bl_store){
        .backend = &backend, .loop = loop, .pool = pool, .hooks = opts->hooks, .temp_fd = temp};
    d->root_fd = root;
    for (unsigned i = 0; i < LANES; i++)
        net_lane_init(&d->lanes[i], pool, QUEUE_MAX);
    *out = &d->base;
    return BX_OK;
}
