#include "media/box/sandbox.h"

#include "base/err.h"
#include "base/mem.h"
#include "media/proto.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    MEMORY_MAX = 512 << 20,
    TOOL_MEMORY_MAX = 1 << 30,
    CPU_S = 20,
    TOOL_CPU_S = 120,
    DESCRIPTORS = 16,
    TOOL_DESCRIPTORS = 64,
    NOBODY = 65534
};

uint32_t box_sandbox_begin(int keep)
{
    close_range((unsigned)keep, ~0U, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_DUMPABLE, 1); /* /proc/self/fd stays readable for the tools */
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 ? MD_LAYER_NO_NEW_PRIVS : 0;
}

uint32_t box_sandbox_namespaces(void)
{
    int flags =
        CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
    return unshare(flags) == 0 ? MD_LAYER_NAMESPACES : 0;
}

static void limit(__rlimit_resource_t what, uint64_t value)
{
    struct rlimit r = {value, value}, had;
    if (getrlimit(what, &had) == 0 && had.rlim_max < value)
        r.rlim_cur = r.rlim_max = had.rlim_max;
    setrlimit(what, &r);
}

#if defined(__SANITIZE_ADDRESS__)
#define HAS_SANITIZER 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

/* Sanitizers map terabytes of shadow memory: there the limit of the address space does not hold. */
static bool has_shadow_memory(void)
{
#ifdef HAS_SANITIZER
    return true;
#else
    return false;
#endif
}

#ifdef HAS_SANITIZER
/* Looking for leaks at the end needs ptrace, which the sandbox refuses; what a job leaves is gone with
 * its process. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "detect_leaks=0";
}
#endif

static void set_limits(uint64_t memory, uint64_t cpu_s, uint64_t file, uint64_t descriptors)
{
    if (!has_shadow_memory())
        limit(RLIMIT_AS, memory);
    limit(RLIMIT_CPU, cpu_s);
    limit(RLIMIT_FSIZE, file);
    limit(RLIMIT_NOFILE, descriptors);
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_MEMLOCK, 0);
    limit(RLIMIT_MSGQUEUE, 0);
    signal(SIGXFSZ, SIG_IGN); /* a file that would grow too large is a failed write */
}

/* Rights that a user namespace or a container's root may have. */
static void drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}};
    syscall(SYS_capset, &header, none);
}

/* Root outside of a user namespace would own every file of the machine. */
static void leave_root(void)
{
    if (geteuid() == 0 && setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
        setresuid(NOBODY, NOBODY, NOBODY) < 0)
        _exit(1);
}

uint32_t box_sandbox_strict(uint64_t max_file_bytes)
{
    uint32_t layers = MD_LAYER_RLIMITS;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (chroot("/proc/self/fdinfo") == 0 && chdir("/") < 0) /* a folder without files */
        _exit(1);
    leave_root();
    drop_capabilities();
    prctl(PR_SET_DUMPABLE, 0);
    set_limits(MEMORY_MAX, CPU_S, max_file_bytes, DESCRIPTORS);
    limit(RLIMIT_NPROC, 0);
    if (box_landlock(NULL, -1, -1) >= 0)
        layers |= MD_LAYER_LANDLOCK;
    if (box_seccomp_strict() >= 0)
        layers |= MD_LAYER_SECCOMP;
    return layers;
}

int box_sandbox_tool(const char *program, int in_fd, int out_fd, uint64_t max_file_bytes)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    drop_capabilities();
    set_limits(TOOL_MEMORY_MAX, TOOL_CPU_S, max_file_bytes, TOOL_DESCRIPTORS);
    int landlock = box_landlock(program, in_fd, out_fd);
    int seccomp = box_seccomp_tool(program);
    return landlock < 0 && seccomp < 0 ? BX_E_UNAVAILABLE : BX_OK;
}

/* --- proof --- */

static bool can_open(void)
{
    int fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
    return fd >= 0 || open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) >= 0;
}

static bool can_create(void)
{
    return open("/tmp/wabox-media-proof", O_WRONLY | O_CREAT | O_CLOEXEC, 0600) >= 0;
}

static bool can_socket(void)
{
    const int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK};
    int pair[2];
    for (size_t i = 0; i < BX_LEN(families); i++) {
        if (socket(families[i], SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 ||
            socket(families[i], SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0)
            return true;
    }
    return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0;
}

/* execve would replace the process: an error other than a refusal counts as possible, too. */
static bool can_execve(void)
{
    char *const argv[] = {(char[]){"true"}, NULL};
    char *const none[] = {NULL};
    execve("/does/not/exist", argv, none);
    if (errno == ENOENT)
        return true;
    execve("/bin/true", argv, none);
    return errno != EPERM && errno != EACCES;
}

static bool can_fork(void)
{
    pid_t child = fork();
    if (child == 0)
        _exit(0);
    return child > 0;
}

static bool can_map_code(void)
{
    void *p =
        mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p != MAP_FAILED;
}

uint32_t box_sandbox_prove(void)
{
    uint32_t proof = 0;
    proof |= can_open() ? MD_CAN_OPEN : 0;
    proof |= can_create() ? MD_CAN_CREATE : 0;
    proof |= can_socket() ? MD_CAN_SOCKET : 0;
    proof |= can_fork() ? MD_CAN_FORK : 0;
    proof |= can_map_code() ? MD_CAN_MAP_CODE : 0;
    proof |= kill(getppid(), 0) == 0 ? MD_CAN_KILL : 0;
    proof |= ptrace(PTRACE_ATTACH, getppid(), 0, 0) == 0 ? MD_CAN_PTRACE : 0;
    proof |= can_execve() ? MD_CAN_EXECVE : 0;
    return proof;
}
