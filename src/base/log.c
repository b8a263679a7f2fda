#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json_write.h"
#include "base/mem.h"

#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

static const char *const level_names[] = {"debug", "info", "warn", "error", "off"};
static _Atomic int min_level = BX_LOG_INFO;
static _Atomic int out_format = BX_LOG_LOGFMT;

void bx_log_setup(enum bx_log_level level, enum bx_log_format format)
{
    min_level = (int)level;
    out_format = (int)format;
}

bool bx_log_is_on(enum bx_log_level level)
{
    return (int)level >= min_level;
}

int bx_log_level_parse(struct bx_str name, enum bx_log_level *out)
{
    for (size_t i = 0; i < BX_LEN(level_names); i++) {
        if (bx_str_ieq(name, bx_str(level_names[i]))) {
            *out = (enum bx_log_level)i;
            return BX_OK;
        }
    }
    return BX_E_INVALID;
}

/* "key=" starts a new pair only at a boundary, so a value may hold spaces: "error=no such file
 * id=3". */
static bool pair_next(struct bx_str *rest, struct bx_str *key, struct bx_str *value)
{
    size_t eq = bx_str_find(*rest, '=');
    if (eq == rest->len)
        return false;
    *key = bx_str_slice(*rest, 0, eq);
    size_t end = eq + 1;
    for (size_t i = eq + 1; i <= rest->len; i++) {
        if (i == rest->len) {
            end = i;
        } else if (rest->ptr[i] == ' ') {
            struct bx_str word = bx_str_slice(*rest, i + 1, rest->len);
            size_t next_eq = bx_str_find(word, '='), next_space = bx_str_find(word, ' ');
            if (next_eq < next_space) {
                end = i;
                break;
            }
        }
    }
    *value = bx_str_slice(*rest, eq + 1, end);
    *rest = bx_str_slice(*rest, end < rest->len ? end + 1 : end, rest->len);
    return true;
}

static bool needs_quotes(struct bx_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];
        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 127)
            return true;
    }
    return s.len == 0;
}

static void line_logfmt(struct bx_buf *line, const char *time, enum bx_log_level level,
                        const char *room, const char *event, struct bx_str fields)
{
    struct bx_str key, value;
    bx_buf_printf(line, "%s %-5s %s: %s", time, level_names[level], room, event);
    while (pair_next(&fields, &key, &value)) {
        bx_buf_byte(line, ' ');
        bx_buf_str(line, key);
        bx_buf_byte(line, '=');
        if (needs_quotes(value))
            bx_json_escape(line, value);
        else
            bx_buf_str(line, value);
    }
}

static void line_json(struct bx_buf *line, const char *time, enum bx_log_level level,
                      const char *room, const char *event, struct bx_str fields)
{
    struct bx_str key, value;
    struct bx_json_writer w;
    bx_json_writer_init(&w, line);
    bx_json_object(&w);
    bx_json_key_str(&w, "time", bx_str(time));
    bx_json_key_str(&w, "level", bx_str(level_names[level]));
    bx_json_key_str(&w, "room", bx_str(room));
    bx_json_key_str(&w, "event", bx_str(event));
    while (pair_next(&fields, &key, &value)) {
        bx_json_key_n(&w, key);
        bx_json_str(&w, value);
    }
    bx_json_end(&w);
}

void bx_log(enum bx_log_level level, const char *room, const char *event, const char *fields, ...)
{
    if (!bx_log_is_on(level))
        return;
    char text[1024] = "", time[BX_ISO8601_SIZE];
    if (fields) {
        va_list args;
        va_start(args, fields);
        vsnprintf(text, sizeof text, fields, args);
        va_end(args);
    }
    struct bx_buf line;
    bx_buf_init(&line, 8192);
    bx_iso8601(bx_wall_ms(), time);
    if (out_format == BX_LOG_JSON)
        line_json(&line, time, level, room, event, bx_str(text));
    else
        line_logfmt(&line, time, level, room, event, bx_str(text));
    bx_buf_byte(&line, '\n');
    ssize_t written = write(STDERR_FILENO, line.data, line.len);
    (void)written; /* a log that cannot be written has nowhere to say so */
    bx_buf_done(&line);
}
