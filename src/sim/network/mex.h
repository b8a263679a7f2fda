/* Queries of w:mex. */
#ifndef SIM_MEX_H
#define SIM_MEX_H

#include "sim/core/iq.h"
#include "sim/core/types.h"

sim_iq_fn sim_on_mex;

#endif
