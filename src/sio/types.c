#include "base/arena.h"
#include "base/err.h"
#include "base/json_scan.h"
#include "base/json_write.h"

#include <sio/types.h>

_Static_assert((int)SIO_E_NOMEM == BX_E_NOMEM && (int)SIO_E_INVALID == BX_E_INVALID &&
                   (int)SIO_E_TOO_BIG == BX_E_TOO_BIG && (int)SIO_E_NOT_FOUND == BX_E_NOT_FOUND &&
                   (int)SIO_E_EXISTS == BX_E_EXISTS && (int)SIO_E_DENIED == BX_E_DENIED &&
                   (int)SIO_E_TIMEOUT == BX_E_TIMEOUT && (int)SIO_E_CLOSED == BX_E_CLOSED &&
                   (int)SIO_E_FULL == BX_E_FULL && (int)SIO_E_IO == BX_E_IO &&
                   (int)SIO_E_UNSUPPORTED == BX_E_UNSUPPORTED && (int)SIO_E_STATE == BX_E_STATE,
               "the public numbers are those of the error table");

struct sio_str sio_str(const char *cstr)
{
    return (struct sio_str){cstr ? cstr : "", cstr ? strlen(cstr) : 0};
}

struct sio_payload sio_args(const char *json, size_t len)
{
    return (struct sio_payload){.args = {json, len}};
}

bool sio_args_next(struct sio_str *cursor, struct sio_str *out)
{
    struct bx_str at = bx_str_n(cursor->ptr, cursor->len), value;
    if (!bx_json_next(&at, &value))
        return false;
    *cursor = (struct sio_str){at.ptr, at.len};
    *out = (struct sio_str){value.ptr, value.len};
    return true;
}

bool sio_args_get(struct sio_payload payload, size_t num, struct sio_str *out)
{
    struct sio_str cursor = payload.args;
    for (size_t i = 0; sio_args_next(&cursor, out); i++) {
        if (i == num)
            return true;
    }
    return false;
}

int sio_json_string(struct sio_str value, char *buf, size_t size)
{
    struct bx_arena arena;
    struct bx_str text, valid;
    if (bx_json_check(bx_str_n(value.ptr, value.len), 1, &valid, NULL) < 0)
        return SIO_E_INVALID;
    bx_arena_init(&arena, value.len + 64);
    int rc = bx_json_string(valid, &arena, &text);
    if (rc == BX_OK)
        rc = bx_str_copy(text, buf, size);
    rc = rc < 0 ? rc : (int)text.len;
    bx_arena_done(&arena);
    return rc;
}

int sio_json_quote(struct sio_str text, char *buf, size_t size)
{
    struct bx_buf out;
    bx_buf_init(&out, 0);
    int rc = bx_json_escape(&out, bx_str_n(text.ptr, text.len));
    if (rc == BX_OK)
        rc = bx_str_copy(bx_buf_view(&out), buf, size);
    rc = rc < 0 ? rc : (int)out.len;
    bx_buf_done(&out);
    return rc;
}

const char *sio_strerror(int rc)
{
    return rc >= 0 ? "Success." : bx_err_info(rc)->sentence;
}
