#include "base/conf.h"

#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

extern char **environ;

enum { FILE_MAX = 256 << 10 };

static void *field(const struct bx_conf *c, const struct bx_conf_row *row)
{
    return (char *)c->target + row->offset;
}

static int complain(struct bx_buf *message, const struct bx_conf_row *row, struct bx_str value,
                    const char *want)
{
    bx_buf_printf(message, "%s: %s%.*s%s %s", row->name, row->is_secret ? "the value" : "\"",
                  row->is_secret ? 0 : (int)value.len, value.ptr, row->is_secret ? "" : "\"", want);
    return BX_E_INVALID;
}

static const char *own(struct bx_conf *c, struct bx_str value)
{
    c->owned = bx_realloc(c->owned, c->owned_count + 1, sizeof *c->owned);
    return c->owned[c->owned_count++] = bx_strndup(value.ptr, value.len);
}

struct unit {
    const char *suffix;
    int64_t factor;
};

static const struct unit byte_units[] = {{"", 1},        {"k", 1 << 10}, {"K", 1 << 10},
                                         {"m", 1 << 20}, {"M", 1 << 20}, {"g", 1 << 30},
                                         {"G", 1 << 30}};
static const struct unit time_units[] = {{"", 1},      {"ms", 1},      {"s", 1000},
                                         {"m", 60000}, {"h", 3600000}, {"d", 86400000}};

static int parse_number(struct bx_str value, const struct unit *units, size_t unit_count,
                        int64_t *out)
{
    size_t digits = 0;
    while (digits < value.len &&
           (value.ptr[digits] == '-' || (value.ptr[digits] >= '0' && value.ptr[digits] <= '9')))
        digits++;
    struct bx_str suffix = bx_str_slice(value, digits, value.len);
    int64_t number;
    int rc = bx_str_i64(bx_str_slice(value, 0, digits), &number);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < unit_count; i++) {
        if (bx_str_eq(suffix, bx_str(units[i].suffix)))
            return __builtin_mul_overflow(number, units[i].factor, out) ? BX_E_TOO_BIG : BX_OK;
    }
    return BX_E_INVALID;
}

static int set_number(struct bx_conf *c, const struct bx_conf_row *row, struct bx_str value,
                      struct bx_buf *message)
{
    const struct unit *units = row->type == BX_CONF_BYTES ? byte_units : time_units;
    size_t count = row->type == BX_CONF_INT     ? 1
                   : row->type == BX_CONF_BYTES ? BX_LEN(byte_units)
                                                : BX_LEN(time_units);
    int64_t number;
    if (parse_number(value, units, count, &number) < 0)
        return complain(message, row, value,
                        row->type == BX_CONF_INT ? "is not a whole number"
                        : row->type == BX_CONF_BYTES
                            ? "is not a size such as 512k or 1M"
                            : "is not a duration such as 500ms, 30s or 2h");
    if ((row->min || row->max) && (number < row->min || number > row->max)) {
        char want[96];
        snprintf(want, sizeof want, "is not within %lld..%lld", (long long)row->min,
                 (long long)row->max);
        return complain(message, row, value, want);
    }
    *(int64_t *)field(c, row) = number;
    return BX_OK;
}

static int set_bool(struct bx_conf *c, const struct bx_conf_row *row, struct bx_str value,
                    struct bx_buf *message)
{
    static const char *const yes[] = {"1", "true", "yes", "on", ""}, *const no[] = {"0", "false",
                                                                                    "no", "off"};
    for (size_t i = 0; i < BX_LEN(yes); i++) {
        if (bx_str_ieq(value, bx_str(yes[i])))
            return *(bool *)field(c, row) = true, BX_OK;
    }
    for (size_t i = 0; i < BX_LEN(no); i++) {
        if (bx_str_ieq(value, bx_str(no[i])))
            return *(bool *)field(c, row) = false, BX_OK;
    }
    return complain(message, row, value, "is neither true nor false");
}

static int set_enum(struct bx_conf *c, const struct bx_conf_row *row, struct bx_str value,
                    struct bx_buf *message)
{
    struct bx_str rest = bx_str(row->choices), choice;
    while (bx_str_split(&rest, '|', &choice)) {
        if (bx_str_eq(choice, value))
            return *(const char **)field(c, row) = own(c, value), BX_OK;
    }
    char want[160];
    snprintf(want, sizeof want, "is not one of %s", row->choices);
    return complain(message, row, value, want);
}

static int set_row(struct bx_conf *c, const struct bx_conf_row *row, struct bx_str value,
                   struct bx_buf *message)
{
    switch (row->type) {
    case BX_CONF_STR:
        return *(const char **)field(c, row) = own(c, value), BX_OK;
    case BX_CONF_BOOL:
        return set_bool(c, row, value, message);
    case BX_CONF_ENUM:
        return set_enum(c, row, value, message);
    case BX_CONF_INT:
    case BX_CONF_BYTES:
    case BX_CONF_MS:
        return set_number(c, row, value, message);
    }
    return BX_E_INTERNAL;
}

/* PORT, port and max-payload all name their row. */
static bool name_matches(const char *name, struct bx_str given)
{
    if (strlen(name) != given.len)
        return false;
    for (size_t i = 0; i < given.len; i++) {
        char a = name[i] == '_' ? '-' : name[i], b = given.ptr[i] == '_' ? '-' : given.ptr[i];
        if (!bx_str_ieq(bx_str_n(&a, 1), bx_str_n(&b, 1)))
            return false;
    }
    return true;
}

static const struct bx_conf_row *row_find(const struct bx_conf *c, struct bx_str name)
{
    for (size_t i = 0; i < c->row_count; i++) {
        if (name_matches(c->rows[i].name, name))
            return &c->rows[i];
    }
    return NULL;
}

void bx_conf_init(struct bx_conf *c, const struct bx_conf_row *rows, size_t count, void *target)
{
    *c = (struct bx_conf){.rows = rows, .row_count = count, .target = target};
    struct bx_buf message;
    bx_buf_init(&message, 4096);
    for (size_t i = 0; i < count; i++) {
        if (rows[i].fallback)
            BX_ASSERT(set_row(c, &rows[i], bx_str(rows[i].fallback), &message) == BX_OK);
    }
    bx_buf_done(&message);
}

void bx_conf_done(struct bx_conf *c)
{
    for (size_t i = 0; i < c->owned_count; i++)
        free(c->owned[i]);
    free(c->owned);
    c->owned = NULL;
    c->owned_count = 0;
}

int bx_conf_set(struct bx_conf *c, struct bx_str name, struct bx_str value, struct bx_buf *message)
{
    const struct bx_conf_row *row = row_find(c, name);
    if (!row) {
        bx_buf_printf(message, "%.*s: there is no such setting", (int)name.len, name.ptr);
        return BX_E_INVALID;
    }
    return set_row(c, row, value, message);
}

static struct bx_str unquote(struct bx_str value)
{
    value = bx_str_trim(value);
    if (value.len >= 2 && (value.ptr[0] == '"' || value.ptr[0] == '\'') &&
        value.ptr[value.len - 1] == value.ptr[0])
        return bx_str_slice(value, 1, value.len - 1);
    return value;
}

static int load_line(struct bx_conf *c, struct bx_str line, struct bx_buf *message)
{
    if (bx_str_ends(line, BX_STR("\r")))
        line.len--;
    line = bx_str_trim(line);
    if (bx_str_starts(line, BX_STR("export ")))
        line = bx_str_slice(line, 7, line.len);
    if (line.len == 0 || line.ptr[0] == '#')
        return BX_OK;
    size_t eq = bx_str_find(line, '=');
    if (eq == line.len) {
        bx_buf_printf(message, "\"%.*s\" is not NAME=value", (int)line.len, line.ptr);
        return BX_E_INVALID;
    }
    return bx_conf_set(c, bx_str_trim(bx_str_slice(line, 0, eq)),
                       unquote(bx_str_slice(line, eq + 1, line.len)), message);
}

int bx_conf_load_file(struct bx_conf *c, const char *path, struct bx_buf *message)
{
    FILE *f = fopen(path, "re");
    if (!f)
        return bx_err_from_errno(errno);
    char *text = bx_calloc(1, FILE_MAX + 1);
    size_t len = fread(text, 1, FILE_MAX + 1, f);
    fclose(f);
    int rc = BX_OK, number = 0;
    struct bx_str rest = bx_str_n(text, len), line;
    if (len > FILE_MAX) {
        bx_buf_printf(message, "%s: the file is larger than %d KiB", path, FILE_MAX >> 10);
        rc = BX_E_INVALID;
    }
    while (rc == BX_OK && bx_str_split(&rest, '\n', &line)) {
        size_t at = message->len;
        number++;
        rc = load_line(c, line, message);
        if (rc < 0) {
            char *why = bx_strndup((char *)message->data + at, message->len - at);
            message->len = at;
            bx_buf_printf(message, "%s line %d: %s", path, number, why);
            free(why);
        }
    }
    free(text);
    return rc;
}

int bx_conf_load_env(struct bx_conf *c, struct bx_buf *message)
{
    for (size_t i = 0; i < c->row_count; i++) {
        const char *value = getenv(c->rows[i].name);
        int rc = value && *value ? set_row(c, &c->rows[i], bx_str(value), message) : BX_OK;
        if (rc < 0)
            return rc;
    }
    return BX_OK;
}

int bx_conf_load_args(struct bx_conf *c, int argc, char **argv, int *out_rest,
                      struct bx_buf *message)
{
    int rest = 0;
    for (int i = 1; i < argc; i++) {
        struct bx_str arg = bx_str(argv[i]);
        if (!bx_str_starts(arg, BX_STR("--"))) {
            argv[++rest] = argv[i];
            continue;
        }
        size_t eq = bx_str_find(arg, '=');
        struct bx_str name = bx_str_slice(arg, 2, eq);
        struct bx_str value = bx_str_slice(arg, eq + 1, arg.len);
        const struct bx_conf_row *row = row_find(c, name);
        if (row && eq == arg.len && row->type != BX_CONF_BOOL) {
            if (i + 1 >= argc) {
                bx_buf_printf(message, "--%.*s needs a value", (int)name.len, name.ptr);
                return BX_E_INVALID;
            }
            value = bx_str(argv[++i]);
        }
        int rc = bx_conf_set(c, name, value, message);
        if (rc < 0)
            return rc;
    }
    *out_rest = rest;
    return BX_OK;
}

int bx_conf_print_help(const struct bx_conf *c, struct bx_buf *out)
{
    for (size_t i = 0; i < c->row_count; i++) {
        const struct bx_conf_row *row = &c->rows[i];
        int rc = bx_buf_printf(out, "  %-32s %s%s%s%s%s\n", row->name, row->help,
                               row->choices ? " (" : "", row->choices ? row->choices : "",
                               row->choices ? ")" : "", "");
        if (rc == BX_OK && row->fallback && *row->fallback)
            rc = bx_buf_printf(out, "  %-32s default: %s\n", "", row->fallback);
        if (rc < 0)
            return rc;
    }
    return BX_OK;
}
