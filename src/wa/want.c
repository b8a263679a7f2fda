/* What a committed job wants of the loop. */
#include "wa/internal.h"

#include "base/clock.h"

#include <stdlib.h>

struct wa_fetch {
    struct bx_list node;
    struct wa_client *client;
    const struct wa_job_type *then;
    struct wa_blob blob;
    struct bx_arena texts; /* of the blob */
};

enum { MAX_FETCH = 64 << 20 };

static bool is_under_way(const struct wa_client *c, struct bx_str pending)
{
    BX_LIST_EACH(&c->histories, at)
    {
        const struct wa_blob *b = BX_CONTAINER_OF(at, struct wa_job, history_node)->data;
        if (bx_str_eq(b->pending, pending))
            return true;
    }
    BX_LIST_EACH(&c->fetches, at)
    {
        if (bx_str_eq(BX_CONTAINER_OF(at, struct wa_fetch, node)->blob.pending, pending))
            return true;
    }
    return false;
}

static void fetch(struct wa_client *c, struct wa_want *w)
{
    const struct wa_blob *blob = w->data;
    if (!c->ops->on_fetch || (blob->pending.len && is_under_way(c, blob->pending)))
        return;
    struct wa_fetch *f = BX_NEW(struct wa_fetch);
    f->client = c;
    f->then = w->then;
    f->blob = *blob;
    bx_arena_init(&f->texts, 0);
    f->blob.patch = bx_arena_str(&f->texts, blob->patch);
    f->blob.pending = bx_arena_str(&f->texts, blob->pending);
    bx_list_push_back(&c->fetches, &f->node);
    wa_client_ref(c);
    c->ops->on_fetch(c, f, w->text.ptr, MAX_FETCH, c->arg);
}

static void open_blob(struct wa_client *c, const struct wa_job_type *type,
                      const struct wa_blob *from, struct bx_str body)
{
    struct bx_arena *in = wa_arena_new(MAX_FETCH + (1 << 20));
    struct wa_blob *blob = BX_ARENA_NEW(in, struct wa_blob);
    *blob = *from;
    blob->patch = bx_arena_str(in, from->patch);
    blob->pending = bx_arena_str(in, from->pending);
    blob->body = bx_arena_str(in, body);
    struct wa_job *job = wa_job_new(c, type, in, NULL);
    job->data = blob;
    if (type == &wa_job_history)
        bx_list_push_back(&c->histories, &job->history_node);
    wa_job_submit(job);
}

void wa_fetch_done(struct wa_fetch *f, int rc, struct bx_str body)
{
    struct wa_client *c = f->client;
    bool is_lost = rc < 0 && !bx_err_info(rc)->is_retryable;
    if (rc >= 0 && !c->is_freed)
        open_blob(c, f->then, &f->blob, body);
    else if (is_lost && f->blob.pending.len && !c->is_freed)
        open_blob(c, &wa_job_history_lost, &f->blob, BX_STR(""));
    bx_list_remove(&f->node);
    bx_arena_done(&f->texts);
    free(f);
    wa_client_unref(c);
}

static void continue_with(struct wa_client *c, const struct wa_want *w)
{
    if (!is_under_way(c, w->data->pending))
        open_blob(c, w->then, w->data, w->data->body);
}

static void issue_token(struct wa_client *c, struct bx_str person)
{
    enum { BUCKET_S = 7 * 24 * 3600 };
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    struct wa_node *iq = WA_NODE(&arena, "iq", wa_to("to", WA_SERVER_JID), wa_lit("type", "set"),
                                 wa_lit("xmlns", "privacy"));
    struct wa_node *tokens = wa_node_add(iq, wa_node_new(&arena, "tokens"));
    int64_t now_s = bx_wall_ms() / 1000;
    wa_node_add(tokens,
                WA_NODE(&arena, "token", wa_to("jid", person),
                        wa_num("t", now_s - now_s % BUCKET_S), wa_lit("type", "trusted_contact")));
    wa_request_send(c, iq, 0, NULL, NULL);
    bx_arena_done(&arena);
}

static void push_name(struct wa_client *c, struct bx_str name)
{
    free(c->push_name);
    c->push_name = bx_strndup(name.ptr, name.len);
    if (c->has_settled)
        wa_presence_announce(c);
}

void wa_want_carry_out(struct wa_client *c, struct wa_job *job, struct wa_want *w)
{
    (void)job;
    switch (w->kind) {
    case WA_WANT_NODE:
        wa_send_node(c, w->node);
        break;
    case WA_WANT_SEND:
        wa_send_push(c, w->op);
        w->op = NULL;
        break;
    case WA_WANT_APP_STATE:
        wa_app_state_want(c, (unsigned)w->number);
        break;
    case WA_WANT_FETCH:
        fetch(c, w);
        break;
    case WA_WANT_JOB:
        continue_with(c, w);
        break;
    case WA_WANT_GROUP:
        if (c->is_logged_in)
            wa_group_refresh(c, w->text);
        break;
    case WA_WANT_PREKEYS:
        if (c->has_settled)
            wa_prekeys_check(c, NULL);
        break;
    case WA_WANT_TOKEN:
        if (c->is_logged_in)
            issue_token(c, w->text);
        break;
    case WA_WANT_PUSH_NAME:
        push_name(c, w->text);
        break;
    }
}
