/* WABOX_WHATSAPP=off: no WhatsApp here. Linking says so; what was linked stays linked and is
 * DISCONNECTED; messages wait. */
#include "app/channel/engine.h"
#include "app/numbers/line.h"
#include "base/mem.h"

#include <stdlib.h>

struct off {
    const struct wb_channel_events *events;
};

static int off_open(struct wb_app *app, const struct wb_channel_events *events, void **out,
                    struct bx_buf *message)
{
    (void)app;
    (void)message;
    struct off *off = BX_NEW(struct off);
    off->events = events;
    *out = off;
    return BX_OK;
}

static void off_close(void *engine, void (*on_closed)(void *arg), void *arg)
{
    free(engine);
    on_closed(arg);
}

static void say_off(void *ptr)
{
    struct wb_line *line = ptr;
    const struct off *off = line->app->engine->self;
    struct wa_status_info status = {.state = WA_STATE_DISCONNECTED, .reason = WA_REASON_STOPPED};
    off->events->on_state(line, &status);
}

static void off_start(void *engine, struct wb_line *line, const char *pair_phone, uint64_t delay_ms)
{
    (void)engine;
    (void)pair_phone;
    (void)delay_ms;
    net_inbox_post(line->app->loop, say_off, line);
}

static void off_stop(void *engine, struct wb_line *line)
{
    (void)engine;
    (void)line;
}

static int off_send(void *engine, struct wb_line *line, const struct wa_outgoing *message)
{
    (void)engine;
    (void)line;
    (void)message;
    return BX_E_STATE;
}

static void off_mark_read(void *engine, struct wb_line *line, struct bx_str chat,
                          struct bx_str sender, const struct bx_str *ids, size_t count)
{
    (void)engine;
    (void)line;
    (void)chat;
    (void)sender;
    (void)ids;
    (void)count;
}

static void off_typing(void *engine, struct wb_line *line, struct bx_str chat, bool is_typing)
{
    (void)engine;
    (void)line;
    (void)chat;
    (void)is_typing;
}

static void off_about(void *engine, struct wb_line *line, struct bx_str jid)
{
    (void)engine;
    (void)line;
    (void)jid;
}

const struct wb_engine_ops wb_engine_off = {
    .name = "off",
    .open = off_open,
    .close = off_close,
    .start = off_start,
    .load = off_stop,
    .stop = off_stop,
    .logout = off_stop,
    .send = off_send,
    .mark_read = off_mark_read,
    .typing = off_typing,
    .watch = off_about,
    .refresh_group = off_about,
};
