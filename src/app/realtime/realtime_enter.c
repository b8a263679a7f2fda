/* How a socket comes to hear a number; see realtime.h. */
#include "app/realtime/realtime_internal.h"

#include "app/access/access.h"
#include "app/numbers/line.h"
#include "app/numbers/link.h"
#include "app/realtime/backpressure.h"
#include "app/views/pages.h"
#include "base/json_scan.h"
#include "base/mem.h"

#include <stdlib.h>

enum {
    FIRST_CHATS = 20,
    REPLAY_PAGE = 500,       /* events that are sent in one go */
    REPLAY_BYTES = 64 << 10, /* of them; one more read may pass it */
    REPLAY_READ = 4,         /* events of one read */
    RETRY_MS = 500,
    ENTRY_BYTES = 1 << 10,
};

bool wb_agent_may(const struct wb_agent *a, const struct wb_line *line)
{
    return !line->is_gone && line->is_active &&
           wb_access_may(a->rt->app->access, &a->who, line->id);
}

bool wb_agent_wants(const struct wb_agent *a, const struct wb_line *line)
{
    bool is_chosen = !a->is_narrowed;
    for (size_t i = 0; !is_chosen && i < a->chosen_count; i++)
        is_chosen = a->chosen[i] == line->id;
    return is_chosen && wb_agent_may(a, line);
}

void wb_agent_narrow(struct wb_agent *a, struct bx_str ids)
{
    struct bx_str cursor = bx_json_inside(ids), item;
    a->is_narrowed = true;
    a->chosen_count = 0;
    while (a->chosen_count < WB_NARROW_MAX && bx_json_next(&cursor, &item)) {
        a->chosen = bx_realloc(a->chosen, a->chosen_count + 1, sizeof *a->chosen);
        if (bx_json_int(item, &a->chosen[a->chosen_count]) == BX_OK)
            a->chosen_count++;
    }
}

static bool agent_hears(const struct wb_agent *a, int64_t number_id)
{
    char room[WB_ROOM_SIZE];
    return sio_socket_is_in(a->socket, wb_room(number_id, false, room));
}

/* --- on their way in --- */

static bool is_entering(const struct wb_agent *a, int64_t number_id)
{
    for (size_t i = 0; i < a->entering_count; i++) {
        if (a->entering[i] == number_id)
            return true;
    }
    return false;
}

static void entering_add(struct wb_agent *a, int64_t number_id)
{
    a->entering = bx_realloc(a->entering, a->entering_count + 1, sizeof *a->entering);
    a->entering[a->entering_count++] = number_id;
}

static void entering_drop(struct wb_agent *a, int64_t number_id)
{
    for (size_t i = 0; i < a->entering_count; i++) {
        if (a->entering[i] == number_id)
            a->entering[i--] = a->entering[--a->entering_count];
    }
}

enum step { STEP_GREET, STEP_REPLAY };

struct entry {
    struct wb_realtime *rt;
    struct sio_socket *socket; /* referenced */
    struct wb_line *line;
    enum step step;
    bool is_joined;    /* resumed: greeted after it joined, without a seq */
    bool needs_resync; /* the log does not reach back to `after` */
    int64_t after;     /* sent up to this seq */
    struct bx_arena arena;
    struct bx_buf chats;
    struct bx_str status;
    int64_t log_end;
    struct st_event *events;
    size_t event_count;
    int rc;
    struct net_timer retry;
    struct wb_ticket ticket;
};

static void entry_free(struct entry *e)
{
    sio_socket_unref(e->socket);
    bx_buf_done(&e->chats);
    bx_arena_done(&e->arena);
    free(e);
}

/* --- on a lane --- */

static int read_status(struct entry *e, struct st_conn *conn, const struct wb_rows *rows)
{
    struct st_session s;
    int rc = st_session_by_number(conn, e->line->id, &e->arena, &s);
    if (rc == BX_E_NOT_FOUND)
        s = wb_link_none(e->line->id);
    else if (rc < 0)
        return rc;
    e->status = wb_link_status_json(
        &s, bx_arena_printf(&e->arena, "%.*s", BX_STR_ARG(rows->own_phone)).ptr, &e->arena);
    return BX_OK;
}

static int read_chats(struct entry *e, struct st_conn *conn, const struct wb_rows *rows)
{
    struct st_chat_query query = {.number_id = e->line->id, .limit = FIRST_CHATS};
    struct bx_json_writer w;
    int64_t total;
    e->chats.len = 0;
    bx_json_writer_init(&w, &e->chats);
    bx_json_object(&w);
    bx_json_key_i64(&w, "whatsappNumberId", e->line->id);
    bx_json_key(&w, "chats");
    int rc = wb_chat_page_write(&w, rows, conn, &query, &total);
    if (rc < 0)
        return rc;
    wb_offset_page_write(&w, FIRST_CHATS, 0, total);
    bx_json_end(&w);
    return bx_json_writer_rc(&w);
}

static int read_greeting(struct entry *e, struct st_conn *conn)
{
    struct wb_rows rows;
    int64_t oldest;
    int rc = st_read_begin(conn);
    if (rc < 0)
        return rc;
    rc = wb_rows_of(conn, e->line->id, true, &e->arena, &rows);
    if (rc == BX_OK)
        rc = st_event_range(conn, e->line->id, &oldest, &e->log_end);
    if (rc == BX_OK)
        rc = read_chats(e, conn, &rows);
    if (rc == BX_OK)
        rc = read_status(e, conn, &rows);
    st_read_end(conn);
    return rc;
}

/* A page is bounded in rows and in bytes. */
static int read_page(struct entry *e, struct st_conn *conn)
{
    size_t bytes = 0;
    bool has_more = true;
    int64_t after = e->after;
    e->events = bx_arena_alloc(&e->arena, REPLAY_PAGE * sizeof *e->events);
    while (has_more && bytes < REPLAY_BYTES && e->event_count + REPLAY_READ <= REPLAY_PAGE) {
        struct st_event *some;
        size_t count;
        int rc = st_event_list(conn, e->line->id, after, REPLAY_READ, &e->arena, &some, &count);
        if (rc < 0)
            return rc;
        has_more = count == REPLAY_READ;
        for (size_t i = 0; i < count; i++) {
            e->events[e->event_count++] = some[i];
            bytes += some[i].payload.len;
            after = some[i].seq;
        }
    }
    return BX_OK;
}

/* Retention may cut the log between two pages too: every page asks whether it follows. */
static int read_events(struct entry *e, struct st_conn *conn)
{
    int64_t oldest;
    int rc = st_read_begin(conn);
    if (rc < 0)
        return rc;
    rc = st_event_range(conn, e->line->id, &oldest, &e->log_end);
    if (rc == BX_OK)
        e->needs_resync = e->after + 1 < oldest || e->after > e->log_end;
    if (rc == BX_OK && !e->needs_resync)
        rc = read_page(e, conn);
    st_read_end(conn);
    return rc;
}

static void entry_work(void *arg, unsigned worker)
{
    struct entry *e = arg;
    struct st_conn *conn = e->line->app->readers[worker];
    e->rc = e->step == STEP_GREET ? read_greeting(e, conn) : read_events(e, conn);
}

/* --- on the loop --- */

static void emit(struct entry *e, const char *type, struct bx_str json)
{
    sio_emit(e->socket, type, sio_args(json.ptr, json.len), 0);
}

static void entry_submit(struct entry *e);
static void entry_go_on(struct entry *e);

void wb_agent_tell_qr(struct wb_agent *a, const struct wb_line *line, int64_t seq)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 1 << 20);
    struct bx_str json = wb_link_qr_json(line, &arena);
    if (json.ptr && wb_may_link(&a->who)) {
        json = seq ? wb_log_with_seq(line->app, json, seq, &arena) : json;
        sio_emit(a->socket, "whatsapp:qr", sio_args(json.ptr, json.len), 0);
    }
    bx_arena_done(&arena);
}

static void greet(struct entry *e)
{
    struct wb_agent *a = wb_agent_of(e->socket);
    emit(e, "chat:list", bx_buf_view(&e->chats));
    if (e->is_joined) { /* the replay brought the QR code */
        emit(e, "whatsapp:status", e->status);
        return;
    }
    /* The snapshot may already hold changes that are announced in a moment: then they come again,
     * which changes nothing. */
    e->after = e->log_end < e->line->emitted_seq ? e->log_end : e->line->emitted_seq;
    emit(e, "whatsapp:status", wb_log_with_seq(e->line->app, e->status, e->after, &e->arena));
    wb_agent_tell_qr(a, e->line, e->after);
}

static void resync(struct entry *e)
{
    e->after = e->log_end < e->line->emitted_seq ? e->log_end : e->line->emitted_seq;
    emit(e, "resync",
         wb_log_with_seq(
             e->line->app,
             bx_arena_printf(&e->arena, "{\"whatsappNumberId\":%lld}", (long long)e->line->id),
             e->after, &e->arena));
}

static char *type_of(struct entry *e, struct bx_str type)
{
    return bx_arena_strndup(&e->arena, type.ptr, type.len);
}

/* Up to what the room has been told; the rest comes through the room. */
static void replay(struct entry *e, const struct wb_agent *a)
{
    for (size_t i = 0; i < e->event_count; i++) {
        const struct st_event *ev = &e->events[i];
        if (ev->seq > e->line->emitted_seq)
            break;
        e->after = ev->seq;
        if (wb_may_link(&a->who) || !bx_str_is(ev->type, "whatsapp:qr"))
            emit(e, type_of(e, ev->type),
                 wb_log_with_seq(e->line->app, ev->payload, ev->seq, &e->arena));
    }
}

static void join(struct entry *e, struct wb_agent *a)
{
    char room[WB_ROOM_SIZE];
    sio_join(e->socket, wb_room(e->line->id, false, room));
    if (wb_may_link(&a->who))
        sio_join(e->socket, wb_room(e->line->id, true, room));
    entering_drop(a, e->line->id);
}

static void on_read(void *arg)
{
    struct entry *e = arg;
    struct wb_realtime *rt = e->rt;
    struct wb_ticket ticket = e->ticket; /* given back when its output is queued */
    ticket.start = NULL;
    e->ticket.user = NULL;
    entry_go_on(e);
    wb_answer_give(rt, &ticket);
}

static void entry_go_on(struct entry *e)
{
    struct wb_agent *a = sio_socket_is_connected(e->socket) ? wb_agent_of(e->socket) : NULL;
    bool goes_on = a && wb_agent_may(a, e->line) && (e->is_joined || is_entering(a, e->line->id));
    if (goes_on && e->rc < 0 &&
        e->rc != BX_E_NOT_FOUND) { /* the store is busy or ill: it will not stay so */
        net_timer_start(e->line->app->loop, &e->retry, RETRY_MS);
        return;
    }
    if (!goes_on || e->rc < 0) {
        if (a && !e->is_joined)
            entering_drop(a, e->line->id);
        entry_free(e);
        return;
    }
    if (e->step == STEP_GREET)
        greet(e);
    else if (e->needs_resync)
        resync(e);
    else
        replay(e, a);
    if (e->is_joined) {
        entry_free(e);
        return;
    }
    e->needs_resync = false;
    bool greets_later = e->step == STEP_REPLAY && e->chats.len == 0;
    if (e->after < e->line->emitted_seq) {
        e->step = STEP_REPLAY;
    } else {
        join(e, a);
        if (!greets_later) {
            entry_free(e);
            return;
        }
        e->is_joined = true;
        e->step = STEP_GREET;
    }
    entry_submit(e);
}

static bool entry_may_start(const struct wb_ticket *t)
{
    return !wb_reader_is_slow(BX_CONTAINER_OF(t, struct entry, ticket)->socket);
}

static void entry_start(struct wb_ticket *t)
{
    struct entry *e = BX_CONTAINER_OF(t, struct entry, ticket);
    struct wb_realtime *rt = e->rt;
    struct wb_ticket ticket = *t;
    int rc = sio_socket_is_connected(e->socket)
                 ? net_lane_submit(wb_realtime_lane(rt), entry_work, on_read, e)
                 : BX_E_CLOSED;
    if (rc == BX_OK)
        return;
    e->ticket.user = NULL;
    if (rc == BX_E_CLOSED)
        entry_free(e);
    else
        net_timer_start(rt->app->loop, &e->retry, RETRY_MS);
    wb_answer_give(rt, &ticket);
}

static void entry_submit(struct entry *e)
{
    e->event_count = 0;
    bx_arena_reset(&e->arena);
    e->ticket = (struct wb_ticket){
        .bytes = ENTRY_BYTES, .may_start = entry_may_start, .start = entry_start};
    int rc = sio_socket_is_connected(e->socket) ? wb_answer_take(wb_agent_of(e->socket), &e->ticket)
                                                : BX_E_CLOSED;
    if (rc == BX_OK)
        entry_start(&e->ticket);
    else if (rc == BX_E_FULL)
        net_timer_start(e->rt->app->loop, &e->retry, RETRY_MS);
    else if (rc != BX_E_AGAIN)
        entry_free(e);
}

static void on_retry(void *arg)
{
    struct entry *e = arg;
    if (sio_socket_is_connected(e->socket))
        entry_submit(e);
    else
        entry_free(e);
}

static const struct wb_resume *resume_of(const struct wb_agent *a, int64_t number_id)
{
    for (size_t i = 0; i < a->resume_count; i++) {
        if (a->resume[i].number_id == number_id)
            return &a->resume[i];
    }
    return NULL;
}

void wb_agent_enter(struct wb_agent *a, struct wb_line *line)
{
    if (agent_hears(a, line->id) || is_entering(a, line->id))
        return;
    const struct wb_resume *r = resume_of(a, line->id);
    struct entry *e = BX_NEW(struct entry);
    e->rt = a->rt;
    e->socket = sio_socket_ref(a->socket);
    e->line = line;
    e->step = r ? STEP_REPLAY : STEP_GREET;
    e->after = !r ? 0 : r->is_of_other_log ? INT64_MAX - 1 : r->seq; /* beyond the end: resync */
    net_timer_init(&e->retry, on_retry, e);
    bx_arena_init(&e->arena, SIZE_MAX);
    bx_buf_init(&e->chats, 0);
    entering_add(a, line->id);
    if (r) /* used up: a later entry starts from a snapshot */
        a->resume[r - a->resume] = a->resume[--a->resume_count];
    entry_submit(e);
}

void wb_agent_leave(struct wb_agent *a, int64_t number_id)
{
    char room[WB_ROOM_SIZE];
    sio_leave(a->socket, wb_room(number_id, false, room));
    sio_leave(a->socket, wb_room(number_id, true, room));
    entering_drop(a, number_id);
}

void wb_agent_leave_forbidden(struct wb_agent *a)
{
    struct wb_line *line;
    char room[WB_ROOM_SIZE];
    for (size_t pos = 0; wb_line_next(a->rt->app, &pos, &line);) {
        if (!wb_agent_may(a, line))
            wb_agent_leave(a, line->id);
        else if (!wb_may_link(&a->who))
            sio_leave(a->socket, wb_room(line->id, true, room));
    }
}

void wb_agent_follow(struct wb_agent *a)
{
    struct wb_line *line;
    char room[WB_ROOM_SIZE];
    wb_agent_leave_forbidden(a);
    for (size_t pos = 0; wb_line_next(a->rt->app, &pos, &line);) {
        if (!wb_agent_wants(a, line)) {
            wb_agent_leave(a, line->id);
            continue;
        }
        if (wb_may_link(&a->who) && agent_hears(a, line->id))
            sio_join(a->socket, wb_room(line->id, true, room));
        wb_agent_enter(a, line);
    }
}
