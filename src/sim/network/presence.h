/* Who is there and who types. */
#ifndef SIM_PRESENCE_H
#define SIM_PRESENCE_H

#include "sim/core/types.h"

void sim_on_presence(struct sim_conn *c, const struct wa_node *n, struct bx_arena *arena);
void sim_on_chatstate(struct sim_conn *c, const struct wa_node *n, struct bx_arena *arena);
void sim_presence_changed(struct sim_account *a);
/* Also what a scripted phone does. state: <composing/> and its like. */
void sim_chatstate(struct sim_account *from, struct sim_group *g, struct sim_account *to,
                   bool is_lid, const struct wa_node *state, struct bx_arena *arena);
/* A device is back, or gone for good: tells it what is not too old of what it missed. */
void sim_chatstate_flush(struct sim_device *d);

#endif
