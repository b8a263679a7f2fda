/* The one table of Socket.IO events (events.c) and what is made of it: checks of client events,
 * AsyncAPI, the types of clients/js.
 */
#ifndef WB_EVENTS_H
#define WB_EVENTS_H

#include "app/core/schema.h"

enum wb_event_direction { WB_EVENT_IN /* client to server */, WB_EVENT_OUT };

/* What a client event needs, like the access rules of routes. */
enum wb_event_rule {
    WB_MAY_ANY,
    WB_MAY_NUMBER, /* whatsappNumberId or whatsappNumberIds of the payload */
    WB_MAY_CHAT,   /* chatId */
    WB_MAY_SEND    /* chatId, or whatsappNumberId with `to` */
};

struct wb_event {
    const char *name;    /* "chat:get-list" */
    const char *message; /* name in the document */
    enum wb_event_direction direction;
    enum wb_event_rule rule;
    const struct wb_schema *payload; /* NULL: any single value */
    const struct wb_schema *ack;     /* data of a successful acknowledgement; NULL: none */
    const char *room;                /* who gets it, of OUT events */
    const char *summary;
};

extern const struct wb_event wb_events[];
extern const size_t wb_event_count;

/* NULL when there is none. */
const struct wb_event *wb_event_find(enum wb_event_direction direction, struct bx_str name);

#endif
