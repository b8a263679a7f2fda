#include "app/numbers/line.h"

#include "base/map.h"
#include "base/mem.h"

#include <jansson.h>
#include <stdlib.h>

struct wb_lines {
    void (*on_new)(struct wb_line *line);
    struct bx_map by_id;
};

/* --- policy --- */

struct wb_policy wb_policy_parse(struct bx_str json)
{
    struct wb_policy p = {.sends_read_receipts = true, .sends_typing = true};
    json_t *o = json.len ? json_loadb(json.ptr, json.len, 0, NULL) : NULL;
    const json_t *v = json_object_get(o, "sendReadReceipts");
    p.sends_read_receipts = !json_is_false(v);
    p.sends_typing = !json_is_false(json_object_get(o, "sendTyping"));
    p.keeps_deleted = !json_is_false(json_object_get(o, "keepDeleted"));
    int64_t pause = json_integer_value(json_object_get(o, "minSendIntervalMs"));
    p.min_send_interval_ms = pause < 0 ? 0 : pause > 600000 ? 600000 : pause;
    json_decref(o);
    return p;
}

struct bx_str wb_policy_format(const struct wb_policy *p, struct bx_arena *arena)
{
    return bx_arena_printf(
        arena,
        "{\"sendReadReceipts\":%s,\"sendTyping\":%s,\"minSendIntervalMs\":%lld,\"keepDeleted\":%s}",
        p->sends_read_receipts ? "true" : "false", p->sends_typing ? "true" : "false",
        (long long)p->min_send_interval_ms, p->keeps_deleted ? "true" : "false");
}

/* --- lines --- */

struct wb_line *wb_line_find(struct wb_app *app, int64_t number_id)
{
    return bx_map_get(&app->lines->by_id, bx_str_n(&number_id, sizeof number_id));
}

bool wb_line_next(struct wb_app *app, size_t *pos, struct wb_line **out)
{
    void *value;
    if (!bx_map_next(&app->lines->by_id, pos, &value))
        return false;
    *out = value;
    return true;
}

size_t wb_line_count(struct wb_app *app)
{
    struct wb_line *line;
    size_t count = 0;
    for (size_t pos = 0; wb_line_next(app, &pos, &line);)
        count += !line->is_gone;
    return count;
}

static struct wb_line *line_new(struct wb_app *app, int64_t id)
{
    struct wb_line *line = BX_NEW(struct wb_line);
    line->app = app;
    line->id = id;
    bx_arena_init(&line->link.arena, 0);
    bx_list_init(&line->link.waiters);
    app->lines->on_new(line);
    bx_map_put(&app->lines->by_id, bx_str_n(&line->id, sizeof line->id), line);
    return line;
}

struct wb_line *wb_line_put(struct wb_app *app, const struct st_number *row)
{
    struct wb_line *line = wb_line_find(app, row->id);
    if (!line) {
        line = line_new(app, row->id);
        line->emitted_seq = row->last_seq;
    }
    free(line->name);
    line->name = bx_strndup(row->name.ptr, row->name.len);
    bx_str_copy(row->phone, line->phone, sizeof line->phone);
    line->is_active = row->is_active;
    line->policy = wb_policy_parse(row->policy);
    return line;
}

void wb_line_session(struct wb_line *line, const struct st_session *row)
{
    struct wb_link *l = &line->link;
    bx_arena_reset(&l->arena);
    l->row = row ? *row : (struct st_session){.number_id = line->id};
    struct bx_str *texts[] = {&l->row.number_name, &l->row.number_phone, &l->row.error_message,
                              &l->row.reason,      &l->row.jid,          &l->row.lid,
                              &l->row.push_name,   &l->row.platform,     &l->row.scanned_phone};
    for (size_t i = 0; i < BX_LEN(texts); i++) {
        if (texts[i]->ptr)
            *texts[i] = bx_arena_str(&l->arena, *texts[i]);
    }
    l->is_linked = l->row.jid.len > 0;
}

static int load_numbers(struct wb_app *app, struct st_conn *conn, struct bx_arena *arena)
{
    struct st_number_query query = {
        .is_active = -1, .sort = ST_NUMBER_BY_ID, .limit = ST_LIMIT_MAX};
    for (;;) {
        struct st_number *rows;
        size_t count;
        int64_t total;
        int rc = st_number_list(conn, &query, arena, &rows, &count, &total);
        if (rc < 0 || count == 0)
            return rc;
        for (size_t i = 0; i < count; i++)
            wb_line_put(app, &rows[i]);
        query.offset += (int64_t)count;
        bx_arena_reset(arena);
    }
}

int wb_lines_load(struct wb_app *app, struct st_conn *conn, void (*on_new)(struct wb_line *line))
{
    app->lines = BX_NEW(struct wb_lines);
    app->lines->on_new = on_new;
    bx_map_init(&app->lines->by_id);
    struct bx_arena arena;
    bx_arena_init(&arena, SIZE_MAX);
    int rc = load_numbers(app, conn, &arena);
    struct st_session_query query = {.status = -1, .is_active = -1, .is_unlimited = true};
    struct st_session *rows;
    size_t count = 0;
    int64_t total;
    if (rc >= 0)
        rc = st_session_list(conn, &query, &arena, &rows, &count, &total);
    for (size_t i = 0; rc >= 0 && i < count; i++) {
        struct wb_line *line = wb_line_find(app, rows[i].number_id);
        if (line)
            wb_line_session(line, &rows[i]);
    }
    bx_arena_done(&arena);
    return rc < 0 ? rc : BX_OK;
}

void wb_lines_free(struct wb_app *app)
{
    if (!app->lines)
        return;
    struct wb_line *line;
    for (size_t pos = 0; wb_line_next(app, &pos, &line);) {
        net_timer_stop(&line->link.retry);
        net_timer_stop(&line->out.pace);
        bx_arena_done(&line->link.arena);
        free(line->link.qr);
        free(line->name);
        free(line);
    }
    bx_map_done(&app->lines->by_id);
    free(app->lines);
    app->lines = NULL;
}
