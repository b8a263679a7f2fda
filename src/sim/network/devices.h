/* Changes of device lists. */
#ifndef SIM_DEVICES_H
#define SIM_DEVICES_H

#include "sim/core/types.h"

/* Tells the account's other devices and everybody about its device list. */
void sim_devices_changed(struct sim_account *a, struct sim_device *added,
                         struct sim_device *removed);

#endif
