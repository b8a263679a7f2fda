/* Engine.IO packets and polling payloads, v4 and v3. Sans-I/O.
 * Source: engine.io-protocol v4 and v3 and the behaviour of engine.io-parser 5 and 2.
 */
#ifndef EIO_PACKET_H
#define EIO_PACKET_H

#include "base/arena.h"
#include "base/buf.h"
#include "base/shared.h"

enum eio_type {
    EIO_OPEN = '0',
    EIO_CLOSE = '1',
    EIO_PING = '2',
    EIO_PONG = '3',
    EIO_MESSAGE = '4',
    EIO_UPGRADE = '5',
    EIO_NOOP = '6',
};

/* An outgoing packet: immutable, reference counted (one thread), encoded for a WebSocket at most
 * once. */
struct eio_packet {
    uint32_t refs;
    uint8_t type; /* enum eio_type */
    bool is_binary;
    bool is_compress;
    struct bx_shared *frame; /* WebSocket frame, made on first use */
    size_t len;
    uint8_t data[];
};

/* Copies head and body one behind the other; returns it with one reference. */
struct eio_packet *eio_packet_new(enum eio_type type, bool is_binary, struct bx_str head,
                                  struct bx_str body);
struct eio_packet *eio_packet_ref(struct eio_packet *p);
void eio_packet_unref(struct eio_packet *p);

/* The frame that carries it to an Engine.IO v4 client, borrowed from the packet. */
struct bx_shared *eio_packet_frame(struct eio_packet *p);

/* --- polling payloads --- */

/* Appends packets as one payload. v4: joined by 0x1e, binary as b<base64>. v3: <length in UTF-16
 * units>:<packet>, binary as b4<base64>; when one is binary and the client can take it
 * (is_binary_ok), the binary form, and *out_is_binary. */
int eio_payload_encode(int protocol, bool is_binary_ok, struct eio_packet *const *packets,
                       size_t count, struct bx_buf *out, bool *out_is_binary);

/* One decoded packet; data may be a slice of the body or of scratch memory in the arena. */
struct eio_incoming {
    uint8_t type;
    bool is_binary;
    uint8_t *data;
    size_t len;
};

/* Takes the next packet off *rest. 1: *out filled; 0: end; BX_E_INVALID: the rest is not a payload
 * (what came before counts). */
int eio_payload_next(int protocol, bool is_binary_body, struct bx_str *rest, struct bx_arena *arena,
                     struct eio_incoming *out);

#endif
