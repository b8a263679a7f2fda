#include "app/realtime/presence.h"

#include "app/channel/engine.h"
#include "app/numbers/line.h"
#include "app/realtime/realtime_internal.h"
#include "app/views/rows.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

static void tell_others(struct wb_agent *a, int64_t number_id, const char *chat_id, const char *key,
                        bool is_on)
{
    struct bx_buf out;
    struct bx_json_writer w;
    char room[WB_ROOM_SIZE];
    bx_buf_init(&out, 0);
    bx_json_writer_init(&w, &out);
    bx_json_object(&w);
    bx_json_key_i64(&w, "whatsappNumberId", number_id);
    bx_json_key_cstr(&w, "chatId", chat_id);
    bx_json_key(&w, "agent");
    bx_json_object(&w);
    bx_json_key_i64(&w, "id", a->who.user_id);
    bx_json_key_cstr(&w, "name", a->who.name);
    bx_json_end(&w);
    bx_json_key_bool(&w, key, is_on);
    bx_json_end(&w);
    struct sio_str rooms = wb_room(number_id, false, room), self = sio_socket_id(a->socket);
    struct sio_target target = {
        .ns = a->rt->ns, .rooms = &rooms, .room_count = 1, .except = &self, .except_count = 1};
    sio_broadcast(&target, "chat:presence", sio_args((char *)out.data, out.len));
    bx_buf_done(&out);
}

static void set(struct wb_agent *a, struct wb_seen *seen, int64_t number_id, const char *chat_id,
                const char *key, bool is_on)
{
    bool moves = seen->is_on && is_on && strcmp(seen->chat, chat_id) != 0;
    if (moves)
        tell_others(a, seen->number_id, seen->chat, key, false);
    tell_others(a, number_id, chat_id, key, is_on);
    *seen = (struct wb_seen){.number_id = number_id, .is_on = is_on};
    snprintf(seen->chat, sizeof seen->chat, "%s", chat_id);
}

void wb_presence_typing(struct wb_agent *a, struct wb_line *line, const char *chat_id,
                        struct bx_str jid, bool is_typing)
{
    set(a, &a->typing, line->id, chat_id, "typing", is_typing);
    if (line->policy.sends_typing && line->link.row.status == ST_LINK_CONNECTED)
        WB_ENGINE(line, typing, jid, is_typing);
}

void wb_presence_viewing(struct wb_agent *a, struct wb_line *line, const char *chat_id,
                         struct bx_str jid, bool is_viewing)
{
    set(a, &a->viewing, line->id, chat_id, "viewing", is_viewing);
    if (is_viewing && line->link.row.status == ST_LINK_CONNECTED)
        WB_ENGINE(line, watch, jid);
}

/* A browser that is closed says nothing any more. */
void wb_presence_left(struct wb_agent *a)
{
    if (a->viewing.is_on)
        tell_others(a, a->viewing.number_id, a->viewing.chat, "viewing", false);
    if (a->typing.is_on)
        tell_others(a, a->typing.number_id, a->typing.chat, "typing", false);
}
