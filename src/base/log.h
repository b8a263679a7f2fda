/* Structured log: one line per event on standard error, logfmt or JSON. Libraries log at debug
 * only; the application logs a failure once, with ids, never with message text or keys. Thread safe
 * (one write(2) per line).
 */
#ifndef BX_LOG_H
#define BX_LOG_H

#include "base/str.h"

#include <stdarg.h>

enum bx_log_level { BX_LOG_DEBUG, BX_LOG_INFO, BX_LOG_WARN, BX_LOG_ERROR, BX_LOG_OFF };
enum bx_log_format { BX_LOG_LOGFMT, BX_LOG_JSON };

void bx_log_setup(enum bx_log_level min_level, enum bx_log_format format);
bool bx_log_is_on(enum bx_log_level level);

/* BX_E_INVALID for an unknown name; names: debug info warn error off. */
int bx_log_level_parse(struct bx_str name, enum bx_log_level *out);

/* One event: a room ("net"), a fixed sentence and pairs of key and printf-formatted value, both as
 * "key=%fmt" text, one space between them: bx_log(BX_LOG_WARN, "app", "session lost", "number=%d reason=%s", id, reason);
 * `fields` may be NULL. Pairs are those of the format: a value that holds spaces, "key=" or line ends
 * stays one value, quoted. */
void bx_log(enum bx_log_level level, const char *room, const char *event, const char *fields, ...)
    __attribute__((format(printf, 4, 5)));

/* A line for people at start and end, whatever the level: plain in logfmt, the event of a line in JSON. */
void bx_log_say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void bx_log_v(enum bx_log_level level, const char *room, const char *event, const char *fields,
              va_list args) __attribute__((format(printf, 4, 0)));

#define bx_debug(...) (bx_log_is_on(BX_LOG_DEBUG) ? bx_log(BX_LOG_DEBUG, __VA_ARGS__) : (void)0)

#endif
