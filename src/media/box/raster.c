/* The scaler adds up, for every pixel of the target, the source pixels that lie under it, weighted
 * by the area that they share. All weights are integers: along an axis of n source and m target
 * pixels a source pixel has n's complement as its share, counted in units of 1/m of a source pixel,
 * so no rounding accumulates. Colours are weighted by alpha, otherwise the invisible colour of
 * transparent pixels would bleed into the edges. */
#include "media/box/raster.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

int box_check_size(uint64_t width, uint64_t height)
{
    if (width == 0 || height == 0)
        return BX_E_INVALID;
    if (width > BOX_MAX_SIDE || height > BOX_MAX_SIDE || width * height > BOX_MAX_PIXELS)
        return BX_E_TOO_BIG;
    return BX_OK;
}

int box_raster_init(struct box_raster *r, uint32_t width, uint32_t height)
{
    int rc = box_check_size(width, height);
    *r = (struct box_raster){.width = width, .height = height};
    if (rc < 0)
        return rc;
    r->rgba = calloc((size_t)width * height, 4);
    return r->rgba ? BX_OK : BX_E_NOMEM;
}

void box_raster_done(struct box_raster *r)
{
    free(r->rgba);
    *r = (struct box_raster){0};
}

void box_fit(uint32_t width, uint32_t height, uint32_t max_px, uint32_t *out_width,
             uint32_t *out_height)
{
    uint32_t longest = width > height ? width : height;
    *out_width = width;
    *out_height = height;
    if (longest <= max_px || max_px == 0)
        return;
    *out_width = (uint32_t)(((uint64_t)width * max_px + longest / 2) / longest);
    *out_height = (uint32_t)(((uint64_t)height * max_px + longest / 2) / longest);
    *out_width += *out_width == 0;
    *out_height += *out_height == 0;
}

enum { SUMS = 5 };

int box_scaler_init(struct box_scaler *s, struct box_raster *target, uint32_t in_width,
                    uint32_t in_height, uint32_t out_width, uint32_t out_height)
{
    *s = (struct box_scaler){.target = target, .in_width = in_width, .in_height = in_height};
    int rc = box_check_size(in_width, in_height);
    if (rc < 0)
        return rc;
    if (out_width > in_width || out_height > in_height)
        return BX_E_INVALID;
    if ((rc = box_raster_init(target, out_width, out_height)) < 0)
        return rc;
    s->sums = calloc((size_t)out_width * SUMS, sizeof s->sums[0]);
    return s->sums ? BX_OK : BX_E_NOMEM;
}

void box_scaler_done(struct box_scaler *s)
{
    free(s->sums);
    s->sums = NULL;
}

static void add_pixel(uint64_t *sum, const uint8_t *rgba, uint64_t weight)
{
    uint64_t alpha = rgba[3] * weight;
    sum[0] += rgba[0] * alpha;
    sum[1] += rgba[1] * alpha;
    sum[2] += rgba[2] * alpha;
    sum[3] += alpha;
    sum[4] += weight;
}

/* Source pixel x covers [x * out, (x + 1) * out) of an axis on which target pixel i covers
 * [i * in, (i + 1) * in). */
static void add_row(struct box_scaler *s, const uint8_t *rgba, uint64_t row_weight)
{
    uint64_t in = s->in_width, out = s->target->width, at = 0;
    size_t i = 0;
    for (uint32_t x = 0; x < s->in_width; x++) {
        uint64_t end = at + out, border = (i + 1) * in;
        if (end <= border) {
            add_pixel(&s->sums[i * SUMS], &rgba[(size_t)x * 4], out * row_weight);
            i += end == border;
        } else {
            add_pixel(&s->sums[i * SUMS], &rgba[(size_t)x * 4], (border - at) * row_weight);
            i++;
            add_pixel(&s->sums[i * SUMS], &rgba[(size_t)x * 4], (end - border) * row_weight);
        }
        at = end;
    }
}

static void finish_row(struct box_scaler *s)
{
    struct box_raster *t = s->target;
    uint8_t *out = t->rgba + (size_t)s->out_y * t->width * 4;
    for (uint32_t i = 0; i < t->width; i++, out += 4) {
        const uint64_t *sum = &s->sums[(size_t)i * SUMS];
        for (unsigned c = 0; c < 3 && sum[3]; c++)
            out[c] = (uint8_t)((sum[c] + sum[3] / 2) / sum[3]);
        out[3] = 0;
        if (sum[4])
            out[3] = (uint8_t)((sum[3] + sum[4] / 2) / sum[4]);
        if (out[3] != 255)
            t->has_alpha = true;
    }
    memset(s->sums, 0, (size_t)t->width * SUMS * sizeof s->sums[0]);
    s->out_y++;
}

void box_scaler_row(struct box_scaler *s, const uint8_t *rgba)
{
    uint64_t in = s->in_height, out = s->target->height;
    if (s->in_y >= s->in_height)
        return;
    uint64_t at = s->in_y * out, end = at + out, border = ((uint64_t)s->out_y + 1) * in;
    if (end < border) {
        add_row(s, rgba, out);
    } else {
        add_row(s, rgba, border - at);
        finish_row(s);
        if (end > border)
            add_row(s, rgba, end - border);
    }
    s->in_y++;
}

int box_raster_scale(const struct box_raster *from, uint32_t width, uint32_t height,
                     struct box_raster *out)
{
    struct box_scaler s;
    int rc = box_scaler_init(&s, out, from->width, from->height, width, height);
    for (uint32_t y = 0; y < from->height && rc >= 0; y++)
        box_scaler_row(&s, from->rgba + (size_t)y * from->width * 4);
    box_scaler_done(&s);
    if (rc < 0)
        box_raster_done(out);
    return rc;
}

int box_raster_orient(struct box_raster *r, unsigned orientation)
{
    struct box_raster turned;
    if (orientation < 2 || orientation > 8)
        return BX_OK;
    bool is_swapped = orientation >= 5;
    uint32_t w = r->width, h = r->height;
    int rc = box_raster_init(&turned, is_swapped ? h : w, is_swapped ? w : h);
    if (rc < 0)
        return rc;
    /* Which of the two axes of the source run backwards, seen from the target. */
    bool is_x_back = orientation == 2 || orientation == 3 || orientation == 7 || orientation == 8;
    bool is_y_back = orientation == 3 || orientation == 4 || orientation == 6 || orientation == 7;
    for (uint32_t y = 0; y < turned.height; y++) {
        for (uint32_t x = 0; x < turned.width; x++) {
            uint32_t sx = is_swapped ? y : x, sy = is_swapped ? x : y;
            sx = is_x_back ? w - 1 - sx : sx;
            sy = is_y_back ? h - 1 - sy : sy;
            memcpy(turned.rgba + ((size_t)y * turned.width + x) * 4,
                   r->rgba + ((size_t)sy * w + sx) * 4, 4);
        }
    }
    turned.has_alpha = r->has_alpha;
    box_raster_done(r);
    *r = turned;
    return BX_OK;
}

void box_raster_flatten(struct box_raster *r)
{
    size_t count = (size_t)r->width * r->height;
    for (size_t i = 0; i < count && r->has_alpha; i++) {
        uint8_t *p = r->rgba + i * 4;
        for (unsigned c = 0; c < 3; c++)
            p[c] = (uint8_t)((p[c] * p[3] + 255 * (255 - p[3]) + 127) / 255);
        p[3] = 255;
    }
    r->has_alpha = false;
}

int box_raster_center(const struct box_raster *from, uint32_t side, struct box_raster *out)
{
    if (from->width > side || from->height > side)
        return BX_E_INVALID;
    int rc = box_raster_init(out, side, side);
    if (rc < 0)
        return rc;
    size_t left = (side - from->width) / 2, top = (side - from->height) / 2;
    for (size_t y = 0; y < from->height; y++)
        memcpy(out->rgba + ((top + y) * side + left) * 4, from->rgba + y * from->width * 4,
               (size_t)from->width * 4);
    out->has_alpha = from->has_alpha || from->width < side || from->height < side;
    return BX_OK;
}
