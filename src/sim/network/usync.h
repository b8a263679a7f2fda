/* usync. */
#ifndef SIM_USYNC_H
#define SIM_USYNC_H

#include "sim/core/types.h"
#include "sim/core/iq.h"

sim_iq_fn sim_on_usync;

#endif
