/* Keys of the data directory: made once, readable by the owner only. */
#ifndef WB_SECRETS_H
#define WB_SECRETS_H

#include "base/buf.h"

/* Reads DIR/name (hex), or makes it with `size` random bytes (at most 64). `message` gets the
 * sentence of a failure. */
int wb_secret_file(const char *dir, const char *name, uint8_t *out, size_t size,
                   struct bx_buf *message);

/* A password for people: 16 characters without look-alikes. */
void wb_password_make(char out[17]);

#endif
