/* docs/API.md: REST, events and objects as a document for people. */
#ifndef WB_API_MD_H
#define WB_API_MD_H

#include "app/rest/route.h"

/* Appends the whole document. */
int wb_api_md_write(const struct wb_route_list *routes, struct bx_buf *out);

#endif
