/* Answers to requests, and what handles one. */
#ifndef SIM_IQ_H
#define SIM_IQ_H

#include "sim/core/types.h"

/* An address of a stanza that is copied into the answer. Clients may write anything there, also a
 * server's name as plain text; what is no JID goes back as the text it was. */
static inline struct wa_arg sim_echo(const char *key, struct bx_str address)
{
    struct wa_jid jid;
    return wa_jid_parse(address, &jid) == BX_OK ? wa_to(key, address) : wa_str(key, address);
}

typedef void sim_iq_fn(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *child,
                       struct bx_arena *arena);

void sim_iq_result(struct sim_conn *c, const struct wa_node *iq, struct wa_node *child);
void sim_iq_error(struct sim_conn *c, const struct wa_node *iq, const char *code, const char *text);

#endif
