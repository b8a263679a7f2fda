#include "tests/scripted/engine.h"

#include "app/numbers/line.h"
#include "base/clock.h"
#include "base/mem.h"

#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum send_mode { SEND_ACK, SEND_HOLD, SEND_UNSENT, SEND_REFUSE };

struct burst {
    json_t *numbers;
    int64_t count, chats, window, made, acked;
    uint64_t started_ms;
    char prefix[16];
};

struct engine {
    struct wb_app *app;
    const struct wb_channel_events *events;
    enum send_mode mode;
    uint64_t serial;
    unsigned flying; /* envelopes */
    void (*on_closed)(void *arg);
    void *closed_arg;
};

/* --- saying --- */

__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
    va_list args;
    va_start(args, fmt);
    vprintf(fmt, args);
    va_end(args);
    putchar('\n');
    fflush(stdout);
}

/* --- envelopes: one event each, texts in an arena of their own --- */

struct made {
    struct wb_envelope envelope;
    struct engine *engine;
    struct bx_arena arena;
    struct wa_event event;
    struct burst *burst;
};

static int made_open(struct wb_envelope *e, struct st_tx *tx, const struct wa_event **out)
{
    (void)tx;
    *out = &BX_CONTAINER_OF(e, struct made, envelope)->event;
    return BX_OK;
}

static void burst_step(struct engine *engine, struct burst *b);

static void made_finish(struct wb_envelope *e, int rc)
{
    struct made *m = BX_CONTAINER_OF(e, struct made, envelope);
    struct engine *engine = m->engine;
    struct burst *burst = m->burst;
    if (burst)
        burst->acked++;
    else if (rc == BX_OK && m->event.kind == WA_EVENT_MESSAGE)
        say("{\"acked\":\"%.*s\"}", BX_STR_ARG(m->event.message.id));
    else if (rc < 0)
        say("{\"failed\":\"%s\"}", bx_err_name(rc));
    bx_arena_done(&m->arena);
    free(m);
    engine->flying--;
    if (burst)
        burst_step(engine, burst);
    if (engine->on_closed && !engine->flying)
        engine->on_closed(engine->closed_arg);
}

static const struct wb_envelope_ops made_ops = {.open = made_open, .finish = made_finish};

static struct made *made_new(struct engine *engine, struct wb_line *line, enum wa_event_kind kind)
{
    struct made *m = BX_NEW(struct made);
    m->engine = engine;
    m->envelope.line = line;
    m->envelope.ops = &made_ops;
    m->event.kind = kind;
    bx_arena_init(&m->arena, 0);
    return m;
}

static void made_submit(struct made *m)
{
    m->engine->flying++;
    m->engine->events->on_envelope(&m->envelope);
}

/* --- reading a line --- */

static struct bx_str str_of(struct made *m, const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);
    if (!json_is_string(v))
        return (struct bx_str){0};
    return bx_arena_str(&m->arena, bx_str_n(json_string_value(v), json_string_length(v)));
}

static struct wa_peer person(struct made *m, struct bx_str phone, struct bx_str lid)
{
    struct bx_str user = phone.len ? phone : lid.len ? lid : BX_STR("0");
    struct bx_str jid = bx_arena_printf(&m->arena, "%.*s@%s", BX_STR_ARG(user),
                                        phone.len ? "s.whatsapp.net" : "lid");
    return (struct wa_peer){.jid = jid, .pn = phone, .lid = lid};
}

static struct wa_peer peer_of(struct made *m, const json_t *o)
{
    return person(m, str_of(m, o, "from"), str_of(m, o, "lid"));
}

static struct wa_peer chat_of(struct made *m, const json_t *o)
{
    struct bx_str group = str_of(m, o, "group");
    return group.len ? (struct wa_peer){.jid = group, .is_group = true} : peer_of(m, o);
}

/* Whole seconds, as on the wire. */
static int64_t time_of(const json_t *o)
{
    int64_t t = json_integer_value(json_object_get(o, "timestamp"));
    return t ? t : bx_wall_ms() / 1000 * 1000;
}

/* --- operations --- */

static const struct wb_channel_events *events_of(const struct wb_line *line)
{
    return ((struct engine *)line->app->engine->self)->events;
}

/* engine_data: it is connected. Then a start has no effect, as engine.h has it. */
static void state(struct wb_line *line, enum wa_state state, enum wa_reason reason,
                  int64_t retry_at)
{
    line->engine_data = state == WA_STATE_CONNECTED ? line : NULL;
    struct wa_status_info s = {.state = state, .reason = reason, .retry_at_ms = retry_at};
    events_of(line)->on_state(line, &s);
}

static void op_scan(struct engine *engine, struct wb_line *line, const json_t *o)
{
    const char *scanned = json_string_value(json_object_get(o, "phone"));
    if (scanned && !events_of(line)->on_scanned(line, bx_str(scanned))) {
        state(line, WA_STATE_DISCONNECTED, WA_REASON_WRONG_PHONE, 0);
        return;
    }
    struct made *m = made_new(engine, line, WA_EVENT_PAIRED);
    struct bx_str phone = bx_arena_str(&m->arena, bx_str(line->phone));
    m->event.account = (struct wa_account){
        .jid = bx_arena_printf(&m->arena, "%.*s:1@s.whatsapp.net", BX_STR_ARG(phone)),
        .lid = bx_arena_printf(&m->arena, "9%.*s:1@lid", BX_STR_ARG(phone)),
        .pn = phone,
        .platform = BX_STR("android"),
        .device = 1};
    made_submit(m);
    state(line, WA_STATE_CONNECTED, WA_REASON_NONE, 0);
}

static enum wa_message_kind kind_of(struct bx_str name)
{
    static const char *const names[] = {"text",     "image",   "video",        "audio",
                                        "document", "sticker", "location",     "contact",
                                        "poll",     "system",  "undecryptable"};
    for (size_t i = 0; i < BX_LEN(names); i++) {
        if (bx_str_eq(name, bx_str(names[i])))
            return (enum wa_message_kind)i;
    }
    return WA_KIND_TEXT;
}

static const struct bx_str *mentions_of(struct made *m, const json_t *o, size_t *out_count)
{
    const json_t *list = json_object_get(o, "mentions");
    *out_count = json_array_size(list);
    struct bx_str *jids = bx_arena_alloc(&m->arena, (*out_count + 1) * sizeof *jids);
    for (size_t i = 0; i < *out_count; i++)
        jids[i] = bx_arena_str(&m->arena, bx_str(json_string_value(json_array_get(list, i))));
    return jids;
}

static void op_inbound(struct engine *engine, struct wb_line *line, const json_t *o)
{
    struct made *m = made_new(engine, line, WA_EVENT_MESSAGE);
    struct bx_str id = str_of(m, o, "id"), text = str_of(m, o, "text");
    enum wa_message_kind kind = kind_of(str_of(m, o, "kind"));
    m->event.message = (struct wa_message){
        .id = id.len
                  ? id
                  : bx_arena_printf(&m->arena, "SCRIPT%llu", (unsigned long long)++engine->serial),
        .chat = chat_of(m, o),
        .sender = peer_of(m, o),
        .is_from_me = json_is_true(json_object_get(o, "fromMe")),
        .status = WA_STATUS_SENT,
        .timestamp_ms = time_of(o),
        .kind = kind,
        .text = text,
        .label = text.len                        ? text
                 : kind == WA_KIND_UNDECRYPTABLE ? BX_STR("[Waiting for this message]")
                                                 : BX_STR("[Media]"),
        .push_name = str_of(m, o, "pushName"),
        .quoted_id = str_of(m, o, "quotedId"),
        .quoted_text = str_of(m, o, "quotedText")};
    m->event.message.mentions = mentions_of(m, o, &m->event.message.mention_count);
    made_submit(m);
}

static void op_change(struct engine *engine, struct wb_line *line, const json_t *o)
{
    const char *op = json_string_value(json_object_get(o, "op"));
    struct made *m = made_new(engine, line,
                              strcmp(op, "edit") == 0     ? WA_EVENT_EDIT
                              : strcmp(op, "revoke") == 0 ? WA_EVENT_REVOKE
                                                          : WA_EVENT_REACTION);
    struct bx_str text = str_of(m, o, "text");
    m->event.change = (struct wa_change){
        .id = bx_arena_printf(&m->arena, "SCRIPT%llu", (unsigned long long)++engine->serial),
        .target_id = str_of(m, o, "target"),
        .chat = chat_of(m, o),
        .sender = peer_of(m, o),
        .is_from_me = json_is_true(json_object_get(o, "fromMe")),
        .is_target_from_me = json_is_true(json_object_get(o, "targetFromMe")),
        .text = text.ptr ? text : BX_STR(""),
        .label = text.ptr ? text : BX_STR(""),
        .timestamp_ms = time_of(o)};
    made_submit(m);
}

static void op_receipt(struct engine *engine, struct wb_line *line, const json_t *o)
{
    struct made *m = made_new(engine, line, WA_EVENT_RECEIPT);
    const json_t *list = json_object_get(o, "ids");
    size_t count = json_array_size(list);
    struct bx_str *ids = bx_arena_alloc(&m->arena, (count + 1) * sizeof *ids);
    for (size_t i = 0; i < count; i++) {
        const char *id = json_string_value(json_array_get(list, i));
        ids[i] = bx_arena_str(&m->arena, bx_str(id ? id : ""));
    }
    bool is_group = json_object_get(o, "group") != NULL;
    struct wa_peer chat =
        is_group ? chat_of(m, o) : person(m, str_of(m, o, "chat"), str_of(m, o, "lid"));
    m->event.receipt = (struct wa_receipt){
        .chat = chat,
        .sender = is_group ? peer_of(m, o) : chat,
        .ids = ids,
        .id_count = count,
        .status = bx_str_is(str_of(m, o, "status"), "READ") ? WA_STATUS_READ : WA_STATUS_DELIVERED,
        .timestamp_ms = time_of(o)};
    made_submit(m);
}

/* A message of ours was taken by the server; `to` is a JID. */
static void ack(struct engine *engine, struct wb_line *line, struct bx_str id, struct bx_str to)
{
    bool is_refused = engine->mode == SEND_REFUSE;
    struct made *m = made_new(engine, line, WA_EVENT_SENT);
    m->event.sent = (struct wa_sent){.id = bx_arena_str(&m->arena, id),
                                     .to = bx_arena_str(&m->arena, to),
                                     .rc = is_refused ? BX_E_DENIED : BX_OK,
                                     .server_code = is_refused ? 463 : 0,
                                     .timestamp_ms = bx_wall_ms()};
    made_submit(m);
}

static void op_ack(struct engine *engine, struct wb_line *line, const json_t *o)
{
    const char *id = json_string_value(json_object_get(o, "id"));
    const char *to = json_string_value(json_object_get(o, "to"));
    ack(engine, line, bx_str(id ? id : ""), bx_str(to ? to : ""));
}

static void op_group(struct engine *engine, struct wb_line *line, const json_t *o)
{
    struct made *m = made_new(engine, line, WA_EVENT_GROUP);
    const json_t *list = json_object_get(o, "members");
    size_t count = json_array_size(list);
    struct wa_member *members = bx_arena_alloc(&m->arena, (count + 1) * sizeof *members);
    for (size_t i = 0; i < count; i++) {
        const char *phone = json_string_value(json_array_get(list, i));
        struct bx_str digits = bx_arena_str(&m->arena, bx_str(phone ? phone : ""));
        members[i] = (struct wa_member){.person = person(m, digits, (struct bx_str){0})};
    }
    m->event.group = (struct wa_group){.chat = chat_of(m, o),
                                       .subject = str_of(m, o, "name"),
                                       .members = members,
                                       .member_count = count};
    made_submit(m);
}

static void op_contact(struct engine *engine, struct wb_line *line, const json_t *o)
{
    struct made *m = made_new(engine, line, WA_EVENT_CONTACT);
    m->event.contact =
        (struct wa_contact){.person = peer_of(m, o), .full_name = str_of(m, o, "name")};
    made_submit(m);
}

static void op_state(struct engine *engine, struct wb_line *line, const json_t *o)
{
    (void)engine;
    static const char *const states[] = {"PENDING", "PAIRING", "CONNECTED", "RECONNECTING",
                                         "DISCONNECTED"};
    static const struct {
        const char *name;
        enum wa_reason reason;
    } reasons[] = {{"lost", WA_REASON_LOST},         {"logged_out", WA_REASON_LOGGED_OUT},
                   {"banned", WA_REASON_BANNED},     {"outdated", WA_REASON_OUTDATED},
                   {"replaced", WA_REASON_REPLACED}, {"error", WA_REASON_REFUSED},
                   {"stopped", WA_REASON_STOPPED}};
    const char *name = json_string_value(json_object_get(o, "state")),
               *why = json_string_value(json_object_get(o, "reason"));
    enum wa_state to = WA_STATE_CONNECTED;
    enum wa_reason reason = WA_REASON_NONE;
    for (size_t i = 0; name && i < BX_LEN(states); i++) {
        if (strcmp(name, states[i]) == 0)
            to = (enum wa_state)i;
    }
    for (size_t i = 0; why && i < BX_LEN(reasons); i++) {
        if (strcmp(why, reasons[i].name) == 0)
            reason = reasons[i].reason;
    }
    state(line, to, reason, json_integer_value(json_object_get(o, "retryAt")));
}

static void op_typing(struct engine *engine, struct wb_line *line, const json_t *o)
{
    struct made *m = made_new(engine, line, WA_EVENT_MESSAGE);
    struct wa_peer chat = chat_of(m, o), who = peer_of(m, o);
    events_of(line)->on_typing(line, &chat, &who,
                               json_is_true(json_object_get(o, "typing")) ? WA_TYPING_COMPOSING
                                                                          : WA_TYPING_PAUSED);
    bx_arena_done(&m->arena);
    free(m);
}

/* --- bursts --- */

static void burst_one(struct engine *engine, struct burst *b)
{
    int64_t i = b->made++, numbers = (int64_t)json_array_size(b->numbers);
    int64_t id = json_integer_value(json_array_get(b->numbers, (size_t)(i % numbers)));
    struct wb_line *line = wb_line_find(engine->app, id);
    if (!line)
        return;
    struct made *m = made_new(engine, line, WA_EVENT_MESSAGE);
    struct bx_str phone = bx_arena_printf(&m->arena, "62899%08lld", (long long)(i % b->chats));
    struct wa_peer who = person(m, phone, (struct bx_str){0});
    struct bx_str text =
        bx_arena_printf(&m->arena, "message %lld of a burst, long enough to be real", (long long)i);
    m->burst = b;
    m->event.message = (struct wa_message){
        .id = bx_arena_printf(&m->arena, "%s%016llX", b->prefix, (unsigned long long)i),
        .chat = who,
        .sender = who,
        .timestamp_ms = bx_wall_ms(),
        .text = text,
        .label = text,
        .push_name = BX_STR("Customer")};
    made_submit(m);
}

static void burst_step(struct engine *engine, struct burst *b)
{
    while (b->made < b->count && b->made - b->acked < b->window && !engine->on_closed)
        burst_one(engine, b);
    if (b->acked < b->count)
        return;
    uint64_t ms = bx_mono_ms() - b->started_ms;
    say("{\"done\":\"burst\",\"count\":%lld,\"ms\":%llu}", (long long)b->count,
        (unsigned long long)ms);
    json_decref(b->numbers);
    free(b);
}

static void op_burst(struct engine *engine, const json_t *o)
{
    struct burst *b = BX_NEW(struct burst);
    b->numbers = json_incref(json_object_get(o, "numbers"));
    b->count = json_integer_value(json_object_get(o, "count"));
    b->chats = json_integer_value(json_object_get(o, "chats"));
    b->window = json_integer_value(json_object_get(o, "window"));
    b->chats = b->chats ? b->chats : 1;
    b->window = b->window ? b->window : 1024;
    snprintf(b->prefix, sizeof b->prefix, "B%llX", (unsigned long long)bx_wall_ms());
    b->started_ms = bx_mono_ms();
    if (json_array_size(b->numbers) && b->count > 0)
        burst_step(engine, b);
}

static void op_mode(struct engine *engine, const json_t *o)
{
    static const char *const modes[] = {"ack", "hold", "unsent", "refuse"};
    const char *name = json_string_value(json_object_get(o, "send"));
    for (size_t i = 0; name && i < BX_LEN(modes); i++) {
        if (strcmp(name, modes[i]) == 0)
            engine->mode = (enum send_mode)i;
    }
}

/* --- standard input: a thread reads, the loop acts --- */

static const struct {
    const char *name;
    void (*run)(struct engine *engine, struct wb_line *line, const json_t *o);
} ops[] = {{"scan", op_scan},     {"inbound", op_inbound}, {"edit", op_change},
           {"revoke", op_change}, {"reaction", op_change}, {"receipt", op_receipt},
           {"state", op_state},   {"typing", op_typing},   {"contact", op_contact},
           {"ack", op_ack},       {"group", op_group}};

static bool run(struct engine *engine, const json_t *o)
{
    const char *op = json_string_value(json_object_get(o, "op"));
    struct wb_line *line =
        wb_line_find(engine->app, json_integer_value(json_object_get(o, "number")));
    if (!op)
        return false;
    if (strcmp(op, "burst") == 0)
        return op_burst(engine, o), true;
    if (strcmp(op, "mode") == 0)
        return op_mode(engine, o), true;
    for (size_t i = 0; line && i < BX_LEN(ops); i++) {
        if (strcmp(op, ops[i].name) == 0)
            return ops[i].run(engine, line, o), true;
    }
    return false;
}

struct order {
    struct engine *engine;
    json_t *line;
};

static void on_order(void *arg)
{
    struct order *order = arg;
    if (!order->engine->on_closed && !run(order->engine, order->line))
        say("{\"error\":\"not understood\"}");
    json_decref(order->line);
    free(order);
}

static void *reader_main(void *arg)
{
    struct engine *engine = arg;
    char *text = NULL;
    size_t cap = 0;
    ssize_t len;
    while ((len = getline(&text, &cap, stdin)) > 0) {
        struct order *order = BX_NEW(struct order);
        *order = (struct order){engine, json_loadb(text, (size_t)len, 0, NULL)};
        net_inbox_post(engine->app->loop, on_order, order);
    }
    free(text);
    return NULL;
}

/* --- the engine --- */

static int scripted_open(struct wb_app *app, const struct wb_channel_events *events, void **out,
                         struct bx_buf *message)
{
    (void)message;
    struct engine *engine = BX_NEW(struct engine); /* lives to the end: the reader has it */
    pthread_t thread;
    engine->app = app;
    engine->events = events;
    *out = engine;
    if (pthread_create(&thread, NULL, reader_main, engine) != 0)
        return BX_E_NOMEM;
    pthread_detach(thread);
    return BX_OK;
}

static void scripted_close(void *self, void (*on_closed)(void *arg), void *arg)
{
    struct engine *engine = self;
    engine->on_closed = on_closed;
    engine->closed_arg = arg;
    if (!engine->flying)
        on_closed(arg);
}

struct started {
    struct engine *engine;
    struct wb_line *line;
    bool by_code;
};

static void on_started(void *arg)
{
    struct started *s = arg;
    char text[64];
    if (s->line->engine_data) {
        free(s);
        return;
    }
    if (s->line->link.is_linked) {
        state(s->line, WA_STATE_CONNECTED, WA_REASON_NONE, 0);
    } else {
        int len = snprintf(text, sizeof text, "SCRIPTED-%lld-%llu", (long long)s->line->id,
                           (unsigned long long)++s->engine->serial);
        state(s->line, WA_STATE_PAIRING, WA_REASON_NONE, 0);
        events_of(s->line)->on_qr(s->line, bx_str_n(text, (size_t)len), bx_wall_ms() + 60000);
        if (s->by_code)
            events_of(s->line)->on_code(s->line, "ABCD-1234", bx_wall_ms() + 180000);
    }
    free(s);
}

static void scripted_start(void *self, struct wb_line *line, const char *pair_phone,
                           uint64_t delay_ms)
{
    (void)delay_ms;
    struct started *s = BX_NEW(struct started);
    *s = (struct started){self, line, pair_phone != NULL};
    net_inbox_post(line->app->loop, on_started, s);
}

static void on_stopped(void *arg)
{
    state(arg, WA_STATE_DISCONNECTED, WA_REASON_STOPPED, 0);
}

static void scripted_stop(void *self, struct wb_line *line)
{
    (void)self;
    if (line->engine_data)
        net_inbox_post(line->app->loop, on_stopped, line);
}

static void scripted_load(void *self, struct wb_line *line)
{
    (void)self;
    (void)line;
}

static void on_logout(void *arg)
{
    struct wb_line *line = arg;
    say("{\"logout\":%lld}", (long long)line->id);
    made_submit(made_new(line->app->engine->self, line, WA_EVENT_UNLINKED));
    state(line, WA_STATE_DISCONNECTED, WA_REASON_LOGGED_OUT, 0);
}

static void scripted_logout(void *self, struct wb_line *line)
{
    (void)self;
    net_inbox_post(line->app->loop, on_logout, line);
}

static void report_sent(struct wb_line *line, const struct wa_outgoing *out)
{
    json_t *row = json_pack("{s:{s:I,s:s%,s:s%,s:s%,s:s%}}", "sent", "number", (json_int_t)line->id,
                            "id", out->id.ptr, out->id.len, "to", out->to.ptr, out->to.len, "text",
                            out->text.ptr, out->text.len, "quotedId",
                            out->quoted.id.ptr ? out->quoted.id.ptr : "", out->quoted.id.len);
    char *text = json_dumps(row, JSON_COMPACT);
    say("%s", text);
    free(text);
    json_decref(row);
}

struct returned {
    struct wb_line *line;
    char id[64];
};

static void on_returned(void *arg)
{
    struct returned *r = arg;
    events_of(r->line)->on_unsent(r->line, bx_str(r->id), BX_E_CLOSED);
    free(r);
}

static int scripted_send(void *self, struct wb_line *line, const struct wa_outgoing *out)
{
    struct engine *engine = self;
    if (engine->mode == SEND_HOLD)
        return BX_OK; /* on the wire, no answer: what a crash leaves behind */
    if (engine->mode == SEND_UNSENT) {
        struct returned *r = BX_NEW(struct returned);
        r->line = line;
        bx_str_copy(out->id, r->id, sizeof r->id);
        net_inbox_post(line->app->loop, on_returned, r);
        return BX_OK;
    }
    report_sent(line, out);
    ack(engine, line, out->id, out->to);
    return BX_OK;
}

static void scripted_mark_read(void *self, struct wb_line *line, struct bx_str chat,
                               struct bx_str sender, const struct bx_str *ids, size_t count)
{
    (void)self;
    (void)sender;
    for (size_t i = 0; i < count; i++)
        say("{\"read\":{\"number\":%lld,\"chat\":\"%.*s\",\"id\":\"%.*s\"}}", (long long)line->id,
            BX_STR_ARG(chat), BX_STR_ARG(ids[i]));
}

static void scripted_typing(void *self, struct wb_line *line, struct bx_str chat, bool is_typing)
{
    (void)self;
    say("{\"typing\":{\"number\":%lld,\"chat\":\"%.*s\",\"isTyping\":%s}}", (long long)line->id,
        BX_STR_ARG(chat), is_typing ? "true" : "false");
}

static void scripted_about(void *self, struct wb_line *line, struct bx_str jid)
{
    (void)self;
    (void)line;
    (void)jid;
}

const struct wb_engine_ops scripted_engine = {
    .name = "scripted",
    .open = scripted_open,
    .close = scripted_close,
    .start = scripted_start,
    .load = scripted_load,
    .stop = scripted_stop,
    .logout = scripted_logout,
    .send = scripted_send,
    .mark_read = scripted_mark_read,
    .typing = scripted_typing,
    .watch = scripted_about,
    .refresh_group = scripted_about,
};
