/* Facts about chats, people and the account. */
#include "app/inbox/inbox_changes.h"

#include "base/mem.h"

/* --- chats --- */

int wb_inbox_read_chat(struct wb_inbox_turn *t, int64_t chat, int64_t upto)
{
    int rc = st_chat_read(t->turn.tx, chat, upto, t->turn.arena, NULL, NULL);
    if (rc <= 0)
        return rc;
    rc = wb_announce_read(&t->turn, chat);
    return rc < 0 ? rc : wb_inbox_touch(t, chat);
}

/* The newest of the messages that were read on another device. */
static int newest_of(struct wb_inbox_turn *t, int64_t chat, const struct wa_chat_info *c,
                     int64_t *out)
{
    int64_t newest_at = 0;
    *out = 0;
    for (size_t i = 0; i < c->receipt_id_count; i++) {
        struct st_message m;
        int rc = st_message_by_wa_id(t->turn.conn, chat, c->receipt_ids[i], t->turn.arena, &m);
        if (rc < 0 && rc != BX_E_NOT_FOUND)
            return rc;
        if (rc == BX_OK && m.timestamp >= newest_at) {
            newest_at = m.timestamp;
            *out = m.id;
        }
    }
    return BX_OK;
}

int wb_inbox_read_self(struct wb_inbox_turn *t, const struct wa_event *e)
{
    int64_t chat, upto;
    int rc = wb_inbox_chat_find(t, &e->chat.chat, &chat);
    if (rc == BX_OK)
        rc = newest_of(t, chat, &e->chat, &upto);
    if (rc < 0 || (e->chat.receipt_id_count && !upto))
        return rc == BX_E_NOT_FOUND ? BX_OK : rc; /* nothing of it is here to be read */
    return wb_inbox_read_chat(t, chat, upto);
}

static int set_marks(struct wb_inbox_turn *t, int64_t chat, const struct wa_chat_info *c)
{
    int rc = BX_OK;
    if (c->is_pinned)
        rc = st_chat_pin(t->turn.tx, chat, c->is_pinned == WA_FLAG_YES);
    if (rc >= 0 && c->is_archived)
        rc = st_chat_archive(t->turn.tx, chat, c->is_archived == WA_FLAG_YES);
    if (rc >= 0 && c->is_muted)
        rc = st_chat_mute(t->turn.tx, chat, c->is_muted == WA_FLAG_YES ? c->muted_until_ms : 0);
    if (rc >= 0 && c->is_read == WA_FLAG_YES && !c->is_history)
        rc = wb_inbox_read_chat(t, chat, 0);
    if (rc >= 0 && c->is_read == WA_FLAG_NO)
        rc = st_chat_mark_unread(t->turn.tx, chat, true);
    if (rc >= 0 && c->has_timer)
        rc = st_chat_timer_set(t->turn.tx, chat, c->ephemeral_s,
                               wb_inbox_time(t, c->ephemeral_set_at_ms));
    return rc;
}

/* Deleting or clearing a chat on the phone does not delete here: WaBox keeps the record. */
int wb_inbox_chat_fact(struct wb_inbox_turn *t, const struct wa_event *e)
{
    const struct wa_chat_info *c = &e->chat;
    int64_t chat;
    if (c->is_deleted == WA_FLAG_YES)
        return BX_OK;
    int rc = wb_inbox_chat(t, &c->chat, &chat);
    if (rc < 0)
        return rc;
    if (c->name.len && c->chat.is_group) {
        rc = st_chat_subject_set(t->turn.tx, chat, c->name);
    } else if (c->name.len) {
        int64_t who;
        struct bx_str none = {0};
        rc = wb_inbox_person(t, &c->chat, &who);
        if (rc == BX_OK)
            rc = st_contact_names_set(t->turn.tx, who, c->name, none, none);
    }
    if (rc >= 0)
        rc = set_marks(t, chat, c);
    return rc < 0 ? rc : wb_inbox_touch(t, chat);
}

/* --- people --- */

int wb_inbox_contact(struct wb_inbox_turn *t, const struct wa_event *e)
{
    const struct wa_contact *c = &e->contact;
    int64_t who, chat;
    int rc = wb_inbox_person(t, &c->person, &who);
    bool has_name = c->full_name.ptr || c->push_name.ptr || c->verified_name.ptr;
    if (rc == BX_OK && has_name)
        rc = st_contact_names_set(t->turn.tx, who, c->full_name, c->push_name, c->verified_name);
    if (rc < 0)
        return rc;
    rc = wb_inbox_chat_find(t, &c->person, &chat);
    if (rc == BX_E_NOT_FOUND || (rc == BX_OK && !has_name))
        return BX_OK;
    return rc < 0 ? rc : wb_inbox_touch(t, chat);
}

/* One person, two writings of the number: one contact, one chat. */
int wb_inbox_account(struct wb_inbox_turn *t, const struct wa_event *e)
{
    struct st_contact_found found;
    int rc = st_contact_alias(t->turn.tx, t->turn.number_id, e->account_of.digits,
                              e->account_of.account.pn, &found);
    t->last = (struct st_contact_found){0};
    t->has_merged = t->has_merged || (rc >= 0 && found.is_merged);
    return rc < 0 || !found.chat_id ? rc : wb_inbox_touch(t, found.chat_id);
}

static int members_of(struct wb_inbox_turn *t, const struct wa_group *g, struct st_member **out)
{
    struct st_member *rows = bx_arena_alloc(t->turn.arena, (g->member_count + 1) * sizeof *rows);
    for (size_t i = 0; i < g->member_count; i++) {
        const struct wa_member *m = &g->members[i];
        int rc = wb_inbox_person(t, &m->person, &rows[i].contact_id);
        if (rc < 0)
            return rc;
        rows[i].role = m->is_superadmin ? ST_MEMBER_OWNER
                       : m->is_admin    ? ST_MEMBER_ADMIN
                                        : ST_MEMBER;
    }
    *out = rows;
    return BX_OK;
}

int wb_inbox_group(struct wb_inbox_turn *t, const struct wa_event *e)
{
    const struct wa_group *g = &e->group;
    struct st_member *members = NULL;
    int64_t chat;
    int rc = st_chat_ensure_group(t->turn.tx, t->turn.number_id, g->chat.jid,
                                  g->subject.len ? g->subject : (struct bx_str){0}, &chat, NULL);
    if (rc == BX_OK)
        rc = members_of(t, g, &members);
    if (rc == BX_OK)
        rc = st_member_set(t->turn.tx, chat, members, g->is_gone ? 0 : g->member_count);
    struct bx_str meta = bx_arena_printf(
        t->turn.arena,
        "{\"addressing\":\"%s\",\"isAnnouncement\":%s,\"isLocked\":%s,\"isGone\":%s}",
        g->is_lid_addressed ? "lid" : "pn", g->is_announcement ? "true" : "false",
        g->is_locked ? "true" : "false", g->is_gone ? "true" : "false");
    if (rc >= 0)
        rc = st_chat_meta_set(t->turn.tx, chat, meta);
    if (rc >= 0 && !g->is_gone)
        rc = st_chat_timer_set(t->turn.tx, chat, g->ephemeral_s, st_tx_now(t->turn.tx));
    if (rc >= 0)
        rc = wb_inbox_touch(t, chat);
    /* Who may delete others' messages is known now. */
    return rc < 0 ? rc : wb_inbox_replay(t, chat, (struct bx_str){0});
}

/* --- the account --- */

static int session_now(struct wb_inbox_turn *t, struct st_session **out)
{
    struct st_session *s = &t->envelope->session;
    int rc = st_session_by_number(t->turn.conn, t->turn.number_id, t->turn.arena, s);
    *out = s;
    return rc;
}

static int session_write(struct wb_inbox_turn *t, struct st_session *s)
{
    int rc = st_session_update(t->turn.tx, s);
    if (rc == BX_OK)
        rc = st_session_get(t->turn.conn, s->id, t->turn.arena, s);
    t->envelope->has_session = rc == BX_OK;
    return rc;
}

int wb_inbox_paired(struct wb_inbox_turn *t, const struct wa_event *e)
{
    struct st_session *s;
    int rc = session_now(t, &s);
    if (rc < 0)
        return rc;
    s->jid = e->account.jid;
    s->lid = e->account.lid;
    s->platform = e->account.platform;
    s->is_active = true;
    s->error_message = s->reason = (struct bx_str){0};
    t->envelope->counted.is_linked = true;
    return session_write(t, s);
}

int wb_inbox_unlinked(struct wb_inbox_turn *t, const struct wa_event *e)
{
    (void)e;
    struct st_session *s;
    int rc = st_session_wipe(t->turn.tx, t->turn.number_id);
    if (rc >= 0)
        rc = session_now(t, &s);
    if (rc < 0)
        return rc;
    s->jid = s->lid = s->push_name = (struct bx_str){0};
    return session_write(t, s);
}

int wb_inbox_push_name(struct wb_inbox_turn *t, const struct wa_event *e)
{
    struct st_session *s;
    int rc = session_now(t, &s);
    if (rc < 0)
        return rc;
    s->push_name = e->contact.push_name;
    return session_write(t, s);
}
