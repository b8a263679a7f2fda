/* When the network is written to its file: persist.c does it once the timer fires. */
#include "sim/core/save.h"

enum { PAUSE_MIN_MS = 500, PAUSE_FACTOR = 20 }; /* PAUSE_FACTOR: times what the last save took */

void sim_save_later(struct sim *sim)
{
    uint64_t pause = sim->save_took_ms * PAUSE_FACTOR;
    if (sim->data_dir && !net_timer_is_active(&sim->save_timer))
        net_timer_start(sim->loop, &sim->save_timer, pause > PAUSE_MIN_MS ? pause : PAUSE_MIN_MS);
}
