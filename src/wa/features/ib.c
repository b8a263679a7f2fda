/* Information broadcasts of the server. */
#include "wa/internal.h"

static void on_edge_routing(struct wa_client *c, const struct wa_node *n)
{
    struct bx_str info = wa_node_child_data(n, "routing_info");
    if (info.len && info.len <= sizeof c->routing) {
        memcpy(c->routing, info.ptr, info.len);
        c->routing_len = (uint16_t)info.len;
    }
}

static void on_offline_preview(struct wa_client *c, const struct wa_node *n)
{
    (void)n;
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    struct wa_node *ib = wa_node_new(&arena, "ib");
    wa_node_add(ib, WA_NODE(&arena, "offline_batch", wa_num("count", 100)));
    wa_send_node(c, ib);
    bx_arena_done(&arena);
}

/* When this job and all those made before it have ended, what came before was stored: they have
 * their own turns, so it may end before them. */
static int barrier_run(struct wa_job *job)
{
    (void)job;
    return BX_OK;
}
static void barrier_finish(struct wa_job *job, int rc)
{
    job->client->is_barrier_waiting = rc >= 0 && job->barrier == job->client->barriers;
}

static const struct wa_job_type barrier_type = {
    .name = "offline_done", .run = barrier_run, .finish = barrier_finish};

static void on_offline(struct wa_client *c, const struct wa_node *n)
{
    c->offline_count = (unsigned)wa_node_attr_u64_or(n, "count", 0);
    c->barriers++;
    c->jobs_before = c->jobs;
    c->is_barrier_waiting = false;
    wa_job_submit(wa_job_new(c, &barrier_type, NULL, NULL));
}

static void on_dirty(struct wa_client *c, const struct wa_node *n)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    struct wa_node *iq = WA_NODE(&arena, "iq", wa_to("to", WA_SERVER_JID), wa_lit("type", "set"),
                                 wa_lit("xmlns", "urn:xmpp:whatsapp:dirty"));
    wa_node_add(iq, WA_NODE(&arena, "clean", wa_str("type", wa_node_attr(n, "type")),
                            wa_str("timestamp", wa_node_attr(n, "timestamp"))));
    if (wa_node_attr_is(n, "type", "groups"))
        wa_group_refresh(c, (struct bx_str){0});
    else
        wa_app_state_want(c, (1u << WA_COLLECTIONS) - 1);
    wa_request_send(c, iq, 0, NULL, NULL);
    bx_arena_done(&arena);
}

static void on_downgrade(struct wa_client *c, const struct wa_node *n)
{
    (void)n;
    wa_client_end(c, (struct wa_ending){WA_REASON_REFUSED, WA_THEN_STOP, 411, 0});
}

static const struct {
    const char *tag;
    void (*handle)(struct wa_client *c, const struct wa_node *n);
} rows[] = {
    {"edge_routing", on_edge_routing},
    {"offline_preview", on_offline_preview},
    {"offline", on_offline},
    {"dirty", on_dirty},
    {"downgrade_webclient", on_downgrade},
};

void wa_ib_handle(struct wa_client *c, struct wa_node *node)
{
    const struct wa_node *child = wa_node_child(node, NULL);
    for (size_t i = 0; child && i < BX_LEN(rows); i++) {
        if (bx_str_eq(child->tag, bx_str(rows[i].tag))) {
            rows[i].handle(c, child);
            return;
        }
    }
}
