/* Inside inbox_*.c: the turn in which one envelope is stored. */
#ifndef WB_INBOX_TURN_H
#define WB_INBOX_TURN_H

#include "app/events/announce.h"
#include "app/inbox/inbox.h"

struct wb_inbox_turn {
    struct wb_turn turn;
    struct wb_envelope *envelope;
    const struct wa_event *events; /* all of the envelope */
    /* chats that changed: announced once each, at the end */
    int64_t *touched;
    size_t touched_count, touched_cap;
    /* who was looked up last: chat and sender are mostly the same person */
    struct bx_str last_pn, last_lid;
    struct st_contact_found last;
    /* changes that came before their message: looked for once */
    bool has_merged; /* two were joined: what waited in one may be about the other */
    enum { WB_WAIT_UNKNOWN, WB_NONE_WAIT, WB_SOME_WAIT } waiting;
};

/* As long as WhatsApp's own clients send it at most; what is longer ends with an ellipsis (the whole
 * stays in `raw`). */
struct bx_str wb_inbox_text(struct wb_inbox_turn *t, struct bx_str text);

int wb_inbox_touch(struct wb_inbox_turn *t, int64_t chat_id);

/* The contact behind a peer, made when new; two identities that turn out to be one are joined.
 * BX_E_INVALID: the peer is nobody (a broadcast list). */
int wb_inbox_person(struct wb_inbox_turn *t, const struct wa_peer *peer, int64_t *out_contact);
/* Its chat, made when there is none. BX_E_INVALID: not a chat that we keep. */
int wb_inbox_chat(struct wb_inbox_turn *t, const struct wa_peer *peer, int64_t *out_chat);
/* Its chat if there is one. BX_E_NOT_FOUND. */
int wb_inbox_chat_find(struct wb_inbox_turn *t, const struct wa_peer *peer, int64_t *out_chat);

/* A time that a peer named, not later than it can be: what lies in the future would stay on top. */
int64_t wb_inbox_time(const struct wb_inbox_turn *t, int64_t at);
/* Marks the chat read up to the message (0: all), and tells. */
int wb_inbox_read_chat(struct wb_inbox_turn *t, int64_t chat, int64_t upto);
/* Counts and logs what is about nothing that we have or keep. */
void wb_inbox_skipped(const struct wb_inbox_turn *t, const struct wa_event *e, int rc);

/* One function per kind of event. */
int wb_inbox_message(struct wb_inbox_turn *t, const struct wa_event *e);
int wb_inbox_change(struct wb_inbox_turn *t, const struct wa_event *e);
int wb_inbox_receipt(struct wb_inbox_turn *t, const struct wa_event *e);
int wb_inbox_sent(struct wb_inbox_turn *t, const struct wa_event *e);
int wb_inbox_read_self(struct wb_inbox_turn *t, const struct wa_event *e);
int wb_inbox_chat_fact(struct wb_inbox_turn *t, const struct wa_event *e);
int wb_inbox_account(struct wb_inbox_turn *t, const struct wa_event *e);
int wb_inbox_contact(struct wb_inbox_turn *t, const struct wa_event *e);
int wb_inbox_group(struct wb_inbox_turn *t, const struct wa_event *e);
int wb_inbox_paired(struct wb_inbox_turn *t, const struct wa_event *e);
int wb_inbox_unlinked(struct wb_inbox_turn *t, const struct wa_event *e);
int wb_inbox_push_name(struct wb_inbox_turn *t, const struct wa_event *e);
int wb_inbox_media_retried(struct wb_inbox_turn *t, const struct wa_event *e);
int wb_inbox_call(struct wb_inbox_turn *t, const struct wa_event *e);

#endif
