#include "wa/signal/skipped.h"

#include "base/err.h"
#include "crypto/hash.h"
#include "wa/proto/pb.h"
#include "wa/proto/session.pb-c.h"

/* Keys in a row; rows of a chain that are kept behind the one that is written (more than the 2000
 * keys that libomemo-c keeps). */
enum { ROW_KEYS = 64, ROWS_BEHIND = 64, KEYS_MAX = 4096 };

uint64_t wa_skipped_chain(struct bx_str name)
{
    uint8_t hash[CR_SHA256_SIZE];
    uint64_t id;
    /* A public key with or without the byte of its type. */
    cr_sha256(name.len > 32 ? bx_str_slice(name, name.len - 32, name.len) : name, hash);
    memcpy(&id, hash, sizeof id);
    return id | 1;
}

/* --- a record's chains, whatever its form --- */

struct chain {
    uint64_t id;
    size_t *count;
    Wap__SkippedKey ***keys;
};

struct record {
    ProtobufCMessage *message;
    struct chain chains[WA_SKIPPED_CHAINS];
    size_t count;
};

static void add(struct record *r, struct bx_str name, size_t *count, Wap__SkippedKey ***keys)
{
    if (r->count < WA_SKIPPED_CHAINS)
        r->chains[r->count++] = (struct chain){wa_skipped_chain(name), count, keys};
}

static void add_session(struct record *r, Wap__SkippedSession *s)
{
    for (size_t i = 0; s && i < s->n_chains; i++)
        add(r, wa_pb_str(s->chains[i]->ratchet_key), &s->chains[i]->n_keys, &s->chains[i]->keys);
}

static bool open_record(struct record *r, enum wa_skipped_form form, struct bx_str bytes,
                        struct bx_arena *arena)
{
    r->count = 0;
    if (form == WA_SKIPPED_SENDER) {
        Wap__SkippedSenderRecord *s;
        if (WA_PB_UNPACK(skipped_sender_record, bytes, arena, &s) < 0)
            return false;
        r->message = &s->base;
        for (size_t i = 0; i < s->n_senders; i++)
            add(r, bx_str_n(&s->senders[i]->id, sizeof s->senders[i]->id), &s->senders[i]->n_keys,
                &s->senders[i]->keys);
        return true;
    }
    Wap__SkippedRecord *s;
    if (WA_PB_UNPACK(skipped_record, bytes, arena, &s) < 0)
        return false;
    /* A peer makes as many sessions as it likes; messages under way are of the last ones. */
    if (s->n_previous > WA_SKIPPED_SESSIONS)
        s->n_previous = WA_SKIPPED_SESSIONS;
    r->message = &s->base;
    add_session(r, s->current);
    for (size_t i = 0; i < s->n_previous; i++)
        add_session(r, s->previous[i]);
    return true;
}

/* --- rows --- */

static struct bx_str row_name(struct bx_str key, uint64_t chain, uint32_t row,
                              struct bx_arena *arena)
{
    return bx_arena_printf(arena, "%.*s|%016llx|%08x", BX_STR_ARG(key), (unsigned long long)chain,
                           row);
}

/* Empty when there is none. */
static int row_get(const struct wa_keystore *ks, struct bx_str name, struct bx_arena *arena,
                   Wap__SkippedChain **out)
{
    struct bx_str value;
    *out = WA_PB_NEW(arena, Wap__SkippedChain, skipped_chain);
    int rc = ks->ops->get(ks->ctx, WA_KEY_SKIPPED, name, arena, &value);
    if (rc == BX_E_NOT_FOUND)
        return BX_OK;
    return rc < 0 ? rc : WA_PB_UNPACK(skipped_chain, value, arena, out);
}

static int row_put(const struct wa_keystore *ks, struct bx_str name, Wap__SkippedChain *row,
                   struct bx_arena *arena)
{
    return row->n_keys ? ks->ops->put(ks->ctx, WA_KEY_SKIPPED, name, wa_pb_pack(row, arena))
                       : ks->ops->del(ks->ctx, WA_KEY_SKIPPED, name);
}

static size_t place_of(const Wap__SkippedChain *row, uint32_t index)
{
    size_t at = 0;
    while (at < row->n_keys && row->keys[at]->index != index)
        at++;
    return at;
}

static Wap__SkippedKey **grown(Wap__SkippedKey **keys, size_t count, size_t more,
                               struct bx_arena *arena)
{
    Wap__SkippedKey **out = bx_arena_alloc(arena, (count + more) * sizeof(Wap__SkippedKey *));
    if (count)
        memcpy(out, keys, count * sizeof(Wap__SkippedKey *));
    return out;
}

/* --- load --- */

int wa_skipped_join(struct wa_skipped *k, const struct wa_keystore *ks, enum wa_skipped_form form,
                    struct bx_str key, struct bx_str record, struct bx_arena *arena,
                    struct bx_str *out)
{
    struct record r;
    Wap__SkippedChain *row;
    *out = record;
    k->is_joined = false;
    k->chain_count = 0;
    if (!open_record(&r, form, record, arena))
        return BX_OK;
    struct chain *wanted = NULL;
    for (size_t i = 0; i < r.count; i++) {
        k->chains[k->chain_count++] = r.chains[i].id;
        if (r.chains[i].id == k->chain)
            wanted = &r.chains[i];
    }
    if (!k->chain || !wanted)
        return BX_OK;
    int rc = row_get(ks, row_name(key, k->chain, k->index / ROW_KEYS, arena), arena, &row);
    size_t at = rc < 0 ? 0 : place_of(row, k->index);
    if (rc < 0 || at == row->n_keys)
        return rc;
    *wanted->keys = grown(*wanted->keys, *wanted->count, 1, arena);
    (*wanted->keys)[(*wanted->count)++] = row->keys[at];
    *out = wa_pb_pack(r.message, arena);
    k->is_joined = true;
    return BX_OK;
}

/* --- store --- */

/* Keys [from, to) of one chain, all of one row. */
static int keep(const struct wa_keystore *ks, struct bx_str key, const struct chain *c, size_t from,
                size_t to, struct bx_arena *arena)
{
    Wap__SkippedChain *row;
    uint32_t number = (*c->keys)[from]->index / ROW_KEYS;
    struct bx_str name = row_name(key, c->id, number, arena);
    int rc = row_get(ks, name, arena, &row);
    if (rc < 0)
        return rc;
    row->keys = grown(row->keys, row->n_keys, to - from, arena);
    for (size_t i = from; i < to; i++) {
        if (place_of(row, (*c->keys)[i]->index) == row->n_keys)
            row->keys[row->n_keys++] = (*c->keys)[i];
    }
    rc = row_put(ks, name, row, arena);
    if (rc >= 0 && number >= ROWS_BEHIND)
        rc = ks->ops->del(ks->ctx, WA_KEY_SKIPPED,
                          row_name(key, c->id, number - ROWS_BEHIND, arena));
    if (rc >= 0) /* a sender may announce ever earlier keys, too */
        rc = ks->ops->del(ks->ctx, WA_KEY_SKIPPED,
                          row_name(key, c->id, number + ROWS_BEHIND, arena));
    return rc;
}

static int keep_all(const struct wa_keystore *ks, struct bx_str key, const struct chain *c,
                    struct bx_arena *arena)
{
    int rc = BX_OK;
    size_t count = *c->count < KEYS_MAX ? *c->count : KEYS_MAX;
    for (size_t from = 0, to; rc >= 0 && from < count; from = to) {
        uint32_t number = (*c->keys)[from]->index / ROW_KEYS;
        to = from + 1;
        while (to < count && (*c->keys)[to]->index / ROW_KEYS == number)
            to++;
        rc = keep(ks, key, c, from, to, arena);
    }
    *c->count = 0;
    return rc;
}

/* The key put back: true and out of the record when it is still there. */
static bool is_left(const struct wa_skipped *k, struct chain *c)
{
    for (size_t i = 0; i < *c->count; i++) {
        if ((*c->keys)[i]->index == k->index) {
            (*c->keys)[i] = (*c->keys)[--*c->count];
            return true;
        }
    }
    return false;
}

static int drop_used(const struct wa_skipped *k, const struct wa_keystore *ks, struct bx_str key,
                     struct bx_arena *arena)
{
    Wap__SkippedChain *row;
    struct bx_str name = row_name(key, k->chain, k->index / ROW_KEYS, arena);
    int rc = row_get(ks, name, arena, &row);
    size_t at = rc < 0 ? 0 : place_of(row, k->index);
    if (rc < 0 || at == row->n_keys)
        return rc;
    row->keys[at] = row->keys[--row->n_keys];
    return row_put(ks, name, row, arena);
}

struct names {
    struct bx_arena *arena;
    struct bx_str *items;
    size_t count, cap;
};

static int on_name(void *arg, struct bx_str name, struct bx_str value)
{
    struct names *n = arg;
    (void)value;
    if (n->count == n->cap) {
        struct bx_str *items =
            bx_arena_alloc(n->arena, (n->cap ? 2 * n->cap : 16) * sizeof(struct bx_str));
        if (n->count)
            memcpy(items, n->items, n->count * sizeof(struct bx_str));
        n->cap = n->cap ? 2 * n->cap : 16;
        n->items = items;
    }
    n->items[n->count++] = bx_arena_str(n->arena, name);
    return BX_OK;
}

static int drop_chain(const struct wa_keystore *ks, struct bx_str prefix, struct bx_arena *arena)
{
    struct names names = {.arena = arena};
    int rc = ks->ops->each(ks->ctx, WA_KEY_SKIPPED, prefix, on_name, &names);
    for (size_t i = 0; rc >= 0 && i < names.count; i++)
        rc = ks->ops->del(ks->ctx, WA_KEY_SKIPPED, names.items[i]);
    return rc;
}

int wa_skipped_drop(const struct wa_keystore *ks, struct bx_str key)
{
    struct bx_arena arena;
    bx_arena_init(&arena, 0);
    int rc = drop_chain(ks, bx_arena_printf(&arena, "%.*s|", BX_STR_ARG(key)), &arena);
    bx_arena_done(&arena);
    return rc;
}

static bool has_chain(const struct record *r, uint64_t id)
{
    for (size_t i = 0; i < r->count; i++) {
        if (r->chains[i].id == id)
            return true;
    }
    return false;
}

int wa_skipped_split(struct wa_skipped *k, const struct wa_keystore *ks, enum wa_skipped_form form,
                     struct bx_str key, struct bx_str record, struct bx_arena *arena,
                     struct bx_str *out)
{
    struct record r;
    int rc = BX_OK;
    bool was_left = false;
    *out = record;
    if (!open_record(&r, form, record, arena))
        return BX_OK;
    for (size_t i = 0; rc >= 0 && i < r.count; i++) {
        if (k->is_joined && r.chains[i].id == k->chain)
            was_left = is_left(k, &r.chains[i]) || was_left;
        rc = keep_all(ks, key, &r.chains[i], arena);
    }
    if (rc >= 0 && k->is_joined && !was_left)
        rc = drop_used(k, ks, key, arena);
    for (size_t i = 0; rc >= 0 && i < k->chain_count; i++) {
        if (!has_chain(&r, k->chains[i]))
            rc = drop_chain(ks,
                            bx_arena_printf(arena, "%.*s|%016llx|", BX_STR_ARG(key),
                                            (unsigned long long)k->chains[i]),
                            arena);
    }
    *out = wa_pb_pack(r.message, arena);
    k->is_joined = false;
    return rc;
}
