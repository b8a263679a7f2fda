/* Between blob.c (the interface, the writer), dir.c and s3.c. */
#ifndef BL_INTERNAL_H
#define BL_INTERNAL_H

#include "base/buf.h"
#include "base/mem.h"
#include "blob/blob.h"
#include "crypto/hash.h"

enum { BL_NAME_SIZE = 2 * BL_HASH_SIZE + 1, BL_PARTS_MAX = 10000, BL_TEMP_NAME_SIZE = 40 };

struct bl_backend {
    const char *kind;
    void (*close)(struct bl_store *s); /* calls bl_store_closed */
    void (*finish)(struct bl_writer *w);
    int (*read)(struct bl_read *r);
    void (*read_resume)(struct bl_read *r);
    void (*read_cancel)(struct bl_read *r);
    int (*fetch)(struct bl_store *s, const struct bl_id *id, bl_file_fn *on_file, void *arg);
    int (*stat)(struct bl_store *s, const struct bl_id *id, bl_stat_fn *on_stat, void *arg);
    int (*remove)(struct bl_store *s, const struct bl_id *id, bl_deleted_fn *on_deleted, void *arg);
    int (*list)(struct bl_store *s, const struct bl_id *after, size_t max, bl_list_fn *on_list,
                void *arg);
    int (*sweep)(struct bl_store *s, uint32_t min_age_s, bl_swept_fn *on_swept, void *arg);
};

/* First member of each backend's store. */
struct bl_store {
    const struct bl_backend *backend;
    struct net_loop *loop;
    struct net_pool *pool;
    struct bl_hooks hooks;
    int temp_fd;         /* folder of files on their way */
    uint64_t part_bytes; /* 0: no hashes of parts are needed */
    bool is_closing;
    void (*on_closed)(void *arg);
    void *closed_arg;
};

struct bl_writer {
    struct bl_store *store;
    uint64_t owner, size, max_bytes, allowed;
    int fd, rc;
    char name[BL_TEMP_NAME_SIZE]; /* in temp_fd */
    struct cr_digest *digest, *part_digest;
    uint64_t part_size;                   /* of the part that grows */
    uint8_t (*part_hashes)[BL_HASH_SIZE]; /* of whole parts, then of the rest */
    size_t part_count, part_cap;
    struct bl_entry entry; /* when finished */
    bool is_new;
    bl_stored_fn *on_stored;
    void *arg;
};

struct bl_read {
    struct bl_store *store;
    struct bl_id id;
    uint64_t offset, len;
    const struct bl_reader *reader;
    void *arg;
    void *state; /* of the backend */
    bool is_cancelled;
};

void bl_name(const struct bl_id *id, char out[BL_NAME_SIZE]);
/* BX_E_INVALID: not the name of a blob. */
int bl_name_parse(struct bx_str name, struct bl_id *out);

/* Tells the result, accounts and frees the writer with its temporary file. Loop thread. */
void bl_writer_end(struct bl_writer *w, int rc);

/* Ends a writer whose rc says why; for net_inbox_post. */
void bl_writer_failed(void *writer);

/* Removes temporary files older than min_age_s; returns their number or BX_E_*. Any thread. */
int64_t bl_sweep_temp(int temp_fd, uint32_t min_age_s);

/* Opens (and makes) a folder of `parent` (AT_FDCWD). Returns a descriptor or BX_E_*. */
int bl_folder(int parent, const char *path);

/* The backend's part is gone: on_closed, then the memory. */
void bl_store_closed(struct bl_store *s);

int bl_dir_open(struct net_loop *loop, struct net_pool *pool, const struct bl_opts *opts,
                struct bx_str path, struct bl_store **out);
int bl_s3_open(struct net_loop *loop, struct net_pool *pool, const struct bl_opts *opts,
               struct bx_str address, struct bl_store **out);

#endif
