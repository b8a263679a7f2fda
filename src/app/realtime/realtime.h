/* The Socket.IO side: who is connected, which numbers they hear. Loop thread.
 *
 * A number is a room ("n:7"), and what only those who may link see is another ("n:7:link"). A socket
 * enters a number in three steps, so that it misses nothing and hears nothing twice: what it is sent
 * comes from the store first (a snapshot, or the events after its resume point), again until the
 * store has nothing that was announced meanwhile, and in that same loop turn it joins the room.
 */
#ifndef WB_REALTIME_H
#define WB_REALTIME_H

#include "app/numbers/line.h"

int wb_realtime_start(struct wb_app *app, struct bx_buf *message);
void wb_realtime_stop(struct wb_app *app);
void wb_realtime_free(struct wb_app *app);

/* Sends an event to everybody who hears the number. `payload` is one JSON object. */
void wb_realtime_announce(struct wb_app *app, struct wb_line *line, const char *type,
                          struct bx_str payload);

/* A number was made, changed, deactivated or deleted: rooms follow. */
void wb_realtime_number_changed(struct wb_app *app, struct wb_line *line);

size_t wb_realtime_count(struct wb_app *app);

#endif
