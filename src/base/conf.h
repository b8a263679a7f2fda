/* Configuration as a table: one row per setting, filled from defaults, a .env file, the environment
 * and flags, in this order of precedence (flags win). The same rows print --help. A value that does
 * not fit stops the start with the line to fix.
 */
#ifndef BX_CONF_H
#define BX_CONF_H

#include "base/buf.h"
#include "base/str.h"

enum bx_conf_type {
    BX_CONF_STR,
    BX_CONF_INT,
    BX_CONF_BOOL,
    BX_CONF_BYTES,
    BX_CONF_MS,
    BX_CONF_ENUM
};

/* Every field has the C type of its row: STR/ENUM `const char *` (kept by the conf), INT/BYTES/MS
 * `int64_t`, BOOL `bool`. */
struct bx_conf_row {
    const char *name; /* "MAX_PAYLOAD"; the flag is --max-payload */
    enum bx_conf_type type;
    size_t offset;        /* offsetof the field in the configuration struct */
    const char *fallback; /* default as text; NULL: unset (NULL, 0, false) */
    int64_t min, max;     /* INT, BYTES, MS; both 0: not checked */
    const char *choices;  /* ENUM: "a|b|c" */
    const char *help;
    bool is_secret; /* never printed */
};

struct bx_conf {
    const struct bx_conf_row *rows; /* kept */
    size_t row_count;
    void *target; /* kept: the struct that is filled */
    char **owned; /* texts that fields point to */
    size_t owned_count;
};

/* Sets every default. */
void bx_conf_init(struct bx_conf *c, const struct bx_conf_row *rows, size_t count, void *target);
void bx_conf_done(struct bx_conf *c);

/* All three return BX_OK or BX_E_INVALID with a sentence for a person in `message` ("PORT: 99999 is
 * not within 0..65535"). A missing file is BX_E_NOT_FOUND. In a file and in flags an unknown name
 * is an error; in the environment it is not ours. */
int bx_conf_load_file(struct bx_conf *c, const char *path, struct bx_buf *message);
int bx_conf_load_env(struct bx_conf *c, struct bx_buf *message);
/* Accepts --name=value, --name value, and --name alone for BOOL. *out_rest is the number of
 * arguments that are not flags; they are moved to the front of argv. */
int bx_conf_load_args(struct bx_conf *c, int argc, char **argv, int *out_rest,
                      struct bx_buf *message);

/* One setting by name, as above. */
int bx_conf_set(struct bx_conf *c, struct bx_str name, struct bx_str value, struct bx_buf *message);

/* The --help table. */
int bx_conf_print_help(const struct bx_conf *c, struct bx_buf *out);

#endif
