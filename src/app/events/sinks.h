/* Who is told of committed events. A sink is called for each event of the log, in the order of the log
 * of its number, after the commit. Socket.IO is one; webhooks and brokers, which must not miss an event
 * over a restart, take the call as a hint and read the log from their own cursor. Loop thread. */
#ifndef WB_SINKS_H
#define WB_SINKS_H

#include "app/events/eventlog.h"

struct wb_sink {
    const char *name;
    /* `event` is borrowed for the call. Must not block. */
    void (*on_event)(struct wb_sink *sink, const struct wb_log_entry *event);
    struct wb_sink *next; /* private */
};

/* At start. Keeps the sink; embed it. Sinks are called in the order of adding. */
void wb_sinks_add(struct wb_app *app, struct wb_sink *sink);

/* Calls every sink. For eventlog.c. */
void wb_sinks_tell(struct wb_app *app, const struct wb_log_entry *event);

#endif
