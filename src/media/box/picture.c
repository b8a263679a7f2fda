#include "media/box/picture.h"

#include "base/err.h"

static const struct {
    enum md_format format;
    int (*read)(struct bx_str file, struct box_picture *p);
    int (*strip)(struct bx_str file, struct bx_buf *out);
    int (*decode)(struct bx_str file, uint32_t max_px, struct box_raster *out);
} formats[] = {
    {MD_JPEG, box_jpeg_read, box_jpeg_strip, box_jpeg_decode},
    {MD_PNG, box_png_read, box_png_strip, box_png_decode},
    {MD_WEBP, box_webp_read, box_webp_strip, box_webp_decode},
    {MD_GIF, box_gif_read, NULL, NULL},
};

enum { FORMATS = sizeof formats / sizeof formats[0] };

int box_picture_read(struct bx_str file, struct box_picture *out)
{
    struct box_picture p = {.format = md_sniff(file.ptr, file.len), .orientation = 1, .frames = 1};
    for (unsigned i = 0; i < FORMATS; i++) {
        if (formats[i].format != p.format)
            continue;
        int rc = formats[i].read(file, &p);
        if (rc < 0 || (rc = box_check_size(p.width, p.height)) < 0)
            return rc;
        if (p.frames > BOX_MAX_FRAMES)
            return BX_E_TOO_BIG;
        *out = p;
        return BX_OK;
    }
    return BX_E_UNSUPPORTED;
}

int box_picture_strip(struct bx_str file, const struct box_picture *p, struct bx_buf *out)
{
    for (unsigned i = 0; i < FORMATS; i++) {
        if (formats[i].format == p->format && formats[i].strip)
            return formats[i].strip(file, out);
    }
    return BX_E_UNSUPPORTED;
}

int box_picture_decode(struct bx_str file, const struct box_picture *p, uint32_t max_px,
                       struct box_raster *out)
{
    struct box_raster r = {0};
    for (unsigned i = 0; i < FORMATS; i++) {
        if (formats[i].format != p->format || !formats[i].decode)
            continue;
        int rc = formats[i].decode(file, max_px, &r);
        if (rc >= 0)
            rc = box_raster_orient(&r, p->orientation);
        if (rc < 0) {
            box_raster_done(&r);
            return rc;
        }
        *out = r;
        return BX_OK;
    }
    return BX_E_UNSUPPORTED;
}

/* GIF: the size of the screen; whether more than one image follows is found by walking the blocks.
 */
static size_t skip_sub_blocks(struct bx_str file, size_t at)
{
    while (at < file.len && file.ptr[at])
        at += (size_t)(uint8_t)file.ptr[at] + 1;
    return at + 1;
}

static size_t color_table(uint8_t flags)
{
    return flags & 0x80 ? (size_t)3 << ((flags & 7) + 1) : 0;
}

int box_gif_read(struct bx_str file, struct box_picture *p)
{
    if (file.len < 13)
        return BX_E_INVALID;
    p->width = box_le16(file.ptr + 6);
    p->height = box_le16(file.ptr + 8);
    p->frames = 0;
    p->has_metadata = true; /* never sent as it is */
    size_t at = 13 + color_table((uint8_t)file.ptr[10]);
    while (at + 10 < file.len && p->frames <= BOX_MAX_FRAMES) {
        if (file.ptr[at] == 0x21) {
            bool is_control = (uint8_t)file.ptr[at + 1] == 0xf9;
            p->duration_ms += is_control ? box_le16(file.ptr + at + 4) * 10u : 0;
            at = skip_sub_blocks(file, at + 2);
        } else if (file.ptr[at] == 0x2c) {
            p->frames++;
            at = skip_sub_blocks(file, at + 11 + color_table((uint8_t)file.ptr[at + 9]));
        } else {
            break;
        }
    }
    return p->frames ? BX_OK : BX_E_INVALID;
}
