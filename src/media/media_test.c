/* The whole road: a file of a stranger, the runner, the helper program in its box, the result. This
 * program is also its own bad helper: started as wabox-media it hangs, dies, floods or talks
 * nonsense. */
#include "media/media.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/test.h"
#include "media/box/picture.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define FILE_MAX (1 << 20)

static const char *program; /* wabox-media */
static const char *corpus;

struct bench {
    struct net_loop *loop;
    struct md_runner *runner;
    struct md_result result;
    struct bx_buf output; /* bytes of the output, or of the input when it is sent unchanged */
    uint8_t thumb[MD_THUMB_MAX];
    bool is_done;
};

static void bench_open(struct bench *b, const struct md_runner_opts *opts)
{
    struct md_runner_opts o = *opts;
    o.program = o.program ? o.program : program;
    *b = (struct bench){0};
    bx_buf_init(&b->output, 0);
    assert_rc(net_loop_new(&b->loop), BX_OK);
    assert_rc(md_runner_new(b->loop, &o, &b->runner), BX_OK);
}

static void on_idle(void *arg)
{
    (void)arg;
}

static void bench_close(struct bench *b)
{
    md_runner_close(b->runner);
    net_loop_call_later(b->loop, on_idle, NULL);
    net_loop_run(b->loop);
    net_loop_free(b->loop);
    bx_buf_done(&b->output);
}

static int file_of(struct bx_str bytes)
{
    int fd = memfd_create("test", MFD_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes.ptr, bytes.len), bytes.len);
    return fd;
}

static void read_all(int fd, struct bx_buf *out)
{
    uint8_t block[4096];
    ssize_t n;
    off_t at = 0;
    bx_buf_clear(out, 0);
    while ((n = pread(fd, block, sizeof block, at)) > 0) {
        bx_buf_append(out, block, (size_t)n);
        at += n;
    }
}

static struct bx_buf corpus_file(const char *name)
{
    char path[4096];
    struct bx_buf b;
    bx_buf_init(&b, 0);
    snprintf(path, sizeof path, "%s/%s", corpus, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    read_all(fd, &b);
    close(fd);
    return b;
}

static void on_result(const struct md_result *result, void *arg)
{
    struct bench *b = arg;
    b->result = *result;
    if (result->thumb.len)
        memcpy(b->thumb, result->thumb.ptr, result->thumb.len);
    b->result.thumb.ptr = (const char *)b->thumb;
    b->result.preview.ptr = NULL;
    b->is_done = true;
    net_loop_stop(b->loop);
}

/* One job from begin to end. */
static const struct md_result *run(struct bench *b, enum md_op op, enum md_kind kind,
                                   struct bx_str file)
{
    int in = file_of(file), out = memfd_create("out", MFD_CLOEXEC);
    struct md_job job = {.op = op, .kind = kind, .key = 1, .in_fd = in, .out_fd = out};
    b->is_done = false;
    assert_rc(md_run(b->runner, &job, on_result, b, NULL), BX_OK);
    assert_false(b->is_done);
    net_loop_run(b->loop);
    assert_true(b->is_done);
    read_all(b->result.is_unchanged ? in : out, &b->output);
    close(in);
    close(out);
    return &b->result;
}

static bool has_bytes(const struct bx_buf *b, const char *text)
{
    return b->len && memmem(b->data, b->len, text, strlen(text)) != NULL;
}

/* --- pictures --- */

static struct box_raster picture(uint32_t width, uint32_t height, bool has_alpha)
{
    struct box_raster r;
    assert_rc(box_raster_init(&r, width, height), BX_OK);
    for (uint32_t y = 0; y < height; y++) {
        for (uint32_t x = 0; x < width; x++) {
            uint8_t p[4] = {(uint8_t)(x < width / 2 ? 250 : 5), (uint8_t)(y < height / 2 ? 250 : 5),
                            40, has_alpha && x == 0 ? 0 : 255};
            memcpy(r.rgba + ((size_t)y * width + x) * 4, p, 4);
        }
    }
    r.has_alpha = has_alpha;
    return r;
}

static struct bx_buf jpeg(uint32_t width, uint32_t height)
{
    struct bx_buf b;
    struct box_raster r = picture(width, height, false);
    bx_buf_init(&b, 0);
    assert_rc(box_jpeg_encode(&r, 90, &b), BX_OK);
    box_raster_done(&r);
    return b;
}

static struct bx_buf png(uint32_t width, uint32_t height, bool has_alpha)
{
    struct bx_buf b;
    struct box_raster r = picture(width, height, has_alpha);
    bx_buf_init(&b, 0);
    assert_rc(box_png_encode(&r, &b), BX_OK);
    box_raster_done(&r);
    return b;
}

static void insert(struct bx_buf *b, size_t at, const void *bytes, size_t len)
{
    assert_rc(bx_buf_reserve(b, len), BX_OK);
    memmove(b->data + at + len, b->data + at, b->len - at);
    memcpy(b->data + at, bytes, len);
    b->len += len;
}

/* A camera's EXIF: the orientation, and a text that stands for the place. */
static void add_exif(struct bx_buf *jpeg_file, uint8_t orientation)
{
    uint8_t exif[] = "\xff\xe1\0\x34"
                     "Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x01\0\0\0\0\0\0\0"
                     "GPSPLACE-6.2,106.8";
    exif[28] = orientation;
    exif[3] = (uint8_t)(sizeof exif - 1 - 2);
    insert(jpeg_file, 2, exif, sizeof exif - 1);
}

TEST(a_clean_picture_is_sent_as_it_is)
{
    struct bench b;
    bench_open(&b, &(struct md_runner_opts){0});
    struct bx_buf files[] = {jpeg(800, 600), png(300, 200, true)};
    for (size_t i = 0; i < BX_LEN(files); i++) {
        const struct md_result *r = run(&b, MD_PREPARE, MD_KIND_IMAGE, bx_buf_view(&files[i]));
        assert_rc(r->rc, BX_OK);
        assert_true(r->is_unchanged);
        assert_int_equal(r->out_bytes, files[i].len);
        assert_int_equal(r->width, i ? 300 : 800);
        assert_true(r->thumb.len > 0);
        assert_int_equal(r->thumb_format, i ? MD_WEBP : MD_JPEG);
        assert_int_equal(r->thumb_width, i ? 300 : 480);
        bx_buf_done(&files[i]);
    }
    bench_close(&b);
}

TEST(the_place_goes_and_the_pixels_stay)
{
    struct bench b;
    struct bx_buf clean = jpeg(800, 600), file = jpeg(800, 600);
    bench_open(&b, &(struct md_runner_opts){0});
    add_exif(&file, 1);
    bx_buf_lit(&file, "<html>behind the end</html>");
    const struct md_result *r = run(&b, MD_PREPARE, MD_KIND_IMAGE, bx_buf_view(&file));
    assert_rc(r->rc, BX_OK);
    assert_false(r->is_unchanged);
    assert_int_equal(b.output.len, clean.len);
    assert_memory_equal(b.output.data, clean.data, clean.len);
    bx_buf_done(&clean);
    bx_buf_done(&file);
    bench_close(&b);
}

TEST(a_turned_photo_is_sent_upright)
{
    struct bench b;
    struct box_picture p;
    struct box_raster shown;
    struct bx_buf file = jpeg(400, 200);
    bench_open(&b, &(struct md_runner_opts){0});
    add_exif(&file, 6);
    const struct md_result *r = run(&b, MD_PROBE, MD_KIND_DOCUMENT, bx_buf_view(&file));
    assert_int_equal(r->width, 200);
    assert_int_equal(r->thumb_height, 400);
    r = run(&b, MD_PREPARE, MD_KIND_IMAGE, bx_buf_view(&file));
    assert_rc(r->rc, BX_OK);
    assert_int_equal(r->width, 200);
    assert_int_equal(r->height, 400);
    assert_false(has_bytes(&b.output, "GPSPLACE"));
    assert_rc(box_picture_read(bx_buf_view(&b.output), &p), BX_OK);
    assert_int_equal(p.orientation, 1);
    assert_int_equal(p.width, 200);
    assert_rc(box_picture_decode(bx_buf_view(&b.output), &p, 1600, &shown), BX_OK);
    assert_true(shown.rgba[199 * 4] > 230 && shown.rgba[0] > 230 && shown.rgba[0 + 1] < 30);
    box_raster_done(&shown);
    bx_buf_done(&file);
    bench_close(&b);
}

TEST(a_large_picture_is_scaled)
{
    struct bench b;
    bench_open(&b, &(struct md_runner_opts){0});
    struct {
        struct bx_buf file;
        enum md_format format;
    } rows[] = {{jpeg(4000, 3000), MD_JPEG},
                {png(2000, 1500, false), MD_JPEG},
                {png(2000, 1500, true), MD_PNG}};
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        struct box_picture p;
        const struct md_result *r = run(&b, MD_PREPARE, MD_KIND_IMAGE, bx_buf_view(&rows[i].file));
        assert_rc(r->rc, BX_OK);
        assert_int_equal(r->format, rows[i].format);
        assert_rc(box_picture_read(bx_buf_view(&b.output), &p), BX_OK);
        assert_int_equal(p.width, 1600);
        assert_int_equal(p.height, 1200);
        assert_int_equal(r->width, 1600);
        assert_int_equal(r->out_bytes, b.output.len);
        bx_buf_done(&rows[i].file);
    }
    bench_close(&b);
}

TEST(texts_leave_png_and_webp)
{
    struct bench b;
    struct bx_buf file = png(100, 100, true), sticker = corpus_file("st.webp");
    bench_open(&b, &(struct md_runner_opts){0});
    insert(&file, 33, "\0\0\0\x08tEXtGPSPLACE\0\0\0\0", 20);
    const struct md_result *r = run(&b, MD_PREPARE, MD_KIND_IMAGE, bx_buf_view(&file));
    assert_rc(r->rc, BX_OK);
    assert_false(r->is_unchanged);
    assert_false(has_bytes(&b.output, "GPSPLACE"));
    assert_int_equal(b.output.len, file.len - 20);

    bx_buf_lit(&sticker, "XMP \x08\0\0\0GPSPLACE");
    sticker.data[4] = (uint8_t)(sticker.data[4] + 16);
    r = run(&b, MD_PREPARE, MD_KIND_IMAGE, bx_buf_view(&sticker));
    assert_rc(r->rc, BX_OK);
    assert_false(has_bytes(&b.output, "GPSPLACE"));
    assert_int_equal(b.output.len, sticker.len - 16);
    bx_buf_done(&file);
    bx_buf_done(&sticker);
    bench_close(&b);
}

TEST(a_sticker_is_a_square_of_512)
{
    struct bench b;
    struct bx_buf photo = jpeg(900, 300), still = corpus_file("st.webp"),
                  animated = corpus_file("anim.webp");
    bench_open(&b, &(struct md_runner_opts){0});
    const struct md_result *r = run(&b, MD_PREPARE, MD_KIND_STICKER, bx_buf_view(&photo));
    struct box_picture p;
    assert_rc(r->rc, BX_OK);
    assert_rc(box_picture_read(bx_buf_view(&b.output), &p), BX_OK);
    assert_true(p.format == MD_WEBP && p.width == 512 && p.height == 512);
    assert_true(b.output.len <= 100 << 10);
    assert_true(run(&b, MD_PREPARE, MD_KIND_STICKER, bx_buf_view(&still))->is_unchanged);
    r = run(&b, MD_PREPARE, MD_KIND_STICKER, bx_buf_view(&animated));
    assert_true(r->is_unchanged && r->is_animated);
    bx_buf_lit(&animated, "junk"); /* no longer as it should be: written anew, still moving */
    r = run(&b, MD_PREPARE, MD_KIND_STICKER, bx_buf_view(&animated));
    assert_rc(r->rc, BX_OK);
    assert_true(!r->is_unchanged && r->is_animated);
    assert_rc(box_picture_read(bx_buf_view(&b.output), &p), BX_OK);
    assert_true(p.frames > 1 && !p.has_metadata);
    bx_buf_done(&photo);
    bx_buf_done(&still);
    bx_buf_done(&animated);
    bench_close(&b);
}

/* --- recordings and films --- */

TEST(a_recording_becomes_a_voice_note_without_any_tool)
{
    struct bench b;
    struct bx_buf wav = corpus_file("tone.wav"), note = corpus_file("note.ogg");
    bench_open(&b, &(struct md_runner_opts){.tool_paths = "/nonexistent"});
    const struct md_result *r = run(&b, MD_PREPARE, MD_KIND_VOICE, bx_buf_view(&wav));
    assert_rc(r->rc, BX_OK);
    assert_int_equal(r->format, MD_OPUS);
    assert_in_range(r->duration_ms, 480, 520);
    assert_true(r->has_waveform);
    assert_int_equal(md_sniff(b.output.data, b.output.len), MD_OPUS);

    r = run(&b, MD_PREPARE, MD_KIND_VOICE, bx_buf_view(&note));
    assert_rc(r->rc, BX_OK);
    assert_true(r->is_unchanged && r->has_waveform);
    assert_in_range(r->duration_ms, 990, 1010);
    /* A tone that grows from a fifth to full loudness, as another client's decoder has it. */
    assert_in_range(r->waveform[0], 18, 22);
    assert_in_range(r->waveform[31], 56, 61);
    assert_int_equal(r->waveform[63], 100);
    bx_buf_done(&wav);
    bx_buf_done(&note);
    bench_close(&b);
}

TEST(tags_leave_an_mp3)
{
    struct bench b;
    struct bx_buf file = corpus_file("tone.mp3");
    bench_open(&b, &(struct md_runner_opts){.tool_paths = "/nonexistent"});
    assert_memory_equal(file.data, "ID3", 3);
    const struct md_result *r = run(&b, MD_PREPARE, MD_KIND_AUDIO, bx_buf_view(&file));
    assert_rc(r->rc, BX_OK);
    assert_in_range(r->duration_ms, 450, 700);
    assert_int_equal(md_sniff(b.output.data, b.output.len), MD_MP3);
    assert_false(has_bytes(&b.output, "ID3"));
    assert_true(b.output.len < file.len);
    bx_buf_done(&file);
    bench_close(&b);
}

TEST(the_place_leaves_a_film_and_its_samples_stay)
{
    struct bench b;
    struct bx_buf file = corpus_file("vid.mp4");
    bench_open(&b, &(struct md_runner_opts){.tool_paths = "/nonexistent"});
    uint8_t *udta = memmem(file.data, file.len, "udta", 4);
    assert_non_null(udta);
    memcpy(udta + 4 + 4, "\xa9xyzGPSPLACE", 12); /* inside the box that says who made the film */
    const struct md_result *r = run(&b, MD_PREPARE, MD_KIND_VIDEO, bx_buf_view(&file));
    assert_rc(r->rc, BX_OK);
    assert_int_equal(r->width, 64);
    assert_int_equal(r->height, 48);
    assert_in_range(r->duration_ms, 900, 1100);
    assert_true(r->has_audio);
    assert_false(has_bytes(&b.output, "GPSPLACE"));
    assert_int_equal(b.output.len, file.len);
    assert_int_equal(r->note, MD_NOTE_NEEDS_FFMPEG); /* for the poster */
    r = run(&b, MD_PREPARE, MD_KIND_VIDEO, bx_str_n(b.output.data, b.output.len));
    bx_buf_done(&file);
    bench_close(&b);
}

TEST(what_is_missing_is_named)
{
    static const struct {
        const char *file;
        enum md_kind kind;
        int rc;
        enum md_note note;
    } rows[] = {
        {"anim.gif", MD_KIND_GIF, BX_E_UNSUPPORTED, MD_NOTE_NEEDS_FFMPEG},
        {"clip.webm", MD_KIND_VIDEO, BX_E_UNSUPPORTED, MD_NOTE_NEEDS_FFMPEG},
        {"tone.flac", MD_KIND_VOICE, BX_E_UNSUPPORTED, MD_NOTE_NEEDS_FFMPEG},
        {"doc.pdf", MD_KIND_DOCUMENT, BX_OK, MD_NOTE_NEEDS_POPPLER},
    };
    struct bench b;
    bench_open(&b, &(struct md_runner_opts){.tool_paths = "/nonexistent"});
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        struct bx_buf file = corpus_file(rows[i].file);
        const struct md_result *r = run(&b, MD_PREPARE, rows[i].kind, bx_buf_view(&file));
        assert_why(r->rc == rows[i].rc && r->note == rows[i].note, rows[i].file);
        assert_non_null(strstr(md_note_text(r->note), "Install"));
        bx_buf_done(&file);
    }
    bench_close(&b);
}

TEST(tools_convert_inside_the_box)
{
    static const struct {
        const char *file;
        enum md_kind kind;
        enum md_format format;
        bool has_thumb, has_waveform;
    } rows[] = {
        {"anim.gif", MD_KIND_GIF, MD_MP4, true, false},
        {"clip.webm", MD_KIND_VIDEO, MD_MP4, true, false},
        {"clip.mov", MD_KIND_VIDEO, MD_MP4, true, false},
        {"vid.mp4", MD_KIND_VIDEO, MD_MP4, true, false},
        {"vid.mp4", MD_KIND_PTV, MD_MP4, true, false},
        {"tone.flac", MD_KIND_VOICE, MD_OPUS, false, true},
        {"tone.mp3", MD_KIND_VOICE, MD_OPUS, false, true},
        {"tone.mp3", MD_KIND_AUDIO, MD_MP3, false, true},
        {"anim.gif", MD_KIND_IMAGE, MD_PNG, true, false},
        {"anim.gif", MD_KIND_STICKER, MD_WEBP, true, false},
    };
    struct bench b;
    if (access("/usr/bin/ffmpeg", X_OK) < 0)
        skip();
    bench_open(&b, &(struct md_runner_opts){0});
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        struct bx_buf file = corpus_file(rows[i].file);
        const struct md_result *r = run(&b, MD_PREPARE, rows[i].kind, bx_buf_view(&file));
        assert_why(r->rc == BX_OK && r->note == MD_NOTE_NONE, rows[i].file);
        assert_why(r->format == rows[i].format, rows[i].file);
        assert_why(md_sniff(b.output.data, b.output.len) == rows[i].format, rows[i].file);
        assert_why((r->thumb.len > 0) == rows[i].has_thumb, rows[i].file);
        assert_why(r->has_waveform == rows[i].has_waveform, rows[i].file);
        assert_why(!has_bytes(&b.output, "06.2-106.8"), rows[i].file);
        bx_buf_done(&file);
    }
    bench_close(&b);
}

TEST(the_pages_of_a_paper_are_counted_and_the_first_is_shown)
{
    struct bench b;
    if (access("/usr/bin/pdfinfo", X_OK) < 0)
        skip();
    bench_open(&b, &(struct md_runner_opts){0});
    struct bx_buf file = corpus_file("doc.pdf");
    const struct md_result *r = run(&b, MD_PROBE, MD_KIND_DOCUMENT, bx_buf_view(&file));
    assert_rc(r->rc, BX_OK);
    assert_int_equal(r->pages, 1);
    assert_true(r->thumb.len > 0);
    bx_buf_done(&file);
    bench_close(&b);
}

/* --- hostile files --- */

static struct bx_buf bomb_png(void)
{
    struct bx_buf b = png(8, 8, false);
    memcpy(b.data + 16, "\0\0\xff\xff\0\0\xff\xff", 8); /* 65535 x 65535 */
    return b;
}

static struct bx_buf bomb_jpeg(void)
{
    struct bx_buf b = jpeg(8, 8);
    uint8_t *frame = memmem(b.data, b.len, "\xff\xc0", 2);
    assert_non_null(frame);
    memcpy(frame + 5, "\xff\xff\xff\xff", 4);
    return b;
}

TEST(a_bomb_is_refused_by_its_header)
{
    struct bench b;
    struct bx_buf bombs[] = {bomb_png(), bomb_jpeg()};
    bench_open(&b, &(struct md_runner_opts){0});
    for (size_t i = 0; i < BX_LEN(bombs); i++) {
        const struct md_result *r = run(&b, MD_PREPARE, MD_KIND_IMAGE, bx_buf_view(&bombs[i]));
        assert_rc(r->rc, BX_E_TOO_BIG);
        assert_int_equal(r->note, MD_NOTE_TOO_LARGE);
        r = run(&b, MD_PROBE, MD_KIND_DOCUMENT, bx_buf_view(&bombs[i]));
        assert_rc(r->rc, BX_OK); /* the file is kept, without a thumbnail */
        assert_int_equal(r->thumb.len, 0);
        bx_buf_done(&bombs[i]);
    }
    bench_close(&b);
}

TEST(what_is_no_picture_is_not_sent_as_one)
{
    static const struct {
        struct bx_str file;
        const char *why;
    } rows[] = {
        {{"<svg onload=alert(1)>", 21}, "SVG"},
        {{"<html><script>1</script>", 24}, "HTML"},
        {{"%PDF-1.4\n%%EOF", 14}, "PDF"},
        {{"GIF89a/*<script>*/=1;", 21}, "a script that begins like a GIF"},
        {{"\xff\xd8\xff\xfe\0\x10<script>alert(1)", 22}, "markup in a comment of no JPEG"},
        {{"BM<script>alert(1)</script>", 27}, "a script that begins like a BMP"},
        {{"RIFF\xff\xff\xff\xffWEBPVP8 ", 16}, "a WebP that is cut"},
        {{"\x89PNG\r\n\x1a\n", 8}, "only a signature"},
        {{"", 0}, "nothing"},
    };
    struct bench b;
    bench_open(&b, &(struct md_runner_opts){0});
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        const struct md_result *r = run(&b, MD_PREPARE, MD_KIND_IMAGE, rows[i].file);
        assert_why(r->rc < 0 && r->rc != BX_E_CORRUPT && r->note != MD_NOTE_NONE, rows[i].why);
        r = run(&b, MD_PROBE, MD_KIND_DOCUMENT, rows[i].file);
        assert_why(r->rc == BX_OK && r->thumb.len == 0, rows[i].why);
    }
    bench_close(&b);
}

TEST(a_file_that_is_cut_anywhere_is_survived)
{
    static const char *const names[] = {"img.jpg",  "pic.png",  "st.webp", "anim.webp", "note.ogg",
                                        "tone.wav", "tone.mp3", "vid.mp4", "tone.aac",  "anim.gif"};
    struct bench b;
    bench_open(&b, &(struct md_runner_opts){.tool_paths = "/nonexistent"});
    for (size_t i = 0; i < BX_LEN(names); i++) {
        struct bx_buf file = corpus_file(names[i]);
        for (size_t cut = 0; cut < 12; cut++) {
            size_t len = cut < 4 ? 10 + cut * 9 : file.len * cut / 12;
            enum md_kind kind =
                cut % 2 ? md_format_info(md_sniff(file.data, file.len))->kind : MD_KIND_DOCUMENT;
            const struct md_result *r =
                run(&b, cut % 2 ? MD_PREPARE : MD_PROBE, kind, bx_str_n(file.data, len));
            assert_why(r->rc != BX_E_CORRUPT && r->rc != BX_E_TIMEOUT, names[i]);
        }
        bx_buf_done(&file);
    }
    bench_close(&b);
}

/* --- walls --- */

TEST(a_decoder_can_open_nothing_and_start_nothing)
{
    struct bench b;
    bench_open(&b, &(struct md_runner_opts){0});
    const struct md_result *r = run(&b, MD_PROVE, MD_KIND_DOCUMENT, BX_STR("x"));
    assert_rc(r->rc, BX_OK);
    assert_int_equal(r->proof, 0);
    assert_true(r->layers & MD_LAYER_SECCOMP);
    assert_true(r->layers & MD_LAYER_NO_NEW_PRIVS);
    assert_true(r->layers & MD_LAYER_RLIMITS);
    assert_int_equal(md_runner_stats(b.runner).layers, r->layers);
    bench_close(&b);
}

static unsigned open_descriptors(void)
{
    unsigned count = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

TEST(a_helper_that_misbehaves_is_a_failed_job)
{
    static const struct {
        const char *mood;
        int rc;
    } rows[] = {
        {"hang", BX_E_TIMEOUT},     {"crash", BX_E_CORRUPT},   {"flood", BX_E_CORRUPT},
        {"nonsense", BX_E_CORRUPT}, {"silence", BX_E_CORRUPT}, {"leave", BX_E_CORRUPT},
    };
    unsigned before = open_descriptors();
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        struct bench b;
        bench_open(&b, &(struct md_runner_opts){.program = "/proc/self/exe",
                                                .tool_paths = rows[i].mood,
                                                .timeout_ms = i == 0 ? 100 : 20000});
        const struct md_result *r = run(&b, MD_PROBE, MD_KIND_DOCUMENT, BX_STR("x"));
        assert_why(r->rc == rows[i].rc, rows[i].mood);
        assert_int_equal(md_runner_stats(b.runner).failed, 1);
        bench_close(&b);
    }
    struct bench b;
    bench_open(&b, &(struct md_runner_opts){.program = "/nonexistent/wabox-media"});
    assert_rc(run(&b, MD_PROBE, MD_KIND_DOCUMENT, BX_STR("x"))->rc, BX_E_NOT_FOUND);
    bench_close(&b);
    assert_int_equal(open_descriptors(), before);
}

/* --- the queue --- */

struct order {
    struct bench *bench;
    char text[64];
    unsigned left;
};

struct ticket {
    struct order *order;
    char name;
};

static void on_ticket(const struct md_result *r, void *arg)
{
    struct ticket *t = arg;
    size_t len = strlen(t->order->text);
    t->order->text[len] = r->rc == BX_E_CLOSED ? '!' : t->name;
    if (--t->order->left == 0 && r->rc != BX_E_CLOSED)
        net_loop_stop(t->order->bench->loop);
}

TEST(numbers_take_turns)
{
    struct bench b;
    struct order order = {.bench = &b, .left = 9};
    struct ticket tickets[9];
    int fd = file_of(BX_STR("x"));
    bench_open(&b, &(struct md_runner_opts){.max_running = 1});
    for (size_t i = 0; i < 9; i++) {
        tickets[i] = (struct ticket){&order, i < 6 ? 'a' : i < 8 ? 'b' : 'c'};
        struct md_job job = {
            .op = MD_PROBE, .key = (uint64_t)tickets[i].name, .in_fd = fd, .out_fd = -1};
        assert_rc(md_run(b.runner, &job, on_ticket, &tickets[i], NULL), BX_OK);
    }
    net_loop_run(b.loop);
    assert_string_equal(order.text, "abcabaaaa");
    close(fd);
    bench_close(&b);
}

TEST(the_queue_is_bounded_and_closing_answers_everybody)
{
    struct bench b;
    struct order order = {.bench = &b, .left = 100};
    struct ticket ticket = {&order, 'x'};
    struct md_task *task;
    int fd = file_of(BX_STR("x"));
    bench_open(&b, &(struct md_runner_opts){.max_queued = 5, .max_queued_per_key = 3});
    struct md_job job = {.op = MD_PROBE, .key = 1, .in_fd = fd, .out_fd = -1};
    for (unsigned i = 0; i < 3; i++)
        assert_rc(md_run(b.runner, &job, on_ticket, &ticket, &task), BX_OK);
    assert_rc(md_run(b.runner, &job, on_ticket, &ticket, NULL), BX_E_FULL);
    job.key = 2;
    assert_rc(md_run(b.runner, &job, on_ticket, &ticket, NULL), BX_OK);
    assert_rc(md_run(b.runner, &job, on_ticket, &ticket, NULL), BX_OK);
    assert_rc(md_run(b.runner, &job, on_ticket, &ticket, NULL), BX_E_FULL);
    job.op = MD_PREPARE;
    assert_rc(md_run(b.runner, &job, on_ticket, &ticket, NULL), BX_E_INVALID);
    md_task_cancel(task);
    assert_int_equal(md_runner_stats(b.runner).queued, 4);
    bench_close(&b);
    assert_string_equal(order.text, "!!!!");
    close(fd);
}

/* --- as a helper --- */

static int misbehave(const char *mood)
{
    char block[4096] = {0};
    if (strcmp(mood, "hang") == 0)
        pause();
    if (strcmp(mood, "crash") == 0)
        raise(SIGABRT);
    if (strcmp(mood, "nonsense") == 0)
        return write(3, "HTTP/1.1 200 OK\r\n\r\n", 19) < 0;
    if (strcmp(mood, "leave") == 0 && fork() == 0) { /* a grandchild that keeps the channel */
        pause();
        return 1;
    }
    while (strcmp(mood, "flood") == 0 && write(3, block, sizeof block) > 0)
        ;
    return 0;
}

int main(int argc, char **argv)
{
    if (argc == 2 && strncmp(argv[1], "--tools=", 8) == 0)
        return misbehave(argv[1] + 8);
    if (argc != 3)
        return 2;
    program = argv[1];
    corpus = argv[2];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_clean_picture_is_sent_as_it_is),
        cmocka_unit_test(the_place_goes_and_the_pixels_stay),
        cmocka_unit_test(a_turned_photo_is_sent_upright),
        cmocka_unit_test(a_large_picture_is_scaled),
        cmocka_unit_test(texts_leave_png_and_webp),
        cmocka_unit_test(a_sticker_is_a_square_of_512),
        cmocka_unit_test(a_recording_becomes_a_voice_note_without_any_tool),
        cmocka_unit_test(tags_leave_an_mp3),
        cmocka_unit_test(the_place_leaves_a_film_and_its_samples_stay),
        cmocka_unit_test(what_is_missing_is_named),
        cmocka_unit_test(tools_convert_inside_the_box),
        cmocka_unit_test(the_pages_of_a_paper_are_counted_and_the_first_is_shown),
        cmocka_unit_test(a_bomb_is_refused_by_its_header),
        cmocka_unit_test(what_is_no_picture_is_not_sent_as_one),
        cmocka_unit_test(a_file_that_is_cut_anywhere_is_survived),
        cmocka_unit_test(a_decoder_can_open_nothing_and_start_nothing),
        cmocka_unit_test(a_helper_that_misbehaves_is_a_failed_job),
        cmocka_unit_test(numbers_take_turns),
        cmocka_unit_test(the_queue_is_bounded_and_closing_answers_everybody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
