/* Types that every libsio header shares. libsio is a Socket.IO v5 / Engine.IO v4 (and v3) server
 * for C programs.
 *
 * Thread: everything runs on the thread that runs the server's loop, unless a function says "any
 * thread". Errors: functions return 0 or a negative SIO_E_* value; sio_strerror gives its sentence.
 */
#ifndef SIO_TYPES_H
#define SIO_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined __GNUC__
#define SIO_API __attribute__((visibility("default")))
#else
#define SIO_API
#endif

struct sio_server;
struct sio_namespace;
struct sio_socket;
struct sio_ack;

/* A borrowed slice of bytes, not NUL-terminated. */
struct sio_str {
    const char *ptr;
    size_t len;
};

#define SIO_STR(literal) ((struct sio_str){"" literal, sizeof(literal) - 1})
SIO_API struct sio_str sio_str(const char *cstr); /* NULL gives an empty slice */

/* What an event or an acknowledgement carries: arguments as JSON text separated by commas
 * ("\"hi\",1,{\"a\":2}", empty for none) and binary attachments, which stand in the JSON as
 * {"_placeholder":true,"num":0}, {…"num":1}… libsio does not parse the arguments into a tree and
 * never re-encodes them. */
struct sio_payload {
    struct sio_str args;
    const struct sio_str *attachments;
    size_t attachment_count;
};

#define SIO_ARGS(json_literal) ((struct sio_payload){.args = SIO_STR(json_literal)})
SIO_API struct sio_payload sio_args(const char *json, size_t len);

/* Walks arguments: start with cursor = payload.args; false at the end. *out is one JSON value,
 * borrowed. */
SIO_API bool sio_args_next(struct sio_str *cursor, struct sio_str *out);

/* The num-th argument, false when there are fewer. */
SIO_API bool sio_args_get(struct sio_payload payload, size_t num, struct sio_str *out);

/* Decodes a JSON string value into buf (NUL behind); the length, or SIO_E_INVALID (not a string),
 * SIO_E_TOO_BIG. */
SIO_API int sio_json_string(struct sio_str value, char *buf, size_t size);

/* Writes text as a JSON string with quotes into buf; the length, or SIO_E_TOO_BIG. Needs at most 6
 * * len + 3 bytes. */
SIO_API int sio_json_quote(struct sio_str text, char *buf, size_t size);

enum sio_error {
    SIO_E_NOMEM = -1,
    SIO_E_INVALID = -2,
    SIO_E_TOO_BIG = -3,
    SIO_E_NOT_FOUND = -6,
    SIO_E_EXISTS = -7, /* the address is in use, the name is taken */
    SIO_E_DENIED = -9,
    SIO_E_TIMEOUT = -13,
    SIO_E_CLOSED = -14, /* the socket is not connected any more */
    SIO_E_FULL = -15,   /* a limit of the options is reached */
    SIO_E_IO = -16,
    SIO_E_UNSUPPORTED = -21,
    SIO_E_STATE = -22,
};

SIO_API const char *sio_strerror(int rc);

#ifdef __cplusplus
}
#endif

#endif
