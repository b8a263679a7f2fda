/* Data for `waboxd --demo`: numbers, chats and messages to look at. */
#ifndef WB_DEMO_H
#define WB_DEMO_H

#include "store/store.h"

/* Fills a database that has no number yet; the store has no writer. */
int wb_demo_fill(struct st_store *store);

#endif
