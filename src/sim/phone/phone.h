/* Device 0 of an account. */
#ifndef SIM_PHONE_H
#define SIM_PHONE_H

#include "sim/core/types.h"

void sim_phone_init(struct sim_account *a);
void sim_phone_done(struct sim_account *a);
void sim_phone_receive(struct sim_account *a, const struct sim_delivery *m, struct bx_arena *arena);
void sim_phone_on_receipt(struct sim_account *a, struct sim_account *from, unsigned from_device,
                          const struct wa_node *receipt);
/* Encrypts for one companion and delivers; peer messages have category "peer" and no chat. */
int sim_phone_send_to_device(struct sim_account *a, struct sim_account *to, unsigned device,
                             const Wap__Message *message, const struct sim_delivery *base,
                             struct bx_arena *arena);
void sim_phone_bootstrap_later(struct sim_device *d);
/* <enc> for one device; count > 0: a resend. */
int sim_phone_encrypt(struct sim_account *a, struct sim_account *to, unsigned device,
                      struct bx_str packed, unsigned count, struct bx_arena *arena,
                      struct wa_node **out);
/* message NULL: it did not open. */
void sim_phone_record(struct sim_account *a, const struct sim_delivery *m,
                      struct sim_account *author, const Wap__Message *message);

extern const struct sim_phone_ops sim_phone_ops;

#endif
