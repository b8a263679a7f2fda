#include "base/err.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct bx_err_info table[] = {
#define BX_ERR_ROW(name, number, http, retry, sentence) [number] = {#name, sentence, http, retry},
    BX_ERR_TABLE(BX_ERR_ROW)
#undef BX_ERR_ROW
};

static const size_t table_len = sizeof table / sizeof table[0];

const struct bx_err_info *bx_err_info(int rc)
{
    size_t i = rc < 0 ? (size_t) - (long)rc : 0;
    return i > 0 && i < table_len && table[i].name ? &table[i] : &table[-BX_E_INTERNAL];
}

const char *bx_err_name(int rc)
{
    return rc >= 0 ? "BX_OK" : bx_err_info(rc)->name;
}

int bx_err_from_errno(int err)
{
    switch (err) {
    case 0:
        return BX_OK;
    case ENOMEM:
        return BX_E_NOMEM;
    case ENOSPC:
    case EDQUOT:
        return BX_E_DISK_FULL;
    case EROFS:
        return BX_E_READ_ONLY;
    case EACCES:
    case EPERM:
        return BX_E_DENIED;
    case ENOENT:
        return BX_E_NOT_FOUND;
    case EEXIST:
    case EADDRINUSE:
        return BX_E_EXISTS;
    case ETIMEDOUT:
        return BX_E_TIMEOUT;
    case EPIPE:
    case ECONNRESET:
    case ECONNREFUSED:
    case ENOTCONN:
        return BX_E_CLOSED;
    case EMFILE:
    case ENFILE:
        return BX_E_FULL;
    case EAGAIN:
        return BX_E_AGAIN;
    case EINVAL:
        return BX_E_INVALID;
    default:
        return BX_E_IO;
    }
}

void bx_assert_failed(const char *cond, const char *file, int line)
{
    fprintf(stderr, "assertion failed: %s (%s:%d)\n", cond, file, line);
    abort();
}
