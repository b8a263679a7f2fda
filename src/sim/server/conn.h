/* One WebSocket of a client. */
#ifndef SIM_CONN_H
#define SIM_CONN_H

#include "sim/core/types.h"

void sim_conn_accept(struct sim *sim, struct http_exchange *x);

#endif
