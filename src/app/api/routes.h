/* The table of every REST call. */
#ifndef WB_ROUTES_H
#define WB_ROUTES_H

#include "app/rest/route.h"

extern const struct wb_route_list wb_routes;

#endif
