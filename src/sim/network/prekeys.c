/* Key bundles: every one-time prekey is handed out once, in upload order. */
#include "sim/network/prekeys.h"
#include "base/err.h"
#include "base/mem.h"
#include "crypto/hash.h"
#include "sim/core/faults.h"
#include "sim/core/iq.h"
#include "sim/core/random.h"
#include "sim/core/save.h"
#include "sim/network/accounts.h"

#include <stdlib.h>

static size_t left(const struct sim_device *d)
{
    return d->prekey_count - d->prekey_first;
}

bool sim_prekey_take(struct sim_device *d, struct sim_prekey *out)
{
    if (sim_faults_of(d->account)->is_prekeys_exhausted) {
        d->account->sim->stats.prekeys_exhausted++;
        return false;
    }
    if (!left(d))
        return false;
    *out = d->prekeys[d->prekey_first++];
    d->account->sim->stats.prekeys_served++;
    return true;
}

static struct wa_node *add_key(struct bx_arena *arena, struct wa_node *parent, const char *tag,
                               struct bx_str id, struct bx_str value, struct bx_str signature)
{
    struct wa_node *key = wa_node_add(parent, wa_node_new(arena, tag));
    wa_node_bytes(wa_node_add(key, wa_node_new(arena, "id")), bx_arena_str(arena, id));
    wa_node_bytes(wa_node_add(key, wa_node_new(arena, "value")), bx_arena_str(arena, value));
    if (signature.len)
        wa_node_bytes(wa_node_add(key, wa_node_new(arena, "signature")),
                      bx_arena_str(arena, signature));
    return key;
}

static void add_head(struct bx_arena *arena, struct wa_node *n, struct bx_str registration,
                     struct bx_str identity)
{
    wa_node_bytes(wa_node_add(n, wa_node_new(arena, "registration")),
                  bx_arena_str(arena, registration));
    wa_node_bytes(wa_node_add(n, wa_node_new(arena, "type")), BX_STR("\x05"));
    wa_node_bytes(wa_node_add(n, wa_node_new(arena, "identity")), bx_arena_str(arena, identity));
}

static void be24(uint32_t v, uint8_t out[3])
{
    out[0] = (uint8_t)(v >> 16);
    out[1] = (uint8_t)(v >> 8);
    out[2] = (uint8_t)v;
}

/* The phone makes its one-time prekeys as they are asked for. */
static void phone_bundle(struct sim_account *a, struct bx_arena *arena, struct wa_node *n)
{
    uint8_t registration[4] = {0, 0, (uint8_t)(a->registration_id >> 8),
                               (uint8_t)a->registration_id},
            id[3];
    struct wa_prekey key;
    add_head(arena, n, bx_str_n(registration, 4), bx_str_n(a->key.pub, 32));
    be24(a->skey.id, id);
    add_key(arena, n, "skey", bx_str_n(id, 3), bx_str_n(a->skey.pub, 32),
            bx_str_n(a->skey.signature, 64));
    if (wa_prekeys_generate(a->signal, a->next_prekey, 1, &key) == BX_OK) {
        a->next_prekey = wa_prekey_next_id(a->next_prekey, 1);
        be24(key.id, id);
        add_key(arena, n, "key", bx_str_n(id, 3), bx_str_n(key.pub, 32), BX_STR(""));
    }
}

struct wa_node *sim_bundle_node(struct sim *sim, struct bx_arena *arena,
                                const struct sim_bundle_source *from, bool is_for_retry)
{
    struct sim_device *d = from->device;
    struct wa_node *n = wa_node_new(arena, is_for_retry ? "keys" : "user");
    struct sim_prekey key;
    (void)sim;
    if (!d) {
        phone_bundle(from->account, arena, n);
        return n;
    }
    add_head(arena, n, bx_str_n(d->registration, 4), bx_str_n(d->identity, 32));
    add_key(arena, n, "skey", bx_str_n(d->skey_id, 3), bx_str_n(d->skey_pub, 32),
            bx_str_n(d->skey_sig, 64));
    if (sim_prekey_take(d, &key))
        add_key(arena, n, "key", bx_str_n(key.id, 3), bx_str_n(key.pub, 32), BX_STR(""));
    if (d->adv_len)
        wa_node_bytes(wa_node_add(n, wa_node_new(arena, "device-identity")),
                      bx_arena_str(arena, bx_str_n(d->adv, d->adv_len)));
    return n;
}

void sim_on_prekey_count(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *child,
                         struct bx_arena *arena)
{
    (void)child;
    sim_iq_result(c, iq, WA_NODE(arena, "count", wa_num("value", (int64_t)left(c->device))));
}

/* The hash covers identity, signed prekey and the one-time keys that are left, so that a client
 * sees when the server lost some. */
void sim_on_prekey_digest(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *child,
                          struct bx_arena *arena)
{
    struct sim_device *d = c->device;
    struct wa_node *digest = wa_node_new(arena, "digest");
    struct bx_str *parts = bx_arena_alloc(arena, (left(d) + 3) * sizeof *parts);
    uint8_t hash[CR_SHA1_SIZE];
    size_t n = 0;
    (void)child;
    add_head(arena, digest, bx_str_n(d->registration, 4), bx_str_n(d->identity, 32));
    add_key(arena, digest, "skey", bx_str_n(d->skey_id, 3), bx_str_n(d->skey_pub, 32),
            bx_str_n(d->skey_sig, 64));
    struct wa_node *list = wa_node_add(digest, wa_node_new(arena, "list"));
    parts[n++] = bx_str_n(d->identity, 32);
    parts[n++] = bx_str_n(d->skey_pub, 32);
    parts[n++] = bx_str_n(d->skey_sig, 64);
    for (size_t i = d->prekey_first; i < d->prekey_count; i++) {
        wa_node_bytes(wa_node_add(list, wa_node_new(arena, "id")), bx_str_n(d->prekeys[i].id, 3));
        parts[n++] = bx_str_n(d->prekeys[i].pub, 32);
    }
    cr_sha1_v(parts, n, hash);
    wa_node_bytes(wa_node_add(digest, wa_node_new(arena, "hash")),
                  bx_arena_str(arena, bx_str_n(hash, sizeof hash)));
    sim_iq_result(c, iq, digest);
}

static struct wa_node *user_of(struct sim_conn *c, const struct wa_node *asked,
                               struct bx_arena *arena)
{
    struct wa_jid jid;
    int rc = wa_node_attr_jid(asked, "jid", &jid);
    struct sim_account *a = rc == BX_OK ? sim_account_find(c->sim, jid.user) : NULL;
    struct sim_device *d = a && jid.device ? sim_device_find(a, jid.device) : NULL;
    struct wa_node *user;
    if (!a || (jid.device && !d)) {
        user = wa_node_new(arena, "user");
        wa_node_add(
            user, WA_NODE(arena, "error", wa_lit("code", "404"), wa_lit("text", "item-not-found")));
    } else {
        user = sim_bundle_node(c->sim, arena, &(struct sim_bundle_source){a, d}, false);
    }
    wa_node_put(user, sim_echo("jid", wa_node_attr(asked, "jid")));
    wa_node_put(user, wa_num("t", sim_now_s()));
    return user;
}

void sim_on_prekey_fetch(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *child,
                         struct bx_arena *arena)
{
    struct wa_node *list = wa_node_new(arena, "list");
    WA_EACH_CHILD(child, "user", user)
    {
        wa_node_add(list, user_of(c, user, arena));
    }
    sim_iq_result(c, iq, list);
}

static void take_skey(struct sim_device *d, const struct wa_node *parent)
{
    const struct wa_node *skey = wa_node_child(parent, "skey");
    if (!skey)
        return;
    wa_node_data_exact(wa_node_child(skey, "id"), d->skey_id, 3);
    wa_node_data_exact(wa_node_child(skey, "value"), d->skey_pub, 32);
    wa_node_data_exact(wa_node_child(skey, "signature"), d->skey_sig, 64);
}

void sim_on_prekey_upload(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *child,
                          struct bx_arena *arena)
{
    struct sim_device *d = c->device;
    (void)child;
    (void)arena;
    if (!wa_node_child(iq, "list")) {
        sim_iq_error(c, iq, "400", "bad-request");
        return;
    }
    take_skey(d, iq);
    WA_EACH_CHILD(wa_node_child(iq, "list"), "key", key)
    {
        struct sim_prekey k;
        if (wa_node_data_exact(wa_node_child(key, "id"), k.id, 3) < 0 ||
            wa_node_data_exact(wa_node_child(key, "value"), k.pub, 32) < 0)
            continue;
        if (d->prekey_count == d->prekey_cap) {
            d->prekey_cap = d->prekey_cap ? d->prekey_cap * 2 : 64;
            d->prekeys = bx_realloc(d->prekeys, d->prekey_cap, sizeof d->prekeys[0]);
        }
        d->prekeys[d->prekey_count++] = k;
    }
    sim_iq_result(c, iq, NULL);
    if (!d->is_bootstrapped)
        d->account->sim->phone->bootstrap_later(d);
    sim_save_later(c->sim);
}

void sim_on_prekey_rotate(struct sim_conn *c, const struct wa_node *iq, const struct wa_node *child,
                          struct bx_arena *arena)
{
    (void)arena;
    take_skey(c->device, child);
    sim_iq_result(c, iq, NULL);
}
