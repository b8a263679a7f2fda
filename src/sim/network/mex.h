/* Queries of w:mex. */
#ifndef SIM_MEX_H
#define SIM_MEX_H

#include "sim/core/types.h"
#include "sim/core/iq.h"

sim_iq_fn sim_on_mex;

#endif
