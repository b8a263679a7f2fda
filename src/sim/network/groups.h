/* Groups. */
#ifndef SIM_GROUPS_H
#define SIM_GROUPS_H

#include "sim/core/iq.h"
#include "sim/core/types.h"

sim_iq_fn sim_on_group_iq;

struct sim_group *sim_group_find(struct sim *sim, struct bx_str jid);
struct sim_group *sim_group_new(struct sim *sim, struct sim_account *owner, struct bx_str subject,
                                bool is_lid);
struct sim_member *sim_group_member(const struct sim_group *g, const struct sim_account *a);
void sim_group_add(struct sim_group *g, struct sim_account *a, int role);
void sim_group_remove(struct sim_group *g, struct sim_account *a);
struct wa_node *sim_group_node(const struct sim_group *g, struct bx_arena *arena);
/* w:gp2 to every member device but `except`, and to the devices of extra. */
void sim_group_notify(struct sim_group *g, struct sim_account *actor,
                      const struct sim_device *except, struct wa_node *child,
                      struct sim_account **extra, size_t extra_count, struct bx_arena *arena);
/* To the devices of one account. */
void sim_group_notify_one(struct sim_group *g, struct sim_account *to, struct sim_account *actor,
                          const struct sim_device *except, struct wa_node *child,
                          struct bx_arena *arena);
void sim_group_change(struct sim_group *g, struct sim_account *actor,
                      const struct sim_device *except, const char *verb, struct sim_account **who,
                      size_t count, struct bx_arena *arena);
void sim_group_announce(struct sim_group *g, const struct sim_device *except,
                        struct bx_arena *arena);
void sim_group_free(struct sim_group *g);

#endif
