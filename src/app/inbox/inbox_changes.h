/* Changes of messages: who may make them, and those that come before their message. */
#ifndef WB_INBOX_CHANGES_H
#define WB_INBOX_CHANGES_H

#include "app/inbox/inbox_turn.h"

/* A change with what it needs when it is opened again later. */
struct wb_msg_change {
    enum wa_event_kind kind;
    struct wa_change c;
    struct bx_str details; /* JSON of an edit; ptr NULL: none */
};

/* "edit" ... */
const char *wb_change_name(enum wa_event_kind kind);
/* As text, for the store; in the turn's arena. */
struct bx_str wb_change_format(struct wb_inbox_turn *t, const struct wb_msg_change *change);
/* BX_E_CORRUPT. Texts in the turn's arena. */
int wb_change_parse(struct wb_inbox_turn *t, struct bx_str text, struct wb_msg_change *out);

/* What waited for this message of the chat; wa_id NULL: for whatever came to be known of it. */
int wb_inbox_replay(struct wb_inbox_turn *t, int64_t chat, struct bx_str wa_id);

extern struct bx_metric wb_inbox_metrics[];
extern const size_t wb_inbox_metric_count;

#endif
