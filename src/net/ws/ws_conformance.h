/* For the tests of the WebSocket engine: our own cases for every section of the Autobahn fuzzing
 * suite, at the level of bytes. The rows are written in a small notation that becomes frames
 * without the code under test:
 *
 *   T:text B:bytes C:continuation X:close P:ping O:pong   a frame; the payload ends at a space
 *   -T            FIN is not set          ~T   RSV1, ^T RSV2, !T RSV3      #b  opcode 11
 *   %9T:          a message in frames of 9 bytes
 *   \e9           a byte of the payload   _    a space        a*300  "a" 300 times
 *   [80-be]       each byte of a range     [c0-de_]  each with a space behind
 *   =8100         raw bytes */
#ifndef WS_CONFORMANCE_H
#define WS_CONFORMANCE_H

#include "base/buf.h"
#include "base/test.h"
#include "net/ws/ws_conn.h"
#include "net/ws/ws_proto.h"

extern const uint8_t wst_mask[4];

struct wst_row {
    const char *name, *in, *out;
    uint16_t code;   /* how it ends; 0: stays open */
    size_t fails_at; /* fed byte by byte as a server: the byte that ends it; 0: not checked */
};
extern const struct wst_row wst_rows[];
extern const size_t wst_row_count;

void wst_frame(struct bx_buf *out, uint8_t first, struct bx_str payload, bool is_masked);
/* In frames of at most `fragment` bytes; 0: in one. */
void wst_message(struct bx_buf *out, uint8_t first, struct bx_str payload, size_t fragment,
                 bool is_masked);
void wst_notation(const char *text, bool is_masked, struct bx_buf *out);

/* One end with an application that echoes. */
struct wst_end {
    struct ws_proto proto;
    struct bx_buf out, last;
    uint16_t code;
    unsigned ends, messages;
    bool is_clogged, is_silent;
};

void wst_end_init(struct wst_end *e, bool is_client, size_t max, struct ws_deflate *deflate);
void wst_end_done(struct wst_end *e);
/* Every piece is an exact-size heap copy: it is scratch, and a read beyond it is seen. Returns the
 * bytes fed when the end came, or all. */
size_t wst_feed(struct wst_end *e, struct bx_str bytes, size_t step);

#endif
