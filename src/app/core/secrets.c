#include "app/core/secrets.h"

#include "base/clock.h"
#include "base/err.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { SIZE_MAX_BYTES = 64 };

static int fail(struct bx_buf *message, const char *path, const char *what)
{
    int rc = bx_err_from_errno(errno);
    bx_buf_printf(message, "%s: %s: %s", path, what, strerror(errno));
    return rc;
}

static bool directory_sync(const char *path)
{
    char copy[1024];
    snprintf(copy, sizeof copy, "%s", path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    bool is_synced = fd >= 0 && fsync(fd) == 0;
    if (fd >= 0)
        close(fd);
    return is_synced;
}

/* Whole or not at all, whenever the power goes: nobody may start with half a key. */
static int file_make(const char *path, uint8_t *out, size_t size, struct bx_buf *message)
{
    char hex[2 * SIZE_MAX_BYTES + 1];
    bx_random(out, size);
    bx_hex_encode(out, size, hex);
    char made[1032];
    snprintf(made, sizeof made, "%s.new", path);
    unlink(made); /* of a start that was cut off */
    int fd = open(made, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return fail(message, path, "cannot be made");
    bool is_written = write(fd, hex, 2 * size) == (ssize_t)(2 * size) && fsync(fd) == 0;
    close(fd);
    if (is_written && rename(made, path) == 0 && directory_sync(path))
        return BX_OK;
    int rc = fail(message, path, "cannot be written");
    unlink(made);
    return rc;
}

int wb_secret_file(const char *dir, const char *name, uint8_t *out, size_t size,
                   struct bx_buf *message)
{
    char path[1024], hex[2 * SIZE_MAX_BYTES + 2];
    BX_ASSERT(size <= SIZE_MAX_BYTES);
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? file_make(path, out, size, message)
                               : fail(message, path, "cannot be read");
    ssize_t len = read(fd, hex, sizeof hex);
    close(fd);
    struct bx_str text = bx_str_n(hex, len < 0 ? 0 : (size_t)len);
    if (bx_str_ends(text, BX_STR("\n")))
        text.len--;
    if (text.len != 2 * size || bx_hex_decode(text, out, size) < 0) {
        bx_buf_printf(message, "%s: does not hold %zu bytes in hex; restore it from a backup", path,
                      size);
        return BX_E_CORRUPT;
    }
    return BX_OK;
}

void wb_password_make(char out[17])
{
    static const char letters[] = "abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    for (int i = 0; i < 16; i++)
        out[i] = letters[bx_random_below(sizeof letters - 1)];
    out[16] = '\0';
}
