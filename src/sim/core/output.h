/* What the network writes to a client. */
#ifndef SIM_OUTPUT_H
#define SIM_OUTPUT_H

#include "sim/core/types.h"

void sim_conn_send(struct sim_conn *c, const struct wa_node *n);
/* Closes after what was sent is out. */
void sim_conn_close(struct sim_conn *c, uint32_t delay_ms);
void sim_conn_cut(struct sim_conn *c);
/* Refuses a client that breaks the protocol. */
void sim_conn_fail(struct sim_conn *c, int rc);

#endif
