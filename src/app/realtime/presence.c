#include "app/realtime/presence.h"

#include "app/channel/engine.h"
#include "app/realtime/realtime_internal.h"
#include "app/views/rows.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

/* --- customers --- */

struct sighting {
    struct wb_line *line;
    struct bx_arena arena;
    struct bx_str jids[3];
    const char *what;
    int64_t chat_id;
    int rc;
};

static void look_work(void *arg, unsigned worker)
{
    struct sighting *s = arg;
    struct st_conn *conn = s->line->app->readers[worker];
    struct st_chat chat;
    s->rc = BX_E_NOT_FOUND;
    for (size_t i = 0; s->rc == BX_E_NOT_FOUND && i < BX_LEN(s->jids); i++) {
        if (s->jids[i].len)
            s->rc = st_chat_by_jid(conn, s->line->id, s->jids[i], &s->arena, &chat);
    }
    if (s->rc == BX_OK)
        s->chat_id = chat.id;
}

static void on_looked(void *arg)
{
    struct sighting *s = arg;
    struct wb_app *app = s->line->app;
    if (s->rc == BX_OK) {
        struct bx_str json = bx_arena_printf(
            &s->arena,
            "{\"whatsappNumberId\":%lld,\"chatId\":\"%s\",\"agent\":null,\"contact\":\"%s\"}",
            (long long)s->line->id, wb_uuid_of(app->store, ST_UUID_CHAT, s->chat_id).text, s->what);
        wb_realtime_announce(app, s->line, "chat:presence", json);
    }
    bx_arena_done(&s->arena);
    free(s);
}

void wb_presence_on_contact(struct wb_line *line, const struct wa_peer *chat,
                            const struct wa_peer *person, enum wa_typing typing)
{
    struct wb_realtime *rt = line->app->realtime;
    (void)person;
    struct sighting *s = BX_NEW(struct sighting);
    s->line = line;
    s->what = typing == WA_TYPING_PAUSED ? "paused" : "composing";
    bx_arena_init(&s->arena, 0);
    s->jids[0] = bx_arena_str(&s->arena, chat->jid);
    if (!chat->is_group && chat->pn.len)
        s->jids[1] = bx_arena_printf(&s->arena, "%.*s@s.whatsapp.net", BX_STR_ARG(chat->pn));
    if (!chat->is_group && chat->lid.len)
        s->jids[2] = bx_arena_printf(&s->arena, "%.*s@lid", BX_STR_ARG(chat->lid));
    /* One lane, so that "paused" never overtakes "composing". */
    if (net_lane_submit(&rt->lanes[0], look_work, on_looked, s) < 0) {
        bx_arena_done(&s->arena);
        free(s);
    }
}

/* --- agents --- */

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
