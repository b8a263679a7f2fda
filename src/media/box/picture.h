/* Pictures: what a file says about itself, without decoding; the same file without its metadata;
 * its pixels; and pixels as a file. One file of code per format, tied together by the table in
 * picture.c. Runs only inside the sandbox of wabox-media.
 */
#ifndef BOX_PICTURE_H
#define BOX_PICTURE_H

#include "base/buf.h"
#include "media/box/raster.h"
#include "media/kind.h"

enum { BOX_MAX_FRAMES = 1000, BOX_PICTURE_FILE_MAX = 64 << 20 };

struct box_picture {
    enum md_format format;
    uint32_t width, height; /* as stored */
    unsigned orientation;   /* EXIF, 1..8 */
    uint32_t frames;        /* 1: not animated */
    uint64_t duration_ms;   /* of all frames */
    bool has_metadata;      /* anything that box_picture_strip would leave out */
    bool is_sticker_pack;   /* WebP whose only metadata is the sticker-pack description */
};

/* Reads headers only. BX_E_UNSUPPORTED: not JPEG, PNG, WebP or GIF. BX_E_INVALID: damaged.
 * BX_E_TOO_BIG: more pixels or frames than are decoded. */
int box_picture_read(struct bx_str file, struct box_picture *out);

/* Appends the file without metadata and without whatever hides behind its end; pixels and colour
 * profile stay as they are. BX_E_INVALID, BX_E_UNSUPPORTED (GIF). */
int box_picture_strip(struct bx_str file, const struct box_picture *p, struct bx_buf *out);

/* The (first) picture, upright, with sides of at most max_px. Returns a raster of your own. */
int box_picture_decode(struct bx_str file, const struct box_picture *p, uint32_t max_px,
                       struct box_raster *out);

/* Appends an encoded file without any metadata. quality 1..100. A JPEG has no alpha: flatten first.
 */
int box_jpeg_encode(const struct box_raster *r, int quality, struct bx_buf *out);
int box_png_encode(const struct box_raster *r, struct bx_buf *out);
int box_webp_encode(const struct box_raster *r, int quality, struct bx_buf *out);

/* Scales an animated WebP into a square of `side` and appends it as WebP. */
int box_webp_animation(struct bx_str file, uint32_t side, int quality, struct bx_buf *out);

/* The orientation in a TIFF structure (EXIF without its "Exif\0\0"); 1 when there is none. */
unsigned box_exif_orientation(struct bx_str tiff);

/* Whether a TIFF structure holds nothing but a sticker pack's description. */
bool box_exif_is_sticker_pack(struct bx_str tiff);

/* --- of the formats, for picture.c --- */
int box_jpeg_read(struct bx_str file, struct box_picture *p);
int box_jpeg_strip(struct bx_str file, struct bx_buf *out);
int box_jpeg_decode(struct bx_str file, uint32_t max_px, struct box_raster *out);
int box_png_read(struct bx_str file, struct box_picture *p);
int box_png_strip(struct bx_str file, struct bx_buf *out);
int box_png_decode(struct bx_str file, uint32_t max_px, struct box_raster *out);
int box_webp_read(struct bx_str file, struct box_picture *p);
int box_webp_strip(struct bx_str file, struct bx_buf *out);
int box_webp_decode(struct bx_str file, uint32_t max_px, struct box_raster *out);
int box_gif_read(struct bx_str file, struct box_picture *p);

static inline uint32_t box_be32(const char *p)
{
    const uint8_t *b = (const uint8_t *)p;
    return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}
static inline uint32_t box_le32(const char *p)
{
    const uint8_t *b = (const uint8_t *)p;
    return (uint32_t)b[3] << 24 | (uint32_t)b[2] << 16 | (uint32_t)b[1] << 8 | b[0];
}
static inline uint32_t box_be16(const char *p)
{
    return (uint32_t)(uint8_t)p[0] << 8 | (uint8_t)p[1];
}
static inline uint32_t box_le16(const char *p)
{
    return (uint32_t)(uint8_t)p[1] << 8 | (uint8_t)p[0];
}

#endif
