/* JSON without a tree (RFC 8259): a validating scanner over UTF-8 text that the caller holds, and
 * cursors over values it has accepted. Nothing is allocated; a value is a slice of the text. libsio
 * treats payloads as opaque JSON: it finds the event name, argument borders and binary placeholders
 * with this and never re-encodes.
 *
 * The text must be valid UTF-8 already (bx_utf8_is_valid); the scanner checks everything else,
 * escapes included.
 */
#ifndef BX_JSON_SCAN_H
#define BX_JSON_SCAN_H

#include "base/arena.h"
#include "base/str.h"

enum { BX_JSON_MAX_DEPTH = 64 };

/* Scans one value from the front of *rest (leading white space allowed), gives its slice and moves
 * *rest behind it. BX_E_INVALID, BX_E_TRUNCATED (text ended inside the value), BX_E_TOO_DEEP. */
int bx_json_scan(struct bx_str *rest, unsigned max_depth, struct bx_str *out_value);

/* The whole text is exactly one value with optional white space around. *out_error_at (may be NULL)
 * is the offset of the first wrong byte on failure. */
int bx_json_check(struct bx_str text, unsigned max_depth, struct bx_str *out_value,
                  size_t *out_error_at);

/* Line and column (both from 1, column in bytes) of an offset, for messages to a person. */
void bx_json_position(struct bx_str text, size_t offset, unsigned *out_line, unsigned *out_column);

/* --- Cursors over accepted values. They trust the scanner: use them only on slices it produced.
 * --- */

enum bx_json_type {
    BX_JSON_NULL,
    BX_JSON_BOOL,
    BX_JSON_NUMBER,
    BX_JSON_STRING,
    BX_JSON_ARRAY,
    BX_JSON_OBJECT
};
enum bx_json_type bx_json_type(struct bx_str value);

/* Inside of an array or object: start with *cursor = bx_json_inside(value). */
struct bx_str bx_json_inside(struct bx_str value);

/* Next array element; false at the end. */
bool bx_json_next(struct bx_str *cursor, struct bx_str *out_element);

/* Next member; key is the raw slice between its quotes (escapes not decoded). */
bool bx_json_next_member(struct bx_str *cursor, struct bx_str *out_key, struct bx_str *out_value);

/* Last member with that key, compared after decoding escapes (JSON.parse semantics); false when
 * absent or not an object. */
bool bx_json_get(struct bx_str object, struct bx_str key, struct bx_str *out_value);

/* Decoded string. In place when it has no escapes (out borrows the text), else a copy in the arena.
 * Lone surrogates become U+FFFD. BX_E_INVALID when the value is not a string, BX_E_TOO_BIG beyond
 * the arena's cap. */
int bx_json_string(struct bx_str value, struct bx_arena *arena, struct bx_str *out);

/* BX_E_INVALID when not an integer within +-2^53. "1.0" and "1e2" are not integers here. */
int bx_json_int(struct bx_str value, int64_t *out);

#endif
