/* Small requests about the account and its server. */
#ifndef SIM_PROFILE_H
#define SIM_PROFILE_H

#include "sim/core/iq.h"
#include "sim/core/types.h"

sim_iq_fn sim_on_media_conn, sim_on_picture, sim_on_status, sim_on_props, sim_on_privacy,
    sim_on_blocklist, sim_on_business;

#endif
