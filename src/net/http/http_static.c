#include "net/http/http_static.h"

#include "base/err.h"
#include "base/mem.h"
#include "net/http/http_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAX_HEADERS = 8, MAX_PATH = 1024, MAX_TEXT = 16 << 20, GZIP_FROM = 1024 };

struct http_static {
    int root_fd; /* directory, or -1 */
    const struct http_static_file *files;
    size_t count;
    const char *fallback, *cache_control;
    struct {
        const char *name, *value;
    } headers[MAX_HEADERS];
    size_t header_count;
};

static const struct {
    const char *suffix, *type;
} types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".map", "application/json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".jpg", "image/jpeg"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".webp", "image/webp"},
    {".txt", "text/plain; charset=utf-8"},
    {".webmanifest", "application/manifest+json"},
};

static const char *type_of(struct bx_str path)
{
    for (size_t i = 0; i < BX_LEN(types); i++) {
        if (bx_str_ends(path, bx_str(types[i].suffix)))
            return types[i].type;
    }
    return "application/octet-stream";
}

int http_static_new_dir(const char *root, struct http_static **out)
{
    int fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return bx_err_from_errno(errno);
    struct http_static *s = BX_NEW(struct http_static);
    s->root_fd = fd;
    s->cache_control = "no-cache";
    *out = s;
    return BX_OK;
}

int http_static_new_table(const struct http_static_file *files, size_t count,
                          struct http_static **out)
{
    struct http_static *s = BX_NEW(struct http_static);
    s->root_fd = -1;
    s->cache_control = "no-cache";
    s->files = files;
    s->count = count;
    *out = s;
    return BX_OK;
}

void http_static_free(struct http_static *s)
{
    if (!s)
        return;
    if (s->root_fd >= 0)
        close(s->root_fd);
    free(s);
}

void http_static_set_fallback(struct http_static *s, const char *path)
{
    s->fallback = path;
}

void http_static_set_cache_control(struct http_static *s, const char *value)
{
    s->cache_control = value;
}

void http_static_add_header(struct http_static *s, const char *name, const char *value)
{
    BX_ASSERT(s->header_count < MAX_HEADERS);
    s->headers[s->header_count].name = name;
    s->headers[s->header_count++].value = value;
}

/* --- answering --- */

struct found {
    const char *type;
    struct bx_str etag, plain, gzip;
    bool is_immutable;
    bool is_varying; /* with Accept-Encoding */
};

static void add_headers(const struct http_static *s, struct http_exchange *x, bool is_immutable)
{
    for (size_t i = 0; i < s->header_count; i++)
        http_add_header(x, s->headers[i].name, bx_str(s->headers[i].value));
    http_add_header(x, "X-Content-Type-Options", BX_STR("nosniff"));
    http_add_header(x, "Cache-Control",
                    is_immutable ? BX_STR("public, max-age=31536000, immutable")
                                 : bx_str(s->cache_control));
}

static void respond(const struct http_static *s, struct http_exchange *x, const struct found *f)
{
    const struct http_request *r = http_exchange_request(x);
    bool is_gzip = f->gzip.len && http_accepts_gzip(r);
    add_headers(s, x, f->is_immutable);
    http_add_header(x, "ETag", f->etag);
    if (f->gzip.len || f->is_varying)
        http_add_header(x, "Vary", BX_STR("Accept-Encoding"));
    if (http_etag_matches(http_header_get(r, BX_STR("if-none-match")), f->etag)) {
        http_respond(x, 304, NULL, BX_STR(""));
        return;
    }
    if (is_gzip)
        http_add_header(x, "Content-Encoding", BX_STR("gzip"));
    http_respond(x, 200, f->type, is_gzip ? f->gzip : f->plain);
}

static int compare_path(const void *key, const void *row)
{
    const struct bx_str *path = key;
    const struct http_static_file *file = row;
    size_t len = strlen(file->path), n = path->len < len ? path->len : len;
    int order = memcmp(path->ptr, file->path, n);
    return order ? order : (path->len > len) - (path->len < len);
}

static const struct http_static_file *file_find(const struct http_static *s, struct bx_str path)
{
    return bsearch(&path, s->files, s->count, sizeof s->files[0], compare_path);
}

bool http_static_has(const struct http_static *s, struct bx_str path)
{
    return file_find(s, path) != NULL;
}

static bool serve_table(struct http_static *s, struct http_exchange *x, struct bx_str path)
{
    const struct http_static_file *file = file_find(s, path);
    if (!file)
        return false;
    respond(s, x,
            &(struct found){
                .type = file->content_type,
                .etag = bx_str(file->etag),
                .plain = bx_str_n(file->data, file->len),
                .gzip = bx_str_n(file->gzip, file->gzip_len),
                .is_immutable = file->is_immutable,
            });
    return true;
}

/* Segments of a decoded path: no empty, hidden or parent ones, so that nothing leaves the root. */
static bool is_safe(struct bx_str path)
{
    struct bx_str rest = bx_str_slice(path, 1, path.len), segment;
    while (bx_str_split(&rest, '/', &segment)) {
        if (segment.len == 0 || segment.ptr[0] == '.' || memchr(segment.ptr, '\\', segment.len))
            return false;
    }
    return true;
}

/* Each component is opened by itself without following links. */
static int open_below(int root, struct bx_str path)
{
    char name[256];
    struct bx_str rest = bx_str_slice(path, 1, path.len), segment;
    int fd = dup(root);
    while (fd >= 0 && bx_str_split(&rest, '/', &segment)) {
        int next = bx_str_copy(segment, name, sizeof name) < 0
                       ? -1
                       : openat(fd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
        close(fd);
        fd = next;
    }
    return fd;
}

static int print_etag(const struct stat *st, bool is_gzip, char *out, size_t size)
{
    return snprintf(out, size, "\"%llx-%llx-%lx%s\"", (unsigned long long)st->st_size,
                    (unsigned long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
                    is_gzip ? "-gzip" : "");
}

/* Text of a size that is worth compressing is read into memory; the rest is streamed. */
static bool serve_text(struct http_static *s, struct http_exchange *x, int fd,
                       const struct stat *st, const char *type)
{
    char etag[64];
    struct bx_buf zipped;
    uint8_t *data = bx_realloc(NULL, (size_t)st->st_size + 1, 1);
    ssize_t n = read(fd, data, (size_t)st->st_size);
    close(fd);
    if (n == st->st_size) {
        struct found f = {.type = type, .plain = bx_str_n(data, (size_t)n), .is_varying = true};
        bx_buf_init(&zipped, 0);
        if (http_accepts_gzip(http_exchange_request(x)) && http_gzip(f.plain, &zipped) == BX_OK)
            f.gzip = bx_buf_view(&zipped);
        f.etag = bx_str_n(etag, (size_t)print_etag(st, f.gzip.len, etag, sizeof etag));
        respond(s, x, &f);
        bx_buf_done(&zipped);
    }
    free(data);
    return n == st->st_size;
}

static bool serve_dir(struct http_static *s, struct http_exchange *x, struct bx_str path)
{
    struct stat st;
    char etag[64];
    int fd = is_safe(path) ? open_below(s->root_fd, path) : -1;
    if (fd < 0)
        return false;
    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        close(fd);
        return false;
    }
    const char *type = type_of(path);
    if (st.st_size >= GZIP_FROM && st.st_size <= MAX_TEXT && http_is_compressible(type))
        return serve_text(s, x, fd, &st, type);
    add_headers(s, x, false);
    http_serve_file(x,
                    &(struct http_file){
                        .fd = fd,
                        .size = (uint64_t)st.st_size,
                        .content_type = type,
                        .etag = bx_str_n(etag, (size_t)print_etag(&st, false, etag, sizeof etag)),
                    });
    return true;
}

static bool serve_one(struct http_static *s, struct http_exchange *x, struct bx_str path)
{
    return s->root_fd >= 0 ? serve_dir(s, x, path) : serve_table(s, x, path);
}

static bool looks_like_file(struct bx_str path)
{
    size_t at = path.len;
    while (at && path.ptr[at - 1] != '/')
        at--;
    return bx_str_find(bx_str_slice(path, at, path.len), '.') < path.len - at;
}

bool http_static_serve(struct http_static *s, struct http_exchange *x, struct bx_str path)
{
    const struct http_request *r = http_exchange_request(x);
    struct bx_str decoded;
    if (r->method != HTTP_GET && r->method != HTTP_HEAD)
        return false;
    if (path.len > MAX_PATH || http_url_decode(http_exchange_arena(x), path, false, &decoded) < 0 ||
        decoded.len == 0 || decoded.ptr[0] != '/')
        return false;
    if (bx_str_is(decoded, "/"))
        decoded = BX_STR("/index.html");
    if (serve_one(s, x, decoded))
        return true;
    return s->fallback && !looks_like_file(decoded) && serve_one(s, x, bx_str(s->fallback));
}
