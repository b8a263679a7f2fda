#include "base/mem.h"

#include "base/err.h"

#include <stdlib.h>
#include <string.h>

void *bx_calloc(size_t count, size_t size)
{
    void *ptr = calloc(count ? count : 1, size ? size : 1);
    BX_ASSERT(ptr && "out of memory");
    return ptr;
}

void *bx_realloc(void *ptr, size_t count, size_t size)
{
    size_t total;
    BX_ASSERT(!__builtin_mul_overflow(count, size, &total));
    void *grown = realloc(ptr, total ? total : 1);
    BX_ASSERT(grown && "out of memory");
    return grown;
}

char *bx_strndup(const char *ptr, size_t len)
{
    char *copy = bx_realloc(NULL, len + 1, 1);
    if (len)
        memcpy(copy, ptr, len);
    copy[len] = '\0';
    return copy;
}
