/* Store and forward. */
#ifndef SIM_QUEUE_H
#define SIM_QUEUE_H

#include "sim/core/types.h"

void sim_deliver(struct sim_device *d, const struct wa_node *stanza);
/* What answers a retry receipt: is not corrupted again. */
void sim_deliver_resend(struct sim_device *d, const struct wa_node *stanza);
/* Writes everything that was not acknowledged, as offline stanzas. */
void sim_queue_flush(struct sim_device *d);
/* A receipt of a message: the first written message of that id. */
void sim_queue_ack(struct sim_device *d, struct bx_str id);
/* An <ack>: the first written stanza of its class and id, for a receipt of its type and sender too. */
void sim_queue_ack_stanza(struct sim_device *d, const struct wa_node *ack);
/* Connection lost: what was written but not acknowledged comes again. */
void sim_queue_unwrite(struct sim_device *d);
void sim_queue_free(struct sim_device *d);
/* Ends is_holding: what waits is written, a slice per device and turn. */
void sim_queue_let_go(struct sim *sim);
bool sim_sent_before(struct sim_device *d, struct bx_str chat, struct bx_str id);
size_t sim_queue_pending(const struct sim_device *d);
void sim_queue_release_held(struct sim_device *d);

#endif
