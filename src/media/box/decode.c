#include "media/box/decode.h"

#include "base/err.h"
#include "base/mem.h"
#include "media/box/audio.h"
#include "media/box/file.h"
#include "media/box/mp4.h"
#include "media/box/picture.h"
#include "media/box/sandbox.h"

enum {
    STICKER_PX = 512,
    STICKER_BYTES = 100 << 10,
    STICKER_ANIMATED_BYTES = 500 << 10,
    PAGES_MAX = 1000000,
    PDFINFO_MAX = 64 << 10
};

/* A step's work: what comes in, what goes out. */
struct work {
    const struct md_request *request;
    int in_fd, out_fd;
    struct md_result *out;
    struct bx_buf *thumb, *preview;
    enum md_format format;
};

static struct work work_of(const struct md_request *request, int in_fd, int out_fd,
                           struct md_result *out, struct bx_buf *thumb, struct bx_buf *preview)
{
    char head[MD_SNIFF_BYTES];
    ssize_t n = box_file_read(in_fd, 0, head, sizeof head);
    struct work w = {.request = request,
                     .in_fd = in_fd,
                     .out_fd = out_fd,
                     .out = out,
                     .thumb = thumb,
                     .preview = preview};
    w.format = n > 0 ? md_sniff(head, (size_t)n) : MD_UNKNOWN;
    out->format = w.format;
    out->kind = md_format_info(w.format)->kind;
    return w;
}

static int fail(struct work *w, int rc, enum md_note note)
{
    w->out->rc = rc;
    w->out->note = note;
    return rc;
}

static enum md_note note_of(int rc)
{
    return rc == BX_E_TOO_BIG || rc == BX_E_NOMEM ? MD_NOTE_TOO_LARGE : MD_NOTE_DAMAGED;
}

/* --- pictures --- */

/* Tries falling qualities until the file fits. */
static int encode_to_fit(int (*encode)(const struct box_raster *, int, struct bx_buf *),
                         const struct box_raster *r, const int *qualities, size_t max_bytes,
                         struct bx_buf *out)
{
    struct bx_buf file;
    int rc = BX_E_TOO_BIG;
    for (size_t i = 0; qualities[i]; i++) {
        bx_buf_init(&file, 0);
        rc = encode(r, qualities[i], &file);
        if (rc >= 0 && file.len <= max_bytes)
            rc = bx_buf_append(out, file.data, file.len);
        else if (rc >= 0)
            rc = BX_E_TOO_BIG;
        bx_buf_done(&file);
        if (rc != BX_E_TOO_BIG)
            break;
    }
    return rc;
}

static int scaled(const struct box_raster *from, uint32_t max_px, struct box_raster *out)
{
    uint32_t width, height;
    box_fit(from->width, from->height, max_px, &width, &height);
    return box_raster_scale(from, width, height, out);
}

static void make_thumb(struct work *w, const struct box_raster *picture)
{
    static const int qualities[] = {80, 60, 40, 20, 0};
    struct box_raster r = {0};
    if (w->request->thumb_px && scaled(picture, w->request->thumb_px, &r) >= 0 &&
        encode_to_fit(r.has_alpha ? box_webp_encode : box_jpeg_encode, &r, qualities, MD_THUMB_MAX,
                      w->thumb) >= 0) {
        w->out->thumb_format = r.has_alpha ? MD_WEBP : MD_JPEG;
        w->out->thumb_width = r.width;
        w->out->thumb_height = r.height;
    }
    box_raster_done(&r);
}

static void make_preview(struct work *w, const struct box_raster *picture)
{
    static const int qualities[] = {60, 40, 20, 5, 0};
    struct box_raster r = {0};
    if (w->request->preview_px && scaled(picture, w->request->preview_px, &r) >= 0) {
        box_raster_flatten(&r);
        encode_to_fit(box_jpeg_encode, &r, qualities, MD_PREVIEW_MAX, w->preview);
    }
    box_raster_done(&r);
}

static void describe_picture(struct work *w, const struct box_picture *p)
{
    bool is_swapped = p->orientation >= 5;
    w->out->width = is_swapped ? p->height : p->width;
    w->out->height = is_swapped ? p->width : p->height;
    w->out->is_animated = p->frames > 1;
    w->out->duration_ms = p->frames > 1 ? p->duration_ms : 0;
}

static uint32_t small_px(const struct md_request *r)
{
    return r->thumb_px > r->preview_px ? r->thumb_px : r->preview_px;
}

static void probe_picture(struct work *w)
{
    struct bx_str file;
    struct box_picture p;
    struct box_raster r = {0};
    int rc = box_file_map(w->in_fd, BOX_PICTURE_FILE_MAX, &file);
    if (rc < 0 || (rc = box_picture_read(file, &p)) < 0) {
        w->out->note = note_of(rc);
        return;
    }
    describe_picture(w, &p);
    if (p.format == MD_GIF) {
        w->out->note = MD_NOTE_NEEDS_FFMPEG;
    } else if (small_px(w->request)) {
        rc = box_picture_decode(file, &p, small_px(w->request), &r);
        if (rc >= 0) {
            make_thumb(w, &r);
            make_preview(w, &r);
        } else {
            w->out->note = note_of(rc);
        }
    }
    box_raster_done(&r);
    box_file_unmap(file);
}

/* --- what is in a file --- */

static void probe_mp4(struct work *w)
{
    struct box_mp4 mp4;
    if (box_mp4_read(w->in_fd, &mp4) < 0) {
        w->out->note = MD_NOTE_DAMAGED;
        return;
    }
    w->out->width = mp4.width;
    w->out->height = mp4.height;
    w->out->duration_ms = mp4.duration_ms;
    w->out->has_audio = mp4.audio_codec[0] != 0;
    if (!mp4.video_codec[0] && mp4.audio_codec[0]) {
        w->out->kind = MD_KIND_AUDIO;
        w->out->format = w->format = MD_M4A;
    }
    w->out->note = MD_NOTE_NEEDS_FFMPEG; /* poster or waveform; the server tries that next */
}

static void probe_audio(struct work *w)
{
    uint64_t begin, end;
    int rc = BX_OK;
    w->out->has_audio = true;
    if (w->format == MD_OPUS)
        rc = box_opus_read(w->in_fd, w->out);
    else if (w->format == MD_WAV)
        rc = box_wav_read(w->in_fd, w->out);
    else if (w->format == MD_MP3 || w->format == MD_AAC || w->format == MD_AMR)
        rc = box_frames_read(w->in_fd, w->format, w->out, &begin, &end);
    w->out->note = rc < 0                 ? MD_NOTE_DAMAGED
                   : w->format == MD_OPUS ? MD_NOTE_NONE
                                          : MD_NOTE_NEEDS_FFMPEG;
}

static void probe_other(struct work *w)
{
    w->out->note = md_format_info(w->format)->demuxer[0] ? MD_NOTE_NEEDS_FFMPEG
                   : w->format == MD_PDF                 ? MD_NOTE_NEEDS_POPPLER
                                                         : MD_NOTE_NONE;
}

static const struct {
    enum md_format format;
    void (*probe)(struct work *w);
} probes[] = {
    {MD_JPEG, probe_picture},  {MD_PNG, probe_picture}, {MD_WEBP, probe_picture},
    {MD_GIF, probe_picture},   {MD_MP4, probe_mp4},     {MD_THREEGP, probe_mp4},
    {MD_QUICKTIME, probe_mp4}, {MD_M4A, probe_mp4},     {MD_OPUS, probe_audio},
    {MD_WAV, probe_audio},     {MD_MP3, probe_audio},   {MD_AAC, probe_audio},
    {MD_AMR, probe_audio},     {MD_OGG, probe_audio},   {MD_FLAC, probe_audio},
};

static void probe(struct work *w)
{
    for (size_t i = 0; i < BX_LEN(probes); i++) {
        if (probes[i].format == w->format) {
            probes[i].probe(w);
            return;
        }
    }
    probe_other(w);
}

void box_decode_probe(const struct md_request *request, int in_fd, int out_fd,
                      struct md_result *out, struct bx_buf *thumb, struct bx_buf *preview)
{
    struct work w = work_of(request, in_fd, out_fd, out, thumb, preview);
    probe(&w);
}

/* --- what is sent --- */

static int unchanged(struct work *w)
{
    w->out->is_unchanged = true;
    w->out->out_bytes = box_file_size(w->in_fd);
    return BX_OK;
}

static int written(struct work *w, struct bx_buf *file, enum md_format format)
{
    int rc = box_file_write(w->out_fd, bx_buf_view(file));
    w->out->out_bytes = file->len;
    w->out->format = format;
    return rc;
}

/* A photo becomes a JPEG; a picture that needs its transparency stays PNG as long as it fits. */
static int encode_picture(struct work *w, struct box_raster *r)
{
    static const int qualities[] = {90, 82, 70, 55, 40, 20, 0};
    struct bx_buf file;
    int rc;
    bx_buf_init(&file, 0);
    if (r->has_alpha && (rc = box_png_encode(r, &file)) >= 0 && file.len <= w->request->max_bytes) {
        rc = written(w, &file, MD_PNG);
    } else {
        bx_buf_clear(&file, 0);
        box_raster_flatten(r);
        rc = encode_to_fit(box_jpeg_encode, r, qualities, w->request->max_bytes, &file);
        if (rc >= 0)
            rc = written(w, &file, MD_JPEG);
    }
    bx_buf_done(&file);
    w->out->width = r->width;
    w->out->height = r->height;
    return rc;
}

/* The pixels as they are, if the file is small enough without what it carries besides. */
static int send_stripped(struct work *w, struct bx_str file, const struct box_picture *p)
{
    struct bx_buf bytes;
    bx_buf_init(&bytes, 0);
    int rc = box_picture_strip(file, p, &bytes);
    if (rc >= 0)
        rc = bytes.len <= w->request->max_bytes ? written(w, &bytes, p->format) : BX_E_TOO_BIG;
    bx_buf_done(&bytes);
    return rc;
}

static int send_picture(struct work *w, struct bx_str file, const struct box_picture *p)
{
    struct box_raster r = {0};
    uint32_t longest = p->width > p->height ? p->width : p->height;
    bool is_upright = p->orientation == 1 && longest <= w->request->max_px;
    int rc = box_picture_decode(file, p, w->request->max_px, &r);
    if (rc < 0)
        return rc; /* a file that shows nothing here shows nothing there */
    make_thumb(w, &r);
    make_preview(w, &r);
    describe_picture(w, p);
    rc = BX_E_TOO_BIG;
    if (is_upright && !p->has_metadata && file.len <= w->request->max_bytes)
        rc = unchanged(w);
    else if (is_upright)
        rc = send_stripped(w, file, p);
    if (rc == BX_E_TOO_BIG) {
        rc = encode_picture(w, &r);
        w->out->is_animated = false;
        w->out->duration_ms = 0;
    }
    box_raster_done(&r);
    return rc;
}

static int send_sticker(struct work *w, struct bx_str file, const struct box_picture *p)
{
    static const int qualities[] = {80, 60, 40, 20, 5, 0}, animated[] = {70, 40, 15, 5, 0};
    struct box_raster r = {0}, square = {0};
    struct bx_buf bytes;
    bool is_animated = p->frames > 1;
    size_t max = is_animated ? STICKER_ANIMATED_BYTES : STICKER_BYTES;
    bool is_fit = p->format == MD_WEBP && p->width == STICKER_PX && p->height == STICKER_PX &&
                  file.len <= max && p->orientation == 1;
    int rc = box_picture_decode(file, p, STICKER_PX, &r);
    if (rc < 0 || (rc = box_raster_center(&r, STICKER_PX, &square)) < 0) {
        box_raster_done(&r);
        return rc;
    }
    bx_buf_init(&bytes, 0);
    make_thumb(w, &square);
    describe_picture(w, p);
    w->out->width = w->out->height = STICKER_PX;
    if (is_fit && (!p->has_metadata || p->is_sticker_pack)) {
        rc = unchanged(w);
    } else {
        rc = BX_E_TOO_BIG;
        if (is_fit)
            rc = box_picture_strip(file, p, &bytes);
        for (size_t i = 0; is_animated && rc == BX_E_TOO_BIG && animated[i]; i++) {
            bx_buf_clear(&bytes, 0);
            rc = box_webp_animation(file, STICKER_PX, animated[i], &bytes);
            rc = rc >= 0 && bytes.len > max ? BX_E_TOO_BIG : rc;
        }
        if (!is_animated && rc == BX_E_TOO_BIG)
            rc = encode_to_fit(box_webp_encode, &square, qualities, max, &bytes);
        if (rc >= 0)
            rc = written(w, &bytes, MD_WEBP);
    }
    bx_buf_done(&bytes);
    box_raster_done(&r);
    box_raster_done(&square);
    return rc;
}

static int prepare_picture(struct work *w)
{
    struct bx_str file;
    struct box_picture p;
    if (w->format == MD_GIF || w->format == MD_BMP || w->format == MD_TIFF)
        return BX_E_AGAIN;
    int rc = box_file_map(w->in_fd, BOX_PICTURE_FILE_MAX, &file);
    if (rc < 0)
        return fail(w, rc, note_of(rc));
    rc = box_picture_read(file, &p);
    if (rc >= 0)
        rc = w->request->kind == MD_KIND_STICKER ? send_sticker(w, file, &p)
                                                 : send_picture(w, file, &p);
    if (rc < 0)
        fail(w, rc, rc == BX_E_UNSUPPORTED ? MD_NOTE_NOT_A_PICTURE : note_of(rc));
    box_file_unmap(file);
    return rc;
}

static int strip_mp4(struct work *w, const struct box_mp4 *mp4)
{
    if (mp4->metadata_count == 0)
        return unchanged(w);
    w->out->out_bytes = box_file_size(w->in_fd);
    return box_mp4_strip(w->in_fd, mp4, w->out_fd);
}

static bool is_square(const struct box_mp4 *mp4)
{
    return mp4->width == mp4->height;
}

static int prepare_video(struct work *w)
{
    struct box_mp4 mp4;
    bool is_mp4 = w->format == MD_MP4 || w->format == MD_THREEGP;
    if (!is_mp4 && !md_format_info(w->format)->demuxer[0])
        return fail(w, BX_E_UNSUPPORTED, MD_NOTE_NOT_A_VIDEO);
    if (is_mp4 && box_mp4_read(w->in_fd, &mp4) < 0)
        return fail(w, BX_E_INVALID, MD_NOTE_DAMAGED);
    if (!is_mp4 || strcmp(mp4.video_codec, "avc1") != 0 || mp4.other_tracks ||
        (w->request->kind == MD_KIND_GIF && mp4.audio_codec[0]) ||
        (w->request->kind == MD_KIND_PTV && !is_square(&mp4)))
        return BX_E_AGAIN;
    probe_mp4(w);
    return strip_mp4(w, &mp4);
}

static int prepare_voice(struct work *w)
{
    if (w->format == MD_OPUS) {
        probe_audio(w);
        return w->out->note == MD_NOTE_DAMAGED ? fail(w, BX_E_INVALID, MD_NOTE_DAMAGED)
                                               : unchanged(w);
    }
    if (w->format == MD_WAV) {
        int rc = box_wav_to_opus(w->in_fd, w->out_fd, w->request->kind == MD_KIND_VOICE);
        if (rc == BX_E_UNSUPPORTED)
            return BX_E_AGAIN;
        if (rc < 0)
            return fail(w, rc, note_of(rc));
        w->out->format = MD_OPUS;
        w->out->has_audio = true;
        w->out->out_bytes = box_file_size(w->out_fd);
        return box_opus_read(w->out_fd, w->out);
    }
    return md_format_info(w->format)->demuxer[0] ? BX_E_AGAIN
                                                 : fail(w, BX_E_UNSUPPORTED, MD_NOTE_NOT_AUDIO);
}

static int prepare_frames(struct work *w)
{
    uint64_t begin = 0, end = 0;
    if (box_frames_read(w->in_fd, w->format, w->out, &begin, &end) < 0)
        return fail(w, BX_E_INVALID, MD_NOTE_DAMAGED);
    w->out->has_audio = true;
    w->out->note = MD_NOTE_NEEDS_FFMPEG;
    if (begin == 0 && end == box_file_size(w->in_fd))
        return unchanged(w);
    w->out->out_bytes = end - begin;
    return box_file_copy(w->in_fd, begin, end, w->out_fd);
}

static int prepare_audio(struct work *w)
{
    struct box_mp4 mp4;
    if (w->format == MD_MP3 || w->format == MD_AAC || w->format == MD_AMR)
        return prepare_frames(w);
    if (w->format != MD_M4A)
        return prepare_voice(w);
    if (box_mp4_read(w->in_fd, &mp4) < 0)
        return fail(w, BX_E_INVALID, MD_NOTE_DAMAGED);
    probe_mp4(w);
    return strip_mp4(w, &mp4);
}

static int prepare_document(struct work *w)
{
    probe(w);
    w->out->kind = MD_KIND_DOCUMENT;
    return unchanged(w);
}

static int (*const prepares[MD_KIND_COUNT])(struct work *w) = {
    [MD_KIND_DOCUMENT] = prepare_document, [MD_KIND_IMAGE] = prepare_picture,
    [MD_KIND_STICKER] = prepare_picture,   [MD_KIND_VIDEO] = prepare_video,
    [MD_KIND_GIF] = prepare_video,         [MD_KIND_PTV] = prepare_video,
    [MD_KIND_AUDIO] = prepare_audio,       [MD_KIND_VOICE] = prepare_voice,
};

void box_decode_prepare(const struct md_request *request, int in_fd, int out_fd,
                        struct md_result *out, struct bx_buf *thumb, struct bx_buf *preview)
{
    struct work w = work_of(request, in_fd, out_fd, out, thumb, preview);
    out->kind = request->kind;
    int rc = prepares[request->kind](&w);
    out->rc = rc;
    if (rc == BX_E_AGAIN)
        out->note = MD_NOTE_NEEDS_FFMPEG;
    else if (rc < 0 && out->note == MD_NOTE_NONE)
        out->note = note_of(rc);
}

/* --- what tools have made --- */

void box_decode_pcm(const struct md_request *request, int in_fd, int out_fd, struct md_result *out,
                    struct bx_buf *thumb, struct bx_buf *preview)
{
    (void)request, (void)out_fd, (void)thumb, (void)preview;
    out->rc = box_pcm_read(in_fd, BOX_PCM_RATE, out);
}

void box_decode_pages(const struct md_request *request, int in_fd, int out_fd,
                      struct md_result *out, struct bx_buf *thumb, struct bx_buf *preview)
{
    struct bx_str text, line;
    uint64_t pages;
    (void)request, (void)out_fd, (void)thumb, (void)preview;
    out->rc = box_file_map(in_fd, PDFINFO_MAX, &text);
    if (out->rc < 0)
        return;
    out->rc = BX_E_INVALID;
    while (bx_str_split(&text, '\n', &line)) {
        struct bx_str value = bx_str_trim(bx_str_slice(line, 6, line.len));
        if (bx_str_starts(line, BX_STR("Pages:")) && bx_str_u64(value, PAGES_MAX, &pages) >= 0) {
            out->pages = (uint32_t)pages;
            out->rc = BX_OK;
        }
    }
}

void box_decode_prove(const struct md_request *request, int in_fd, int out_fd,
                      struct md_result *out, struct bx_buf *thumb, struct bx_buf *preview)
{
    (void)request, (void)in_fd, (void)out_fd, (void)thumb, (void)preview;
    out->proof = box_sandbox_prove();
}
