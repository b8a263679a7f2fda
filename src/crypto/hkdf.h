/* Key derivation: HKDF-SHA256 (RFC 5869) and PBKDF2-HMAC-SHA256 (RFC 8018). Any thread. */
#ifndef CR_HKDF_H
#define CR_HKDF_H

#include "base/str.h"

/* An empty salt means 32 zero bytes, as the RFC says. out_len at most 255 * 32. */
void cr_hkdf_sha256(struct bx_str salt, struct bx_str ikm, struct bx_str info, uint8_t *out,
                    size_t out_len);

/* Slow on purpose (about 0.4 us per iteration): belongs on a lane. */
void cr_pbkdf2_sha256(struct bx_str password, struct bx_str salt, unsigned iterations, uint8_t *out,
                      size_t out_len);

#endif
