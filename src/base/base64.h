/* Base64 (RFC 4648): standard and URL alphabets. */
#ifndef BX_BASE64_H
#define BX_BASE64_H

#include "base/str.h"

enum bx_base64_alphabet { BX_BASE64_STD, BX_BASE64_URL, BX_BASE64_URL_NOPAD, BX_BASE64_STD_NOPAD };

#define BX_BASE64_SIZE(len) (((len) + 2) / 3 * 4 + 1) /* with NUL */

/* out has BX_BASE64_SIZE(len) bytes; returns the length without the NUL. */
size_t bx_base64_encode(enum bx_base64_alphabet alphabet, const void *ptr, size_t len, char *out);

/* Accepts both alphabets, missing padding allowed. out has room for 3 * s.len / 4 + 1 bytes; out ==
 * s.ptr is allowed. BX_E_INVALID on any other byte, on data behind the padding or a single
 * left-over digit. */
int bx_base64_decode(struct bx_str s, uint8_t *out, size_t *out_len);

#endif
