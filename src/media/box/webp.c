/* WebP. The walk over RIFF chunks is ours, pixels are libwebp's. A canvas has at most 16383 pixels
 * a side; libwebp scales while it decodes. */
#include "media/box/picture.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdlib.h>

#include <webp/decode.h>
#include <webp/demux.h>
#include <webp/encode.h>
#include <webp/mux.h>

enum { RIFF_HEADER = 12, CHUNK_HEADER = 8, FLAG_XMP = 0x04, FLAG_EXIF = 0x08 };

static const char *const kept[] = {"VP8 ", "VP8L", "VP8X", "ANIM", "ANMF", "ALPH", "ICCP"};

static bool is_kept(const char *type)
{
    for (size_t i = 0; i < BX_LEN(kept); i++) {
        if (memcmp(kept[i], type, 4) == 0)
            return true;
    }
    return false;
}

/* What the RIFF header covers, at most what is there. */
static struct bx_str body_of(struct bx_str file)
{
    if (file.len < RIFF_HEADER)
        return bx_str_n(file.ptr, 0);
    uint64_t end = (uint64_t)box_le32(file.ptr + 4) + 8;
    return bx_str_slice(file, 0, end < file.len ? (size_t)end : file.len);
}

/* Length of the chunk at `at`, header and padding included; 0 at the end of what can be read. */
static size_t chunk_at(struct bx_str body, size_t at, struct bx_str *payload)
{
    if (at > body.len || body.len - at < CHUNK_HEADER)
        return 0;
    size_t len = box_le32(body.ptr + at + 4), left = body.len - at - CHUNK_HEADER;
    if (len > left)
        return 0;
    *payload = bx_str_n(body.ptr + at + CHUNK_HEADER, len);
    return CHUNK_HEADER + len + ((len & 1) && len < left);
}

static void read_chunk(const char *type, struct bx_str payload, struct box_picture *p)
{
    if (memcmp(type, "EXIF", 4) == 0) {
        if (bx_str_starts(payload, bx_str_n("Exif\0\0", 6)))
            payload = bx_str_slice(payload, 6, payload.len);
        p->orientation = box_exif_orientation(payload);
        p->is_sticker_pack = !p->has_metadata && box_exif_is_sticker_pack(payload);
        p->has_metadata = true;
    } else if (memcmp(type, "ANMF", 4) == 0 && payload.len >= 16) {
        p->frames++;
        p->duration_ms += box_le32(payload.ptr + 12) & 0xffffff;
    } else if (!is_kept(type)) {
        p->has_metadata = true;
        p->is_sticker_pack = false;
    }
}

int box_webp_read(struct bx_str file, struct box_picture *p)
{
    WebPBitstreamFeatures features;
    struct bx_str body = body_of(file), payload;
    if (WebPGetFeatures((const uint8_t *)file.ptr, file.len, &features) != VP8_STATUS_OK)
        return BX_E_INVALID;
    p->width = (uint32_t)features.width;
    p->height = (uint32_t)features.height;
    p->frames = 0;
    size_t at = RIFF_HEADER, len;
    while ((len = chunk_at(body, at, &payload)) && p->frames <= BOX_MAX_FRAMES) {
        read_chunk(body.ptr + at, payload, p);
        at += len;
    }
    if (at != file.len && p->frames <= BOX_MAX_FRAMES) {
        p->has_metadata = true;
        p->is_sticker_pack = false;
    }
    p->frames += p->frames == 0;
    return BX_OK;
}

int box_webp_strip(struct bx_str file, struct bx_buf *out)
{
    struct bx_str body = body_of(file), payload;
    size_t start = out->len, at = RIFF_HEADER, len;
    int rc = bx_buf_append(out, "RIFF\0\0\0\0WEBP", RIFF_HEADER);
    while (rc >= 0 && (len = chunk_at(body, at, &payload))) {
        const char *type = body.ptr + at;
        if (is_kept(type)) {
            size_t here = out->len;
            rc = bx_buf_append(out, type, CHUNK_HEADER + payload.len);
            if (rc >= 0 && (payload.len & 1))
                rc = bx_buf_byte(out, 0);
            if (rc >= 0 && memcmp(type, "VP8X", 4) == 0 && payload.len >= 1)
                out->data[here + CHUNK_HEADER] &= (uint8_t) ~(FLAG_XMP | FLAG_EXIF);
        }
        at += len;
    }
    if (rc < 0)
        return rc;
    uint32_t size = (uint32_t)(out->len - start - 8);
    for (unsigned i = 0; i < 4; i++)
        out->data[start + 4 + i] = (uint8_t)(size >> (8 * i));
    return BX_OK;
}

/* --- pixels --- */

/* A still picture, scaled by the decoder. */
static int decode_still(struct bx_str file, uint32_t max_px, struct box_raster *out)
{
    WebPDecoderConfig config;
    if (!WebPInitDecoderConfig(&config) ||
        WebPGetFeatures((const uint8_t *)file.ptr, file.len, &config.input) != VP8_STATUS_OK)
        return BX_E_INVALID;
    uint32_t width, height, in_width = (uint32_t)config.input.width,
                            in_height = (uint32_t)config.input.height;
    box_fit(in_width, in_height, max_px, &width, &height);
    int rc = box_raster_init(out, width, height);
    if (rc < 0)
        return rc;
    config.options.use_scaling = width != in_width || height != in_height;
    config.options.scaled_width = (int)width;
    config.options.scaled_height = (int)height;
    config.output.colorspace = MODE_RGBA;
    config.output.is_external_memory = 1;
    config.output.u.RGBA.rgba = out->rgba;
    config.output.u.RGBA.stride = (int)(width * 4);
    config.output.u.RGBA.size = (size_t)width * height * 4;
    if (WebPDecode((const uint8_t *)file.ptr, file.len, &config) != VP8_STATUS_OK)
        return BX_E_INVALID;
    out->has_alpha = config.input.has_alpha;
    return BX_OK;
}

/* A frame of the decoder's canvas as a raster; borrows the pixels. */
static struct box_raster frame_of(const WebPAnimInfo *info, uint8_t *rgba)
{
    return (struct box_raster){
        .width = info->canvas_width, .height = info->canvas_height, .rgba = rgba};
}

static WebPAnimDecoder *animation_open(struct bx_str file, WebPAnimInfo *info)
{
    WebPAnimDecoderOptions options;
    WebPData data = {(const uint8_t *)file.ptr, file.len};
    if (!WebPAnimDecoderOptionsInit(&options))
        return NULL;
    options.color_mode = MODE_RGBA;
    WebPAnimDecoder *decoder = WebPAnimDecoderNew(&data, &options);
    if (decoder && (!WebPAnimDecoderGetInfo(decoder, info) || info->frame_count > BOX_MAX_FRAMES ||
                    box_check_size(info->canvas_width, info->canvas_height) < 0)) {
        WebPAnimDecoderDelete(decoder);
        return NULL;
    }
    return decoder;
}

static int decode_first(struct bx_str file, uint32_t max_px, struct box_raster *out)
{
    WebPAnimInfo info;
    uint8_t *rgba;
    int at_ms, rc = BX_E_INVALID;
    WebPAnimDecoder *decoder = animation_open(file, &info);
    if (!decoder)
        return BX_E_INVALID;
    if (WebPAnimDecoderGetNext(decoder, &rgba, &at_ms)) {
        struct box_raster frame = frame_of(&info, rgba);
        uint32_t width, height;
        box_fit(frame.width, frame.height, max_px, &width, &height);
        rc = box_raster_scale(&frame, width, height, out);
    }
    WebPAnimDecoderDelete(decoder);
    return rc;
}

int box_webp_decode(struct bx_str file, uint32_t max_px, struct box_raster *out)
{
    WebPBitstreamFeatures features;
    struct box_raster raster = {0};
    if (WebPGetFeatures((const uint8_t *)file.ptr, file.len, &features) != VP8_STATUS_OK)
        return BX_E_INVALID;
    int rc = features.has_animation ? decode_first(file, max_px, &raster)
                                    : decode_still(file, max_px, &raster);
    if (rc < 0)
        box_raster_done(&raster);
    else
        *out = raster;
    return rc;
}

int box_webp_encode(const struct box_raster *r, int quality, struct bx_buf *out)
{
    uint8_t *bytes = NULL;
    size_t len = WebPEncodeRGBA(r->rgba, (int)r->width, (int)r->height, (int)(r->width * 4),
                                (float)quality, &bytes);
    int rc = len ? bx_buf_append(out, bytes, len) : BX_E_NOMEM;
    WebPFree(bytes);
    return rc;
}

static int add_frame(WebPAnimEncoder *encoder, const WebPConfig *config,
                     const struct box_raster *frame, uint32_t side, int at_ms)
{
    WebPPicture picture;
    struct box_raster scaled = {0}, square = {0};
    uint32_t width, height;
    int rc = BX_E_NOMEM;
    if (!WebPPictureInit(&picture))
        return rc;
    box_fit(frame->width, frame->height, side, &width, &height);
    if ((rc = box_raster_scale(frame, width, height, &scaled)) >= 0 &&
        (rc = box_raster_center(&scaled, side, &square)) >= 0) {
        picture.width = picture.height = (int)side;
        picture.use_argb = 1;
        bool is_added = WebPPictureImportRGBA(&picture, square.rgba, (int)(side * 4)) &&
                        WebPAnimEncoderAdd(encoder, &picture, at_ms, config);
        rc = is_added ? BX_OK : BX_E_NOMEM;
    }
    WebPPictureFree(&picture);
    box_raster_done(&scaled);
    box_raster_done(&square);
    return rc;
}

static int add_frames(WebPAnimDecoder *decoder, WebPAnimEncoder *encoder, const WebPAnimInfo *info,
                      uint32_t side, int quality, struct bx_buf *out)
{
    WebPConfig config;
    WebPData data;
    uint8_t *rgba;
    int from_ms = 0, to_ms, rc = BX_OK;
    if (!WebPConfigPreset(&config, WEBP_PRESET_PICTURE, (float)quality))
        return BX_E_INTERNAL;
    config.method = 2;
    while (rc >= 0 && WebPAnimDecoderGetNext(decoder, &rgba, &to_ms)) {
        struct box_raster frame = frame_of(info, rgba);
        rc = add_frame(encoder, &config, &frame, side, from_ms);
        from_ms = to_ms;
    }
    if (rc < 0)
        return rc;
    WebPDataInit(&data);
    if (!WebPAnimEncoderAdd(encoder, NULL, from_ms, NULL) ||
        !WebPAnimEncoderAssemble(encoder, &data))
        return BX_E_INVALID;
    rc = bx_buf_append(out, data.bytes, data.size);
    WebPDataClear(&data);
    return rc;
}

int box_webp_animation(struct bx_str file, uint32_t side, int quality, struct bx_buf *out)
{
    WebPAnimInfo info;
    WebPAnimEncoderOptions options;
    int rc = BX_E_NOMEM;
    WebPAnimDecoder *decoder = animation_open(file, &info);
    if (!decoder)
        return BX_E_INVALID;
    WebPAnimEncoder *encoder = NULL;
    if (WebPAnimEncoderOptionsInit(&options))
        encoder = WebPAnimEncoderNew((int)side, (int)side, &options);
    if (encoder)
        rc = add_frames(decoder, encoder, &info, side, quality, out);
    WebPAnimEncoderDelete(encoder);
    WebPAnimDecoderDelete(decoder);
    return rc;
}
