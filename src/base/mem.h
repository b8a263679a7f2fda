/* Heap allocation for sizes that we chose ourselves: running out is fatal, so callers have no error
 * path. Sizes that a peer chose go through bx_buf or bx_arena_try_alloc, which have caps and report
 * BX_E_NOMEM/BX_E_TOO_BIG.
 */
#ifndef BX_MEM_H
#define BX_MEM_H

#include <stddef.h>

/* Zeroed memory, aborts when there is none; returns it (yours to free()). */
void *bx_calloc(size_t count, size_t size) __attribute__((malloc, returns_nonnull));

/* Aborts when there is none; count * size is checked for overflow. */
void *bx_realloc(void *ptr, size_t count, size_t size) __attribute__((returns_nonnull));

/* Copy of len bytes with a NUL behind; returns it (yours to free()). */
char *bx_strndup(const char *ptr, size_t len) __attribute__((returns_nonnull));

#define BX_NEW(type) ((type *)bx_calloc(1, sizeof(type)))

#define BX_CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
#define BX_LEN(array) (sizeof(array) / sizeof((array)[0]))

#endif
