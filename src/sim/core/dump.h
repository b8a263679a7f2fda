/* The newest stanzas. */
#ifndef SIM_DUMP_H
#define SIM_DUMP_H

#include "sim/core/types.h"

void sim_dump_add(struct sim *sim, const struct sim_device *d, bool is_in, const struct wa_node *n);
json_t *sim_dump_json(struct sim *sim, struct bx_str phone, uint64_t after, size_t limit,
                      uint64_t *out_next);
void sim_dump_free(struct sim *sim);

#endif
