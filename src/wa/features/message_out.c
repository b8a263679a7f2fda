/* Lane: from a message to the stanza that carries it. One step does all that is possible with what
 * the keystore knows; when device lists, key bundles or a group's members are missing it says so,
 * the loop fetches them, and the next step applies the answer and tries again. */
#include "wa/internal.h"

#include "base/clock.h"
#include "wa/proto/pb.h"

#include <inttypes.h>
#include <stdlib.h>

enum { SENT_RING = 1024, MAX_FANOUT = 4096 };

/* --- the protobuf --- */

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

static Wap__ContextInfo *context_of(struct bx_arena *a, const struct wa_outgoing *out)
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
    return ctx;
}

static void build_text(struct bx_arena *a, const struct wa_outgoing *out, Wap__Message *m)
{
    Wap__ContextInfo *ctx = context_of(a, out);
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

/* --- stanza attributes --- */

struct shape {
    const char *type, *edit, *media;
    bool is_hidden; /* no placeholder where it cannot be decrypted */
};

static struct shape shape_of(const struct wa_outgoing *out, const Wap__Message *m)
{
    const Wap__Protocol *p = m->protocol;
    if (m->reaction)
        return (struct shape){.type = "reaction", .is_hidden = true};
    if (p && p->type == WAP__PROTOCOL__TYPE__MESSAGE_EDIT)
        return (struct shape){.type = "text", .edit = "1", .is_hidden = true};
    if (p && p->has_type && p->type == WAP__PROTOCOL__TYPE__REVOKE)
        return (struct shape){
            .type = "text", .edit = p->key && p->key->from_me ? "7" : "8", .is_hidden = true};
    if (m->poll_creation || m->poll_creation_v2 || m->poll_creation_v3 || m->poll_update)
        return (struct shape){.type = "poll"};
    const char *media = m->image      ? "image"
                        : m->video    ? "video"
                        : m->audio    ? (m->audio->ptt ? "ptt" : "audio")
                        : m->document ? "document"
                        : m->sticker  ? "sticker"
                        : m->contact  ? "vcard"
                                      : NULL;
    (void)out;
    return (struct shape){.type = media ? "media" : "text", .media = media};
}

/* --- one run --- */

struct fan {
    struct wa_job *job;
    struct wa_send_op *op;
    struct wa_send_result *result;
    struct wa_jid to;
    struct shape shape;
    struct bx_str plain;    /* Message */
    struct wa_jid *devices; /* whom it goes to */
    size_t device_count, device_room;
    bool has_prekey; /* an enc of type pkmsg: identity must be shown */
};

static void need(struct fan *f, bool is_user, const struct wa_jid *jid)
{
    struct wa_send_result *r = f->result;
    struct bx_str **list = is_user ? &r->users : &r->bundles;
    size_t *count = is_user ? &r->user_count : &r->bundle_count;
    if (!*list)
        *list = bx_arena_alloc(&f->job->out, MAX_FANOUT * sizeof **list);
    if (*count < MAX_FANOUT)
        (*list)[(*count)++] = wa_jid_text(&f->job->out, jid);
    r->outcome = WA_SEND_NEEDS;
}

static void add_device(struct fan *f, struct wa_jid jid)
{
    if (f->device_count == f->device_room) {
        size_t room = f->device_room ? 2 * f->device_room : 16;
        struct wa_jid *grown = bx_arena_alloc(&f->job->out, room * sizeof *grown);
        if (f->device_count)
            memcpy(grown, f->devices, f->device_count * sizeof *grown);
        f->devices = grown;
        f->device_room = room;
    }
    f->devices[f->device_count++] = jid;
}

/* All devices of a person but this one; asks for the list when it is not known. */
static int add_person(struct fan *f, struct wa_jid person)
{
    struct wa_device_list list;
    bool is_me = wa_is_me(f->job->creds, &person);
    uint16_t own = wa_me(f->job->creds).device;
    person.device = 0;
    int rc = wa_devices_get(f->job, &person, &list);
    if (rc == BX_E_NOT_FOUND) {
        if (f->op->has_asked_devices)
            return BX_OK; /* the server does not know him */
        need(f, true, &person);
        return BX_OK;
    }
    for (size_t i = 0; i < list.count && rc >= 0; i++) {
        if (is_me && list.ids[i] == own)
            continue;
        person.device = list.ids[i];
        add_device(f, person);
    }
    return rc;
}

/* Without a session a device is asked for once, and left out afterwards. */
static int check_sessions(struct fan *f)
{
    size_t kept = 0;
    for (size_t i = 0; i < f->device_count; i++) {
        int rc = wa_session_exists(f->job->signal, &f->devices[i]);
        if (rc == BX_E_NOT_FOUND && !f->op->has_asked_bundles)
            need(f, false, &f->devices[i]);
        else if (rc < 0 && rc != BX_E_NOT_FOUND && rc != BX_E_INVALID)
            return rc;
        else if (rc == BX_OK)
            f->devices[kept++] = f->devices[i];
    }
    if (f->result->outcome != WA_SEND_NEEDS)
        f->device_count = kept;
    return BX_OK;
}

static int enc_node(struct fan *f, const struct wa_jid *device, struct bx_str message,
                    struct wa_node **out)
{
    struct bx_arena *a = &f->job->out;
    struct wa_cipher cipher;
    uint8_t random;
    bx_random(&random, 1);
    int rc = wa_session_encrypt(f->job->signal, device, wa_pad(message, random, a), a, &cipher);
    if (rc < 0)
        return rc;
    f->has_prekey |= cipher.is_prekey;
    struct wa_node *enc =
        WA_NODE(a, "enc", wa_num("v", 2), wa_lit("type", cipher.is_prekey ? "pkmsg" : "msg"),
                wa_lit("mediatype", f->shape.media),
                wa_lit("decrypt-fail", f->shape.is_hidden ? "hide" : NULL));
    if (f->op->count)
        wa_node_put(enc, wa_num("count", f->op->count));
    *out = wa_node_bytes(enc, cipher.bytes);
    return BX_OK;
}

static struct bx_str for_own_devices(struct fan *f)
{
    struct bx_arena *a = &f->job->out;
    Wap__Message *outer = WA_PB_NEW(a, Wap__Message, message), *inner;
    struct wa_jid chat = wa_jid_without_device(f->to);
    if (WA_PB_UNPACK(message, f->plain, a, &inner) < 0)
        return f->plain;
    outer->device_sent = WA_PB_NEW(a, Wap__DeviceSent, device_sent);
    outer->device_sent->destination_jid = wa_pb_text(a, wa_jid_text(a, &chat));
    outer->device_sent->message = inner;
    outer->message_context_info = inner->message_context_info;
    return wa_pb_pack(outer, a);
}

static void add_identity(struct fan *f, struct wa_node *message)
{
    const struct wa_creds *creds = f->job->creds;
    if (f->has_prekey)
        wa_node_bytes(wa_node_add(message, wa_node_new(&f->job->out, "device-identity")),
                      bx_str_n(creds->account, creds->account_len));
}

static struct wa_node *message_node(struct fan *f)
{
    return WA_NODE(&f->job->out, "message", wa_str("id", f->op->out.id), wa_jid("to", &f->to),
                   wa_lit("type", f->shape.type), wa_lit("edit", f->shape.edit));
}

static int encrypt_each(struct fan *f, struct wa_node *participants, struct bx_str message,
                        bool is_own, size_t *out_count)
{
    for (size_t i = 0; i < f->device_count; i++) {
        struct wa_node *enc;
        if (wa_is_me(f->job->creds, &f->devices[i]) != is_own)
            continue;
        int rc = enc_node(f, &f->devices[i], message, &enc);
        if (rc == BX_E_NOT_FOUND || rc == BX_E_CRYPTO)
            continue;
        if (rc < 0)
            return rc;
        struct wa_node *to =
            wa_node_add(participants, WA_NODE(&f->job->out, "to", wa_jid("jid", &f->devices[i])));
        wa_node_add(to, enc);
        ++*out_count;
    }
    return BX_OK;
}

static void fail(struct fan *f, int rc)
{
    f->result->outcome = WA_SEND_FAILED;
    f->result->rc = rc;
}

/* --- direct chats --- */

static int send_direct(struct fan *f)
{
    struct wa_job *job = f->job;
    struct wa_jid me = wa_me(job->creds), lid = wa_me_lid(job->creds);
    struct bx_str token;
    size_t reached = 0, own = 0;
    bool is_self = wa_is_me(job->creds, &f->to);
    if (wa_jid_is_lid(&f->to) && lid.user.len)
        me = lid;
    int rc = is_self ? BX_OK : add_person(f, f->to);
    if (rc >= 0)
        rc = add_person(f, me);
    if (rc >= 0 && f->result->outcome != WA_SEND_NEEDS)
        rc = check_sessions(f);
    if (rc < 0 || f->result->outcome == WA_SEND_NEEDS)
        return rc;
    struct wa_node *message = message_node(f);
    struct wa_node *participants = wa_node_add(message, wa_node_new(&job->out, "participants"));
    rc = encrypt_each(f, participants, f->plain, false, &reached);
    if (rc >= 0)
        rc = encrypt_each(f, participants, for_own_devices(f), true, &own);
    if (rc < 0)
        return rc;
    if (!is_self && reached == 0) {
        fail(f, BX_E_NOT_FOUND);
        return BX_OK;
    }
    add_identity(f, message);
    rc = is_self ? BX_E_NOT_FOUND : wa_token_get(job, &f->to, &token);
    if (rc == BX_OK)
        wa_node_bytes(wa_node_add(message, wa_node_new(&job->out, "tctoken")), token);
    if (rc < 0 && rc != BX_E_NOT_FOUND)
        return rc;
    f->result->node = message;
    return is_self ? BX_OK : wa_token_issue(job, &f->to);
}

/* --- groups --- */

static bool is_listed(struct bx_str list, struct bx_str jid)
{
    struct bx_str line;
    while (bx_str_split(&list, '\n', &line)) {
        if (bx_str_eq(line, jid))
            return true;
    }
    return false;
}

/* A device that had our key and is no longer a member's: the key must change. */
static bool has_leaver(struct fan *f, struct bx_str shared)
{
    struct bx_str line;
    while (bx_str_split(&shared, '\n', &line)) {
        bool is_here = false;
        for (size_t i = 0; i < f->device_count && !is_here; i++)
            is_here = bx_str_eq(line, wa_jid_text(&f->job->out, &f->devices[i]));
        if (line.len && !is_here)
            return true;
    }
    return false;
}

static struct bx_str distribution(struct fan *f, struct bx_str group, struct bx_str key)
{
    struct bx_arena *a = &f->job->out;
    Wap__Message *m = WA_PB_NEW(a, Wap__Message, message);
    m->sender_key_distribution = WA_PB_NEW(a, Wap__SenderKeyDistribution, sender_key_distribution);
    m->sender_key_distribution->group_id = wa_pb_text(a, group);
    WA_PB_SET_BYTES(m->sender_key_distribution, sender_key_message, key);
    return wa_pb_pack(m, a);
}

/* Who has no key yet stays in f->devices; *out_all is the list to remember. */
static int newcomers(struct fan *f, struct bx_str group, const struct wa_jid *self,
                     struct bx_buf *out_all)
{
    struct wa_job *job = f->job;
    struct bx_str shared = {0};
    size_t kept = 0;
    int rc = job->ks->ops->get(job->ks->ctx, WA_KEY_SENDER_SHARED, group, &job->out, &shared);
    if (rc < 0 && rc != BX_E_NOT_FOUND)
        return rc;
    rc = BX_OK;
    if (shared.len && has_leaver(f, shared)) {
        shared = (struct bx_str){0};
        rc = wa_group_rotate(job->signal, group, self);
    }
    for (size_t i = 0; i < f->device_count; i++) {
        struct bx_str jid = wa_jid_text(&job->out, &f->devices[i]);
        if (is_listed(shared, jid)) {
            bx_buf_str(out_all, jid);
            bx_buf_byte(out_all, '\n');
        } else {
            f->devices[kept++] = f->devices[i];
        }
    }
    f->device_count = kept;
    return rc;
}

static int write_group(struct fan *f, const struct wa_group_info *info, struct bx_str group,
                       const struct wa_jid *self, struct bx_buf *shared)
{
    struct wa_job *job = f->job;
    struct bx_arena *a = &job->out;
    struct bx_str key, cipher;
    uint8_t random;
    size_t reached = 0;
    bx_random(&random, 1);
    struct wa_node *message = message_node(f);
    wa_node_put(message, wa_lit("addressing_mode", info->is_lid ? "lid" : "pn"));
    int rc = wa_group_distribute(job->signal, group, self, a, &key);
    if (rc >= 0 && f->device_count) {
        struct bx_str skdm = distribution(f, group, key);
        struct wa_node *to = wa_node_new(a, "participants");
        struct shape shape = f->shape;
        f->shape.media = NULL;
        f->shape.is_hidden = false;
        rc = encrypt_each(f, to, skdm, false, &reached);
        if (rc >= 0)
            rc = encrypt_each(f, to, skdm, true, &reached);
        f->shape = shape;
        if (reached)
            wa_node_add(message, to);
        WA_EACH_CHILD(to, "to", t)
        {
            bx_buf_str(shared, wa_node_attr(t, "jid"));
            bx_buf_byte(shared, '\n');
        }
    }
    if (rc >= 0)
        rc = wa_group_encrypt(job->signal, group, self, wa_pad(f->plain, random, a), a, &cipher);
    if (rc >= 0)
        rc = job->ks->ops->put(job->ks->ctx, WA_KEY_SENDER_SHARED, group, bx_buf_view(shared));
    if (rc < 0)
        return rc;
    wa_node_bytes(
        wa_node_add(message, WA_NODE(a, "enc", wa_num("v", 2), wa_lit("type", "skmsg"),
                                     wa_lit("mediatype", f->shape.media),
                                     wa_lit("decrypt-fail", f->shape.is_hidden ? "hide" : NULL))),
        cipher);
    add_identity(f, message);
    f->result->node = message;
    return BX_OK;
}

static int send_group(struct fan *f)
{
    struct wa_job *job = f->job;
    struct wa_group_info info;
    struct bx_str group = f->op->out.to;
    struct bx_buf shared;
    int rc = wa_groups_get(job, group, &info);
    if (rc == BX_E_NOT_FOUND) {
        f->result->needs_group = !f->op->has_asked_group;
        f->result->outcome = WA_SEND_NEEDS;
        if (f->op->has_asked_group)
            fail(f, BX_E_NOT_FOUND);
        return BX_OK;
    }
    struct wa_jid self = info.is_lid ? wa_me_lid(job->creds) : wa_me(job->creds);
    for (size_t i = 0; i < info.count && rc >= 0; i++)
        rc = add_person(f, info.members[i]);
    if (rc < 0 || f->result->outcome == WA_SEND_NEEDS)
        return rc;
    bx_buf_init(&shared, 0);
    rc = newcomers(f, group, &self, &shared);
    if (rc >= 0)
        rc = check_sessions(f);
    if (rc >= 0 && f->result->outcome != WA_SEND_NEEDS)
        rc = write_group(f, &info, group, &self, &shared);
    bx_buf_done(&shared);
    return rc;
}

/* --- to one device: answers to retry receipts, messages to our own phone --- */

static int send_one(struct fan *f)
{
    struct wa_job *job = f->job;
    struct bx_arena *a = &job->out;
    struct wa_jid device;
    struct wa_group_info info;
    struct wa_node *enc;
    bool is_group = wa_jid_is_group(&f->to), is_peer = f->op->origin == WA_OP_PEER;
    struct bx_str plain = f->plain;
    int rc = wa_jid_parse(is_peer ? f->op->out.to : f->op->only, &device);
    if (rc < 0) {
        fail(f, rc);
        return BX_OK;
    }
    add_device(f, device);
    rc = check_sessions(f);
    if (rc < 0 || f->result->outcome == WA_SEND_NEEDS)
        return rc;
    if (f->device_count == 0) {
        fail(f, BX_E_NOT_FOUND);
        return BX_OK;
    }
    if (is_group && wa_groups_get(job, f->op->out.to, &info) == BX_OK) {
        struct wa_jid self = info.is_lid ? wa_me_lid(job->creds) : wa_me(job->creds);
        struct bx_str key;
        Wap__Message *m;
        rc = wa_group_distribute(job->signal, f->op->out.to, &self, a, &key);
        if (rc >= 0 && WA_PB_UNPACK(message, plain, a, &m) == BX_OK) {
            m->sender_key_distribution =
                WA_PB_NEW(a, Wap__SenderKeyDistribution, sender_key_distribution);
            m->sender_key_distribution->group_id = wa_pb_text(a, f->op->out.to);
            WA_PB_SET_BYTES(m->sender_key_distribution, sender_key_message, key);
            plain = wa_pb_pack(m, a);
        }
    } else if (!is_group && !is_peer && wa_is_me(job->creds, &device)) {
        plain = for_own_devices(f);
    }
    if (rc >= 0)
        rc = enc_node(f, &device, plain, &enc);
    if (rc < 0)
        return rc;
    struct wa_node *message = WA_NODE(a, "message", wa_str("id", f->op->out.id),
                                      wa_lit("type", f->shape.type), wa_lit("edit", f->shape.edit));
    wa_node_put(message, is_group ? wa_jid("to", &f->to) : wa_jid("to", &device));
    if (is_group)
        wa_node_put(message, wa_jid("participant", &device));
    else if (!is_peer)
        wa_node_put(message, wa_lit("device_fanout", "false"));
    if (!is_group && !is_peer && wa_is_me(job->creds, &device))
        wa_node_put(message, wa_jid("recipient", &f->to));
    if (is_peer) {
        wa_node_put(message, wa_lit("category", "peer"));
        wa_node_put(message, wa_lit("push_priority", "high"));
        wa_node_add(message, WA_NODE(a, "meta", wa_lit("appdata", "default")));
    }
    wa_node_add(message, enc);
    add_identity(f, message);
    f->result->node = message;
    return BX_OK;
}

/* --- remembering what was sent, for retry receipts --- */

static int remember(struct fan *f)
{
    struct wa_job *job = f->job;
    const struct wa_keystore *ks = job->ks;
    uint64_t at;
    struct bx_str old;
    int rc = wa_self_get_u64(ks, "sent_at", 0, &at);
    if (rc < 0)
        return rc;
    struct bx_str slot = bx_arena_printf(&job->out, "~%04u", (unsigned)(at % SENT_RING));
    rc = ks->ops->get(ks->ctx, WA_KEY_SENT, slot, &job->out, &old);
    if (rc == BX_OK && !bx_str_eq(old, f->op->out.id))
        rc = ks->ops->del(ks->ctx, WA_KEY_SENT, old);
    if (rc < 0 && rc != BX_E_NOT_FOUND)
        return rc;
    struct bx_buf value;
    bx_buf_init(&value, 0);
    bx_buf_str(&value, f->op->out.to);
    bx_buf_byte(&value, '\n');
    bx_buf_str(&value, f->plain);
    rc = ks->ops->put(ks->ctx, WA_KEY_SENT, f->op->out.id, bx_buf_view(&value));
    bx_buf_done(&value);
    if (rc >= 0)
        rc = ks->ops->put(ks->ctx, WA_KEY_SENT, slot, f->op->out.id);
    return rc < 0 ? rc : wa_self_put_u64(ks, "sent_at", at + 1);
}

/* --- the job --- */

static int apply_answer(struct wa_job *job)
{
    if (!job->node)
        return BX_OK;
    if (wa_node_child(job->node, "usync"))
        return wa_devices_apply(job, job->node);
    if (wa_node_child(job->node, "group"))
        return wa_groups_apply(job, job->node);
    return wa_bundles_apply(job, job->node);
}

static int send_run(struct wa_job *job)
{
    struct wa_send_op *op = job->op;
    struct wa_send_result *result = BX_ARENA_NEW(&job->out, struct wa_send_result);
    struct fan f = {.job = job, .op = op, .result = result};
    Wap__Message *m;
    job->result = result;
    int rc = apply_answer(job);
    if (rc < 0)
        return rc;
    f.plain = wa_message_build(&job->out, &op->out);
    if (wa_jid_parse(op->out.to, &f.to) < 0 || WA_PB_UNPACK(message, f.plain, &job->out, &m) < 0) {
        fail(&f, BX_E_INVALID);
        return BX_OK;
    }
    f.shape = shape_of(&op->out, m);
    if (op->origin != WA_OP_USER)
        rc = send_one(&f);
    else if (wa_jid_is_group(&f.to))
        rc = send_group(&f);
    else if (wa_jid_is_user(&f.to))
        rc = send_direct(&f);
    else
        fail(&f, BX_E_UNSUPPORTED);
    if (rc >= 0 && result->outcome == WA_SEND_READY && op->origin == WA_OP_USER)
        rc = remember(&f);
    if (rc >= 0 && result->outcome == WA_SEND_FAILED && op->origin == WA_OP_USER)
        wa_job_event(job, WA_EVENT_SENT)->sent = (struct wa_sent){
            .id = op->out.id, .to = op->out.to, .rc = result->rc, .timestamp_ms = bx_wall_ms()};
    return rc;
}

static void send_finish(struct wa_job *job, int rc);
const struct wa_job_type wa_job_send_step = {"send", send_run, send_finish};

static void send_finish(struct wa_job *job, int rc)
{
    wa_send_stepped(job->client, job->op, rc < 0 ? NULL : job->result, rc,
                    job->connection == job->client->connection);
}

/* --- retry receipts of others --- */

static int load_sent(struct wa_job *job, struct bx_str id, struct wa_outgoing *out)
{
    struct bx_str value;
    *out = (struct wa_outgoing){.kind = WA_SEND_RAW, .id = id};
    int rc = id.len && id.ptr[0] != '~'
                 ? job->ks->ops->get(job->ks->ctx, WA_KEY_SENT, id, &job->out, &value)
                 : BX_E_NOT_FOUND;
    if (rc < 0)
        return rc;
    if (!bx_str_split(&value, '\n', &out->to))
        return BX_E_NOT_FOUND;
    out->raw = value;
    return BX_OK;
}

static int renew_session(struct wa_job *job, const struct wa_node *receipt,
                         const struct wa_jid *device, uint64_t count)
{
    struct wa_bundle bundle;
    const struct wa_node *keys = wa_node_child(receipt, "keys");
    if (!keys)
        return count >= 2 ? wa_session_delete(job->signal, device) : BX_OK;
    struct wa_node *both = wa_node_copy(&job->out, keys);
    const struct wa_node *registration = wa_node_child(receipt, "registration");
    if (registration)
        wa_node_add(both, wa_node_copy(&job->out, registration));
    if (wa_bundle_parse(both, &bundle) < 0)
        return BX_OK;
    int rc = wa_session_start(job->signal, device, &bundle, NULL);
    return rc == BX_E_CRYPTO || rc == BX_E_INVALID ? BX_OK : rc;
}

/* True for a request that was answered on this connection already: the network can bring a receipt
 * twice, and each answer renews the session. */
static bool is_answered(struct wa_job *job, struct bx_str id, struct bx_str device, uint64_t count)
{
    struct wa_lane_state *lane = &job->client->lane;
    struct bx_str name = bx_arena_printf(
        &job->out, BX_STR_FMT " " BX_STR_FMT " %llu %llu", BX_STR_ARG(id), BX_STR_ARG(device),
        (unsigned long long)count, (unsigned long long)job->connection);
    uint64_t hash = wa_hash(name);
    for (size_t i = 0; i < BX_LEN(lane->answered); i++) {
        if (lane->answered[i] == hash)
            return true;
    }
    lane->answered[lane->next_answered] = hash;
    lane->next_answered = (lane->next_answered + 1) % BX_LEN(lane->answered);
    return false;
}

int wa_retry_requested(struct wa_job *job, const struct wa_node *receipt)
{
    enum { MAX_COUNT = 10 };
    struct wa_outgoing out;
    struct wa_jid device;
    const struct wa_node *retry = wa_node_child(receipt, "retry");
    uint64_t count = retry ? wa_node_attr_u64_or(retry, "count", 1) : 1;
    const char *who = wa_node_has(receipt, "participant") ? "participant" : "from";
    if (count > MAX_COUNT || wa_node_attr_jid(receipt, who, &device) < 0)
        return BX_OK;
    struct bx_str id = wa_node_attr(receipt, "id"), asker = wa_jid_text(&job->out, &device);
    int rc = load_sent(job, id, &out);
    if (rc == BX_E_NOT_FOUND)
        return BX_OK;
    if (rc >= 0 && is_answered(job, id, asker, count))
        return 1;
    if (rc >= 0)
        rc = renew_session(job, receipt, &device, count);
    if (rc < 0)
        return rc;
    struct wa_send_op *op = wa_send_op_new(&out);
    op->origin = WA_OP_RESEND;
    op->only = bx_arena_str(&op->arena, asker);
    op->count = (unsigned)count;
    op->answers = wa_ack_node(&op->arena, wa_node_copy(&op->arena, receipt));
    wa_job_want(job, WA_WANT_SEND)->op = op;
    return 1;
}
