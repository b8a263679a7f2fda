/* What a committed job wants of the loop. */
#include "wa/internal.h"

#include "base/clock.h"

#include <stdlib.h>

struct wa_fetch {
    struct wa_client *client;
    const struct wa_job_type *then;
    struct wa_blob blob;
    struct bx_str patch; /* owned copy */
};

enum { MAX_FETCH = 64 << 20 };

static void fetch(struct wa_client *c, struct wa_want *w)
{
    const struct wa_blob *blob = w->data;
    if (!c->ops->on_fetch)
        return;
    struct wa_fetch *f = BX_NEW(struct wa_fetch);
    f->client = c;
    f->then = w->then;
    f->blob = *blob;
    f->patch = bx_str_n(bx_strndup(blob->patch.ptr ? blob->patch.ptr : "", blob->patch.len),
                        blob->patch.len);
    wa_client_ref(c);
    c->ops->on_fetch(c, f, w->text.ptr, MAX_FETCH, c->arg);
}

void wa_fetch_done(struct wa_fetch *f, int rc, struct bx_str body)
{
    struct wa_client *c = f->client;
    if (rc >= 0 && !c->is_freed) {
        struct bx_arena *in = wa_arena_new(MAX_FETCH + (1 << 20));
        struct wa_blob *blob = BX_ARENA_NEW(in, struct wa_blob);
        *blob = f->blob;
        blob->patch = bx_arena_str(in, f->patch);
        blob->body = bx_arena_str(in, body);
        struct wa_job *job = wa_job_new(c, f->then, in, NULL);
        job->data = blob;
        wa_job_submit(job);
    }
    free((char *)(uintptr_t)f->patch.ptr);
    free(f);
    wa_client_unref(c);
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

void wa_want_do(struct wa_client *c, struct wa_job *job, struct wa_want *w)
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
