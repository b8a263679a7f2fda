#include "media/box/step.h"

#include "base/err.h"
#include "base/mem.h"
#include "media/box/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { TOOL_IN = 3, TOOL_OUT = 4, FIRST_FREE = 10 };

void box_answer_init(struct box_answer *a)
{
    *a = (struct box_answer){0};
    bx_buf_init(&a->bytes, MD_RESULT_MAX);
}

void box_answer_done(struct box_answer *a)
{
    bx_buf_done(&a->bytes);
}

int box_scratch(void)
{
    return memfd_create("wabox-media", MFD_CLOEXEC);
}

static void write_all(int fd, struct bx_str bytes)
{
    while (bytes.len) {
        ssize_t n = write(fd, bytes.ptr, bytes.len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        bytes = bx_str_slice(bytes, (size_t)n, bytes.len);
    }
}

static _Noreturn void run_child(box_step_fn *fn, const struct box_job *job, int in_fd, int out_fd,
                                int answer_fd)
{
    struct md_result result = {0};
    struct bx_buf thumb, preview, message;
    bx_buf_init(&thumb, MD_THUMB_MAX);
    bx_buf_init(&preview, MD_PREVIEW_MAX);
    bx_buf_init(&message, MD_RESULT_MAX);
    uint32_t layers = box_sandbox_strict(job->request.max_out);
    fn(&job->request, in_fd, out_fd, &result, &thumb, &preview);
    result.layers = layers;
    result.thumb = bx_buf_view(&thumb);
    result.preview = bx_buf_view(&preview);
    if (md_result_write(&message, &result) >= 0)
        write_all(answer_fd, bx_buf_view(&message));
    _exit(0);
}

/* Everything until the end, but no more than the cap. */
static void collect(int fd, struct bx_buf *out)
{
    uint8_t block[8192];
    ssize_t n;
    while ((n = read(fd, block, sizeof block)) != 0) {
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 || bx_buf_append(out, block, (size_t)n) < 0)
            return;
    }
}

static int wait_for(pid_t child)
{
    int status;
    while (waitpid(child, &status, 0) < 0) {
        if (errno != EINTR)
            return -1;
    }
    return status;
}

void box_step(box_step_fn *fn, const struct box_job *job, int in_fd, int out_fd,
              struct box_answer *answer)
{
    int pipe_fds[2];
    answer->result = (struct md_result){.rc = BX_E_CORRUPT, .note = MD_NOTE_CRASHED};
    bx_buf_clear(&answer->bytes, MD_RESULT_MAX);
    if (pipe2(pipe_fds, O_CLOEXEC) < 0) {
        answer->result.rc = BX_E_FULL;
        return;
    }
    pid_t child = fork();
    if (child == 0) {
        close(pipe_fds[0]);
        run_child(fn, job, in_fd, out_fd, pipe_fds[1]);
    }
    close(pipe_fds[1]);
    if (child > 0) {
        collect(pipe_fds[0], &answer->bytes);
        kill(child, SIGKILL); /* it has nothing left to do; one that goes on ends here */
        int status = wait_for(child);
        if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
            answer->result.note = MD_NOTE_TIMED_OUT;
        md_result_read(bx_buf_view(&answer->bytes), &answer->result);
    } else {
        answer->result.rc = BX_E_FULL;
    }
    close(pipe_fds[0]);
}

/* --- tools --- */

static bool find_tool(const struct box_job *job, const char *name, char out[PATH_MAX])
{
    struct bx_str rest = bx_str(job->tool_paths), folder;
    while (bx_str_split(&rest, ':', &folder)) {
        int n = snprintf(out, PATH_MAX, BX_STR_FMT "/%s", BX_STR_ARG(folder), name);
        if (folder.len && n > 0 && n < PATH_MAX && access(out, X_OK) == 0)
            return true;
    }
    return false;
}

bool box_tool_exists(const struct box_job *job, const char *name)
{
    char path[PATH_MAX];
    return find_tool(job, name, path);
}

/* Puts the descriptors where the program expects them and closes the others. */
static void arrange(int in_fd, int out_fd, int stdout_fd)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    int in = fcntl(in_fd, F_DUPFD_CLOEXEC, FIRST_FREE);
    int out = fcntl(out_fd >= 0 ? out_fd : null, F_DUPFD_CLOEXEC, FIRST_FREE);
    int text = fcntl(stdout_fd >= 0 ? stdout_fd : null, F_DUPFD_CLOEXEC, FIRST_FREE);
    if (null < 0 || in < 0 || out < 0 || text < 0 || dup2(null, 0) < 0 || dup2(text, 1) < 0 ||
        dup2(null, 2) < 0 || dup2(in, TOOL_IN) < 0 || dup2(out, TOOL_OUT) < 0)
        _exit(1);
    close_range(TOOL_OUT + 1, ~0U, 0);
}

int box_tool(const struct box_job *job, const char *name, char *const argv[], int in_fd, int out_fd,
             int stdout_fd)
{
    static char path[PATH_MAX];
    char *const env[] = {(char[]){"PATH=/nonexistent"}, (char[]){"HOME=/nonexistent"},
                         (char[]){"LC_ALL=C"}, NULL};
    if (!find_tool(job, name, path))
        return BX_E_NOT_FOUND;
    pid_t child = fork();
    if (child == 0) {
        arrange(in_fd, out_fd, stdout_fd);
        if (box_sandbox_tool(path, TOOL_IN, out_fd >= 0 ? TOOL_OUT : -1, job->request.max_out) >= 0)
            execve(path, argv, env);
        _exit(127);
    }
    if (child < 0)
        return BX_E_FULL;
    int status = wait_for(child);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? BX_OK : BX_E_IO;
}
