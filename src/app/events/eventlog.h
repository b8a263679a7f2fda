/* From committed rows of the event log to the sinks: the only way an event is announced. A job appends
 * events to a wb_log in its transaction; after the commit they go to every sink on the loop, in the
 * order of the log, each as one JSON text. A job that fails announces nothing.
 */
#ifndef WB_EVENTLOG_H
#define WB_EVENTLOG_H

#include "app/core/context.h"
#include "store/store.h"

struct wb_log_entry {
    int64_t number_id, seq;
    const char *type;      /* static */
    struct bx_str payload; /* with seq */
    struct wb_log_entry *next;
};

/* Events of one job. */
struct wb_log {
    struct wb_app *app;
    struct bx_arena *arena; /* lives until wb_log_emit, or wb_log_publish copied */
    struct wb_log_entry *first, **last;
};

void wb_log_init(struct wb_log *log, struct wb_app *app, struct bx_arena *arena);

/* Writer thread, in the transaction. `payload` is a JSON object without seq. chat_id 0: none. */
int wb_log_append(struct wb_log *log, struct st_tx *tx, int64_t number_id, const char *type,
                  int64_t chat_id, struct bx_str payload);

/* Writer thread, from on_done after the commit (or wb_request.after): hands copies to the loop. */
void wb_log_publish(struct wb_log *log);
/* Loop thread, for jobs that bring themselves to the loop in the order of their commits. */
void wb_log_emit(struct wb_log *log);

/* An event of the log as sent: payload, seq and epoch, in the arena. */
struct bx_str wb_log_with_seq(const struct wb_app *app, struct bx_str payload, int64_t seq,
                              struct bx_arena *arena);

#endif
