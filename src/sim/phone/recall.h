/* What a phone remembers for companions that could not open a message. */
#ifndef SIM_RECALL_H
#define SIM_RECALL_H

#include "sim/core/types.h"

void sim_recall_keep(struct sim_account *a, const struct sim_delivery *m,
                     const Wap__Message *message);
void sim_recall_answer(struct sim_account *a, struct sim_device *d, struct bx_str request_id,
                       const Wap__PeerDataRequest *request);
void sim_recall_done(struct sim_account *a);

#endif
