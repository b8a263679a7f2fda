/* Static files for http_server: a directory that is looked at on every request (development,
 * examples), or a table that was embedded into the program at build time (tools/embed) or loaded
 * at its start. Strong
 * ETags, 304, gzip where it was made beforehand, no way out of the root.
 */
#ifndef HTTP_STATIC_H
#define HTTP_STATIC_H

#include "net/http/http_server.h"

/* One file in memory, as tools/embed writes them; a table is sorted by path. */
struct http_static_file {
    const char *path; /* "/assets/app-1a2b.js" */
    const char *content_type;
    const char *etag; /* with quotes */
    const uint8_t *data;
    size_t len;
    const uint8_t *gzip; /* NULL: not smaller */
    size_t gzip_len;
    bool is_immutable; /* the name carries a hash */
};

struct http_static;

/* Files of a directory. BX_E_NOT_FOUND: there is no such directory. Returns it in *out
 * (http_static_free). */
int http_static_new_dir(const char *root, struct http_static **out);
/* Embedded files; the table is kept (static). */
int http_static_new_table(const struct http_static_file *files, size_t count,
                          struct http_static **out);
void http_static_free(struct http_static *s); /* NULL is allowed */

/* A table made at run time of those of `names` (sorted) that are files of the directory `root`, read
 * and compressed once; ETags are hashes of the content. BX_E_NOT_FOUND: none is there. Returns
 * *out_files (http_static_unload). */
int http_static_load(const char *root, const char *const *names, size_t count,
                     struct http_static_file **out_files, size_t *out_count);
void http_static_unload(struct http_static_file *files, size_t count); /* NULL is allowed */

/* Served for a path that is not there and does not look like a file (single page applications);
 * NULL: none. Kept. */
void http_static_set_fallback(struct http_static *s, const char *path);
/* Added to every answer, e.g. "Content-Security-Policy"; both kept. At most 8. */
void http_static_add_header(struct http_static *s, const char *name, const char *value);

/* The Cache-Control of files whose name carries no hash; kept. Default "no-cache". */
void http_static_set_cache_control(struct http_static *s, const char *value);

/* Whether a table has that path (as it is, not decoded). */
bool http_static_has(const struct http_static *s, struct bx_str path);

/* Answers GET and HEAD for a path that is here ("/" means /index.html) and returns true; false: not
 * answered. */
bool http_static_serve(struct http_static *s, struct http_exchange *x, struct bx_str path);

#endif
