/* A QR code as a PNG data URL. */
#ifndef WB_QR_PICTURE_H
#define WB_QR_PICTURE_H

#include "base/arena.h"

/* "data:image/png;base64,…" in the arena. On a lane. BX_E_TOO_BIG. */
int wb_qr_picture(struct bx_str text, struct bx_arena *arena, struct bx_str *out);

#endif
