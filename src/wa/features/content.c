/* From a Message protobuf to what a person reads: a kind, a text, a label, a quote. One row for
 * each sort of message; whatever has no row is shown by its name and kept as protobuf. */
#include "wa/features/content.h"

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
    WRAP(bot_invoke, false, false),
    WRAP(event_cover_image, false, false),
    WRAP(status_mention, false, false),
    WRAP(poll_option_image, false, false),
    WRAP(group_status_mention, false, false),
    WRAP(poll_creation_v4, false, false),
    WRAP(status_add_yours, false, false),
    WRAP(group_status, false, false),
    WRAP(limit_sharing, false, false),
    WRAP(bot_task, false, false),
    WRAP(question, false, false),
    WRAP(group_status_v2, false, false),
    WRAP(bot_forwarded, false, false),
    WRAP(question_reply, false, false),
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

static Wap__ContextInfo *fill_invite(struct bx_arena *a, const void *part, struct wa_message *out)
{
    const Wap__GroupInvite *m = part;
    struct bx_str name = wa_clean_text(a, m->group_name), caption = wa_clean_text(a, m->caption);
    if (name.len)
        out->label = bx_arena_printf(a, "[Group invitation: " BX_STR_FMT "]", BX_STR_ARG(name));
    if (caption.len)
        out->label =
            bx_arena_printf(a, BX_STR_FMT "\n" BX_STR_FMT,
                            BX_STR_ARG(out->label.len ? out->label : BX_STR("[Group invitation]")),
                            BX_STR_ARG(caption));
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
    wa_fill_fn *fill; /* NULL: nothing to add */
} parts[] = {
    PART(extended_text, TEXT, "[Text]", fill_extended),
    PART(image, IMAGE, "[Image]", fill_image),
    PART(video, VIDEO, "[Video]", fill_video),
    PART(ptv, VIDEO, "[Video note]", fill_video),
    PART(audio, AUDIO, "[Audio]", fill_audio),
    PART(document, DOCUMENT, "[Document]", fill_document),
    PART(sticker, STICKER, "[Sticker]", fill_sticker),
    PART(location, LOCATION, "[Location]", wa_fill_location),
    PART(live_location, LOCATION, "[Live location]", wa_fill_live),
    PART(contact, CONTACT, "[Contact]", wa_fill_contact),
    PART(contacts_array, CONTACT, "[Contacts]", wa_fill_contacts),
    PART(poll_creation, POLL, "[Poll]", wa_fill_poll),
    PART(poll_creation_v2, POLL, "[Poll]", wa_fill_poll),
    PART(poll_creation_v3, POLL, "[Poll]", wa_fill_poll),
    PART(poll_creation_v5, POLL, "[Poll]", wa_fill_poll),
    PART(poll_snapshot, TEXT, "[Poll result]", wa_fill_poll_result),
    PART(poll_snapshot_v3, TEXT, "[Poll result]", wa_fill_poll_result),
    PART(event, EVENT, "[Event]", wa_fill_event),
    PART(buttons_response, TEXT, "[Button]", wa_fill_buttons_response),
    PART(list_response, TEXT, "[List answer]", wa_fill_list_response),
    PART(template_button_reply, TEXT, "[Button]", wa_fill_template_reply),
    PART(interactive_response, TEXT, "[Answer]", wa_fill_flow_response),
    PART(template_, TEXT, "[Template]", wa_fill_template),
    PART(highly_structured, TEXT, "[Template]", wa_fill_structured),
    PART(buttons, TEXT, "[Buttons]", wa_fill_buttons),
    PART(list, TEXT, "[List]", wa_fill_list),
    PART(interactive, TEXT, "[Message with buttons]", wa_fill_interactive),
    PART(product, TEXT, "[Product]", wa_fill_product),
    PART(order, TEXT, "[Order]", wa_fill_order),
    PART(invoice, TEXT, "[Invoice]", wa_fill_invoice),
    PART(send_payment, TEXT, "[Payment]", wa_fill_payment),
    PART(request_payment, TEXT, "[Payment request]", wa_fill_payment_request),
    PART(decline_payment, TEXT, "[Payment request declined]", NULL),
    PART(cancel_payment, TEXT, "[Payment request cancelled]", NULL),
    PART(payment_invite, TEXT, "[Payment invitation: see the phone]", NULL),
    PART(group_invite, TEXT, "[Group invitation]", fill_invite),
    PART(channel_invite, TEXT, "[Channel invitation]", wa_fill_channel_invite),
    PART(follower_invite, TEXT, "[Channel invitation]", wa_fill_channel_invite),
    PART(scheduled_call, TEXT, "[Scheduled call]", wa_fill_scheduled_call),
    PART(phone_request, TEXT, "[Asks for your phone number]", NULL),
    PART(sticker_pack, TEXT, "[Sticker pack]", wa_fill_sticker_pack),
    PART(call_log, SYSTEM, "[Call]", wa_fill_call_log),
    PART(call, SYSTEM, "[Call]", NULL),
    PART(comment, TEXT, "[Comment]", wa_fill_comment),
    PART(enc_comment, UNKNOWN, "[Comment: see the phone]", NULL),
};

static const struct part *part_of(const Wap__Message *m)
{
    for (size_t i = 0; i < BX_LEN(parts); i++) {
        if (member_at(m, parts[i].offset))
            return &parts[i];
    }
    return NULL;
}

bool wa_timer_is_valid(uint32_t seconds)
{
    enum { DAY = 86400 };
    return seconds == 0 || seconds == DAY || seconds == 7 * DAY || seconds == 90 * DAY;
}

bool wa_content_is_known(const Wap__Message *m)
{
    return m->conversation || part_of(m);
}

/* A piece of a picture or video that is told already: HD twins, the moving half of a photo. */
static bool is_twin(const Wap__Message *m)
{
    enum { HD_VIDEO = 5, HD_IMAGE = 10, MOTION_PHOTO = 12, HEVC_VIDEO = 19 };
    const Wap__MessageContextInfo *info = m->message_context_info;
    int type = info && info->message_association ? info->message_association->association_type : 0;
    return type == HD_VIDEO || type == HD_IMAGE || type == MOTION_PHOTO || type == HEVC_VIDEO;
}

/* Messages that only change others or carry keys make no row of their own, nor does the head of an
 * album, whose pictures follow. */
bool wa_content_is_visible(const Wap__Message *m)
{
    if (is_twin(m) || m->album)
        return false;
    if (wa_content_is_known(m))
        return true;
    bool is_silent = m->sender_key_distribution || m->fast_ratchet_sender_key || m->protocol ||
                     m->reaction || m->enc_reaction || m->pin_in_chat || m->poll_update ||
                     m->keep_in_chat || m->enc_event_response || m->secret_encrypted ||
                     m->placeholder || m->sticker_sync || m->history_bundle || m->history_notice;
    return !is_silent && m->base.n_unknown_fields > 0;
}

static int fill_context(struct wa_job *job, const Wap__ContextInfo *ctx, struct wa_message *out)
{
    struct bx_arena *a = &job->out;
    if (!ctx)
        return BX_OK;
    out->ephemeral_s = ctx->expiration;
    out->ephemeral_set_at_ms =
        ctx->ephemeral_setting_timestamp > 0 && ctx->ephemeral_setting_timestamp < UINT32_MAX
            ? ctx->ephemeral_setting_timestamp * 1000
            : 0;
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
        out->kind = WA_KIND_UNKNOWN;
        out->type_name = BX_STR("unknown");
        out->label = BX_STR("[Unsupported message: see the phone]");
    }
    if (out->text.len)
        out->label = out->text;
    else if (!out->label.len)
        out->label = BX_STR("[Empty message]");
    if (!out->text.len && out->kind != WA_KIND_TEXT)
        out->text = (struct bx_str){0};
    return fill_context(job, ctx, out);
}
