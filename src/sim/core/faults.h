/* Which faults of the network an account has. */
#ifndef SIM_FAULTS_H
#define SIM_FAULTS_H

#include "sim/core/types.h"

const struct sim_faults *sim_faults_of(const struct sim_account *a);

#endif
