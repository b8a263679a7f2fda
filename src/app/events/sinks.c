#include "app/events/sinks.h"

void wb_sinks_add(struct wb_app *app, struct wb_sink *sink)
{
    struct wb_sink **end = &app->sinks;
    while (*end)
        end = &(*end)->next;
    sink->next = NULL;
    *end = sink;
}

void wb_sinks_tell(struct wb_app *app, const struct wb_log_entry *event)
{
    for (struct wb_sink *sink = app->sinks; sink; sink = sink->next)
        sink->on_event(sink, event);
}
