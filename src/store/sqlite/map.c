/* Readers see the whole file through one map. SQLite maps at most 2 GiB of a file, and for each
 * connection anew; past that each page is a read call and a copy. Of its file methods two are
 * replaced here: a page that is asked for is a place in the map, wherever it lies.
 *
 * Why that is safe: it is what SQLite does itself below 2 GiB. The log's locks keep a checkpoint
 * away from pages that a reader still sees, a shared map and written bytes are the same memory, and
 * a database of ours never shrinks while it is open (no VACUUM). The map is address space, not
 * memory; it is longer than the file, and only what the file has is given out.
 */
#include "store/sqlite/db.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAP_BYTES (INT64_C(1) << 40)

struct st_map {
    sqlite3_io_methods methods; /* of the readers' files; how a file finds its map */
    bool has_methods;
    int fd;
    uint8_t *start;
    _Atomic int64_t size; /* of the file when last looked at */
};

struct st_map *st_map_open(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return NULL;
    void *start = mmap(NULL, (size_t)MAP_BYTES, PROT_READ, MAP_SHARED | MAP_NORESERVE, fd, 0);
    if (start == MAP_FAILED) { /* a limit on address space */
        close(fd);
        return NULL;
    }
    struct st_map *m = BX_NEW(struct st_map);
    m->fd = fd;
    m->start = start;
    return m;
}

void st_map_close(struct st_map *m)
{
    if (!m)
        return;
    munmap(m->start, (size_t)MAP_BYTES);
    close(m->fd);
    free(m);
}

static bool is_inside(struct st_map *m, int64_t end)
{
    struct stat st;
    if (end <= m->size)
        return true;
    if (end > MAP_BYTES || fstat(m->fd, &st) < 0)
        return false;
    m->size = st.st_size;
    return end <= st.st_size;
}

static int fetch(sqlite3_file *file, sqlite3_int64 offset, int len, void **out)
{
    struct st_map *m = BX_CONTAINER_OF(file->pMethods, struct st_map, methods);
    *out = is_inside(m, offset + len) ? m->start + offset : NULL; /* NULL: SQLite reads it */
    return SQLITE_OK;
}

static int unfetch(sqlite3_file *file, sqlite3_int64 offset, void *page)
{
    (void)file;
    (void)offset;
    (void)page;
    return SQLITE_OK;
}

void st_map_attach(struct st_map *m, sqlite3 *db)
{
    sqlite3_file *file = NULL;
    if (!m || sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK ||
        !file || !file->pMethods || file->pMethods->iVersion < 3)
        return;
    if (!m->has_methods) {
        m->methods = *file->pMethods;
        m->methods.xFetch = fetch;
        m->methods.xUnfetch = unfetch;
        m->has_methods = true;
    }
    file->pMethods = &m->methods;
}
