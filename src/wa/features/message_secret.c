/* Lane: the secrets of messages, and what is sealed with them. */
#include "wa/internal.h"

#include "wa/proto/pb.h"
#include "wa/signal/secret.h"

enum { SECRET_SIZE = 32 };

static struct bx_str secret_key(struct wa_job *job, const struct wa_jid *chat,
                                const struct wa_jid *sender, struct bx_str id)
{
    struct wa_jid author = wa_jid_without_device(*sender);
    struct bx_str c = wa_jid_text(&job->out, chat), s = wa_jid_text(&job->out, &author);
    return bx_arena_printf(&job->out, BX_STR_FMT "::" BX_STR_FMT "::" BX_STR_FMT, BX_STR_ARG(c),
                           BX_STR_ARG(s), BX_STR_ARG(id));
}

int wa_message_secret_keep(struct wa_job *job, const struct wa_source *src, const Wap__Message *m)
{
    const Wap__MessageContextInfo *info = m->message_context_info;
    if (!info || !info->has_message_secret || info->message_secret.len != SECRET_SIZE)
        return BX_OK;
    return job->ks->ops->put(job->ks->ctx, WA_KEY_SECRET,
                             secret_key(job, &src->chat, &src->sender, src->id),
                             wa_pb_str(info->message_secret));
}

/* Encrypted reactions (communities): sealed with the secret of the message they are about. */
int wa_message_secret_reaction(struct wa_job *job, const struct wa_source *src,
                               const Wap__EncPayload *enc)
{
    const Wap__MessageKey *key = enc->target_message_key;
    struct wa_jid author, me = wa_me(job->creds);
    struct bx_str secret, plain;
    Wap__Reaction *reaction;
    if (!wa_key_is_set(key))
        return BX_OK;
    if (!key->participant || wa_jid_parse(bx_str(key->participant), &author) < 0)
        author = key->from_me ? src->sender : wa_jid_without_device(me);
    int rc = job->ks->ops->get(job->ks->ctx, WA_KEY_SECRET,
                               secret_key(job, &src->chat, &author, bx_str(key->id)), &job->out,
                               &secret);
    if (rc < 0)
        return rc == BX_E_NOT_FOUND ? BX_OK : rc;
    struct wa_jid sender = wa_jid_without_device(src->sender);
    author = wa_jid_without_device(author);
    struct wa_secret s = {.use = WA_SECRET_REACTION,
                          .secret = (const uint8_t *)secret.ptr,
                          .message_id = bx_str(key->id),
                          .original_jid = wa_jid_text(&job->out, &author),
                          .sender_jid = wa_jid_text(&job->out, &sender)};
    if (secret.len != SECRET_SIZE ||
        wa_secret_open(&s, wa_pb_str(enc->enc_iv), wa_pb_str(enc->enc_payload), &job->out, &plain) <
            0 ||
        WA_PB_UNPACK(reaction, plain, &job->out, &reaction) < 0)
        return BX_OK;
    reaction->key = enc->target_message_key;
    return wa_message_reaction(job, src, reaction);
}
