#include "app/inbox/chat_read.h"

#include "app/channel/engine.h"
#include "app/numbers/line.h"
#include "base/mem.h"

#include <stdlib.h>

struct receipt {
    struct bx_str id, sender;
};

struct wb_receipts {
    struct bx_arena arena;
    struct wb_app *app;
    int64_t number_id;
    struct bx_str chat;
    struct receipt *items;
    size_t count;
};

static struct bx_str jid_of(struct bx_arena *a, const struct st_contact *c)
{
    return c->phone.len ? bx_arena_printf(a, "%.*s@s.whatsapp.net", BX_STR_ARG(c->phone))
                        : bx_arena_printf(a, "%.*s@lid", BX_STR_ARG(c->lid));
}

static int collect(struct wb_turn *t, struct wb_receipts *r, const struct st_read_message *rows,
                   size_t count, bool is_group)
{
    r->items = bx_arena_alloc(&r->arena, (count + 1) * sizeof *r->items);
    for (size_t i = 0; i < count; i++) {
        struct receipt *item = &r->items[r->count++];
        struct st_contact who;
        *item = (struct receipt){.id = bx_arena_str(&r->arena, rows[i].wa_id)};
        if (!is_group)
            continue;
        int rc = st_contact_get(t->conn, rows[i].sender_id, t->arena, &who);
        if (rc < 0)
            return rc;
        item->sender = jid_of(&r->arena, &who);
    }
    return BX_OK;
}

int wb_chat_read_store(struct wb_turn *t, int64_t chat_id, struct wb_receipts **out)
{
    struct st_chat chat;
    struct st_read_message *rows;
    size_t count;
    *out = NULL;
    int rc = st_chat_get(t->conn, chat_id, t->arena, &chat);
    if (rc == BX_OK)
        rc = st_chat_read(t->tx, chat.id, 0, t->arena, &rows, &count);
    if (rc < 0)
        return rc;
    if (count) {
        struct wb_receipts *r = *out = BX_NEW(struct wb_receipts);
        bx_arena_init(&r->arena, SIZE_MAX);
        r->number_id = t->number_id;
        r->chat = bx_arena_str(&r->arena, chat.jid);
        rc = collect(t, r, rows, count, chat.is_group);
    }
    if (rc >= 0)
        rc = wb_announce_read(t, chat.id);
    if (rc >= 0 && (count || chat.is_marked_unread))
        rc = wb_announce_chat(t, chat.id);
    if (rc < 0) {
        wb_receipts_free(*out);
        *out = NULL;
    }
    return rc;
}

/* One call per author. */
void wb_receipts_send(struct wb_app *app, struct wb_receipts *r)
{
    struct wb_line *line = r ? wb_line_find(app, r->number_id) : NULL;
    bool sends = line && !line->is_gone && line->policy.sends_read_receipts;
    struct bx_str *ids = r ? bx_arena_alloc(&r->arena, (r->count + 1) * sizeof *ids) : NULL;
    for (size_t i = 0; sends && i < r->count; i++) {
        size_t n = 0;
        if (!r->items[i].id.ptr)
            continue;
        struct bx_str sender = r->items[i].sender;
        for (size_t k = i; k < r->count; k++) {
            if (r->items[k].id.ptr && bx_str_eq(r->items[k].sender, sender)) {
                ids[n++] = r->items[k].id;
                r->items[k].id.ptr = NULL;
            }
        }
        WB_ENGINE(line, mark_read, r->chat, sender, ids, n);
    }
    wb_receipts_free(r);
}

static void on_posted(void *arg)
{
    struct wb_receipts *r = arg;
    wb_receipts_send(r->app, r);
}

void wb_receipts_post(struct wb_app *app, struct wb_receipts *r)
{
    if (!r)
        return;
    r->app = app;
    net_inbox_post(app->loop, on_posted, r);
}

void wb_receipts_free(struct wb_receipts *r)
{
    if (!r)
        return;
    bx_arena_done(&r->arena);
    free(r);
}
