/* Trusted-contact tokens. */
#ifndef SIM_TOKEN_H
#define SIM_TOKEN_H

#include "sim/core/types.h"

void sim_token_issue(struct sim_account *from, struct sim_account *to, struct bx_str t,
                     struct bx_arena *arena);
/* The stanza of `by` shows the token that a restricted account gave it (or a is not restricted). */
bool sim_token_admits(const struct sim_account *a, const struct sim_account *by,
                      const struct wa_node *stanza);
/* Push names may carry flags. */
bool sim_token_name_restricts(struct bx_str push_name);

#endif
