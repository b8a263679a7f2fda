/* From what a client sent to who it is: logins and api keys. */
#ifndef WB_CREDENTIALS_H
#define WB_CREDENTIALS_H

#include "app/access/access.h"
#include "app/core/context.h"

enum { WB_IP_SIZE = 46 };

/* What a request or a socket handshake brought. */
struct wb_credentials {
    struct bx_str text; /* token or key, without "Bearer "; empty: none */
    bool is_api_key;
};

/* From the headers: X-Api-Key, else Authorization. BX_E_INVALID: Authorization is there, but not
 * "Bearer …". */
int wb_credentials_of(const struct http_request *r, struct wb_credentials *out);
/* "Bearer x" or "x" to x; empty when there is none. */
struct bx_str wb_bearer(struct bx_str header);

/* Where a call came from: the peer, or with TRUST_PROXY the last hop that the proxy saw. */
void wb_client_ip(const struct wb_app *app, struct bx_str peer, struct bx_str forwarded_for,
                  char out[WB_IP_SIZE]);

/* Who is it? Any thread. On failure *out_why is the sentence of the 401 (static).
 *   BX_E_AGAIN      not in memory: call wb_authenticate_learn on a lane, then ask again
 *   BX_E_NOT_FOUND  missing      BX_E_INVALID  malformed      BX_E_AUTH  not ours
 *   BX_E_EXPIRED    expired      BX_E_CLOSED   revoked */
int wb_authenticate(struct wb_app *app, const struct wb_credentials *c, struct wb_principal *out,
                    const char **out_why);
/* On a lane: brings the login or key into memory. BX_E_NOT_FOUND: it is not in the store. */
int wb_authenticate_learn(struct wb_app *app, struct st_conn *conn, const struct wb_credentials *c);

#endif
