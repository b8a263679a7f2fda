/* Lane: whom a message goes to, and its ciphertext for each of them. */
#include "wa/features/fan.h"

#include "base/clock.h"
#include "wa/proto/pb.h"

enum { MAX_FANOUT = 4096 };

struct wa_shape wa_shape_of(const Wap__Message *m)
{
    const Wap__Protocol *p = m->protocol;
    if (m->reaction)
        return (struct wa_shape){.type = "reaction", .is_hidden = true};
    if (p && p->type == WAP__PROTOCOL__TYPE__MESSAGE_EDIT)
        return (struct wa_shape){.type = "text", .edit = "1", .is_hidden = true};
    if (p && p->has_type && p->type == WAP__PROTOCOL__TYPE__REVOKE)
        return (struct wa_shape){
            .type = "text", .edit = p->key && p->key->from_me ? "7" : "8", .is_hidden = true};
    if (m->poll_creation || m->poll_creation_v2 || m->poll_creation_v3 || m->poll_update)
        return (struct wa_shape){.type = "poll"};
    const char *media = m->image      ? "image"
                        : m->video    ? "video"
                        : m->audio    ? (m->audio->ptt ? "ptt" : "audio")
                        : m->document ? "document"
                        : m->sticker  ? "sticker"
                        : m->contact  ? "vcard"
                                      : NULL;
    return (struct wa_shape){.type = media ? "media" : "text", .media = media};
}

static void need(struct wa_fan *f, bool is_user, const struct wa_jid *jid)
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

void wa_fan_add_device(struct wa_fan *f, struct wa_jid jid)
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

int wa_fan_add_person(struct wa_fan *f, struct wa_jid person)
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
        wa_fan_add_device(f, person);
    }
    return rc;
}

int wa_fan_check_sessions(struct wa_fan *f)
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

int wa_fan_encrypt(struct wa_fan *f, const struct wa_jid *device, struct bx_str message,
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

struct bx_str wa_fan_for_own_devices(struct wa_fan *f)
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

void wa_fan_add_identity(struct wa_fan *f, struct wa_node *message)
{
    const struct wa_creds *creds = f->job->creds;
    if (f->has_prekey)
        wa_node_bytes(wa_node_add(message, wa_node_new(&f->job->out, "device-identity")),
                      bx_str_n(creds->account, creds->account_len));
}

struct wa_node *wa_fan_message(struct wa_fan *f)
{
    return WA_NODE(&f->job->out, "message", wa_str("id", f->op->out.id), wa_jid("to", &f->to),
                   wa_lit("type", f->shape.type), wa_lit("edit", f->shape.edit));
}

int wa_fan_encrypt_each(struct wa_fan *f, struct wa_node *participants, struct bx_str message,
                        bool is_own, size_t *out_count)
{
    for (size_t i = 0; i < f->device_count; i++) {
        struct wa_node *enc;
        if (wa_is_me(f->job->creds, &f->devices[i]) != is_own)
            continue;
        int rc = wa_fan_encrypt(f, &f->devices[i], message, &enc);
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

void wa_fan_fail(struct wa_fan *f, int rc)
{
    f->result->outcome = WA_SEND_FAILED;
    f->result->rc = rc;
}
