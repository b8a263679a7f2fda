/* Key bundles. */
#ifndef SIM_PREKEYS_H
#define SIM_PREKEYS_H

#include "sim/core/iq.h"
#include "sim/core/types.h"

sim_iq_fn sim_on_prekey_count, sim_on_prekey_digest, sim_on_prekey_fetch, sim_on_prekey_upload,
    sim_on_prekey_rotate;

struct sim_bundle_source {
    struct sim_account *account;
    struct sim_device *device; /* NULL: the phone */
};
bool sim_prekey_take(struct sim_device *d, struct sim_prekey *out);
struct wa_node *sim_bundle_node(struct sim *sim, struct bx_arena *arena,
                                const struct sim_bundle_source *from, bool is_for_retry);

#endif
