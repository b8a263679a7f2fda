/* Every stanza that a client can send. */
#ifndef SIM_DISPATCH_H
#define SIM_DISPATCH_H

#include "sim/core/types.h"

void sim_dispatch(struct sim_conn *c, const struct wa_node *n, struct bx_arena *arena);

#endif
