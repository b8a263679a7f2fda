/* Landlock by raw system calls: Debian 12 has no library for it, and its header knows less than
 * newer kernels can. A right that the kernel does not know must not be asked for, so the version
 * that it reports picks the row. */
#include "media/box/sandbox.h"

#include "base/err.h"
#include "base/mem.h"

#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    LL_CREATE = 444,
    LL_ADD_RULE = 445,
    LL_RESTRICT = 446,
    LL_VERSION_FLAG = 1,
    LL_PATH_BENEATH = 1
};

enum {
    FS_EXECUTE = 1,
    FS_WRITE_FILE = 2,
    FS_READ_FILE = 4,
    FS_READ_DIR = 8,
    FS_TRUNCATE = 1 << 14
};

struct ruleset_attr {
    uint64_t fs, net, scoped;
};

struct path_beneath {
    uint64_t access;
    int32_t parent_fd;
} __attribute__((packed));

/* All rights that a version knows: what is handled and not granted is refused. */
static const struct {
    uint64_t fs, net, scoped;
    size_t attr_size;
} versions[] = {
    {(1 << 13) - 1, 0, 0, 8},  {(1 << 14) - 1, 0, 0, 8},  {(1 << 15) - 1, 0, 0, 8},
    {(1 << 15) - 1, 3, 0, 16}, {(1 << 16) - 1, 3, 0, 16}, {(1 << 16) - 1, 3, 3, 24},
};

/* What a dynamically linked program needs to start and to find its tables and fonts. */
static const struct {
    const char *path;
    uint64_t access;
} tool_paths[] = {
    {"/usr/lib", FS_READ_FILE | FS_READ_DIR},
    {"/usr/lib64", FS_READ_FILE | FS_READ_DIR},
    {"/usr/local/lib", FS_READ_FILE | FS_READ_DIR},
    {"/lib", FS_READ_FILE | FS_READ_DIR},
    {"/lib64", FS_READ_FILE | FS_READ_DIR},
    {"/etc/ld.so.cache", FS_READ_FILE},
    {"/etc/fonts", FS_READ_FILE | FS_READ_DIR},
    {"/usr/share/fonts", FS_READ_FILE | FS_READ_DIR},
    {"/usr/share/fontconfig", FS_READ_FILE | FS_READ_DIR},
    {"/usr/share/poppler", FS_READ_FILE | FS_READ_DIR},
    {"/lib64/ld-linux-x86-64.so.2", FS_EXECUTE | FS_READ_FILE},
    {"/lib/ld-linux-aarch64.so.1", FS_EXECUTE | FS_READ_FILE},
    {"/lib/ld-linux-armhf.so.3", FS_EXECUTE | FS_READ_FILE},
    {"/dev/null", FS_READ_FILE | FS_WRITE_FILE},
};

static int allow_fd(int ruleset, int fd, uint64_t access)
{
    struct path_beneath rule = {.access = access, .parent_fd = fd};
    return (int)syscall(LL_ADD_RULE, ruleset, LL_PATH_BENEATH, &rule, 0);
}

static void allow_path(int ruleset, const char *path, uint64_t access)
{
    int fd = open(path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return; /* what is not there need not be allowed */
    allow_fd(ruleset, fd, access);
    close(fd);
}

static void allow_tool(int ruleset, const char *program, int in_fd, int out_fd, uint64_t handled)
{
    for (size_t i = 0; i < BX_LEN(tool_paths); i++)
        allow_path(ruleset, tool_paths[i].path, tool_paths[i].access);
    allow_path(ruleset, program, FS_EXECUTE | FS_READ_FILE);
    if (in_fd >= 0)
        allow_fd(ruleset, in_fd, FS_READ_FILE);
    if (out_fd >= 0)
        allow_fd(ruleset, out_fd, FS_READ_FILE | FS_WRITE_FILE | (FS_TRUNCATE & handled));
}

int box_landlock(const char *program, int in_fd, int out_fd)
{
    long version = syscall(LL_CREATE, NULL, 0, LL_VERSION_FLAG);
    if (version < 1)
        return BX_E_UNSUPPORTED;
    size_t row = (size_t)version <= BX_LEN(versions) ? (size_t)version - 1 : BX_LEN(versions) - 1;
    struct ruleset_attr attr = {versions[row].fs, versions[row].net, versions[row].scoped};
    int ruleset = (int)syscall(LL_CREATE, &attr, versions[row].attr_size, 0);
    if (ruleset < 0)
        return BX_E_UNSUPPORTED;
    if (program)
        allow_tool(ruleset, program, in_fd, out_fd, attr.fs);
    long rc = syscall(LL_RESTRICT, ruleset, 0);
    close(ruleset);
    return rc == 0 ? BX_OK : BX_E_UNSUPPORTED;
}
