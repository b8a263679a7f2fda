#include "wa/keystore_memory.h"

#include "base/err.h"
#include "base/map.h"
#include "base/mem.h"

#include <stdlib.h>

struct entry {
    size_t key_len, value_len;
    char *value;
    char key[];
};

struct wa_keystore_memory {
    struct wa_keystore interface;
    struct bx_map kinds[WA_KEY_KINDS];
};

static struct bx_str entry_key(const struct entry *e)
{
    return bx_str_n(e->key, e->key_len);
}

static void entry_free(struct entry *e)
{
    if (!e)
        return;
    free(e->value);
    free(e);
}

static int mem_get(void *ctx, enum wa_key_kind kind, struct bx_str key, struct bx_arena *arena,
                   struct bx_str *out_value)
{
    struct wa_keystore_memory *m = ctx;
    const struct entry *e = bx_map_get(&m->kinds[kind], key);
    if (!e)
        return BX_E_NOT_FOUND;
    *out_value = bx_arena_str(arena, bx_str_n(e->value, e->value_len));
    return BX_OK;
}

static int mem_put(void *ctx, enum wa_key_kind kind, struct bx_str key, struct bx_str value)
{
    struct wa_keystore_memory *m = ctx;
    struct entry *e = bx_calloc(1, sizeof *e + key.len + 1);
    memcpy(e->key, key.ptr, key.len);
    e->key_len = key.len;
    e->value = bx_strndup(value.ptr, value.len);
    e->value_len = value.len;
    entry_free(bx_map_put(&m->kinds[kind], entry_key(e), e));
    return BX_OK;
}

static int mem_del(void *ctx, enum wa_key_kind kind, struct bx_str key)
{
    struct wa_keystore_memory *m = ctx;
    entry_free(bx_map_del(&m->kinds[kind], key));
    return BX_OK;
}

static int by_key(const void *a, const void *b)
{
    const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;
    size_t n = x->key_len < y->key_len ? x->key_len : y->key_len;
    int order = memcmp(x->key, y->key, n);
    return order ? order : x->key_len < y->key_len ? -1 : x->key_len > y->key_len;
}

static int mem_each(void *ctx, enum wa_key_kind kind, struct bx_str prefix,
                    int (*on_entry)(void *arg, struct bx_str key, struct bx_str value), void *arg)
{
    struct wa_keystore_memory *m = ctx;
    struct entry **found = bx_calloc(m->kinds[kind].count + 1, sizeof *found);
    size_t count = 0, pos = 0;
    void *value;
    while (bx_map_next(&m->kinds[kind], &pos, &value)) {
        struct entry *e = value;
        if (bx_str_starts(entry_key(e), prefix))
            found[count++] = e;
    }
    qsort(found, count, sizeof(struct entry *), by_key);
    int rc = BX_OK;
    for (size_t i = 0; i < count && rc == BX_OK; i++)
        rc = on_entry(arg, entry_key(found[i]), bx_str_n(found[i]->value, found[i]->value_len));
    free(found);
    return rc;
}

static int64_t mem_count(void *ctx, enum wa_key_kind kind)
{
    struct wa_keystore_memory *m = ctx;
    return m->kinds[kind].count;
}

static const struct wa_keystore_ops ops = {
    .get = mem_get, .put = mem_put, .del = mem_del, .each = mem_each, .count = mem_count};

struct wa_keystore_memory *wa_keystore_memory_new(void)
{
    struct wa_keystore_memory *m = BX_NEW(struct wa_keystore_memory);
    m->interface = (struct wa_keystore){.ops = &ops, .ctx = m};
    return m;
}

void wa_keystore_memory_free(struct wa_keystore_memory *m)
{
    if (!m)
        return;
    for (int kind = 0; kind < WA_KEY_KINDS; kind++) {
        size_t pos = 0;
        void *value;
        while (bx_map_next(&m->kinds[kind], &pos, &value))
            entry_free(value);
        bx_map_done(&m->kinds[kind]);
    }
    free(m);
}

const struct wa_keystore *wa_keystore_memory(struct wa_keystore_memory *m)
{
    return &m->interface;
}
