/* bx_shared: immutable bytes with a reference count, for fan-out: a frame is encoded once and every
 * recipient's queue holds one reference. The count is not atomic: a shared object belongs to one
 * thread at a time (it may be built on a lane and handed to the loop, but never be held by both).
 */
#ifndef BX_SHARED_H
#define BX_SHARED_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

struct bx_shared {
    uint32_t refs;
    uint32_t len;
    uint8_t data[];
};

/* Room for len bytes (less than 4 GiB) which the caller fills before it shares them; returns it
 * with one reference. Aborts without memory. */
struct bx_shared *bx_shared_new(size_t len);
struct bx_shared *bx_shared_copy(const void *ptr, size_t len);

static inline struct bx_shared *bx_shared_ref(struct bx_shared *s)
{
    s->refs++;
    return s;
}

/* Takes one reference; frees with the last. NULL is allowed. */
void bx_shared_unref(struct bx_shared *s);

static inline struct bx_str bx_shared_view(const struct bx_shared *s)
{
    return (struct bx_str){(const char *)s->data, s->len};
}

#endif
