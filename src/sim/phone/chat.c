/* What a phone says: text, replies, reactions, edits, revokes, to a person or a group, encrypted
 * for every device. */
#include "sim/phone/chat.h"
#include "base/err.h"
#include "base/mem.h"
#include "sim/core/random.h"
#include "sim/network/accounts.h"
#include "sim/network/groups.h"
#include "sim/network/presence.h"
#include "sim/network/router.h"
#include "sim/network/token.h"
#include "sim/phone/phone.h"
#include "wa/proto/pb.h"

#include <stdio.h>
#include <stdlib.h>

/* Kept for retry receipts. */
struct sim_sent_message {
    char id[SIM_ID_MAX];
    char chat[64]; /* JID of the group, or phone of the person */
    bool is_group, is_lid;
    char type[16], edit[4];
    size_t len;
    uint8_t packed[];
};

static Wap__MessageKey *key_of(struct sim_account *a, const struct sim_outgoing *w,
                               struct bx_str id, struct sim_account *author, struct bx_arena *arena)
{
    Wap__MessageKey *key = WA_PB_NEW(arena, Wap__MessageKey, message_key);
    bool is_lid = w->group ? w->group->is_lid : w->is_lid;
    key->remote_jid =
        w->group ? w->group->jid : (char *)(uintptr_t)sim_jid(arena, w->to, 0, is_lid).ptr;
    WA_PB_SET(key, from_me, author == a);
    key->id = wa_pb_text(arena, id);
    if (w->group && author != a)
        key->participant = (char *)(uintptr_t)sim_jid(arena, author, 0, is_lid).ptr;
    return key;
}

static Wap__Message *text_message(const struct sim_outgoing *w, struct bx_arena *arena)
{
    Wap__Message *m = WA_PB_NEW(arena, Wap__Message, message);
    bool is_lid = w->group ? w->group->is_lid : w->is_lid;
    if (!w->quoted_id.ptr && !w->mention_count) {
        m->conversation = wa_pb_text(arena, w->text);
        return m;
    }
    Wap__ContextInfo *context = WA_PB_NEW(arena, Wap__ContextInfo, context_info);
    m->extended_text = WA_PB_NEW(arena, Wap__ExtendedText, extended_text);
    m->extended_text->text = wa_pb_text(arena, w->text);
    m->extended_text->context_info = context;
    if (w->quoted_id.ptr) {
        context->stanza_id = wa_pb_text(arena, w->quoted_id);
        if (w->quoted_from)
            context->participant = (char *)(uintptr_t)sim_jid(arena, w->quoted_from, 0, is_lid).ptr;
        context->quoted_message = WA_PB_NEW(arena, Wap__Message, message);
        context->quoted_message->conversation =
            wa_pb_text(arena, w->quoted_text.ptr ? w->quoted_text : BX_STR(""));
    }
    if (w->mention_count) {
        context->mentioned_jid =
            bx_arena_alloc(arena, w->mention_count * sizeof *context->mentioned_jid);
        for (size_t i = 0; i < w->mention_count; i++)
            context->mentioned_jid[i] =
                (char *)(uintptr_t)sim_jid(arena, w->mentions[i], 0, is_lid).ptr;
        context->n_mentioned_jid = w->mention_count;
    }
    return m;
}

static Wap__Message *message_of(struct sim_account *a, const struct sim_outgoing *w,
                                struct bx_arena *arena)
{
    Wap__Message *m = WA_PB_NEW(arena, Wap__Message, message);
    if (w->reaction_id.ptr) {
        m->reaction = WA_PB_NEW(arena, Wap__Reaction, reaction);
        m->reaction->key =
            key_of(a, w, w->reaction_id, w->reaction_from ? w->reaction_from : w->to, arena);
        m->reaction->text = wa_pb_text(arena, w->emoji);
        WA_PB_SET(m->reaction, sender_timestamp_ms, sim_now_s() * 1000);
        return m;
    }
    if (!w->edit_id.ptr && !w->revoke_id.ptr)
        return text_message(w, arena);
    m->protocol = WA_PB_NEW(arena, Wap__Protocol, protocol);
    m->protocol->key = key_of(a, w, w->edit_id.ptr ? w->edit_id : w->revoke_id, a, arena);
    if (w->edit_id.ptr) {
        WA_PB_SET(m->protocol, type, WAP__PROTOCOL__TYPE__MESSAGE_EDIT);
        m->protocol->edited_message = WA_PB_NEW(arena, Wap__Message, message);
        m->protocol->edited_message->conversation = wa_pb_text(arena, w->text);
        WA_PB_SET(m->protocol, timestamp_ms, sim_now_s() * 1000);
    } else {
        WA_PB_SET(m->protocol, type, WAP__PROTOCOL__TYPE__REVOKE);
    }
    return m;
}

static struct bx_str device_sent(struct sim_account *a, const struct sim_outgoing *w,
                                 Wap__Message *m, struct bx_arena *arena)
{
    Wap__Message *outer = WA_PB_NEW(arena, Wap__Message, message);
    (void)a;
    outer->device_sent = WA_PB_NEW(arena, Wap__DeviceSent, device_sent);
    outer->device_sent->destination_jid =
        w->group ? w->group->jid : (char *)(uintptr_t)sim_jid(arena, w->to, 0, w->is_lid).ptr;
    outer->device_sent->message = m;
    return wa_pb_pack(outer, arena);
}

/* --- direct --- */

static void send_one(struct sim_account *a, struct sim_account *to, unsigned device,
                     struct bx_str packed, const struct sim_delivery *base, struct bx_arena *arena)
{
    struct wa_node *enc;
    if (sim_phone_encrypt(a, to, device, packed, 0, arena, &enc) < 0)
        return;
    const struct wa_node *encs[] = {enc};
    struct sim_delivery m = *base;
    m.encs = encs;
    m.enc_count = 1;
    sim_deliver_message(to, device, &m, arena);
}

static void send_direct(struct sim_account *a, const struct sim_outgoing *w, Wap__Message *m,
                        const struct sim_delivery *base, struct bx_arena *arena)
{
    struct bx_str packed = wa_pb_pack(m, arena), own = device_sent(a, w, m, arena);
    if (w->to->is_scripted)
        send_one(a, w->to, 0, packed, base, arena);
    else if (w->to != a)
        sim_phone_record(w->to, base, a, m); /* silent phones are spared the cipher */
    BX_LIST_EACH(&w->to->devices, node)
    {
        send_one(a, w->to, BX_CONTAINER_OF(node, struct sim_device, node)->id, packed, base, arena);
    }
    BX_LIST_EACH(&a->devices, node)
    {
        if (a != w->to)
            send_one(a, a, BX_CONTAINER_OF(node, struct sim_device, node)->id, own, base, arena);
    }
}

/* --- groups --- */

/* The sender key goes along to devices that have not got it. */
static bool needs_key(struct sim_account *a, const struct sim_group *g,
                      const struct sim_account *to, unsigned device)
{
    char key[128];
    int n = snprintf(key, sizeof key, "%s %s %u", g->jid, to->phone, device);
    if (bx_map_get(&a->shared_keys, bx_str_n(key, (size_t)n)))
        return false;
    char *kept = bx_strndup(key, (size_t)n);
    bx_map_put(&a->shared_keys, bx_str(kept), kept);
    return true;
}

static int own_key(struct sim_account *a, struct sim_group *g, struct bx_arena *arena,
                   Wap__SenderKeyDistribution **out)
{
    struct wa_jid self = sim_wa_jid(arena, a, 0, g->is_lid);
    struct bx_str distribution;
    int rc = wa_group_distribute(a->signal, bx_str(g->jid), &self, arena, &distribution);
    if (rc < 0)
        return rc;
    *out = WA_PB_NEW(arena, Wap__SenderKeyDistribution, sender_key_distribution);
    (*out)->group_id = g->jid;
    WA_PB_SET_BYTES(*out, sender_key_message, distribution);
    return BX_OK;
}

static void send_member(struct sim_account *a, const struct sim_group *g, struct sim_account *to,
                        unsigned device, struct bx_str key_message, const struct wa_node *skmsg,
                        const struct sim_delivery *base, struct bx_arena *arena)
{
    const struct wa_node *encs[2];
    size_t n = 0;
    if (needs_key(a, g, to, device)) {
        struct wa_node *enc;
        if (sim_phone_encrypt(a, to, device, key_message, 0, arena, &enc) == BX_OK)
            encs[n++] = enc;
    }
    encs[n++] = skmsg;
    struct sim_delivery m = *base;
    m.encs = encs;
    m.enc_count = n;
    sim_deliver_message(to, device, &m, arena);
}

static int send_group(struct sim_account *a, const struct sim_outgoing *w, Wap__Message *m,
                      const struct sim_delivery *base, struct bx_arena *arena)
{
    struct sim_group *g = w->group;
    struct wa_jid self = sim_wa_jid(arena, a, 0, g->is_lid);
    struct bx_str cipher;
    uint8_t random;
    Wap__Message *carrier = WA_PB_NEW(arena, Wap__Message, message);
    sim_random(a->sim, &random, 1);
    int rc = own_key(a, g, arena, &carrier->sender_key_distribution);
    if (rc == BX_OK)
        rc = wa_group_encrypt(a->signal, bx_str(g->jid), &self,
                              wa_pad(wa_pb_pack(m, arena), random, arena), arena, &cipher);
    if (rc < 0)
        return rc;
    struct bx_str key_message = wa_pb_pack(carrier, arena);
    struct wa_node *skmsg =
        wa_node_bytes(WA_NODE(arena, "enc", wa_lit("v", "2"), wa_lit("type", "skmsg")), cipher);
    for (size_t i = 0; i < g->count; i++) {
        struct sim_account *to = g->members[i].account;
        if (to->is_scripted && to != a)
            send_member(a, g, to, 0, key_message, skmsg, base, arena);
        else if (to != a)
            sim_phone_record(to, base, a, m);
        BX_LIST_EACH(&to->devices, node)
        {
            send_member(a, g, to, BX_CONTAINER_OF(node, struct sim_device, node)->id, key_message,
                        skmsg, base, arena);
        }
    }
    return BX_OK;
}

/* --- entry --- */

static void remember(struct sim_account *a, const struct sim_outgoing *w, struct bx_str id,
                     Wap__Message *m, const struct sim_delivery *d, struct bx_arena *arena)
{
    struct bx_str packed = wa_pb_pack(m, arena);
    struct sim_sent_message *s = bx_calloc(1, sizeof *s + packed.len);
    bx_str_copy(id, s->id, sizeof s->id);
    snprintf(s->chat, sizeof s->chat, "%s", w->group ? w->group->jid : w->to->phone);
    s->is_group = w->group != NULL;
    s->is_lid = w->is_lid;
    bx_str_copy(d->type, s->type, sizeof s->type);
    if (d->edit.ptr)
        bx_str_copy(d->edit, s->edit, sizeof s->edit);
    s->len = packed.len;
    memcpy(s->packed, packed.ptr, packed.len);
    free(bx_map_put(&a->sent_messages, bx_str(s->id), s));
}

int sim_phone_say(struct sim_account *a, const struct sim_outgoing *w, char out_id[SIM_ID_MAX])
{
    struct bx_arena arena;
    int rc = BX_OK;
    if (w->group ? !sim_group_member(w->group, a) : !w->to)
        return BX_E_NOT_FOUND;
    bx_arena_init(&arena, 0);
    struct bx_str id = sim_new_id(a->sim, &arena, "3A");
    bool is_lid = w->group ? w->group->is_lid : w->is_lid;
    Wap__Message *m = message_of(a, w, &arena);
    struct sim_delivery base = {
        .from = a,
        .notify = a->push_name,
        .chat = w->group ? bx_str(w->group->jid) : sim_jid(&arena, w->to, 0, is_lid),
        .group = w->group,
        .is_lid = is_lid,
        .id = id,
        .type = w->reaction_id.ptr ? BX_STR("reaction") : BX_STR("text"),
        .edit = w->edit_id.ptr     ? BX_STR("1")
                : w->revoke_id.ptr ? BX_STR("7")
                                   : bx_str_n(NULL, 0),
    };
    remember(a, w, id, m, &base, &arena);
    sim_phone_record(a, &base, a, m); /* before an echo can come back */
    if (w->group)
        rc = send_group(a, w, m, &base, &arena);
    else
        send_direct(a, w, m, &base, &arena);
    if (!w->group && a->is_restricted && w->to != a)
        sim_token_issue(a, w->to, bx_arena_printf(&arena, "%lld", (long long)sim_now_s()), &arena);
    bx_str_copy(id, out_id, SIM_ID_MAX);
    bx_arena_done(&arena);
    return rc;
}

/* The packed message of a resend. In a group the sender key goes along, as with the real clients: a
 * device that could not open the message may have missed the key, and would have to ask again for
 * each later message. */
static int resend_packed(struct sim_account *a, struct sim_group *g,
                         const struct sim_sent_message *s, struct bx_arena *arena,
                         struct bx_str *out)
{
    Wap__Message *m;
    *out = bx_str_n(s->packed, s->len);
    if (!g)
        return BX_OK;
    int rc = WA_PB_UNPACK(message, *out, arena, &m);
    if (rc == BX_OK)
        rc = own_key(a, g, arena, &m->sender_key_distribution);
    if (rc == BX_OK)
        *out = wa_pb_pack(m, arena);
    return rc;
}

int sim_phone_resend(struct sim_account *a, struct bx_str id, struct sim_account *to,
                     unsigned device, unsigned count, struct bx_arena *arena)
{
    struct sim_sent_message *s = bx_map_get(&a->sent_messages, id);
    struct wa_node *enc;
    if (!s)
        return BX_E_NOT_FOUND;
    struct sim_group *g = s->is_group ? sim_group_find(a->sim, bx_str(s->chat)) : NULL;
    struct bx_str packed;
    int rc = resend_packed(a, g, s, arena, &packed);
    if (rc == BX_OK)
        rc = sim_phone_encrypt(a, to, device, packed, count, arena, &enc);
    if (rc < 0)
        return rc;
    const struct wa_node *encs[] = {enc};
    struct sim_account *chat = g ? NULL : sim_account_find(a->sim, bx_str(s->chat));
    struct sim_delivery m = {
        .from = a,
        .notify = a->push_name,
        .chat = g ? bx_str(g->jid) : sim_jid(arena, chat ? chat : to, 0, s->is_lid),
        .group = g,
        .is_lid = g ? g->is_lid : s->is_lid,
        .id = id,
        .type = bx_str(s->type),
        .edit = s->edit[0] ? bx_str(s->edit) : bx_str_n(NULL, 0),
        .encs = encs,
        .enc_count = 1,
        .is_resend = true,
    };
    sim_deliver_message(to, device, &m, arena);
    return BX_OK;
}

void sim_phone_read(struct sim_account *a, struct sim_account *chat, struct sim_group *group,
                    struct sim_account *author, struct bx_str id, const char *type)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    struct wa_node *n =
        WA_NODE(&arena, "receipt", wa_str("id", id), wa_lit("type", type),
                wa_to("to", group ? bx_str(group->jid) : sim_jid(&arena, chat, 0, false)));
    sim_send_receipt(a, 0, author ? author : chat, -1, n, &arena);
    bx_arena_done(&arena);
}

void sim_phone_typing(struct sim_account *a, struct sim_account *chat, struct sim_group *group,
                      const char *state)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    bool is_recording = strcmp(state, "recording") == 0;
    struct wa_node *n = WA_NODE(&arena, is_recording ? "composing" : state,
                                wa_lit("media", is_recording ? "audio" : NULL));
    sim_chatstate(a, group, chat, false, n, &arena);
    bx_arena_done(&arena);
}
