/* Names of people who are mentioned. WhatsApp's text has "@" and the digits of a JID; the JIDs
 * stand beside it. */
#ifndef WB_MENTIONS_H
#define WB_MENTIONS_H

#include "app/views/rows.h"

/* The member "mentions" [{jid,name}] of a message; nothing when `list`, a JSON array of JIDs, is
 * NULL or none. */
void wb_mentions_write(struct bx_json_writer *w, const struct wb_rows *r, struct bx_str list);

/* False: `text` cannot mention anybody. Cheap. */
bool wb_mentions_maybe(struct bx_str text);

/* `text` with the names of those in `list` instead of their digits; borrows `text` or lives in the
 * rows' arena. */
struct bx_str wb_mentions_named(const struct wb_rows *r, struct bx_str text, struct bx_str list);

#endif
