/* JSON writer on a bx_buf. Commas and nesting are its business; a failure (cap, memory) sticks and
 * is reported by bx_json_writer_rc, so a chain of calls needs one check at its end.
 */
#ifndef BX_JSON_WRITE_H
#define BX_JSON_WRITE_H

#include "base/buf.h"

struct bx_json_writer {
    struct bx_buf *out; /* kept */
    uint64_t is_object; /* bit per depth */
    uint64_t has_items;
    unsigned depth;
    int rc;
    bool is_after_key;
};

void bx_json_writer_init(struct bx_json_writer *w, struct bx_buf *out);

/* BX_OK, or the first failure; BX_E_STATE when containers are still open. */
int bx_json_writer_rc(const struct bx_json_writer *w);

void bx_json_object(struct bx_json_writer *w);
void bx_json_array(struct bx_json_writer *w);
void bx_json_end(struct bx_json_writer *w); /* closes the innermost container */

void bx_json_key(struct bx_json_writer *w, const char *key);
void bx_json_key_n(struct bx_json_writer *w, struct bx_str key);

void bx_json_str(struct bx_json_writer *w, struct bx_str s); /* invalid UTF-8 becomes U+FFFD */
void bx_json_cstr(struct bx_json_writer *w, const char *s);  /* NULL gives null */
void bx_json_i64(struct bx_json_writer *w, int64_t v);
void bx_json_bool(struct bx_json_writer *w, bool v);
void bx_json_null(struct bx_json_writer *w);
void bx_json_double(struct bx_json_writer *w, double v);        /* NaN and infinities give null */
void bx_json_time(struct bx_json_writer *w, int64_t wall_ms);   /* ISO-8601 string */
void bx_json_raw(struct bx_json_writer *w, struct bx_str json); /* a value that is JSON already */

/* Key and value in one call. */
void bx_json_key_str(struct bx_json_writer *w, const char *key, struct bx_str v);
void bx_json_key_cstr(struct bx_json_writer *w, const char *key, const char *v);
void bx_json_key_i64(struct bx_json_writer *w, const char *key, int64_t v);
void bx_json_key_bool(struct bx_json_writer *w, const char *key, bool v);
void bx_json_key_null(struct bx_json_writer *w, const char *key);
void bx_json_key_time(struct bx_json_writer *w, const char *key, int64_t wall_ms);
void bx_json_key_raw(struct bx_json_writer *w, const char *key, struct bx_str json);

/* Appends s as a quoted JSON string. Returns the buffer's failure. */
int bx_json_escape(struct bx_buf *out, struct bx_str s);

#endif
