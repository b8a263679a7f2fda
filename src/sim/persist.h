/* The network in its file. */
#ifndef SIM_PERSIST_H
#define SIM_PERSIST_H

#include "sim/core/types.h"

int sim_load(struct sim *sim);
void sim_save(struct sim *sim);

#endif
