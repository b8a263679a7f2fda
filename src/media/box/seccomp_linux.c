/* Two lists of system calls. What is on none of them fails with EPERM rather than killing the
 * process: a decoder that asks for something unusual then reports a failure instead of being one.
 */
#include "media/box/sandbox.h"

#include "base/err.h"
#include "base/mem.h"

#include <errno.h>
#include <sched.h>
#include <stddef.h>
#include <sys/mman.h>

#include <seccomp.h>

/* Memory, time and descriptors that are already open. */
static const int strict_calls[] = {
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(pwrite64),
    SCMP_SYS(lseek),
    SCMP_SYS(_llseek),
    SCMP_SYS(fstat),
    SCMP_SYS(fstat64),
    SCMP_SYS(ftruncate),
    SCMP_SYS(ftruncate64),
    SCMP_SYS(close),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(brk),
    SCMP_SYS(madvise),
    SCMP_SYS(futex),
    SCMP_SYS(futex_time64),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_gettime64),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(getrandom),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(sched_yield),
};

/* On top of that, what a dynamically linked program with threads needs. Landlock and the missing
 * network decide what the paths and descriptors are good for. */
static const int tool_calls[] = {
    SCMP_SYS(open),
    SCMP_SYS(openat),
    SCMP_SYS(access),
    SCMP_SYS(faccessat),
    SCMP_SYS(faccessat2),
    SCMP_SYS(stat),
    SCMP_SYS(stat64),
    SCMP_SYS(lstat),
    SCMP_SYS(lstat64),
    SCMP_SYS(newfstatat),
    SCMP_SYS(fstatat64),
    SCMP_SYS(statx),
    SCMP_SYS(statfs),
    SCMP_SYS(fstatfs),
    SCMP_SYS(readlink),
    SCMP_SYS(readlinkat),
    SCMP_SYS(getcwd),
    SCMP_SYS(getdents64),
    SCMP_SYS(mmap),
    SCMP_SYS(mmap2),
    SCMP_SYS(mprotect),
    SCMP_SYS(arch_prctl),
    SCMP_SYS(set_tid_address),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(prlimit64),
    SCMP_SYS(getrlimit),
    SCMP_SYS(ugetrlimit),
    SCMP_SYS(sysinfo),
    SCMP_SYS(uname),
    SCMP_SYS(getrusage),
    SCMP_SYS(times),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(select),
    SCMP_SYS(pselect6),
    SCMP_SYS(dup),
    SCMP_SYS(dup2),
    SCMP_SYS(dup3),
    SCMP_SYS(fcntl),
    SCMP_SYS(fcntl64),
    SCMP_SYS(pipe2),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(fadvise64),
    SCMP_SYS(fallocate),
    SCMP_SYS(nanosleep),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(clock_getres),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(getppid),
    SCMP_SYS(getuid),
    SCMP_SYS(geteuid),
    SCMP_SYS(getgid),
    SCMP_SYS(getegid),
    SCMP_SYS(membarrier),
    SCMP_SYS(mincore),
    SCMP_SYS(tgkill),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
};

static int allow(scmp_filter_ctx ctx, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0);
        if (rc < 0 && rc != -EDOM && rc != -EFAULT) /* a call that this machine does not have */
            return BX_E_UNSUPPORTED;
    }
    return BX_OK;
}

/* Memory that cannot be executed. */
static int allow_data_maps(scmp_filter_ctx ctx)
{
    const int calls[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};
    for (size_t i = 0; i < BX_LEN(calls); i++) {
        if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 1,
                             SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0)) < 0)
            return BX_E_UNSUPPORTED;
    }
    /* fstat of newer C libraries: a descriptor with an empty path. Landlock refuses paths; without
     * it, a path here tells its size and no more. */
    return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
                            SCMP_A3(SCMP_CMP_MASKED_EQ, 0x1000, 0x1000)) < 0
               ? BX_E_UNSUPPORTED
               : BX_OK;
}

/* Threads, but no processes; clone3 hides its flags in memory, so that it must not exist. */
static int allow_threads(scmp_filter_ctx ctx)
{
    if (seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                         SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD)) < 0)
        return BX_E_UNSUPPORTED;
    return seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) < 0 ? BX_E_UNSUPPORTED
                                                                                  : BX_OK;
}

static int load(scmp_filter_ctx ctx, int rc)
{
    if (rc >= 0 && seccomp_load(ctx) < 0)
        rc = BX_E_UNSUPPORTED;
    seccomp_release(ctx);
    return rc;
}

int box_seccomp_strict(void)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!ctx)
        return BX_E_UNSUPPORTED;
    int rc = allow(ctx, strict_calls, BX_LEN(strict_calls));
    if (rc >= 0)
        rc = allow_data_maps(ctx);
    return load(ctx, rc);
}

int box_seccomp_tool(const char *program)
{
    scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!ctx)
        return BX_E_UNSUPPORTED;
    int rc = allow(ctx, strict_calls, BX_LEN(strict_calls));
    if (rc >= 0)
        rc = allow(ctx, tool_calls, BX_LEN(tool_calls));
    if (rc >= 0)
        rc = allow_threads(ctx);
    /* The one execve is told by its argument's address, which the next program does not have. */
    if (rc >= 0 && seccomp_rule_add(ctx, SCMP_ACT_ALLOW, SCMP_SYS(execve), 1,
                                    SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)(uintptr_t)program, 0)) < 0)
        rc = BX_E_UNSUPPORTED;
    return load(ctx, rc);
}
