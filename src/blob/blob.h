/* bl_store: files by the SHA-256 of their content, in a directory (default) or in S3. A file is in
 * the store whole or not at all; the same content is kept once, whoever brings it. The store counts
 * no references: who keeps rows about files deletes a blob when its last row goes (and lists the
 * store from time to time for what has no row).
 *
 *   bl_writer_new → bl_writer_write … → bl_writer_finish → on_stored: now the row may be committed
 *
 * A writer belongs to one thread at a time, any thread. Everything else is of the loop thread;
 * callbacks come there, never before the call that caused them returned. A directory's slow calls
 * run on the pool, S3's transfers on the loop: none blocks it.
 */
#ifndef BL_BLOB_H
#define BL_BLOB_H

#include "base/str.h"
#include "net/loop.h"
#include "net/pool.h"

struct bl_store;
struct bl_writer;
struct bl_read;

enum { BL_HASH_SIZE = 32, BL_LIST_MAX = 1000 };

struct bl_id {
    uint8_t sha256[BL_HASH_SIZE];
};

struct bl_entry {
    struct bl_id id;
    uint64_t size;
    int64_t modified_s; /* when it was stored, or stored again; 0: unknown */
};

/* Accounting for quotas; every function may be NULL. */
struct bl_hooks {
    /* Thread of the writer, before it grows to `bytes`: a failure (BX_E_FULL) ends the writer.
     * Called once a MiB, not for each piece. */
    int (*may_grow)(uint64_t owner, uint64_t bytes, void *arg);
    /* Loop thread. is_new: the store did not have it yet. */
    void (*on_stored)(uint64_t owner, const struct bl_entry *entry, bool is_new, void *arg);
    void (*on_deleted)(const struct bl_id *id, void *arg);
    void *arg;
};

/* --- stores --- */

struct bl_opts {
    const char
        *where; /* "dir:/path" or "s3://bucket/prefix?endpoint=URL&region=NAME&style=path|host"
                   (contract.md section 9). Copied */
    const char *spool; /* S3: folder for files on their way; NULL: not for "dir:". Copied */
    const char *access_key, *secret_key; /* S3. Copied; never logged */
    const char *ca_path;                 /* S3: PEM; NULL: the system's. Copied */
    uint64_t part_bytes;                 /* S3: larger files go in parts of this; 0: 16 MiB */
    unsigned max_attempts;               /* S3: of each request; 0: 5 */
    uint32_t backoff_ms; /* S3: before the second, doubled up to 10 s, jittered; 0: 200 */
    struct bl_hooks hooks;
};

/* Returns a store of your own (bl_store_close). Creates its directories. BX_E_INVALID: `where`
 * cannot be read, or keys are missing; BX_E_READ_ONLY, BX_E_IO, BX_E_NOT_FOUND: of the directory.
 */
int bl_store_open(struct net_loop *loop, struct net_pool *pool, const struct bl_opts *opts,
                  struct bl_store **out);

/* What runs ends: each callback with BX_E_CLOSED (S3), or when its job is done (directory). The
 * store is gone when on_closed (may be NULL) has come. Writers must be finished or dropped before.
 */
void bl_store_close(struct bl_store *s, void (*on_closed)(void *arg), void *arg);

/* "dir" or "s3". */
const char *bl_store_kind(const struct bl_store *s);

/* --- writing --- */

/* Returns a writer of your own in *out: ended by bl_writer_finish or bl_writer_drop. owner: whose
 * quota it is. BX_E_IO, BX_E_DISK_FULL, BX_E_READ_ONLY, BX_E_FULL (descriptors). */
int bl_writer_new(struct bl_store *s, uint64_t owner, uint64_t max_bytes, struct bl_writer **out);

/* BX_E_TOO_BIG: beyond max_bytes; BX_E_DISK_FULL, BX_E_IO, or what may_grow said. A writer that
 * failed once goes on failing. */
int bl_writer_write(struct bl_writer *w, const void *bytes, size_t len);

/* Appends the whole of a file (what wabox-media wrote). Blocks: for workers. */
int bl_writer_copy(struct bl_writer *w, int fd);

uint64_t bl_writer_size(const struct bl_writer *w);

/* The bytes so far, for reading with pread; belongs to the writer. */
int bl_writer_fd(const struct bl_writer *w);

/* rc BX_OK: the blob is stored and synced. entry is NULL on failure; the failed file is gone. */
typedef void bl_stored_fn(int rc, const struct bl_entry *entry, bool is_new, void *arg);

/* Takes the writer. Loop thread. */
void bl_writer_finish(struct bl_writer *w, bl_stored_fn *on_stored, void *arg);
void bl_writer_drop(struct bl_writer *w);

/* --- reading --- */

struct bl_reader {
    /* The blob is there. fd >= 0: a descriptor of your own (close it), to send from with sendfile;
     * no bytes follow then. -1: they arrive through on_bytes. size is of the whole blob. */
    void (*on_open)(uint64_t size, int fd, void *arg);
    /* BX_E_AGAIN: not taken, come again after bl_read_resume. Another failure ends the read. */
    int (*on_bytes)(struct bx_str bytes, void *arg);
    /* Once, last. BX_E_NOT_FOUND; BX_E_INVALID: the range begins behind the end; BX_E_CORRUPT: the
     * whole blob was read and is not what its name says; BX_E_UNAVAILABLE, BX_E_TIMEOUT, BX_E_IO.
     */
    void (*on_done)(int rc, void *arg);
};

/* Bytes [offset, offset + len); len 0: to the end. *out (may be NULL) is valid until on_done. */
int bl_read(struct bl_store *s, const struct bl_id *id, uint64_t offset, uint64_t len,
            const struct bl_reader *reader, void *arg, struct bl_read **out);
void bl_read_resume(struct bl_read *r);
/* No callback comes any more. */
void bl_read_cancel(struct bl_read *r);

/* A whole blob as a file: the directory's own, or a verified copy without a name. fd: of your own;
 * -1 on failure. */
typedef void bl_file_fn(int rc, int fd, uint64_t size, void *arg);
int bl_fetch(struct bl_store *s, const struct bl_id *id, bl_file_fn *on_file, void *arg);

typedef void bl_stat_fn(int rc, const struct bl_entry *entry, void *arg);
/* BX_E_NOT_FOUND. */
int bl_stat(struct bl_store *s, const struct bl_id *id, bl_stat_fn *on_stat, void *arg);

/* --- housekeeping --- */

/* BX_OK also when there was none. */
typedef void bl_deleted_fn(int rc, void *arg);
int bl_delete(struct bl_store *s, const struct bl_id *id, bl_deleted_fn *on_deleted, void *arg);

/* Up to `max` (at most BL_LIST_MAX) entries behind `after` (NULL: from the start) in the order of
 * their names. is_last: no more follow. A blob that is stored again gets a new modified_s, so a
 * sweep of what has no row may go by age. */
typedef void bl_list_fn(int rc, const struct bl_entry *entries, size_t count, bool is_last,
                        void *arg);
int bl_list(struct bl_store *s, const struct bl_id *after, size_t max, bl_list_fn *on_list,
            void *arg);

/* Removes the temporary files older than min_age_s that a crash left behind. (Parts of an upload
 * that a crash left in S3 are for a lifecycle rule of the bucket: AbortIncompleteMultipartUpload.)
 */
typedef void bl_swept_fn(int rc, uint64_t removed, void *arg);
int bl_sweep(struct bl_store *s, uint32_t min_age_s, bl_swept_fn *on_swept, void *arg);

/* All of them: BX_E_FULL (too much waits) or BX_E_CLOSED: nothing was started, no callback comes.
 */

#endif
