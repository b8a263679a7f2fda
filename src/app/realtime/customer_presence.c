#include "app/realtime/customer_presence.h"

#include "app/numbers/line.h"
#include "app/realtime/realtime_internal.h"
#include "app/views/rows.h"
#include "base/mem.h"

#include <stdlib.h>

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
