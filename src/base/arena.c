#include "base/arena.h"

#include "base/err.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK_BYTES = 4096 - 32, DEFAULT_MAX = 16 << 20 };

struct bx_arena_chunk {
    struct bx_arena_chunk *next;
    size_t cap, len;
    _Alignas(max_align_t) unsigned char data[];
};

void bx_arena_init(struct bx_arena *a, size_t max_bytes)
{
    *a = (struct bx_arena){.max_bytes = max_bytes ? max_bytes : DEFAULT_MAX};
}

static void chunks_free(struct bx_arena_chunk *c)
{
    while (c) {
        struct bx_arena_chunk *next = c->next;
        free(c);
        c = next;
    }
}

void bx_arena_done(struct bx_arena *a)
{
    chunks_free(a->head);
    a->head = NULL;
    a->used = 0;
}

void bx_arena_reset(struct bx_arena *a)
{
    struct bx_arena_chunk *keep = a->head;
    if (keep && keep->cap == CHUNK_BYTES) {
        chunks_free(keep->next);
        keep->next = NULL;
        keep->len = 0;
        a->used = 0;
    } else {
        bx_arena_done(a);
    }
}

static void *chunk_take(struct bx_arena *a, size_t size)
{
    struct bx_arena_chunk *c = a->head;
    if (!c || c->cap - c->len < size) {
        size_t cap = size > CHUNK_BYTES ? size : CHUNK_BYTES;
        c = malloc(sizeof *c + cap);
        if (!c)
            return NULL;
        *c = (struct bx_arena_chunk){.next = a->head, .cap = cap};
        a->head = c;
    }
    void *ptr = c->data + c->len;
    c->len += size;
    a->used += size;
    return memset(ptr, 0, size);
}

static bool round_up(size_t *size)
{
    const size_t align = _Alignof(max_align_t);
    if (*size > SIZE_MAX / 2)
        return false;
    *size = (*size + align - 1) & ~(align - 1);
    return true;
}

void *bx_arena_alloc(struct bx_arena *a, size_t size)
{
    BX_ASSERT(round_up(&size));
    void *ptr = chunk_take(a, size);
    BX_ASSERT(ptr && "out of memory");
    return ptr;
}

void *bx_arena_try_alloc(struct bx_arena *a, size_t size)
{
    if (!round_up(&size) || size > a->max_bytes || a->used > a->max_bytes - size)
        return NULL;
    return chunk_take(a, size);
}

char *bx_arena_strndup(struct bx_arena *a, const char *ptr, size_t len)
{
    char *copy = bx_arena_alloc(a, len + 1);
    if (len)
        memcpy(copy, ptr, len);
    return copy;
}

struct bx_str bx_arena_str(struct bx_arena *a, struct bx_str s)
{
    return (struct bx_str){bx_arena_strndup(a, s.ptr, s.len), s.len};
}

char *bx_arena_try_strndup(struct bx_arena *a, const char *ptr, size_t len)
{
    char *copy = len < SIZE_MAX ? bx_arena_try_alloc(a, len + 1) : NULL;
    if (copy && len)
        memcpy(copy, ptr, len);
    return copy;
}

struct bx_str bx_arena_printf(struct bx_arena *a, const char *fmt, ...)
{
    va_list args, again;
    va_start(args, fmt);
    va_copy(again, args);
    int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    BX_ASSERT(n >= 0);
    char *text = bx_arena_alloc(a, (size_t)n + 1);
    vsnprintf(text, (size_t)n + 1, fmt, again);
    va_end(again);
    return (struct bx_str){text, (size_t)n};
}
