/* One end of a WebSocket after the handshake, sans-I/O (RFC 6455 sections 5 to 8, RFC 7692): bytes
 * in, messages and the answers that the protocol itself owes (pongs, close frames) out.
 *
 * A whole unfragmented message is handed out from the caller's bytes, unmasked in place; only a
 * frame that straddles two feeds or a fragmented message gets memory, which goes when it is
 * complete.
 */
#ifndef WS_PROTO_H
#define WS_PROTO_H

#include "net/ws/ws_deflate.h"
#include "net/ws/ws_frame.h"

struct ws_proto;

enum ws_proto_state {
    WS_PROTO_OPEN,
    WS_PROTO_CLOSE_SENT, /* waits for the peer's close frame; messages are thrown away unread */
    WS_PROTO_CLOSED,     /* all input is ignored */
};

/* What the engine needs from its owner. Each may call ws_proto_close; none may call ws_proto_done.
 */
struct ws_proto_events {
    /* data is writable scratch, valid during the call; text is valid UTF-8. */
    void (*on_message)(struct ws_proto *p, bool is_binary, uint8_t *data, size_t len);
    /* The close handshake is complete (our own close frame is written). 1005: no code. */
    void (*on_closed)(struct ws_proto *p, uint16_t code, struct bx_str reason);
    /* The peer broke a rule; a close frame with the code is written, unless one was before. */
    void (*on_failed)(struct ws_proto *p, uint16_t code);
    void (*write)(struct ws_proto *p, const uint8_t *frame, size_t len);
    /* Client role: a fresh random mask. */
    void (*mask)(struct ws_proto *p, uint8_t out[4]);
    /* So much output waits for the peer that pongs would only feed a flood. */
    bool (*is_clogged)(struct ws_proto *p);
};

/* What one feed brought. */
struct ws_proto_counts {
    uint32_t frames, messages, pings, pongs_skipped;
    size_t bytes; /* payload of messages, as sent */
    bool is_bomb; /* failed with 1009 after inflating */
};

struct ws_partial;

struct ws_proto {
    const struct ws_proto_events *events; /* kept */
    struct ws_partial *partial;           /* NULL between messages */
    struct ws_deflate *deflate;           /* owned; NULL: not negotiated */
    uint32_t max_message_bytes;
    uint8_t state; /* enum ws_proto_state */
    bool is_client;
};

/* Embeds. max_message_bytes below 1 GiB. Takes deflate (may be NULL). */
void ws_proto_init(struct ws_proto *p, const struct ws_proto_events *events, bool is_client,
                   size_t max_message_bytes, struct ws_deflate *deflate);
void ws_proto_done(struct ws_proto *p);

/* data is used as scratch. Adds to *counts. */
void ws_proto_feed(struct ws_proto *p, uint8_t *data, size_t len, struct ws_proto_counts *counts);

/* Writes our close frame, once. Code 1005: an empty one. The reason is cut to 123 bytes at a
 * character's border. */
void ws_proto_close(struct ws_proto *p, uint16_t code, struct bx_str reason);

/* Writes a ping or pong; nothing unless open. */
void ws_proto_control(struct ws_proto *p, uint8_t opcode, struct bx_str payload);

#endif
