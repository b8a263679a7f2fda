/* A change as text and back: what waits in the store outlives the program that kept it. People are
 * written by their names, not by ids of rows, because rows are joined meanwhile. */
#include "app/inbox/inbox_changes.h"

#include <jansson.h>

enum { FROM_ME = 1, TARGET_FROM_ME = 2, BY_ADMIN = 4, UNDONE = 8 };

const char *wb_change_name(enum wa_event_kind kind)
{
    switch ((int)kind) {
    case WA_EVENT_EDIT:
        return "edit";
    case WA_EVENT_REVOKE:
        return "revoke";
    case WA_EVENT_REACTION:
        return "reaction";
    case WA_EVENT_PIN:
        return "pin";
    case WA_EVENT_VOTE:
        return "vote";
    case WA_EVENT_ANSWER:
        return "answer";
    default:
        return "none";
    }
}

/* --- writing --- */

static void peer_write(struct bx_json_writer *w, const char *key, const struct wa_peer *p)
{
    if (!p->jid.len && !p->is_me)
        return;
    bx_json_key(w, key);
    bx_json_object(w);
    bx_json_key_str(w, "jid", p->jid);
    if (p->pn.len)
        bx_json_key_str(w, "pn", p->pn);
    if (p->lid.len)
        bx_json_key_str(w, "lid", p->lid);
    bx_json_key_bool(w, "isGroup", p->is_group);
    bx_json_key_bool(w, "isMe", p->is_me);
    bx_json_end(w);
}

static void votes_write(struct wb_inbox_turn *t, struct bx_json_writer *w,
                        const struct wa_change *c)
{
    bx_json_key(w, "votes");
    bx_json_array(w);
    for (size_t i = 0; i < c->vote_count; i++) {
        char *hex = bx_arena_alloc(t->turn.arena, 2 * c->votes[i].len + 1);
        bx_hex_encode((const uint8_t *)c->votes[i].ptr, c->votes[i].len, hex);
        bx_json_str(w, bx_str(hex));
    }
    bx_json_end(w);
}

struct bx_str wb_change_format(struct wb_inbox_turn *t, const struct wb_msg_change *change)
{
    const struct wa_change *c = &change->c;
    struct bx_json_writer w;
    t->turn.text.len = 0;
    bx_json_writer_init(&w, &t->turn.text);
    bx_json_object(&w);
    bx_json_key_cstr(&w, "kind", wb_change_name(change->kind));
    bx_json_key_str(&w, "id", c->id);
    bx_json_key_str(&w, "target", c->target_id);
    peer_write(&w, "chat", &c->chat);
    peer_write(&w, "sender", &c->sender);
    peer_write(&w, "author", &c->author);
    bx_json_key_i64(&w, "flags",
                    (c->is_from_me ? FROM_ME : 0) | (c->is_target_from_me ? TARGET_FROM_ME : 0) |
                        (c->is_by_admin ? BY_ADMIN : 0) | (c->is_undone ? UNDONE : 0));
    if (c->text.ptr)
        bx_json_key_str(&w, "text", c->text);
    if (c->label.ptr)
        bx_json_key_str(&w, "label", c->label);
    votes_write(t, &w, c);
    bx_json_key_i64(&w, "answer", c->answer);
    bx_json_key_i64(&w, "at", c->timestamp_ms);
    bx_json_key_i64(&w, "origin", c->origin);
    if (change->details.ptr)
        bx_json_key_str(&w, "details", change->details);
    bx_json_end(&w);
    return bx_arena_str(t->turn.arena, bx_buf_view(&t->turn.text));
}

/* --- reading --- */

static struct bx_str str_of(struct wb_inbox_turn *t, const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    return json_is_string(v)
               ? bx_arena_str(t->turn.arena, bx_str_n(json_string_value(v), json_string_length(v)))
               : (struct bx_str){0};
}

static struct wa_peer peer_of(struct wb_inbox_turn *t, const json_t *o, const char *key)
{
    const json_t *p = json_object_get(o, key);
    return (struct wa_peer){.jid = str_of(t, p, "jid"),
                            .pn = str_of(t, p, "pn"),
                            .lid = str_of(t, p, "lid"),
                            .is_group = json_is_true(json_object_get(p, "isGroup")),
                            .is_me = json_is_true(json_object_get(p, "isMe"))};
}

static void votes_read(struct wb_inbox_turn *t, const json_t *list, struct wa_change *c)
{
    size_t count = json_array_size(list);
    struct bx_str *votes = bx_arena_alloc(t->turn.arena, (count + 1) * sizeof *votes);
    for (size_t i = 0; i < count; i++) {
        struct bx_str hex = bx_str(json_string_value(json_array_get(list, i)));
        uint8_t *bytes = bx_arena_alloc(t->turn.arena, hex.len / 2 + 1);
        if (bx_hex_decode(hex, bytes, hex.len / 2) == BX_OK)
            votes[c->vote_count++] = bx_str_n(bytes, hex.len / 2);
    }
    c->votes = votes;
}

static bool kind_read(struct bx_str name, enum wa_event_kind *out)
{
    static const enum wa_event_kind kinds[] = {WA_EVENT_EDIT, WA_EVENT_REVOKE, WA_EVENT_REACTION,
                                               WA_EVENT_PIN,  WA_EVENT_VOTE,   WA_EVENT_ANSWER};
    for (size_t i = 0; i < BX_LEN(kinds); i++) {
        *out = kinds[i];
        if (bx_str_eq(name, bx_str(wb_change_name(kinds[i]))))
            return true;
    }
    return false;
}

int wb_change_parse(struct wb_inbox_turn *t, struct bx_str text, struct wb_msg_change *out)
{
    json_t *o = json_loadb(text.ptr, text.len, JSON_ALLOW_NUL, NULL);
    int64_t flags = json_integer_value(json_object_get(o, "flags"));
    *out = (struct wb_msg_change){
        .c = {.id = str_of(t, o, "id"),
              .target_id = str_of(t, o, "target"),
              .chat = peer_of(t, o, "chat"),
              .sender = peer_of(t, o, "sender"),
              .author = peer_of(t, o, "author"),
              .is_from_me = flags & FROM_ME,
              .is_target_from_me = flags & TARGET_FROM_ME,
              .is_by_admin = flags & BY_ADMIN,
              .is_undone = flags & UNDONE,
              .text = str_of(t, o, "text"),
              .label = str_of(t, o, "label"),
              .answer = (enum wa_answer)json_integer_value(json_object_get(o, "answer")),
              .timestamp_ms = json_integer_value(json_object_get(o, "at")),
              .origin = (enum wa_origin)json_integer_value(json_object_get(o, "origin"))},
        .details = str_of(t, o, "details")};
    votes_read(t, json_object_get(o, "votes"), &out->c);
    bool is_good = kind_read(str_of(t, o, "kind"), &out->kind) && out->c.target_id.len;
    json_decref(o);
    return is_good ? BX_OK : BX_E_CORRUPT;
}
