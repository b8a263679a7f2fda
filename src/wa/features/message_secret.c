/* Lane: the secrets of messages, and what is sealed with them. A sealed change names the message
 * that it is about; the key is derived from that message's secret, its author and the sender of the
 * change, each named by phone number or by LID as the sender's phone saw fit: all four ways are
 * tried. What comes before its message waits in the keystore under its chat and the message's id. */
#include "wa/internal.h"

#include "base/log.h"
#include "wa/proto/pb.h"
#include "wa/signal/secret.h"

enum {
    SECRET_SIZE = 32,
    NAMES = 2,
    MAX_VOTES = 64,
    HASH_SIZE = 32,
    MAX_WAITING = 5000, /* of the number */
    MAX_WAITING_OF_CHAT = 64,
    MAX_WAITING_BYTES = 16 << 10 /* each */
};

/* --- names of somebody --- */

struct names {
    struct bx_str of[NAMES];
    size_t count;
};

static void name_add(struct wa_job *job, struct names *n, struct bx_str user, const char *server)
{
    if (user.len)
        n->of[n->count++] = bx_arena_printf(&job->out, BX_STR_FMT "@%s", BX_STR_ARG(user), server);
}

/* Both identities of a person; of a group its JID. */
static struct names names_of(struct wa_job *job, const struct wa_peer *p)
{
    struct names n = {.count = 0};
    struct wa_jid me = wa_me(job->creds), lid = wa_me_lid(job->creds);
    if (p->is_me) {
        name_add(job, &n, me.user, "s.whatsapp.net");
        name_add(job, &n, lid.user, "lid");
    } else if (p->pn.len || p->lid.len) {
        name_add(job, &n, p->pn, "s.whatsapp.net");
        name_add(job, &n, p->lid, "lid");
    } else if (p->jid.len) {
        n.of[n.count++] = p->jid;
    }
    return n;
}

/* --- secrets --- */

static struct bx_str secret_key(struct wa_job *job, struct bx_str chat, struct bx_str author,
                                struct bx_str id)
{
    return bx_arena_printf(&job->out, BX_STR_FMT "::" BX_STR_FMT "::" BX_STR_FMT, BX_STR_ARG(chat),
                           BX_STR_ARG(author), BX_STR_ARG(id));
}

static bool has_secret(const Wap__Message *m)
{
    const Wap__MessageContextInfo *info = m->message_context_info;
    return info && info->has_message_secret && info->message_secret.len == SECRET_SIZE;
}

int wa_message_secret_keep(struct wa_job *job, const struct wa_source *src, const Wap__Message *m)
{
    if (!has_secret(m))
        return BX_OK;
    struct wa_jid author = wa_jid_without_device(src->sender);
    return job->ks->ops->put(job->ks->ctx, WA_KEY_SECRET,
                             secret_key(job, wa_jid_text(&job->out, &src->chat),
                                        wa_jid_text(&job->out, &author), src->id),
                             wa_pb_str(m->message_context_info->message_secret));
}

static int secret_find(struct wa_job *job, const struct names *chats, const struct names *authors,
                       struct bx_str id, struct bx_str *out)
{
    int rc = BX_E_NOT_FOUND;
    for (size_t i = 0; rc == BX_E_NOT_FOUND && i < chats->count * authors->count; i++)
        rc = job->ks->ops->get(
            job->ks->ctx, WA_KEY_SECRET,
            secret_key(job, chats->of[i / authors->count], authors->of[i % authors->count], id),
            &job->out, out);
    return rc == BX_OK && out->len != SECRET_SIZE ? BX_E_NOT_FOUND : rc;
}

/* --- sealed changes --- */

struct sealed {
    enum wa_secret_use use;
    const Wap__MessageKey *key;
    ProtobufCBinaryData payload, iv;
};

static bool edit_use(int32_t type, enum wa_secret_use *out)
{
    enum { EVENT_EDIT = 1, MESSAGE_EDIT = 2, POLL_EDIT = 4 };
    *out = type == EVENT_EDIT     ? WA_SECRET_EVENT_EDIT
           : type == MESSAGE_EDIT ? WA_SECRET_MESSAGE_EDIT
                                  : WA_SECRET_POLL_EDIT;
    return type == EVENT_EDIT || type == MESSAGE_EDIT || type == POLL_EDIT;
}

static bool sealed_of(const Wap__Message *m, struct sealed *out)
{
    const Wap__EncPayload *enc = m->enc_reaction ? m->enc_reaction : m->enc_event_response;
    const Wap__SecretEncrypted *s = m->secret_encrypted;
    const Wap__PollUpdate *v = m->poll_update;
    if (enc)
        *out = (struct sealed){m->enc_reaction ? WA_SECRET_REACTION : WA_SECRET_EVENT_RESPONSE,
                               enc->target_message_key, enc->enc_payload, enc->enc_iv};
    else if (v && v->vote)
        *out = (struct sealed){WA_SECRET_POLL_VOTE, v->poll_creation_key, v->vote->enc_payload,
                               v->vote->enc_iv};
    else if (s && edit_use(s->secret_enc_type, &out->use))
        *out = (struct sealed){out->use, s->target_message_key, s->enc_payload, s->enc_iv};
    else
        return false;
    return wa_key_is_set(out->key);
}

static bool is_edit(enum wa_secret_use use)
{
    return use == WA_SECRET_EVENT_EDIT || use == WA_SECRET_MESSAGE_EDIT ||
           use == WA_SECRET_POLL_EDIT;
}

static int unseal(struct wa_job *job, const struct sealed *s, struct bx_str id,
                  struct bx_str secret, const struct names *authors, const struct names *senders,
                  struct bx_str *out_plain)
{
    int rc = BX_E_CRYPTO;
    for (size_t i = 0; rc < 0 && i < authors->count * senders->count; i++) {
        struct wa_secret key = {.use = s->use,
                                .secret = (const uint8_t *)secret.ptr,
                                .message_id = id,
                                .original_jid = authors->of[i / senders->count],
                                .sender_jid = senders->of[i % senders->count]};
        rc = wa_secret_open(&key, wa_pb_str(s->iv), wa_pb_str(s->payload), &job->out, out_plain);
    }
    return rc;
}

/* --- what was inside --- */

static int on_vote(struct wa_job *job, const struct wa_source *src, const struct sealed *s,
                   struct bx_str plain)
{
    Wap__PollVote *vote;
    if (WA_PB_UNPACK(poll_vote, plain, &job->out, &vote) < 0)
        return BX_E_INVALID;
    struct wa_change *change = &wa_job_event(job, WA_EVENT_VOTE)->change;
    int rc = wa_message_target(job, src, s->key, change);
    size_t count = vote->n_selected_options < MAX_VOTES ? vote->n_selected_options : MAX_VOTES;
    struct bx_str *votes = bx_arena_alloc(&job->out, (count + 1) * sizeof *votes);
    for (size_t i = 0; i < count; i++) {
        if (vote->selected_options[i].len == HASH_SIZE)
            votes[change->vote_count++] =
                bx_arena_str(&job->out, wa_pb_str(vote->selected_options[i]));
    }
    change->votes = votes;
    return rc;
}

static int on_answer(struct wa_job *job, const struct wa_source *src, const struct sealed *s,
                     struct bx_str plain)
{
    Wap__EventResponse *answer;
    if (WA_PB_UNPACK(event_response, plain, &job->out, &answer) < 0)
        return BX_E_INVALID;
    struct wa_change *change = &wa_job_event(job, WA_EVENT_ANSWER)->change;
    int rc = wa_message_target(job, src, s->key, change);
    if (answer->response >= WA_ANSWER_GOING && answer->response <= WA_ANSWER_MAYBE)
        change->answer = (enum wa_answer)answer->response;
    return rc;
}

static int on_reaction(struct wa_job *job, const struct wa_source *src, const struct sealed *s,
                       struct bx_str plain)
{
    Wap__Reaction *reaction;
    Wap__MessageKey key = *s->key;
    if (WA_PB_UNPACK(reaction, plain, &job->out, &reaction) < 0)
        return BX_E_INVALID;
    reaction->key = &key;
    return wa_message_reaction(job, src, reaction);
}

/* The new message by itself, or in the form of an edit that was not sealed. */
static int on_edit(struct wa_job *job, const struct wa_source *src, const struct sealed *s,
                   struct bx_str plain)
{
    Wap__Message *m;
    if (WA_PB_UNPACK(message, plain, &job->out, &m) < 0)
        return BX_E_INVALID;
    bool once, edit;
    m = wa_content_unwrap(m, &once, &edit);
    if (m->protocol && m->protocol->edited_message)
        m = m->protocol->edited_message;
    return wa_message_edit(job, src, s->key, m);
}

static int unsealed(struct wa_job *job, const struct wa_source *src, const struct sealed *s,
                    struct bx_str plain)
{
    switch (s->use) {
    case WA_SECRET_POLL_VOTE:
        return on_vote(job, src, s, plain);
    case WA_SECRET_EVENT_RESPONSE:
        return on_answer(job, src, s, plain);
    case WA_SECRET_REACTION:
        return on_reaction(job, src, s, plain);
    case WA_SECRET_EVENT_EDIT:
    case WA_SECRET_MESSAGE_EDIT:
    case WA_SECRET_POLL_EDIT:
        return on_edit(job, src, s, plain);
    case WA_SECRET_COMMENT:
    case WA_SECRET_USES:
        break;
    }
    return BX_E_UNSUPPORTED;
}

/* An edit is something that a person said: when it stays shut it is a row of its own. */
static int stays_shut(struct wa_job *job, const struct wa_source *src, const Wap__Message *m,
                      const struct sealed *s, const char *why)
{
    bx_log(BX_LOG_WARN, "wa", "sealed change not opened", "use=%s why=%s", wa_secret_name(s->use),
           why);
    if (is_edit(s->use))
        wa_tell_unknown(job, src, m, "[An edit that could not be opened: see the phone]");
    return BX_OK;
}

/* --- waiting for the message --- */

static int count_one(void *arg, struct bx_str key, struct bx_str row)
{
    (void)key, (void)row;
    ++*(size_t *)arg;
    return BX_OK;
}

/* One chat does not take the room of the others. */
static int has_room(struct wa_job *job, struct bx_str chat, bool *out)
{
    size_t of_chat = 0;
    int64_t waiting = job->ks->ops->count(job->ks->ctx, WA_KEY_SEALED);
    struct bx_str prefix = bx_arena_printf(&job->out, BX_STR_FMT "::", BX_STR_ARG(chat));
    int rc = waiting < 0
                 ? (int)waiting
                 : job->ks->ops->each(job->ks->ctx, WA_KEY_SEALED, prefix, count_one, &of_chat);
    *out = rc >= 0 && waiting < MAX_WAITING && of_chat < MAX_WAITING_OF_CHAT;
    return rc;
}

static bool is_plain_id(struct bx_str id)
{
    return id.len && bx_str_find(id, ':') == id.len && bx_str_find(id, '\n') == id.len;
}

/* Five lines that say what it is and where it came from, then the Message. The key names all of it,
 * so that nobody replaces what another sent. */
static int wait_for(struct wa_job *job, const struct wa_source *src, const Wap__Message *m,
                    const struct sealed *s)
{
    struct bx_buf row;
    bool has_place;
    struct bx_str chat = wa_jid_text(&job->out, &src->chat),
                  sender = wa_jid_text(&job->out, &src->sender), message = wa_pb_pack(m, &job->out);
    int rc = has_room(job, chat, &has_place);
    if (rc < 0)
        return rc;
    if (!has_place)
        return stays_shut(job, src, m, s, "too_many_wait");
    if (!is_plain_id(src->id) || !is_plain_id(bx_str(s->key->id)) ||
        message.len > MAX_WAITING_BYTES)
        return stays_shut(job, src, m, s, "cannot_wait");
    bx_buf_init(&row, 0);
    bx_buf_printf(&row, BX_STR_FMT "\n" BX_STR_FMT "\n" BX_STR_FMT "\n%d %d %lld\n",
                  BX_STR_ARG(src->id), BX_STR_ARG(chat), BX_STR_ARG(sender), src->is_from_me,
                  (int)src->origin, (long long)src->timestamp_ms);
    bx_buf_str(&row, message);
    struct bx_str key =
        bx_arena_printf(&job->out, BX_STR_FMT "::%s::" BX_STR_FMT "::" BX_STR_FMT, BX_STR_ARG(chat),
                        s->key->id, BX_STR_ARG(sender), BX_STR_ARG(src->id));
    rc = job->ks->ops->put(job->ks->ctx, WA_KEY_SEALED, key, bx_buf_view(&row));
    bx_buf_done(&row);
    return rc;
}

struct waiting {
    struct wa_job *job;
    struct bx_str key, row;
    struct waiting *next, **tail;
};

static int on_waiting(void *arg, struct bx_str key, struct bx_str row)
{
    struct waiting *list = arg, *w = BX_ARENA_NEW(&list->job->out, struct waiting);
    *w = (struct waiting){.key = bx_arena_str(&list->job->out, key),
                          .row = bx_arena_str(&list->job->out, row)};
    *list->tail = w;
    list->tail = &w->next;
    return BX_OK;
}

static int reopen(struct wa_job *job, const struct waiting *w)
{
    struct bx_str rest = w->row, chat, sender, line, piece;
    struct wa_source src = {0};
    uint64_t me = 0, origin = 0, at = 0;
    Wap__Message *m;
    if (!bx_str_split(&rest, '\n', &src.id) || !bx_str_split(&rest, '\n', &chat) ||
        !bx_str_split(&rest, '\n', &sender) || !bx_str_split(&rest, '\n', &line) ||
        wa_jid_parse(chat, &src.chat) < 0 || wa_jid_parse(sender, &src.sender) < 0 ||
        WA_PB_UNPACK(message, rest, &job->out, &m) < 0 || !bx_str_split(&line, ' ', &piece) ||
        bx_str_u64(piece, 1, &me) < 0 || !bx_str_split(&line, ' ', &piece) ||
        bx_str_u64(piece, WA_ORIGIN_RESEND, &origin) < 0 || bx_str_u64(line, INT64_MAX, &at) < 0)
        return BX_E_CORRUPT;
    src.from = src.chat;
    src.is_from_me = me;
    src.origin = (enum wa_origin)origin;
    src.timestamp_ms = (int64_t)at;
    int rc = wa_peer_of(job, &src.chat, &src.chat_peer);
    if (rc >= 0)
        rc = wa_peer_of(job, &src.sender, &src.sender_peer);
    return rc < 0 ? rc : wa_message_sealed(job, &src, m);
}

int wa_message_unseal_waiting(struct wa_job *job, const struct wa_source *src,
                              const Wap__Message *m)
{
    if (!has_secret(m) || !is_plain_id(src->id))
        return BX_OK;
    struct names chats = names_of(job, &src->chat_peer);
    struct waiting list = {.job = job};
    list.tail = &list.next;
    int rc = BX_OK;
    for (size_t i = 0; rc >= 0 && i < chats.count; i++)
        rc = job->ks->ops->each(job->ks->ctx, WA_KEY_SEALED,
                                bx_arena_printf(&job->out, BX_STR_FMT "::" BX_STR_FMT "::",
                                                BX_STR_ARG(chats.of[i]), BX_STR_ARG(src->id)),
                                on_waiting, &list);
    for (const struct waiting *w = list.next; rc >= 0 && w; w = w->next) {
        rc = job->ks->ops->del(job->ks->ctx, WA_KEY_SEALED, w->key);
        if (rc >= 0)
            rc = reopen(job, w);
        if (rc == BX_E_CORRUPT) {
            bx_log(BX_LOG_ERROR, "wa", "a sealed change that waited is damaged", "id=" BX_STR_FMT,
                   BX_STR_ARG(src->id));
            rc = BX_OK;
        }
    }
    return rc;
}

/* --- opening --- */

int wa_message_sealed(struct wa_job *job, const struct wa_source *src, const Wap__Message *m)
{
    struct sealed s;
    struct wa_change target;
    struct bx_str secret, plain;
    if (!sealed_of(m, &s))
        return BX_OK;
    int rc = wa_message_target(job, src, s.key, &target);
    if (rc < 0)
        return rc;
    /* Only its author edits a message: another's secret is not even looked for. */
    const struct wa_peer *author = is_edit(s.use) ? &src->sender_peer : &target.author;
    struct wa_peer sender = src->sender_peer;
    sender.is_me = src->is_from_me;
    struct wa_peer of = *author;
    of.is_me = is_edit(s.use) ? src->is_from_me : target.is_target_from_me;
    struct names chats = names_of(job, &src->chat_peer), authors = names_of(job, &of),
                 senders = names_of(job, &sender);
    rc = secret_find(job, &chats, &authors, target.target_id, &secret);
    if (rc == BX_E_NOT_FOUND && authors.count == 0)
        return stays_shut(job, src, m, &s, "names_nobody");
    if (rc == BX_E_NOT_FOUND)
        return wait_for(job, src, m, &s);
    if (rc >= 0)
        rc = unseal(job, &s, target.target_id, secret, &authors, &senders, &plain);
    if (rc >= 0)
        rc = unsealed(job, src, &s, plain);
    return rc == BX_E_CRYPTO || rc == BX_E_INVALID || rc == BX_E_TOO_BIG
               ? stays_shut(job, src, m, &s, bx_err_name(rc))
               : rc;
}
