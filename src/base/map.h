/* bx_map: hash map from byte strings to pointers, SipHash-1-3 with a per-process random key (a peer
 * cannot choose collisions). Open addressing, load at most 7/8. The map *keeps* the key bytes, it
 * does not copy them: they live in the value (a sid inside its session) and must outlive the entry.
 * Not thread safe.
 */
#ifndef BX_MAP_H
#define BX_MAP_H

#include "base/str.h"

#include <stddef.h>
#include <stdint.h>

struct bx_map_slot {
    const char *key; /* NULL: free */
    uint32_t key_len;
    uint32_t hash;
    void *value;
};

struct bx_map {
    struct bx_map_slot *slots;
    uint32_t count, cap; /* cap is 0 or a power of two */
};

void bx_map_init(struct bx_map *m);
void bx_map_done(struct bx_map *m); /* values are the caller's business */

/* NULL when absent. */
void *bx_map_get(const struct bx_map *m, struct bx_str key);

/* Inserts or replaces (key and value); returns the replaced value or NULL. value must not be NULL.
 */
void *bx_map_put(struct bx_map *m, struct bx_str key, void *value);

/* Returns the removed value or NULL. */
void *bx_map_del(struct bx_map *m, struct bx_str key);

/* Iteration: start with *pos = 0; false at the end. The map must not change meanwhile. */
bool bx_map_next(const struct bx_map *m, size_t *pos, void **out_value);

/* The keyed hash itself, for other tables. */
uint64_t bx_siphash(const void *ptr, size_t len);

#endif
