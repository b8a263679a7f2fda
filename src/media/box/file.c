#include "media/box/file.h"

#include "base/err.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { COPY_BYTES = 64 << 10 };

uint64_t box_file_size(int fd)
{
    struct stat st;
    return fstat(fd, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

int box_file_map(int fd, size_t max_bytes, struct bx_str *out)
{
    uint64_t size = box_file_size(fd);
    if (size > max_bytes)
        return BX_E_TOO_BIG;
    if (size == 0) {
        *out = BX_STR("");
        return BX_OK;
    }
    void *bytes = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (bytes == MAP_FAILED)
        return BX_E_IO;
    *out = bx_str_n(bytes, (size_t)size);
    return BX_OK;
}

void box_file_unmap(struct bx_str file)
{
    if (file.len)
        munmap((void *)(uintptr_t)file.ptr, file.len);
}

ssize_t box_file_read(int fd, uint64_t at, void *out, size_t len)
{
    size_t got = 0;
    while (got < len) {
        ssize_t n = pread(fd, (char *)out + got, len - got, (off_t)(at + got));
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return BX_E_IO;
        if (n == 0)
            break;
        got += (size_t)n;
    }
    return (ssize_t)got;
}

int box_file_write_at(int fd, uint64_t at, const void *bytes, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = pwrite(fd, (const char *)bytes + done, len - done, (off_t)(at + done));
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return n < 0 && errno == EFBIG ? BX_E_TOO_BIG : bx_err_from_errno(n < 0 ? errno : EIO);
        done += (size_t)n;
    }
    return BX_OK;
}

int box_file_write(int fd, struct bx_str bytes)
{
    int rc = box_file_write_at(fd, 0, bytes.ptr, bytes.len);
    return rc >= 0 && ftruncate(fd, (off_t)bytes.len) < 0 ? BX_E_IO : rc;
}

int box_file_copy(int in_fd, uint64_t from, uint64_t to, int out_fd)
{
    static uint8_t block[COPY_BYTES];
    uint64_t at = from;
    int rc = BX_OK;
    while (at < to && rc >= 0) {
        size_t want = to - at < sizeof block ? (size_t)(to - at) : sizeof block;
        ssize_t n = box_file_read(in_fd, at, block, want);
        if (n <= 0)
            return n < 0 ? (int)n : BX_E_TRUNCATED;
        rc = box_file_write_at(out_fd, at - from, block, (size_t)n);
        at += (uint64_t)n;
    }
    return rc >= 0 && ftruncate(out_fd, (off_t)(to - from)) < 0 ? BX_E_IO : rc;
}
