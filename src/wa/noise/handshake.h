/* Noise_XX_25519_AESGCM_SHA256 as WhatsApp speaks it. The client sends hello, the server answers
 * with its encrypted static key and certificate chain, the client finishes with its static key and
 * its payload (ClientPayload).
 *
 *   client: _init, _client_hello, _read_server_hello, (check the certificate), _client_finish
 *   server: _init, _read_client_hello, _server_hello, _read_client_finish
 *
 * Messages are frame payloads. A client that tries IK (whatsapp-rust with a cached server key) is
 * answered as XXfallback, which it must accept. After any failure: close, wipe, do not go on.
 */
#ifndef WA_HANDSHAKE_H
#define WA_HANDSHAKE_H

#include "base/arena.h"
#include "base/buf.h"
#include "crypto/curve.h"
#include "wa/wire/frame.h"

/* The ciphers after the handshake; one per direction, a counter each. */
struct wa_transport {
    uint8_t write_key[32], read_key[32];
    uint32_t write_count, read_count;
};

struct wa_handshake {
    uint8_t hash[32], chain_key[32], key[32];
    uint32_t count;
    bool is_client;
    enum {
        WA_HS_START,     /* client: hello is due; server: waits for it */
        WA_HS_HELLO,     /* client: waits for the server's hello; server: its hello is due */
        WA_HS_FINISHING, /* client: finish is due; server: waits for it */
        WA_HS_DONE
    } state;
    struct cr_keypair statik, ephemeral;
    uint8_t peer_ephemeral[32];
    uint8_t peer_static[32]; /* known after the peer's message that carries it */
    bool was_ik;             /* the client tried IK */
    uint8_t intro[WA_INTRO_SIZE];
};

/* Copies the keys. intro: the four bytes as sent or received; they are hashed as they are. */
void wa_handshake_init(struct wa_handshake *hs, bool is_client, const uint8_t intro[WA_INTRO_SIZE],
                       const struct cr_keypair *statik, const struct cr_keypair *ephemeral);
void wa_handshake_wipe(struct wa_handshake *hs);

/* All of these: BX_E_STATE (out of turn), BX_E_INVALID (malformed), BX_E_CRYPTO (does not
 * authenticate), BX_E_TOO_BIG/BX_E_NOMEM from buffers. Arenas receive the decrypted bytes. */
int wa_handshake_client_hello(struct wa_handshake *hs, struct bx_buf *out);
int wa_handshake_read_server_hello(struct wa_handshake *hs, struct bx_str message,
                                   struct bx_arena *arena, struct bx_str *out_cert_chain);
int wa_handshake_client_finish(struct wa_handshake *hs, struct bx_str payload, struct bx_buf *out,
                               struct wa_transport *transport);

int wa_handshake_read_client_hello(struct wa_handshake *hs, struct bx_str message,
                                   struct bx_arena *arena);
int wa_handshake_server_hello(struct wa_handshake *hs, struct bx_str cert_chain,
                              struct bx_buf *out);
int wa_handshake_read_client_finish(struct wa_handshake *hs, struct bx_str message,
                                    struct bx_arena *arena, struct bx_str *out_payload,
                                    struct wa_transport *transport);

/* Encrypts and appends one whole frame (length included). Order of calls is order on the wire:
 * write at once, in this order. BX_E_TOO_BIG, BX_E_NOMEM: nothing was consumed. BX_E_STATE: the
 * counter is used up; reconnect. */
int wa_transport_seal(struct wa_transport *t, struct bx_str plain, struct bx_buf *out);

/* Opens one frame's payload in place; *out_plain lies within it. BX_E_CRYPTO, BX_E_STATE. */
int wa_transport_open(struct wa_transport *t, uint8_t *sealed, size_t len,
                      struct bx_str *out_plain);

#endif
