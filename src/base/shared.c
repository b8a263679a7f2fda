#include "base/shared.h"

#include "base/err.h"
#include "base/mem.h"

#include <stdlib.h>
#include <string.h>

struct bx_shared *bx_shared_new(size_t len)
{
    BX_ASSERT(len < UINT32_MAX - sizeof(struct bx_shared));
    struct bx_shared *s = bx_realloc(NULL, 1, sizeof *s + len);
    s->refs = 1;
    s->len = (uint32_t)len;
    return s;
}

struct bx_shared *bx_shared_copy(const void *ptr, size_t len)
{
    struct bx_shared *s = bx_shared_new(len);
    if (len)
        memcpy(s->data, ptr, len);
    return s;
}

void bx_shared_unref(struct bx_shared *s)
{
    if (s && --s->refs == 0)
        free(s);
}
