/* What the loop knows of every number: its link, its place in the event log, its outbox. Loop thread
 * only; the store is the truth, a line is changed after the commit. Lines live as long as the
 * application: that of a deleted number stays, marked is_gone, because jobs may still name it.
 */
#ifndef WB_LINE_H
#define WB_LINE_H

#include "app/core/context.h"
#include "app/core/phone.h"
#include "base/list.h"
#include "store/store.h"

/* st_number.policy as JSON: {"sendReadReceipts":…,"sendTyping":…,"minSendIntervalMs":…,"keepDeleted":…} */
struct wb_policy {
    bool sends_read_receipts, sends_typing;
    bool keeps_deleted; /* what customers delete stays in the audit */
    int64_t min_send_interval_ms;
};
struct wb_policy wb_policy_parse(struct bx_str json);
struct bx_str wb_policy_format(const struct wb_policy *p, struct bx_arena *arena);

/* The link: a copy of the session row and what exists only in memory. */
struct wb_link {
    struct st_session row; /* id 0: none; texts in `arena` */
    struct bx_arena arena;
    bool is_linked; /* a device is linked: it has an identity */
    char *qr;       /* data URL now valid; NULL: none */
    int64_t qr_expires_at;
    char code[16];               /* pairing code; "": none */
    struct bx_list waiters;      /* requests that wait for a QR, a code or CONNECTED */
    char scanned[WB_PHONE_SIZE]; /* the phone that scanned last, when it was a wrong one */
    bool is_leaving;             /* the device is being logged out */
    bool starts_after;           /* … and linking was asked for meanwhile */
    bool starts_by_code;         /* that one by pairing code */
    struct net_timer retry;      /* to start again at row.retry_at */
};

struct wb_outbox_line {
    struct net_timer pace;
    unsigned in_flight; /* given to the engine, no answer yet */
    bool is_picking;    /* a writer job is on its way */
    bool is_dirty;      /* something changed meanwhile: look again */
    bool is_draining;   /* one came back unsent: wait for the answers of the others */
    bool is_checked;    /* rows that a crash left on the wire were queued again */
    uint64_t next_at_ms;
};

struct wb_line {
    struct wb_app *app;
    int64_t id; /* number id; its bytes are the key */
    bool is_gone, is_active;
    char *name;
    char phone[WB_PHONE_SIZE];
    struct wb_policy policy;
    int64_t emitted_seq; /* of the realtime sink: the last event that its rooms were sent */
    struct wb_link link;
    struct wb_outbox_line out;
    void *engine_data; /* of the engine */
};

struct wb_lines;

/* From the store, at start. `on_new` sets up what link and outbox keep in a line, now and for every
 * number that is added later. */
int wb_lines_load(struct wb_app *app, struct st_conn *conn, void (*on_new)(struct wb_line *line));
void wb_lines_free(struct wb_app *app);

/* NULL when there is none; also finds gone ones. */
struct wb_line *wb_line_find(struct wb_app *app, int64_t number_id);
/* Start with *pos 0. */
bool wb_line_next(struct wb_app *app, size_t *pos, struct wb_line **out);

/* Numbers that are there, gone ones not counted. */
size_t wb_line_count(struct wb_app *app);
/* After the commit that made or changed the number. */
struct wb_line *wb_line_put(struct wb_app *app, const struct st_number *row);
/* After the commit that changed its session; NULL: it has none any more. */
void wb_line_session(struct wb_line *line, const struct st_session *row);

#endif
