/* One connection to the server: WebSocket, frames, Noise, nodes. Knows nothing of stanzas.
 * Embedded in its client; loop thread.
 */
#ifndef WA_CONN_H
#define WA_CONN_H

#include "net/timer.h"
#include "net/ws/ws_conn.h"
#include "wa/noise/handshake.h"
#include "wa/wire/node.h"

struct wa_conn;

struct wa_conn_handler {
    /* Payload of the client's last handshake message, appended to out. */
    int (*payload)(struct wa_conn *c, struct bx_buf *out, void *arg);
    /* One stanza. The tree lives in *arena; to keep it, take the arena: set *arena to NULL, then
     * it is yours (wa_arena_free). */
    void (*on_node)(struct wa_conn *c, struct wa_node *node, struct bx_arena **arena, void *arg);
    /* Once, when the connection ended by itself: BX_E_CLOSED, BX_E_TIMEOUT, BX_E_AUTH (not the
     * server, by its TLS certificate or its chain), BX_E_CRYPTO, BX_E_INVALID (garbage) ... Not after wa_conn_close. */
    void (*on_end)(struct wa_conn *c, int rc, void *arg);
    void *arg;
};

struct wa_conn_opts {
    const char *url;
    struct net_tls_ctx *tls;
    const uint8_t (*roots)[32];
    size_t root_count;
    bool is_cert_unchecked;
    const struct cr_keypair *noise;
    struct bx_str routing; /* edge routing of an earlier connection, or empty */
};

struct wa_conn {
    struct net_loop *loop;
    struct wa_conn_handler handler;
    struct wa_conn_opts opts;
    struct ws_conn *ws; /* NULL: closed */
    struct wa_frame_reader reader;
    struct wa_handshake *handshake; /* until the transport stands */
    struct wa_transport transport;
    struct net_timer timer; /* handshake */
    uint64_t generation;    /* counts connections, so that a loop over frames notices its end */
    uint64_t last_rx_ms;
    bool is_ready; /* transport stands */
};

void wa_conn_init(struct wa_conn *c, struct net_loop *loop, const struct wa_conn_handler *handler);
void wa_conn_done(struct wa_conn *c);

/* Keeps what opts points at. Failures come as on_end, except BX_E_INVALID (bad url). */
int wa_conn_open(struct wa_conn *c, const struct wa_conn_opts *opts);
/* Flushes and closes; no callback follows. */
void wa_conn_close(struct wa_conn *c);

/* Writes a stanza. BX_E_CLOSED, or what the encoder says. */
int wa_conn_send(struct wa_conn *c, const struct wa_node *node);

struct bx_arena *wa_arena_new(size_t max_bytes);
void wa_arena_free(struct bx_arena *a);

#endif
