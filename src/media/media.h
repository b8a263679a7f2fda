/* md_runner: looks at files of strangers, and makes what is sent, in a helper program (wabox-media)
 * that has no network, no files but the ones it was given, and little memory and time. What can go
 * wrong with a hostile file is therefore: no thumbnail.
 *
 * Each job is a process of its own. At most max_running run at a time; the others wait in a bounded
 * queue. Keys (number ids) take turns: the next process goes to the key that waited longest since
 * its last one, however many jobs another key has queued.
 *
 * Loop thread only. Callbacks never come before the call that caused them returned.
 *
 *   struct md_job job = {.op = MD_PREPARE, .kind = MD_KIND_VOICE, .key = number_id,
 *                        .in_fd = upload_fd, .out_fd = md_temp_file(data_dir)};
 *   rc = md_run(runner, &job, on_prepared, message, NULL);
 *   …
 *   static void on_prepared(const struct md_result *r, void *arg)
 *   {
 *       if (r->rc < 0) refuse the upload with md_note_text(r->note);
 *       else store (r->is_unchanged ? in_fd : out_fd), r->out_bytes long, as a blob;
 *   }
 */
#ifndef MD_MEDIA_H
#define MD_MEDIA_H

#include "media/proto.h"
#include "net/loop.h"

struct md_runner;
struct md_task;

enum { MD_THUMB_PX = 480, MD_PREVIEW_PX = 100, MD_PICTURE_PX = 1600, MD_PICTURE_BYTES = 5 << 20 };

struct md_runner_opts {
    const char *program;    /* path of wabox-media; NULL: beside this program. Copied */
    const char *tool_paths; /* folders of ffmpeg and poppler, "/a:/b"; NULL: the system's. Copied */
    unsigned max_running;   /* processes at a time; 0: 2 */
    unsigned max_queued;    /* jobs that wait, over all keys; 0: 512 */
    unsigned max_queued_per_key; /* 0: 64 */
    uint32_t timeout_ms;         /* of a job that is looked at; 0: 30 s */
    uint32_t prepare_timeout_ms; /* of a job that may convert a film; 0: 180 s */
};

struct md_job {
    enum md_op op;     /* MD_PROBE or MD_PREPARE */
    enum md_kind kind; /* MD_PREPARE */
    uint64_t key;      /* the number whose turn it is */
    int in_fd;         /* read only is enough; kept (stays yours, open) until on_done */
    int out_fd;        /* MD_PREPARE: read and write, empty; kept until on_done. MD_PROBE: -1 */
    bool has_no_thumb; /* neither thumbnail nor preview are wanted */
    uint64_t max_out;  /* bytes of the output; 0: 64 MiB for MD_PREPARE */
};

/* The result is borrowed for the call, pictures included. It always says something:
 *   BX_OK             described (MD_PROBE), prepared (MD_PREPARE). A note tells what is missing
 *   BX_E_UNSUPPORTED  this kind cannot be made of this file, or a program is missing (note)
 *   BX_E_INVALID      the file is damaged, or its conversion failed
 *   BX_E_TOO_BIG      more pixels, frames, seconds or bytes than are decoded
 *   BX_E_CORRUPT      the decoder died on it
 *   BX_E_TIMEOUT      killed by the clock
 *   BX_E_NOT_FOUND, BX_E_DENIED, BX_E_FULL, BX_E_UNAVAILABLE: the helper could not be run; try
 * later A failed MD_PROBE means: keep the file, show no thumbnail. */
typedef void md_done_fn(const struct md_result *result, void *arg);

/* Returns a runner of your own (md_runner_close). BX_E_NOMEM. */
int md_runner_new(struct net_loop *loop, const struct md_runner_opts *opts, struct md_runner **out);

/* Kills what runs, drops what waits: each on_done with BX_E_CLOSED, in this call. The runner is
 * freed at the end of the turn. */
void md_runner_close(struct md_runner *r);

/* BX_E_FULL: too many jobs wait, in all or of this key; no callback then, try later. BX_E_INVALID:
 * a job without its descriptors. *out_task (may be NULL) is valid until on_done. */
int md_run(struct md_runner *r, const struct md_job *job, md_done_fn *on_done, void *arg,
           struct md_task **out_task);

/* No callback comes any more; what runs is killed. */
void md_task_cancel(struct md_task *task);

struct md_runner_stats {
    unsigned running, queued;
    uint64_t done, failed; /* failed: the helper died, was killed or could not be started */
    uint32_t layers;       /* MD_LAYER_* of the last job; 0: none has run yet */
};
struct md_runner_stats md_runner_stats(const struct md_runner *r);

/* An unlinked file for the output of a job, in `folder`. Returns a descriptor of your own or
 * BX_E_*. */
int md_temp_file(const char *folder);

#endif
