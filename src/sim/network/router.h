/* Who gets what. */
#ifndef SIM_ROUTER_H
#define SIM_ROUTER_H

#include "sim/core/types.h"

void sim_on_message(struct sim_conn *c, const struct wa_node *n, struct bx_arena *arena);
void sim_on_receipt(struct sim_conn *c, const struct wa_node *n, struct bx_arena *arena);
void sim_deliver_message(struct sim_account *to, unsigned device, const struct sim_delivery *m,
                         struct bx_arena *arena);
void sim_send_receipt(struct sim_account *from, unsigned from_device, struct sim_account *to,
                      int to_device, const struct wa_node *receipt, struct bx_arena *arena);

#endif
