/* Which faults of the network an account has. */
#include "sim/core/faults.h"

const struct sim_faults *sim_faults_of(const struct sim_account *a)
{
    return a->faults.is_set ? &a->faults : &a->sim->faults;
}
