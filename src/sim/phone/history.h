/* What a phone sends to a new companion. */
#ifndef SIM_HISTORY_H
#define SIM_HISTORY_H

#include "sim/core/types.h"

void sim_phone_send_peer(struct sim_account *a, struct sim_device *d, Wap__Message *m,
                         struct bx_arena *arena);
void sim_phone_send_history(struct sim_account *a, struct sim_device *d);
void sim_phone_send_app_key(struct sim_account *a, struct sim_device *d);

#endif
