/* bx_arena: memory of one turn of work (a request, a stanza, a store job). Pieces are never freed
 * one by one; the whole arena is reset or released at the end of the turn. Not thread safe: one
 * owner at a time.
 */
#ifndef BX_ARENA_H
#define BX_ARENA_H

#include "base/str.h"

#include <stddef.h>

struct bx_arena_chunk;

struct bx_arena {
    struct bx_arena_chunk *head;
    size_t used;      /* bytes handed out since the last reset */
    size_t max_bytes; /* cap on `used` for bx_arena_try_alloc */
};

/* max_bytes caps what bx_arena_try_* hands out in total; 0 means 16 MiB. Allocates nothing yet. */
void bx_arena_init(struct bx_arena *a, size_t max_bytes);

/* Frees everything; the arena may be used again. */
void bx_arena_done(struct bx_arena *a);

/* Like _done, but keeps one chunk of ordinary size for the next turn. */
void bx_arena_reset(struct bx_arena *a);

/* Zeroed, aligned for any type, lives until reset. For sizes that we chose: aborts when memory is
 * out. */
void *bx_arena_alloc(struct bx_arena *a, size_t size) __attribute__((returns_nonnull));

/* For sizes that a peer chose: NULL when the cap is passed or memory is out. */
void *bx_arena_try_alloc(struct bx_arena *a, size_t size);

/* Copies with a NUL behind. _try_ returns NULL beyond the cap. */
char *bx_arena_strndup(struct bx_arena *a, const char *ptr, size_t len);
struct bx_str bx_arena_str(struct bx_arena *a, struct bx_str s);
char *bx_arena_try_strndup(struct bx_arena *a, const char *ptr, size_t len);

/* printf into the arena; returns the text, NUL behind it. */
struct bx_str bx_arena_printf(struct bx_arena *a, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

#define BX_ARENA_NEW(a, type) ((type *)bx_arena_alloc((a), sizeof(type)))

#endif
