/* PNG. The chunk walk is ours, pixels are libpng's. Rows go through the scaler as they come; only
 * an interlaced file has to stand in memory whole. */
#include "media/box/picture.h"

#include "base/err.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdlib.h>

#include <png.h>

enum { SIGNATURE = 8, CHUNK_FRAME = 12 };

static const char *const kept[] = {"IHDR", "PLTE", "tRNS", "IDAT", "IEND", "gAMA", "cHRM", "sRGB",
                                   "iCCP", "sBIT", "bKGD", "pHYs", "acTL", "fcTL", "fdAT"};

static bool is_kept(const char *type)
{
    for (size_t i = 0; i < BX_LEN(kept); i++) {
        if (memcmp(kept[i], type, 4) == 0)
            return true;
    }
    return false;
}

/* Length of the chunk at `at` with its frame; 0 at the end of what can be read. */
static size_t chunk_at(struct bx_str file, size_t at)
{
    if (at > file.len || file.len - at < CHUNK_FRAME)
        return 0;
    size_t len = box_be32(file.ptr + at);
    return len <= file.len - at - CHUNK_FRAME ? len + CHUNK_FRAME : 0;
}

int box_png_read(struct bx_str file, struct box_picture *p)
{
    size_t at = SIGNATURE, len;
    bool has_end = false;
    if (file.len < 33 || memcmp(file.ptr + 12, "IHDR", 4) != 0)
        return BX_E_INVALID;
    p->width = box_be32(file.ptr + 16);
    p->height = box_be32(file.ptr + 20);
    while (!has_end && (len = chunk_at(file, at))) {
        const char *type = file.ptr + at + 4;
        has_end = memcmp(type, "IEND", 4) == 0;
        if (memcmp(type, "eXIf", 4) == 0)
            p->orientation = box_exif_orientation(bx_str_n(type + 4, len - CHUNK_FRAME));
        if (memcmp(type, "acTL", 4) == 0 && len >= CHUNK_FRAME + 8)
            p->frames = box_be32(type + 4);
        p->has_metadata |= !is_kept(type);
        at += len;
    }
    p->has_metadata |= !has_end || at != file.len;
    return has_end ? BX_OK : BX_E_INVALID;
}

int box_png_strip(struct bx_str file, struct bx_buf *out)
{
    size_t at = SIGNATURE, len;
    int rc = bx_buf_append(out, file.ptr, SIGNATURE);
    while (rc >= 0 && (len = chunk_at(file, at))) {
        const char *type = file.ptr + at + 4;
        if (is_kept(type))
            rc = bx_buf_append(out, file.ptr + at, len);
        at += len;
        if (memcmp(type, "IEND", 4) == 0)
            break;
    }
    return rc;
}

/* --- pixels --- */

struct decode {
    struct bx_str file;
    size_t at;
    png_structp png;
    png_infop info;
    struct box_scaler scaler;
    uint8_t *row;          /* one row */
    struct box_raster all; /* interlaced */
    png_bytep *rows;
};

static void on_read(png_structp png, png_bytep out, size_t len)
{
    struct decode *w = png_get_io_ptr(png);
    if (len > w->file.len - w->at)
        png_error(png, "end of file");
    memcpy(out, w->file.ptr + w->at, len);
    w->at += len;
}

static void on_error(png_structp png, png_const_charp text)
{
    (void)text;
    png_longjmp(png, 1);
}

static void on_warning(png_structp png, png_const_charp text)
{
    (void)png;
    (void)text;
}

/* Whatever the file is, rows arrive as RGBA of 8 bits. */
static int set_up(struct decode *w)
{
    png_set_read_fn(w->png, w, on_read);
    png_set_user_limits(w->png, BOX_MAX_SIDE, BOX_MAX_SIDE);
    png_set_chunk_cache_max(w->png, 64);
    png_set_chunk_malloc_max(w->png, 8 << 20);
    png_set_crc_action(w->png, PNG_CRC_DEFAULT, PNG_CRC_WARN_DISCARD);
    png_read_info(w->png, w->info);
    png_set_expand(w->png);
    png_set_strip_16(w->png);
    png_set_gray_to_rgb(w->png);
    png_set_add_alpha(w->png, 255, PNG_FILLER_AFTER);
    return box_check_size(png_get_image_width(w->png, w->info),
                          png_get_image_height(w->png, w->info));
}

static int decode_interlaced(struct decode *w)
{
    uint32_t width = png_get_image_width(w->png, w->info);
    uint32_t height = png_get_image_height(w->png, w->info);
    int rc = box_raster_init(&w->all, width, height);
    w->rows = calloc(height, sizeof w->rows[0]);
    if (rc < 0 || !w->rows)
        return rc < 0 ? rc : BX_E_NOMEM;
    for (uint32_t y = 0; y < height; y++)
        w->rows[y] = w->all.rgba + (size_t)y * width * 4;
    png_read_image(w->png, w->rows);
    for (uint32_t y = 0; y < height; y++)
        box_scaler_row(&w->scaler, w->rows[y]);
    return BX_OK;
}

static int decode_rows(struct decode *w, uint32_t max_px, struct box_raster *out)
{
    uint32_t in_width = png_get_image_width(w->png, w->info);
    uint32_t in_height = png_get_image_height(w->png, w->info);
    uint32_t width, height;
    bool is_interlaced = png_set_interlace_handling(w->png) > 1;
    png_read_update_info(w->png, w->info);
    if (png_get_rowbytes(w->png, w->info) != (size_t)in_width * 4)
        return BX_E_INVALID;
    box_fit(in_width, in_height, max_px, &width, &height);
    int rc = box_scaler_init(&w->scaler, out, in_width, in_height, width, height);
    if (rc < 0)
        return rc;
    if (is_interlaced)
        return decode_interlaced(w);
    if (!(w->row = malloc((size_t)in_width * 4)))
        return BX_E_NOMEM;
    for (uint32_t y = 0; y < in_height; y++) {
        png_read_row(w->png, w->row, NULL);
        box_scaler_row(&w->scaler, w->row);
    }
    return BX_OK;
}

static int decode(struct decode *w, uint32_t max_px, struct box_raster *out)
{
    if (setjmp(png_jmpbuf(w->png)))
        return BX_E_INVALID;
    int rc = set_up(w);
    return rc < 0 ? rc : decode_rows(w, max_px, out);
}

int box_png_decode(struct bx_str file, uint32_t max_px, struct box_raster *out)
{
    struct decode *w = BX_NEW(struct decode);
    struct box_raster raster = {0};
    int rc = BX_E_NOMEM;
    w->file = file;
    w->png = png_create_read_struct(PNG_LIBPNG_VER_STRING, NULL, on_error, on_warning);
    if (w->png && (w->info = png_create_info_struct(w->png)))
        rc = decode(w, max_px, &raster);
    png_destroy_read_struct(&w->png, &w->info, NULL);
    box_scaler_done(&w->scaler);
    box_raster_done(&w->all);
    free(w->rows);
    free(w->row);
    free(w);
    if (rc < 0)
        box_raster_done(&raster);
    else
        *out = raster;
    return rc;
}

struct encode {
    struct bx_buf *out;
    int rc;
};

static void on_write(png_structp png, png_bytep bytes, size_t len)
{
    struct encode *e = png_get_io_ptr(png);
    e->rc = bx_buf_append(e->out, bytes, len);
    if (e->rc < 0)
        png_error(png, "too big");
}

static void on_flush(png_structp png)
{
    (void)png;
}

static int encode(png_structp png, png_infop info, const struct box_raster *r, uint8_t *row)
{
    if (setjmp(png_jmpbuf(png)))
        return BX_E_TOO_BIG;
    png_set_IHDR(png, info, r->width, r->height, 8,
                 r->has_alpha ? PNG_COLOR_TYPE_RGB_ALPHA : PNG_COLOR_TYPE_RGB, PNG_INTERLACE_NONE,
                 PNG_COMPRESSION_TYPE_DEFAULT, PNG_FILTER_TYPE_DEFAULT);
    png_write_info(png, info);
    size_t step = r->has_alpha ? 4 : 3;
    for (uint32_t y = 0; y < r->height; y++) {
        const uint8_t *from = r->rgba + (size_t)y * r->width * 4;
        for (size_t x = 0; x < r->width; x++)
            memcpy(row + x * step, from + x * 4, step);
        png_write_row(png, row);
    }
    png_write_end(png, info);
    return BX_OK;
}

int box_png_encode(const struct box_raster *r, struct bx_buf *out)
{
    struct encode e = {.out = out};
    int rc = BX_E_NOMEM;
    png_infop info = NULL;
    uint8_t *row = malloc((size_t)r->width * 4);
    png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, NULL, on_error, on_warning);
    if (row && png && (info = png_create_info_struct(png))) {
        png_set_write_fn(png, &e, on_write, on_flush);
        rc = encode(png, info, r, row);
    }
    png_destroy_write_struct(&png, &info);
    free(row);
    return rc;
}
