#include "app/numbers/qr_picture.h"

#include "base/base64.h"
#include "base/buf.h"
#include "base/err.h"

#include <png.h>
#include <qrencode.h>

enum { MODULE_PX = 6, QUIET = 4, PIXELS_MAX = 2048 };

static const char prefix[] = "data:image/png;base64,";

static void fill(uint8_t *pixels, unsigned size, const QRcode *code)
{
    memset(pixels, 0xff, (size_t)size * size);
    for (int y = 0; y < code->width; y++) {
        for (int x = 0; x < code->width; x++) {
            if (!(code->data[y * code->width + x] & 1))
                continue;
            for (unsigned row = 0; row < MODULE_PX; row++)
                memset(pixels + ((size_t)(QUIET + y) * MODULE_PX + row) * size +
                           (size_t)(QUIET + x) * MODULE_PX,
                       0, MODULE_PX);
        }
    }
}

static int to_data_url(const uint8_t *pixels, unsigned size, struct bx_arena *arena,
                       struct bx_str *out)
{
    png_image image = {
        .version = PNG_IMAGE_VERSION, .width = size, .height = size, .format = PNG_FORMAT_GRAY};
    png_alloc_size_t len = 0;
    if (!png_image_write_to_memory(&image, NULL, &len, 0, pixels, 0, NULL))
        return BX_E_INTERNAL;
    uint8_t *png = bx_arena_alloc(arena, len);
    if (!png_image_write_to_memory(&image, png, &len, 0, pixels, 0, NULL))
        return BX_E_INTERNAL;
    char *text = bx_arena_alloc(arena, sizeof prefix + BX_BASE64_SIZE(len));
    memcpy(text, prefix, sizeof prefix - 1);
    size_t n = bx_base64_encode(BX_BASE64_STD, png, len, text + sizeof prefix - 1);
    *out = bx_str_n(text, sizeof prefix - 1 + n);
    return BX_OK;
}

int wb_qr_picture(struct bx_str text, struct bx_arena *arena, struct bx_str *out)
{
    QRcode *code =
        QRcode_encodeData((int)text.len, (const unsigned char *)text.ptr, 0, QR_ECLEVEL_L);
    if (!code)
        return BX_E_TOO_BIG;
    unsigned size = (unsigned)(code->width + 2 * QUIET) * MODULE_PX;
    int rc = size > PIXELS_MAX ? BX_E_TOO_BIG : BX_OK;
    if (rc == BX_OK) {
        uint8_t *pixels = bx_arena_alloc(arena, (size_t)size * size);
        fill(pixels, size, code);
        rc = to_data_url(pixels, size, arena, out);
    }
    QRcode_free(code);
    return rc;
}
