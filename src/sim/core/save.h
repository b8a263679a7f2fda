/* When the network is saved. */
#ifndef SIM_SAVE_H
#define SIM_SAVE_H

#include "sim/core/types.h"

/* The network has changed: it is written to its file soon. */
void sim_save_later(struct sim *sim);

#endif
