#include "app/numbers/outbox.h"

#include "app/channel/engine.h"
#include "app/core/failures.h"
#include "app/numbers/line.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

#include <stdlib.h>

enum { IN_FLIGHT_MAX = 32, RETRY_MS = 1000 };

/* --- picking: the oldest rows go on the wire --- */

struct item {
    struct wa_outgoing out;
    int64_t message_id;
};

struct pick {
    struct wb_line *line;
    struct bx_arena arena;
    size_t room;   /* so many at most */
    bool requeues; /* first: what a crash left on the wire */
    struct item items[IN_FLIGHT_MAX];
    size_t count;
    int64_t next_at; /* the first row may not go before; 0: nothing waits */
    int rc;
};

static struct bx_str jid_of(struct bx_arena *a, const struct st_contact *c)
{
    return c->phone.len ? bx_arena_printf(a, "%.*s@s.whatsapp.net", BX_STR_ARG(c->phone))
                        : bx_arena_printf(a, "%.*s@lid", BX_STR_ARG(c->lid));
}

static void quote(struct pick *p, struct st_conn *conn, const struct st_message *m,
                  struct wa_outgoing *out)
{
    struct st_message q;
    struct st_contact who;
    if (!m->quoted_wa_id.ptr)
        return;
    out->quoted.id = m->quoted_wa_id;
    out->quoted_text = m->quoted_content;
    int rc = st_message_find(conn, m->chat_id, m->quoted_wa_id, m->quoted_sender_id == 0,
                             m->quoted_sender_id, &p->arena, &q);
    if (rc == BX_E_NOT_FOUND)
        rc = st_message_only(conn, m->chat_id, m->quoted_wa_id, &p->arena, &q);
    if (rc < 0)
        return;
    out->quoted.is_from_me = q.is_from_me;
    if (q.sender_id && st_contact_get(conn, q.sender_id, &p->arena, &who) == BX_OK)
        out->quoted.sender = jid_of(&p->arena, &who);
    struct bx_str raw;
    if (st_message_raw(conn, q.id, &p->arena, &raw) == BX_OK)
        out->quoted_raw = raw;
}

static int take_row(struct pick *p, struct st_tx *tx, const struct st_outbox *row)
{
    struct st_conn *conn = st_tx_conn(tx);
    struct st_message m;
    struct st_chat chat;
    int rc = st_message_get(conn, row->message_id, &p->arena, &m);
    if (rc == BX_OK)
        rc = st_chat_get(conn, m.chat_id, &p->arena, &chat);
    if (rc == BX_OK)
        rc = st_outbox_attempt(tx, row->message_id);
    if (rc < 0)
        return rc;
    struct item *item = &p->items[p->count++];
    *item = (struct item){.message_id = row->message_id,
                          .out = {.kind = WA_SEND_TEXT,
                                  .id = m.wa_id,
                                  .to = chat.jid,
                                  .text = m.content,
                                  .ephemeral_s = (uint32_t)chat.ephemeral_s,
                                  .ephemeral_set_at_ms = chat.ephemeral_set_at}};
    quote(p, conn, &m, &item->out);
    return BX_OK;
}

static int pick_job(struct st_tx *tx, void *arg)
{
    struct pick *p = arg;
    struct st_outbox *rows;
    size_t count;
    int rc = p->requeues ? st_outbox_requeue(tx, p->line->id) : BX_OK;
    if (rc >= 0)
        rc = st_outbox_list(st_tx_conn(tx), p->line->id, 0, 2 * IN_FLIGHT_MAX, &p->arena, &rows,
                            &count);
    for (size_t i = 0; rc >= 0 && i < count && p->count < p->room; i++) {
        if (rows[i].state == ST_OUTBOX_ON_WIRE)
            continue;
        if (rows[i].state == ST_OUTBOX_HELD || rows[i].not_before > st_tx_now(tx)) {
            p->next_at = rows[i].not_before; /* the order is kept: nothing overtakes it */
            break;
        }
        rc = take_row(p, tx, &rows[i]);
    }
    return rc;
}

static void unsent(struct wb_line *line, int64_t message_id, int rc);

static void send_picked(struct pick *p)
{
    struct wb_line *line = p->line;
    bool has_failed = false;
    for (size_t i = 0; i < p->count; i++) {
        const struct wa_outgoing *out = &p->items[i].out;
        int rc = has_failed ? BX_E_CLOSED : WB_ENGINE(line, send, out);
        has_failed |= rc < 0;
        line->out.in_flight++;
        if (rc < 0)
            unsent(line, p->items[i].message_id, rc);
    }
    if (p->count)
        line->out.next_at_ms =
            net_loop_now_ms(line->app->loop) + (uint64_t)line->policy.min_send_interval_ms;
}

static void on_picked(void *arg)
{
    struct pick *p = arg;
    struct wb_line *line = p->line;
    struct wb_outbox_line *o = &line->out;
    o->is_picking = false;
    if (p->rc < 0) {
        wb_failure_note(WB_FAILURE_STORE, "what=outbox number=%lld rc=%s", (long long)line->id,
                        bx_err_name(p->rc));
        net_timer_start(line->app->loop, &o->pace, RETRY_MS);
    } else {
        o->is_checked = true;
        send_picked(p);
        int64_t wait = p->next_at ? p->next_at - bx_wall_ms() : 0;
        if (p->next_at)
            net_timer_start(line->app->loop, &o->pace, wait > 1 ? (uint64_t)wait : 1);
        else if (p->count)
            o->is_dirty = true; /* there may be more */
    }
    bool again = o->is_dirty;
    bx_arena_done(&p->arena);
    free(p);
    if (again)
        wb_outbox_wake(line);
}

static void pick_done(int rc, void *arg)
{
    struct pick *p = arg;
    p->rc = rc;
    net_inbox_post(p->line->app->loop, on_picked, p);
}

static void on_pace(void *arg)
{
    wb_outbox_wake(arg);
}

void wb_outbox_init(struct wb_line *line)
{
    net_timer_init(&line->out.pace, on_pace, line);
}

void wb_outbox_wake(struct wb_line *line)
{
    struct wb_outbox_line *o = &line->out;
    uint64_t now = net_loop_now_ms(line->app->loop);
    o->is_dirty = true;
    bool is_ready = line->link.row.status == ST_LINK_CONNECTED && !line->is_gone &&
                    !o->is_picking && !line->app->is_stopping;
    if (!is_ready || o->in_flight >= IN_FLIGHT_MAX || (o->is_draining && o->in_flight))
        return;
    if (now < o->next_at_ms) {
        net_timer_start(line->app->loop, &o->pace, o->next_at_ms - now);
        return;
    }
    o->is_draining = false;
    o->is_dirty = false;
    o->is_picking = true;
    struct pick *p = BX_NEW(struct pick);
    p->line = line;
    p->requeues = !o->is_checked;
    p->room = line->policy.min_send_interval_ms ? 1 : IN_FLIGHT_MAX - o->in_flight;
    bx_arena_init(&p->arena, SIZE_MAX);
    int rc = st_writer_submit(line->app->writer, pick_job, p, pick_done);
    if (rc < 0)
        pick_done(rc, p);
}

/* --- answers --- */

void wb_outbox_on_answer(struct wb_line *line)
{
    if (line->out.in_flight)
        line->out.in_flight--;
    wb_outbox_wake(line);
}

struct back {
    struct wb_line *line;
    int64_t message_id; /* 0: by wa_id */
    char wa_id[64];
    int rc;
};

static int find_by_wa_id(struct st_conn *conn, const struct back *b, struct bx_arena *a,
                         int64_t *out)
{
    struct st_outbox *rows;
    size_t count;
    struct st_message m;
    int rc = st_outbox_list(conn, b->line->id, 0, 4 * IN_FLIGHT_MAX, a, &rows, &count);
    for (size_t i = 0; rc == BX_OK && i < count; i++) {
        rc = st_message_get(conn, rows[i].message_id, a, &m);
        if (rc == BX_OK && bx_str_eq(m.wa_id, bx_str(b->wa_id)))
            return *out = m.id, BX_OK;
    }
    return rc < 0 ? rc : BX_E_NOT_FOUND;
}

static int back_job(struct st_tx *tx, void *arg)
{
    struct back *b = arg;
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    int rc = b->message_id ? BX_OK : find_by_wa_id(st_tx_conn(tx), b, &arena, &b->message_id);
    if (rc == BX_OK)
        rc = st_outbox_retry(tx, b->message_id, ST_OUTBOX_QUEUED, 0, bx_str(bx_err_name(b->rc)));
    bx_arena_done(&arena);
    return rc;
}

static void on_back(void *arg)
{
    struct back *b = arg;
    wb_outbox_on_answer(b->line);
    free(b);
}

static void back_done(int rc, void *arg)
{
    (void)rc; /* a row that stays ON_WIRE is found again at the next start */
    struct back *b = arg;
    net_inbox_post(b->line->app->loop, on_back, b);
}

static void back_submit(struct back *b)
{
    wb_failure_note(WB_FAILURE_UNSENT, "number=%lld rc=%s", (long long)b->line->id,
                    bx_err_name(b->rc));
    b->line->out.is_draining = true;
    if (st_writer_submit(b->line->app->writer, back_job, b, back_done) < 0)
        back_done(BX_E_FULL, b);
}

static void unsent(struct wb_line *line, int64_t message_id, int rc)
{
    struct back *b = BX_NEW(struct back);
    *b = (struct back){.line = line, .message_id = message_id, .rc = rc};
    back_submit(b);
}

void wb_outbox_on_unsent(struct wb_line *line, struct bx_str wa_id, int rc)
{
    struct back *b = BX_NEW(struct back);
    *b = (struct back){.line = line, .rc = rc};
    bx_str_copy(wa_id, b->wa_id, sizeof b->wa_id);
    back_submit(b);
}
