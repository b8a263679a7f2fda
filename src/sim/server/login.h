/* Between the handshake and a working connection. */
#ifndef SIM_LOGIN_H
#define SIM_LOGIN_H

#include "sim/core/types.h"

void sim_login_start(struct sim_conn *c); /* the settle delay is over */
int sim_login_read_payload(struct sim_conn *c, struct bx_str payload, struct bx_arena *arena);
void sim_login_active(struct sim_conn *c);
void sim_stream_error(struct sim_conn *c, const char *code, const char *conflict);

#endif
