/* AsyncAPI 3.0 from the event table. Actions are seen from the server: receive = client to server.
 */
#include "app/realtime/asyncapi.h"
#include "app/core/context.h"
#include "app/realtime/events.h"

#include <ctype.h>
#include <stdio.h>

static void write_ref(struct bx_json_writer *w, const char *prefix, const char *name)
{
    char ref[160];
    snprintf(ref, sizeof ref, "%s%s", prefix, name);
    bx_json_object(w);
    bx_json_key_cstr(w, "$ref", ref);
    bx_json_end(w);
}

static void write_channel(struct bx_json_writer *w)
{
    bx_json_key(w, "channels");
    bx_json_object(w);
    bx_json_key(w, "main");
    bx_json_object(w);
    bx_json_key_cstr(w, "address", "/");
    bx_json_key(w, "messages");
    bx_json_object(w);
    for (size_t i = 0; i < wb_event_count; i++) {
        bx_json_key(w, wb_events[i].message);
        write_ref(w, "#/components/messages/", wb_events[i].message);
    }
    bx_json_end(w);
    bx_json_end(w);
    bx_json_end(w);
}

static void write_operations(struct bx_json_writer *w)
{
    bx_json_key(w, "operations");
    bx_json_object(w);
    for (size_t i = 0; i < wb_event_count; i++) {
        const struct wb_event *e = &wb_events[i];
        char id[80];
        snprintf(id, sizeof id, "%c%s", tolower((unsigned char)e->message[0]), e->message + 1);
        bx_json_key(w, id);
        bx_json_object(w);
        bx_json_key_cstr(w, "action", e->direction == WB_EVENT_IN ? "receive" : "send");
        bx_json_key(w, "channel");
        write_ref(w, "#/channels/", "main");
        bx_json_key(w, "messages");
        bx_json_array(w);
        write_ref(w, "#/channels/main/messages/", e->message);
        bx_json_end(w);
        bx_json_end(w);
    }
    bx_json_end(w);
}

static void write_message(struct bx_json_writer *w, const struct wb_event *e)
{
    static const char *const rules[] = {[WB_MAY_ANY] = "any",
                                        [WB_MAY_NUMBER] = "number",
                                        [WB_MAY_CHAT] = "chat",
                                        [WB_MAY_SEND] = "send"};
    bx_json_key(w, e->message);
    bx_json_object(w);
    bx_json_key_cstr(w, "name", e->name);
    bx_json_key_cstr(w, "summary", e->summary);
    if (e->direction == WB_EVENT_IN)
        bx_json_key_cstr(w, "x-permission", rules[e->rule]);
    else
        bx_json_key_cstr(w, "x-room", e->room);
    bx_json_key(w, "payload");
    if (e->payload)
        wb_schema_write(w, e->payload);
    else
        bx_json_raw(w, BX_STR("{\"type\":\"number\"}"));
    if (e->ack) {
        bx_json_key(w, "x-ack");
        wb_schema_write(w, e->ack);
    }
    bx_json_end(w);
}

static void write_components(struct bx_json_writer *w)
{
    static struct wb_schema_set set;
    set.count = 0;
    bx_json_key(w, "components");
    bx_json_object(w);
    bx_json_key(w, "messages");
    bx_json_object(w);
    for (size_t i = 0; i < wb_event_count; i++) {
        write_message(w, &wb_events[i]);
        if (wb_events[i].payload)
            wb_schema_collect(&set, wb_events[i].payload);
        if (wb_events[i].ack)
            wb_schema_collect(&set, wb_events[i].ack);
    }
    bx_json_end(w);
    wb_schema_set_write(w, &set);
    bx_json_end(w);
}

int wb_asyncapi_write(struct bx_buf *out)
{
    struct bx_json_writer w;
    bx_json_writer_init(&w, out);
    bx_json_object(&w);
    bx_json_key_cstr(&w, "asyncapi", "3.0.0");
    bx_json_key(&w, "info");
    bx_json_object(&w);
    bx_json_key_cstr(&w, "title", "WaBox realtime events");
    bx_json_key_cstr(&w, "version", WB_VERSION);
    bx_json_key_cstr(&w, "description",
                     "Socket.IO events of waboxd. Actions are seen from the server: receive = "
                     "client to server, send = server to client. x-permission names what a client "
                     "event needs, x-room who gets a server event, x-ack the data of a successful "
                     "acknowledgement.");
    bx_json_end(&w);
    write_channel(&w);
    write_operations(&w);
    write_components(&w);
    bx_json_end(&w);
    return bx_json_writer_rc(&w);
}
