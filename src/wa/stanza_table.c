/* Which stanza goes where. What touches keys or must be stored becomes a job; its acknowledgement
 * is sent when the job is committed. */
#include "wa/internal.h"

#include "base/clock.h"

struct row {
    const char *tag;
    void (*handle)(struct wa_client *c, struct wa_node *node, struct bx_arena **arena);
};

static void submit(struct wa_client *c, const struct wa_job_type *type, struct wa_node *node,
                   struct bx_arena **arena)
{
    struct wa_job *job = wa_job_new(c, type, *arena, node);
    *arena = NULL;
    wa_job_submit(job);
}

static void on_iq(struct wa_client *c, struct wa_node *node, struct bx_arena **arena)
{
    bool is_get = wa_node_attr_is(node, "type", "get"),
         is_set = wa_node_attr_is(node, "type", "set");
    if (!is_get && !is_set) {
        wa_request_answer(c, node, arena);
    } else if (is_get && wa_node_attr_is(node, "xmlns", "urn:xmpp:ping")) {
        wa_send_node(c, WA_NODE(*arena, "iq", wa_to("to", WA_SERVER_JID), wa_lit("type", "result"),
                                wa_str("id", wa_node_attr(node, "id"))));
    } else if (is_set &&
               (wa_node_child(node, "pair-device") || wa_node_child(node, "pair-success"))) {
        wa_pair_on_iq(c, node, arena);
    }
}

static void on_success(struct wa_client *c, struct wa_node *node, struct bx_arena **arena)
{
    (void)arena;
    wa_login_success(c, node);
}

static void on_failure(struct wa_client *c, struct wa_node *node, struct bx_arena **arena)
{
    (void)arena;
    wa_client_end(c, wa_ending_of_failure(node, bx_wall_ms()));
}

static void on_stream_error(struct wa_client *c, struct wa_node *node, struct bx_arena **arena)
{
    (void)arena;
    wa_client_end(c, wa_ending_of_stream_error(node));
}

static void on_stream_end(struct wa_client *c, struct wa_node *node, struct bx_arena **arena)
{
    (void)node, (void)arena;
    wa_client_end(c, wa_ending_of_rc(BX_E_CLOSED));
}

static void on_ib(struct wa_client *c, struct wa_node *node, struct bx_arena **arena)
{
    (void)arena;
    wa_ib_handle(c, node);
}

static void on_message(struct wa_client *c, struct wa_node *node, struct bx_arena **arena)
{
    submit(c, &wa_job_message, node, arena);
}

static void on_receipt(struct wa_client *c, struct wa_node *node, struct bx_arena **arena)
{
    submit(c, &wa_job_receipt, node, arena);
}

static void on_notification(struct wa_client *c, struct wa_node *node, struct bx_arena **arena)
{
    if (!wa_pair_on_notification(c, node, arena))
        submit(c, &wa_job_notification, node, arena);
}

static void on_call(struct wa_client *c, struct wa_node *node, struct bx_arena **arena)
{
    submit(c, &wa_job_call, node, arena);
}

static void on_ack(struct wa_client *c, struct wa_node *node, struct bx_arena **arena)
{
    if (wa_node_attr_is(node, "class", "message"))
        wa_send_on_ack(c, node, arena);
}

static void on_presence(struct wa_client *c, struct wa_node *node, struct bx_arena **arena)
{
    (void)arena;
    wa_presence_on_stanza(c, node);
}

static const struct row rows[] = {
    {"iq", on_iq},
    {"message", on_message},
    {"receipt", on_receipt},
    {"notification", on_notification},
    {"ack", on_ack},
    {"presence", on_presence},
    {"chatstate", on_presence},
    {"ib", on_ib},
    {"call", on_call},
    {"success", on_success},
    {"failure", on_failure},
    {"stream:error", on_stream_error},
    {"xmlstreamend", on_stream_end},
};

void wa_stanza_handle(struct wa_client *c, struct wa_node *node, struct bx_arena **arena)
{
    for (size_t i = 0; i < BX_LEN(rows); i++) {
        if (bx_str_eq(node->tag, bx_str(rows[i].tag))) {
            rows[i].handle(c, node, arena);
            return;
        }
    }
}
