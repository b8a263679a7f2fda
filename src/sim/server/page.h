/* The page of the phones. */
#ifndef SIM_PAGE_H
#define SIM_PAGE_H

#include "sim/core/types.h"

bool sim_page_handle(struct sim *sim, struct http_exchange *x);

#endif
