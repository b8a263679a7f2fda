/* JPEG. The marker walk is ours, because it says what may stay in a file that is sent; pixels are
 * libjpeg-turbo's, with its DCT scaling, so that a photo of 50 megapixels never stands in memory
 * whole. libjpeg reports errors by a call that must not return; a longjmp leaves it. */
#include "media/box/picture.h"

#include "base/err.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>

#include <jpeglib.h>

enum {
    MARKER_SOI = 0xd8,
    MARKER_EOI = 0xd9,
    MARKER_SOS = 0xda,
    MARKER_COM = 0xfe,
    MAX_SCANS = 100,
    MAX_WARNINGS = 1000
};

/* --- markers --- */

struct segment {
    uint8_t marker;
    size_t at, len; /* with its 0xff and marker byte; of SOS: with the coded data behind it */
};

static bool is_standalone(uint8_t marker)
{
    return marker == 0x01 || (marker >= 0xd0 && marker <= MARKER_EOI);
}

/* End of the entropy-coded data that begins at `at`: the next real marker. */
static size_t coded_end(struct bx_str file, size_t at)
{
    while (at + 1 < file.len) {
        const char *ff = memchr(file.ptr + at, 0xff, file.len - at - 1);
        if (!ff)
            break;
        at = (size_t)(ff - file.ptr);
        uint8_t next = (uint8_t)file.ptr[at + 1];
        if (next != 0 && next != 0xff && !(next >= 0xd0 && next <= 0xd7))
            return at;
        at += next == 0xff ? 1 : 2;
    }
    return file.len;
}

/* The segment at `at`; false at the end of what can be read. */
static bool next_segment(struct bx_str file, size_t at, struct segment *s)
{
    size_t start = at;
    while (at + 1 < file.len && (uint8_t)file.ptr[at] == 0xff && (uint8_t)file.ptr[at + 1] == 0xff)
        at++; /* fill bytes */
    if (at + 1 >= file.len || (uint8_t)file.ptr[at] != 0xff)
        return false;
    *s = (struct segment){.marker = (uint8_t)file.ptr[at + 1], .at = start};
    at += 2;
    if (!is_standalone(s->marker)) {
        if (file.len - at < 2)
            return false;
        size_t len = box_be16(file.ptr + at);
        if (len < 2 || len > file.len - at)
            return false;
        at += len;
    }
    if (s->marker == MARKER_SOS)
        at = coded_end(file, at);
    s->len = at - start;
    return true;
}

static struct bx_str body_of(struct bx_str file, const struct segment *s)
{
    return bx_str_slice(file, s->at + 4, s->at + s->len);
}

/* Needed to show the right colours; says nothing about who, where or when. */
static bool is_kept(struct bx_str file, const struct segment *s)
{
    struct bx_str body = body_of(file, s);
    if (s->marker == MARKER_COM)
        return false;
    if (s->marker < 0xe0 || s->marker > 0xef)
        return true;
    if (s->marker == 0xe0)
        return bx_str_starts(body, bx_str_n("JFIF\0", 5)) && body.len <= 14;
    if (s->marker == 0xe2)
        return bx_str_starts(body, bx_str_n("ICC_PROFILE\0", 12));
    return s->marker == 0xee && bx_str_starts(body, BX_STR("Adobe")) && body.len <= 12;
}

static bool is_frame_header(uint8_t marker)
{
    return marker >= 0xc0 && marker <= 0xcf && marker != 0xc4 && marker != 0xc8 && marker != 0xcc;
}

static void read_segment(struct bx_str file, const struct segment *s, struct box_picture *p)
{
    struct bx_str body = body_of(file, s);
    if (is_frame_header(s->marker) && body.len >= 6 && !p->width) {
        p->height = box_be16(body.ptr + 1);
        p->width = box_be16(body.ptr + 3);
    }
    if (s->marker == 0xe1 && bx_str_starts(body, bx_str_n("Exif\0\0", 6)) && p->orientation == 1)
        p->orientation = box_exif_orientation(bx_str_slice(body, 6, body.len));
    if (!is_kept(file, s))
        p->has_metadata = true;
}

int box_jpeg_read(struct bx_str file, struct box_picture *p)
{
    struct segment s;
    size_t at = 0;
    bool has_end = false;
    while (!has_end && next_segment(file, at, &s)) {
        read_segment(file, &s, p);
        at = s.at + s.len;
        has_end = s.marker == MARKER_EOI;
    }
    if (!has_end || at != file.len)
        p->has_metadata = true; /* something behind the end, or no end: to be written anew */
    return p->width && p->height ? BX_OK : BX_E_INVALID;
}

int box_jpeg_strip(struct bx_str file, struct bx_buf *out)
{
    struct segment s = {0};
    size_t at = 0;
    int rc = BX_OK;
    while (rc >= 0 && s.marker != MARKER_EOI && next_segment(file, at, &s)) {
        if (is_kept(file, &s))
            rc = bx_buf_append(out, file.ptr + s.at, s.len);
        at = s.at + s.len;
    }
    if (rc >= 0 && s.marker != MARKER_EOI)
        rc = bx_buf_append(out, "\xff\xd9", 2);
    return rc;
}

/* --- pixels --- */

struct errors {
    struct jpeg_error_mgr mgr;
    jmp_buf jump;
    long warnings;
};

static void on_error(j_common_ptr info)
{
    struct errors *e = (struct errors *)(void *)info->err;
    longjmp(e->jump, 1);
}

/* Warnings are counted, not printed: a file of garbage has millions of them. */
static void on_message(j_common_ptr info, int level)
{
    struct errors *e = (struct errors *)(void *)info->err;
    if (level < 0 && ++e->warnings > MAX_WARNINGS)
        longjmp(e->jump, 1);
}

static void on_print(j_common_ptr info)
{
    (void)info;
}

/* A progressive file may announce any number of scans over the same pixels: work without size. */
static void on_progress(j_common_ptr info)
{
    struct errors *e = (struct errors *)(void *)info->err;
    if (info->is_decompressor && ((j_decompress_ptr)(void *)info)->input_scan_number > MAX_SCANS)
        longjmp(e->jump, 1);
}

static struct jpeg_error_mgr *errors_init(struct errors *e)
{
    jpeg_std_error(&e->mgr);
    e->mgr.error_exit = on_error;
    e->mgr.emit_message = on_message;
    e->mgr.output_message = on_print;
    e->warnings = 0;
    return &e->mgr;
}

/* The smallest of libjpeg's scales (1/8 … 8/8) that is not smaller than what is wanted. */
static unsigned scale_for(uint32_t width, uint32_t height, uint32_t max_px)
{
    uint32_t longest = width > height ? width : height;
    for (unsigned n = 1; n < 8 && max_px; n++) {
        if ((uint64_t)longest * n / 8 >= max_px)
            return n;
    }
    return 8;
}

/* A row of libjpeg's in RGBA. Adobe's CMYK is stored inverted. */
static void to_rgba(const struct jpeg_decompress_struct *d, const uint8_t *row, uint8_t *rgba)
{
    for (size_t x = 0; x < d->output_width; x++) {
        const uint8_t *in = row + x * (size_t)d->output_components;
        uint8_t *out = rgba + x * 4;
        bool is_cmyk = d->out_color_space == JCS_CMYK;
        for (unsigned c = 0; c < 3; c++)
            out[c] = is_cmyk ? (uint8_t)(in[c] * in[3] / 255) : in[c];
        out[3] = 255;
    }
}

struct decode {
    struct jpeg_decompress_struct d;
    struct errors errors;
    struct jpeg_progress_mgr progress;
    struct box_scaler scaler;
    uint8_t *row, *rgba;
};

static void set_up(struct decode *w, uint32_t max_px)
{
    struct jpeg_decompress_struct *d = &w->d;
    bool is_cmyk = d->jpeg_color_space == JCS_CMYK || d->jpeg_color_space == JCS_YCCK;
    d->out_color_space = is_cmyk ? JCS_CMYK : JCS_RGB;
    d->scale_num = scale_for(d->image_width, d->image_height, max_px);
    d->scale_denom = 8;
    d->dct_method = JDCT_ISLOW;
    w->progress.progress_monitor = on_progress;
    d->progress = &w->progress;
    d->mem->max_memory_to_use = 256 << 20;
}

static int decode_rows(struct decode *w, uint32_t max_px, struct box_raster *out)
{
    struct jpeg_decompress_struct *d = &w->d;
    uint32_t width, height;
    jpeg_start_decompress(d);
    box_fit(d->output_width, d->output_height, max_px, &width, &height);
    int rc = box_scaler_init(&w->scaler, out, d->output_width, d->output_height, width, height);
    w->row = malloc((size_t)d->output_width * (size_t)d->output_components);
    w->rgba = malloc((size_t)d->output_width * 4);
    if (rc < 0 || !w->row || !w->rgba)
        return rc < 0 ? rc : BX_E_NOMEM;
    while (d->output_scanline < d->output_height) {
        jpeg_read_scanlines(d, &w->row, 1);
        to_rgba(d, w->row, w->rgba);
        box_scaler_row(&w->scaler, w->rgba);
    }
    return BX_OK;
}

int box_jpeg_decode(struct bx_str file, uint32_t max_px, struct box_raster *out)
{
    struct decode *w = BX_NEW(struct decode);
    struct box_raster raster = {0};
    volatile int rc = BX_E_INVALID;
    w->d.err = errors_init(&w->errors);
    if (setjmp(w->errors.jump) == 0) {
        jpeg_create_decompress(&w->d);
        jpeg_mem_src(&w->d, (const unsigned char *)file.ptr, file.len);
        if (jpeg_read_header(&w->d, TRUE) == JPEG_HEADER_OK) {
            rc = box_check_size(w->d.image_width, w->d.image_height);
            if (rc >= 0) {
                set_up(w, max_px);
                rc = decode_rows(w, max_px, &raster);
            }
        }
    } else {
        rc = BX_E_INVALID;
    }
    jpeg_destroy_decompress(&w->d);
    box_scaler_done(&w->scaler);
    free(w->row);
    free(w->rgba);
    free(w);
    if (rc < 0)
        box_raster_done(&raster);
    else
        *out = raster;
    return rc;
}

static void encode_rows(struct jpeg_compress_struct *c, const struct box_raster *r, int quality)
{
    c->image_width = r->width;
    c->image_height = r->height;
    c->input_components = 4;
    c->in_color_space = JCS_EXT_RGBX;
    jpeg_set_defaults(c);
    jpeg_set_quality(c, quality, TRUE);
    c->optimize_coding = TRUE;
    jpeg_start_compress(c, TRUE);
    while (c->next_scanline < c->image_height) {
        JSAMPROW row = r->rgba + (size_t)c->next_scanline * r->width * 4;
        jpeg_write_scanlines(c, &row, 1);
    }
    jpeg_finish_compress(c);
}

int box_jpeg_encode(const struct box_raster *r, int quality, struct bx_buf *out)
{
    struct {
        struct jpeg_compress_struct c;
        struct errors errors;
        unsigned char *bytes;
        unsigned long len;
    } *w = bx_calloc(1, sizeof *w);
    volatile int rc = BX_E_INTERNAL;
    w->c.err = errors_init(&w->errors);
    if (setjmp(w->errors.jump) == 0) {
        jpeg_create_compress(&w->c);
        jpeg_mem_dest(&w->c, &w->bytes, &w->len);
        encode_rows(&w->c, r, quality);
        rc = BX_OK;
    }
    jpeg_destroy_compress(&w->c);
    if (rc >= 0)
        rc = bx_buf_append(out, w->bytes, w->len);
    free(w->bytes);
    free(w);
    return rc;
}
