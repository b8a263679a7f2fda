/* permessage-deflate (RFC 7692): the negotiation and the streams, sans-I/O.
 *
 * Without context takeover all connections of a thread share one set of zlib streams, so an idle
 * connection holds no zlib memory at all; with takeover a direction has a stream of its own from
 * its first compressed message on (about 260 KiB to compress, 40 KiB to inflate).
 */
#ifndef WS_DEFLATE_H
#define WS_DEFLATE_H

#include "base/buf.h"
#include "base/str.h"

/* What was agreed. "server" and "client" are the ends of the connection, as in the RFC. */
struct ws_deflate_params {
    bool is_server_takeover, is_client_takeover;
    uint8_t server_window_bits, client_window_bits; /* 8..15 */
};

/* What we are willing to do. */
struct ws_deflate_config {
    bool is_server_takeover, is_client_takeover; /* allowed at all */
    uint8_t window_bits;                         /* most we want for either side: 9..15; 0: 15 */
};

enum { WS_DEFLATE_ANSWER_SIZE = 160 };

/* Server: takes the first acceptable offer of a Sec-WebSocket-Extensions value. True: *out is
 * agreed and answer holds the value of our header. False: no acceptable offer; go on without
 * compression. Offers with unknown, repeated or malformed parameters are declined (section 7.1). */
bool ws_deflate_accept(struct bx_str offers, const struct ws_deflate_config *config,
                       struct ws_deflate_params *out, char answer[WS_DEFLATE_ANSWER_SIZE]);

/* Client: writes our offer; returns its length. */
size_t ws_deflate_offer(const struct ws_deflate_config *config, char out[WS_DEFLATE_ANSWER_SIZE]);

/* Client: checks the server's answer to that offer. An empty answer: *out_is_on false.
 * BX_E_INVALID: it holds something we did not offer; the connection must fail. */
int ws_deflate_answer_check(struct bx_str answer, const struct ws_deflate_config *config,
                            struct ws_deflate_params *out, bool *out_is_on);

struct ws_deflate;

/* Belongs to the calling thread; returns it (free with _free). level 1..9. */
struct ws_deflate *ws_deflate_new(const struct ws_deflate_params *params, bool is_client,
                                  int level);
void ws_deflate_free(struct ws_deflate *d); /* NULL is allowed */

/* False when the agreed window is one that zlib cannot make (256 bytes): send uncompressed. */
bool ws_deflate_can_compress(const struct ws_deflate *d);

/* Compresses one message of two pieces. *out is valid until the next ws_deflate call on this
 * thread. BX_E_UNSUPPORTED: send uncompressed: it would not get smaller and no context is lost by
 * that, or can_compress is false. */
int ws_deflate_compress(struct ws_deflate *d, struct bx_str head, struct bx_str body,
                        struct bx_str *out);

/* Inflates one message into out, never beyond max_bytes. BX_E_TOO_BIG (answer 1009; a bomb is
 * stopped at the cap), BX_E_INVALID (1007), BX_E_NOMEM. Afterwards the stream is broken: close. */
int ws_deflate_inflate(struct ws_deflate *d, struct bx_str in, size_t max_bytes,
                       struct bx_buf *out);

/* A buffer for ws_deflate_inflate that all connections of this thread share. */
struct bx_buf *ws_deflate_scratch(struct ws_deflate *d);

/* Streams that are allocated for d alone. */
unsigned ws_deflate_streams(const struct ws_deflate *d);

#endif
