/* The interface between WaBox and a WhatsApp engine. The product's engine is libwa (engine_wa.c);
 * tests have a scripted one (tests/scripted). Both speak libwa's types: what arrives is a list of
 * struct wa_event, what leaves a struct wa_outgoing.
 *
 * Loop thread. Calls down name a number; the engine keeps what it needs in line->engine_data. Calls up
 * go through struct wb_channel_events, on the loop, never before the call that caused them returned.
 */
#ifndef WB_ENGINE_H
#define WB_ENGINE_H

#include "app/channel/envelope.h"
#include "app/core/context.h"
#include "wa/client.h"
#include "wa/media.h"

struct wb_line;

/* Calls up. Given at open; the engine keeps the pointer. */
struct wb_channel_events {
    /* The link. `status`, `text` and `code` are borrowed. */
    void (*on_state)(struct wb_line *line, const struct wa_status_info *status);
    void (*on_qr)(struct wb_line *line, struct bx_str text, int64_t expires_at_ms);
    void (*on_code)(struct wb_line *line, const char *code, int64_t expires_at_ms);
    /* This phone (digits) has scanned the code. False: it is not the number's; refuse it, the state
     * that follows has WA_REASON_WRONG_PHONE. */
    bool (*on_scanned)(struct wb_line *line, struct bx_str phone);
    /* Something to store. Takes the envelope until its finish. */
    void (*on_envelope)(struct wb_envelope *e);
    /* A message did not get out. */
    void (*on_unsent)(struct wb_line *line, struct bx_str wa_id, int rc);
    /* A customer types. */
    void (*on_typing)(struct wb_line *line, const struct wa_peer *chat,
                      const struct wa_peer *person, enum wa_typing typing);
};

struct wb_engine_ops {
    const char *name;
    /* At start, lines are loaded. Returns the engine in *out. */
    int (*open)(struct wb_app *app, const struct wb_channel_events *events, void **out,
                struct bx_buf *message);
    /* Ends every connection; on_closed once nothing of it is left, jobs included. */
    void (*close)(void *engine, void (*on_closed)(void *arg), void *arg);

    /* app->whatsapp_version is another one: for every connection from now on. NULL: no use for it. */
    void (*reload)(void *engine);

    /* Connects, or links when no device is linked: by QR, with pair_phone (digits) by code as well.
     * No effect when started. */
    void (*start)(void *engine, struct wb_line *line, const char *pair_phone, uint64_t delay_ms);
    /* Linked, but not to be started now: remembers the device, so that logout can unlink it when its
     * keys went first. */
    void (*load)(void *engine, struct wb_line *line);
    /* Disconnects, keeps the device. */
    void (*stop)(void *engine, struct wb_line *line);
    /* Unlinks the device: an UNLINKED envelope, then DISCONNECTED. The phone hears of it before, or
     * within 10 s after. */
    void (*logout)(void *engine, struct wb_line *line);

    /* Sends, in the order of calls; exactly one answer, WA_EVENT_SENT or on_unsent.
     * A failure here: no answer follows. */
    int (*send)(void *engine, struct wb_line *line, const struct wa_outgoing *message);
    /* The rest may fail silently: nothing depends on it. */
    void (*mark_read)(void *engine, struct wb_line *line, struct bx_str chat, struct bx_str sender,
                      const struct bx_str *ids, size_t count);
    void (*typing)(void *engine, struct wb_line *line, struct bx_str chat, bool is_typing);
    void (*watch)(void *engine, struct wb_line *line, struct bx_str person);
    void (*refresh_group)(void *engine, struct wb_line *line, struct bx_str group);

    /* Files (wa/media.h). NULL: this engine has none. As wa_client_media_conn and
     * wa_client_media_retry. */
    int (*media_conn)(void *engine, struct wb_line *line, bool is_fresh,
                      void (*on_conn)(int rc, const struct wa_media_conn *conn, void *arg),
                      void *arg);
    int (*media_retry)(void *engine, struct wb_line *line, const struct wa_media_retry *retry);
};

/* app->engine */
struct wb_engine {
    const struct wb_engine_ops *ops;
    void *self;
};

/* "WABOX_WHATSAPP=off": linking says so, what was linked stays DISCONNECTED. */
extern const struct wb_engine_ops wb_engine_off;

#define WB_ENGINE(line, call, ...)                                                                 \
    ((line)->app->engine->ops->call((line)->app->engine->self, (line)__VA_OPT__(, ) __VA_ARGS__))

#endif
