/* The link of a number to WhatsApp: from what the engine says to session row, event and whoever
 * waits; from what people ask to the engine. */
#ifndef WB_LINK_H
#define WB_LINK_H

#include "app/events/eventlog.h"
#include "app/numbers/line.h"
#include "wa/client.h"

void wb_link_init(struct wb_line *line);

/* --- from the engine, loop --- */
void wb_link_on_state(struct wb_line *line, const struct wa_status_info *status);
/* The whatsapp:qr event of the code that can be scanned now, in the arena; ptr NULL: there is none. */
struct bx_str wb_link_qr_json(const struct wb_line *line, struct bx_arena *arena);
/* This phone (digits) has scanned the code. False: it is not the number's, refuse it; the state that
 * follows (WA_REASON_WRONG_PHONE) names it. */
bool wb_link_on_scanned(struct wb_line *line, struct bx_str phone);
void wb_link_on_qr(struct wb_line *line, struct bx_str text, int64_t expires_at_ms);
void wb_link_on_code(struct wb_line *line, const char *code, int64_t expires_at_ms);

/* --- from the product, loop --- */

enum wb_waited {
    WB_WAITED_NOT,
    WB_WAITED_CONNECTED,
    WB_WAITED_QR,
    WB_WAITED_CODE,
    WB_WAITED_FAILED /* `why` is a sentence for people */
};
typedef void wb_link_waited_fn(struct wb_line *line, enum wb_waited outcome, struct bx_str why,
                               void *arg);
/* Calls on_waited exactly once: when there is a QR (or code), when the number is CONNECTED, when linking
 * failed, after 15 s, or at the stop; possibly before this returns. */
void wb_link_wait(struct wb_line *line, bool by_code, wb_link_waited_fn *on_waited, void *arg);
/* Starts linking, or connects; after the device has left when one is leaving. */
void wb_link_begin(struct wb_line *line, bool by_code);
/* Unlinks the device. Before the line hears of a session row that is deleted. */
void wb_link_leave(struct wb_line *line);
/* Starts every linked, active number, spread over time. */
void wb_link_start_all(struct wb_app *app);
/* The version that the server speaks as has changed: numbers that were refused as outdated are tried
 * once. */
void wb_link_version_changed(struct wb_app *app);
/* Starts or stops as the rows say, after a change. */
void wb_link_follow(struct wb_line *line);
/* At the stop: every waiter gets its outcome. */
void wb_link_stop_waiting(struct wb_app *app);
/* The session row of a line may have changed: copy, tell. */
void wb_link_took(struct wb_line *line, const struct st_session *row);

/* --- shared --- */

/* The session of a number that has none: nobody has linked it. Texts are static. */
struct st_session wb_link_none(int64_t number_id);
/* Payload of whatsapp:status without seq. */
struct bx_str wb_link_status_json(const struct st_session *s, const char *phone,
                                  struct bx_arena *arena);
/* Appends whatsapp:status for the session as it is in the transaction. */
int wb_link_log(struct wb_log *log, struct st_tx *tx, const struct st_session *s,
                struct bx_arena *arena);

#endif
