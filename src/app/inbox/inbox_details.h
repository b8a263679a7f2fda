/* What a message holds beside its text, as the JSON that its row keeps. */
#ifndef WB_INBOX_DETAILS_H
#define WB_INBOX_DETAILS_H

#include "app/inbox/inbox_turn.h"

enum { WB_OPTION_ID_SIZE = 17 };
/* The id of a poll's option: the beginning of the SHA-256 of its text, in hex. */
void wb_option_id(const uint8_t hash[32], char out[WB_OPTION_ID_SIZE]);

/* In the turn's arena; ptr NULL: nothing to keep. */
struct bx_str wb_details_json(struct wb_inbox_turn *t, const struct wa_details *d);

/* True when the choice (ids with a space between) is one that the poll in `details` allows. */
bool wb_details_allow_vote(struct bx_str details, struct bx_str choice);

#endif
