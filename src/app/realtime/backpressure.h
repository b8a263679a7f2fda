/* Back-pressure of sockets: nothing large is computed for a reader who has not taken what he was
 * sent, and for one user only a few answers at the same time. Loop thread. */
#ifndef WB_BACKPRESSURE_H
#define WB_BACKPRESSURE_H

#include "app/realtime/realtime_internal.h"

/* At start and at the end of realtime. */
void wb_backpressure_open(struct wb_realtime *rt);
/* Starts what still waits: its sockets are gone, so that it ends at once. */
void wb_backpressure_close(struct wb_realtime *rt);

/* A connected agent counts among the sockets of its user. */
void wb_backpressure_join(struct wb_agent *a);
void wb_backpressure_leave(struct wb_agent *a); /* safe on one that did not join */

/* The socket owes more unsent bytes than allowed, or the sockets of its user together do. False for
 * one that is not connected: what was meant for it can end. */
bool wb_reader_is_slow(struct sio_socket *socket);
/* So slow that nothing at all is answered. */
bool wb_reader_is_stuck(const struct sio_socket *socket);

/* Takes a turn for an answer of this agent's user; see core/inflight.h. */
int wb_answer_take(struct wb_agent *a, struct wb_ticket *t);
void wb_answer_give(struct wb_realtime *rt, struct wb_ticket *t);

#endif
