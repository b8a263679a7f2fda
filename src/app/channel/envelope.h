/* An envelope is one thing that arrived on a channel. The inbox opens and stores it in one transaction;
 * only after the commit is it acknowledged. */
#ifndef WB_ENVELOPE_H
#define WB_ENVELOPE_H

#include "app/events/eventlog.h"
#include "wa/event.h"

struct wb_line;
struct wb_envelope;

struct wb_envelope_ops {
    /* Writer thread, inside the transaction: what it says, borrowed until finish. A failure of the
     * store undoes everything; it may be submitted again later. */
    int (*open)(struct wb_envelope *e, struct st_tx *tx, const struct wa_event **out);
    /* Loop, after the commit when `open` returned 1: there is more. True: it is opened again, for
     * the next part; else finish follows with BX_E_CLOSED. NULL: never more than one part. */
    bool (*part_done)(struct wb_envelope *e);
    /* Loop, exactly once; takes the envelope. BX_OK: committed and emitted; else nothing happened.
     */
    void (*finish)(struct wb_envelope *e, int rc);
};

/* Embed; the channel sets line and ops. */
struct wb_envelope {
    struct wb_line *line;
    const struct wb_envelope_ops *ops;
    uint64_t turn; /* on whose account within the number: envelopes of one turn keep their order */

    /* private to the inbox */
    struct bx_arena arena;
    struct wb_log log;
    int rc;
    bool has_more;
    unsigned answers; /* messages of ours that the server answered */
    struct {
        unsigned in, undecrypted, out, refused;
        int refusal; /* the server's code */
        bool is_linked;
    } counted;        /* for metrics and log, after the commit */
    bool has_session; /* `session` is what the row is now */
    struct st_session session;
    struct bx_str new_group; /* subject and members are not known yet */
};

#endif
