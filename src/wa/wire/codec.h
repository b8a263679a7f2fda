/* The binary node codec. A payload is one byte of flags (bit 1: the rest is zlib) and one node.
 * A node is a list of 2 * attributes + 1 (+ 1 with content) items. Values are tokens of a
 * dictionary, JIDs, packed digits or raw bytes.
 *
 * Source: the protocol map, section 2; checked byte for byte against Baileys' encoder.
 */
#ifndef WA_CODEC_H
#define WA_CODEC_H

#include "wa/wire/node.h"
#include "wa/wire/tokens.h"

enum {
    WA_CODEC_MAX_DEPTH = 32,
    WA_CODEC_MAX_ATTRS = 512,
    WA_CODEC_MAX_INFLATED = 16 << 20,
    WA_FLAG_DEFLATED = 2
};

/* Copies the payload into the arena (and inflates it there), so the tree borrows nothing.
 * BX_E_TRUNCATED, BX_E_INVALID, BX_E_TOO_DEEP, BX_E_TOO_BIG (a cap of this header or of the
 * arena). Bytes behind the node are ignored, as all clients do. */
int wa_decode(enum wa_dict dict, struct bx_str payload, struct bx_arena *arena,
              struct wa_node **out);

/* Appends flags and node. BX_E_TOO_BIG (the buffer's cap, or a length the format cannot say),
 * BX_E_INVALID (an empty tag, or a JID attribute that is none); the buffer is as before then. */
int wa_encode(enum wa_dict dict, const struct wa_node *n, struct bx_buf *out);

/* The same, deflated: only servers send this. */
int wa_encode_deflated(enum wa_dict dict, const struct wa_node *n, struct bx_buf *out);

/* zlib or gzip data of a peer, appended to out up to the buffer's max_bytes. BX_E_INVALID,
 * BX_E_TRUNCATED, BX_E_TOO_BIG. For history blobs and the like as well. */
int wa_inflate(struct bx_str deflated, struct bx_buf *out);
int wa_deflate(struct bx_str plain, struct bx_buf *out);

#endif
