/* Answers to requests. */
#include "sim/core/iq.h"
#include "sim/core/output.h"
#include "sim/core/random.h"

void sim_iq_result(struct sim_conn *c, const struct wa_node *iq, struct wa_node *child)
{
    struct bx_str from = wa_node_attr(iq, "to");
    struct wa_node *n = WA_NODE(iq->arena, "iq", sim_echo("from", from.ptr ? from : WA_SERVER_JID),
                                wa_lit("type", "result"), wa_str("id", wa_node_attr(iq, "id")),
                                wa_num("t", sim_now_s()));
    wa_node_add(n, child);
    sim_conn_send(c, n);
}

void sim_iq_error(struct sim_conn *c, const struct wa_node *iq, const char *code, const char *text)
{
    struct bx_str from = wa_node_attr(iq, "to");
    struct wa_node *n = WA_NODE(iq->arena, "iq", sim_echo("from", from.ptr ? from : WA_SERVER_JID),
                                wa_lit("type", "error"), wa_str("id", wa_node_attr(iq, "id")));
    wa_node_add(n, WA_NODE(iq->arena, "error", wa_lit("code", code), wa_lit("text", text)));
    sim_conn_send(c, n);
}
