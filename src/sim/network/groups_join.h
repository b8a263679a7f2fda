/* Groups whose admins decide who joins. */
#ifndef SIM_GROUPS_JOIN_H
#define SIM_GROUPS_JOIN_H

#include "sim/core/types.h"

bool sim_join_is_pending(const struct sim_group *g, const struct sim_account *a);
/* Somebody wants in; the admins are told. */
void sim_join_ask(struct sim_group *g, struct sim_account *a, struct bx_arena *arena);
/* False when that account does not wait. */
bool sim_join_decide(struct sim_group *g, struct sim_account *admin, struct sim_account *who,
                     bool is_yes, struct bx_arena *arena);
/* The requests of an admin's client; false: not about joining. */
bool sim_on_join_iq(struct sim_conn *c, const struct wa_node *iq, struct sim_group *g,
                    const struct wa_node *child, struct bx_arena *arena);

#endif
