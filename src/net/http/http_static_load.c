/* Files that are read once, when the program starts. */
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "net/http/http_internal.h"
#include "net/http/http_static.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_FILE = 4 << 20, ETAG_SIZE = 40 };

static const char *type_of(struct bx_str name)
{
    if (bx_str_ends(name, BX_STR(".js")))
        return "application/javascript; charset=utf-8";
    if (bx_str_ends(name, BX_STR(".map")) || bx_str_ends(name, BX_STR(".json")))
        return "application/json; charset=utf-8";
    return "application/octet-stream";
}

static int read_whole(int root, const char *name, struct bx_buf *out)
{
    struct stat st;
    int fd = openat(root, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return bx_err_from_errno(errno);
    int rc = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? BX_OK : BX_E_NOT_FOUND;
    ssize_t n = 1;
    while (rc == BX_OK && n > 0) {
        rc = bx_buf_reserve(out, 1 << 16);
        n = rc == BX_OK ? read(fd, out->data + out->len, 1 << 16) : 0;
        if (n < 0)
            rc = bx_err_from_errno(errno);
        out->len += n > 0 ? (size_t)n : 0;
    }
    close(fd);
    return rc;
}

/* 64 bits of FNV-1a and the length: the same text has the same tag in every process. */
static char *make_etag(struct bx_str data)
{
    uint64_t hash = 0xcbf29ce484222325u;
    char *etag = bx_calloc(1, ETAG_SIZE);
    for (size_t i = 0; i < data.len; i++)
        hash = (hash ^ (uint8_t)data.ptr[i]) * 0x100000001b3u;
    snprintf(etag, ETAG_SIZE, "\"%zx-%016llx\"", data.len, (unsigned long long)hash);
    return etag;
}

static char *make_path(const char *name)
{
    size_t len = strlen(name);
    char *path = bx_calloc(1, len + 2);
    path[0] = '/';
    memcpy(path + 1, name, len);
    return path;
}

static void fill(struct http_static_file *file, const char *name, struct bx_buf *data)
{
    struct bx_buf packed;
    bx_buf_init(&packed, 0);
    *file = (struct http_static_file){.path = make_path(name),
                                      .content_type = type_of(bx_str(name)),
                                      .etag = make_etag(bx_buf_view(data))};
    if (http_gzip(bx_buf_view(data), &packed) == BX_OK)
        file->gzip = bx_buf_take(&packed, &file->gzip_len);
    file->data = bx_buf_take(data, &file->len);
    bx_buf_done(&packed);
}

int http_static_load(const char *root, const char *const *names, size_t count,
                     struct http_static_file **out_files, size_t *out_count)
{
    int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return bx_err_from_errno(errno);
    struct http_static_file *files = bx_calloc(count + 1, sizeof *files);
    size_t found = 0;
    int rc = BX_OK;
    for (size_t i = 0; i < count && (rc == BX_OK || rc == BX_E_NOT_FOUND); i++) {
        struct bx_buf data;
        bx_buf_init(&data, MAX_FILE);
        rc = read_whole(fd, names[i], &data);
        if (rc == BX_OK)
            fill(&files[found++], names[i], &data);
        bx_buf_done(&data);
    }
    close(fd);
    if (rc == BX_OK || rc == BX_E_NOT_FOUND)
        rc = found ? BX_OK : BX_E_NOT_FOUND;
    if (rc < 0) {
        http_static_unload(files, found);
        return rc;
    }
    *out_files = files;
    *out_count = found;
    return BX_OK;
}

void http_static_unload(struct http_static_file *files, size_t count)
{
    for (size_t i = 0; files && i < count; i++) {
        free((void *)(uintptr_t)files[i].path);
        free((void *)(uintptr_t)files[i].etag);
        free((void *)(uintptr_t)files[i].data);
        free((void *)(uintptr_t)files[i].gzip);
    }
    free(files);
}
