/* Framing: three bytes of big-endian length and a payload, over any cutting into WebSocket
 * messages. Before its first frame the client sends an intro ("WA", 6, dictionary), and before that
 * perhaps an edge routing header ("ED", 0, 1, length, bytes), which is not part of the handshake
 * hash.
 */
#ifndef WA_FRAME_H
#define WA_FRAME_H

#include "base/buf.h"
#include "wa/wire/tokens.h"

enum { WA_INTRO_SIZE = 4, WA_FRAME_MAX = (1 << 24) - 1, WA_ROUTING_MAX = 4096 };

struct wa_frame_reader {
    struct bx_buf buf;
    size_t taken; /* bytes of buf that were handed out */
    size_t max_frame;
    enum { WA_FRAME_EXPECT_INTRO, WA_FRAME_EXPECT_FRAME } state;
    uint8_t intro[WA_INTRO_SIZE]; /* as received; valid once state is EXPECT_FRAME */
};

/* is_server: an intro comes first. max_frame 0 means WA_FRAME_MAX. */
void wa_frame_reader_init(struct wa_frame_reader *r, bool is_server, size_t max_frame);
void wa_frame_reader_done(struct wa_frame_reader *r);

/* Adds received bytes. Slices from _next die. BX_E_NOMEM. */
int wa_frame_feed(struct wa_frame_reader *r, struct bx_str bytes);

/* 1 and the next frame's payload (valid until the next _feed), 0 when more bytes are needed,
 * BX_E_TOO_BIG (frame beyond max_frame), BX_E_INVALID (no intro of a dictionary we have): close. */
int wa_frame_next(struct wa_frame_reader *r, struct bx_str *out_payload);

/* Dictionary of the client, once its intro came. */
enum wa_dict wa_frame_dict(const struct wa_frame_reader *r);

/* What a client sends before its first frame: 57 41 06 dict. */
void wa_intro(enum wa_dict dict, uint8_t out[WA_INTRO_SIZE]);
/* Routing header (nothing when routing is empty) and intro. BX_E_TOO_BIG. */
int wa_intro_append(enum wa_dict dict, struct bx_str routing, struct bx_buf *out);

/* Length and payload. BX_E_TOO_BIG. */
int wa_frame_append(struct bx_str payload, struct bx_buf *out);

#endif
