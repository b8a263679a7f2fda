/* The media host. */
#ifndef SIM_MEDIA_H
#define SIM_MEDIA_H

#include "sim/core/types.h"

bool sim_media_owns(const struct http_request *r);
void sim_media_handle(struct sim *sim, struct http_exchange *x);

#endif
