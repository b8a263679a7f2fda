/* The file of a message, read out of its protobuf. */
#include "wa/media.h"

#include "base/mem.h"
#include "wa/internal.h"
#include "wa/proto/pb.h"

static const char *const kind_names[WA_FILE_KINDS] = {
    [WA_FILE_IMAGE] = "image",
    [WA_FILE_VIDEO] = "video",
    [WA_FILE_GIF] = "gif",
    [WA_FILE_PTV] = "ptv",
    [WA_FILE_AUDIO] = "audio",
    [WA_FILE_VOICE] = "voice",
    [WA_FILE_DOCUMENT] = "document",
    [WA_FILE_STICKER] = "sticker",
    [WA_FILE_LINK_THUMBNAIL] = "link-thumbnail",
};

const char *wa_file_kind_name(enum wa_file_kind kind)
{
    return (unsigned)kind < WA_FILE_KINDS ? kind_names[kind] : "unknown";
}

int wa_file_kind_parse(struct bx_str name, enum wa_file_kind *out)
{
    for (unsigned i = 0; i < WA_FILE_KINDS; i++) {
        if (bx_str_eq(name, bx_str(kind_names[i]))) {
            *out = (enum wa_file_kind)i;
            return BX_OK;
        }
    }
    return BX_E_NOT_FOUND;
}

enum wa_media_kind wa_file_media_kind(enum wa_file_kind kind)
{
    static const enum wa_media_kind kinds[WA_FILE_KINDS] = {
        [WA_FILE_IMAGE] = WA_MEDIA_IMAGE,
        [WA_FILE_VIDEO] = WA_MEDIA_VIDEO,
        [WA_FILE_GIF] = WA_MEDIA_VIDEO,
        [WA_FILE_PTV] = WA_MEDIA_VIDEO,
        [WA_FILE_AUDIO] = WA_MEDIA_AUDIO,
        [WA_FILE_VOICE] = WA_MEDIA_AUDIO,
        [WA_FILE_DOCUMENT] = WA_MEDIA_DOCUMENT,
        [WA_FILE_STICKER] = WA_MEDIA_IMAGE,
        [WA_FILE_LINK_THUMBNAIL] = WA_MEDIA_LINK_THUMBNAIL,
    };
    BX_ASSERT((unsigned)kind < WA_FILE_KINDS);
    return kinds[kind];
}

static void take_32(ProtobufCBinaryData from, uint8_t out[32], bool *out_has)
{
    *out_has = from.len == 32;
    if (*out_has)
        memcpy(out, from.data, 32);
}

static int64_t ms_of(int64_t seconds)
{
    return seconds > 0 && seconds < UINT32_MAX ? seconds * 1000 : 0;
}

/* The members that every kind has under the same names. */
#define COMMON(m)                                                                                  \
    do {                                                                                           \
        take_32((m)->media_key, out->media_key, &out->has_media_key);                              \
        take_32((m)->file_sha256, out->sha256, &out->has_sha256);                                  \
        take_32((m)->file_enc_sha256, out->enc_sha256, &out->has_enc_sha256);                      \
        out->direct_path = wa_clean_text(a, (m)->direct_path);                                     \
        out->url = wa_clean_text(a, (m)->url);                                                     \
        out->mimetype = wa_clean_text(a, (m)->mimetype);                                           \
        out->size = (m)->file_length;                                                              \
        out->key_at_ms = ms_of((m)->media_key_timestamp);                                          \
    } while (0)

static void read_image(struct bx_arena *a, const Wap__Image *m, struct wa_file *out)
{
    COMMON(m);
    out->kind = WA_FILE_IMAGE;
    out->caption = wa_clean_text(a, m->caption);
    out->width = m->width;
    out->height = m->height;
    out->thumbnail = bx_arena_str(a, wa_pb_str(m->jpeg_thumbnail));
    out->is_view_once = m->view_once;
}

static void read_video(struct bx_arena *a, const Wap__Video *m, struct wa_file *out)
{
    COMMON(m);
    out->kind = m->gif_playback ? WA_FILE_GIF : WA_FILE_VIDEO;
    out->caption = wa_clean_text(a, m->caption);
    out->width = m->width;
    out->height = m->height;
    out->seconds = m->seconds;
    out->thumbnail = bx_arena_str(a, wa_pb_str(m->jpeg_thumbnail));
    out->sidecar = bx_arena_str(a, wa_pb_str(m->streaming_sidecar));
    out->is_view_once = m->view_once;
}

static void read_audio(struct bx_arena *a, const Wap__Audio *m, struct wa_file *out)
{
    COMMON(m);
    out->kind = m->ptt ? WA_FILE_VOICE : WA_FILE_AUDIO;
    out->seconds = m->seconds;
    out->waveform = bx_arena_str(a, wa_pb_str(m->waveform));
    out->sidecar = bx_arena_str(a, wa_pb_str(m->streaming_sidecar));
    out->is_view_once = m->view_once;
}

static void read_document(struct bx_arena *a, const Wap__Document *m, struct wa_file *out)
{
    COMMON(m);
    out->kind = WA_FILE_DOCUMENT;
    out->caption = wa_clean_text(a, m->caption);
    out->file_name = wa_clean_text(a, m->file_name ? m->file_name : m->title);
    out->pages = m->page_count;
    out->thumbnail = bx_arena_str(a, wa_pb_str(m->jpeg_thumbnail));
}

static void read_sticker(struct bx_arena *a, const Wap__Sticker *m, struct wa_file *out)
{
    COMMON(m);
    out->kind = WA_FILE_STICKER;
    out->width = m->width;
    out->height = m->height;
    out->thumbnail = bx_arena_str(a, wa_pb_str(m->png_thumbnail));
    out->is_animated = m->is_animated;
}

int wa_file_of(struct bx_str raw, struct bx_arena *arena, struct wa_file *out)
{
    Wap__Message *m;
    bool is_view_once, is_edit;
    if (WA_PB_UNPACK(message, raw, arena, &m) < 0)
        return BX_E_INVALID;
    m = wa_content_unwrap(m, &is_view_once, &is_edit);
    *out = (struct wa_file){0};
    if (m->image)
        read_image(arena, m->image, out);
    else if (m->video || m->ptv)
        read_video(arena, m->video ? m->video : m->ptv, out);
    else if (m->audio)
        read_audio(arena, m->audio, out);
    else if (m->document)
        read_document(arena, m->document, out);
    else if (m->sticker)
        read_sticker(arena, m->sticker, out);
    else
        return BX_E_NOT_FOUND;
    if (m->ptv && !m->video)
        out->kind = WA_FILE_PTV;
    out->is_view_once |= is_view_once;
    return BX_OK;
}
