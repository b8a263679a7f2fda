/* What tools do is a table of arguments; nothing in them comes from the file or from a peer, apart
 * from the demuxer that belongs to the format that was recognised. So ffmpeg never guesses a format
 * (its playlists open other files) and never sees a name. */
#include "media/box/serve.h"

#include "base/err.h"
#include "base/mem.h"
#include "media/box/decode.h"
#include "media/box/file.h"
#include "media/box/sandbox.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { FD_CHANNEL = 3, FD_IN = 4, FD_OUT = 5, ARGS_MAX = 48 };

#define IN_FILE "file:/dev/fd/3"
#define OUT_FILE "file:/dev/fd/4"
#define CLEAN "-map_metadata", "-1", "-map_chapters", "-1", "-fflags", "+bitexact"
#define H264                                                                                       \
    "-c:v", "libx264", "-preset", "veryfast", "-crf", "26", "-pix_fmt", "yuv420p", "-profile:v",   \
        "main"
#define MP4 "-movflags", "+faststart", "-f", "mp4", OUT_FILE

/* Behind "ffmpeg -f <demuxer> -i input". */
static const char *const to_mp4[] = {
    "-map", "0:v:0", "-map", "0:a:0?", "-vf",  "scale=trunc(min(iw\\,1280)/2)*2:-2",
    H264,   "-c:a",  "aac",  "-b:a",   "128k", "-ac",
    "2",    CLEAN,   MP4,    NULL};
static const char *const remux[] = {"-map", "0:v:0", "-map", "0:a:0?", "-c",
                                    "copy", CLEAN,   MP4,    NULL};
static const char *const to_gif[] = {
    "-map", "0:v:0", "-an", "-t", "60", "-vf", "scale=trunc(min(iw\\,720)/2)*2:-2",
    H264,   CLEAN,   MP4,   NULL};
static const char *const to_ptv[] = {
    "-map", "0:v:0", "-map", "0:a:0?",
    "-t",   "60",    "-vf",  "crop=min(iw\\,ih):min(iw\\,ih),scale=480:480",
    H264,   "-c:a",  "aac",  "-b:a",
    "64k",  CLEAN,   MP4,    NULL};
static const char *const to_voice[] = {
    "-map", "0:a:0", "-vn",          "-ac",  "1",   "-ar", "48000", "-c:a",   "libopus",
    "-b:a", "32k",   "-application", "voip", CLEAN, "-f",  "ogg",   OUT_FILE, NULL};
static const char *const to_audio[] = {"-map",  "0:a:0", "-vn",     "-ac",  "2",   "-ar",
                                       "48000", "-c:a",  "libopus", "-b:a", "96k", CLEAN,
                                       "-f",    "ogg",   OUT_FILE,  NULL};
static const char *const to_png[] = {"-map", "0:v:0", "-frames:v",  "1",      "-c:v",
                                     "png",  "-f",    "image2pipe", "pipe:1", NULL};
static const char *const to_sticker[] = {
    "-map",
    "0:v:0",
    "-t",
    "10",
    "-vf",
    "fps=15,scale=512:512:force_original_aspect_ratio=decrease,format=rgba,"
    "pad=512:512:(ow-iw)/2:(oh-ih)/2:color=#00000000",
    "-c:v",
    "libwebp_anim",
    "-loop",
    "0",
    "-q:v",
    "50",
    "-f",
    "webp",
    OUT_FILE,
    NULL};
static const char *const to_poster[] = {
    "-map",   "0:v:0", "-frames:v",
    "1",      "-vf",   "scale=min(480\\,iw):min(480\\,ih):force_original_aspect_ratio=decrease",
    "-c:v",   "mjpeg", "-q:v",
    "3",      "-f",    "image2pipe",
    "pipe:1", NULL};
static const char *const to_pcm[] = {"-map",      "0:a:0", "-vn",   "-t",     "7200",
                                     "-ac",       "1",     "-ar",   "4000",   "-c:a",
                                     "pcm_s16le", "-f",    "s16le", "pipe:1", NULL};

static int ffmpeg(const struct box_job *job, enum md_format format, const char *const *rest,
                  int in_fd, int out_fd, int stdout_fd)
{
    const char *head[] = {"ffmpeg",    "-nostdin", "-hide_banner",
                          "-v",        "quiet",    "-y",
                          "-threads",  "1",        "-protocol_whitelist",
                          "file,pipe", "-f",       md_format_info(format)->demuxer,
                          "-i",        IN_FILE,    "-threads",
                          "1"};
    char *argv[ARGS_MAX + BX_LEN(head)];
    size_t n = 0;
    for (size_t i = 0; i < BX_LEN(head); i++)
        argv[n++] = (char *)(uintptr_t)head[i];
    for (size_t i = 0; rest[i] && i < ARGS_MAX - 1; i++)
        argv[n++] = (char *)(uintptr_t)rest[i];
    argv[n] = NULL;
    return box_tool(job, "ffmpeg", argv, in_fd, out_fd, stdout_fd);
}

/* --- pictures of films and papers --- */

/* Takes the picture in `fd` as thumbnail of the answer. */
static void add_thumb(const struct box_job *job, int fd, struct box_answer *answer)
{
    struct box_answer small;
    box_answer_init(&small);
    box_step(box_decode_probe, job, fd, -1, &small);
    if (small.result.rc >= 0 && small.result.thumb.len) {
        struct md_result *r = &answer->result;
        bx_buf_done(&answer->bytes);
        answer->bytes = small.bytes;
        bx_buf_init(&small.bytes, MD_RESULT_MAX);
        r->thumb = small.result.thumb;
        r->preview = small.result.preview;
        r->thumb_format = small.result.thumb_format;
        r->thumb_width = small.result.thumb_width;
        r->thumb_height = small.result.thumb_height;
        if (!r->width) {
            r->width = small.result.width;
            r->height = small.result.height;
        }
    }
    box_answer_done(&small);
}

static void add_poster(const struct box_job *job, int in_fd, struct box_answer *answer)
{
    int fd = box_scratch();
    if (fd < 0)
        return;
    if (ffmpeg(job, answer->result.format, to_poster, in_fd, -1, fd) >= 0)
        add_thumb(job, fd, answer);
    else
        answer->result.note = MD_NOTE_DAMAGED;
    close(fd);
}

static void add_loudness(const struct box_job *job, int in_fd, struct box_answer *answer)
{
    struct box_answer pcm;
    int fd = box_scratch();
    if (fd < 0)
        return;
    box_answer_init(&pcm);
    if (ffmpeg(job, answer->result.format, to_pcm, in_fd, -1, fd) >= 0) {
        box_step(box_decode_pcm, job, fd, -1, &pcm);
        if (pcm.result.rc >= 0 && pcm.result.has_waveform) {
            memcpy(answer->result.waveform, pcm.result.waveform, MD_WAVEFORM);
            answer->result.has_waveform = true;
            answer->result.duration_ms = pcm.result.duration_ms;
        }
    }
    if (!answer->result.has_waveform)
        answer->result.note = MD_NOTE_DAMAGED;
    box_answer_done(&pcm);
    close(fd);
}

static void add_pages(const struct box_job *job, int in_fd, struct box_answer *answer)
{
    char *info[] = {(char[]){"pdfinfo"}, (char[]){"/dev/fd/3"}, NULL};
    char *page[] = {(char[]){"pdftoppm"},
                    (char[]){"-f"},
                    (char[]){"1"},
                    (char[]){"-l"},
                    (char[]){"1"},
                    (char[]){"-scale-to"},
                    (char[]){"480"},
                    (char[]){"-jpeg"},
                    (char[]){"-singlefile"},
                    (char[]){"/dev/fd/3"},
                    NULL};
    struct box_answer count;
    int text = box_scratch(), picture = box_scratch();
    box_answer_init(&count);
    answer->result.note = MD_NOTE_DAMAGED;
    if (text >= 0 && picture >= 0 && box_tool(job, "pdfinfo", info, in_fd, -1, text) >= 0) {
        box_step(box_decode_pages, job, text, -1, &count);
        answer->result.pages = count.result.rc >= 0 ? count.result.pages : 0;
        if (answer->result.pages && job->request.thumb_px &&
            box_tool(job, "pdftoppm", page, in_fd, -1, picture) >= 0) {
            add_thumb(job, picture, answer);
            answer->result.width = answer->result.height = 0;
        }
        if (answer->result.pages)
            answer->result.note = MD_NOTE_NONE;
    }
    box_answer_done(&count);
    close(text);
    close(picture);
}

/* What our decoders could not say of the file in in_fd, said by tools. */
static void complete(const struct box_job *job, int in_fd, struct box_answer *answer)
{
    struct md_result *r = &answer->result;
    if (r->note == MD_NOTE_NEEDS_POPPLER && box_tool_exists(job, "pdfinfo")) {
        r->note = MD_NOTE_NONE;
        add_pages(job, in_fd, answer);
    } else if (r->note == MD_NOTE_NEEDS_FFMPEG && box_tool_exists(job, "ffmpeg")) {
        enum md_kind kind = md_format_info(r->format)->kind;
        r->note = MD_NOTE_NONE;
        if (kind == MD_KIND_AUDIO)
            add_loudness(job, in_fd, answer);
        else if (job->request.thumb_px)
            add_poster(job, in_fd, answer);
    }
}

/* --- conversions --- */

static const char *const *conversion_for(enum md_kind kind, enum md_format format)
{
    switch (kind) {
    case MD_KIND_VIDEO:
        return format == MD_QUICKTIME || format == MD_MP4 ? remux : to_mp4;
    case MD_KIND_GIF:
        return to_gif;
    case MD_KIND_PTV:
        return to_ptv;
    case MD_KIND_VOICE:
        return to_voice;
    case MD_KIND_AUDIO:
        return to_audio;
    case MD_KIND_IMAGE:
        return to_png;
    case MD_KIND_STICKER:
        return format == MD_GIF ? to_sticker : to_png;
    case MD_KIND_DOCUMENT:
    case MD_KIND_COUNT:
        break;
    }
    return NULL;
}

/* A picture that ffmpeg has read goes through the same rules as one that came so. */
static void convert_picture(const struct box_job *job, struct box_answer *answer)
{
    const char *const *args = conversion_for(job->request.kind, answer->result.format);
    int mid = box_scratch();
    bool is_pipe = args == to_png;
    if (mid >= 0 && ffmpeg(job, answer->result.format, args, job->in_fd, is_pipe ? -1 : mid,
                           is_pipe ? mid : -1) >= 0) {
        box_step(box_decode_prepare, job, mid, job->out_fd, answer);
        struct md_result *r = &answer->result;
        if (r->rc >= 0 && r->is_unchanged) { /* of what ffmpeg wrote, which is not the input */
            r->is_unchanged = false;
            r->rc = box_file_copy(mid, 0, box_file_size(mid), job->out_fd);
        }
    } else {
        answer->result.rc = BX_E_INVALID;
        answer->result.note = MD_NOTE_CONVERSION_FAILED;
    }
    if (mid >= 0)
        close(mid);
}

/* The file that has arrived in the output is looked at like any other. */
static bool convert_film(const struct box_job *job, const char *const *args,
                         struct box_answer *answer)
{
    enum md_format from = answer->result.format;
    if (ftruncate(job->out_fd, 0) < 0 || !args ||
        ffmpeg(job, from, args, job->in_fd, job->out_fd, -1) < 0)
        return false;
    box_step(box_decode_probe, job, job->out_fd, -1, answer);
    answer->result.kind = job->request.kind;
    answer->result.out_bytes = box_file_size(job->out_fd);
    if (answer->result.rc < 0 || answer->result.note == MD_NOTE_DAMAGED)
        return false;
    complete(job, job->out_fd, answer);
    return true;
}

static void convert(const struct box_job *job, struct box_answer *answer)
{
    enum md_kind kind = job->request.kind;
    enum md_format from = answer->result.format;
    if (!box_tool_exists(job, "ffmpeg")) {
        answer->result.rc = BX_E_UNSUPPORTED;
        return;
    }
    if (kind == MD_KIND_IMAGE || kind == MD_KIND_STICKER) {
        convert_picture(job, answer);
        return;
    }
    const char *const *args = conversion_for(kind, from);
    bool is_done = convert_film(job, args, answer);
    if (!is_done && args == remux) { /* its streams do not fit into MP4 as they are */
        answer->result.format = from;
        is_done = convert_film(job, to_mp4, answer);
    }
    if (!is_done) {
        answer->result = (struct md_result){.rc = BX_E_INVALID,
                                            .note = MD_NOTE_CONVERSION_FAILED,
                                            .format = from,
                                            .kind = kind,
                                            .layers = answer->result.layers};
    }
}

static void run(const struct box_job *job, struct box_answer *answer)
{
    switch (job->request.op) {
    case MD_PROBE:
        box_step(box_decode_probe, job, job->in_fd, -1, answer);
        complete(job, job->in_fd, answer);
        break;
    case MD_PREPARE:
        box_step(box_decode_prepare, job, job->in_fd, job->out_fd, answer);
        if (answer->result.rc == BX_E_AGAIN)
            convert(job, answer);
        else if (answer->result.rc >= 0)
            complete(job, job->in_fd, answer);
        break;
    case MD_PROVE:
        box_step(box_decode_prove, job, job->in_fd, -1, answer);
        break;
    case MD_OP_COUNT:
        break;
    }
}

/* --- life --- */

static int read_request(struct md_request *out)
{
    char bytes[MD_REQUEST_MAX];
    size_t len = 0, size = 0;
    int rc;
    while ((rc = md_message_size(bx_str_n(bytes, len), sizeof bytes, &size)) == BX_E_AGAIN ||
           (rc >= 0 && len < size)) {
        ssize_t n = read(FD_CHANNEL, bytes + len, (size ? size : MD_HEADER_SIZE) - len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return BX_E_CLOSED;
        len += (size_t)n;
    }
    return rc < 0 ? rc : md_request_read(bx_str_n(bytes, size), out);
}

static int send_result(const struct md_result *result)
{
    struct bx_buf message;
    bx_buf_init(&message, MD_RESULT_MAX);
    int rc = md_result_write(&message, result);
    for (size_t at = 0; rc >= 0 && at < message.len;) {
        ssize_t n = write(FD_CHANNEL, message.data + at, message.len - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            rc = BX_E_CLOSED;
        else
            at += (size_t)n;
    }
    bx_buf_done(&message);
    return rc;
}

static int serve(const char *tool_paths, uint32_t layers)
{
    struct box_job job = {.in_fd = FD_IN, .out_fd = FD_OUT, .tool_paths = tool_paths};
    struct box_answer answer;
    if (read_request(&job.request) < 0)
        return 2;
    box_answer_init(&answer);
    run(&job, &answer);
    answer.result.layers |= layers;
    int rc = send_result(&answer.result);
    box_answer_done(&answer);
    return rc < 0 ? 1 : 0;
}

int box_serve(const char *tool_paths)
{
    int status;
    uint32_t layers = box_sandbox_begin(FD_OUT + 1);
    signal(SIGPIPE, SIG_IGN);
    layers |= box_sandbox_namespaces();
    if (!(layers & MD_LAYER_NAMESPACES))
        return serve(tool_paths, layers);
    /* The first child in a new process namespace is its init: when it ends, everything there does.
     */
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(serve(tool_paths, layers));
    }
    if (child < 0)
        return 1;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
