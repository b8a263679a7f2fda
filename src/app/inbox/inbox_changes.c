/* Edits, deletions, reactions, pins, votes, answers. The server vouches for the chat and the sender
 * of a change and cannot read the rest, so what it says is checked here as WhatsApp's own clients
 * check it: who may change what, and which message is meant. A message is known by its chat, its
 * author and its id; ids alone are chosen by their authors and may come twice.
 *
 * A change whose message is not here waits for it. One that its sender may not make is counted and
 * dropped. */
#include "app/inbox/inbox_changes.h"

#include "app/inbox/inbox_details.h"
#include "app/numbers/line.h"
#include "base/log.h"
#include "base/metrics.h"

#include <jansson.h>

enum { M_APPLIED, M_KEPT, M_REFUSED, M_ROW, M_SKIPPED };

struct bx_metric wb_inbox_metrics[] = {
    [M_APPLIED] = {"wabox_changes_total",
                   "Changes of messages that arrived, by what became of them", BX_COUNTER,
                   "result=\"applied\"", 0},
    [M_KEPT] = {"wabox_changes_total", NULL, BX_COUNTER, "result=\"kept\"", 0},
    [M_REFUSED] = {"wabox_changes_total", NULL, BX_COUNTER, "result=\"refused\"", 0},
    [M_ROW] = {"wabox_changes_total", NULL, BX_COUNTER, "result=\"row\"", 0},
    [M_SKIPPED] = {"wabox_events_skipped_total",
                   "Arrivals about something that is no chat of this server", BX_COUNTER, NULL, 0}};
const size_t wb_inbox_metric_count = BX_LEN(wb_inbox_metrics);

void wb_inbox_skipped(const struct wb_inbox_turn *t, const struct wa_event *e, int rc)
{
    bx_metric_add(&wb_inbox_metrics[M_SKIPPED], 1);
    bx_log(BX_LOG_INFO, "app", "arrival skipped", "number=%lld event=%d rc=%s",
           (long long)t->turn.number_id, (int)e->kind, bx_err_name(rc));
}

/* Many of the same are told once in a while: a contact chooses how many there are. */
static void tell(const struct wb_inbox_turn *t, const struct wb_msg_change *change, int metric,
                 const char *what)
{
    bx_metric_add(&wb_inbox_metrics[metric], 1);
    int64_t count = bx_metric_get(&wb_inbox_metrics[metric]);
    if (count <= 100 || count % 100 == 0)
        bx_log(BX_LOG_INFO, "app", what, "number=%lld kind=%s total=%lld",
               (long long)t->turn.number_id, wb_change_name(change->kind), (long long)count);
}

/* --- which message is meant --- */

/* WAITS: the message is not here, or nobody knows yet whether the sender may. */
enum verdict { HERE, WAITS, REFUSED };

/* The contact of somebody who is only named: never made. 0: nobody that we know. */
static int known_contact(struct wb_inbox_turn *t, const struct wa_peer *p, int64_t *out)
{
    struct st_contact who;
    struct bx_str none = {0};
    *out = 0;
    if (!p->pn.len && !p->lid.len)
        return BX_OK;
    int rc = st_contact_find(t->turn.conn, t->turn.number_id, p->pn.len ? p->pn : none,
                             p->lid.len ? p->lid : none, t->turn.arena, &who);
    if (rc == BX_OK)
        *out = who.id;
    return rc == BX_E_NOT_FOUND ? BX_OK : rc;
}

static int sender_contact(struct wb_inbox_turn *t, const struct wa_change *c, int64_t *out)
{
    *out = 0;
    return c->is_from_me ? BX_OK
                         : wb_inbox_person(t, c->sender.jid.len ? &c->sender : &c->chat, out);
}

struct target {
    int64_t chat, sender; /* sender 0: us */
    struct st_message m;
};

static int find_by(struct wb_inbox_turn *t, const struct wa_change *c, struct target *to,
                   bool is_from_me, int64_t author)
{
    return st_message_find(t->turn.conn, to->chat, c->target_id, is_from_me, author, t->turn.arena,
                           &to->m);
}

/* That which its sender wrote himself. With the id of somebody else's message: not his to change. */
static int find_own(struct wb_inbox_turn *t, const struct wa_change *c, struct target *to,
                    enum verdict *out)
{
    struct st_message other;
    int rc = find_by(t, c, to, c->is_from_me, to->sender);
    if (rc == BX_OK)
        *out = HERE;
    if (rc != BX_E_NOT_FOUND)
        return rc;
    rc = st_message_by_wa_id(t->turn.conn, to->chat, c->target_id, t->turn.arena, &other);
    *out = rc == BX_OK ? REFUSED : WAITS;
    return rc == BX_E_NOT_FOUND ? BX_OK : rc;
}

/* That whose author the change names; when the author says nothing to us, the only one there is. */
static int find_named(struct wb_inbox_turn *t, const struct wa_change *c, struct target *to,
                      enum verdict *out)
{
    int64_t author = 0;
    int rc = c->is_target_from_me ? BX_OK : known_contact(t, &c->author, &author);
    *out = HERE;
    if (rc == BX_OK && (c->is_target_from_me || author))
        rc = find_by(t, c, to, c->is_target_from_me, author);
    else if (rc == BX_OK)
        rc = st_message_only(t->turn.conn, to->chat, c->target_id, t->turn.arena, &to->m);
    if (rc == BX_E_NOT_FOUND) {
        *out = WAITS;
        rc = BX_OK;
    }
    return rc;
}

/* --- who may --- */

static int may_as_admin(struct wb_inbox_turn *t, const struct target *to, enum verdict *out)
{
    struct st_member *members;
    size_t count;
    if (to->sender == 0) {
        *out = HERE; /* our own phone did it: it was allowed to */
        return BX_OK;
    }
    int rc = st_member_list(t->turn.conn, to->chat, t->turn.arena, &members, &count);
    *out = rc == BX_OK && count == 0 ? WAITS : REFUSED;
    for (size_t i = 0; rc == BX_OK && i < count; i++) {
        if (members[i].contact_id == to->sender && members[i].role >= ST_MEMBER_ADMIN)
            *out = HERE;
    }
    return rc;
}

static bool is_locked(struct wb_inbox_turn *t, int64_t chat)
{
    struct st_chat row;
    if (st_chat_get(t->turn.conn, chat, t->turn.arena, &row) < 0 || !row.meta.len)
        return false;
    json_t *meta = json_loadb(row.meta.ptr, row.meta.len, 0, NULL);
    bool is_so = json_is_true(json_object_get(meta, "isLocked"));
    json_decref(meta);
    return is_so;
}

/* A placeholder has no text to change yet: what was edited comes when it is healed. */
static int judge_edit(struct wb_inbox_turn *t, const struct wa_change *c, struct target *to,
                      enum verdict *out)
{
    int rc = find_own(t, c, to, out);
    if (rc == BX_OK && *out == HERE && (to->m.flags & ST_MESSAGE_PLACEHOLDER))
        *out = WAITS;
    return rc;
}

/* Its author, or in a group an administrator, who names the author and says that he is one. */
static int judge_revoke(struct wb_inbox_turn *t, const struct wa_change *c, struct target *to,
                        enum verdict *out)
{
    int rc = find_own(t, c, to, out);
    bool is_others =
        c->is_target_from_me != c->is_from_me ||
        (!c->is_from_me && c->author.jid.len && !bx_str_eq(c->author.jid, c->sender.jid));
    if (rc < 0 || *out == HERE || !c->chat.is_group || !c->is_by_admin || !is_others)
        return rc;
    enum verdict may;
    rc = may_as_admin(t, to, &may);
    if (rc < 0 || may != HERE) {
        *out = may;
        return rc;
    }
    return find_named(t, c, to, out);
}

static int judge_pin(struct wb_inbox_turn *t, const struct wa_change *c, struct target *to,
                     enum verdict *out)
{
    if (c->chat.is_group && is_locked(t, to->chat)) {
        int rc = may_as_admin(t, to, out);
        if (rc < 0 || *out != HERE)
            return rc;
    }
    return find_named(t, c, to, out);
}

/* --- what it does --- */

/* Live changes are told; those inside history are part of it. */
static int announce_change(struct wb_inbox_turn *t, const struct wa_change *c,
                           const struct st_message *m, bool is_chat_changed)
{
    int rc = c->origin == WA_ORIGIN_HISTORY
                 ? BX_OK
                 : wb_announce_message(&t->turn, "message:updated", m->id);
    return rc < 0 || !is_chat_changed ? rc : wb_inbox_touch(t, m->chat_id);
}

static int apply_edit(struct wb_inbox_turn *t, const struct wb_msg_change *change,
                      struct target *to)
{
    const struct wa_change *c = &change->c;
    int rc = st_message_edit(t->turn.tx, to->m.id,
                             wb_inbox_text(t, c->text.len ? c->text : c->label), c->timestamp_ms);
    if (rc > 0 && change->details.ptr)
        rc = st_message_details_set(t->turn.tx, to->m.id, change->details);
    return rc <= 0 ? rc : announce_change(t, c, &to->m, true);
}

/* What was deleted stays in the audit, for an ADMIN, unless the number's policy says otherwise. */
static int audit_deleted(struct wb_inbox_turn *t, const struct wa_change *c,
                         const struct st_message *m)
{
    struct st_number number;
    int rc = st_number_get(t->turn.conn, t->turn.number_id, t->turn.arena, &number);
    if (rc < 0 || !wb_policy_parse(number.policy).keeps_deleted ||
        (m->flags & ST_MESSAGE_PLACEHOLDER))
        return rc;
    struct bx_json_writer w;
    t->turn.text.len = 0;
    bx_json_writer_init(&w, &t->turn.text);
    bx_json_object(&w);
    bx_json_key_str(&w, "content", m->content);
    if (m->file_name.len)
        bx_json_key_str(&w, "fileName", m->file_name);
    bx_json_key_str(&w, "chatId",
                    bx_str(wb_uuid_of(t->turn.rows.store, ST_UUID_CHAT, m->chat_id).text));
    bx_json_key_bool(&w, "isFromMe", m->is_from_me);
    bx_json_key_str(&w, "from",
                    m->is_from_me         ? BX_STR("")
                    : m->sender_phone.len ? m->sender_phone
                                          : m->sender_lid);
    bx_json_key_str(&w, "deletedBy", c->sender.jid.len ? c->sender.jid : c->chat.jid);
    bx_json_key_time(&w, "sentAt", m->timestamp);
    bx_json_end(&w);
    struct bx_str target = bx_arena_printf(
        t->turn.arena, "message:%s", wb_uuid_of(t->turn.rows.store, ST_UUID_MESSAGE, m->id).text);
    struct st_audit row = {.number_id = t->turn.number_id,
                           .action = BX_STR("message.deleted"),
                           .target = target,
                           .details = bx_arena_str(t->turn.arena, bx_buf_view(&t->turn.text))};
    int64_t id;
    return st_audit_append(t->turn.tx, &row, &id);
}

static int apply_revoke(struct wb_inbox_turn *t, const struct wb_msg_change *change,
                        struct target *to)
{
    const struct wa_change *c = &change->c;
    int rc = to->m.revoked_at ? BX_OK : audit_deleted(t, c, &to->m);
    if (rc >= 0)
        rc = st_message_revoke(t->turn.tx, to->m.id, BX_STR("This message was deleted"),
                               c->timestamp_ms);
    return rc <= 0 ? rc : announce_change(t, c, &to->m, true);
}

static int apply_reaction(struct wb_inbox_turn *t, const struct wb_msg_change *change,
                          struct target *to)
{
    const struct wa_change *c = &change->c;
    int rc = st_reaction_set(t->turn.tx, to->m.id, to->sender, c->text, c->timestamp_ms);
    return rc <= 0 ? rc : announce_change(t, c, &to->m, false);
}

/* A line of the chat that quotes what was pinned. */
static int apply_pin(struct wb_inbox_turn *t, const struct wb_msg_change *change, struct target *to)
{
    const struct wa_change *c = &change->c;
    struct wa_event line = {.kind = WA_EVENT_MESSAGE,
                            .message = {.id = c->id,
                                        .chat = c->chat,
                                        .sender = c->sender,
                                        .is_from_me = c->is_from_me,
                                        .origin = c->origin,
                                        .status = WA_STATUS_SENT,
                                        .timestamp_ms = c->timestamp_ms,
                                        .kind = WA_KIND_SYSTEM,
                                        .label = c->is_undone ? BX_STR("[Unpinned a message]")
                                                              : BX_STR("[Pinned a message]"),
                                        .quoted_id = c->target_id,
                                        .quoted_text = to->m.content,
                                        .quoted_sender = {.is_me = to->m.is_from_me}}};
    if (!to->m.is_from_me) {
        line.message.quoted_sender.pn = to->m.sender_phone;
        line.message.quoted_sender.lid = to->m.sender_lid;
    }
    return wb_inbox_message(t, &line);
}

/* An option is known by the beginning of its hash. */
static struct bx_str choice_of(struct wb_inbox_turn *t, const struct wa_change *c)
{
    struct bx_buf ids;
    bx_buf_init(&ids, 0);
    for (size_t i = 0; i < c->vote_count; i++) {
        char id[WB_OPTION_ID_SIZE];
        wb_option_id((const uint8_t *)c->votes[i].ptr, id);
        bx_buf_printf(&ids, "%s%s", i ? " " : "", id);
    }
    struct bx_str out = bx_arena_str(t->turn.arena, bx_buf_view(&ids));
    bx_buf_done(&ids);
    return out.len ? out : BX_STR("");
}

static int respond(struct wb_inbox_turn *t, const struct wa_change *c, const struct target *to,
                   struct bx_str choice)
{
    struct st_response row = {.message_id = to->m.id,
                              .contact_id = to->sender,
                              .choice = choice,
                              .responded_at = c->timestamp_ms};
    int rc = st_response_set(t->turn.tx, &row);
    return rc <= 0 ? rc : announce_change(t, c, &to->m, false);
}

/* As many as the poll allows, each of them one of its options; else it is no vote. */
static int apply_vote(struct wb_inbox_turn *t, const struct wb_msg_change *change,
                      struct target *to)
{
    struct bx_str choice = choice_of(t, &change->c);
    if (to->m.type != ST_TYPE_POLL || !wb_details_allow_vote(to->m.details, choice)) {
        tell(t, change, M_REFUSED, "change refused");
        return BX_OK;
    }
    return respond(t, &change->c, to, choice);
}

static int apply_answer(struct wb_inbox_turn *t, const struct wb_msg_change *change,
                        struct target *to)
{
    static const char *const names[] = {"", "GOING", "NOT_GOING", "MAYBE"};
    if (to->m.type != ST_TYPE_EVENT) {
        tell(t, change, M_REFUSED, "change refused");
        return BX_OK;
    }
    return respond(t, &change->c, to, bx_str(names[change->c.answer]));
}

/* --- together --- */

static const struct {
    int (*judge)(struct wb_inbox_turn *t, const struct wa_change *c, struct target *to,
                 enum verdict *out);
    int (*apply)(struct wb_inbox_turn *t, const struct wb_msg_change *change, struct target *to);
} kinds[WA_EVENT_KINDS] = {
    [WA_EVENT_EDIT] = {judge_edit, apply_edit},
    [WA_EVENT_REVOKE] = {judge_revoke, apply_revoke},
    [WA_EVENT_REACTION] = {find_named, apply_reaction},
    [WA_EVENT_PIN] = {judge_pin, apply_pin},
    [WA_EVENT_VOTE] = {find_named, apply_vote},
    [WA_EVENT_ANSWER] = {find_named, apply_answer},
};

/* Too many edits wait: what was said becomes a row of its own. */
static int as_row(struct wb_inbox_turn *t, const struct wb_msg_change *change)
{
    const struct wa_change *c = &change->c;
    bool has_text = c->text.len > 0;
    struct wa_event row = {
        .kind = WA_EVENT_MESSAGE,
        .message = {.id = c->id,
                    .chat = c->chat,
                    .sender = c->sender,
                    .is_from_me = c->is_from_me,
                    .origin = c->origin,
                    .status = WA_STATUS_SENT,
                    .timestamp_ms = c->timestamp_ms,
                    .kind = has_text ? WA_KIND_TEXT : WA_KIND_UNKNOWN,
                    .text = has_text ? c->text : (struct bx_str){0},
                    .label =
                        has_text ? c->text : BX_STR("[A change of a message that is not here]")}};
    tell(t, change, M_ROW, "change stored as a row");
    return wb_inbox_message(t, &row);
}

static int keep(struct wb_inbox_turn *t, const struct wb_msg_change *change, int64_t chat)
{
    int rc = st_change_keep(t->turn.tx, chat, change->c.target_id, wb_change_format(t, change));
    if (rc == BX_E_FULL && change->kind == WA_EVENT_EDIT)
        return as_row(t, change);
    if (rc == BX_E_FULL) {
        tell(t, change, M_REFUSED, "change refused: too many wait for their messages");
        return BX_OK;
    }
    t->waiting = WB_SOME_WAIT;
    if (rc == BX_OK)
        tell(t, change, M_KEPT, "change kept until its message comes");
    return rc;
}

static int change_apply(struct wb_inbox_turn *t, const struct wb_msg_change *change)
{
    const struct wa_change *c = &change->c;
    struct target to = {0};
    enum verdict verdict = REFUSED;
    int rc = wb_inbox_chat(t, &c->chat, &to.chat);
    if (rc == BX_OK)
        rc = sender_contact(t, c, &to.sender);
    if (rc == BX_OK)
        rc = kinds[change->kind].judge(t, c, &to, &verdict);
    if (rc < 0)
        return rc;
    switch (verdict) {
    case HERE:
        bx_metric_add(&wb_inbox_metrics[M_APPLIED], 1);
        return kinds[change->kind].apply(t, change, &to);
    case WAITS:
        return keep(t, change, to.chat);
    case REFUSED:
        tell(t, change, M_REFUSED, "change refused");
        break;
    }
    return BX_OK;
}

int wb_inbox_change(struct wb_inbox_turn *t, const struct wa_event *e)
{
    struct wb_msg_change change = {
        .kind = e->kind, .c = e->change, .details = wb_details_json(t, &e->change.details)};
    change.c.timestamp_ms = wb_inbox_time(t, change.c.timestamp_ms);
    if (!change.c.target_id.len)
        return BX_OK;
    return change_apply(t, &change);
}

int wb_inbox_replay(struct wb_inbox_turn *t, int64_t chat, struct bx_str wa_id)
{
    struct st_change *rows;
    size_t count;
    int64_t waiting = 0;
    int rc = BX_OK;
    if (t->waiting == WB_WAIT_UNKNOWN) {
        rc = st_change_count(t->turn.conn, &waiting);
        t->waiting = waiting ? WB_SOME_WAIT : WB_NONE_WAIT;
    }
    if (rc < 0 || t->waiting == WB_NONE_WAIT)
        return rc;
    rc = st_change_take(t->turn.tx, chat, wa_id, t->turn.arena, &rows, &count);
    for (size_t i = 0; rc >= 0 && i < count; i++) {
        struct wb_msg_change change;
        rc = wb_change_parse(t, rows[i].change, &change);
        if (rc == BX_OK)
            rc = change_apply(t, &change);
        else
            rc = BX_OK; /* written by another version: nothing can be made of it */
    }
    return rc < 0 ? rc : BX_OK;
}
