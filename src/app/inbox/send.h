/* A message of ours enters: row PENDING, outbox, events, idempotency in one transaction. Shared by
 * REST and the socket. */
#ifndef WB_SEND_H
#define WB_SEND_H

#include "app/core/phone.h"
#include "app/events/announce.h"

enum { WB_SEND_TEXT_MAX = 65536, WB_SEND_KEY_MAX = 255 };

struct wb_send {
    int64_t number_id;
    struct wb_address to;
    struct bx_str text;
    struct bx_str quoted; /* message id or WhatsApp id; ptr NULL: none */
    struct bx_str key;    /* idempotency; ptr NULL: none */
    int64_t user_id;      /* who is named as the sender */
    int64_t principal;    /* owner of the key: user id, or -(api key id) */

    /* out */
    int64_t chat_id;
    struct st_message message;  /* as stored */
    bool is_replay;             /* the key was used for the same before: nothing was done */
    struct bx_str first_answer; /* of a replay, when one was kept */
};

/* Writer thread. BX_E_STATE: the number is not linked. BX_E_CONFLICT: the key belongs to another
 * request. BX_E_NOT_FOUND: the quoted message. */
int wb_send_store(struct wb_turn *t, struct wb_send *s);
/* Keeps the answer for the next use of the key. */
int wb_send_keep_answer(struct wb_turn *t, const struct wb_send *s, struct bx_str answer);

/* The sentence for a failure of wb_send_store. */
const char *wb_send_why(int rc);

#endif
