/* Cross-origin rules: one list of origins for REST, polling and WebSocket upgrades. Loop thread. */
#ifndef WB_CORS_H
#define WB_CORS_H

#include "net/http/http_server.h"

struct wb_cors;

/* `origins` is a comma list (may be NULL), to which the development origins on localhost are added.
 */
struct wb_cors *wb_cors_new(const char *origins);
void wb_cors_free(struct wb_cors *c);
const char *wb_cors_list(const struct wb_cors *c); /* everything allowed, comma separated */

/* Is the origin on the list, or the page's own server (`host` of the request)? An empty origin is
 * no browser: fine. */
bool wb_cors_allows(const struct wb_cors *c, struct bx_str origin, struct bx_str host);

/* Adds the headers for a listed origin. */
void wb_cors_add(const struct wb_cors *c, struct http_exchange *x);

/* Answers a preflight; false when the request is none. */
bool wb_cors_preflight(const struct wb_cors *c, struct http_exchange *x);

#endif
