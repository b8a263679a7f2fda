#include "base/map.h"

#include "base/err.h"
#include "base/mem.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

static uint64_t key0, key1;

static void key_init(void)
{
    uint64_t seed[2];
    BX_ASSERT(getrandom(seed, sizeof seed, 0) == (ssize_t)sizeof seed);
    key0 = seed[0];
    key1 = seed[1];
}

static inline uint64_t rotl(uint64_t x, int b)
{
    return x << b | x >> (64 - b);
}

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotl(s->v1, 13) ^ s->v0;
    s->v0 = rotl(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotl(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotl(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotl(s->v1, 17) ^ s->v2;
    s->v2 = rotl(s->v2, 32);
}

uint64_t bx_siphash(const void *ptr, size_t len)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, key_init);
    const uint8_t *in = ptr;
    struct sip s = {key0 ^ 0x736f6d6570736575u, key1 ^ 0x646f72616e646f6du,
                    key0 ^ 0x6c7967656e657261u, key1 ^ 0x7465646279746573u};
    uint64_t last = (uint64_t)len << 56;
    size_t i = 0;
    for (; i + 8 <= len; i += 8) {
        uint64_t m;
        memcpy(&m, in + i, 8);
        s.v3 ^= m;
        sip_round(&s);
        s.v0 ^= m;
    }
    for (size_t j = 0; i + j < len; j++)
        last |= (uint64_t)in[i + j] << (8 * j);
    s.v3 ^= last;
    sip_round(&s);
    s.v0 ^= last;
    s.v2 ^= 0xff;
    sip_round(&s);
    sip_round(&s);
    sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

void bx_map_init(struct bx_map *m)
{
    *m = (struct bx_map){0};
}

void bx_map_done(struct bx_map *m)
{
    free(m->slots);
    *m = (struct bx_map){0};
}

static struct bx_map_slot *slot_find(const struct bx_map *m, struct bx_str key, uint32_t hash)
{
    uint32_t mask = m->cap - 1;
    for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
        struct bx_map_slot *slot = &m->slots[i];
        if (!slot->key)
            return slot;
        if (slot->hash == hash && bx_str_eq(bx_str_n(slot->key, slot->key_len), key))
            return slot;
    }
}

static void resize(struct bx_map *m, uint32_t cap)
{
    struct bx_map grown = {.slots = bx_calloc(cap, sizeof *grown.slots), .cap = cap};
    for (uint32_t i = 0; i < m->cap; i++) {
        struct bx_map_slot *old = &m->slots[i];
        if (old->key)
            *slot_find(&grown, bx_str_n(old->key, old->key_len), old->hash) = *old;
    }
    grown.count = m->count;
    free(m->slots);
    *m = grown;
}

void *bx_map_get(const struct bx_map *m, struct bx_str key)
{
    if (m->count == 0)
        return NULL;
    return slot_find(m, key, (uint32_t)bx_siphash(key.ptr, key.len))->value;
}

void *bx_map_put(struct bx_map *m, struct bx_str key, void *value)
{
    BX_ASSERT(value && key.len < UINT32_MAX);
    if ((m->count + 1) * 8 > (uint64_t)m->cap * 7)
        resize(m, m->cap ? m->cap * 2 : 8);
    uint32_t hash = (uint32_t)bx_siphash(key.ptr, key.len);
    struct bx_map_slot *slot = slot_find(m, key, hash);
    void *old = slot->value;
    if (!slot->key)
        m->count++;
    *slot = (struct bx_map_slot){key.ptr ? key.ptr : "", (uint32_t)key.len, hash, value};
    return old;
}

/* Backward-shift deletion: no tombstones, probes stay short. */
void *bx_map_del(struct bx_map *m, struct bx_str key)
{
    if (m->count == 0)
        return NULL;
    struct bx_map_slot *slot = slot_find(m, key, (uint32_t)bx_siphash(key.ptr, key.len));
    void *value = slot->value;
    if (!slot->key)
        return NULL;
    uint32_t mask = m->cap - 1, hole = (uint32_t)(slot - m->slots);
    for (uint32_t i = (hole + 1) & mask; m->slots[i].key; i = (i + 1) & mask) {
        uint32_t home = m->slots[i].hash & mask;
        if (((i - home) & mask) >= ((i - hole) & mask)) {
            m->slots[hole] = m->slots[i];
            hole = i;
        }
    }
    m->slots[hole] = (struct bx_map_slot){0};
    m->count--;
    if (m->cap > 64 && m->count < m->cap / 8)
        resize(m, m->cap / 2);
    return value;
}

bool bx_map_next(const struct bx_map *m, size_t *pos, void **out_value)
{
    for (; *pos < m->cap; (*pos)++) {
        if (m->slots[*pos].key) {
            *out_value = m->slots[(*pos)++].value;
            return true;
        }
    }
    return false;
}
