/* From a Message protobuf to what a person reads: a kind, a text, a label, a quote. One row for
 * each sort of message; whatever has no row is shown by its name and kept as protobuf. */
#include "wa/internal.h"

#include "base/utf8.h"
#include "wa/proto/pb.h"

enum { MAX_WRAPS = 5, MAX_MENTIONS = 1024 };

struct bx_str wa_clean_text(struct bx_arena *arena, const char *text)
{
    return bx_utf8_repair_str(bx_str(text), arena);
}

#define WRAP(member, once, edit)                                                                   \
    {                                                                                              \
        offsetof(Wap__Message, member), once, edit                                                 \
    }
static const struct {
    size_t offset;
    bool is_view_once, is_edit;
} wraps[] = {
    WRAP(ephemeral, false, false),
    WRAP(view_once, true, false),
    WRAP(view_once_v2, true, false),
    WRAP(view_once_v2_extension, true, false),
    WRAP(document_with_caption, false, false),
    WRAP(edited, false, true),
    WRAP(lottie_sticker, false, false),
    WRAP(group_mentioned, false, false),
    WRAP(associated_child, false, false),
};

static void *member_at(const Wap__Message *m, size_t offset)
{
    void *p;
    memcpy(&p, (const char *)m + offset, sizeof p);
    return p;
}

static Wap__Message *unwrap_once(Wap__Message *m, bool *once, bool *edit)
{
    for (size_t i = 0; i < BX_LEN(wraps); i++) {
        Wap__FutureProof *w = member_at(m, wraps[i].offset);
        if (!w || !w->message)
            continue;
        *once |= wraps[i].is_view_once;
        *edit |= wraps[i].is_edit;
        if (!w->message->message_context_info)
            w->message->message_context_info = m->message_context_info;
        return w->message;
    }
    return NULL;
}

Wap__Message *wa_content_unwrap(Wap__Message *m, bool *out_is_view_once, bool *out_is_edit)
{
    *out_is_view_once = *out_is_edit = false;
    for (int i = 0; i < MAX_WRAPS; i++) {
        Wap__Message *inner = unwrap_once(m, out_is_view_once, out_is_edit);
        if (!inner)
            break;
        m = inner;
    }
    return m;
}

/* --- what each sort adds: texts, files; returns its context --- */

typedef Wap__ContextInfo *fill_fn(struct bx_arena *a, const void *part, struct wa_message *out);

static Wap__ContextInfo *fill_extended(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__ExtendedText *t = part;
    out->text = wa_clean_text(a, t->text ? t->text : "");
    return t->context_info;
}

#define MEDIA(m)                                                                                   \
    do {                                                                                           \
        out->mimetype = wa_clean_text(a, (m)->mimetype);                                           \
        out->file_size = (m)->file_length;                                                         \
    } while (0)

static Wap__ContextInfo *fill_image(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__Image *m = part;
    MEDIA(m);
    out->text = wa_clean_text(a, m->caption);
    out->is_view_once |= m->view_once;
    return m->context_info;
}

static Wap__ContextInfo *fill_video(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__Video *m = part;
    MEDIA(m);
    out->text = wa_clean_text(a, m->caption);
    out->seconds = m->seconds;
    out->is_view_once |= m->view_once;
    return m->context_info;
}

static Wap__ContextInfo *fill_audio(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__Audio *m = part;
    MEDIA(m);
    out->seconds = m->seconds;
    out->is_voice = m->ptt;
    out->is_view_once |= m->view_once;
    if (m->ptt)
        out->label = BX_STR("[Voice message]");
    return m->context_info;
}

static Wap__ContextInfo *fill_document(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__Document *m = part;
    MEDIA(m);
    out->text = wa_clean_text(a, m->caption);
    out->file_name = wa_clean_text(a, m->file_name ? m->file_name : m->title);
    if (out->file_name.len)
        out->label = bx_arena_printf(a, "[Document: " BX_STR_FMT "]", BX_STR_ARG(out->file_name));
    return m->context_info;
}

static Wap__ContextInfo *fill_sticker(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__Sticker *m = part;
    MEDIA(m);
    return m->context_info;
}

static Wap__ContextInfo *fill_location(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__Location *m = part;
    struct bx_str name = wa_clean_text(a, m->name ? m->name : m->address);
    out->label = name.len ? bx_arena_printf(a, "[Location: " BX_STR_FMT "]", BX_STR_ARG(name))
                          : bx_arena_printf(a, "[Location: %.5f, %.5f]", m->latitude, m->longitude);
    return m->context_info;
}

static Wap__ContextInfo *fill_live(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__LiveLocation *m = part;
    out->text = wa_clean_text(a, m->caption);
    return m->context_info;
}

static Wap__ContextInfo *fill_contact(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__Contact *m = part;
    struct bx_str name = wa_clean_text(a, m->display_name);
    if (name.len)
        out->label = bx_arena_printf(a, "[Contact: " BX_STR_FMT "]", BX_STR_ARG(name));
    return m->context_info;
}

static Wap__ContextInfo *fill_contacts(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__ContactsArray *m = part;
    out->label = bx_arena_printf(a, "[%zu contacts]", m->n_contacts);
    return m->context_info;
}

static Wap__ContextInfo *fill_poll(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__PollCreation *m = part;
    struct bx_str name = wa_clean_text(a, m->name);
    if (name.len)
        out->label = bx_arena_printf(a, "[Poll: " BX_STR_FMT "]", BX_STR_ARG(name));
    return m->context_info;
}

static Wap__ContextInfo *fill_event(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__Event *m = part;
    struct bx_str name = wa_clean_text(a, m->name);
    if (name.len)
        out->label = bx_arena_printf(a, "[Event: " BX_STR_FMT "]", BX_STR_ARG(name));
    return m->context_info;
}

static Wap__ContextInfo *fill_invite(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__GroupInvite *m = part;
    struct bx_str name = wa_clean_text(a, m->group_name);
    if (name.len)
        out->label = bx_arena_printf(a, "[Group invitation: " BX_STR_FMT "]", BX_STR_ARG(name));
    return m->context_info;
}

static Wap__ContextInfo *fill_buttons(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__ButtonsResponse *m = part;
    out->text = wa_clean_text(a, m->selected_display_text);
    return m->context_info;
}

static Wap__ContextInfo *fill_list(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__ListResponse *m = part;
    out->text = wa_clean_text(a, m->title);
    return m->context_info;
}

static Wap__ContextInfo *fill_template(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__TemplateButtonReply *m = part;
    out->text = wa_clean_text(a, m->selected_display_text);
    return m->context_info;
}

static Wap__ContextInfo *fill_flow(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__InteractiveResponse *m = part;
    out->text = wa_clean_text(a, m->body ? m->body->text : NULL);
    return m->context_info;
}

#define PART(member, kind, label, fill)                                                            \
    {                                                                                              \
#member, offsetof(Wap__Message, member), WA_KIND_##kind, label, fill                       \
    }
static const struct part {
    const char *name;
    size_t offset;
    enum wa_message_kind kind;
    const char *label;
    fill_fn *fill; /* NULL: nothing to add */
} parts[] = {
    PART(extended_text, TEXT, "[Text]", fill_extended),
    PART(image, IMAGE, "[Image]", fill_image),
    PART(video, VIDEO, "[Video]", fill_video),
    PART(ptv, VIDEO, "[Video note]", fill_video),
    PART(audio, AUDIO, "[Audio]", fill_audio),
    PART(document, DOCUMENT, "[Document]", fill_document),
    PART(sticker, STICKER, "[Sticker]", fill_sticker),
    PART(location, LOCATION, "[Location]", fill_location),
    PART(live_location, LOCATION, "[Live location]", fill_live),
    PART(contact, CONTACT, "[Contact]", fill_contact),
    PART(contacts_array, CONTACT, "[Contacts]", fill_contacts),
    PART(poll_creation, POLL, "[Poll]", fill_poll),
    PART(poll_creation_v2, POLL, "[Poll]", fill_poll),
    PART(poll_creation_v3, POLL, "[Poll]", fill_poll),
    PART(poll_creation_v5, POLL, "[Poll]", fill_poll),
    PART(buttons_response, TEXT, "[Button]", fill_buttons),
    PART(list_response, TEXT, "[List answer]", fill_list),
    PART(template_button_reply, TEXT, "[Button]", fill_template),
    PART(interactive_response, TEXT, "[Answer]", fill_flow),
    PART(event, SYSTEM, "[Event]", fill_event),
    PART(group_invite, SYSTEM, "[Group invitation]", fill_invite),
    PART(call, SYSTEM, "[Call]", NULL),
    PART(album, SYSTEM, "[Album]", NULL),
    PART(comment, SYSTEM, "[Comment]", NULL),
    PART(enc_comment, SYSTEM, "[Comment]", NULL),
    PART(pin_in_chat, SYSTEM, "[Pinned a message]", NULL),
};

static const struct part *part_of(const Wap__Message *m)
{
    for (size_t i = 0; i < BX_LEN(parts); i++) {
        if (member_at(m, parts[i].offset))
            return &parts[i];
    }
    return NULL;
}

/* Messages that only change others or carry keys make no row of their own. */
bool wa_content_is_visible(const Wap__Message *m)
{
    if (m->conversation || part_of(m))
        return true;
    bool is_silent = m->sender_key_distribution || m->fast_ratchet_sender_key || m->protocol ||
                     m->reaction || m->enc_reaction || m->poll_update || m->keep_in_chat ||
                     m->enc_event_response || m->secret_encrypted || m->placeholder;
    return !is_silent && m->base.n_unknown_fields > 0;
}

static int fill_context(struct wa_job *job, const Wap__ContextInfo *ctx, struct wa_message *out)
{
    struct bx_arena *a = &job->out;
    if (!ctx)
        return BX_OK;
    out->ephemeral_s = ctx->expiration;
    out->is_forwarded = ctx->is_forwarded;
    size_t count = ctx->n_mentioned_jid < MAX_MENTIONS ? ctx->n_mentioned_jid : MAX_MENTIONS;
    struct bx_str *mentions = bx_arena_alloc(a, (count + 1) * sizeof *mentions);
    for (size_t i = 0; i < count; i++)
        mentions[i] = wa_clean_text(a, ctx->mentioned_jid[i]);
    out->mentions = mentions;
    out->mention_count = count;
    if (!ctx->stanza_id || !ctx->stanza_id[0])
        return BX_OK;
    out->quoted_id = wa_clean_text(a, ctx->stanza_id);
    if (ctx->quoted_message) {
        struct wa_message quoted = {0};
        bool once, edit;
        Wap__Message *inner = wa_content_unwrap(ctx->quoted_message, &once, &edit);
        const struct part *p = inner->conversation ? NULL : part_of(inner);
        if (inner->conversation)
            quoted.text = wa_clean_text(a, inner->conversation);
        else if (p && p->fill)
            p->fill(a, member_at(inner, p->offset), &quoted);
        out->quoted_text = quoted.text.len    ? quoted.text
                           : quoted.label.len ? quoted.label
                                              : bx_str(p ? p->label : "[Message]");
    }
    return wa_peer_of_text(job, bx_str(ctx->participant), &out->quoted_sender);
}

int wa_content_describe(struct wa_job *job, const Wap__Message *m, struct wa_message *out)
{
    struct bx_arena *a = &job->out;
    const struct part *p = part_of(m);
    Wap__ContextInfo *ctx = NULL;
    if (m->conversation && m->conversation[0]) {
        out->kind = WA_KIND_TEXT;
        out->type_name = BX_STR("conversation");
        out->text = wa_clean_text(a, m->conversation);
    } else if (p) {
        out->kind = p->kind;
        out->type_name = bx_str(p->name);
        out->label = (struct bx_str){0};
        if (p->fill)
            ctx = p->fill(a, member_at(m, p->offset), out);
        if (!out->label.len)
            out->label = bx_str(p->label);
    } else {
        out->kind = WA_KIND_SYSTEM;
        out->type_name = BX_STR("unknown");
        out->label = BX_STR("[Unsupported message]");
    }
    if (out->text.len)
        out->label = out->text;
    else if (!out->label.len)
        out->label = BX_STR("[Empty message]");
    if (!out->text.len && out->kind != WA_KIND_TEXT)
        out->text = (struct bx_str){0};
    return fill_context(job, ctx, out);
}
