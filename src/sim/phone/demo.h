/* Scripted contacts. */
#ifndef SIM_DEMO_H
#define SIM_DEMO_H

#include "sim/core/types.h"

void sim_demo_start(struct sim *sim);
/* The past of a phone in the demo, as PUT history takes it. Returned. */
json_t *sim_demo_history(void);

#endif
