/* Random numbers, keys, ids and the clock of the network: the same seed gives the same. */
#ifndef SIM_RANDOM_H
#define SIM_RANDOM_H

#include "sim/core/types.h"

void sim_random(struct sim *sim, void *out, size_t len);
double sim_chance(struct sim *sim);
void sim_keypair(struct sim *sim, struct cr_keypair *out);
/* A fresh stanza or message id in the arena. */
struct bx_str sim_new_id(struct sim *sim, struct bx_arena *arena, const char *prefix);
int64_t sim_now_s(void);

#endif
