/* A job is made of steps, each a process of its own: decoders of ours in the strict room, optional
 * programs in the tool room. The process that runs the steps (serve.c) never looks into a file; it
 * reads numbers and pictures of known size from its steps, and believes them as little as waboxd
 * believes the whole helper. */
#ifndef BOX_STEP_H
#define BOX_STEP_H

#include "media/proto.h"

struct box_job {
    struct md_request request;
    int in_fd, out_fd; /* out_fd: -1 for MD_PROBE */
    const char
        *tool_paths; /* folders, separated by ':', in which ffmpeg and poppler are looked for */
};

/* The answer of a step; its pictures lie in `bytes`. */
struct box_answer {
    struct md_result result;
    struct bx_buf bytes;
};

void box_answer_init(struct box_answer *a);
void box_answer_done(struct box_answer *a);

/* What a strict step does: fills *out; pictures go to thumb and preview. */
typedef void box_step_fn(const struct md_request *request, int in_fd, int out_fd,
                         struct md_result *out, struct bx_buf *thumb, struct bx_buf *preview);

/* Runs fn in a process in the strict room. The answer always says something: a step that dies is
 * BX_E_CORRUPT with MD_NOTE_CRASHED. */
void box_step(box_step_fn *fn, const struct box_job *job, int in_fd, int out_fd,
              struct box_answer *answer);

/* Runs an optional program in the tool room: descriptor 3 is the input, 4 the output (both can be
 * opened anew as /dev/fd/N), 1 is stdout_fd (-1: /dev/null). BX_E_NOT_FOUND: not installed.
 * BX_E_IO: it failed. */
int box_tool(const struct box_job *job, const char *name, char *const argv[], int in_fd, int out_fd,
             int stdout_fd);
bool box_tool_exists(const struct box_job *job, const char *name);

/* A file in memory for what goes from one step to the next. */
int box_scratch(void);

#endif
