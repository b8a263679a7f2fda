/* The first hand on every HTTP request: CORS, then who it is for. Loop thread. */
#ifndef WB_FRONT_H
#define WB_FRONT_H

#include "app/core/context.h"

extern const struct http_handler wb_front_handler; /* arg: struct wb_app */

#endif
