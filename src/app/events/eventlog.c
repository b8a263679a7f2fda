#include "app/events/eventlog.h"

#include "app/events/sinks.h"
#include "base/clock.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>

void wb_log_init(struct wb_log *log, struct wb_app *app, struct bx_arena *arena)
{
    *log = (struct wb_log){.app = app, .arena = arena};
    log->last = &log->first;
}

struct bx_str wb_log_with_seq(const struct wb_app *app, struct bx_str payload, int64_t seq,
                              struct bx_arena *arena)
{
    /* "{…}" becomes "{…,"seq":7,"epoch":"…"}": nothing is parsed or written again. */
    char tail[80];
    int len = snprintf(tail, sizeof tail, "%s\"seq\":%lld,\"epoch\":\"%s\"}",
                       payload.len > 2 ? "," : "", (long long)seq, st_log_epoch(app->store));
    char *text = bx_arena_alloc(arena, payload.len + (size_t)len);
    memcpy(text, payload.ptr, payload.len - 1);
    memcpy(text + payload.len - 1, tail, (size_t)len);
    return bx_str_n(text, payload.len - 1 + (size_t)len);
}

int wb_log_append(struct wb_log *log, struct st_tx *tx, int64_t number_id, const char *type,
                  int64_t chat_id, struct bx_str payload)
{
    int64_t seq;
    int rc = st_event_append(tx, number_id, bx_str(type), chat_id, payload, &seq);
    if (rc < 0)
        return rc;
    struct wb_log_entry *e = BX_ARENA_NEW(log->arena, struct wb_log_entry);
    *e = (struct wb_log_entry){number_id, seq, type,
                               wb_log_with_seq(log->app, payload, seq, log->arena), NULL};
    *log->last = e;
    log->last = &e->next;
    return BX_OK;
}

void wb_log_emit(struct wb_log *log)
{
    for (const struct wb_log_entry *e = log->first; e; e = e->next)
        wb_sinks_tell(log->app, e);
    log->first = NULL;
    log->last = &log->first;
}

struct batch {
    struct wb_log log;
    struct bx_arena arena;
};

static void on_published(void *arg)
{
    struct batch *b = arg;
    wb_log_emit(&b->log);
    bx_arena_done(&b->arena);
    free(b);
}

void wb_log_publish(struct wb_log *log)
{
    if (!log->first)
        return;
    struct batch *b = BX_NEW(struct batch);
    bx_arena_init(&b->arena, SIZE_MAX);
    wb_log_init(&b->log, log->app, &b->arena);
    for (const struct wb_log_entry *e = log->first; e; e = e->next) {
        struct wb_log_entry *copy = BX_ARENA_NEW(&b->arena, struct wb_log_entry);
        *copy = *e;
        copy->payload = bx_arena_str(&b->arena, e->payload);
        copy->next = NULL;
        *b->log.last = copy;
        b->log.last = &copy->next;
    }
    log->first = NULL;
    log->last = &log->first;
    net_inbox_post(log->app->loop, on_published, b);
}
