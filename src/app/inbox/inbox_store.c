#include "app/inbox/inbox_store.h"

#include "app/inbox/inbox_changes.h"

#include "app/inbox/inbox_turn.h"
#include "app/numbers/line.h"
#include "base/mem.h"

static int nothing(struct wb_inbox_turn *t, const struct wa_event *e)
{
    (void)t;
    (void)e;
    return BX_OK;
}

static int (*const store_kind[WA_EVENT_KINDS])(struct wb_inbox_turn *t,
                                               const struct wa_event *e) = {
    [WA_EVENT_PAIRED] = wb_inbox_paired,       [WA_EVENT_UNLINKED] = wb_inbox_unlinked,
    [WA_EVENT_MESSAGE] = wb_inbox_message,     [WA_EVENT_EDIT] = wb_inbox_change,
    [WA_EVENT_REVOKE] = wb_inbox_change,       [WA_EVENT_REACTION] = wb_inbox_change,
    [WA_EVENT_PIN] = wb_inbox_change,          [WA_EVENT_VOTE] = wb_inbox_change,
    [WA_EVENT_ANSWER] = wb_inbox_change,       [WA_EVENT_RECEIPT] = wb_inbox_receipt,
    [WA_EVENT_SENT] = wb_inbox_sent,           [WA_EVENT_READ_SELF] = wb_inbox_read_self,
    [WA_EVENT_CHAT] = wb_inbox_chat_fact,      [WA_EVENT_CONTACT] = wb_inbox_contact,
    [WA_EVENT_LID] = wb_inbox_contact,         [WA_EVENT_ACCOUNT] = wb_inbox_account,
    [WA_EVENT_PUSH_NAME] = wb_inbox_push_name, [WA_EVENT_GROUP] = wb_inbox_group,
    [WA_EVENT_IDENTITY_CHANGED] = nothing, /* trusted; nothing that an agent acts on */
    [WA_EVENT_HISTORY_DONE] = nothing,         [WA_EVENT_MEDIA_RETRY] = wb_inbox_media_retried,
    [WA_EVENT_CALL] = wb_inbox_call,
};

/* --- chats that changed --- */

int wb_inbox_touch(struct wb_inbox_turn *t, int64_t chat_id)
{
    /* Nearly always the last one again; history is in order of chats. */
    for (size_t i = t->touched_count; i-- > 0 && t->touched_count - i <= 64;) {
        if (t->touched[i] == chat_id)
            return BX_OK;
    }
    if (t->touched_count == t->touched_cap) {
        size_t cap = t->touched_cap ? 2 * t->touched_cap : 8;
        int64_t *grown = bx_arena_alloc(t->turn.arena, cap * sizeof *grown);
        if (t->touched_count)
            memcpy(grown, t->touched, t->touched_count * sizeof *grown);
        t->touched = grown;
        t->touched_cap = cap;
    }
    t->touched[t->touched_count++] = chat_id;
    return BX_OK;
}

static int announce_touched(struct wb_inbox_turn *t)
{
    int rc = BX_OK;
    for (size_t i = 0; rc >= 0 && i < t->touched_count; i++) {
        rc = wb_announce_chat(&t->turn, t->touched[i]);
        if (rc == BX_E_NOT_FOUND)
            rc = BX_OK; /* went into another one meanwhile, which is announced itself */
    }
    return rc;
}

struct bx_str wb_inbox_text(struct wb_inbox_turn *t, struct bx_str text)
{
    enum { CHARS_MAX = 65536 };
    size_t chars = 0, end = 0;
    if (text.len <= CHARS_MAX)
        return text;
    for (size_t i = 0; i < text.len; i++) {
        bool is_first = ((unsigned char)text.ptr[i] & 0xc0) != 0x80;
        if (is_first && ++chars == CHARS_MAX) /* its place is the ellipsis's, if more follows */
            end = i;
    }
    return chars <= CHARS_MAX
               ? text
               : bx_arena_printf(t->turn.arena, "%.*s\xe2\x80\xa6", (int)end, text.ptr);
}

/* --- peers --- */

int64_t wb_inbox_time(const struct wb_inbox_turn *t, int64_t at)
{
    const int64_t day = 86400000, now = st_tx_now(t->turn.tx);
    return at > now + day ? now - now % 1000 : at;
}

static bool is_person(const struct wa_peer *p)
{
    return !p->is_group && (p->pn.len || p->lid.len);
}

static int resolve(struct wb_inbox_turn *t, const struct wa_peer *peer,
                   struct st_contact_found *out)
{
    if (!is_person(peer))
        return BX_E_INVALID;
    if (t->last.contact_id && bx_str_eq(peer->pn, t->last_pn) &&
        bx_str_eq(peer->lid, t->last_lid)) {
        *out = t->last;
        return BX_OK;
    }
    struct bx_str none = {0};
    int rc = st_contact_resolve(t->turn.tx, t->turn.number_id, peer->pn.len ? peer->pn : none,
                                peer->lid.len ? peer->lid : none, out);
    if (rc < 0)
        return rc;
    t->last = *out;
    t->last_pn = peer->pn;
    t->last_lid = peer->lid;
    t->has_merged = t->has_merged || out->is_merged;
    return out->is_merged && out->chat_id ? wb_inbox_touch(t, out->chat_id) : BX_OK;
}

int wb_inbox_person(struct wb_inbox_turn *t, const struct wa_peer *peer, int64_t *out_contact)
{
    struct st_contact_found found;
    int rc = resolve(t, peer, &found);
    if (rc == BX_OK)
        *out_contact = found.contact_id;
    return rc;
}

static int group_chat(struct wb_inbox_turn *t, const struct wa_peer *peer, int64_t *out_chat)
{
    struct bx_str none = {0};
    bool is_new = false;
    int rc =
        st_chat_ensure_group(t->turn.tx, t->turn.number_id, peer->jid, none, out_chat, &is_new);
    if (rc == BX_OK && is_new)
        t->envelope->new_group = bx_arena_str(t->turn.arena, peer->jid);
    return rc;
}

int wb_inbox_chat(struct wb_inbox_turn *t, const struct wa_peer *peer, int64_t *out_chat)
{
    struct st_contact_found found;
    if (peer->is_group)
        return group_chat(t, peer, out_chat);
    int rc = resolve(t, peer, &found);
    if (rc == BX_OK && !found.chat_id) {
        rc = st_chat_ensure(t->turn.tx, found.contact_id, &found.chat_id, NULL);
        t->last.chat_id = found.chat_id;
    }
    if (rc == BX_OK)
        *out_chat = found.chat_id;
    return rc;
}

int wb_inbox_chat_find(struct wb_inbox_turn *t, const struct wa_peer *peer, int64_t *out_chat)
{
    struct bx_arena *a = t->turn.arena;
    struct bx_str names[3] = {peer->jid, {0}, {0}};
    if (is_person(peer) && peer->pn.len)
        names[1] = bx_arena_printf(a, "%.*s@s.whatsapp.net", BX_STR_ARG(peer->pn));
    if (is_person(peer) && peer->lid.len)
        names[2] = bx_arena_printf(a, "%.*s@lid", BX_STR_ARG(peer->lid));
    struct st_chat chat;
    int rc = BX_E_NOT_FOUND;
    for (size_t i = 0; rc == BX_E_NOT_FOUND && i < BX_LEN(names); i++) {
        if (names[i].len)
            rc = st_chat_by_jid(t->turn.conn, t->turn.number_id, names[i], a, &chat);
    }
    if (rc == BX_OK)
        *out_chat = chat.id;
    return rc;
}

/* --- the envelope --- */

static int replay_joined(struct wb_inbox_turn *t)
{
    int rc = BX_OK;
    for (size_t i = 0; t->has_merged && rc >= 0 && i < t->touched_count; i++)
        rc = wb_inbox_replay(t, t->touched[i], (struct bx_str){0});
    return rc;
}

static int store_all(struct wb_inbox_turn *t)
{
    int rc = BX_OK;
    for (const struct wa_event *e = t->events; rc >= 0 && e; e = e->next) {
        rc = store_kind[e->kind](t, e);
        /* What is no chat or person of ours (a channel, a status) is no failure of the store. */
        if (rc == BX_E_NOT_FOUND || rc == BX_E_INVALID || rc == BX_E_STATE) {
            wb_inbox_skipped(t, e, rc);
            rc = BX_OK;
        }
    }
    if (rc >= 0)
        rc = replay_joined(t);
    return rc < 0 ? rc : announce_touched(t);
}

int wb_inbox_store(struct wb_envelope *e, struct st_tx *tx, const struct wa_event *events)
{
    struct wb_inbox_turn t = {.envelope = e, .events = events};
    int rc = wb_turn_begin(&t.turn, tx, e->line->id, &e->log, &e->arena);
    if (rc == BX_OK)
        rc = store_all(&t);
    else if (rc == BX_E_NOT_FOUND)
        rc = BX_OK; /* the number was deleted: nobody waits for this */
    wb_turn_done(&t.turn);
    return rc;
}
