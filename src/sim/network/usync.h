/* usync. */
#ifndef SIM_USYNC_H
#define SIM_USYNC_H

#include "sim/core/iq.h"
#include "sim/core/types.h"

sim_iq_fn sim_on_usync;

#endif
