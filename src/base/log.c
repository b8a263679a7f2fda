#include "base/log.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/json_write.h"
#include "base/mem.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
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

/* Stands between the pairs of a formatted text. */
#define PAIR_END '\x1f'
enum { FORMAT_MAX = 512, TEXT_MAX = 1024 };

/* The format with PAIR_END for each space that begins a pair. Returns how many there are. */
static size_t mark_pairs(const char *format, char out[FORMAT_MAX])
{
    size_t marks = 0, len = strlen(format);
    len = len < FORMAT_MAX ? len : FORMAT_MAX - 1;
    memcpy(out, format, len);
    out[len] = '\0';
    for (size_t i = 0; i < len; i++) {
        struct bx_str word = bx_str_slice(bx_str(out), i + 1, len);
        if (out[i] != ' ' || bx_str_find(word, '=') >= bx_str_find(word, ' '))
            continue;
        out[i] = PAIR_END;
        marks++;
    }
    return marks;
}

static size_t marks_in(struct bx_str text)
{
    size_t marks = 0;
    for (size_t i = 0; i < text.len; i++)
        marks += text.ptr[i] == PAIR_END;
    return marks;
}

static bool pair_next(struct bx_str *rest, struct bx_str *key, struct bx_str *value)
{
    struct bx_str pair;
    if (!bx_str_split(rest, PAIR_END, &pair))
        return false;
    size_t eq = bx_str_find(pair, '=');
    *key = eq < pair.len ? bx_str_slice(pair, 0, eq) : BX_STR("text");
    *value = eq < pair.len ? bx_str_slice(pair, eq + 1, pair.len) : pair;
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

/* A value with the separator in it cannot be told from two: the text is one value then. */
static struct bx_str pairs_of(char text[TEXT_MAX], size_t marks)
{
    struct bx_str all = bx_str(text);
    if (marks_in(all) == marks)
        return all;
    for (size_t i = 0; i < all.len; i++) {
        if (text[i] == PAIR_END)
            text[i] = ' ';
    }
    memmove(text + 5, text, all.len < TEXT_MAX - 6 ? all.len : TEXT_MAX - 6);
    memcpy(text, "text=", 5);
    text[all.len + 5 < TEXT_MAX - 1 ? all.len + 5 : TEXT_MAX - 1] = '\0';
    return bx_str(text);
}

void bx_log_v(enum bx_log_level level, const char *room, const char *event, const char *fields,
              va_list args)
{
    if (!bx_log_is_on(level))
        return;
    char text[TEXT_MAX] = "", format[FORMAT_MAX], time[BX_ISO8601_SIZE];
    struct bx_str pairs = BX_STR("");
    if (fields) {
        size_t marks = mark_pairs(fields, format);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
        vsnprintf(text, sizeof text, format, args);
#pragma GCC diagnostic pop
        pairs = pairs_of(text, marks);
    }
    struct bx_buf line;
    bx_buf_init(&line, 8192);
    bx_iso8601(bx_wall_ms(), time);
    if (out_format == BX_LOG_JSON)
        line_json(&line, time, level, room, event, pairs);
    else
        line_logfmt(&line, time, level, room, event, pairs);
    bx_buf_byte(&line, '\n');
    ssize_t written = write(STDERR_FILENO, line.data, line.len);
    (void)written; /* a log that cannot be written has nowhere to say so */
    bx_buf_done(&line);
}

void bx_log(enum bx_log_level level, const char *room, const char *event, const char *fields, ...)
{
    va_list args;
    va_start(args, fields);
    bx_log_v(level, room, event, fields, args);
    va_end(args);
}

void bx_log_say(const char *fmt, ...)
{
    char text[TEXT_MAX * 4], time[BX_ISO8601_SIZE];
    va_list args;
    va_start(args, fmt);
    vsnprintf(text, sizeof text, fmt, args);
    va_end(args);
    struct bx_buf line;
    bx_buf_init(&line, 32 << 10);
    bx_iso8601(bx_wall_ms(), time);
    if (out_format == BX_LOG_JSON)
        line_json(&line, time, BX_LOG_INFO, "app", text, BX_STR(""));
    else
        bx_buf_printf(&line, "%s", text);
    bx_buf_byte(&line, '\n');
    ssize_t written = write(STDERR_FILENO, line.data, line.len);
    (void)written;
    bx_buf_done(&line);
}
