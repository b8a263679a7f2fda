/* The opening handshake (RFC 6455 section 4), sans-I/O. ws_handshake_check of ws_conn.h is here as
 * well. */
#ifndef WS_HANDSHAKE_H
#define WS_HANDSHAKE_H

#include "base/buf.h"
#include "net/http/http_server.h"
#include "net/ws/ws_deflate.h"

enum { WS_KEY_SIZE = 25, WS_ACCEPT_SIZE = 29 }; /* with NUL */

void ws_accept_key(struct bx_str key, char out[WS_ACCEPT_SIZE]);

/* A comma-separated header value holds the token (case-insensitive). */
bool ws_has_token(struct bx_str value, struct bx_str token);

/* Server: appends the 101 for a request that passed ws_handshake_check. config NULL: no
 * compression. *out_is_deflate tells whether *out_params was agreed. */
void ws_answer_write(const struct http_request *r, struct bx_str extra_headers,
                     bool is_echo_protocol, const struct ws_deflate_config *config,
                     struct bx_buf *out, struct ws_deflate_params *out_params,
                     bool *out_is_deflate);

struct ws_url {
    char *host; /* without brackets; yours to free */
    char *target;
    char *authority; /* for the Host header */
    uint16_t port;
    bool is_tls;
};
/* BX_E_INVALID: not ws:// or wss://, or with user, fragment or control characters. */
int ws_url_parse(const char *url, struct ws_url *out);
void ws_url_done(struct ws_url *url);

/* Client: appends the request. key is 16 random bytes in base64. */
void ws_request_write(const struct ws_url *url, const char *key, const char *extra_headers,
                      const struct ws_deflate_config *config, struct bx_buf *out);

/* Client: checks the head of the answer, up to and with the empty line. BX_E_AUTH (401),
 * BX_E_DENIED (403), BX_E_NOT_FOUND (404), BX_E_RATE_LIMITED (429), BX_E_UNAVAILABLE (5xx),
 * BX_E_INVALID (any other status, wrong accept key, an extension or subprotocol that was not asked
 * for). */
int ws_answer_check(struct bx_str head, const char *key, const char *extra_headers,
                    const struct ws_deflate_config *config, struct ws_deflate_params *out_params,
                    bool *out_is_deflate);

#endif
