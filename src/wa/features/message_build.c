/* Lane: the protobuf of a message that somebody sends. */
#include "wa/internal.h"

#include "base/clock.h"
#include "wa/proto/pb.h"

static Wap__MessageKey *key_of(struct bx_arena *a, const struct wa_outgoing *out)
{
    Wap__MessageKey *key = WA_PB_NEW(a, Wap__MessageKey, message_key);
    struct wa_jid to;
    key->remote_jid = wa_pb_text(a, out->to);
    key->id = wa_pb_text(a, out->target.id);
    WA_PB_SET(key, from_me, out->target.is_from_me);
    bool is_group = wa_jid_parse(out->to, &to) == BX_OK && wa_jid_is_group(&to);
    if (is_group && out->target.sender.len)
        key->participant = wa_pb_text(a, out->target.sender);
    return key;
}

static Wap__Message *quoted_message(struct bx_arena *a, const struct wa_outgoing *out)
{
    Wap__Message *m;
    if (out->quoted_raw.len && WA_PB_UNPACK(message, out->quoted_raw, a, &m) == BX_OK) {
        m->message_context_info = NULL;
        if (m->extended_text)
            m->extended_text->context_info = NULL;
        return m;
    }
    m = WA_PB_NEW(a, Wap__Message, message);
    m->conversation = wa_pb_text(a, out->quoted_text.ptr ? out->quoted_text : BX_STR(""));
    return m;
}

Wap__ContextInfo *wa_message_context(struct bx_arena *a, const struct wa_outgoing *out)
{
    if (!out->quoted.id.len && !out->mention_count && !out->ephemeral_s)
        return NULL;
    Wap__ContextInfo *ctx = WA_PB_NEW(a, Wap__ContextInfo, context_info);
    if (out->quoted.id.len) {
        ctx->stanza_id = wa_pb_text(a, out->quoted.id);
        ctx->participant = wa_pb_text(a, out->quoted.sender);
        ctx->quoted_message = quoted_message(a, out);
    }
    if (out->mention_count) {
        ctx->mentioned_jid = bx_arena_alloc(a, out->mention_count * sizeof *ctx->mentioned_jid);
        for (size_t i = 0; i < out->mention_count; i++)
            ctx->mentioned_jid[i] = wa_pb_text(a, out->mentions[i]);
        ctx->n_mentioned_jid = out->mention_count;
    }
    if (out->ephemeral_s)
        WA_PB_SET(ctx, expiration, out->ephemeral_s);
    if (out->ephemeral_s && out->ephemeral_set_at_ms)
        WA_PB_SET(ctx, ephemeral_setting_timestamp, out->ephemeral_set_at_ms / 1000);
    return ctx;
}

static void build_text(struct bx_arena *a, const struct wa_outgoing *out, Wap__Message *m)
{
    Wap__ContextInfo *ctx = wa_message_context(a, out);
    if (!ctx) {
        m->conversation = wa_pb_text(a, out->text);
        return;
    }
    m->extended_text = WA_PB_NEW(a, Wap__ExtendedText, extended_text);
    m->extended_text->text = wa_pb_text(a, out->text);
    m->extended_text->context_info = ctx;
}

static void build_reaction(struct bx_arena *a, const struct wa_outgoing *out, Wap__Message *m)
{
    m->reaction = WA_PB_NEW(a, Wap__Reaction, reaction);
    m->reaction->key = key_of(a, out);
    m->reaction->text = wa_pb_text(a, out->text.ptr ? out->text : BX_STR(""));
    WA_PB_SET(m->reaction, sender_timestamp_ms, bx_wall_ms());
}

static void build_edit(struct bx_arena *a, const struct wa_outgoing *out, Wap__Message *m)
{
    Wap__Protocol *p = m->protocol = WA_PB_NEW(a, Wap__Protocol, protocol);
    WA_PB_SET(p, type, WAP__PROTOCOL__TYPE__MESSAGE_EDIT);
    WA_PB_SET(p, timestamp_ms, bx_wall_ms());
    p->key = key_of(a, out);
    p->edited_message = WA_PB_NEW(a, Wap__Message, message);
    build_text(a, out, p->edited_message);
}

static void build_revoke(struct bx_arena *a, const struct wa_outgoing *out, Wap__Message *m)
{
    Wap__Protocol *p = m->protocol = WA_PB_NEW(a, Wap__Protocol, protocol);
    WA_PB_SET(p, type, WAP__PROTOCOL__TYPE__REVOKE);
    p->key = key_of(a, out);
}

static void (*const builders[])(struct bx_arena *, const struct wa_outgoing *, Wap__Message *) = {
    [WA_SEND_TEXT] = build_text,
    [WA_SEND_REACTION] = build_reaction,
    [WA_SEND_EDIT] = build_edit,
    [WA_SEND_REVOKE] = build_revoke,
};

struct bx_str wa_message_build(struct bx_arena *arena, const struct wa_outgoing *out)
{
    if (out->kind == WA_SEND_RAW)
        return out->raw;
    Wap__Message *m = WA_PB_NEW(arena, Wap__Message, message);
    builders[out->kind](arena, out, m);
    return wa_pb_pack(m, arena);
}
