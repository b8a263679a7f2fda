/* Protobufs of messages that are more than a text: files, places, contact cards, polls, forwards. */
#include "wa/media.h"

#include "base/clock.h"
#include "wa/internal.h"
#include "wa/proto/pb.h"

enum { SECRET_SIZE = 32 };

/* Every message that others may answer by a sealed message (vote, edit, reaction) carries a secret. */
static void add_secret(struct bx_arena *a, Wap__Message *m, const uint8_t *secret)
{
    uint8_t *bytes = bx_arena_alloc(a, SECRET_SIZE);
    if (secret)
        memcpy(bytes, secret, SECRET_SIZE);
    else
        bx_random(bytes, SECRET_SIZE);
    if (!m->message_context_info)
        m->message_context_info = WA_PB_NEW(a, Wap__MessageContextInfo, message_context_info);
    WA_PB_SET_BYTES(m->message_context_info, message_secret,
                    bx_str_n((const char *)bytes, SECRET_SIZE));
}

static void set_text(struct bx_arena *a, char **field, struct bx_str text)
{
    if (text.len)
        *field = wa_pb_text(a, text);
}

/* protobuf-c only reads the bytes. */
static struct bx_str bytes_32(const uint8_t *p)
{
    return bx_str_n(p, 32);
}

#define COMMON(m)                                                                                  \
    do {                                                                                           \
        set_text(a, &(m)->url, f->url);                                                            \
        set_text(a, &(m)->direct_path, f->direct_path);                                            \
        set_text(a, &(m)->mimetype, f->mimetype);                                                  \
        WA_PB_SET_BYTES(m, media_key, bytes_32(f->media_key));                                     \
        WA_PB_SET_BYTES(m, file_sha256, bytes_32(f->sha256));                                      \
        WA_PB_SET_BYTES(m, file_enc_sha256, bytes_32(f->enc_sha256));                              \
        WA_PB_SET(m, file_length, f->size);                                                        \
        WA_PB_SET(m, media_key_timestamp, f->key_at_ms / 1000);                                    \
        (m)->context_info = ctx;                                                                   \
    } while (0)

#define SET_IF(m, field, value)                                                                    \
    do {                                                                                           \
        if (value)                                                                                 \
            WA_PB_SET(m, field, value);                                                            \
    } while (0)

#define SET_BYTES_IF(m, field, value)                                                              \
    do {                                                                                           \
        if ((value).len)                                                                           \
            WA_PB_SET_BYTES(m, field, value);                                                      \
    } while (0)

static void build_image(struct bx_arena *a, const struct wa_file *f, Wap__ContextInfo *ctx,
                        Wap__Message *out)
{
    Wap__Image *m = out->image = WA_PB_NEW(a, Wap__Image, image);
    COMMON(m);
    set_text(a, &m->caption, f->caption);
    SET_IF(m, width, f->width);
    SET_IF(m, height, f->height);
    SET_BYTES_IF(m, jpeg_thumbnail, f->thumbnail);
    SET_IF(m, view_once, f->is_view_once);
}

static void build_video(struct bx_arena *a, const struct wa_file *f, Wap__ContextInfo *ctx,
                        Wap__Message *out)
{
    Wap__Video *m = WA_PB_NEW(a, Wap__Video, video);
    COMMON(m);
    set_text(a, &m->caption, f->caption);
    SET_IF(m, width, f->width);
    SET_IF(m, height, f->height);
    SET_IF(m, seconds, f->seconds);
    SET_BYTES_IF(m, jpeg_thumbnail, f->thumbnail);
    SET_BYTES_IF(m, streaming_sidecar, f->sidecar);
    SET_IF(m, gif_playback, f->kind == WA_FILE_GIF);
    SET_IF(m, view_once, f->is_view_once);
    if (f->kind == WA_FILE_PTV)
        out->ptv = m;
    else
        out->video = m;
}

static void build_audio(struct bx_arena *a, const struct wa_file *f, Wap__ContextInfo *ctx,
                        Wap__Message *out)
{
    Wap__Audio *m = out->audio = WA_PB_NEW(a, Wap__Audio, audio);
    COMMON(m);
    SET_IF(m, seconds, f->seconds);
    WA_PB_SET(m, ptt, f->kind == WA_FILE_VOICE);
    SET_BYTES_IF(m, waveform, f->waveform);
    SET_BYTES_IF(m, streaming_sidecar, f->sidecar);
    SET_IF(m, view_once, f->is_view_once);
}

static void build_document(struct bx_arena *a, const struct wa_file *f, Wap__ContextInfo *ctx,
                           Wap__Message *out)
{
    Wap__Document *m = out->document = WA_PB_NEW(a, Wap__Document, document);
    COMMON(m);
    set_text(a, &m->caption, f->caption);
    set_text(a, &m->file_name, f->file_name);
    set_text(a, &m->title, f->file_name);
    SET_IF(m, page_count, f->pages);
    SET_BYTES_IF(m, jpeg_thumbnail, f->thumbnail);
}

static void build_sticker(struct bx_arena *a, const struct wa_file *f, Wap__ContextInfo *ctx,
                          Wap__Message *out)
{
    Wap__Sticker *m = out->sticker = WA_PB_NEW(a, Wap__Sticker, sticker);
    COMMON(m);
    SET_IF(m, width, f->width);
    SET_IF(m, height, f->height);
    SET_BYTES_IF(m, png_thumbnail, f->thumbnail);
    WA_PB_SET(m, is_animated, f->is_animated);
    WA_PB_SET(m, sticker_sent_ts, bx_wall_ms());
}

static void (*const builders[WA_FILE_KINDS])(struct bx_arena *a, const struct wa_file *f,
                                             Wap__ContextInfo *ctx, Wap__Message *out) = {
    [WA_FILE_IMAGE] = build_image,       [WA_FILE_VIDEO] = build_video,
    [WA_FILE_GIF] = build_video,         [WA_FILE_PTV] = build_video,
    [WA_FILE_AUDIO] = build_audio,       [WA_FILE_VOICE] = build_audio,
    [WA_FILE_DOCUMENT] = build_document, [WA_FILE_STICKER] = build_sticker,
};

/* `inner` inside a wrapper; the secret belongs to the outer message. */
static Wap__Message *wrap(struct bx_arena *a, Wap__Message *inner, bool is_view_once)
{
    Wap__Message *outer = WA_PB_NEW(a, Wap__Message, message);
    Wap__FutureProof *w = WA_PB_NEW(a, Wap__FutureProof, future_proof);
    w->message = inner;
    if (!is_view_once)
        outer->document_with_caption = w;
    else if (inner->audio)
        outer->view_once_v2_extension = w;
    else
        outer->view_once = w;
    outer->message_context_info = inner->message_context_info;
    inner->message_context_info = NULL;
    return outer;
}

struct bx_str wa_build_file(const struct wa_file *file, const struct wa_outgoing *out,
                            struct bx_arena *arena)
{
    Wap__Message *m = WA_PB_NEW(arena, Wap__Message, message);
    BX_ASSERT(file->kind < WA_FILE_KINDS && builders[file->kind]);
    builders[file->kind](arena, file, wa_message_context(arena, out), m);
    add_secret(arena, m, NULL);
    bool is_captioned = m->document && file->caption.len;
    if (file->is_view_once || is_captioned)
        m = wrap(arena, m, file->is_view_once);
    return wa_pb_pack(m, arena);
}

/* --- places and cards --- */

struct bx_str wa_build_location(const struct wa_place *place, const struct wa_outgoing *out,
                                struct bx_arena *arena)
{
    Wap__Message *m = WA_PB_NEW(arena, Wap__Message, message);
    Wap__Location *l = m->location = WA_PB_NEW(arena, Wap__Location, location);
    WA_PB_SET(l, latitude, place->latitude);
    WA_PB_SET(l, longitude, place->longitude);
    set_text(arena, &l->name, place->name);
    set_text(arena, &l->address, place->address);
    l->context_info = wa_message_context(arena, out);
    add_secret(arena, m, NULL);
    return wa_pb_pack(m, arena);
}

static Wap__Contact *card_of(struct bx_arena *arena, const struct wa_vcard *card)
{
    Wap__Contact *c = WA_PB_NEW(arena, Wap__Contact, contact);
    c->display_name = wa_pb_text(arena, card->name);
    c->vcard = wa_pb_text(arena, card->text);
    return c;
}

struct bx_str wa_build_contacts(const struct wa_vcard *cards, size_t count,
                                const struct wa_outgoing *out, struct bx_arena *arena)
{
    Wap__Message *m = WA_PB_NEW(arena, Wap__Message, message);
    Wap__ContextInfo *ctx = wa_message_context(arena, out);
    if (count == 1) {
        m->contact = card_of(arena, &cards[0]);
        m->contact->context_info = ctx;
    } else {
        Wap__ContactsArray *list = m->contacts_array =
            WA_PB_NEW(arena, Wap__ContactsArray, contacts_array);
        list->display_name = wa_pb_text(arena, bx_arena_printf(arena, "%zu contacts", count));
        list->contacts = bx_arena_alloc(arena, (count + 1) * sizeof *list->contacts);
        for (size_t i = 0; i < count; i++)
            list->contacts[i] = card_of(arena, &cards[i]);
        list->n_contacts = count;
        list->context_info = ctx;
    }
    add_secret(arena, m, NULL);
    return wa_pb_pack(m, arena);
}

/* RFC 2426 5: backslash, comma, semicolon and line ends are escaped. */
static struct bx_str vcard_escape(struct bx_str text, struct bx_arena *arena)
{
    struct bx_buf b;
    bx_buf_init(&b, 0);
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (c == '\n')
            bx_buf_lit(&b, "\\n");
        else if (c != '\r') {
            if (c == '\\' || c == ',' || c == ';')
                bx_buf_byte(&b, '\\');
            bx_buf_byte(&b, (uint8_t)c);
        }
    }
    struct bx_str out = bx_arena_str(arena, bx_buf_view(&b));
    bx_buf_done(&b);
    return out;
}

struct bx_str wa_vcard_make(struct bx_str name, struct bx_str digits, struct bx_arena *arena)
{
    struct bx_str n = vcard_escape(name, arena);
    return bx_arena_printf(arena,
                           "BEGIN:VCARD\nVERSION:3.0\nN:;" BX_STR_FMT ";;;\nFN:" BX_STR_FMT
                           "\nTEL;type=CELL;type=VOICE;waid=" BX_STR_FMT ":+" BX_STR_FMT
                           "\nEND:VCARD",
                           BX_STR_ARG(n), BX_STR_ARG(n), BX_STR_ARG(digits), BX_STR_ARG(digits));
}

/* --- polls --- */

struct bx_str wa_build_poll(const struct wa_poll *poll, const uint8_t secret[32],
                            const struct wa_outgoing *out, struct bx_arena *arena)
{
    Wap__Message *m = WA_PB_NEW(arena, Wap__Message, message);
    Wap__PollCreation *p = WA_PB_NEW(arena, Wap__PollCreation, poll_creation);
    p->name = wa_pb_text(arena, poll->question);
    p->options = bx_arena_alloc(arena, (poll->option_count + 1) * sizeof *p->options);
    for (size_t i = 0; i < poll->option_count; i++) {
        p->options[i] = WA_PB_NEW(arena, Wap__PollCreation__Option, poll_creation__option);
        p->options[i]->name = wa_pb_text(arena, poll->options[i]);
    }
    p->n_options = poll->option_count;
    WA_PB_SET(p, selectable_count, poll->selectable);
    p->context_info = wa_message_context(arena, out);
    if (poll->selectable == 1)
        m->poll_creation_v3 = p;
    else
        m->poll_creation = p;
    add_secret(arena, m, secret);
    return wa_pb_pack(m, arena);
}

/* --- forwards --- */

/* Context of the part that carries the content; NULL where it has none. */
static Wap__ContextInfo **context_place(Wap__Message *m)
{
    if (m->extended_text)
        return &m->extended_text->context_info;
    if (m->image)
        return &m->image->context_info;
    if (m->video)
        return &m->video->context_info;
    if (m->ptv)
        return &m->ptv->context_info;
    if (m->audio)
        return &m->audio->context_info;
    if (m->document)
        return &m->document->context_info;
    if (m->sticker)
        return &m->sticker->context_info;
    if (m->location)
        return &m->location->context_info;
    if (m->contact)
        return &m->contact->context_info;
    if (m->contacts_array)
        return &m->contacts_array->context_info;
    return NULL;
}

int wa_build_forward(struct bx_str raw, const struct wa_outgoing *out, struct bx_arena *arena,
                     struct bx_str *out_raw)
{
    Wap__Message *m;
    bool is_view_once, is_edit;
    if (WA_PB_UNPACK(message, raw, arena, &m) < 0)
        return BX_E_INVALID;
    m = wa_content_unwrap(m, &is_view_once, &is_edit);
    if (is_view_once)
        return BX_E_INVALID;
    if (m->conversation) {
        m->extended_text = WA_PB_NEW(arena, Wap__ExtendedText, extended_text);
        m->extended_text->text = m->conversation;
        m->conversation = NULL;
    }
    Wap__ContextInfo **place = context_place(m);
    if (!place)
        return BX_E_INVALID;
    uint32_t score = *place ? (*place)->forwarding_score : 0;
    struct wa_outgoing plain = {.to = out->to, .ephemeral_s = out->ephemeral_s};
    *place = wa_message_context(arena, &plain);
    if (!*place)
        *place = WA_PB_NEW(arena, Wap__ContextInfo, context_info);
    WA_PB_SET(*place, is_forwarded, true);
    WA_PB_SET(*place, forwarding_score, score < UINT32_MAX ? score + 1 : score);
    m->message_context_info = NULL;
    add_secret(arena, m, NULL);
    if (m->document && m->document->caption && m->document->caption[0])
        m = wrap(arena, m, false);
    *out_raw = wa_pb_pack(m, arena);
    return BX_OK;
}
