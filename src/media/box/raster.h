/* A small picture in memory and the scaler that makes one from rows, so that a decoder never holds
 * more than a row of the large one. Runs only inside the sandbox of wabox-media.
 */
#ifndef BOX_RASTER_H
#define BOX_RASTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    BOX_MAX_PIXELS = 50000000, /* of a picture that is decoded */
    BOX_MAX_SIDE = 30000
};

struct box_raster {
    uint32_t width, height;
    bool has_alpha;
    uint8_t *rgba; /* width * height * 4, not premultiplied; yours to free */
};

/* BX_E_NOMEM, BX_E_TOO_BIG (no pixels, or too many). */
int box_raster_init(struct box_raster *r, uint32_t width, uint32_t height);
void box_raster_done(struct box_raster *r);

/* BX_E_TOO_BIG for a picture that is not decoded, BX_E_INVALID for one without pixels. */
int box_check_size(uint64_t width, uint64_t height);

/* The largest size of the same shape whose sides are at most max_px; never larger than the picture,
 * never 0. */
void box_fit(uint32_t width, uint32_t height, uint32_t max_px, uint32_t *out_width,
             uint32_t *out_height);

/* Area-averaging downscaler: rows of the source go in from the top, the target is complete after
 * the last. */
struct box_scaler {
    struct box_raster *target;
    uint32_t in_width, in_height;
    uint32_t in_y, out_y;
    uint64_t *sums; /* of the target row: red, green, blue (each times alpha), alpha, weight */
};

/* Makes `target` (freed by its owner, even on failure). */
int box_scaler_init(struct box_scaler *s, struct box_raster *target, uint32_t in_width,
                    uint32_t in_height, uint32_t out_width, uint32_t out_height);
void box_scaler_row(struct box_scaler *s, const uint8_t *rgba);
void box_scaler_done(struct box_scaler *s);

/* Scales a whole raster into *out (a new one). */
int box_raster_scale(const struct box_raster *from, uint32_t width, uint32_t height,
                     struct box_raster *out);

/* Turns the raster as EXIF's orientation 1..8 says; other numbers change nothing. */
int box_raster_orient(struct box_raster *r, unsigned orientation);

/* Puts the picture onto white, so that formats without alpha show what was meant. */
void box_raster_flatten(struct box_raster *r);

/* Places the picture in the middle of a transparent square. */
int box_raster_center(const struct box_raster *from, uint32_t side, struct box_raster *out);

#endif
