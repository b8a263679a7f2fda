/* Linking: QR refs, pair-success, the eight-character code. */
#ifndef SIM_PAIR_H
#define SIM_PAIR_H

#include "sim/core/types.h"

void sim_pair_send_refs(struct sim_conn *c, struct bx_arena *arena);
struct sim_conn *sim_pair_find_ref(struct sim *sim, struct bx_str ref);
int sim_pair_link(struct sim_conn *c, struct sim_account *a, const uint8_t secret[32],
                  struct sim_device **out);
void sim_pair_on_sign(struct sim_conn *c, const struct wa_node *iq, struct bx_arena *arena);
void sim_pair_on_code_stanza(struct sim_conn *c, const struct wa_node *iq, struct bx_arena *arena);
/* BX_E_NOT_FOUND: nobody waits; BX_E_AUTH: not a code. Otherwise on_done says, once, whether the
 * companion's answer opened. */
int sim_pair_enter_code(struct sim *sim, struct sim_account *a, struct bx_str code,
                        void (*on_done)(void *arg, int rc, const struct sim_device *d), void *arg);
void sim_pair_forget(struct sim_conn *c);

#endif
